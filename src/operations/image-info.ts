import type { ByteReader } from '../bytes/byte-stream';
import { RecordReader } from '../frames/record-reader';
import { kindOf, refuseRaw } from '../json/image-to-json';
import { extraBytes, recordGrammar } from '../schema/record-grammar';
import { tailRules } from '../schema/tail-rules';

/** What an image is, as `crit info` says it. */
export interface ImageInfo {
  /** crit's name of its kind. */
  readonly magic: string;
  /** Entries; a page map's head and records inside extras do not count. */
  readonly count: number;
}

/** Reads one image to its end and says what it is. Throws FdgraftError. */
export async function imageInfo(
  image: ByteReader,
  { name, signal }: { readonly name: string; readonly signal?: AbortSignal },
): Promise<ImageInfo> {
  refuseRaw(name);
  const reader = new RecordReader(image, name);
  try {
    const kind = kindOf(await reader.magics(), name);
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
