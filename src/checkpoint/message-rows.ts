import { FD_TYPES, REMAP_TYPE } from '../schema/generated/images';
import { shapeOf } from '../schema/shape';
import type { IdKind } from './id-kinds';
import { VMA_AREA_MEMFD, VMA_AREA_SOCKET, VMA_FILE_PRIVATE, VMA_FILE_SHARED } from './vma-status';

/** The fields by which a message of the images is known, and those that refer to something. */
interface MessageRow {
  /** The fields that name it among others, dots leading into messages inside. None: only its place does. */
  readonly named?: readonly string[];
  /** The fields that hold an id of the dump or the kernel; several rows where another field says of what. */
  readonly ids?: { readonly [field: string]: IdRow | readonly IdRow[] };
}

interface IdRow {
  /** `any`: made up for each dump, and nothing refers to it. */
  readonly kind: IdKind | 'any';
  /** The kind of reference to an entry of files.img. Undefined for descriptors and for the entry itself. */
  readonly holder?: HolderKind;
  /** The type of the entries that CRIU looks the file id up among; undefined where it looks among all. */
  readonly among?: keyof typeof FD_TYPES;
  /** It holds an id only where another field, whose value is given (undefined: absent), says so. */
  readonly when?: { readonly field: string; readonly holds: Condition };
}

type Condition = (value: number | undefined, id: number) => boolean;

/** Kinds of reference to a file id that are no descriptors. */
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

const held = (holder: HolderKind, among?: keyof typeof FD_TYPES, when?: IdRow['when']): IdRow => ({
  kind: 'file',
  holder,
  ...(among === undefined ? {} : { among }),
  ...(when === undefined ? {} : { when }),
});
const own = (kind: IdKind): IdRow => ({ kind });

const ifStatus = (bits: number, without: number) => ({
  field: 'status',
  holds: (status = 0) => (status & bits) !== 0 && (status & without) === 0,
});

/** Before remaps had a type, this bit of remap_id told a ghost (CRIU: files-reg.c). */
const REMAP_GHOST_BIT = 1 << 31;
const ifRemap = (holds: Condition) => ({ field: 'remap_type', holds });
const isLinked: Condition = (type, remapId) =>
  type === undefined ? (remapId & REMAP_GHOST_BIT) === 0 : type === REMAP_TYPE.LINKED;

/** The number of the image of a ghost, by its remap. */
export function ghostNumber(remapId: number, type: number | undefined): number {
  return type === undefined ? (remapId & ~REMAP_GHOST_BIT) >>> 0 : remapId;
}

/** SCM_RIGHTS of socket(7), the one kind of control message that CRIU dumps with file ids. */
export const SCM_RIGHTS = 1;

/**
 * One row a message. The tests compare each with the schemas and with a second list, so that none can be forgotten.
 * Source: what CRIU looks each up by (criu/files.c, mem.c, fs.c, files-reg.c, fifo.c, tty.c, sk-queue.c, eventpoll.c,
 * fsnotify.c; 3.17 to 4.3).
 */
const ROWS: { readonly [message: string]: MessageRow } = {
  file_entry: { named: ['id'], ids: { id: own('file') } },
  fdinfo_entry: { named: ['fd'], ids: { id: own('file') } },
  // Members of file_entry; each of them has `id` and, if it has ns_id, a namespace (see below).
  pipe_entry: { ids: { pipe_id: own('pipe') } },
  fifo_entry: { ids: { pipe_id: own('pipe'), regf_id: held('FIFO', 'REG') } },
  unix_sk_entry: { ids: { ino: own('socket'), peer: own('socket') } },
  inet_sk_entry: { ids: { ino: own('socket') } },
  netlink_sk_entry: { ids: { ino: own('socket') } },
  tty_file_entry: { ids: { tty_info_id: own('terminal'), regf_id: held('terminal', 'REG') } },
  memfd_file_entry: { ids: { inode_id: own('memfd') } },
  // The kernel counts pidfds anew; the process is in nspid.
  pidfd_entry: { ids: { ino: { kind: 'any' } } },
  // Entries of other images.
  inventory_entry: { ids: { dump_criu_run_id: { kind: 'any' } } },
  pstree_entry: { named: ['pid'] },
  task_kobj_ids_entry: {
    ids: {
      vm_id: own('memory'),
      files_id: own('table'),
      fs_id: own('directories'),
      sighand_id: own('signals'),
      pid_ns_id: own('namespace'),
      net_ns_id: own('namespace'),
      ipc_ns_id: own('namespace'),
      uts_ns_id: own('namespace'),
      mnt_ns_id: own('namespace'),
      user_ns_id: own('namespace'),
      cgroup_ns_id: own('namespace'),
      time_ns_id: own('namespace'),
    },
  },
  fs_entry: { ids: { cwd_id: held('working directory', 'REG'), root_id: held('root directory', 'REG') } },
  mm_entry: { ids: { exe_file_id: held('executable', 'REG') } },
  vma_entry: {
    named: ['start'],
    ids: {
      shmid: [
        held('mapping', 'REG', ifStatus(VMA_FILE_PRIVATE | VMA_FILE_SHARED, VMA_AREA_SOCKET | VMA_AREA_MEMFD)),
        held('memfd mapping', 'MEMFD', ifStatus(VMA_AREA_MEMFD, 0)),
        held('socket mapping', 'PACKETSK', ifStatus(VMA_AREA_SOCKET, VMA_AREA_MEMFD)),
      ],
    },
  },
  pagemap_head: { ids: { pages_id: own('pages') } },
  pagemap_entry: { named: ['vaddr'] },
  remap_file_path_entry: {
    named: ['orig_id'],
    ids: {
      orig_id: held('removed file', 'REG'),
      // A dead process's /proc has the number of that process.
      remap_id: [
        held('linked remap', 'REG', ifRemap(isLinked)),
        { kind: 'ghost', when: ifRemap((type) => type === REMAP_TYPE.GHOST) },
      ],
    },
  },
  ghost_chunk_entry: { named: ['off'] },
  memfd_inode_entry: { named: ['inode_id'], ids: { inode_id: own('memfd') } },
  bpfmap_data_entry: { named: ['map_id'] },
  pipe_data_entry: { named: ['pipe_id'], ids: { pipe_id: own('pipe') } },
  sk_packet_entry: { named: ['id_for'], ids: { id_for: held('queue of a socket', 'UNIXSK') } },
  scm_entry: { ids: { rights: held('SCM right', undefined, { field: 'type', holds: (type) => type === SCM_RIGHTS }) } },
  tty_info_entry: { named: ['id'], ids: { id: own('terminal') } },
  tty_data_entry: { named: ['tty_id'], ids: { tty_id: own('terminal') } },
  file_lock_entry: { named: ['pid', 'fd', 'flag', 'start'] },
  eventpoll_tfd_entry: { named: ['id', 'tfd'], ids: { id: held('watch') } },
  inotify_wd_entry: { named: ['id', 'wd'], ids: { id: held('watch') } },
  fanotify_mark_entry: { named: ['id', 'type'], ids: { id: held('watch') } },
  posix_timer_entry: { named: ['it_id'] },
  ipc_shm_entry: { named: ['desc.id'] },
  ipc_sem_entry: { named: ['desc.id'] },
  ipc_msg_entry: { named: ['desc.id'] },
  net_device_entry: { named: ['ifindex'] },
  netns_id: { named: ['target_ns_id'], ids: { target_ns_id: own('namespace') } },
  mnt_entry: { named: ['mnt_id'] },
  binfmt_misc_entry: { named: ['name'] },
  irmap_cache_entry: { named: ['dev', 'inode'] },
  // Messages inside others.
  aio_ring_entry: { named: ['id'] },
  cg_set_entry: { named: ['id'] },
  cg_member_entry: { named: ['name'] },
  cgroup_dir_entry: { named: ['dir_name'] },
  cgroup_prop_entry: { named: ['name'] },
};

/** A field that holds an id, by numbers. */
export interface IdField extends Omit<IdRow, 'when'> {
  readonly field: number;
  readonly when?: { readonly field: number; readonly holds: Condition };
}

const MEMBERS: ReadonlySet<string> = new Set(
  shapeOf('file_entry').fields.flatMap((field) => (field.type === 'message' ? [field.message.name] : [])),
);

/** The row of a message; of a member of file_entry with what all of them have. */
function rowOf(message: string): MessageRow {
  const row = ROWS[message] ?? {};
  if (!MEMBERS.has(message)) return row;
  const namespace = shapeOf(message).named('ns_id') === undefined ? {} : { ns_id: own('namespace') };
  return { named: ['id'], ids: { ...row.ids, id: own('file'), ...namespace } };
}

/** The fields that name a message of this kind, dots leading into messages inside; none where only its place does. */
export function namesOf(message: string): readonly string[] {
  return rowOf(message).named ?? [];
}

const NONE: ReadonlyMap<number, readonly IdField[]> = new Map();
const known = new Map<string, ReadonlyMap<number, readonly IdField[]>>();

/** The fields of a message that hold ids, by number, not those of messages inside. */
export function idFieldsOf(message: string): ReadonlyMap<number, readonly IdField[]> {
  let fields = known.get(message);
  if (fields === undefined) {
    fields = readRow(message);
    known.set(message, fields);
  }
  return fields;
}

function readRow(message: string): ReadonlyMap<number, readonly IdField[]> {
  const { ids } = rowOf(message);
  if (ids === undefined) return NONE;
  const number = (name: string) => shapeOf(message).fieldNamed(name).number;
  return new Map(
    Object.entries(ids).map(([name, rows]) => [
      number(name),
      [rows].flat().map(({ when, ...row }): IdField => {
        const condition = when === undefined ? {} : { when: { ...when, field: number(when.field) } };
        return { ...row, field: number(name), ...condition };
      }),
    ]),
  );
}

/** The type of the entries that CRIU looks a file id up among, by what holds it; undefined where it looks among all. */
export function typeAmong(holder: HolderKind): number | undefined {
  return TYPES.get(holder);
}

const TYPES = new Map(
  Object.values(ROWS).flatMap(({ ids = {} }) =>
    Object.values(ids)
      .flat()
      .flatMap(({ holder, among }) =>
        holder === undefined || among === undefined ? [] : [[holder, FD_TYPES[among]] as const],
      ),
  ),
);
