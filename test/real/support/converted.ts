import { Readable } from 'node:stream';
import { decodeImage } from '../../../src/operations/decode';
import { encodeImage } from '../../../src/operations/encode';
import { imageInfo } from '../../../src/operations/image-info';
import { readStream } from '../../../src/storage/single-file';

function collect() {
  const chunks: Buffer[] = [];
  return {
    write: async (bytes: Uint8Array) => {
      chunks.push(Buffer.from(bytes));
    },
    all: () => Buffer.concat(chunks),
  };
}

const from = (bytes: Uint8Array) => readStream(Readable.from([bytes]), 'bytes');

/** What fdgraft decodes of an image. */
export async function decoded(image: Buffer, options: { pretty?: boolean; payload?: boolean } = {}): Promise<string> {
  const writer = collect();
  await decodeImage(from(image), writer, { name: 'image', ...options });
  return writer.all().toString('latin1');
}

/** What fdgraft encodes of a JSON. */
export async function encoded(json: string): Promise<Buffer> {
  const writer = collect();
  await encodeImage(from(Buffer.from(json)), writer, { name: 'json' });
  return writer.all();
}

/** What fdgraft info says, as it prints it, without the line end. */
export async function info(image: Buffer): Promise<string> {
  return JSON.stringify(await imageInfo(from(image), { name: 'image' }), null, 4);
}
