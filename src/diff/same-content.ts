import type { MemberReader, SourceMember } from '../storage/source';
import { SparseMap } from '../storage/sparse-map';

const CHUNK_BYTES = 1 << 18;

/** Bytes of a file from some place on; without `data`, a hole. */
interface Piece {
  length: number;
  data: Buffer | undefined;
}

/**
 * True if two files of directories have the same bytes and one of them is sparse. Holes are not read. False in all
 * other cases: the digests tell then.
 */
export async function areSameSparseFile(
  before: SourceMember,
  after: SourceMember,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  // To open a member of a compressed archive again can mean to unpack all before it again.
  if (before.file === undefined || after.file === undefined) return false;
  const a = await before.open();
  try {
    const b = await after.open();
    try {
      if (before.size !== after.size || (a.condense === undefined && b.condense === undefined)) return false;
      return await areEqual(pieces(a, before.size as number), pieces(b, after.size as number), signal);
    } finally {
      await b.close();
    }
  } finally {
    await a.close();
  }
}

async function areEqual(
  before: AsyncGenerator<Piece, undefined, undefined>,
  after: AsyncGenerator<Piece, undefined, undefined>,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  let [a, b] = [(await before.next()).value, (await after.next()).value];
  while (a !== undefined && b !== undefined) {
    signal?.throwIfAborted();
    const length = Math.min(a.length, b.length);
    if (!haveSameBeginning(a.data, b.data, length)) return false;
    a = a.length > length ? withoutBeginning(a, length) : (await before.next()).value;
    b = b.length > length ? withoutBeginning(b, length) : (await after.next()).value;
  }
  return a === b;
}

function haveSameBeginning(a: Buffer | undefined, b: Buffer | undefined, length: number): boolean {
  if (a !== undefined && b !== undefined) return a.subarray(0, length).equals(b.subarray(0, length));
  const data = a ?? b;
  return data === undefined || ZEROS.subarray(0, length).equals(data.subarray(0, length));
}

const ZEROS = Buffer.alloc(CHUNK_BYTES);

function withoutBeginning({ length, data }: Piece, skipped: number): Piece {
  return { length: length - skipped, data: data?.subarray(skipped) };
}

/** The content of a file in order. Each piece is valid until the next is asked for. */
async function* pieces(reader: MemberReader, size: number): AsyncGenerator<Piece, undefined, undefined> {
  const map = (await reader.condense?.()) ?? wholeOf(size);
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let at = 0;
  for (let i = 0; i < map.length; i += 1) {
    if (map.offset(i) > at) yield { length: map.offset(i) - at, data: undefined };
    for (at = map.offset(i); at < map.end(i); ) {
      const got = await reader.read(chunk, 0, Math.min(chunk.length, map.end(i) - at));
      // The file has become shorter. Whoever closes it says so.
      if (got === 0) return undefined;
      yield { length: got, data: chunk.subarray(0, got) };
      at += got;
    }
  }
  if (size > at) yield { length: size - at, data: undefined };
  return undefined;
}

function wholeOf(size: number): SparseMap {
  const map = new SparseMap(size);
  map.push(0, size);
  return map;
}
