/**
 * Makes an image directory of an older layout out of one of today's, changing what the layout needs and no
 * other byte. Shares no code with src/.
 */
import fs from 'node:fs';
import path from 'node:path';
import { uint32 } from './images';
import { bytesIn, editFields, encodeField, fieldsOf, IMG_COMMON, image, numberIn, type Value } from './wire';

/** The images of a directory by name. */
type Directory = Map<string, Buffer>;

const CONVERSIONS = {
  v1_magic: withoutFirstMagic,
  vmas: vmasApart,
  per_type: imagesPerType,
  ids_in_core: idsInCore,
  by_pid: tablesByPid,
} as const;

export type OldLayout = keyof typeof CONVERSIONS;

/** The converted fixtures: what they are made of, and the layout. */
export const CONVERTED_FIXTURES: { [fixture: string]: { from: string; layout: OldLayout } } = {
  old_v1_magic: { from: 'two_paths', layout: 'v1_magic' },
  old_vmas: { from: 'two_maps', layout: 'vmas' },
  old_per_type: { from: 'many_types', layout: 'per_type' },
  old_ids_in_core: { from: 'shared_table', layout: 'ids_in_core' },
  old_by_pid: { from: 'pipe_outside', layout: 'by_pid' },
};

/**
 * Writes the images of the directory `from` into the new directory `to`, in an older layout. Other files come along.
 */
export function convertLayout(layout: OldLayout, from: string, to: string): void {
  const images: Directory = new Map();
  fs.mkdirSync(to);
  for (const name of fs.readdirSync(from)) {
    if (name.endsWith('.img')) images.set(name, fs.readFileSync(path.join(from, name)));
    else fs.copyFileSync(path.join(from, name), path.join(to, name));
  }
  CONVERSIONS[layout](images);
  for (const [name, bytes] of images) fs.writeFileSync(path.join(to, name), bytes);
}

/** The oldest format: img_version 1, and no image begins with IMG_COMMON. */
function withoutFirstMagic(images: Directory): void {
  const IMG_VERSION = 1;
  editRecords(images, 'inventory.img', (record) => editFields(record, { [IMG_VERSION]: () => 1 }));
  for (const [name, bytes] of images) {
    if (!name.startsWith('pages-') && bytes.readUInt32LE(0) === IMG_COMMON) images.set(name, bytes.subarray(4));
  }
}

/** Mappings in images of their own, a record each, instead of inside mm-PID.img. */
function vmasApart(images: Directory): void {
  const VMAS = 14;
  for (const [name, number] of numbered(images, 'mm')) {
    const vmas: Uint8Array[] = [];
    const takeOut = (vma: Value) => {
      vmas.push(vma as Uint8Array);
      return undefined;
    };
    editRecords(images, name, (record) => editFields(record, { [VMAS]: takeOut }));
    images.set(`vmas-${number}.img`, image(0x54123737, vmas));
  }
}

/** Types of descriptors and entries, with the member that an entry has, and the image that was theirs alone. */
const PER_TYPE: { [type: number]: { member: number; name: string; magic: number } } = {
  1: { member: 3, name: 'reg-files.img', magic: 0x50363636 },
  2: { member: 18, name: 'pipes.img', magic: 0x56513555 },
  3: { member: 17, name: 'fifo.img', magic: 0x58364939 },
  5: { member: 16, name: 'unixsk.img', magic: 0x54373943 },
  6: { member: 8, name: 'eventfd.img', magic: 0x44523722 },
  7: { member: 9, name: 'eventpoll.img', magic: 0x45023858 },
  8: { member: 13, name: 'inotify.img', magic: 0x48424431 },
  9: { member: 10, name: 'signalfd.img', magic: 0x57323820 },
  11: { member: 19, name: 'tty.img', magic: 0x59433025 },
  17: { member: 12, name: 'timerfd.img', magic: 0x50493712 },
};
/** Younger than files.img: there never was an image of these alone, so they stay behind with their descriptors. */
const MEMFD = 18;

/** No files.img: each type has an image of its own, and numbers its entries from 1. */
function imagesPerType(images: Directory): void {
  const [TYPE, ID] = [1, 2];
  const entries = recordsOf(images, 'files.img').flatMap(({ record }) => {
    const type = numberIn(record, TYPE);
    return type === MEMFD ? [] : [{ type, id: numberIn(record, ID), record }];
  });
  const counts = new Map<number, number>();
  const newIds = new Map<number, number>();
  for (const { type, id } of entries) {
    counts.set(type, (counts.get(type) ?? 0) + 1);
    newIds.set(id, counts.get(type) as number);
  }
  const renumber = (id: Value): number => {
    const found = newIds.get(id as number);
    if (found === undefined) throw new Error(`file id ${id} has no entry that this layout can hold`);
    return found;
  };
  // Members name themselves; a FIFO and a terminal also the regular file that is their path.
  const regf: { [member: number]: number } = { 17: 3, 19: 6 };
  for (const [type, count] of counts) {
    const kind = PER_TYPE[type];
    if (kind === undefined) throw new Error(`${count} entries of type ${type}: not known to this conversion`);
    const members = entries.flatMap(({ type: is, record }) => (is === type ? [bytesIn(record, kind.member)] : []));
    const edits = { 1: renumber, ...(regf[kind.member] ? { [regf[kind.member] as number]: renumber } : {}) };
    images.set(
      kind.name,
      image(
        kind.magic,
        members.map((member) => editFields(member, edits)),
      ),
    );
  }
  images.delete('files.img');
  renumberReferences(images, renumber);
}

/** File ids in the images that keep their place: descriptors and all else that CRIU looks up. */
function renumberReferences(images: Directory, renumber: (id: Value) => number): void {
  for (const [name] of numbered(images, 'fdinfo')) {
    const [ID, TYPE] = [1, 3];
    editRecords(images, name, (record) =>
      numberIn(record, TYPE) === MEMFD ? undefined : editFields(record, { [ID]: renumber }),
    );
  }
  const [CWD, ROOT] = [1, 2];
  for (const [name] of numbered(images, 'fs'))
    editRecords(images, name, (record) => editFields(record, { [CWD]: renumber, [ROOT]: renumber }));
  const [EXE, VMAS] = [12, 14];
  for (const [name] of numbered(images, 'mm'))
    editRecords(images, name, (record) =>
      editFields(record, { [EXE]: renumber, [VMAS]: (vma) => renumberMapping(vma as Uint8Array, renumber) }),
    );
  const [ORIG, REMAP, REMAP_TYPE, LINKED] = [1, 2, 3, 0];
  editRecords(images, 'remap-fpath.img', (record) => {
    const linked = numberIn(record, REMAP_TYPE) === LINKED;
    return editFields(record, { [ORIG]: renumber, ...(linked ? { [REMAP]: renumber } : {}) });
  });
  const [ID_FOR, SCM, RIGHTS] = [1, 4, 2];
  editRecords(images, 'sk-queues.img', (record) =>
    editFields(record, { [ID_FOR]: renumber, [SCM]: (scm) => editFields(scm as Uint8Array, { [RIGHTS]: renumber }) }),
  );
}

function renumberMapping(vma: Uint8Array, renumber: (id: Value) => number): Uint8Array {
  const [SHMID, STATUS] = [4, 7];
  const FILE = (1 << 6) | (1 << 7);
  const OTHER_FILE = (1 << 11) | (1 << 14);
  const status = numberIn(vma, STATUS);
  if ((status & OTHER_FILE) !== 0) throw new Error('a mapping of a memfd or socket: not known to this conversion');
  return (status & FILE) === 0 ? vma : editFields(vma, { [SHMID]: renumber });
}

/** No ids-PID.img: the ids of a task are a field of its core-PID.img. */
function idsInCore(images: Directory): void {
  const [IDS, THREAD_CORE] = [4, 5];
  for (const [name, number] of numbered(images, 'ids')) {
    const [ids] = recordsOf(images, name);
    if (ids === undefined) throw new Error(`${name} has no record`);
    const field = encodeField(IDS, ids.record);
    editRecords(images, `core-${number}.img`, (record) => {
      // In the order of their numbers, as CRIU writes fields.
      const next = fieldsOf(record).find(({ number }) => number === THREAD_CORE);
      if (next === undefined) throw new Error(`core-${number}.img has no thread_core`);
      return Buffer.concat([record.subarray(0, next.start), field, record.subarray(next.start)]);
    });
    images.delete(name);
  }
}

/** Descriptor tables by pid, which inventory.img tells by being silent: each task has one of its own. */
function tablesByPid(images: Directory): void {
  const [FDINFO_PER_ID, FILES_ID] = [2, 2];
  editRecords(images, 'inventory.img', (record) => editFields(record, { [FDINFO_PER_ID]: () => undefined }));
  const tables = new Map(numbered(images, 'fdinfo').map(([name, number]) => [number, images.get(name) as Buffer]));
  for (const number of tables.keys()) images.delete(`fdinfo-${number}.img`);
  for (const [name, pid] of numbered(images, 'ids')) {
    const files = recordsOf(images, name).map(({ record }) => numberIn(record, FILES_ID));
    const table = tables.get(files[0] as number);
    if (table !== undefined) images.set(`fdinfo-${pid}.img`, table);
  }
}

/** Names of the images KIND-N.img, with N. */
function numbered(images: Directory, kind: string): [name: string, number: number][] {
  return [...images.keys()].flatMap((name): [string, number][] => {
    const number = new RegExp(`^${kind}-(\\d+)\\.img$`).exec(name)?.[1];
    return number === undefined ? [] : [[name, Number(number)]];
  });
}

interface WithExtra {
  record: Buffer;
  extra: Buffer;
}

function recordsOf(images: Directory, name: string): WithExtra[] {
  const LENGTH_OF_EXTRA: { [name: string]: number } = { 'sk-queues.img': 2 };
  const bytes = images.get(name);
  const records: WithExtra[] = [];
  if (bytes === undefined) return records;
  for (let at = headerBytes(name); at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32LE(at);
    const record = bytes.subarray(at + 4, end);
    const field = LENGTH_OF_EXTRA[name];
    at = field === undefined ? end : end + numberIn(record, field);
    records.push({ record, extra: bytes.subarray(end, at) });
  }
  return records;
}

const headerBytes = (name: string) => (name === 'inventory.img' ? 4 : 8);

/** Changes the records of an image, where it is there; those for which `change` gives nothing go. */
function editRecords(images: Directory, name: string, change: (record: Buffer) => Uint8Array | undefined): void {
  const bytes = images.get(name);
  if (bytes === undefined) return;
  const chunks: Uint8Array[] = [bytes.subarray(0, headerBytes(name))];
  for (const { record, extra } of recordsOf(images, name)) {
    const changed = change(record);
    if (changed !== undefined) chunks.push(uint32(changed.length), changed, extra);
  }
  images.set(name, Buffer.concat(chunks));
}
