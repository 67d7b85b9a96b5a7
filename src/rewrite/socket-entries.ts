import { FileEntryView } from '../checkpoint/file-entry';
import { SOCKET_STATE } from '../checkpoint/socket-types';
import { OUTER } from '../checkpoint/unix-sockets';
import { FD_TYPES, FILE_ENTRY_FIELDS, UNIX_SK_ENTRY_FIELDS } from '../schema/generated/images';
import { encodeBytesField, encodeVarintField } from '../wire/encode';
import { patchRecord } from '../wire/patch';

const NO_BYTES = Buffer.alloc(0);

/**
 * The entry of files.img `bytes[start, end)` of an accepted unix socket without its name: with it CRIU binds the socket
 * again, and removes the path that the caller's listener is bound to (sk-unix.c; tried). Throws WireFault.
 */
export function withoutName(bytes: Uint8Array, start: number, end: number): Buffer {
  const { usk } = FILE_ENTRY_FIELDS;
  const { name, file_perms } = UNIX_SK_ENTRY_FIELDS;
  const message = new FileEntryView().read(bytes, start, end);
  const unnamed = patchRecord(message.bytes, message.start, message.end, [
    { number: name, replacement: encodeBytesField(name, NO_BYTES) },
    { number: file_perms, replacement: NO_BYTES },
  ]);
  return patchRecord(bytes, start, end, [{ number: usk, replacement: encodeBytesField(usk, unnamed) }]);
}

/**
 * The entry of a stand-in for the socket that goes, from its message: its clients need a peer among the unix sockets,
 * and CRIU connects them to the name of this one, which it takes for a socket outside of the tree (sk-unix.c; tried).
 */
export function makeStandIn(message: Buffer, fileId: number): Buffer {
  const set = (field: 'id' | 'uflags' | 'state' | 'peer', value: number) => {
    const number = UNIX_SK_ENTRY_FIELDS[field];
    return { number, replacement: encodeVarintField(number, value) };
  };
  const edits = [set('id', fileId), set('uflags', OUTER), set('state', SOCKET_STATE.CLOSE), set('peer', 0)];
  return Buffer.concat([
    encodeVarintField(FILE_ENTRY_FIELDS.type, FD_TYPES.UNIXSK),
    encodeVarintField(FILE_ENTRY_FIELDS.id, fileId),
    encodeBytesField(FILE_ENTRY_FIELDS.usk, patchRecord(message, 0, message.length, edits)),
  ]);
}
