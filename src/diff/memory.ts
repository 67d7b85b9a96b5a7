import type { Hash } from 'node:crypto';
import { builtins } from '../bytes/builtins';
import { ImagesByName } from '../checkpoint/explore/images-by-name';
import { MappingTable } from '../checkpoint/explore/mapping-table';
import { mappingsOf } from '../checkpoint/explore/memory-map';
import { readPageRun } from '../checkpoint/explore/page-run';
import type { MemberReader, Source } from '../storage/source';
import { FieldCursor } from '../wire/field-cursor';
import { sidesOf } from './compare-images';
import type { Digest, MemoryDifference } from './difference';
import { pagesIdIn } from './pages-id';

const PAGE_BYTES = 4096;
const CHUNK_BYTES = 1 << 18;

/** Pages in a row that lie in the pages image. */
interface Run {
  readonly address: bigint;
  readonly pages: number;
}

/** The pages of one task, as far as this dump has them, digested by mapping. Keys are the mappings, as `start-end`. */
export type Memory = ReadonlyMap<string, Digest>;

/**
 * Reads the memory of a task: its mappings, its page map and its pages. Undefined where one of these is missing, or
 * pages are compressed, as CRIU 4.3 can.
 */
export async function readMemory(source: Source, pid: number, signal?: AbortSignal): Promise<Memory | undefined> {
  const images = new ImagesByName(source, signal);
  try {
    const map = await readPageMap(images, pid);
    if (map === undefined) return undefined;
    const table = new MappingTable();
    for await (const { start, end } of mappingsOf(images, pid)) table.add(start, end, undefined);
    return await digest(source, `pages-${map.pagesId}.img`, map.runs, table, signal);
  } finally {
    await images.close();
  }
}

/** What differs between the memories of a task, mapping by mapping. */
export function compareMemory(pid: number, before: Memory, after: Memory): MemoryDifference[] {
  const mappings = [...new Set([...before.keys(), ...after.keys()])];
  return mappings.flatMap((mapping) => {
    const sides = sidesOf(before.get(mapping), after.get(mapping));
    if (sides === undefined) return [];
    const change = sides.before === undefined ? 'added' : sides.after === undefined ? 'removed' : 'changed';
    return [{ what: 'memory', pid, mapping, change, sides }];
  });
}

/** N of the pages image of a task; undefined where it has none. */
export async function pagesOf(source: Source, pid: number): Promise<number | undefined> {
  const images = new ImagesByName(source);
  try {
    for await (const batch of images.batches(`pagemap-${pid}.img`)) {
      return pagesIdIn(batch.bytes, batch.starts[0] as number, batch.ends[0] as number);
    }
    return undefined;
  } finally {
    await images.close();
  }
}

async function readPageMap(images: ImagesByName, pid: number) {
  const runs: Run[] = [];
  let pagesId: number | undefined;
  let isCompressed = false;
  const cursor = new FieldCursor();
  for await (const batch of images.batches(`pagemap-${pid}.img`)) {
    batch.each((bytes, start, end, entry) => {
      if (entry === 0) {
        pagesId = pagesIdIn(bytes, start, end);
        return;
      }
      const run = readPageRun(cursor, bytes, start, end);
      isCompressed ||= run.isCompressed;
      if (run.pages > 0n && !run.inParent) runs.push({ address: run.address, pages: Number(run.pages) });
    });
  }
  return pagesId === undefined || isCompressed ? undefined : { pagesId, runs };
}

async function digest(
  source: Source,
  pagesImage: string,
  runs: readonly Run[],
  table: MappingTable,
  signal: AbortSignal | undefined,
): Promise<Memory | undefined> {
  const members = source.byName();
  try {
    const member = await members.member(pagesImage);
    if (member === undefined) return undefined;
    const reader = await member.open();
    try {
      return await digestRuns(reader, runs, table, signal);
    } finally {
      await reader.close();
    }
  } finally {
    await members.close();
  }
}

/** Both runs and mappings ascend. A run may reach over several mappings. */
async function digestRuns(
  reader: MemberReader,
  runs: readonly Run[],
  table: MappingTable,
  signal: AbortSignal | undefined,
): Promise<Memory> {
  const hashes = new Map<string, { hash: Hash; bytes: number }>();
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let at = 0;
  for (const { address, pages } of runs) {
    signal?.throwIfAborted();
    let place = address;
    for (let left = pages; left > 0; ) {
      while (at < table.length && table.endOf(at) <= place) at += 1;
      const isMapped = at < table.length && table.startOf(at) <= place;
      const until = isMapped ? table.endOf(at) : at < table.length ? table.startOf(at) : undefined;
      const fitting =
        until === undefined ? left : Number((until - place + BigInt(PAGE_BYTES - 1)) / BigInt(PAGE_BYTES));
      const count = Math.min(left, fitting);
      const name = isMapped ? `${hex(table.startOf(at))}-${hex(table.endOf(at))}` : 'no mapping';
      const digested = hashes.get(name) ?? { hash: builtins.crypto.createHash('sha256'), bytes: 0 };
      hashes.set(name, digested);
      // The same pages elsewhere in a mapping are another content.
      digested.hash.update(`${place}+${count};`);
      if (!(await hashBytes(reader, count * PAGE_BYTES, chunk, digested))) return finish(hashes);
      place += BigInt(count * PAGE_BYTES);
      left -= count;
    }
  }
  return finish(hashes);
}

/** False where the image ends before. */
async function hashBytes(
  reader: MemberReader,
  length: number,
  chunk: Buffer,
  digested: { hash: Hash; bytes: number },
): Promise<boolean> {
  for (let left = length; left > 0; ) {
    const got = await reader.read(chunk, 0, Math.min(chunk.length, left));
    if (got === 0) return false;
    digested.hash.update(chunk.subarray(0, got));
    digested.bytes += got;
    left -= got;
  }
  return true;
}

function finish(hashes: Map<string, { hash: Hash; bytes: number }>): Memory {
  return new Map([...hashes].map(([name, { hash, bytes }]) => [name, { bytes, sha256: hash.digest('hex') }]));
}

function hex(address: bigint): string {
  return `0x${address.toString(16)}`;
}
