/** Paths as bytes: names in a folder need not be UTF-8, and Node's path functions take only text. */
import path from 'node:path';

export function joinPath(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat([folder, Buffer.from('/'), name]);
}

/**
 * The text of a symbolic link that stands in `toFolder` and leads where `target` led in `fromFolder`.
 * Both folders are absolute and free of links. An absolute target stays as it is.
 */
export function retargetLink(target: Buffer, fromFolder: Buffer, toFolder: Buffer): Buffer {
  if (target[0] === '/'.charCodeAt(0) || fromFolder.equals(toFolder)) return target;
  // One character a byte, both ways: the path functions only look at slashes and dots.
  const from = fromFolder.toString('latin1');
  const to = toFolder.toString('latin1');
  // The target is not resolved by its text: a .. in it may come after a link.
  return Buffer.concat([Buffer.from(path.posix.relative(to, from), 'latin1'), Buffer.from('/'), target]);
}

/** The folder that an absolute path lies in, and the name there. */
export function splitPath(full: Buffer): [folder: Buffer, name: Buffer] {
  const slash = full.lastIndexOf('/');
  return [full.subarray(0, Math.max(1, slash)), full.subarray(slash + 1)];
}
