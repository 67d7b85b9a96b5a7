import { EscapeFault, unescapeText } from '../../bytes/escape';
import {
  directoryKey,
  pathKey,
  splitDirectorySlash,
  startOfPath,
  withoutLeadingSlash,
} from '../../checkpoint/key-text';
import { Glob, GlobFault } from '../../specs/glob';
import type { InheritSpec } from '../../specs/spec';
import type { Hinter, SeenFile, SeenSocket } from './hinter';

/**
 * Globs that lack the directories before a name, mean directories or sockets, or name a file that was rotated, and paths
 * that are read as globs.
 */
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
const DEEPER = '* matches no slash, ** does';
/** Later ones are no nearer. */
const MAX_LONGER = 3;
const DIRECTORY = 'A slash at the end stands for a directory';

class GlobHinter implements Hinter {
  /** The nearest first. */
  private readonly others: readonly Other[];
  private best: number;
  /** The bytes of the key, all taken as they are. */
  private readonly literal: Buffer | undefined;
  private literalKey: string | undefined;
  /** The glob, below any directory if it names none. */
  private readonly below: Glob | undefined;
  /** The same of names that go on behind it. */
  private readonly beyond: Glob | undefined;
  private readonly sockets: string[] = [];
  private readonly longer: string[] = [];

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
    this.literal = literalOf(path);
    const anywhere = /^(?:\/|\*\*)/.test(path) ? path : deeper;
    this.below = isDirectory ? undefined : other(anywhere, false, '')?.glob;
    // A glob that ends in a star would have matched.
    this.beyond = isDirectory || path.endsWith('*') ? undefined : other(`${anywhere}*`, false, '')?.glob;
  }

  seeFile({ bytes, start, end, isExternal, isDirectory }: SeenFile): void {
    if (isExternal) return;
    const from = startOfPath(bytes, start, end);
    const { literal } = this;
    if (literal?.length === end - from && literal.compare(bytes, from, end) === 0) {
      this.literalKey = (isDirectory ? directoryKey : pathKey)(literal);
    }
    const nearer = this.others.slice(0, this.best);
    const found = nearer.findIndex((one) => one.isDirectory === isDirectory && one.glob.matches(bytes, from, end));
    if (found >= 0) this.best = found;
    if (isDirectory || this.longer.length === MAX_LONGER || !this.beyond?.matches(bytes, from, end)) return;
    this.longer.push(pathKey(Buffer.from(bytes.subarray(from, end))));
  }

  seeSocket({ path }: SeenSocket): void {
    if (path === undefined || this.sockets.length === MAX_LONGER) return;
    const plain = withoutLeadingSlash(path);
    if (this.below?.matches(plain, 0, plain.length)) this.sockets.push(pathKey(plain));
  }

  hints(): readonly string[] {
    const { literalKey } = this;
    if (literalKey !== undefined) return [`did you mean ${literalKey}? With *, ?, [ or { a key is a glob`];
    const best = this.others[this.best];
    if (best !== undefined) return [`did you mean ${best.text}? ${best.why}`];
    return [
      ...this.sockets.map((key) => `did you mean ${key}? A glob matches no socket`),
      ...this.longer.map((key) => `did you mean ${key}? Its name goes on behind the glob`),
    ];
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

function literalOf(path: string): Buffer | undefined {
  try {
    return withoutLeadingSlash(unescapeText(path));
  } catch (error) {
    if (error instanceof EscapeFault) return undefined;
    throw error;
  }
}
