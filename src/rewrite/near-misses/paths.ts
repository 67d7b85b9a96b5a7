import { posix } from 'node:path';
import { directoryKey, pathKey, startOfPath, withoutLeadingSlash } from '../../checkpoint/key-text';
import type { InheritSpec } from '../../specs/spec';
import type { Hinter, Known, SeenFile, SeenSocket } from './hinter';
import { ComparisonBudget, NearestPaths } from './nearest-paths';

/** Paths that differ in a few letters, or in their directory, and the same path with fewer slashes and dots. */
export function hintPaths({ key }: InheritSpec, { found }: Known, number: number): Hinter | undefined {
  if (key.kind !== 'path' || found.notOpen.some(({ specs }) => specs.includes(number))) return undefined;
  return new PathHinter(key.path, key.isDirectory);
}

class PathHinter implements Hinter {
  private readonly nearest: NearestPaths;
  private readonly normal: Buffer;
  /** Whether the path itself is that of a file, and whether the normal one is there. */
  private isFile = false;
  private hasNormal = false;

  constructor(
    private readonly wanted: Buffer,
    private readonly isDirectory: boolean,
  ) {
    this.nearest = new NearestPaths(wanted, new ComparisonBudget());
    this.normal = normalize(wanted);
  }

  seeFile({ bytes, start, end, isExternal, isDirectory }: SeenFile): void {
    if (isExternal) return;
    const from = startOfPath(bytes, start, end);
    if (isDirectory === this.isDirectory) {
      this.nearest.see(bytes, from, end);
      this.hasNormal ||= isSame(this.normal, bytes, from, end);
    } else if (!isDirectory) {
      this.isFile ||= isSame(this.normal, bytes, from, end);
    }
  }

  seeSocket({ path }: SeenSocket): void {
    if (path === undefined || this.isDirectory) return;
    const plain = withoutLeadingSlash(path);
    this.nearest.see(plain, 0, plain.length);
  }

  hints(): readonly string[] {
    if (this.isFile) return [`did you mean ${pathKey(this.normal)}? A slash at the end stands for a directory`];
    const keyOf = this.isDirectory ? directoryKey : pathKey;
    const near = this.hasNormal && !this.normal.equals(this.wanted) ? [this.normal] : [];
    near.push(...this.nearest.found().filter((path) => !near.some((known) => known.equals(path))));
    return near.map((path) => `did you mean ${keyOf(path)}?`);
  }
}

function isSame(path: Buffer, bytes: Uint8Array, start: number, end: number): boolean {
  return path.compare(bytes, start, end) === 0;
}

/** A path without the slashes around it, and without empty parts, `.` and `..`. */
function normalize(path: Buffer): Buffer {
  const normal = posix.normalize(`/${path.toString('latin1')}`);
  return Buffer.from(normal.replace(/^\/|\/$/g, ''), 'latin1');
}
