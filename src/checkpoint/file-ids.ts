/**
 * Every field of the images that holds a file id, but for the descriptors themselves (fdinfo_entry.id) and
 * the entries (file_entry.id). CRIU looks all of these up as REG entries, but for SCM rights, which it
 * looks up by id alone (criu/files.c, mem.c, fs.c, files-reg.c, sk-queue.c; 3.17 to 4.3).
 */
import type { ImageName } from '../frames/image-kinds';
import {
  FIFO_ENTRY_FIELDS,
  FILE_ENTRY_FIELDS,
  FS_ENTRY_FIELDS,
  MM_ENTRY_FIELDS,
  REMAP_FILE_PATH_ENTRY_FIELDS,
  REMAP_TYPE,
  SCM_ENTRY_FIELDS,
  SK_PACKET_ENTRY_FIELDS,
  TTY_FILE_ENTRY_FIELDS,
  VMA_ENTRY_FIELDS,
} from '../schema/generated/images';
import { FieldCursor, WIRE_TYPE } from '../wire/field-cursor';

/** What holds a file id without being a descriptor. */
export type HolderKind =
  | 'executable'
  | 'mapping'
  | 'working directory'
  | 'root directory'
  | 'FIFO'
  | 'terminal'
  | 'removed file'
  | 'linked remap'
  | 'SCM right';

export type VisitFileId = (id: number, kind: HolderKind) => void;
type Collect = (bytes: Uint8Array, start: number, end: number, visit: VisitFileId) => void;

/** VMA status bits with which `shmid` is a file id (CRIU: include/image.h). */
const VMA_FILE_PRIVATE = 1 << 6;
const VMA_FILE_SHARED = 1 << 7;
const VMA_AREA_SOCKET = 1 << 11;
const VMA_AREA_MEMFD = 1 << 14;
const VMA_WITH_FILE_ID = VMA_FILE_PRIVATE | VMA_FILE_SHARED | VMA_AREA_SOCKET | VMA_AREA_MEMFD;

/** SCM_RIGHTS of socket(7), the one kind of control message that CRIU dumps with file ids. */
const SCM_RIGHTS = 1;
/** Before remaps had a type, this bit of remap_id told a ghost (CRIU: files-reg.c). */
const REMAP_GHOST_BIT = 1 << 31;

const COLLECT: Partial<Record<ImageName, Collect>> = {
  FS: (bytes, start, end, visit) => {
    eachField(bytes, start, end, (field) => {
      if (field.number === FS_ENTRY_FIELDS.cwd_id) visit(field.uint32(), 'working directory');
      else if (field.number === FS_ENTRY_FIELDS.root_id) visit(field.uint32(), 'root directory');
    });
  },
  MM: (bytes, start, end, visit) => {
    eachField(bytes, start, end, (field) => {
      if (field.number === MM_ENTRY_FIELDS.exe_file_id) visit(field.uint32(), 'executable');
      else if (field.number === MM_ENTRY_FIELDS.vmas) eachEmbedded(field, bytes, visitMapping, visit);
    });
  },
  VMAS: visitMapping,
  REMAP_FPATH: (bytes, start, end, visit) => {
    let remapId = 0;
    let type = -1;
    eachField(bytes, start, end, (field) => {
      if (field.number === REMAP_FILE_PATH_ENTRY_FIELDS.orig_id) visit(field.uint32(), 'removed file');
      else if (field.number === REMAP_FILE_PATH_ENTRY_FIELDS.remap_id) remapId = field.uint32();
      else if (field.number === REMAP_FILE_PATH_ENTRY_FIELDS.remap_type) type = field.uint32();
    });
    if (type === REMAP_TYPE.LINKED || (type === -1 && (remapId & REMAP_GHOST_BIT) === 0))
      visit(remapId, 'linked remap');
  },
  SK_QUEUES: (bytes, start, end, visit) => {
    eachField(bytes, start, end, (field) => {
      if (field.number === SK_PACKET_ENTRY_FIELDS.scm) eachEmbedded(field, bytes, visitControlMessage, visit);
    });
  },
};

/** Members of a file_entry that name the REG entry with their path; absent, the entry's own id does. */
const REGF_FIELDS = new Map<number, { regf: number; kind: HolderKind }>([
  [FILE_ENTRY_FIELDS.fifo, { regf: FIFO_ENTRY_FIELDS.regf_id, kind: 'FIFO' }],
  [FILE_ENTRY_FIELDS.tty, { regf: TTY_FILE_ENTRY_FIELDS.regf_id, kind: 'terminal' }],
]);

/** Images other than files.img whose records hold file ids. */
export function holdsFileIds(image: ImageName): boolean {
  return COLLECT[image] !== undefined;
}

/** Visits the file ids in one record of an image. Throws WireFault. */
export function visitFileIds(
  image: ImageName,
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: VisitFileId,
): void {
  COLLECT[image]?.(bytes, start, end, visit);
}

/** True for a member of file_entry that may name another entry. */
export function namesRegf(member: number): boolean {
  return REGF_FIELDS.has(member);
}

/** Visits the id of the REG entry that a FIFO's or terminal's entry names. `member`: field number in file_entry. */
export function visitRegf(member: number, bytes: Uint8Array, start: number, end: number, visit: VisitFileId): void {
  const regf = REGF_FIELDS.get(member);
  if (regf === undefined) return;
  eachField(bytes, start, end, (field) => {
    if (field.number === regf.regf) visit(field.uint32(), regf.kind);
  });
}

function visitMapping(bytes: Uint8Array, start: number, end: number, visit: VisitFileId): void {
  let status = 0;
  let shmid = 0;
  eachField(bytes, start, end, (field) => {
    if (field.number === VMA_ENTRY_FIELDS.status) status = field.uint32();
    else if (field.number === VMA_ENTRY_FIELDS.shmid) shmid = field.uint64AsNumber();
  });
  if ((status & VMA_WITH_FILE_ID) !== 0 && shmid < 2 ** 32) visit(shmid, 'mapping');
}

function visitControlMessage(bytes: Uint8Array, start: number, end: number, visit: VisitFileId): void {
  let type = 0;
  const rights: number[] = [];
  eachField(bytes, start, end, (field) => {
    if (field.number === SCM_ENTRY_FIELDS.type) type = field.uint32();
    else if (field.number === SCM_ENTRY_FIELDS.rights) collectNumbers(field, rights);
  });
  if (type === SCM_RIGHTS) for (const id of rights) visit(id, 'SCM right');
}

/** A repeated number, packed or not. */
function collectNumbers(field: FieldCursor, into: number[]): void {
  if (field.wireType !== WIRE_TYPE.BYTES) {
    into.push(field.uint32());
    return;
  }
  const packed = new FieldCursor().over(field.bytes, field.valueStart, field.end);
  while (packed.nextPacked(WIRE_TYPE.VARINT)) into.push(packed.uint32());
}

function eachField(bytes: Uint8Array, start: number, end: number, visit: (field: FieldCursor) => void): void {
  const field = new FieldCursor().over(bytes, start, end);
  while (field.next()) visit(field);
}

function eachEmbedded(field: FieldCursor, bytes: Uint8Array, collect: Collect, visit: VisitFileId): void {
  field.expect(WIRE_TYPE.BYTES);
  collect(bytes, field.valueStart, field.end, visit);
}
