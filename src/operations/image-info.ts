import type { ByteReader } from '../bytes/byte-stream';
import { PLAN_MAGIC, rawFileOf } from '../frames/image-kinds';
import { RecordReader } from '../frames/record-reader';
import { kindOf } from '../json/image-to-json';
import { extraBytes, recordGrammar } from '../schema/record-grammar';
import { tailRules } from '../schema/tail-rules';

/** What a file of a checkpoint is; of an image, as `crit info` says it. */
export type ImageInfo = RecordInfo | RawInfo;

/** An image with magic and entries. */
export interface RecordInfo {
  /** crit's name of its kind. */
  readonly magic: string;
  /** Entries; a page map's head and records inside extras do not count. */
  readonly count: number;
  /** Of what is framed like an image and is none of CRIU: what it is. */
  readonly content?: string;
}

/** A file without magics and entries. */
export interface RawInfo {
  readonly raw: true;
  /** What CRIU puts into files of such a name. */
  readonly content: string;
}

/** What the plan is called where images of CRIU have their magic. */
const PLAN_NAME = 'FDGRAFT_PLAN';

/** Says what a file is that only its name tells; undefined for all others. */
export function rawInfo(name: string): RawInfo | undefined {
  const raw = rawFileOf(name.slice(name.lastIndexOf('/') + 1));
  return raw && { raw: true, content: raw.content };
}

/** Reads one image to its end and says what it is; a raw file is not read. Throws FdgraftError. */
export async function imageInfo(
  image: ByteReader,
  { name, signal }: { readonly name: string; readonly signal?: AbortSignal },
): Promise<ImageInfo> {
  const raw = rawInfo(name);
  if (raw !== undefined) return raw;
  const reader = new RecordReader(image, name);
  try {
    const magics = await reader.magics();
    if (magics.own === PLAN_MAGIC) return await planInfo(reader, signal);
    const kind = kindOf(magics, name);
    const grammar = recordGrammar(kind);
    let inner = 0;
    let count = kind.name === 'PAGEMAP' ? -1 : 0;
    reader.rules = {
      extraLength: (bytes, start, end) => {
        const role = grammar(bytes, start, end);
        if (inner > 0) inner -= 1;
        else {
          count += 1;
          inner = role.inner;
        }
        return extraBytes(role);
      },
      tail: tailRules(kind),
    };
    while ((await reader.nextBatch()) !== undefined) signal?.throwIfAborted();
    return { magic: kind.name, count: Math.max(0, count) };
  } finally {
    reader.release();
  }
}

/** Placeholders are what counts in a plan; its head is no entry. */
async function planInfo(reader: RecordReader, signal: AbortSignal | undefined): Promise<RecordInfo> {
  let records = 0;
  for (let batch = await reader.nextBatch(); batch !== undefined; batch = await reader.nextBatch()) {
    signal?.throwIfAborted();
    records += batch.count;
  }
  return { magic: PLAN_NAME, count: Math.max(0, records - 1), content: 'the plan of fdgraft' };
}
