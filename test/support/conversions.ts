/** Images to JSON and back, with the bytes given in chunks of any size. */
import type { ByteReader } from '../../src/bytes/byte-stream';
import { decodeImage } from '../../src/operations/decode';
import { encodeImage } from '../../src/operations/encode';
import { Random } from './random-messages';

/** Gives the bytes in chunks: of any size, at most what is asked for. */
export function inChunks(bytes: Uint8Array, random = new Random(1)): ByteReader {
  let at = 0;
  const most = [1, 7, 300, 5000, 1 << 20][random.below(5)] as number;
  return {
    read: async (into, start, length) => {
      const size = Math.min(1 + random.below(most), length, bytes.length - at);
      into.set(bytes.subarray(at, at + size), start);
      at += size;
      return size;
    },
  };
}

export interface DecodeSettings {
  readonly name?: string;
  readonly pretty?: boolean;
  readonly payload?: boolean;
  readonly random?: Random;
  readonly onWarning?: (warning: { message: string }) => void;
}

export async function toJson(image: Uint8Array, settings: DecodeSettings = {}): Promise<string> {
  const { random, ...options } = settings;
  const chunks: Buffer[] = [];
  const write = async (bytes: Uint8Array) => {
    chunks.push(Buffer.from(bytes));
  };
  await decodeImage(inChunks(image, random), { write }, { name: 'x.img', ...options });
  return Buffer.concat(chunks).toString('utf8');
}

export async function toImage(json: string | Uint8Array, random?: Random): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const write = async (bytes: Uint8Array) => {
    chunks.push(Buffer.from(bytes));
  };
  const text = typeof json === 'string' ? Buffer.from(json, 'utf8') : json;
  await encodeImage(inChunks(text, random), { write }, { name: 'x.json' });
  return Buffer.concat(chunks);
}
