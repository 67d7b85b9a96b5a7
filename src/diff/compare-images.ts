import { createHash } from 'node:crypto';
import type { ByteReader } from '../bytes/byte-stream';
import { encodeUint32 } from '../bytes/little-endian';
import { sameBytes } from '../bytes/same-bytes';
import { locate } from '../errors/locate';
import { messages } from '../errors/messages';
import { WireFault } from '../errors/wire-fault';
import type { Magics } from '../frames/record-reader';
import { compareMessages, messageText, nameOf } from './compare-messages';
import type { Difference, Digest, EntryDifference, Sides } from './difference';
import { copied, type Entry, ImageEntries } from './image-entries';
import { ValueText } from './value-text';

/** An image of one of the two checkpoints. */
export interface ImageInput {
  readonly reader: ByteReader;
  /** How messages name it. */
  readonly file: string;
}

export interface CompareOptions {
  /** Buffers and payload are shown, not only digested. */
  readonly showsBytes?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Gives what differs between two images, entry by entry, paired by what they are. Equal ones cost little memory.
 */
export async function* compareImages(
  image: string,
  before: ImageInput,
  after: ImageInput,
  { showsBytes = false, signal }: CompareOptions = {},
): AsyncGenerator<Difference, void, undefined> {
  const [a, b] = [
    await ImageEntries.open(before.reader, before.file, showsBytes),
    await ImageEntries.open(after.reader, after.file, showsBytes),
  ];
  try {
    if (a.kind !== b.kind) throw messages.kindsDiffer(before.file, a.kind.name, after.file, b.kind.name);
    const heads = sidesOf(digestOfHead(a.magics), digestOfHead(b.magics));
    if (heads !== undefined) yield { what: 'head', image, sides: heads };
    yield* new Pairing(image, before.file, after.file, new ValueText(showsBytes), signal).run(a, b);
    const tails = sidesOf(await a.tail(), await b.tail());
    if (tails !== undefined) yield { what: 'tail', image, sides: tails };
  } finally {
    a.release();
    b.release();
  }
}

/** Both sides where they differ. */
export function sidesOf(before: Digest | undefined, after: Digest | undefined): Sides | undefined {
  if (before?.sha256 === after?.sha256 && before?.bytes === after?.bytes) return undefined;
  return { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
}

function digestOfHead({ first, own }: Magics): Digest {
  const head = Buffer.concat([...(first === undefined ? [] : [encodeUint32(first)]), encodeUint32(own)]);
  return { bytes: head.length, sha256: createHash('sha256').update(head).digest('hex') };
}

type Side = 'before' | 'after';

/** Entries of two images as they come, each kept until the other image has the one of the same name. */
class Pairing {
  private readonly waiting = { before: new Map<string, Entry>(), after: new Map<string, Entry>() };
  /** How often a name has come, on each side. */
  private readonly repeated = { before: new Map<string, number>(), after: new Map<string, number>() };
  /** Where entries stand on both sides, for those that were not passed over in one row. */
  private readonly places: [before: number, after: number][] = [];

  constructor(
    private readonly image: string,
    private readonly fileBefore: string,
    private readonly fileAfter: string,
    private readonly text: ValueText,
    private readonly signal: AbortSignal | undefined,
  ) {}

  async *run(a: ImageEntries, b: ImageEntries): AsyncGenerator<Difference, void, undefined> {
    for (;;) {
      const isIdle = this.waiting.before.size === 0 && this.waiting.after.size === 0;
      this.signal?.throwIfAborted();
      if (isIdle) a.skipSame(b);
      const x = a.take() ?? ((await a.fill()) ? a.take() : undefined);
      const y = b.take() ?? ((await b.fill()) ? b.take() : undefined);
      if (x === undefined && y === undefined) break;
      if (isIdle && x !== undefined && y !== undefined && isSame(x, y)) continue;
      if (x !== undefined) yield* this.see('before', x);
      if (y !== undefined) yield* this.see('after', y);
    }
    for (const [name, entry] of this.waiting.before) yield this.alone(name, 'removed', entry);
    for (const [name, entry] of this.waiting.after) yield this.alone(name, 'added', entry);
    if (this.isReordered()) yield { what: 'order', image: this.image, sides: {} };
  }

  private isReordered(): boolean {
    this.places.sort(([a], [b]) => a - b);
    return this.places.some(([, after], i) => i > 0 && after < (this.places[i - 1] as [number, number])[1]);
  }

  private *see(side: Side, entry: Entry): Generator<Difference, void, undefined> {
    const name = this.uniqueName(side, entry);
    const others = this.waiting[side === 'before' ? 'after' : 'before'];
    const other = others.get(name);
    if (other === undefined) {
      this.waiting[side].set(name, copied(entry));
      return;
    }
    others.delete(name);
    const [x, y] = side === 'before' ? [entry, other] : [other, entry];
    this.places.push([x.index, y.index]);
    if (!isSame(x, y)) yield this.changed(name, x, y);
  }

  /** Entries of one name (the packets of a socket) are told apart by their order. */
  private uniqueName(side: Side, entry: Entry): string {
    const name = this.located(side, entry, () => nameOf(entry.shape, entry, this.text));
    if (name === undefined) return `#${entry.index}`;
    const times = (this.repeated[side].get(name) ?? 0) + 1;
    this.repeated[side].set(name, times);
    return times === 1 ? name : `${name} (${times})`;
  }

  private changed(name: string, before: Entry, after: Entry): EntryDifference {
    const fields = this.located('before', before, () => compareMessages(before.shape, before, after, this.text));
    const payload = sidesOf(before.payload, after.payload);
    const { image } = this;
    return {
      what: 'entry',
      image,
      entry: name,
      change: 'changed',
      fields,
      ...(payload === undefined ? {} : { payload }),
    };
  }

  private alone(name: string, change: 'added' | 'removed', entry: Entry): EntryDifference {
    const side = change === 'removed' ? 'before' : 'after';
    const text = this.located(side, entry, () => messageText(entry.shape, entry, this.text));
    const payload = entry.payload && { [side]: entry.payload };
    const { image } = this;
    return {
      what: 'entry',
      image,
      entry: name,
      change,
      fields: [],
      text,
      ...(payload === undefined ? {} : { payload }),
    };
  }

  private located<T>(side: Side, entry: Entry, read: () => T): T {
    try {
      return read();
    } catch (error) {
      const file = side === 'before' ? this.fileBefore : this.fileAfter;
      throw error instanceof WireFault ? locate(error, file, entry.index, 0) : error;
    }
  }
}

function isSame(a: Entry, b: Entry): boolean {
  return a.payload?.sha256 === b.payload?.sha256 && sameBytes(a, b);
}
