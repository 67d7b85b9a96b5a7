import { messages } from '../errors/messages';
import { PIPE_CAPACITY_MAX } from '../schema/plan-limits';
import type { DebugSpec, InheritSpec } from '../specs/spec';
import type { Placeholder } from './decision';
import type { UnreadBytes } from './match';

/**
 * Refuses unread bytes that the executor could not deliver, whatever the caller's descriptors are. Throws FdgraftError
 * (BYTES_IN_FLIGHT, PLAN_LIMIT).
 */
export function refuseUndeliverable(
  placeholders: readonly Placeholder[],
  specs: readonly InheritSpec[],
  debugs: readonly DebugSpec[],
): void {
  const byCallerFd = new Map<number, { key: string; spec: InheritSpec }>();
  for (const { match, spec: number, unread } of placeholders) {
    const delivered = unread.filter(({ fate }) => fate === 'REPLAY');
    const [first] = delivered;
    if (first === undefined) continue;
    const { key } = match.facts;
    const spec = specs[number] as InheritSpec;
    const place = { file: first.image, entry: first.entry };
    const other = byCallerFd.get(spec.callerFd);
    // All unread bytes of one pipe go with one placeholder.
    if (other !== undefined)
      throw messages.bytesMixed(place, key, spec.text, other.key, other.spec.text, spec.callerFd);
    byCallerFd.set(spec.callerFd, { key, spec });
    refuseCapacity(delivered, key, spec);
    const debug = debugs.find(({ callerFd, output }) => callerFd === spec.callerFd && output.length > 0);
    if (debug !== undefined) throw messages.debugBeforeBytes(place, key, spec.text, debug.text);
  }
}

/** The size that the dump recorded is within the limit (find-references.ts). */
function refuseCapacity(delivered: readonly UnreadBytes[], key: string, { text }: InheritSpec): void {
  let sum = 0;
  for (const { image, entry, bytes } of delivered) {
    sum += bytes;
    if (sum <= PIPE_CAPACITY_MAX) continue;
    const place = { file: image, entry, field: 'pipe_data_entry.bytes' };
    throw messages.pipePastLimit(place, key, text, sum, PIPE_CAPACITY_MAX);
  }
}
