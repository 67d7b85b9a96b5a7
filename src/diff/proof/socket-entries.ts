import type { BytesAt } from '../../bytes/same-bytes';
import { SHUT_BOTH, SOCKET_STATE } from '../../checkpoint/socket-types';
import { OUTER } from '../../checkpoint/unix-sockets';
import type { Plan, PlanPlaceholder } from '../../plan/plan';
import { FD_TYPES, FILE_ENTRY_FIELDS, UNIX_SK_ENTRY_FIELDS } from '../../schema/generated/images';
import type { Source } from '../../storage/source';
import { encodeBytesField, encodeVarintField } from '../../wire/encode';
import { numberIn } from '../../wire/number-in';
import { patchRecord } from '../../wire/patch';
import { fieldsIn, joinedPayload } from '../wire/fields';
import { eachEntry } from './each-entry';

const { type: TYPE, id: ID, usk: SOCKET } = FILE_ENTRY_FIELDS;
const NO_BYTES = Buffer.alloc(0);

/** The losses of a unix socket that stays, as a plan has them. */
export interface LostBySocket {
  /** The name of the listener that had accepted it. */
  readonly name: boolean;
  /** The peer. */
  readonly peer: boolean;
}

/** The bytes of a unix socket that stays, without what it has lost. Undefined for any other entry. Throws WireFault. */
export function socketLeft(lost: LostBySocket, entry: BytesAt): Buffer | undefined {
  const message = socketIn(entry);
  if (message === undefined) return undefined;
  const { name, file_perms, deleted, peer, shutdown } = UNIX_SK_ENTRY_FIELDS;
  const edits: { number: number; replacement: Buffer }[] = [{ number: deleted, replacement: NO_BYTES }];
  const set = (number: number, replacement: Buffer) => edits.push({ number, replacement });
  if (lost.name) {
    set(name, encodeBytesField(name, NO_BYTES));
    set(file_perms, NO_BYTES);
  }
  if (lost.peer) {
    set(peer, encodeVarintField(peer, 0));
    set(shutdown, encodeVarintField(shutdown, SHUT_BOTH));
  }
  const left = patchRecord(message.bytes, message.start, message.end, edits);
  const whole = [{ number: SOCKET, replacement: encodeBytesField(SOCKET, left) }];
  return patchRecord(entry.bytes, entry.start, entry.end, whole);
}

/** The bytes of the entry that stands in for a socket. `message`: that of the socket. Throws WireFault. */
export function standInEntry(fileId: number, message: Buffer): Buffer {
  const fields = UNIX_SK_ENTRY_FIELDS;
  const values: readonly [number, number][] = [
    [fields.id, fileId],
    [fields.uflags, OUTER],
    [fields.state, SOCKET_STATE.CLOSE],
    [fields.peer, 0],
  ];
  const edits = values.map(([number, value]) => ({ number, replacement: encodeVarintField(number, value) }));
  const removed = { number: fields.deleted, replacement: NO_BYTES };
  const socket = patchRecord(message, 0, message.length, [...edits, removed]);
  return Buffer.concat([
    encodeVarintField(TYPE, FD_TYPES.UNIXSK),
    encodeVarintField(ID, fileId),
    encodeBytesField(SOCKET, socket),
  ]);
}

function socketIn(entry: BytesAt): BytesAt | undefined {
  if (numberIn(entry, TYPE) !== FD_TYPES.UNIXSK) return undefined;
  const ranges = fieldsIn(entry).get(SOCKET);
  return ranges === undefined ? undefined : joinedPayload(entry.bytes, ranges);
}

/** The messages of the sockets that entries of the plan stand in for, by the file id of the placeholder. Throws FdgraftError. */
export async function readReplacedSockets(
  plan: Plan,
  source: Source,
  signal?: AbortSignal,
): Promise<ReadonlyMap<PlanPlaceholder['file_id'], Buffer>> {
  const found = new Map<number, Buffer>();
  const wanted = new Set(plan.placeholders.flatMap((one) => (one.stand_in === undefined ? [] : [one.file_id])));
  if (wanted.size === 0) return found;
  await eachEntry(source, signal, (id, entry) => {
    const message = wanted.has(id) && !found.has(id) ? socketIn(entry) : undefined;
    if (message !== undefined) found.set(id, Buffer.from(message.bytes.subarray(message.start, message.end)));
  });
  return found;
}
