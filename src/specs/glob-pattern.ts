import { EscapeFault } from '../bytes/escape';

/** A path has no more bytes; a pattern that needs more can be several. It bounds the work of every match. */
const GLOB_MAX_BYTES = 4096;
/** Braces in braces in braces; far above what anyone reads. */
const GLOB_MAX_DEPTH = 32;
/** What the braces of one pattern can stand for. They are counted, not written out. */
const GLOB_MAX_ALTERNATIVES = 1024;

/** What is wrong with a pattern. */
export class GlobFault extends Error {}

/** One step of a pattern. A step without `next` leads to the step behind it. */
export type Step =
  | { readonly kind: 'byte'; readonly byte: number }
  /** One byte of several; by byte, 1 for those. */
  | { readonly kind: 'one'; readonly bytes: Uint8Array }
  /** One of the stars of a run. */
  | { readonly kind: 'star' }
  /** On to any of these steps, without a byte. */
  | { readonly kind: 'branch'; readonly next: readonly number[] };

/** Pattern characters, and bytes that are only themselves. */
type Unit = { readonly character: string } | { readonly byte: number };

const SLASH = 0x2f;

/** The steps of a pattern; who is past the last one is through. Throws GlobFault, and EscapeFault for an escape that is none. */
export function readGlob(pattern: string): readonly Step[] {
  const bytes = Buffer.byteLength(pattern);
  if (bytes > GLOB_MAX_BYTES) {
    throw new GlobFault(`the glob has ${bytes} bytes, more than the ${GLOB_MAX_BYTES} that one can have`);
  }
  return new Reader(readUnits(pattern)).read();
}

class Reader {
  private readonly steps: Step[] = [];
  private at = 0;

  constructor(private readonly units: readonly Unit[]) {}

  read(): readonly Step[] {
    this.readSequence(0);
    return this.steps;
  }

  /** Reads up to the end, or to the `,` or `}` that ends a choice. Returns how many patterns without braces it stands for. */
  private readSequence(depth: number): number {
    let alternatives = 1;
    while (this.at < this.units.length) {
      const unit = this.units[this.at] as Unit;
      if (depth > 0 && (isCharacter(unit, ',') || isCharacter(unit, '}'))) return alternatives;
      if (isCharacter(unit, '{')) alternatives = limited(alternatives * this.readBraces(depth + 1));
      else this.readUnit(unit);
    }
    if (depth > 0) throw new GlobFault('a { has no }');
    return alternatives;
  }

  private readBraces(depth: number): number {
    if (depth > GLOB_MAX_DEPTH) throw new GlobFault(`braces are nested deeper than ${GLOB_MAX_DEPTH}`);
    const choices: number[] = [];
    const ends: number[] = [];
    const start = this.reserve();
    let alternatives = 0;
    let isLast = false;
    while (!isLast) {
      this.at += 1;
      choices.push(this.steps.length);
      alternatives = limited(alternatives + this.readSequence(depth));
      ends.push(this.reserve());
      isLast = isCharacter(this.units[this.at], '}');
    }
    this.at += 1;
    this.steps[start] = { kind: 'branch', next: choices };
    for (const end of ends) this.steps[end] = { kind: 'branch', next: [this.steps.length] };
    return alternatives;
  }

  private reserve(): number {
    return this.steps.push({ kind: 'branch', next: [] }) - 1;
  }

  private readUnit(unit: Unit): void {
    if (isCharacter(unit, '[')) {
      this.readSet();
      return;
    }
    if (isCharacter(unit, '*')) this.steps.push({ kind: 'star' });
    else if (isCharacter(unit, '?')) this.steps.push({ kind: 'one', bytes: NOT_SLASH });
    else this.steps.push({ kind: 'byte', byte: byteOf(unit) });
    this.at += 1;
  }

  private readSet(): void {
    const { units, at: open } = this;
    const close = endOfSet(units, open);
    if (close === -1) throw new GlobFault('a [ has no ]');
    const negated = isCharacter(units[open + 1], '!');
    const bytes = new Uint8Array(256);
    for (let at = open + (negated ? 2 : 1); at < close; at += 1) {
      const from = byteOf(units[at] as Unit);
      const isRange = isCharacter(units[at + 1], '-') && at + 2 < close;
      const to = isRange ? byteOf(units[at + 2] as Unit) : from;
      if (to < from) throw new GlobFault('a range in [ ] goes backwards');
      bytes.fill(1, from, to + 1);
      if (isRange) at += 2;
    }
    const chosen = negated ? bytes.map((is) => 1 - is) : bytes;
    chosen[SLASH] = 0;
    this.steps.push({ kind: 'one', bytes: chosen });
    this.at = close + 1;
  }
}

function limited(alternatives: number): number {
  if (alternatives <= GLOB_MAX_ALTERNATIVES) return alternatives;
  throw new GlobFault(`the braces stand for more than ${GLOB_MAX_ALTERNATIVES} patterns`);
}

function readUnits(pattern: string): Unit[] {
  const units: Unit[] = [];
  for (const [piece] of pattern.matchAll(/\\x.{0,2}|[*?[\]{},!-]|[^\\*?[\]{},!-]+|\\/gsu)) {
    if (piece.startsWith('\\x')) {
      if (!/^\\x[0-9a-fA-F]{2}$/.test(piece)) throw new EscapeFault(piece);
      units.push({ byte: Number.parseInt(piece.slice(2), 16) });
    } else if (/^[*?[\]{},!-]$/.test(piece)) units.push({ character: piece });
    else for (const byte of Buffer.from(piece)) units.push({ byte });
  }
  return units;
}

const isCharacter = (unit: Unit | undefined, character: string) =>
  unit !== undefined && 'character' in unit && unit.character === character;

/** Where the set that begins at `open` has its ]; a ] right at its beginning is a member. -1: nowhere. */
function endOfSet(units: readonly Unit[], open: number): number {
  const first = isCharacter(units[open + 1], '!') ? open + 2 : open + 1;
  for (let at = first + 1; at < units.length; at += 1) if (isCharacter(units[at], ']')) return at;
  return -1;
}

const NOT_SLASH = new Uint8Array(256).fill(1);
NOT_SLASH[SLASH] = 0;

function byteOf(unit: Unit): number {
  return 'byte' in unit ? unit.byte : unit.character.charCodeAt(0);
}
