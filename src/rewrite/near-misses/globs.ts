import { unescapeText } from '../../bytes/escape';
import {
  directoryKey,
  pathKey,
  splitDirectorySlash,
  startOfPath,
  withoutLeadingSlash,
} from '../../checkpoint/key-text';
import { Glob, GlobFault } from '../../specs/glob';
import type { InheritSpec } from '../../specs/spec';
import type { Hinter, SeenFile } from './hinter';

/** Globs that lack the directories before a name, or mean directories, and paths that are read as globs. */
export function hintGlobs({ key, keyText }: InheritSpec): Hinter | undefined {
  return key.kind === 'glob' ? new GlobHinter(keyText) : undefined;
}

interface Other {
  readonly text: string;
  readonly why: string;
  readonly isDirectory: boolean;
  readonly glob: Glob;
}

const LONE_STAR = /(?<!\*)\*(?!\*)/g;
/** So many states of globs are gone through for one spec, which is enough for some 10,000 paths. */
const MAX_VISITS = 1 << 22;
const DEEPER = '* matches no slash, ** does';
const DIRECTORY = 'A slash at the end stands for a directory';

class GlobHinter implements Hinter {
  /** The nearest first. */
  private readonly others: readonly Other[];
  private best: number;
  /** The bytes of the key, all taken as they are. */
  private readonly literal: Buffer;
  private literalKey: string | undefined;

  constructor(text: string) {
    const { path, isDirectory } = splitDirectorySlash(text);
    const deeper = path.startsWith('/') ? `/**${path}` : `**/${path}`;
    const doubled = path.replace(LONE_STAR, '**');
    this.others = [
      other(path, !isDirectory, DIRECTORY),
      other(deeper, isDirectory, DEEPER),
      other(deeper, !isDirectory, `${DEEPER}. ${DIRECTORY}`),
      other(doubled, isDirectory, DEEPER),
    ].filter((made) => made !== undefined);
    this.best = this.others.length;
    this.literal = withoutLeadingSlash(unescapeText(path));
  }

  seeFile({ bytes, start, end, isExternal, isDirectory }: SeenFile): void {
    if (isExternal) return;
    const from = startOfPath(bytes, start, end);
    const { literal } = this;
    if (literal.compare(bytes, from, end) === 0) {
      this.literalKey = (isDirectory ? directoryKey : pathKey)(literal);
    }
    if (this.others.reduce((sum, { glob }) => sum + glob.visits, 0) > MAX_VISITS) return;
    const nearer = this.others.slice(0, this.best);
    const found = nearer.findIndex((one) => one.isDirectory === isDirectory && one.glob.matches(bytes, from, end));
    if (found >= 0) this.best = found;
  }

  hints(): readonly string[] {
    const { literalKey } = this;
    if (literalKey !== undefined) return [`did you mean ${literalKey}? With *, ?, [ or { a key is a glob`];
    const best = this.others[this.best];
    return best === undefined ? [] : [`did you mean ${best.text}? ${best.why}`];
  }
}

/** Undefined if it is too long, or has too many braces. */
function other(path: string, isDirectory: boolean, why: string): Other | undefined {
  try {
    const glob = new Glob(path.replace(/^\//, ''));
    return { text: isDirectory ? `${path}/` : path, why, isDirectory, glob };
  } catch (error) {
    if (error instanceof GlobFault) return undefined;
    throw error;
  }
}
