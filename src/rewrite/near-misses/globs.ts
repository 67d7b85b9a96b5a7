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
import { type Hinter, MAX_HINTS, type SeenFile, type SeenSocket } from './hinter';

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
const DIRECTORY = 'A slash at the end stands for a directory';
/** So many states of globs are gone through for one spec, which is enough for some 10,000 paths. */
const MAX_VISITS = 1 << 22;

class GlobHinter implements Hinter {
  /** The nearest first. */
  private readonly others: readonly Other[];
  private best: number;
  /** The bytes of the key, all taken as they are. */
  private readonly literal: Buffer;
  private literalKey: string | undefined;
  /** The glob, below any directory if it names none. */
  private readonly below: Glob | undefined;
  /** The same of names that go on behind it. */
  private readonly beyond: Glob | undefined;
  private readonly globs: readonly Glob[];
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
    this.literal = withoutLeadingSlash(unescapeText(path));
    const anywhere = /^(?:\/|\*\*)/.test(path) ? path : deeper;
    this.below = isDirectory ? undefined : globOf(anywhere);
    this.beyond = isDirectory ? undefined : globOf(`${anywhere}*`);
    this.globs = [...this.others.map(({ glob }) => glob), this.below, this.beyond].filter((one) => one !== undefined);
  }

  seeFile({ bytes, start, end, isExternal, isDirectory }: SeenFile): void {
    if (isExternal) return;
    const from = startOfPath(bytes, start, end);
    const { literal, longer } = this;
    if (literal.compare(bytes, from, end) === 0) this.literalKey = (isDirectory ? directoryKey : pathKey)(literal);
    if (this.isSpent()) return;
    const nearer = this.others.slice(0, this.best);
    const found = nearer.findIndex((one) => one.isDirectory === isDirectory && one.glob.matches(bytes, from, end));
    if (found >= 0) this.best = found;
    if (isDirectory || longer.length === MAX_HINTS || !this.beyond?.matches(bytes, from, end)) return;
    longer.push(pathKey(bytes.subarray(from, end)));
  }

  seeSocket({ path }: SeenSocket): void {
    if (path === undefined || this.sockets.length === MAX_HINTS || this.isSpent()) return;
    const plain = withoutLeadingSlash(path);
    if (this.below?.matches(plain, 0, plain.length)) this.sockets.push(pathKey(plain));
  }

  private isSpent(): boolean {
    return this.globs.reduce((sum, { visits }) => sum + visits, 0) > MAX_VISITS;
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

function other(path: string, isDirectory: boolean, why: string): Other | undefined {
  const glob = globOf(path);
  return glob && { text: isDirectory ? `${path}/` : path, why, isDirectory, glob };
}

/** Undefined if it is too long, or has too many braces. */
function globOf(path: string): Glob | undefined {
  try {
    return new Glob(path.replace(/^\//, ''));
  } catch (error) {
    if (error instanceof GlobFault) return undefined;
    throw error;
  }
}
