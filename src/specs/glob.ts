/**
 * Globs over paths, matched on bytes: `*` is any number of bytes but no slash, `**` any number of bytes,
 * a `**` between slashes also none at all; `?` is one byte but no slash; `[a-z]` and `[!a-z]` are one
 * byte of a set, never a slash; `{a,b}` is one of several. A byte written `\xHH` is always itself.
 */
import { readGlob, type Step } from './glob-pattern';

export { GlobFault } from './glob-pattern';

const SLASH = 0x2f;

/** No path of Linux is longer. What is longer matches nothing. */
const PATH_MAX = 4096;

/**
 * What stands before a step: a run of stars means what the whole of it and its neighbours say, and braces can be
 * anywhere in it. So each step is there once for each of these, and stars need not be put together beforehand.
 */
const BEFORE = {
  /** The beginning, or a slash. */
  slash: 0,
  /** Any other byte. */
  other: 1,
  /** One star: bytes but no slash. */
  star: 2,
  /** Stars: any bytes. */
  stars: 3,
  /** One star right behind a slash, taken for the first of a `**` that stands for nothing, its slash behind it too. */
  absentStar: 4,
  /** Stars so taken: only a slash may follow. */
  absentStars: 5,
} as const;
const KINDS = 6;

/** A pattern, ready to be matched against many paths. */
export class Glob {
  private readonly steps: readonly Step[];
  /** The bytes that every match begins with. */
  readonly prefix: Buffer;
  /** States, as step × KINDS + BEFORE, that the bytes read so far lead to, and those that one more byte leads to. */
  private current: Int32Array;
  private following: Int32Array;
  private count = 0;
  /** By state, the round that added it last. */
  private readonly addedIn: Uint32Array;
  private round = 0;
  private readonly waiting: number[] = [];
  /** How many states were looked at so far: what a match costs. */
  visits = 0;

  /** Throws GlobFault, and EscapeFault for an escape that is none. */
  constructor(pattern: string) {
    this.steps = readGlob(pattern);
    const firstOther = this.steps.findIndex(({ kind }) => kind !== 'byte');
    const literal = firstOther === -1 ? this.steps : this.steps.slice(0, firstOther);
    this.prefix = Buffer.from(literal.map((step) => (step as { byte: number }).byte));
    const states = (this.steps.length + 1) * KINDS;
    this.current = new Int32Array(states);
    this.following = new Int32Array(states);
    this.addedIn = new Uint32Array(states);
  }

  /**
   * Whether the bytes `path[start, end)` match as a whole. All ways through the pattern are followed at once: a byte
   * of the path costs at most the states of the pattern, whatever stars and braces there are.
   */
  matches(path: Uint8Array, start: number, end: number): boolean {
    const { prefix } = this;
    const { length } = prefix;
    if (end - start > PATH_MAX || end - start < length) return false;
    for (let i = 0; i < length; i += 1) if (path[start + i] !== prefix[i]) return false;
    this.begin(length);
    for (let at = start + length; at < end && this.count > 0; at += 1) this.advance(path[at] as number);
    const done = this.steps.length * KINDS;
    for (let kind = BEFORE.slash; kind <= BEFORE.stars; kind += 1) {
      if (this.addedIn[done + kind] === this.round) return true;
    }
    return false;
  }

  private begin(step: number): void {
    const isBehindSlash = step === 0 || this.prefix[step - 1] === SLASH;
    this.nextRound();
    this.add(step * KINDS + (isBehindSlash ? BEFORE.slash : BEFORE.other));
  }

  /** From all states to those that the byte leads to. */
  private advance(byte: number): void {
    const from = this.following;
    this.following = this.current;
    this.current = from;
    const { following, steps, count } = this;
    this.nextRound();
    for (let i = 0; i < count; i += 1) {
      const state = following[i] as number;
      const before = state % KINDS;
      if (before === BEFORE.stars || (before === BEFORE.star && byte !== SLASH)) this.add(state);
      const place = (state - before) / KINDS;
      const step = steps[place];
      const isTaken = step?.kind === 'byte' ? step.byte === byte : step?.kind === 'one' && step.bytes[byte] === 1;
      if (isTaken) this.add((place + 1) * KINDS + (byte === SLASH ? BEFORE.slash : BEFORE.other));
    }
  }

  /** Adds a state to `current`, and what it leads to without a byte. */
  private add(first: number): void {
    const { waiting, addedIn, round } = this;
    for (let state: number | undefined = first; state !== undefined; state = waiting.pop()) {
      if (addedIn[state] === round) continue;
      addedIn[state] = round;
      this.visits += 1;
      const before = state % KINDS;
      if (before <= BEFORE.stars) {
        this.current[this.count] = state;
        this.count += 1;
      }
      this.pass((state - before) / KINDS, before);
    }
  }

  /** Puts into `waiting` where a step leads without a byte. */
  private pass(place: number, before: number): void {
    const step = this.steps[place];
    if (step === undefined) return;
    if (step.kind === 'branch') for (const next of step.next) this.waiting.push(next * KINDS + before);
    else if (step.kind === 'star') this.passStar((place + 1) * KINDS, before);
    else if (before === BEFORE.absentStars && step.kind === 'byte' && step.byte === SLASH) {
      this.waiting.push((place + 1) * KINDS + BEFORE.slash);
    }
  }

  private passStar(next: number, before: number): void {
    const { waiting } = this;
    if (before === BEFORE.slash) waiting.push(next + BEFORE.star, next + BEFORE.absentStar);
    else if (before === BEFORE.other) waiting.push(next + BEFORE.star);
    else if (before <= BEFORE.stars) waiting.push(next + BEFORE.stars);
    else waiting.push(next + BEFORE.absentStars);
  }

  private nextRound(): void {
    if (this.round === 0xffff_ffff) {
      this.addedIn.fill(0);
      this.round = 0;
    }
    this.round += 1;
    this.count = 0;
  }
}
