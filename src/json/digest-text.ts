import { sha256Of } from '../bytes/sha256';

/** What is told of bytes that are not shown. */
export function digestText(chunks: readonly Uint8Array[]): string {
  const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
  return `<${bytes} bytes, SHA-256 ${sha256Of(chunks)}>`;
}
