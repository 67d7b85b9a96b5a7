/**
 * Makes incremental dumps out of whole ones, so that there are some where the kernel does not track what
 * changes in memory: pages that the dump before has with the same bytes are left to it.
 */
import fs from 'node:fs';
import path from 'node:path';
import { encodeField, image, numberIn } from './wire';

const PAGE = 4096;
const PAGEMAP_MAGIC = 0x56084025;
/** Fields of pagemap_entry: the count is in one or the other, by CRIU's version. */
const [VADDR, COMPAT_NR_PAGES, FLAGS, NR_PAGES] = [1, 2, 4, 5];
/** Bits of its flags: the page is in the parent, or in this dump. */
const [PE_PARENT, PE_PRESENT] = [1, 4];

interface Pagemap {
  name: string;
  head: Buffer;
  /** The image of its pages. */
  pages: string;
  entries: Buffer[];
}

/**
 * Leaves in the whole dump `directory` only the pages that changed since the whole dump `before`, and links
 * `parent` to where that dump, or what it was made into, is to be found: `link`, the text of the link.
 */
export function leaveToParent(directory: string, before: string, link: string): void {
  for (const name of fs.readdirSync(directory).filter((name) => /^pagemap-\d+\.img$/.test(name))) {
    const older = fs.existsSync(path.join(before, name)) ? pagesOf(before, readPagemap(before, name)) : new Map();
    const newer = readPagemap(directory, name);
    const records: Uint8Array[] = [newer.head];
    const kept: Buffer[] = [];
    for (const entry of newer.entries) {
      for (const run of runsOf(directory, newer, entry, (address, page) => older.get(address)?.equals(page) === true)) {
        if (!run.same) kept.push(...run.pages);
        records.push(entryOf(entry, run.address, run.pages.length, run.same ? PE_PARENT : numberIn(entry, FLAGS)));
      }
    }
    fs.writeFileSync(path.join(directory, name), image(PAGEMAP_MAGIC, records));
    fs.writeFileSync(path.join(directory, newer.pages), Buffer.concat(kept));
  }
  fs.symlinkSync(link, path.join(directory, 'parent'));
}

function readPagemap(directory: string, name: string): Pagemap {
  const PAGES_ID = 1;
  const bytes = fs.readFileSync(path.join(directory, name));
  const records: Buffer[] = [];
  for (let at = 8; at < bytes.length; at += 4 + bytes.readUInt32LE(at))
    records.push(bytes.subarray(at + 4, at + 4 + bytes.readUInt32LE(at)));
  const [head, ...entries] = records;
  if (head === undefined) throw new Error(`${name} has no record`);
  return { name, head, pages: `pages-${numberIn(head, PAGES_ID)}.img`, entries };
}

interface Run {
  address: number;
  same: boolean;
  pages: Buffer[];
}

/** The pages of an entry of a whole dump, in runs of those that are the same as before and those that are not. */
function runsOf(
  directory: string,
  pagemap: Pagemap,
  entry: Buffer,
  isSame: (address: number, page: Buffer) => boolean,
): Run[] {
  const runs: Run[] = [];
  for (const [address, page] of pagesOf(directory, pagemap, entry)) {
    const same = isSame(address, page);
    const last = runs.at(-1);
    if (last?.same === same) last.pages.push(page);
    else runs.push({ address, same, pages: [page] });
  }
  return runs;
}

/** The pages of a whole dump by address: all, or those of one entry. */
function pagesOf(directory: string, { name, pages, entries }: Pagemap, only?: Buffer): Map<number, Buffer> {
  const bytes = fs.readFileSync(path.join(directory, pages));
  const found = new Map<number, Buffer>();
  let at = 0;
  for (const entry of entries) {
    if ((numberIn(entry, FLAGS) & PE_PRESENT) === 0)
      throw new Error(`${name} of ${directory} is not that of a whole dump`);
    const address = numberIn(entry, VADDR);
    for (let i = 0; i < countOf(entry); i += 1, at += PAGE)
      if (only === undefined || entry === only) found.set(address + i * PAGE, bytes.subarray(at, at + PAGE));
  }
  return found;
}

const countOf = (entry: Buffer) => numberIn(entry, NR_PAGES) || numberIn(entry, COMPAT_NR_PAGES);

/** An entry as the CRIU that wrote `like` would have written it. */
function entryOf(like: Buffer, address: number, count: number, flags: number): Uint8Array {
  const compat = numberIn(like, COMPAT_NR_PAGES) === 0 ? 0 : count;
  const fields = [encodeField(VADDR, address), encodeField(COMPAT_NR_PAGES, compat), encodeField(FLAGS, flags)];
  if (numberIn(like, NR_PAGES) !== 0) fields.push(encodeField(NR_PAGES, count));
  return Buffer.concat(fields);
}
