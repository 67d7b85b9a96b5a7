import type { Claim } from './assign';
import type { References } from './match';
import type { Survey } from './survey';

/** Of these entries (file ids) those with descriptors or SCM rights that none of the claims takes. */
export function stayingEntries(
  held: Iterable<number>,
  claims: readonly Claim[],
  { references }: Pick<Survey, 'references'>,
): number[] {
  const counts = new Map<number, number>();
  for (const { match, references: part } of claims) counts.set(match.id, (counts.get(match.id) ?? 0) + sizeOf(part));
  return [...held].filter((id) => counts.get(id) !== sizeOf(references.get(id)));
}

function sizeOf(references: References | undefined): number {
  return references === undefined ? 0 : references.descriptors.length + references.scmRights.length;
}
