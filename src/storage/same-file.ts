import fs from 'node:fs';
import type { SourceMember } from './source';

/** True where two members are one file, by a link of either kind: it need not be read to know that it is the same. */
export function areOneFile(a: SourceMember, b: SourceMember): boolean {
  if (a.file === undefined || b.file === undefined) return false;
  const [x, y] = [identity(a.file.path), identity(b.file.path)];
  return x !== undefined && x === y;
}

function identity(path: Buffer): string | undefined {
  const stats = fs.statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats?.isFile() ? `${stats.dev}:${stats.ino}` : undefined;
}
