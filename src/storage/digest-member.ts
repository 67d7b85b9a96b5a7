import { builtins } from '../bytes/builtins';
import { isFileOrLeadsToOne, type SourceMember } from './source';

const CHUNK_BYTES = 1 << 18;

/** Size and SHA-256 (hexadecimal) of a file, or of the file that a link leads to; undefined for anything else. */
export async function digestMember(
  member: SourceMember | undefined,
  signal: AbortSignal | undefined,
): Promise<{ readonly bytes: number; readonly sha256: string } | undefined> {
  if (member === undefined || !isFileOrLeadsToOne(member)) return undefined;
  const reader = await member.open();
  const hash = builtins.crypto.createHash('sha256');
  let bytes = 0;
  try {
    // Most images are small; large buffers for thousands of them keep the garbage collector busy.
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, (member.size ?? CHUNK_BYTES) + 1));
    for (
      let got = await reader.read(chunk, 0, chunk.length);
      got > 0;
      got = await reader.read(chunk, 0, chunk.length)
    ) {
      signal?.throwIfAborted();
      hash.update(chunk.subarray(0, got));
      bytes += got;
    }
  } finally {
    await reader.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}
