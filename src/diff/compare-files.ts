import { createHash } from 'node:crypto';
import { escapeBytes } from '../bytes/escape';
import type { SourceMember } from '../storage/source';
import { sidesOf } from './compare-images';
import type { Digest, FileDifference } from './difference';

const PIECE_BYTES = 1 << 18;

/** What differs between two files that are no images; undefined where nothing does. One of them may be absent. */
export async function compareFiles(
  name: string,
  before: SourceMember | undefined,
  after: SourceMember | undefined,
  signal?: AbortSignal,
): Promise<FileDifference | undefined> {
  const change = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed';
  const targets = { ...target('before', before), ...target('after', after) };
  const isLink = Object.keys(targets).length > 0;
  const [a, b] = [await digestOf(before, signal), await digestOf(after, signal)];
  const sides = sidesOf(a, b);
  const leadElsewhere = change === 'changed' && targets.before !== targets.after && a === undefined && b === undefined;
  if (sides === undefined && change === 'changed' && !leadElsewhere) return undefined;
  // A link can lead to a file that whoever reads this may not know.
  if (isLink) return { what: 'file', file: name, change, sides: {}, targets };
  return { what: 'file', file: name, change, sides: sides ?? {} };
}

function target(side: 'before' | 'after', member: SourceMember | undefined): { before?: string; after?: string } {
  return member?.target === undefined ? {} : { [side]: escapeBytes(member.target) };
}

/** Size and digest of a file, or of the file that a link leads to; undefined for anything else. */
async function digestOf(
  member: SourceMember | undefined,
  signal: AbortSignal | undefined,
): Promise<Digest | undefined> {
  if (member === undefined) return undefined;
  if (member.kind !== 'file' && !(member.kind === 'link' && member.leadsTo === 'file')) return undefined;
  const reader = await member.open();
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    for (let got = await reader.read(piece, 0, PIECE_BYTES); got > 0; got = await reader.read(piece, 0, PIECE_BYTES)) {
      signal?.throwIfAborted();
      hash.update(piece.subarray(0, got));
      bytes += got;
    }
  } finally {
    await reader.close();
  }
  return { bytes, sha256: hash.digest('hex') };
}
