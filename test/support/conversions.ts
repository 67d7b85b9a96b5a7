/** Images to JSON and back, with the bytes given in pieces of any size. */
import type { ByteReader } from '../../src/bytes/byte-stream';
import { decodeImage } from '../../src/operations/decode';
import { encodeImage } from '../../src/operations/encode';
import { Random } from './random-messages';

/** Gives the bytes in pieces: of any size, at most what is asked for. */
export function inPieces(bytes: Uint8Array, random = new Random(1)): ByteReader {
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
  const pieces: Buffer[] = [];
  const write = async (bytes: Uint8Array) => {
    pieces.push(Buffer.from(bytes));
  };
  await decodeImage(inPieces(image, random), { write }, { name: 'x.img', ...options });
  return Buffer.concat(pieces).toString('utf8');
}

export async function toImage(json: string | Uint8Array, random?: Random): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const write = async (bytes: Uint8Array) => {
    pieces.push(Buffer.from(bytes));
  };
  const text = typeof json === 'string' ? Buffer.from(json, 'utf8') : json;
  await encodeImage(inPieces(text, random), { write }, { name: 'x.json' });
  return Buffer.concat(pieces);
}
