/** A path with one of these is a glob. */
export const GLOB_CHARACTER = /[*?[{]/;

/** Paths are compared without it: CRIU's own keys lack it. CRIU writes the root directory as a dot. */
export function withoutLeadingSlash(path: Buffer): Buffer {
  if (path.length === 1 && (path[0] === 0x2f || path[0] === 0x2e)) return Buffer.alloc(0);
  return path[0] === 0x2f ? path.subarray(1) : path;
}
