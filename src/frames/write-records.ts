import { encodeUint32 } from '../bytes/little-endian';

/** The magics that an image begins with. `first`: undefined where there is only its own. */
export function encodeMagics({ first, own }: { readonly first: number | undefined; readonly own: number }): Buffer {
  return first === undefined ? encodeUint32(own) : Buffer.concat([encodeUint32(first), encodeUint32(own)]);
}

/** The size field before a record of so many bytes. */
export function encodeSize(recordBytes: number): Buffer {
  return encodeUint32(recordBytes);
}

/** A record, which may lie in chunks, as it stands in an image. */
export function frameRecord(...chunks: readonly Uint8Array[]): Uint8Array[] {
  return [encodeSize(chunks.reduce((sum, { length }) => sum + length, 0)), ...chunks];
}
