import type { BytesAt } from '../../bytes/same-bytes';
import { SOCKET_STATE } from '../../checkpoint/socket-types';
import { OUTER } from '../../checkpoint/unix-sockets';
import type { Plan, PlanPlaceholder } from '../../plan/plan';
import { FD_TYPES, FILE_ENTRY_FIELDS, UNIX_SK_ENTRY_FIELDS } from '../../schema/generated/images';
import type { Source } from '../../storage/source';
import { encodeBytesField, encodeVarintField } from '../../wire/encode';
import { patchRecord } from '../../wire/patch';
import { fieldsIn, joinedPayload, numberIn } from '../wire/fields';
import { eachEntry } from './each-entry';

const { type: TYPE, id: ID, usk: SOCKET } = FILE_ENTRY_FIELDS;
const NO_BYTES = Buffer.alloc(0);

/**
 * The bytes of a socket that a listener had accepted, without the name of it. Undefined where the entry is no unix
 * socket. Throws WireFault.
 */
export function unnamedEntry(entry: BytesAt): Buffer | undefined {
  const message = socketIn(entry);
  if (message === undefined) return undefined;
  const { name, file_perms } = UNIX_SK_ENTRY_FIELDS;
  const unnamed = patchRecord(message.bytes, message.start, message.end, [
    { number: name, replacement: encodeBytesField(name, NO_BYTES) },
    { number: file_perms, replacement: NO_BYTES },
  ]);
  const edits = [{ number: SOCKET, replacement: encodeBytesField(SOCKET, unnamed) }];
  return patchRecord(entry.bytes, entry.start, entry.end, edits);
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
  const socket = patchRecord(message, 0, message.length, edits);
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
