import { once } from 'node:events';
import type { Extract, Header } from 'tar-stream';
import { BLOCK_BYTES, fieldOf, numberOf, setChecksum, setNumber } from './blocks';

/** Fields of a header that are numbers; NaN stands for one that is none, or below zero. */
export const HEADER_NUMBERS = ['mode', 'uid', 'gid', 'size'] as const;

/** Decodes header blocks, one after the other. */
export class HeaderDecoder {
  /** One for all of them: an archive may have hundreds of thousands. */
  private decoder: Extract | undefined;
  private settle: { resolve: (header: Header) => void; reject: (error: Error) => void } | undefined;

  /** Names have one character a byte. Throws Error where the block is damaged; no other can be decoded then. */
  async decode(block: Buffer): Promise<Header> {
    this.decoder ??= await this.begin();
    const { decoder } = this;
    // The content is not for the decoder, which would wait for it.
    const alone = Buffer.from(block);
    setNumber(alone, 'size', 0);
    setChecksum(alone);
    const decoded = new Promise<Header>((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    decoder.write(alone);
    // One reader of numbers: tar-stream has null for some in base 256, and reads 12x as 12.
    const numbers = HEADER_NUMBERS.map((key) => [key, numberOf(fieldOf(block, key))]);
    return { ...(await decoded), ...Object.fromEntries(numbers) };
  }

  private async begin(): Promise<Extract> {
    // Loaded where there is an archive.
    const { extract } = await import('tar-stream');
    // The declarations lack both options.
    const decoder = extract({ filenameEncoding: 'latin1', allowUnknownFormat: true } as object);
    decoder.on('entry', (header, _content, next) => {
      this.settle?.resolve(header);
      next();
    });
    decoder.on('error', (error) => this.settle?.reject(error));
    return decoder;
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
