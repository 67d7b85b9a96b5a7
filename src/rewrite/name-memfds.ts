import type { ImagesByName } from '../checkpoint/explore/images-by-name';
import { messages } from '../errors/messages';
import { eachMemfd } from './memfd-records';

/** The record of a memfd in memfd.img, and the name that it gets. */
export interface NamedMemfd {
  readonly record: number;
  readonly name: string;
  readonly isHuge: boolean;
  /** Its length at the dump. */
  readonly size: bigint;
}

export interface MemfdNames {
  /** Throws FdgraftError where memfd.img has no such memfd. */
  of(inode: number): NamedMemfd;
}

/**
 * Finds the records of some memfds, and a name for each that no other has: CRIU looks each name up among the keys of
 * inherited files. It compares 31 bytes of a key (criu/files.c, before 4.0), so names are short. Throws FdgraftError.
 */
export async function nameMemfds(images: ImagesByName, inodes: ReadonlySet<number>): Promise<MemfdNames> {
  const records = new Map<number, Omit<NamedMemfd, 'name'>>();
  const taken = new Set<string>();
  await eachMemfd(images, ({ name, hugetlb_flag, size }, inode, record) => {
    // CRIU reads a name up to a byte of zero.
    const [text = ''] = name.toString('latin1').split('\0', 1);
    if (text.startsWith(PREFIX)) taken.add(text);
    if (inode !== undefined && inodes.has(inode))
      records.set(inode, { record, isHuge: hugetlb_flag !== undefined, size });
  });
  return {
    of: (inode) => {
      const found = records.get(inode);
      if (found === undefined) throw messages.memfdMissing(inode);
      return { ...found, name: freeName(inode, taken) };
    },
  };
}

const PREFIX = 'fdgraft.';

/** At most 24 bytes: an inode is a number of 32 bits, and so are those that make a name another one. */
function freeName(inode: number, taken: ReadonlySet<string>): string {
  let name = `${PREFIX}${inode.toString(36)}`;
  for (let next = 0; taken.has(name); next += 1) name = `${PREFIX}${inode.toString(36)}.${next.toString(36)}`;
  return name;
}
