import { accessOf } from '../checkpoint/entry-types';
import { messages } from '../errors/messages';
import type { InFlight, InheritSpec } from '../specs/spec';
import type { Assignment, Share } from './assign';
import type { BytesInFlight } from './match';
import type { Survey } from './survey';

/** Unread bytes, and whether the executor writes them into the caller's pipe. */
export interface PlannedBytes extends BytesInFlight {
  readonly fate: 'REPLAY' | 'DROP';
}

/**
 * Decides what becomes of unread bytes: they go with the first readable share of their pipe, since that is where
 * they come out, and once. Throws FdgraftError (BYTES_IN_FLIGHT) where the spec says so, and where a reader of the
 * pipe stays in the tree: CRIU gives it the bytes already.
 */
export function decideBytes(
  { shares, staying }: Assignment,
  found: Survey,
  specs: readonly InheritSpec[],
  dropInFlight: boolean,
): Map<Share, PlannedBytes[]> {
  const carriers = new Map<number, Share>();
  for (const share of shares) {
    const { pipeId, flags } = share.match.facts;
    if (pipeId !== undefined && accessOf(flags).read && !carriers.has(pipeId)) carriers.set(pipeId, share);
  }
  const stayingReaders = new Set(
    stayingEnds(staying, found).flatMap(({ pipeId, flags }) => (accessOf(flags).read ? [pipeId] : [])),
  );
  const planned = new Map<Share, PlannedBytes[]>();
  for (const bytes of found.inFlight) {
    const carrier = carriers.get(bytes.pipeId);
    if (carrier === undefined) continue;
    const spec = specs[carrier.spec] as InheritSpec;
    const fate = decideFate(bytes, carrier, spec, dropInFlight, stayingReaders.has(bytes.pipeId));
    planned.set(carrier, [...(planned.get(carrier) ?? []), { ...bytes, fate }]);
  }
  return planned;
}

function decideFate(
  { image, entry, bytes }: BytesInFlight,
  { match }: Share,
  spec: InheritSpec,
  dropInFlight: boolean,
  readerStays: boolean,
): PlannedBytes['fate'] {
  const wanted: InFlight = spec.inFlight ?? (dropInFlight ? 'drop' : 'replay');
  const { key } = match.facts;
  if (wanted === 'fail') throw messages.bytesInFlight({ file: image, entry }, key, bytes, spec.text);
  if (wanted === 'replay' && readerStays) throw messages.bytesShared({ file: image, entry }, key, bytes, spec.text);
  return wanted === 'replay' ? 'REPLAY' : 'DROP';
}

/** Ends of the matched pipes that stay in the tree. */
export function stayingEnds(
  staying: ReadonlySet<number>,
  { matches, otherEnds }: Survey,
): { id: number; pipeId: number; flags: number }[] {
  const kept = matches.flatMap(({ id, facts: { pipeId, flags } }) =>
    pipeId !== undefined && staying.has(id) ? [{ id, pipeId, flags }] : [],
  );
  return [...otherEnds, ...kept];
}
