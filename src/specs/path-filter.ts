import { EscapeFault, unescapeText } from '../bytes/escape';
import { GLOB_CHARACTER, splitDirectorySlash, withoutLeadingSlash } from '../checkpoint/key-text';
import { messages } from '../errors/messages';
import { Glob, GlobFault } from './glob';

/** Tells whether a filter names a path, which has no slash at its beginning or end. */
export type PathFilter = (path: Buffer, isDirectory: boolean) => boolean;

const SLASH = Buffer.from('/');

/**
 * Reads a path or a glob. A path is compared as keys of specs are, so with a slash at its end it names a directory
 * alone. A glob that ends in a slash does, too. Throws FdgraftError.
 */
export function parsePathFilter(text: string): PathFilter {
  try {
    if (!GLOB_CHARACTER.test(text)) {
      const { path: named, isDirectory: isForDirectories } = splitDirectorySlash(text);
      const wanted = withoutLeadingSlash(unescapeText(named));
      return (path, isDirectory) => path.equals(wanted) && (isDirectory || !isForDirectories);
    }
    const glob = new Glob(text.replace(/^\//, ''));
    const matches = (path: Buffer) => glob.matches(path, 0, path.length);
    return (path, isDirectory) => matches(path) || (isDirectory && matches(Buffer.concat([path, SLASH])));
  } catch (error) {
    if (!(error instanceof GlobFault || error instanceof EscapeFault)) throw error;
    throw messages.usage(
      `the path '${text}': ${error.message}`,
      'write a path or a glob as in fd[N]:KEY, a byte as \\xHH',
    );
  }
}
