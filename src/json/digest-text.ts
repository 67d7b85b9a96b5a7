import { sha256Of } from '../bytes/sha256';

/** Stands for bytes that are not shown: how many they are, and their digest. */
export function digestText(chunks: readonly Uint8Array[]): string {
  const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
  return `<${bytes} bytes, SHA-256 ${sha256Of(chunks)}>`;
}
