import { EscapeFault, unescapeText } from '../bytes/escape';
import { GLOB_CHARACTER, withoutLeadingSlash } from '../checkpoint/key-text';
import { messages } from '../errors/messages';
import { Glob, GlobFault } from './glob';

/** Tells whether a path, without its leading slash, is one that `text` names: as the keys of specs do. Throws FdgraftError. */
export function parsePathFilter(text: string): (path: Buffer) => boolean {
  try {
    if (!GLOB_CHARACTER.test(text)) {
      const wanted = withoutLeadingSlash(unescapeText(text));
      const directory = Buffer.concat([wanted, Buffer.from('/')]);
      return (path) => path.equals(wanted) || path.equals(directory);
    }
    const glob = new Glob(text.replace(/^\//, ''));
    return (path) => glob.matches(path, 0, path.length);
  } catch (error) {
    if (!(error instanceof GlobFault || error instanceof EscapeFault)) throw error;
    throw messages.usage(
      `the path '${text}': ${error.message}`,
      'write a path or a glob as in fd[N]:KEY, a byte as \\xHH',
    );
  }
}
