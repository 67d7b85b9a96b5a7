import { accessOf, hasOwner } from '../checkpoint/entry-types';
import { messages } from '../errors/messages';
import type { InheritSpec } from '../specs/spec';
import type { BytesInFlight, Match } from './match';
import type { Survey } from './survey';

/** What gets lost or may surprise. Codes are stable. */
export interface Warning {
  readonly code:
    | 'OWNER_DROPPED'
    | 'BYTES_DROPPED'
    | 'BOTH_ENDS'
    | 'SPEC_SHADOWED'
    | 'SPEC_UNMATCHED'
    | 'KEY_LEFT_TO_CRIU';
  readonly message: string;
  /** File id that it is about. */
  readonly fileId?: number;
}

/** An entry that becomes a placeholder. */
export interface Placeholder {
  readonly match: Match;
  /** Number of the spec that takes it. */
  readonly spec: number;
  /** Unread bytes that go with it, and are dropped. */
  readonly inFlight: readonly BytesInFlight[];
}

export interface Decision {
  /** Ascending by file id. */
  readonly placeholders: readonly Placeholder[];
  /** By number of the spec: how many entries its key names. */
  readonly matchCounts: readonly number[];
  readonly warnings: readonly Warning[];
}

/**
 * Decides from the survey what becomes a placeholder. Throws FdgraftError (ENTRY_SHARED,
 * BYTES_IN_FLIGHT) where the result would not restore, or would lose bytes unasked.
 */
export function decide(found: Survey, specs: readonly InheritSpec[], dropInFlight: boolean): Decision {
  for (const match of found.matches) refuseShared(match, found);
  const inFlight = assignBytesInFlight(found);
  if (!dropInFlight) for (const [match, bytes] of inFlight) refuseBytesInFlight(match, bytes);
  const placeholders = found.matches
    .map((match) => ({ match, spec: match.specs[0] as number, inFlight: inFlight.get(match) ?? [] }))
    .sort((a, b) => a.match.id - b.match.id);
  return {
    placeholders,
    matchCounts: countMatches(found, specs),
    warnings: [
      ...shadowedSpecs(found, specs),
      ...bothEnds(placeholders, specs),
      ...placeholders.flatMap((placeholder) => entryWarnings(placeholder)),
    ],
  };
}

function refuseShared(match: Match, found: Survey): void {
  const holders = found.holders.get(match.id);
  if (holders !== undefined) throw messages.entryShared(match.facts.key, match.id, holders);
}

/** The bytes of a pipe go with its first readable end, since that is where they come out. */
function assignBytesInFlight(found: Survey): Map<Match, BytesInFlight[]> {
  const ends = new Map<number, Match>();
  for (const match of found.matches) {
    const { pipeId, flags } = match.facts;
    if (pipeId === undefined) continue;
    const known = ends.get(pipeId);
    if (known === undefined || (accessOf(flags).read && !accessOf(known.facts.flags).read)) ends.set(pipeId, match);
  }
  const assigned = new Map<Match, BytesInFlight[]>();
  for (const bytes of found.inFlight) {
    const end = ends.get(bytes.pipeId);
    if (end === undefined) continue;
    const known = assigned.get(end);
    if (known === undefined) assigned.set(end, [bytes]);
    else known.push(bytes);
  }
  return assigned;
}

function refuseBytesInFlight(match: Match, inFlight: readonly BytesInFlight[]): void {
  for (const { image, entry, bytes } of inFlight) throw messages.bytesInFlight(match.facts.key, image, entry, bytes);
}

function countMatches(found: Survey, specs: readonly InheritSpec[]): number[] {
  const counts = specs.map(() => 0);
  for (const match of found.matches) for (const number of match.specs) counts[number] = (counts[number] ?? 0) + 1;
  return counts;
}

function shadowedSpecs(found: Survey, specs: readonly InheritSpec[]): Warning[] {
  const counts = countMatches(found, specs);
  const shadowed = new Map<number, { taken: number; by: Set<number> }>();
  for (const { specs: named } of found.matches) {
    const [first, ...later] = named as [number, ...number[]];
    for (const number of later) {
      const known = shadowed.get(number) ?? { taken: 0, by: new Set<number>() };
      shadowed.set(number, { taken: known.taken + 1, by: known.by.add(first) });
    }
  }
  return [...shadowed]
    .sort(([a], [b]) => a - b)
    .map(([number, { taken, by }]) => {
      const what = taken === counts[number] ? 'all its entries' : `${taken} of its ${counts[number]} entries`;
      const takers = [...by].map((taker) => specs[taker]?.text).join(', ');
      return { code: 'SPEC_SHADOWED', message: `${specs[number]?.text}: ${takers} takes ${what}` };
    });
}

function bothEnds(placeholders: readonly Placeholder[], specs: readonly InheritSpec[]): Warning[] {
  const ends = new Map<number, { read: boolean; write: boolean; spec: number }>();
  for (const { match, spec } of placeholders) {
    if (match.facts.pipeId === undefined) continue;
    const access = accessOf(match.facts.flags);
    const known = ends.get(match.facts.pipeId);
    ends.set(match.facts.pipeId, {
      read: access.read || known?.read === true,
      write: access.write || known?.write === true,
      spec,
    });
  }
  return [...ends].flatMap(([pipe, { read, write, spec }]) => {
    if (!read || !write) return [];
    const message =
      `pipe:[${pipe}] has both its ends in the checkpoint, and ${specs[spec]?.text} takes both: ` +
      `the caller's descriptor must be open for reading and writing`;
    return [{ code: 'BOTH_ENDS' as const, message }];
  });
}

function entryWarnings({ match, inFlight }: Placeholder): Warning[] {
  const warnings: Warning[] = [];
  const { key, owner } = match.facts;
  if (hasOwner(owner)) {
    const message = `${key} (file id ${match.id}): pid ${owner.pid} got signal ${owner.signum || 'SIGIO'} on I/O; that is not restored, since it would change the caller's own file`;
    warnings.push({ code: 'OWNER_DROPPED', message, fileId: match.id });
  }
  for (const { bytes } of inFlight) {
    const message = `${key} (file id ${match.id}): ${bytes} unread ${bytes === 1 ? 'byte is' : 'bytes are'} dropped, as --drop-in-flight asks`;
    warnings.push({ code: 'BYTES_DROPPED', message, fileId: match.id });
  }
  return warnings;
}
