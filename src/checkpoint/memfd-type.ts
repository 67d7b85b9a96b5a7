import { MEMFD_FILE_ENTRY, type MemfdFileEntry } from '../schema/generated/images';
import type { Inheritance } from './inheritance';

/** The key of all entries of a memfd, from the number that memfd.img has for it. No spec can be written so. */
export function memfdKey(inodeId: number): string {
  return `memfd ${inodeId}`;
}

export const MEMFD: Inheritance = {
  schema: MEMFD_FILE_ENTRY,
  owner: 'fown',
  keys: ({ inode_id }: MemfdFileEntry) => [memfdKey(inode_id)],
  describe: ({ flags, fown: owner, pos, inode_id }: MemfdFileEntry) => ({
    key: 'memfd',
    isNameless: true,
    flags,
    owner,
    offset: pos,
    memfdInode: inode_id,
    kind: { name: 'memfd' },
    lost: "the content and the seals are those of the caller's file",
  }),
};
