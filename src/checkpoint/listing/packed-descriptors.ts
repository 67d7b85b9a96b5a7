import { SortedPairs } from '../../bytes/pairs';
import type { Descriptor, Descriptors } from './open-entry';

/** The places of referrers in the order of their descriptors, and the referrers in that order. */
export interface Ranks {
  readonly rankOf: Uint32Array;
  readonly referrerAt: Uint32Array;
}

/** Up to millions of descriptors in 8 bytes each, made when they are asked for. */
export class PackedDescriptors implements Descriptors {
  /** The rank of the table, the number of the descriptor and close-on-exec, from the highest bit to the lowest. */
  private readonly pairs: SortedPairs;

  /** `holders`: of each the referrer, doubled, and close-on-exec in bit 0. */
  constructor(
    holders: Uint32Array,
    fds: Uint32Array,
    private readonly ranks: Ranks,
    private readonly make: (holder: number, fd: number) => Descriptor,
  ) {
    const fdOf = (place: number) => fds[place] as number;
    const holderOf = (place: number) => holders[place] as number;
    this.pairs = SortedPairs.of(
      holders.length,
      (place) => 2 * (ranks.rankOf[holderOf(place) >>> 1] as number) + (fdOf(place) >>> 31),
      (place) => ((fdOf(place) << 1) | (holderOf(place) & 1)) >>> 0,
    );
  }

  get length(): number {
    return this.pairs.length;
  }

  *[Symbol.iterator](): Generator<Descriptor, undefined, undefined> {
    for (let place = 0; place < this.length; place += 1) yield this.at(place);
    return undefined;
  }

  map<T>(change: (descriptor: Descriptor) => T): T[] {
    return Array.from(this, change);
  }

  private at(place: number): Descriptor {
    const [first, second] = [this.pairs.first(place), this.pairs.second(place)];
    const referrer = this.ranks.referrerAt[first >>> 1] as number;
    return this.make(2 * referrer + (second & 1), (((first & 1) << 31) | (second >>> 1)) >>> 0);
  }
}
