/** The files that an inotify or fanotify watches: CRIU finds those without a name by device and inode. */
import { decode } from '../schema/decode';
import {
  FANOTIFY_FILE_ENTRY_FIELDS,
  FANOTIFY_MARK_ENTRY,
  type FanotifyMarkEntry,
  type FhEntry,
  FILE_ENTRY_FIELDS,
  INOTIFY_FILE_ENTRY_FIELDS,
  INOTIFY_WD_ENTRY,
} from '../schema/generated/images';
import { FieldCursor, WIRE_TYPE } from '../wire/field-cursor';

/** A file that is watched. */
export interface FileMark {
  /** File id of the inotify or fanotify. */
  readonly watcher: number;
  readonly what: 'inotify' | 'fanotify';
  readonly device: number;
  readonly inode: bigint;
  /** Its path, where the image says it: CRIU writes one that still led to the file at the dump. */
  readonly path?: Uint8Array;
  /** The mount that the path is on, where the image says it. */
  readonly mountId?: number;
}

/** Reads one mark; undefined for that of a whole mount. */
type ReadMark = (bytes: Uint8Array, start: number, end: number) => Omit<FileMark, 'what'> | undefined;

/** Message of a mark alone, and where marks lie in the member of an entry. */
interface MarkRow {
  readonly what: FileMark['what'];
  readonly field: number;
  readonly read: ReadMark;
}

function pathOf({ path, mnt_id }: FhEntry): Pick<FileMark, 'path' | 'mountId'> {
  return { ...(path === undefined ? {} : { path }), ...(mnt_id === undefined ? {} : { mountId: mnt_id }) };
}

const INOTIFY: MarkRow = {
  what: 'inotify',
  field: INOTIFY_FILE_ENTRY_FIELDS.wd,
  read: (bytes, start, end) => {
    const { id, s_dev, i_ino, f_handle } = decode(INOTIFY_WD_ENTRY, bytes, start, end);
    return { watcher: id, device: s_dev, inode: BigInt(i_ino), ...pathOf(f_handle) };
  },
};

const FANOTIFY: MarkRow = {
  what: 'fanotify',
  field: FANOTIFY_FILE_ENTRY_FIELDS.mark,
  read: (bytes, start, end) => {
    const { id, s_dev, ie }: FanotifyMarkEntry = decode(FANOTIFY_MARK_ENTRY, bytes, start, end);
    if (ie === undefined) return undefined;
    return { watcher: id, device: s_dev, inode: BigInt(ie.i_ino), ...pathOf(ie.f_handle) };
  },
};

const ROWS = new Map<number, MarkRow>([
  [FILE_ENTRY_FIELDS.ify, INOTIFY],
  [FILE_ENTRY_FIELDS.ffy, FANOTIFY],
]);

const OF_RECORDS = { inotify_wd_entry: INOTIFY, fanotify_mark_entry: FANOTIFY };

/** The members of file_entry that hold marks. */
export const MARK_MEMBERS: ReadonlySet<number> = new Set(ROWS.keys());

/** The marks in the member `bytes[start, end)` of the entry with this id. Throws WireFault. */
export function marksOfEntry(member: number, id: number, bytes: Uint8Array, start: number, end: number): FileMark[] {
  const row = ROWS.get(member);
  if (row === undefined) return [];
  const { what, field, read } = row;
  const marks: FileMark[] = [];
  const cursor = new FieldCursor().over(bytes, start, end);
  while (cursor.next()) {
    if (cursor.number !== field) continue;
    cursor.expect(WIRE_TYPE.BYTES);
    const mark = read(bytes, cursor.valueStart, cursor.end);
    // In an entry, the id of a mark means nothing: CRIU writes 0.
    if (mark !== undefined) marks.push({ ...mark, watcher: id, what });
  }
  return marks;
}

/** The mark in a record of inotify-wd.img or fanotify-mark.img, which older dumps have. Throws WireFault. */
export function markOfRecord(
  message: keyof typeof OF_RECORDS,
  bytes: Uint8Array,
  start: number,
  end: number,
): FileMark | undefined {
  const { what, read } = OF_RECORDS[message];
  const mark = read(bytes, start, end);
  return mark === undefined ? undefined : { ...mark, what };
}
