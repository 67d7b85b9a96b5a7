import { pushTo } from '../bytes/groups';
import { decode } from '../schema/decode';
import { MEMFD_INODE_ENTRY } from '../schema/generated/images';
import type { EntryFacts } from './entry-facts';
import { memfdNameKey } from './key-text';
import { Tally } from './tally';
import type { Subscriber } from './walk/subscriber';

/** Of memfd_create(2). */
const MAX_NAME_BYTES = 249;
/** Entries of files.img name a memfd by a number of 32 bits. */
const INODE_END = 2 ** 32;

/** A memfd as memfd.img describes it. */
export interface MemfdState {
  /** The number of its record there. */
  readonly record: number;
  /** The bytes of its name, as latin1; undefined where they are more than a memfd's can be. */
  readonly name: string | undefined;
  /** It lies in huge pages. */
  readonly isHuge: boolean;
  /** Its length at the dump. */
  readonly size: bigint;
  /** F_SEAL_* at the dump. */
  readonly seals: number;
}

/** The memfds of a checkpoint, by their number in memfd.img. Grows by a name and a few numbers a memfd. */
export class Memfds {
  private readonly tally = new Tally('memfd.img');
  private readonly states = new Map<number, MemfdState>();
  private readonly numbers = new Map<string, number[]>();

  /** Its part in a walk. */
  readonly events: Subscriber = {
    memfd: (bytes, start, end, { entry }) => {
      const { inode_id, name: written, hugetlb_flag, size, seals } = decode(MEMFD_INODE_ENTRY, bytes, start, end);
      this.tally.count('memfds');
      const inode = Number(inode_id);
      // CRIU takes the first record of a number.
      if (inode >= INODE_END || this.states.has(inode)) return;
      const name = written.length > MAX_NAME_BYTES ? undefined : written.toString('latin1');
      this.states.set(inode, { record: entry, name, isHuge: hugetlb_flag !== undefined, size, seals });
      if (name !== undefined) pushTo(this.numbers, name, inode);
    },
  };

  of(inode: number | undefined): MemfdState | undefined {
    return inode === undefined ? undefined : this.states.get(inode);
  }

  /** The numbers of the memfds with that name. */
  named(name: string): readonly number[] {
    return this.numbers.get(name) ?? [];
  }

  /** The names of all memfds, each once. */
  names(): Iterable<string> {
    return this.numbers.keys();
  }

  /** The facts with the seals of the memfd that an entry is open on, and with its key if no other has its name. */
  withState(facts: EntryFacts): EntryFacts {
    const state = this.of(facts.memfdInode);
    if (state === undefined) return facts;
    const { name = '', seals: memfdSeals } = state;
    if (name === '' || this.named(name).length !== 1) return { ...facts, memfdSeals };
    const { isNameless: _named, ...others } = facts;
    return { ...others, memfdSeals, key: memfdNameKey(Buffer.from(name, 'latin1')) };
  }
}
