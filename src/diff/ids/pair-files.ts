import { entryTypeOfMember } from '../../checkpoint/entry-types';
import { FILE_ENTRY_FIELDS } from '../../schema/generated/images';
import { yieldToEventLoop } from '../../storage/yield-to-event-loop';
import { type CheckpointIds, NO_NUMBER } from './checkpoint-ids';
import type { IdPairs } from './id-pairs';

/** Two rows of files.img that the same descriptor refers to, at the same places of both lists. */
export interface Proposals {
  readonly before: Uint32Array;
  readonly after: Uint32Array;
}

/**
 * Pairs the entries of two files.img by what they are, and with them their file ids and the numbers of what they
 * open. First the very same, then those whose number is another one, then those whose flags are; each time those that
 * the same descriptors refer to, then the others in their order. What has no name is only paired by its descriptors,
 * or where it has none. The order is that of the descriptors or the names, so that neither side comes first.
 */
export async function pairFiles(
  before: CheckpointIds,
  after: CheckpointIds,
  proposals: Proposals,
  ids: IdPairs,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const step of new FilePairing(before, after, proposals, ids).steps()) {
    step();
    await yieldToEventLoop();
    signal?.throwIfAborted();
  }
}

type Key = (ids: CheckpointIds, row: number) => number;
type Condition = (ids: CheckpointIds, row: number, isHeld: boolean) => boolean;

const nameOf: Key = (ids, row) => ids.names.at(row);
const thingOf: Key = (ids, row) => ids.things.at(row);
const isNamed: Condition = (ids, row) => ids.named.at(row) === 1;
const isUnheld: Condition = (ids, row, isHeld) => ids.named.at(row) === 0 && !isHeld;

class FilePairing {
  private readonly isPaired: { before: Uint8Array; after: Uint8Array };
  private readonly isHeld: { before: Uint8Array; after: Uint8Array };

  constructor(
    private readonly before: CheckpointIds,
    private readonly after: CheckpointIds,
    private readonly proposals: Proposals,
    private readonly ids: IdPairs,
  ) {
    this.isPaired = { before: new Uint8Array(before.ids.length), after: new Uint8Array(after.ids.length) };
    this.isHeld = { before: heldIn(before), after: heldIn(after) };
  }

  /** To be done in this order. Each goes over all entries a few times, which of a million takes about a second. */
  steps(): (() => void)[] {
    return [
      () => this.byDescriptors(thingOf, true),
      () => this.inOrder(thingOf, isNamed, true),
      () => this.inOrder(thingOf, (ids, row) => ids.numbers.at(row) !== NO_NUMBER, true),
      () => this.byDescriptors(thingOf, false),
      () => this.byDescriptors(nameOf, false),
      () => this.inOrder(thingOf, isNamed, false),
      () => this.inOrder(nameOf, isNamed, false),
      () => this.inOrder(thingOf, isUnheld, false),
      () => this.placeholders(),
      () => this.know('before'),
      () => this.know('after'),
    ];
  }

  /** Ids that are in no pair are there all the same. */
  private know(side: 'before' | 'after'): void {
    const all = this[side];
    for (let row = 0; row < all.ids.length; row += 1) {
      if (this.isPaired[side][row] !== 1) this.ids.know('file', side, all.ids.at(row));
      const kind = entryTypeOfMember(all.members.at(row))?.numbered?.kind;
      if (kind !== undefined) this.ids.know(kind, side, all.numbers.at(row));
    }
  }

  /** A rewrite keeps the id of what it makes a placeholder of. */
  private placeholders(): void {
    const { before: a, after: b } = this;
    const isExt = (ids: CheckpointIds, row: number) => ids.members.at(row) === FILE_ENTRY_FIELDS.ext;
    for (let row = 0; row < a.ids.length; row += 1) {
      const other = b.rows.get(a.ids.at(row));
      if (other === undefined || this.isPaired.before[row] || this.isPaired.after[other]) continue;
      if (isExt(a, row) || isExt(b, other)) this.pair(row, other);
    }
  }

  private byDescriptors(key: Key, sameNumber: boolean): void {
    const { before: a, after: b } = this;
    for (let i = 0; i < this.proposals.before.length; i += 1) {
      const before = this.proposals.before[i] as number;
      const after = this.proposals.after[i] as number;
      if (this.isPaired.before[before] || this.isPaired.after[after]) continue;
      if (key(a, before) !== key(b, after)) continue;
      if (!sameNumber || a.numbers.at(before) === b.numbers.at(after)) this.pair(before, after);
    }
  }

  private inOrder(key: Key, when: Condition, sameNumber: boolean): void {
    const compare = sameNumber
      ? (x: CheckpointIds, i: number, y: CheckpointIds, j: number) =>
          key(x, i) - key(y, j) || x.numbers.at(i) - y.numbers.at(j)
      : (x: CheckpointIds, i: number, y: CheckpointIds, j: number) => key(x, i) - key(y, j);
    const [left, right] = [this.left('before', when), this.left('after', when)];
    const { before: a, after: b } = this;
    left.sort((i, j) => compare(a, i, a, j) || i - j);
    right.sort((i, j) => compare(b, i, b, j) || i - j);
    for (let i = 0, j = 0; i < left.length && j < right.length; ) {
      const order = compare(a, left[i] as number, b, right[j] as number);
      if (order === 0) this.pair(left[i] as number, right[j] as number);
      if (order <= 0) i += 1;
      if (order >= 0) j += 1;
    }
  }

  /** The rows that are not paired yet. */
  private left(side: 'before' | 'after', when: Condition): Uint32Array {
    const [all, isPaired, isHeld] = [this[side], this.isPaired[side], this.isHeld[side]];
    const rows = new Uint32Array(all.ids.length);
    let count = 0;
    for (let row = 0; row < rows.length; row += 1) {
      if (isPaired[row] || !when(all, row, isHeld[row] === 1)) continue;
      rows[count] = row;
      count += 1;
    }
    return rows.subarray(0, count);
  }

  private pair(before: number, after: number): void {
    const { before: a, after: b, ids } = this;
    this.isPaired.before[before] = 1;
    this.isPaired.after[after] = 1;
    ids.link('file', a.ids.at(before), b.ids.at(after));
    const kind = entryTypeOfMember(a.members.at(before))?.numbered?.kind;
    const [x, y] = [a.numbers.at(before), b.numbers.at(after)];
    if (kind !== undefined && x !== NO_NUMBER && y !== NO_NUMBER) ids.link(kind, x, y);
  }
}

function heldIn(ids: CheckpointIds): Uint8Array {
  const isHeld = new Uint8Array(ids.ids.length);
  for (let i = 0; i < ids.fileIds.length; i += 1) {
    const row = ids.rows.get(ids.fileIds.at(i));
    if (row !== undefined) isHeld[row] = 1;
  }
  return isHeld;
}
