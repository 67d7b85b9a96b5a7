import { FILE_ID_FIELDS } from '../../checkpoint/file-ids';
import { type ImageName, identifyImage, rawContentOf } from '../../frames/image-kinds';
import { REMAP_TYPE } from '../../schema/generated/images';
import { type FieldShape, type MessageShape, shapeOf } from '../../schema/shape';
import type { IdKind, IdPairs } from './id-pairs';

/** A field that holds an id of a dump or of the kernel, or several. */
export interface IdField {
  /** `any`: made up for each dump, and nothing refers to it. */
  readonly kind: IdKind | 'any';
  /** It does so only where another field, whose value is given (undefined: absent), says so. */
  readonly when?: { readonly field: number; readonly holds: (value: number | undefined, id: number) => boolean };
}

/** Entries of files.img and of the images before it; each has its file id as `id`. */
const FILE_ENTRIES = shapeOf('file_entry').fields.flatMap((field) =>
  field.type === 'message' ? [field.message.name] : [],
);

const KOBJ_IDS: { readonly [field: string]: IdKind } = {
  vm_id: 'memory',
  files_id: 'table',
  fs_id: 'folders',
  sighand_id: 'signals',
};

/** Beside the file ids, which stand in checkpoint/file-ids.ts. */
const OTHERS: readonly (readonly [message: string, field: string, kind: IdKind | 'any'])[] = [
  ['file_entry', 'id', 'file'],
  ['fdinfo_entry', 'id', 'file'],
  ...FILE_ENTRIES.map((message) => [message, 'id', 'file'] as const),
  ...FILE_ENTRIES.filter((message) => shapeOf(message).named('ns_id')).map(
    (message) => [message, 'ns_id', 'namespace'] as const,
  ),
  ['pipe_entry', 'pipe_id', 'pipe'],
  ['fifo_entry', 'pipe_id', 'pipe'],
  ['pipe_data_entry', 'pipe_id', 'pipe'],
  ['unix_sk_entry', 'ino', 'socket'],
  ['unix_sk_entry', 'peer', 'socket'],
  ['inet_sk_entry', 'ino', 'socket'],
  ['netlink_sk_entry', 'ino', 'socket'],
  ['tty_file_entry', 'tty_info_id', 'terminal'],
  ['tty_info_entry', 'id', 'terminal'],
  ['tty_data_entry', 'tty_id', 'terminal'],
  ['memfd_file_entry', 'inode_id', 'memfd'],
  ['memfd_inode_entry', 'inode_id', 'memfd'],
  ['netns_id', 'target_ns_id', 'namespace'],
  ['pagemap_head', 'pages_id', 'pages'],
  ['inventory_entry', 'dump_criu_run_id', 'any'],
  ...shapeOf('task_kobj_ids_entry').fields.map(
    ({ name }) => ['task_kobj_ids_entry', name, KOBJ_IDS[name] ?? 'namespace'] as const,
  ),
];

const BY_MESSAGE = new Map<string, Map<number, IdField[]>>();

function add(message: string, field: number, row: IdField): void {
  const fields = BY_MESSAGE.get(message) ?? new Map<number, IdField[]>();
  BY_MESSAGE.set(message, fields);
  fields.set(field, [...(fields.get(field) ?? []), row]);
}

for (const [message, name, kind] of OTHERS) add(message, (shapeOf(message).named(name) as FieldShape).number, { kind });
for (const { message, field, when } of FILE_ID_FIELDS) {
  add(message.name, field, { kind: 'file', ...(when === undefined ? {} : { when }) });
}
const REMAP = shapeOf('remap_file_path_entry');
add(REMAP.name, (REMAP.named('remap_id') as FieldShape).number, {
  kind: 'ghost',
  when: { field: (REMAP.named('remap_type') as FieldShape).number, holds: (type) => type === REMAP_TYPE.GHOST },
});

/** What ids a field holds; several where another field says which. */
export function idFieldsOf(message: string, field: number): readonly IdField[] | undefined {
  return BY_MESSAGE.get(message)?.get(field);
}

const withIds = new Map<MessageShape, boolean>();

/** Whether a message, or one inside it, has fields that hold ids. */
export function hasIds(shape: MessageShape): boolean {
  const known = withIds.get(shape);
  if (known !== undefined) return known;
  // A message that holds itself has none because of that.
  withIds.set(shape, false);
  const answer =
    BY_MESSAGE.has(shape.name) || shape.fields.some((field) => field.type === 'message' && hasIds(field.message));
  withIds.set(shape, answer);
  return answer;
}

/** Whether messages of equal bytes are the same: ids in them may stand for something else. */
export function isSameByBytes(shape: MessageShape, ids: IdPairs | undefined): boolean {
  return ids === undefined || ids.areAllEqual || !hasIds(shape);
}

/** Whose number an image has in its name. */
const KIND_OF_IMAGE: Partial<Record<ImageName, IdKind>> = {
  FDINFO: 'table',
  GHOST_FILE: 'ghost',
  TCP_STREAM: 'socket',
  UTSNS: 'namespace',
  TIMENS: 'namespace',
  PIDNS: 'namespace',
  USERNS: 'namespace',
  IPC_VAR: 'namespace',
  IPCNS_SHM: 'namespace',
  IPCNS_MSG: 'namespace',
  IPCNS_SEM: 'namespace',
  NETNS: 'namespace',
  NETDEV: 'namespace',
  MNTS: 'namespace',
};

const RAW = /^(.+-)(\d{1,10})\.img$/;
/** Raw files with another number than a namespace's in their name; that of tmpfs-N is a device's. */
const KIND_OF_RAW: { readonly [prefix: string]: IdKind | undefined } = {
  'pages-': 'pages',
  'tmpfs-': undefined,
  'amdgpu-': undefined,
};

/** A file that is named for an id. */
export interface NamedById {
  readonly kind: IdKind;
  readonly id: number;
  /** The name of the same file for another id. */
  readonly named: (id: number) => string;
}

/** The id that a file is named for; undefined for any other file. */
export function idInName(name: string): NamedById | undefined {
  const [, prefix = '', digits] = RAW.exec(name) ?? [];
  if (rawContentOf(name) !== undefined) {
    const kind = prefix in KIND_OF_RAW ? KIND_OF_RAW[prefix] : 'namespace';
    if (digits === undefined || kind === undefined) return undefined;
    return { kind, id: Number(digits), named: (id) => `${prefix}${id}.img` };
  }
  const image = identifyImage(name);
  const kind = image && KIND_OF_IMAGE[image.kind.name];
  if (image === undefined || kind === undefined) return undefined;
  const pattern = image.kind.files[0] as string;
  const named = (id: number) => pattern.replace('%u', `${id}`).replace('%x', id.toString(16));
  return named(image.number) === name ? { kind, id: image.number, named } : undefined;
}
