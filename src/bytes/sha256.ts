import type { Hash } from 'node:crypto';
import { builtins } from './builtins';

/** Hash.update copies what it is given: pieces keep the copies small. */
const PIECE_BYTES = 1 << 20;

/** Adds bytes of any number to a hash. */
export function updateHash(hash: Hash, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) hash.update(bytes.subarray(at, at + PIECE_BYTES));
}

/** SHA-256 of pieces in a row, hexadecimal. */
export function sha256Of(pieces: Iterable<Uint8Array>): string {
  const hash = builtins.crypto.createHash('sha256');
  for (const piece of pieces) updateHash(hash, piece);
  return hash.digest('hex');
}
