import { WireFault } from '../../errors/wire-fault';
import { PAGEMAP_ENTRY_FIELDS } from '../../schema/generated/images';
import type { FieldCursor } from '../../wire/field-cursor';

/** Pages in a row, as one entry of a page map says them. */
export interface PageRun {
  readonly address: bigint;
  readonly pages: bigint;
  /** They are in the previous dump, not in this one. */
  readonly inParent: boolean;
  /** They do not lie in the pages image as they are in memory, as CRIU 4.3 can. */
  readonly isCompressed: boolean;
}

/** CRIU: include/pagemap.h. */
const PE_PARENT = 1;

/** Reads the pagemap_entry `bytes[start, end)`. Throws WireFault. */
export function readPageRun(cursor: FieldCursor, bytes: Uint8Array, start: number, end: number): PageRun {
  const { vaddr, compat_nr_pages, nr_pages, in_parent, flags, blocks } = PAGEMAP_ENTRY_FIELDS;
  let [address, earlier, pages]: [bigint?, bigint?, bigint?] = [];
  let [inParent, isCompressed] = [false, false];
  cursor.over(bytes, start, end);
  while (cursor.next()) {
    const { number } = cursor;
    if (number === vaddr) address = cursor.uint64();
    else if (number === compat_nr_pages) earlier = BigInt(cursor.uint32());
    else if (number === nr_pages) pages = cursor.uint64();
    else if (number === in_parent) inParent ||= cursor.uint64() !== 0n;
    else if (number === flags) inParent ||= (cursor.uint32() & PE_PARENT) !== 0;
    else if (number === blocks) isCompressed = true;
  }
  if (address === undefined) throw missing(start, 'vaddr');
  if (earlier === undefined) throw missing(start, 'compat_nr_pages');
  // Since CRIU 4.2 the count is in a field of its own, and the earlier one is 0.
  return { address, pages: pages ?? earlier, inParent, isCompressed };
}

const missing = (start: number, field: string) =>
  new WireFault('the required field is missing', start, undefined, `pagemap_entry.${field}`);
