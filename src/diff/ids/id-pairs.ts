import { ID_KINDS, type IdKind } from '../../checkpoint/id-kinds';
import { NumberMap } from './number-map';

export type Side = 'before' | 'after';

/** Stands for the partner of an id that has none; no id is as large. */
const NONE = 2 ** 32;

/** Which ids of one checkpoint stand for the same as which of another. */
export class IdPairs {
  private readonly partners = new Map(
    ID_KINDS.map((kind) => [kind, { before: new NumberMap(), after: new NumberMap() }] as const),
  );

  private allEqual: boolean | undefined;

  /** Notes that a checkpoint has this id. */
  know(kind: IdKind, side: Side, id: number): void {
    if (id < NONE) this.of(kind)[side].add(id, NONE);
  }

  /** Pairs two ids, if neither is paired with another one. */
  link(kind: IdKind, before: number, after: number): void {
    if (before >= NONE || after >= NONE) return;
    const partners = this.of(kind);
    if (isPaired(partners.before.get(before)) || isPaired(partners.after.get(after))) {
      this.know(kind, 'before', before);
      this.know(kind, 'after', after);
      return;
    }
    partners.before.set(before, after);
    partners.after.set(after, before);
  }

  /** The id in the other checkpoint; undefined where it has none, or where this id is not known. */
  partnerOf(kind: IdKind, side: Side, id: number): number | undefined {
    const partner = id < NONE ? this.of(kind)[side].get(id) : undefined;
    return isPaired(partner) ? partner : undefined;
  }

  /** Whether two ids stand for the same. Those that neither checkpoint knows are compared as numbers. */
  areOne(kind: IdKind, before: number, after: number): boolean {
    if (this.isKnown(kind, 'before', before)) return this.partnerOf(kind, 'before', before) === after;
    return !this.isKnown(kind, 'after', after) && before === after;
  }

  /** The same text for both ids of a pair, and for no other one. */
  nameOf(kind: IdKind, side: Side, id: number): string {
    if (!this.isKnown(kind, side, id)) return `${id}`;
    const partner = this.partnerOf(kind, side, id);
    return partner === undefined ? `${side} ${id}` : `both ${side === 'before' ? id : partner}`;
  }

  /** An id as people are to read it: with the number that it has in the other checkpoint, if that is another one. */
  show(kind: IdKind, side: Side, id: number): string {
    if (!this.isKnown(kind, side, id)) return `${id}`;
    const partner = this.partnerOf(kind, side, id);
    if (partner === undefined) return `${id} (${side === 'before' ? 'gone' : 'new'})`;
    return partner === id ? `${id}` : `${id} (${side === 'before' ? 'now' : 'was'} ${partner})`;
  }

  /** Whether all ids have the same numbers on both sides: equal bytes mean the same then. To be asked when all are linked. */
  get areAllEqual(): boolean {
    this.allEqual ??= [...this.partners.values()].every(
      ({ before, after }) => before.size === after.size && before.isIdentity,
    );
    return this.allEqual;
  }

  private isKnown(kind: IdKind, side: Side, id: number): boolean {
    return id < NONE && this.of(kind)[side].get(id) !== undefined;
  }

  private of(kind: IdKind) {
    return this.partners.get(kind) as { before: NumberMap; after: NumberMap };
  }
}

function isPaired(partner: number | undefined): partner is number {
  return partner !== undefined && partner !== NONE;
}
