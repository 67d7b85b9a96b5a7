import type { ByteReader } from '../bytes/byte-stream';
import { sameBytes } from '../bytes/same-bytes';
import { sha256Of } from '../bytes/sha256';
import { namesOf } from '../checkpoint/message-rows';
import { messages } from '../errors/messages';
import { WireFault } from '../errors/wire-fault';
import type { Magics } from '../frames/record-reader';
import { encodeMagics } from '../frames/write-records';
import { yieldToEventLoop } from '../storage/yield-to-event-loop';
import { compareMessages } from './compare-messages';
import type { Digest, Sides } from './difference';
import type { EntryFound, Found, FoundEntry } from './found';
import { Column } from './ids/column';
import { areEqualButForIds } from './ids/equal-but-for-ids';
import { isSameByBytes } from './ids/id-fields';
import type { IdPairs, Side } from './ids/id-pairs';
import { copied, type Entry, ImageEntries } from './image-entries';
import { located, locatedInEither } from './located';
import { pairingKey, pairingKeyOfIds } from './wire/message-name';

/** An image of one of the two checkpoints. */
export interface ImageInput {
  readonly reader: ByteReader;
  /** How messages name it. */
  readonly file: string;
}

export interface CompareOptions {
  /** What follows entries is kept to be shown, and secrets are compared inside. */
  readonly showsBytes?: boolean | undefined;
  /** Ids are compared by what they stand for. */
  readonly ids?: IdPairs | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Gives what differs between two images, entry by entry, paired by what they are, as values: each is valid until the
 * next is asked for. Equal entries cost little memory.
 */
export async function* compareImages(
  image: string,
  before: ImageInput,
  after: ImageInput,
  { showsBytes = false, ids, signal }: CompareOptions = {},
): AsyncGenerator<Found, void, undefined> {
  const [a, b] = [
    await ImageEntries.open(before.reader, before.file, showsBytes),
    await ImageEntries.open(after.reader, after.file, showsBytes),
  ];
  try {
    if (a.kind !== b.kind) throw messages.kindsDiffer(before.file, a.kind.name, after.file, b.kind.name);
    const heads = sidesOf(digestOfHead(a.magics), digestOfHead(b.magics));
    if (heads !== undefined) yield { what: 'head', image, sides: heads };
    yield* new Pairing(image, before.file, after.file, showsBytes, ids, signal).run(a, b);
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

function digestOfHead(magics: Magics): Digest {
  const head = encodeMagics(magics);
  return { bytes: head.length, sha256: sha256Of([head]) };
}

/** So many names are counted; more only as long as one side has more of them. */
const MAX_NAMES = 1 << 16;

/** So many entries are compared before the event loop may get a turn: asking for one costs as much as comparing a few. */
const ENTRIES_A_BREATH = 64;

const GONE = { before: 'removed', after: 'added' } as const;

/** An entry with what pairs it. */
interface NamedEntry extends FoundEntry {
  /** That of one entry of the other image. Entries of one name (the packets of a socket) are told apart by their order. */
  readonly key: string;
  readonly name: string;
}

/** Entries of two images as they come, each kept until the other image has the one of the same name. */
class Pairing {
  private readonly waiting = { before: new Map<string, NamedEntry>(), after: new Map<string, NamedEntry>() };
  /** How often a name has come, on each side. */
  private readonly repeated = { before: new Map<string, number>(), after: new Map<string, number>() };
  /** Where entries stand on both sides, for those that were not passed over in one row. */
  private readonly places = { before: new Column(), after: new Column() };
  private isReordered = false;

  constructor(
    private readonly image: string,
    private readonly fileBefore: string,
    private readonly fileAfter: string,
    private readonly showsBytes: boolean,
    private readonly ids: IdPairs | undefined,
    private readonly signal: AbortSignal | undefined,
  ) {}

  async *run(a: ImageEntries, b: ImageEntries): AsyncGenerator<Found, void, undefined> {
    const bytesDecide = a.shapes().every((shape) => isSameByBytes(shape, this.ids));
    // Each round takes an entry of either image, or is the last.
    for (let round = 1; ; round += 1) {
      if (round % ENTRIES_A_BREATH === 0) await yieldToEventLoop();
      this.signal?.throwIfAborted();
      const isIdle = this.waiting.before.size === 0 && this.waiting.after.size === 0;
      if (isIdle) this.forget();
      if (isIdle && bytesDecide) a.skipSame(b);
      const x = a.take() ?? ((await a.fill()) ? a.take() : undefined);
      const y = b.take() ?? ((await b.fill()) ? b.take() : undefined);
      if (x === undefined && y === undefined) break;
      if (isIdle && x !== undefined && y !== undefined && (this.isSame(x, y) || this.areOnePair(x, y))) continue;
      // Nothing can come any more that these wait for.
      if (y === undefined && this.waiting.after.size === 0) yield* this.flush('before');
      if (x === undefined && this.waiting.before.size === 0) yield* this.flush('after');
      const [one, other] = [x && this.named('before', x), y && this.named('after', y)];
      // Two that come together need not wait, nor be copied: one can have 64 MiB.
      if (one !== undefined && one.key === other?.key) {
        yield* this.pair(one, other);
        continue;
      }
      if (one !== undefined) yield* this.see('before', one, y === undefined);
      if (other !== undefined) yield* this.see('after', other, x === undefined);
    }
    yield* this.flush('before');
    yield* this.flush('after');
    this.forget();
    if (this.isReordered) yield { what: 'order', image: this.image, sides: {} };
  }

  /** What no entry of the other image has come for. */
  private async *flush(side: Side): AsyncGenerator<Found, void, undefined> {
    const waiting = this.waiting[side];
    for (const one of waiting.values()) {
      await yieldToEventLoop();
      this.signal?.throwIfAborted();
      yield this.alone(side, one);
    }
    waiting.clear();
  }

  /** Where none waits, what comes is behind all that was on either side. */
  private forget(): void {
    const { before, after } = this.places;
    if (before.length > 1) {
      const rows = Uint32Array.from({ length: before.length }, (_one, row) => row);
      rows.sort((i, j) => before.at(i) - before.at(j));
      this.isReordered ||= rows.some((row, i) => i > 0 && after.at(row) < after.at(rows[i - 1] as number));
    }
    before.clear();
    after.clear();
  }

  /** `isLate`: the other image has no more entries. */
  private *see(side: Side, one: NamedEntry, isLate: boolean): Generator<Found, void, undefined> {
    const others = this.waiting[side === 'before' ? 'after' : 'before'];
    const other = others.get(one.key);
    if (other !== undefined) {
      others.delete(one.key);
      yield* side === 'before' ? this.pair(one, other) : this.pair(other, one);
    } else if (isLate && others.size === 0) yield this.alone(side, one);
    else this.waiting[side].set(one.key, { ...one, entry: copied(one.entry) });
  }

  /** Two of one name. */
  private *pair(before: NamedEntry, after: NamedEntry): Generator<Found, void, undefined> {
    this.places.before.push(before.entry.index);
    this.places.after.push(after.entry.index);
    this.forgetName(before.name);
    if (this.isSame(before.entry, after.entry)) return;
    const difference = this.changed(before, after);
    if (difference !== undefined) yield difference;
  }

  /** Equal bytes need not be the same where they hold ids. */
  private isSame(a: Entry, b: Entry): boolean {
    return isSameByBytes(a.shape, this.ids) && a.payload?.sha256 === b.payload?.sha256 && sameBytes(a, b);
  }

  /** Whether two entries differ in nothing but in ids that stand for the same, those that name them included. */
  private areOnePair(a: Entry, b: Entry): boolean {
    const { ids } = this;
    if (ids === undefined || a.shape !== b.shape || a.payload?.sha256 !== b.payload?.sha256) return false;
    if (a.index !== b.index && namesOf(a.shape.name).length === 0) return false;
    try {
      return areEqualButForIds(a.shape, a, b, ids);
    } catch (error) {
      // Whoever compares them field by field says in which of the two it is.
      if (error instanceof WireFault) return false;
      throw error;
    }
  }

  /** Finds what pairs an entry with the one of the other image. */
  private named(side: Side, entry: Entry): NamedEntry {
    const { ids } = this;
    const file = this.fileOf(side);
    const name = located({ entry, file }, () =>
      ids === undefined ? pairingKey(entry.shape, entry) : pairingKeyOfIds(entry.shape, entry, ids, side),
    );
    if (name === undefined) {
      const place = `#${entry.index}`;
      return { entry, time: 1, file, key: place, name: place };
    }
    const time = (this.repeated[side].get(name) ?? 0) + 1;
    this.repeated[side].set(name, time);
    return { entry, time, file, key: `${time}: ${name}`, name };
  }

  /** Where names are many, one that came as often on both sides is counted from the first again. */
  private forgetName(name: string): void {
    const { before, after } = this.repeated;
    if (before.size < MAX_NAMES || before.get(name) !== after.get(name)) return;
    before.delete(name);
    after.delete(name);
  }

  private changed(before: FoundEntry, after: FoundEntry): EntryFound | undefined {
    const { image, showsBytes, ids } = this;
    const [a, b] = [before.entry, after.entry];
    const changes = locatedInEither(before, after, () => compareMessages(a.shape, a, b, { showsBytes, ids }));
    const payload = sidesOf(a.payload, b.payload);
    if (changes.length === 0 && payload === undefined) return undefined;
    const rest = payload === undefined ? {} : { payload };
    return { what: 'entry', image, change: 'changed', before, after, changes, ...rest };
  }

  private alone(side: Side, one: FoundEntry): EntryFound {
    const { payload } = one.entry;
    return {
      what: 'entry',
      image: this.image,
      change: GONE[side],
      before: side === 'before' ? one : undefined,
      after: side === 'after' ? one : undefined,
      changes: [],
      ...(payload === undefined ? {} : { payload: { [side]: payload } }),
    };
  }

  private fileOf(side: Side): string {
    return side === 'before' ? this.fileBefore : this.fileAfter;
  }
}
