import { once } from 'node:events';
import type { Header } from 'tar-stream';
import { BLOCK_BYTES } from './blocks';

/** Decodes one header block. Names have one character a byte. Throws Error where it is damaged. */
export async function decodeHeader(block: Buffer): Promise<Header> {
  // Loaded where there is an archive.
  const { extract } = await import('tar-stream');
  // The declarations lack both options.
  const decoder = extract({ filenameEncoding: 'latin1', allowUnknownFormat: true } as object);
  try {
    const decoded = once(decoder, 'entry');
    decoder.write(block);
    const [header] = (await decoded) as [Header];
    return header;
  } finally {
    decoder.on('error', () => {});
    decoder.destroy();
  }
}

/** Makes one header block. All that `header` says has to fit into it. */
export async function encodeHeader(header: Omit<Header, 'pax'>): Promise<Buffer> {
  const { pack } = await import('tar-stream');
  const encoder = pack();
  try {
    encoder.on('error', () => {});
    encoder.entry(header);
    await once(encoder, 'readable');
    const block = encoder.read() as Uint8Array | null;
    if (block?.length !== BLOCK_BYTES) throw new TypeError('the header does not fit into a block');
    return Buffer.from(block);
  } finally {
    encoder.destroy();
  }
}
