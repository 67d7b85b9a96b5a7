import { MEMFD_INODE_ENTRY_FIELDS } from '../schema/generated/images';
import { encodeBytesField, encodeVarintField } from '../wire/encode';
import { patchRecord } from '../wire/patch';

/** No flag of memfd_create(2): none of those that it knows, and none of the bits that are a size of huge pages. */
const NO_FLAG = 1 << 25;

/**
 * The record of memfd.img `bytes[start, end)` with another name, by which CRIU finds the caller's file. Where it finds
 * none, since nobody has applied the plan, it makes a memfd of that name with the old content; the flag that no kernel
 * takes lets that fail (criu/memfd.c; tried on 4.1.1 and 4.3). Throws WireFault.
 */
export function renameMemfd(bytes: Uint8Array, start: number, end: number, newName: string): Buffer {
  const { name, hugetlb_flag } = MEMFD_INODE_ENTRY_FIELDS;
  return patchRecord(bytes, start, end, [
    { number: name, replacement: encodeBytesField(name, Buffer.from(newName)) },
    { number: hugetlb_flag, replacement: encodeVarintField(hugetlb_flag, NO_FLAG) },
  ]);
}
