import { escapeBytes } from '../bytes/escape';
import { digestMember } from '../storage/digest-member';
import type { SourceMember } from '../storage/source';
import { sidesOf } from './compare-images';
import type { FileDifference } from './difference';
import { areSameSparseFile } from './same-content';

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
  const isFilePair = !isLink && before?.kind === 'file' && after?.kind === 'file';
  if (isFilePair && (await areSameSparseFile(before, after, signal))) return undefined;
  const [a, b] = [await digestMember(before, signal), await digestMember(after, signal)];
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
