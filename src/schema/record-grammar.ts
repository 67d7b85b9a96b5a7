import type { ImageKind, ImageName } from '../frames/image-kinds';
import { TO_THE_END } from '../frames/record-reader';
import { FieldCursor } from '../wire/field-cursor';
import {
  BPFMAP_DATA_ENTRY_FIELDS,
  GHOST_CHUNK_ENTRY_FIELDS,
  GHOST_FILE_ENTRY_FIELDS,
  IPC_MSG_ENTRY_FIELDS,
  IPC_MSG_FIELDS,
  IPC_SEM_ENTRY_FIELDS,
  IPC_SHM_ENTRY_FIELDS,
  PIPE_DATA_ENTRY_FIELDS,
  SK_PACKET_ENTRY_FIELDS,
  TCP_STREAM_ENTRY_FIELDS,
} from './generated/images';

/** A part of an extra: bytes with a meaning, and zeros up to a multiple of `align`. */
export interface ExtraPart {
  readonly bytes: number;
  readonly align?: number;
}

/** What one record is, and what follows it. */
export interface RecordRole {
  /** The message that it is. */
  readonly message: string;
  /** What follows it, part by part; none: no extra. TO_THE_END: all the rest of the file. */
  readonly parts: readonly ExtraPart[];
  /** So many records follow that belong to it, as its extra (the messages of a queue). */
  readonly inner: number;
}

/** Says of each record of an image, asked in their order, what it is. Throws WireFault. */
export type RecordGrammar = (bytes: Uint8Array, start: number, end: number) => RecordRole;

const role = (message: string, ...parts: ExtraPart[]): RecordRole => ({ message, parts, inner: 0 });

/** Records of one message, each followed by what one of its fields counts. */
const counted =
  (message: string, ...fields: number[]): (() => RecordGrammar) =>
  () =>
  (bytes, start, end) => {
    const counts = valuesOf(bytes, start, end, fields);
    return role(message, ...counts.map((count) => ({ bytes: count })));
  };

/** The images that have more than records of one message (facts: CRIU's image-desc.c and the code that reads each). */
const GRAMMARS: Partial<Record<ImageName, () => RecordGrammar>> = {
  PIPES_DATA: counted('pipe_data_entry', PIPE_DATA_ENTRY_FIELDS.bytes),
  FIFO_DATA: counted('pipe_data_entry', PIPE_DATA_ENTRY_FIELDS.bytes),
  SK_QUEUES: counted('sk_packet_entry', SK_PACKET_ENTRY_FIELDS.length),
  TCP_STREAM: counted('tcp_stream_entry', TCP_STREAM_ENTRY_FIELDS.inq_len, TCP_STREAM_ENTRY_FIELDS.outq_len),
  BPFMAP_DATA: () => (bytes, start, end) => {
    const { keys_bytes, values_bytes } = BPFMAP_DATA_ENTRY_FIELDS;
    const [keys = 0, values = 0] = valuesOf(bytes, start, end, [keys_bytes, values_bytes]);
    return role('bpfmap_data_entry', { bytes: keys + values });
  },
  IPCNS_SEM: () => (bytes, start, end) => {
    const [nsems = 0] = valuesOf(bytes, start, end, [IPC_SEM_ENTRY_FIELDS.nsems]);
    return role('ipc_sem_entry', { bytes: 2 * nsems, align: 8 });
  },
  IPCNS_SHM: () => (bytes, start, end) => {
    const fields = [IPC_SHM_ENTRY_FIELDS.size, IPC_SHM_ENTRY_FIELDS.in_pagemaps];
    const [size = 0, inPagemaps = 0] = valuesOf(bytes, start, end, fields, uint64);
    return inPagemaps === 0 ? role('ipc_shm_entry', { bytes: size, align: 4 }) : role('ipc_shm_entry');
  },
  IPCNS_MSG: () => {
    let pending = 0;
    return (bytes, start, end) => {
      if (pending > 0) {
        pending -= 1;
        return roleOfIpcMessage(bytes, start, end);
      }
      [pending = 0] = valuesOf(bytes, start, end, [IPC_MSG_ENTRY_FIELDS.qnum]);
      return { message: 'ipc_msg_entry', parts: [], inner: pending };
    };
  },
  GHOST_FILE: () => {
    let isFirst = true;
    return (bytes, start, end) => {
      if (!isFirst) {
        const [length = 0] = valuesOf(bytes, start, end, [GHOST_CHUNK_ENTRY_FIELDS.len], uint64);
        return role('ghost_chunk_entry', { bytes: length });
      }
      isFirst = false;
      // Any bit of a bool makes it true.
      const [chunks] = valuesOf(bytes, start, end, [GHOST_FILE_ENTRY_FIELDS.chunks], uint64);
      return chunks === 0 ? role('ghost_file_entry', { bytes: TO_THE_END }) : role('ghost_file_entry');
    };
  },
  PAGEMAP: () => {
    const [head, entry] = [role('pagemap_head'), role('pagemap_entry')];
    let isFirst = true;
    return () => {
      const now = isFirst ? head : entry;
      isFirst = false;
      return now;
    };
  },
};

/** A message of a queue and its text. */
export const roleOfIpcMessage: RecordGrammar = (bytes, start, end) => {
  const [msize = 0] = valuesOf(bytes, start, end, [IPC_MSG_FIELDS.msize]);
  return role('ipc_msg', { bytes: msize, align: 8 });
};

/** The message that an entry of an image is, by its number: those that are counted, not records inside extras. */
export function messageOfEntry({ name, message }: ImageKind, entry: number): string {
  if (entry > 0) return message;
  return name === 'PAGEMAP' ? 'pagemap_head' : name === 'GHOST_FILE' ? 'ghost_file_entry' : message;
}

/** The grammar of an image, to be used for one reading of it from its beginning. */
export function recordGrammar({ name, message }: ImageKind): RecordGrammar {
  const grammar = GRAMMARS[name];
  if (grammar !== undefined) return grammar();
  const only = role(message);
  return () => only;
}

/** The same for entries alone, where nobody asks for the records inside their extras. */
export function entryGrammar(kind: ImageKind): RecordGrammar {
  if (kind.name !== 'IPCNS_MSG') return recordGrammar(kind);
  return (bytes, start, end) => recordGrammar(kind)(bytes, start, end);
}

/** True where something follows the records of such an image, or may. */
export function hasExtras({ name }: ImageKind): boolean {
  return GRAMMARS[name] !== undefined && name !== 'PAGEMAP';
}

/** How many bytes follow a record of this role. */
export function extraBytes({ parts }: RecordRole): number {
  return parts.reduce((sum, part) => sum + part.bytes + paddingOf(part), 0);
}

/** How many zeros follow a part. */
export function paddingOf({ bytes, align }: ExtraPart): number {
  return align === undefined ? 0 : (align - (bytes % align)) % align;
}

type ReadValue = (cursor: FieldCursor) => number;
const uint32: ReadValue = (cursor) => cursor.uint32();
const uint64: ReadValue = (cursor) => cursor.uint64AsNumber();

/** The last value of each of the (varint) fields, 0 where one is absent. */
function valuesOf(
  bytes: Uint8Array,
  start: number,
  end: number,
  fields: readonly number[],
  read: ReadValue = uint32,
): number[] {
  const values = fields.map(() => 0);
  const cursor = new FieldCursor().over(bytes, start, end);
  while (cursor.next()) {
    const index = fields.indexOf(cursor.number);
    if (index !== -1) values[index] = read(cursor);
  }
  return values;
}
