import { pushTo } from '../bytes/groups';
import { messages } from '../errors/messages';
import type { InheritSpec } from '../specs/spec';
import type { Assignment, Claim } from './assign';
import type { MappedMemfd } from './find-mapped-memfds';
import type { MappedMemory, Match } from './match';
import { specOf } from './spec-of';
import { stayingEntries } from './staying-entries';
import type { Survey } from './survey';

/** The mappings of one entry, which the file of a spec takes over. */
export interface TakenMapping {
  readonly match: Match;
  readonly spec: number;
  readonly memory: MappedMemory;
}

/**
 * The mappings that go with the descriptors of memfds. They have to be of one file: what one task writes reaches the
 * others. Throws FdgraftError (DESCRIPTOR_TIED) where a part of a memfd would stay or go elsewhere.
 */
export function decideMemfds(assignment: Assignment, found: Survey, specs: readonly InheritSpec[]): TakenMapping[] {
  const claims = new Map<MappedMemfd, Claim[]>();
  for (const claim of assignment.claims) {
    const memfd = found.mappedMemfds.get(claim.match.id);
    if (memfd !== undefined) pushTo(claims, memfd, claim);
  }
  const named = namersOf(found);
  return [...new Set(found.mappedMemfds.values())].flatMap((memfd) => {
    const taken = claims.get(memfd) ?? [];
    const spec = taken.length > 0 ? firstOf(taken) : named.get(memfd);
    if (spec === undefined) return [];
    refuseParts(memfd, taken, found, specs[spec] as InheritSpec, specs);
    return memfd.mapped.map(({ memory, ...entry }) => ({ match: { ...entry, specs: [spec] }, spec, memory }));
  });
}

/** The first spec that takes descriptors of it. */
function firstOf(taken: readonly Claim[]): number {
  return taken.reduce((first, { spec }) => Math.min(first, spec), Number.POSITIVE_INFINITY);
}

/** The first specs that name memfds without descriptors: such a spec names all entries of a memfd. */
function namersOf({ mappedMemfds, notOpen }: Survey): Map<MappedMemfd, number | undefined> {
  const named = new Map<MappedMemfd, number | undefined>();
  for (const { id, specs } of notOpen) {
    const memfd = mappedMemfds.get(id);
    if (memfd !== undefined) named.set(memfd, specs[0]);
  }
  return named;
}

function refuseParts(
  { mapped, held, isHuge }: MappedMemfd,
  taken: readonly Claim[],
  found: Survey,
  spec: InheritSpec,
  specs: readonly InheritSpec[],
): void {
  const [{ id, entry }] = mapped as readonly [MappedMemfd['mapped'][number]];
  const place = { file: 'files.img', entry };
  if (isHuge) throw messages.memfdHuge(place, spec.text, id);
  const other = taken.find((claim) => specOf(specs, claim).callerFd !== spec.callerFd);
  if (other !== undefined) throw messages.memfdOnTwoFiles(place, id, spec.text, specOf(specs, other).text);
  const staying = stayingEntries(held, taken, found);
  if (staying.length > 0) throw messages.memfdPartStays(place, spec.text, spec.callerFd, id, staying);
}
