import { messages } from '../errors/messages';
import { shortenText } from '../errors/shorten';

/** Linux takes no longer path. */
const MAX_BYTES = 4096;
const MAX_DEPTH = 32;
/** Patterns that the braces of one can stand for; each is matched on its own. micromatch writes out no longer range. */
const MAX_ALTERNATIVES = 1000;
/**
 * fast-glob and micromatch match by regular expressions, which try all ways to divide a name among its stars. Names of
 * 255 bytes can so cost a tenth of a second with three stars, and minutes with five.
 */
const MAX_STARS = 3;
/** The same for paths. One at the end costs nothing. */
const MAX_DOUBLE_STARS = 2;

/** Writes braces out, as those who match do. */
export type WriteOut = (pattern: string) => readonly string[];

/** Refuses a pattern that could take very long to match. `word`: as it was given. Throws FdgraftError. */
export function checkPattern(word: string, pattern: string, writeOut: WriteOut): void {
  const refuse = (problem: string, hint: string) => {
    throw messages.patternTooCostly(shortenText(word), problem, hint);
  };
  const bytes = Buffer.byteLength(pattern);
  if (bytes > MAX_BYTES) refuse(`it has ${bytes} bytes, more than ${MAX_BYTES}`, 'give several shorter patterns');
  const counter = new BraceCounter(pattern);
  const alternatives = counter.count();
  if (counter.deepest > MAX_DEPTH) {
    refuse(`its braces are nested deeper than ${MAX_DEPTH}`, 'give several patterns with fewer braces');
  }
  if (alternatives > MAX_ALTERNATIVES) {
    refuse(`its braces stand for more than ${MAX_ALTERNATIVES} patterns`, 'write * for some of the braces');
  }
  if (counter.hasOddRange) refuse('it has .. in braces that are no range', ODD_RANGE_HINT);
  let written: readonly string[] = [pattern];
  try {
    if (pattern.includes('{')) written = writeOut(pattern);
  } catch {
    // micromatch has no errors of its own for braces that it cannot read.
    refuse('its braces cannot be read', 'put a backslash before each brace that stands for itself');
  }
  for (const one of written) {
    const parts = one.replace(/\\.|\[[^\]]*\]/gs, '').split('/');
    const doubles = parts.filter((part, i) => part.includes('**') && i < parts.length - 1).length;
    if (doubles > MAX_DOUBLE_STARS) {
      refuse(
        `it has more than ${MAX_DOUBLE_STARS} times ** before its end`,
        'write the directories between them, or *',
      );
    }
    if (parts.some((part) => countStars(part) > MAX_STARS)) {
      refuse(`a name in it has more than ${MAX_STARS} times *`, 'write one * for several');
    }
  }
}

/** Stars in a row are one; an extglob that repeats counts as one, too. */
function countStars(part: string): number {
  return part.match(/\*+|\+\(|!\(/g)?.length ?? 0;
}

/** Counts what braces stand for without writing it out: {a,b}, {1..9}, {a..z..2}, one in the other. */
class BraceCounter {
  deepest = 0;
  /** Braces with .. that are neither a plain range nor a list: what they stand for is micromatch's guess. */
  hasOddRange = false;
  private at = 0;
  /** The choice that is read has .. outside of braces of its own. */
  private hasDots = false;

  constructor(private readonly pattern: string) {}

  /** Infinity where it is past all bounds. */
  count(): number {
    return this.sequence(0);
  }

  private sequence(depth: number): number {
    let product = 1;
    for (; this.at < this.pattern.length; this.at += 1) {
      const character = this.pattern[this.at];
      if (character === '\\') this.at += 1;
      else if (depth > 0 && (character === ',' || character === '}')) break;
      else if (depth > 0 && this.pattern.startsWith('..', this.at)) this.hasDots = true;
      else if (character === '{') product *= this.braces(depth + 1);
    }
    return product;
  }

  /** Ends on the closing brace, or at the end of the pattern. */
  private braces(depth: number): number {
    this.deepest = Math.max(this.deepest, depth);
    if (depth > MAX_DEPTH) {
      this.at = this.pattern.length;
      return 1;
    }
    RANGE.lastIndex = this.at;
    const range = RANGE.exec(this.pattern);
    if (range !== null) {
      this.at += range[0].length - 1;
      return lengthOfRange(range[1] as string, range[2] as string);
    }
    let sum = 0;
    let product = 1;
    let choices = 0;
    let hasDots = false;
    const outer = this.hasDots;
    do {
      this.at += 1;
      this.hasDots = false;
      const count = this.sequence(depth);
      sum += count;
      product *= count;
      choices += 1;
      hasDots ||= this.hasDots;
    } while (this.pattern[this.at] === ',');
    this.hasOddRange ||= hasDots && choices === 1;
    this.hasDots = outer;
    // A brace that is not closed stands for itself, and so do its commas.
    return this.pattern[this.at] === '}' ? sum : product;
  }
}

const ODD_RANGE_HINT = 'write a range as {FIRST..LAST}, of two numbers or two letters';
/** Ends have no character that means something to micromatch. */
const RANGE = /\{([-+]?\w+(?:\.\w+)?)\.\.([-+]?\w+(?:\.\w+)?)(?:\.\.-?\d+)?\}/y;

/** micromatch reads numbers as JavaScript does, 1e9 and 0x10 too. A step only makes fewer of them, so it does not count. */
function lengthOfRange(from: string, to: string): number {
  const ends = [from, to].map(Number);
  const [first, last] = ends.every(Number.isInteger) ? ends : [from, to].map((end) => end.codePointAt(0) ?? 0);
  return Math.abs((last as number) - (first as number)) + 1;
}
