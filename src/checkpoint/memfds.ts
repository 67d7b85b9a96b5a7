import { decode } from '../schema/decode';
import { MEMFD_INODE_ENTRY } from '../schema/generated/images';
import type { EntryFacts } from './entry-facts';
import { memfdNameKey } from './key-text';
import type { Subscriber } from './walk/subscriber';

/** Of memfd_create(2). */
const MAX_NAME_BYTES = 249;

/** The names of the memfds of a checkpoint, by their number in memfd.img. Grows by a name a memfd. */
export class Memfds {
  private readonly names = new Map<number, string>();
  /** How many memfds have a name. */
  private readonly counts = new Map<string, number>();

  /** Its part in a walk. */
  readonly events: Subscriber = {
    memfd: (bytes, start, end) => {
      const { inode_id, name } = decode(MEMFD_INODE_ENTRY, bytes, start, end);
      const inode = Number(inode_id);
      // CRIU takes the first record of a number.
      if (this.names.has(inode)) return;
      const text = name.length > MAX_NAME_BYTES ? '' : name.toString('latin1');
      this.names.set(inode, text);
      this.counts.set(text, (this.counts.get(text) ?? 0) + 1);
    },
  };

  /** The facts with the key of the memfd that an entry is open on, where no other has its name. */
  withKey(facts: EntryFacts): EntryFacts {
    const name = facts.memfdInode === undefined ? undefined : this.names.get(facts.memfdInode);
    if (name === undefined || name === '' || this.counts.get(name) !== 1) return facts;
    const { isNameless: _named, ...others } = facts;
    return { ...others, key: memfdNameKey(Buffer.from(name, 'latin1')) };
  }
}
