/** Paths as bytes: names in a directory need not be UTF-8, and Node's path functions take only text. */
import path from 'node:path';

const LEADING_DOTS = /^(\.\.?)(?:\/+|$)/;

const SLASH = '/'.charCodeAt(0);

/** Without Buffer.concat, which costs several times as much: a checkpoint has thousands of names. */
export function joinPath(directory: Buffer, name: Buffer): Buffer {
  const joined = Buffer.allocUnsafe(directory.length + 1 + name.length);
  joined.set(directory);
  joined[directory.length] = SLASH;
  joined.set(name, directory.length + 1);
  return joined;
}

/**
 * The text of a symbolic link that stands in `toDirectory` and leads where `target` led in `fromDirectory`.
 * Both directories are absolute and free of links. An absolute target stays as it is.
 */
export function retargetLink(target: Buffer, fromDirectory: Buffer, toDirectory: Buffer): Buffer {
  if (target[0] === SLASH || fromDirectory.equals(toDirectory)) return target;
  // One character a byte, both ways: the path functions only look at slashes and dots.
  let from = fromDirectory.toString('latin1');
  let rest = target.toString('latin1');
  // Dots in front lead up through directories that are no links, and so need not be there for the link to work. Behind
  // a name they are not resolved by their text: that may be a link.
  for (let dots = LEADING_DOTS.exec(rest); dots !== null; dots = LEADING_DOTS.exec(rest)) {
    if (dots[1] === '..') from = path.posix.dirname(from);
    rest = rest.slice(dots[0].length);
  }
  const between = path.posix.relative(toDirectory.toString('latin1'), from);
  return Buffer.from([between, rest].filter((part) => part !== '').join('/') || '.', 'latin1');
}

/**
 * The text of a symbolic link in `directory` that leads to `target`; both are absolute and free of links. From a
 * directory that is held open it leads there from any root: a task of CRIU that has its own mounts opens images like
 * that (tried: an absolute link leads into the root of the task, "No pagemap-1.img image").
 */
export function relativeLink(directory: Buffer, target: Buffer): Buffer {
  return Buffer.from(path.posix.relative(directory.toString('latin1'), target.toString('latin1')), 'latin1');
}

/** The directory that an absolute path lies in, and the name there. */
export function splitPath(full: Buffer): [directory: Buffer, name: Buffer] {
  const slash = full.lastIndexOf('/');
  return [full.subarray(0, Math.max(1, slash)), full.subarray(slash + 1)];
}
