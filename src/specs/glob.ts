/**
 * Globs over paths, matched on bytes: `*` is any number of bytes but no slash, `**` any number of bytes,
 * a `**` between slashes also none at all; `?` is one byte but no slash; `[a-z]` and `[!a-z]` are one
 * byte of a set, never a slash; `{a,b}` is one of several. A byte written `\xHH` is always itself.
 */
import { EscapeFault } from '../bytes/escape';

const SLASH = 0x2f;

/** No path of Linux is longer; it bounds the steps that a match takes, which grow with the square. */
const PATH_MAX = 4096;

/** Braces are written out before matching; this bounds what a few of them can become. */
const MAX_ALTERNATIVES = 1024;

/** What is wrong with a pattern. */
export class GlobFault extends Error {}

type Token =
  | { readonly kind: 'byte'; readonly byte: number }
  | { readonly kind: 'one'; readonly bytes: ReadonlySet<number> }
  /** Any number of bytes; `slashes`: slashes too; `folders`: none, or all up to and with a slash. */
  | { readonly kind: 'many'; readonly slashes: boolean; readonly folders: boolean };

/** Pattern characters, and bytes that are only themselves. */
type Unit = { readonly character: string } | { readonly byte: number };

/** A pattern, ready to be matched against many paths. */
export class Glob {
  private readonly alternatives: readonly (readonly Token[])[];

  /** Throws GlobFault, and EscapeFault for an escape that is none. */
  constructor(pattern: string) {
    this.alternatives = expandBraces(readUnits(pattern)).map(readTokens);
  }

  /** Whether the bytes `path[start, end)` match as a whole. */
  matches(path: Uint8Array, start: number, end: number): boolean {
    if (end - start > PATH_MAX) return false;
    return this.alternatives.some((tokens) => matchTokens(tokens, path, start, end));
  }
}

/**
 * On a mismatch only the last star and the last double star before it need another try: whatever an
 * earlier one could take, a later one of its kind can leave to it.
 */
function matchTokens(tokens: readonly Token[], path: Uint8Array, start: number, end: number): boolean {
  let at = start;
  let token = 0;
  let star = -1;
  let starAt = 0;
  let doubleStar = -1;
  let doubleStarAt = 0;
  for (;;) {
    const current = tokens[token];
    if (current?.kind === 'many') {
      if (current.slashes) {
        doubleStar = token;
        doubleStarAt = at;
        star = -1;
      } else {
        star = token;
        starAt = at;
      }
      token += 1;
    } else if (current === undefined ? at === end : at < end && accepts(current, path[at] as number)) {
      if (current === undefined) return true;
      token += 1;
      at += 1;
    } else if (star !== -1 && starAt < end && path[starAt] !== SLASH) {
      starAt += 1;
      at = starAt;
      token = star + 1;
    } else {
      doubleStarAt = doubleStar === -1 ? -1 : takeMore(tokens[doubleStar], path, doubleStarAt, end);
      if (doubleStarAt === -1) return false;
      at = doubleStarAt;
      token = doubleStar + 1;
      star = -1;
    }
  }
}

/** Where a double star that ended at `at` can end next; -1: nowhere. */
function takeMore(token: Token | undefined, path: Uint8Array, at: number, end: number): number {
  const folders = token?.kind === 'many' && token.folders;
  for (let next = at + 1; next <= end; next += 1) if (!folders || path[next - 1] === SLASH) return next;
  return -1;
}

function accepts(token: Token, byte: number): boolean {
  if (token.kind === 'byte') return token.byte === byte;
  return token.kind === 'one' && byte !== SLASH && token.bytes.has(byte);
}

function readUnits(pattern: string): Unit[] {
  const units: Unit[] = [];
  for (const [piece] of pattern.matchAll(/\\x.{0,2}|[*?[\]{},!-]|[^\\*?[\]{},!-]+|\\/gsu)) {
    if (piece.startsWith('\\x')) {
      if (!/^\\x[0-9a-fA-F]{2}$/.test(piece)) {
        throw new EscapeFault(`"${piece}" is not \\x and two hexadecimal digits`, 0);
      }
      units.push({ byte: Number.parseInt(piece.slice(2), 16) });
    } else if (/^[*?[\]{},!-]$/.test(piece)) units.push({ character: piece });
    else for (const byte of Buffer.from(piece, 'utf8')) units.push({ byte });
  }
  return units;
}

const isCharacter = (unit: Unit | undefined, character: string) =>
  unit !== undefined && 'character' in unit && unit.character === character;

/** Every pattern without braces that a pattern stands for. */
function expandBraces(units: readonly Unit[]): Unit[][] {
  const open = units.findIndex((unit, i) => isCharacter(unit, '{') && !isInSet(units, i));
  if (open === -1) return [[...units]];
  const choices: Unit[][] = [];
  let choice: Unit[] = [];
  let depth = 0;
  for (let i = open + 1; i < units.length; i += 1) {
    const unit = units[i] as Unit;
    if (isCharacter(unit, '{')) depth += 1;
    if (depth === 0 && (isCharacter(unit, ',') || isCharacter(unit, '}'))) {
      choices.push(choice);
      choice = [];
      if (isCharacter(unit, '}')) return combine(units.slice(0, open), choices, units.slice(i + 1));
    } else {
      if (isCharacter(unit, '}')) depth -= 1;
      choice.push(unit);
    }
  }
  throw new GlobFault('a { has no }');
}

function combine(before: readonly Unit[], choices: readonly Unit[][], after: readonly Unit[]): Unit[][] {
  const expanded: Unit[][] = [];
  for (const choice of choices) {
    expanded.push(...expandBraces([...before, ...choice, ...after]));
    if (expanded.length > MAX_ALTERNATIVES) {
      throw new GlobFault(`the braces stand for more than ${MAX_ALTERNATIVES} patterns`);
    }
  }
  return expanded;
}

/** Whether position i lies between a [ and its ]. */
function isInSet(units: readonly Unit[], i: number): boolean {
  for (let at = 0; at < i; at += 1) {
    if (!isCharacter(units[at], '[')) continue;
    const close = endOfSet(units, at);
    if (close > i) return true;
    if (close !== -1) at = close;
  }
  return false;
}

/** Where the set that begins at `open` has its ]; a ] right at its beginning is a member. -1: nowhere. */
function endOfSet(units: readonly Unit[], open: number): number {
  const first = isCharacter(units[open + 1], '!') ? open + 2 : open + 1;
  return units.findIndex((unit, i) => i > first && isCharacter(unit, ']'));
}

function readTokens(units: readonly Unit[]): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < units.length; ) {
    const unit = units[at] as Unit;
    if (isCharacter(unit, '*')) at = readStars(units, at, tokens);
    else if (isCharacter(unit, '[')) at = readSet(units, at, tokens);
    else {
      tokens.push(isCharacter(unit, '?') ? { kind: 'one', bytes: ALL_BYTES } : { kind: 'byte', byte: byteOf(unit) });
      at += 1;
    }
  }
  return tokens;
}

function readStars(units: readonly Unit[], start: number, tokens: Token[]): number {
  let at = start;
  while (isCharacter(units[at], '*')) at += 1;
  const slashes = at - start > 1;
  const folders = slashes && (start === 0 || isSlash(units[start - 1])) && isSlash(units[at]);
  tokens.push({ kind: 'many', slashes, folders });
  return folders ? at + 1 : at;
}

const isSlash = (unit: Unit | undefined) => unit !== undefined && byteOf(unit) === SLASH;

function readSet(units: readonly Unit[], open: number, tokens: Token[]): number {
  const close = endOfSet(units, open);
  if (close === -1) throw new GlobFault('a [ has no ]');
  const negated = isCharacter(units[open + 1], '!');
  const bytes = new Set<number>();
  for (let at = open + (negated ? 2 : 1); at < close; at += 1) {
    const from = byteOf(units[at] as Unit);
    const isRange = isCharacter(units[at + 1], '-') && at + 2 < close;
    const to = isRange ? byteOf(units[at + 2] as Unit) : from;
    if (to < from) throw new GlobFault('a range in [ ] goes backwards');
    for (let byte = from; byte <= to; byte += 1) bytes.add(byte);
    if (isRange) at += 2;
  }
  tokens.push({ kind: 'one', bytes: negated ? new Set([...ALL_BYTES].filter((byte) => !bytes.has(byte))) : bytes });
  return close + 1;
}

const ALL_BYTES: ReadonlySet<number> = new Set(Array.from({ length: 256 }, (_, byte) => byte));

function byteOf(unit: Unit): number {
  return 'byte' in unit ? unit.byte : unit.character.charCodeAt(0);
}
