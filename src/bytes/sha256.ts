import type { Hash } from 'node:crypto';
import { builtins } from './builtins';

/** Hash.update copies what it is given: chunks keep the copies small. */
const CHUNK_BYTES = 1 << 20;

/** Adds bytes of any number to a hash. */
export function updateHash(hash: Hash, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) hash.update(bytes.subarray(at, at + CHUNK_BYTES));
}

/** SHA-256 of chunks in a row, hexadecimal. */
export function sha256Of(chunks: Iterable<Uint8Array>): string {
  const hash = builtins.crypto.createHash('sha256');
  for (const chunk of chunks) updateHash(hash, chunk);
  return hash.digest('hex');
}
