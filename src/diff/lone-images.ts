import type { ByteReader } from '../bytes/byte-stream';
import { kindOfMagic } from '../frames/image-kinds';
import { RecordReader } from '../frames/record-reader';
import { Spool } from '../storage/spool';
import { CheckpointIds } from './ids/checkpoint-ids';
import type { IdPairs } from './ids/id-pairs';
import { pairIds } from './ids/pair-ids';

/** An image alone. */
export interface LoneImage {
  readonly reader: ByteReader;
  readonly name: string;
}

/** An image that is read twice. */
export async function copyOf({ reader }: LoneImage, signal: AbortSignal | undefined): Promise<Spool> {
  const copy = new Spool();
  const chunk = Buffer.allocUnsafe(1 << 16);
  for (let got = await reader.read(chunk, 0, chunk.length); got > 0; got = await reader.read(chunk, 0, chunk.length)) {
    signal?.throwIfAborted();
    copy.push(chunk.subarray(0, got));
  }
  return copy;
}

/** What files.img says of its ids; of all others, only another image could say what they stand for. */
export async function pairIdsOfImages(
  name: string,
  copies: readonly Spool[],
  signal: AbortSignal | undefined,
): Promise<IdPairs> {
  const [a, b] = [new CheckpointIds(), new CheckpointIds()];
  for (const [i, ids] of [a, b].entries()) {
    const copy = copies[i] as Spool;
    const reader = new RecordReader(copy.reader(), name);
    const kind = kindOfMagic((await reader.magics()).own);
    reader.release();
    if (kind?.name !== 'FILES') continue;
    const open = async () => ({ ...copy.reader(), close: async () => {} });
    await ids.see(
      { name: Buffer.from(name), kind: 'file', mode: 0, uid: 0, gid: 0, open },
      {
        kind,
        number: 0,
        numberOf: undefined,
      },
    );
  }
  return pairIds(a, b, signal);
}
