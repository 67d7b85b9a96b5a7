import { pushTo } from '../bytes/groups';
import { accessOf } from '../checkpoint/open-flags';
import { isFifo, type PipeName } from '../checkpoint/pipe-name';
import { messages } from '../errors/messages';
import type { InFlight, InheritSpec } from '../specs/spec';
import type { Claim } from './assign';
import { type PipeEnd, pipeOf, type UnreadBytes } from './match';
import { specOf } from './spec-of';
import type { Survey } from './survey';

/** Unread bytes, and whether the executor writes them into the caller's pipe. */
export interface PlannedBytes extends UnreadBytes {
  readonly fate: 'REPLAY' | 'DROP';
}

/**
 * Decides what becomes of unread bytes: they go with the first readable claim of their pipe that wants them, since
 * that is where they come out, and once. Throws FdgraftError (BYTES_IN_FLIGHT) where a spec that takes an end of the
 * pipe says so, and where CRIU delivers them too, to what stays of the pipe in the tree.
 */
export function decideBytes(
  claims: readonly Claim[],
  found: Survey,
  specs: readonly InheritSpec[],
  dropInFlight: boolean,
  fedByCriu: ReadonlySet<PipeName>,
): Map<Claim, PlannedBytes[]> {
  if (found.unread.length === 0) return new Map();
  const wanted = (claim: Claim) => wantedOf(specOf(specs, claim), dropInFlight);
  const ends = new Map<PipeName, Claim[]>();
  for (const claim of claims) {
    const pipe = pipeOf(claim.match);
    if (pipe !== undefined) pushTo(ends, pipe, claim);
  }
  // A pipe can have many records and many claims: each pipe is looked at once.
  const takers = new Map([...ends].map(([pipe, taken]) => [pipe, takersOf(taken, wanted)]));
  const planned = new Map<Claim, PlannedBytes[]>();
  for (const bytes of found.unread) {
    const { failing, carrier } = takers.get(bytes.pipe) ?? {};
    const place = { file: bytes.image, entry: bytes.entry };
    if (failing !== undefined) {
      throw messages.bytesInFlight(place, failing.match.facts.key, bytes.bytes, specOf(specs, failing).text);
    }
    if (carrier === undefined) continue;
    const fate = wanted(carrier) === 'replay' ? 'REPLAY' : 'DROP';
    const { pipe: _pipe, ...unread } = bytes;
    if (fate === 'REPLAY' && fedByCriu.has(bytes.pipe)) {
      const { text, key } = specOf(specs, carrier);
      // A path takes every end that was opened by it, so what stays was opened by another one.
      const isAll = key.kind === 'path' || key.kind === 'glob';
      const reach = isFifo(bytes.pipe) ? (isAll ? 'none' : 'path') : 'pipe';
      throw messages.bytesShared(place, carrier.match.facts.key, bytes.bytes, text, reach);
    }
    pushTo(planned, carrier, { ...unread, fate });
  }
  return planned;
}

/** The claim on a pipe whose spec wants no bytes to be unread, and the claim that they go with. */
function takersOf(taken: readonly Claim[], wanted: (claim: Claim) => InFlight) {
  const readers = taken.filter(({ match }) => accessOf(match.facts.flags).read);
  return {
    failing: taken.find((claim) => wanted(claim) === 'fail'),
    carrier: readers.find((claim) => wanted(claim) === 'replay') ?? readers[0],
  };
}

/** The fate of unread bytes that a spec asks for, or all specs without the option. */
export function wantedOf({ inFlight }: InheritSpec, dropInFlight: boolean): InFlight {
  return inFlight ?? (dropInFlight ? 'drop' : 'replay');
}

/**
 * Matched pipes whose bytes CRIU delivers: those that a reader in the tree has still. A FIFO gets them where any end
 * stays, since its name leads others to it (criu/pipes.c, fifo.c).
 */
export function pipesFedByCriu(ends: readonly PipeEnd[]): Set<PipeName> {
  return new Set(ends.flatMap(({ pipe, flags }) => (isFifo(pipe) || accessOfEnd(flags).read ? [pipe] : [])));
}

/** Ends of the matched pipes that stay in the tree. */
export function stayingEnds(staying: ReadonlySet<number>, { matches, otherEnds }: Survey): PipeEnd[] {
  const kept = matches.flatMap((match) => {
    const pipe = pipeOf(match);
    return pipe !== undefined && staying.has(match.id) ? [{ id: match.id, pipe, flags: match.facts.flags }] : [];
  });
  return [...otherEnds, ...kept];
}

/** What an end can do; all where that is not known. */
export function accessOfEnd(flags: PipeEnd['flags']): ReturnType<typeof accessOf> {
  return flags === undefined ? { read: true, write: true } : accessOf(flags);
}
