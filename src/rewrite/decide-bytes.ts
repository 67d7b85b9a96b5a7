import { accessOf } from '../checkpoint/entry-types';
import { messages } from '../errors/messages';
import type { InFlight, InheritSpec } from '../specs/spec';
import type { Assignment, Share } from './assign';
import { type BytesInFlight, isFifo, type PipeEnd, type PipeName, pipeOf } from './match';
import type { Survey } from './survey';

/** Unread bytes, and whether the executor writes them into the caller's pipe. */
export interface PlannedBytes extends BytesInFlight {
  readonly fate: 'REPLAY' | 'DROP';
}

/**
 * Decides what becomes of unread bytes: they go with the first readable share of their pipe, since that is where
 * they come out, and once. Throws FdgraftError (BYTES_IN_FLIGHT) where the spec says so, and where CRIU delivers
 * them too, to what stays of the pipe in the tree.
 */
export function decideBytes(
  { shares, staying }: Assignment,
  found: Survey,
  specs: readonly InheritSpec[],
  dropInFlight: boolean,
): Map<Share, PlannedBytes[]> {
  const carriers = new Map<PipeName, Share>();
  for (const share of shares) {
    const pipe = pipeOf(share.match);
    if (pipe !== undefined && accessOf(share.match.facts.flags).read && !carriers.has(pipe)) carriers.set(pipe, share);
  }
  const fedByCriu = pipesFedByCriu(staying, found);
  const planned = new Map<Share, PlannedBytes[]>();
  for (const bytes of found.inFlight) {
    const carrier = carriers.get(bytes.pipe);
    if (carrier === undefined) continue;
    const spec = specs[carrier.spec] as InheritSpec;
    const fate = decideFate(bytes, carrier, spec, dropInFlight, fedByCriu.has(bytes.pipe));
    const known = planned.get(carrier);
    if (known === undefined) planned.set(carrier, [{ ...bytes, fate }]);
    else known.push({ ...bytes, fate });
  }
  return planned;
}

function decideFate(
  { image, entry, bytes }: BytesInFlight,
  { match }: Share,
  spec: InheritSpec,
  dropInFlight: boolean,
  isFedByCriu: boolean,
): PlannedBytes['fate'] {
  const wanted: InFlight = spec.inFlight ?? (dropInFlight ? 'drop' : 'replay');
  const { key } = match.facts;
  if (wanted === 'fail') throw messages.bytesInFlight({ file: image, entry }, key, bytes, spec.text);
  if (wanted === 'replay' && isFedByCriu) throw messages.bytesShared({ file: image, entry }, key, bytes, spec.text);
  return wanted === 'replay' ? 'REPLAY' : 'DROP';
}

/**
 * Matched pipes whose bytes CRIU delivers: those that a reader in the tree has still. A FIFO gets them where any end
 * stays, since its name leads others to it (criu/pipes.c, fifo.c).
 */
export function pipesFedByCriu(staying: ReadonlySet<number>, found: Survey): Set<PipeName> {
  const ends = stayingEnds(staying, found);
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
