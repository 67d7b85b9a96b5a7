/**
 * Every field of the images that holds a file id, in one table; but for fdinfo_entry.id (the descriptors),
 * file_entry.id and the id that each of its members repeats. test/checkpoint/file-ids.test.ts fails where the
 * schemas have a field that looks like one and is not known. Source: criu/files.c, mem.c, fs.c, files-reg.c,
 * fifo.c, tty.c, sk-queue.c, eventpoll.c, fsnotify.c; 3.17 to 4.3.
 */
import type { ImageName } from '../frames/image-kinds';
import {
  EVENTPOLL_TFD_ENTRY,
  EVENTPOLL_TFD_ENTRY_FIELDS,
  FANOTIFY_MARK_ENTRY,
  FANOTIFY_MARK_ENTRY_FIELDS,
  FIFO_ENTRY,
  FIFO_ENTRY_FIELDS,
  FILE_ENTRY_FIELDS,
  FS_ENTRY,
  FS_ENTRY_FIELDS,
  INOTIFY_WD_ENTRY,
  INOTIFY_WD_ENTRY_FIELDS,
  MM_ENTRY,
  MM_ENTRY_FIELDS,
  REMAP_FILE_PATH_ENTRY,
  REMAP_FILE_PATH_ENTRY_FIELDS,
  REMAP_TYPE,
  SCM_ENTRY,
  SCM_ENTRY_FIELDS,
  SK_PACKET_ENTRY,
  SK_PACKET_ENTRY_FIELDS,
  TTY_FILE_ENTRY,
  TTY_FILE_ENTRY_FIELDS,
  VMA_ENTRY,
  VMA_ENTRY_FIELDS,
} from '../schema/generated/images';
import type { MessageSchema } from '../schema/message';
import { FieldCursor, WIRE_TYPE } from '../wire/field-cursor';

/** What holds a file id without being a descriptor. */
export type HolderKind =
  | 'executable'
  | 'mapping'
  | 'memfd mapping'
  | 'socket mapping'
  | 'working directory'
  | 'root directory'
  | 'FIFO'
  | 'terminal'
  | 'removed file'
  | 'linked remap'
  | 'SCM right'
  | 'queue of a socket'
  | 'watch';

/** A field that holds a file id, and what CRIU looks up by it. */
export interface FileIdField {
  readonly message: MessageSchema<unknown>;
  readonly field: number;
  readonly kind: HolderKind;
  /** The field holds a file id only where another one, whose value is given (undefined: absent), says so. */
  readonly when?: { readonly field: number; readonly holds: (value: number | undefined, id: number) => boolean };
}

/** VMA status bits with which `shmid` is a file id; without any it is the id of shared memory (CRIU: include/image.h). */
export const VMA_FILE_PRIVATE = 1 << 6;
export const VMA_FILE_SHARED = 1 << 7;
export const VMA_AREA_SOCKET = 1 << 11;
export const VMA_AREA_MEMFD = 1 << 14;
const VMA_OTHER = VMA_AREA_SOCKET | VMA_AREA_MEMFD;

/** SCM_RIGHTS of socket(7), the one kind of control message that CRIU dumps with file ids. */
export const SCM_RIGHTS = 1;
/** Before remaps had a type, this bit of remap_id told a ghost (CRIU: files-reg.c). */
const REMAP_GHOST_BIT = 1 << 31;

const vmaWith = (bits: number, without: number) => ({
  field: VMA_ENTRY_FIELDS.status,
  holds: (status = 0) => (status & bits) !== 0 && (status & without) === 0,
});

export const FILE_ID_FIELDS: readonly FileIdField[] = [
  { message: FS_ENTRY, field: FS_ENTRY_FIELDS.cwd_id, kind: 'working directory' },
  { message: FS_ENTRY, field: FS_ENTRY_FIELDS.root_id, kind: 'root directory' },
  { message: MM_ENTRY, field: MM_ENTRY_FIELDS.exe_file_id, kind: 'executable' },
  {
    message: VMA_ENTRY,
    field: VMA_ENTRY_FIELDS.shmid,
    kind: 'mapping',
    when: vmaWith(VMA_FILE_PRIVATE | VMA_FILE_SHARED, VMA_OTHER),
  },
  { message: VMA_ENTRY, field: VMA_ENTRY_FIELDS.shmid, kind: 'memfd mapping', when: vmaWith(VMA_AREA_MEMFD, 0) },
  {
    message: VMA_ENTRY,
    field: VMA_ENTRY_FIELDS.shmid,
    kind: 'socket mapping',
    when: vmaWith(VMA_AREA_SOCKET, VMA_AREA_MEMFD),
  },
  { message: FIFO_ENTRY, field: FIFO_ENTRY_FIELDS.regf_id, kind: 'FIFO' },
  { message: TTY_FILE_ENTRY, field: TTY_FILE_ENTRY_FIELDS.regf_id, kind: 'terminal' },
  { message: REMAP_FILE_PATH_ENTRY, field: REMAP_FILE_PATH_ENTRY_FIELDS.orig_id, kind: 'removed file' },
  {
    message: REMAP_FILE_PATH_ENTRY,
    field: REMAP_FILE_PATH_ENTRY_FIELDS.remap_id,
    kind: 'linked remap',
    when: { field: REMAP_FILE_PATH_ENTRY_FIELDS.remap_type, holds: isLinkedRemap },
  },
  {
    message: SCM_ENTRY,
    field: SCM_ENTRY_FIELDS.rights,
    kind: 'SCM right',
    when: { field: SCM_ENTRY_FIELDS.type, holds: (type) => type === SCM_RIGHTS },
  },
  { message: SK_PACKET_ENTRY, field: SK_PACKET_ENTRY_FIELDS.id_for, kind: 'queue of a socket' },
  { message: EVENTPOLL_TFD_ENTRY, field: EVENTPOLL_TFD_ENTRY_FIELDS.id, kind: 'watch' },
  { message: INOTIFY_WD_ENTRY, field: INOTIFY_WD_ENTRY_FIELDS.id, kind: 'watch' },
  { message: FANOTIFY_MARK_ENTRY, field: FANOTIFY_MARK_ENTRY_FIELDS.id, kind: 'watch' },
];

/** Images other than files.img and the tables whose records hold file ids. */
const MESSAGE_OF: Partial<Record<ImageName, MessageSchema<unknown>>> = {
  FS: FS_ENTRY,
  MM: MM_ENTRY,
  VMAS: VMA_ENTRY,
  REMAP_FPATH: REMAP_FILE_PATH_ENTRY,
  SK_QUEUES: SK_PACKET_ENTRY,
  EVENTPOLL_TFD: EVENTPOLL_TFD_ENTRY,
  INOTIFY_WD: INOTIFY_WD_ENTRY,
  FANOTIFY_MARK: FANOTIFY_MARK_ENTRY,
};

/** Members of a file_entry that name the REG entry with their path; absent, the entry's own id does. */
const REGF_MEMBERS = new Map<number, MessageSchema<unknown>>([
  [FILE_ENTRY_FIELDS.fifo, FIFO_ENTRY],
  [FILE_ENTRY_FIELDS.tty, TTY_FILE_ENTRY],
]);

/** True for LINKED; a ghost and a dead process's /proc have numbers of other kinds there. */
export function isLinkedRemap(type: number | undefined, remapId: number): boolean {
  return type === undefined ? (remapId & REMAP_GHOST_BIT) === 0 : type === REMAP_TYPE.LINKED;
}

export type VisitFileId = (id: number, kind: HolderKind) => void;

/** Images other than files.img whose records hold file ids. */
export function holdsFileIds(image: ImageName): boolean {
  return MESSAGE_OF[image] !== undefined;
}

/** Visits the file ids in one record of an image. Throws WireFault. */
export function visitFileIds(
  image: ImageName,
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: VisitFileId,
): void {
  const message = MESSAGE_OF[image];
  if (message !== undefined) visitMessage(holderOf(message), bytes, start, end, visit);
}

/** True for a member of file_entry that may name another entry. */
export function namesRegf(member: number): boolean {
  return REGF_MEMBERS.has(member);
}

/** Visits the id of the REG entry that a FIFO's or terminal's entry names. `member`: field number in file_entry. */
export function visitRegf(member: number, bytes: Uint8Array, start: number, end: number, visit: VisitFileId): void {
  const message = REGF_MEMBERS.get(member);
  if (message !== undefined) visitMessage(holderOf(message), bytes, start, end, visit);
}

/** The rows of the table that lie in a message or below it, by field number. */
interface Holder {
  readonly ids: ReadonlyMap<number, readonly FileIdField[]>;
  /** Of these, the fields of 64 bits. */
  readonly wide: ReadonlySet<number>;
  readonly conditions: ReadonlySet<number>;
  readonly embedded: ReadonlyMap<number, Holder>;
}

const holders = new Map<MessageSchema<unknown>, Holder>();

function holderOf(message: MessageSchema<unknown>): Holder {
  let holder = holders.get(message);
  if (holder === undefined) {
    holder = makeHolder(message);
    holders.set(message, holder);
  }
  return holder;
}

function makeHolder(message: MessageSchema<unknown>): Holder {
  const rows = FILE_ID_FIELDS.filter((row) => row.message === message);
  const ids = new Map<number, FileIdField[]>();
  for (const row of rows) ids.set(row.field, [...(ids.get(row.field) ?? []), row]);
  const embedded = message.fields.flatMap(({ number, message: inner }): [number, Holder][] => {
    const below = inner === undefined ? undefined : holderOf(inner());
    return below === undefined || below.ids.size + below.embedded.size === 0 ? [] : [[number, below]];
  });
  return {
    ids,
    wide: new Set(message.fields.flatMap(({ number, type }) => (type === 'uint64' ? [number] : []))),
    conditions: new Set(rows.flatMap(({ when }) => when?.field ?? [])),
    embedded: new Map(embedded),
  };
}

function visitMessage(holder: Holder, bytes: Uint8Array, start: number, end: number, visit: VisitFileId): void {
  const field = new FieldCursor().over(bytes, start, end);
  const found: { readonly rows: readonly FileIdField[]; readonly id: number }[] = [];
  const values = new Map<number, number>();
  while (field.next()) {
    const rows = holder.ids.get(field.number);
    if (rows !== undefined) eachNumber(field, holder.wide.has(field.number), (id) => found.push({ rows, id }));
    if (holder.conditions.has(field.number)) values.set(field.number, field.uint32());
    const below = holder.embedded.get(field.number);
    if (below === undefined) continue;
    field.expect(WIRE_TYPE.BYTES);
    visitMessage(below, bytes, field.valueStart, field.end, visit);
  }
  for (const { rows, id } of found) {
    for (const { kind, when } of rows) {
      if (when === undefined || when.holds(values.get(when.field), id)) visit(id, kind);
    }
  }
}

/** A number, or a repeated one, packed or not. */
function eachNumber(field: FieldCursor, isWide: boolean, visit: (value: number) => void): void {
  if (field.wireType !== WIRE_TYPE.BYTES) {
    visitNumber(field, isWide, visit);
    return;
  }
  const packed = new FieldCursor().over(field.bytes, field.valueStart, field.end);
  while (packed.nextPacked(WIRE_TYPE.VARINT)) visitNumber(packed, isWide, visit);
}

/** CRIU reads the low 32 bits where 32 are declared; a wider number past those of file ids is none. */
function visitNumber(field: FieldCursor, isWide: boolean, visit: (value: number) => void): void {
  const value = isWide ? field.uint64AsNumber() : field.uint32();
  if (value < 2 ** 32) visit(value);
}
