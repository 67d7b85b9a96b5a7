import { FileEntryView } from '../checkpoint/file-entry';
import { SHUT_BOTH, SOCKET_STATE } from '../checkpoint/socket-types';
import { OUTER } from '../checkpoint/unix-sockets';
import { FD_TYPES, FILE_ENTRY_FIELDS, UNIX_SK_ENTRY_FIELDS } from '../schema/generated/images';
import { encodeBytesField, encodeVarintField } from '../wire/encode';
import { type FieldEdit, patchRecord } from '../wire/patch';

const NO_BYTES = Buffer.alloc(0);

/** Ties to a socket that goes, which one that stays loses. */
export interface LeftBehind {
  /**
   * The name of the listener that goes, which had accepted it: with it CRIU binds the socket again, and removes the path
   * that the caller's listener is bound to (sk-unix.c; tried).
   */
  readonly isUnnamed: boolean;
  /** The peer: CRIU restores a connected stream socket without one if it is shut down both ways (sk-unix.c; tried). */
  readonly isHungUp: boolean;
}

/** The entry of files.img `bytes[start, end)` of a unix socket that stays. Throws WireFault. */
export function leaveBehind(
  { isUnnamed, isHungUp }: LeftBehind,
  bytes: Uint8Array,
  start: number,
  end: number,
): Uint8Array {
  if (!isUnnamed && !isHungUp) return bytes.subarray(start, end);
  const { usk } = FILE_ENTRY_FIELDS;
  const message = new FileEntryView().read(bytes, start, end);
  const edits = [...(isUnnamed ? WITHOUT_NAME : []), ...(isHungUp ? WITHOUT_PEER : []), NOT_REMOVED];
  const left = patchRecord(message.bytes, message.start, message.end, edits);
  return patchRecord(bytes, start, end, [{ number: usk, replacement: encodeBytesField(usk, left) }]);
}

const { name, file_perms, deleted, peer, shutdown } = UNIX_SK_ENTRY_FIELDS;

/**
 * CRIU refuses a removed name that is empty, and waits without end for a stand-in with one, or for a connected socket with
 * one that has no peer (sk-unix.c; tried). It never gives a connected stream socket its name.
 */
const NOT_REMOVED: FieldEdit = { number: deleted, replacement: NO_BYTES };

const WITHOUT_NAME: readonly FieldEdit[] = [
  { number: name, replacement: encodeBytesField(name, NO_BYTES) },
  { number: file_perms, replacement: NO_BYTES },
];
const WITHOUT_PEER: readonly FieldEdit[] = [
  { number: peer, replacement: encodeVarintField(peer, 0) },
  { number: shutdown, replacement: encodeVarintField(shutdown, SHUT_BOTH) },
];

/**
 * The entry of a stand-in for the socket that goes, from its message: its clients need a peer among the unix sockets,
 * and CRIU connects them to the name of this one, which it takes for a socket outside of the tree (sk-unix.c; tried).
 */
export function makeStandIn(message: Buffer, fileId: number): Buffer {
  const set = (field: 'id' | 'uflags' | 'state' | 'peer', value: number) => {
    const number = UNIX_SK_ENTRY_FIELDS[field];
    return { number, replacement: encodeVarintField(number, value) };
  };
  const edits = [
    set('id', fileId),
    set('uflags', OUTER),
    set('state', SOCKET_STATE.CLOSE),
    set('peer', 0),
    NOT_REMOVED,
  ];
  return Buffer.concat([
    encodeVarintField(FILE_ENTRY_FIELDS.type, FD_TYPES.UNIXSK),
    encodeVarintField(FILE_ENTRY_FIELDS.id, fileId),
    encodeBytesField(FILE_ENTRY_FIELDS.usk, patchRecord(message, 0, message.length, edits)),
  ]);
}
