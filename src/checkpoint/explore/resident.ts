import { FieldCursor } from '../../wire/field-cursor';
import type { ExploredTask } from './explored-task';
import { type OnGap, reportImages } from './gaps';
import type { ImagesByName } from './images-by-name';
import { MappingTable } from './mapping-table';
import { mappedFile, reportNoMappings } from './mappings';
import { executableOf, mappingsOf } from './memory-map';
import type { NamedFile } from './named-file';
import { type PageRun, readPageRun } from './page-run';
import { eachPid } from './task-list';
import { complete, type Unnamed } from './with-names';

/** A mapping that a run of pages lies in. */
export interface MappingOfRun {
  /** Its place among the mappings of the task, from 0. */
  readonly index: number;
  readonly start: bigint;
  readonly end: bigint;
  readonly file?: NamedFile;
}

/** Pages in a row that the dump has. */
export interface ExploredRun {
  readonly kind: 'run';
  readonly address: bigint;
  readonly pages: bigint;
  /** They are in the previous dump, not in this one. */
  readonly inParent: boolean;
  readonly mappings: readonly MappingOfRun[];
}

/** A row of `rss`. */
export type ExploredRss = ExploredTask | ExploredRun;

const PAGE_BITS = 12n;
/** More of these are not made before the first is handed on. */
const RECORDS_AT_ONCE = 1024;

/** The pages of each task that the dump has, with the mappings that they lie in. A pagemap is never held as a whole. */
export async function* residentPages(
  images: ImagesByName,
  onGap: OnGap,
): AsyncGenerator<Unnamed<ExploredRss>, void, undefined> {
  for await (const pid of eachPid(images)) {
    const missing: string[] = [];
    const table = new MappingTable();
    const hasMemory = (await executableOf(images, pid)) !== undefined;
    if (!hasMemory) missing.push(`mm-${pid}.img`);
    for await (const vma of mappingsOf(images, pid)) table.add(vma.start, vma.end, mappedFile(vma));
    if (hasMemory && table.length === 0) reportNoMappings(pid, onGap);
    const name = `pagemap-${pid}.img`;
    const isKnown = await images.has(name);
    if (!isKnown) missing.push(name);
    yield complete({ kind: 'task', pid, isKnown });
    if (isKnown) yield* runsIn(images, name, table);
    await reportImages(images, pid, missing, onGap);
  }
}

async function* runsIn(
  images: ImagesByName,
  name: string,
  table: MappingTable,
): AsyncGenerator<Unnamed<ExploredRss>, void, undefined> {
  const cursor = new FieldCursor();
  const walk = new Walk(table);
  for await (const batch of images.batches(name)) {
    for (const chunk of batch.chunks(RECORDS_AT_ONCE)) {
      const rows: Unnamed<ExploredRss>[] = [];
      chunk.each((bytes, start, end, entry) => {
        // The first is a pagemap_head.
        if (entry > 0) rows.push(runRow(readPageRun(cursor, bytes, start, end), walk, table));
      });
      yield* rows;
    }
  }
}

/** Both mappings and runs ascend, so that one walk over both finds which meet. */
class Walk {
  private at = 0;

  constructor(private readonly table: MappingTable) {}

  /** From the first to the one behind the last. Never goes further back than to the last mapping that was met. */
  meet({ address, pages }: PageRun): [first: number, end: number] {
    const { table } = this;
    while (this.at < table.length && table.endOf(this.at) <= address) this.at += 1;
    const first = this.at;
    const end = address + (pages << PAGE_BITS);
    while (this.at < table.length && table.startOf(this.at) < end) this.at += 1;
    const behind = this.at;
    if (this.at > 0) this.at -= 1;
    return [first, behind];
  }
}

function runRow(run: PageRun, walk: Walk, table: MappingTable): Unnamed<ExploredRss> {
  const [first, end] = walk.meet(run);
  const met = Array.from({ length: end - first }, (_none, i) => {
    const index = first + i;
    return { index, start: table.startOf(index), end: table.endOf(index), reference: table.fileOf(index) };
  });
  return {
    files: met.flatMap(({ reference }) => reference ?? []),
    complete: (names) => {
      let next = 0;
      const mappings = met.map(({ reference, ...mapping }) =>
        reference === undefined ? mapping : { ...mapping, file: names[next++] as NamedFile },
      );
      const { address, pages, inParent } = run;
      return { kind: 'run', address, pages, inParent, mappings };
    },
  };
}
