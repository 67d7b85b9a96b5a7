import fs from 'node:fs';
import type { SourceMember } from './source';

/** True where two members are one file, by a link of either kind: it need not be read to know that it is the same. */
export function areOneFile(a: SourceMember, b: SourceMember): boolean {
  if (a.file === undefined || b.file === undefined) return false;
  const [x, y] = [identity(a.file.path), identity(b.file.path)];
  return x !== undefined && x === y;
}

/** Undefined for what is no file, or cannot be looked at: to read it tells why. */
function identity(path: Buffer): string | undefined {
  try {
    const stats = fs.statSync(path, { bigint: true });
    return stats.isFile() ? `${stats.dev}:${stats.ino}` : undefined;
  } catch {
    return undefined;
  }
}
