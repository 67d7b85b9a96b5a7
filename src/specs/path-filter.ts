import { EscapeFault, unescapeText } from '../bytes/escape';
import { GLOB_CHARACTER, splitDirectorySlash, withoutLeadingSlash } from '../checkpoint/key-text';
import { messages } from '../errors/messages';
import { Glob, GlobFault } from './glob';

/** Tells whether a filter names a path, which has no slash at its beginning or end. */
export type PathFilter = (path: Buffer, isDirectory: boolean) => boolean;

/**
 * Reads a path or a glob as a key of a spec has it. A slash at its end means that it names directories alone; without
 * one it names files as well. Throws FdgraftError.
 */
export function parsePathFilter(text: string): PathFilter {
  const { path: named, isDirectory: isForDirectories } = splitDirectorySlash(text);
  const matches = matcherOf(named, text);
  return (path, isDirectory) => (isDirectory || !isForDirectories) && matches(path);
}

function matcherOf(named: string, text: string): (path: Buffer) => boolean {
  try {
    if (GLOB_CHARACTER.test(named)) {
      const glob = new Glob(named.replace(/^\//, ''));
      return (path) => glob.matches(path, 0, path.length);
    }
    const wanted = withoutLeadingSlash(unescapeText(named));
    return (path) => path.equals(wanted);
  } catch (error) {
    if (!(error instanceof GlobFault || error instanceof EscapeFault)) throw error;
    throw messages.usage(
      `the path '${text}': ${error.message}`,
      'write a path or a glob as in fd[N]:KEY, a byte as \\xHH',
    );
  }
}
