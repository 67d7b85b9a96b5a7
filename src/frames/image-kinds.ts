/** First magic of every image but inventory.img, service images and the images of the oldest format. */
export const IMG_COMMON = 0x54564319;
/** First magic of what CRIU writes for itself: statistics, caches. */
export const IMG_SERVICE = 0x55105940;

/** The image that makes a directory an image directory. */
export const INVENTORY_IMAGE = 'inventory.img';
/** The plan: fdgraft's own file in the image directory, framed like an image. CRIU does not look at it. */
export const PLAN_IMAGE = 'inherit-plan.img';
/** The bytes "FDGP". */
export const PLAN_MAGIC = 0x50474446;

/** The thing that a number in the name of a file counts. Some are ids of a dump: checkpoint/id-kinds.ts. */
export type NumberOf = 'task' | 'table' | 'namespace' | 'socket' | 'ghost' | 'pages' | 'shared memory';

/** A part of what follows a record: bytes with a meaning, then zeros up to a multiple of `align`. */
export interface ExtraRow {
  /** Fields of the record whose sum counts the bytes, or items of `itemBytes`. */
  readonly counts: readonly string[] | 'all the rest';
  readonly itemBytes?: number;
  readonly align?: number;
  /** A field that, where it is set, says that the part lies elsewhere. */
  readonly unless?: string;
  /** The key of the part in JSON, and other names for it. Without one, the part is the value of `extra`. */
  readonly keys?: readonly [string, ...string[]];
}

/** The message of one record of an image, and the bytes that follow it. */
export interface RecordRow {
  readonly message: string;
  readonly extra?: readonly ExtraRow[];
}

/** A kind of image, named as CRIU and crit name it. */
export interface ImageKind {
  readonly name: ImageName;
  /** File names: %u stands for a decimal number, %x for a hexadecimal one. */
  readonly files: readonly string[];
  /** The magic that names the image. */
  readonly magic: number;
  /** The magic before it; undefined where there is never one. */
  readonly firstMagic: number | undefined;
  /** The message that its records are, but for `first` and `inner`. */
  readonly message: string;
  /** The bytes that follow each of these records (source: CRIU's code that reads the image). */
  readonly extra: readonly ExtraRow[];
  /** The first record, where it is another message. */
  readonly first: RecordRow | undefined;
  /** Records that follow each of the others and belong to it: as many as its field `count` says. */
  readonly inner: (RecordRow & { readonly count: string }) | undefined;
  /** CRIU reads one record and no more. */
  readonly hasOne: boolean;
  /** The type of all its entries, by its name in fd_types: of an image that dumps older than files.img have. */
  readonly entries: string | undefined;
  /** The type of the entries whose unread bytes it has. */
  readonly unreadOf: 'PIPE' | 'FIFO' | undefined;
  /** Its field ext_key has the key of something outside: of what. */
  readonly external: 'network namespace' | 'pid namespace' | 'mount' | undefined;
}

interface Row extends Partial<Omit<ImageKind, 'name' | 'files' | 'magic' | 'firstMagic' | 'message'>> {
  readonly file: string;
  readonly magic: number;
  readonly message: string;
  readonly number?: NumberOf;
  /** The number can have 64 bits. */
  readonly isLong?: boolean;
  readonly other?: { readonly file: string; readonly number?: NumberOf };
}

/** One row a kind. Names and magics as criu/include/magic.h and criu/image-desc.c have them, the same from 3.17 to 4.3. */
const ROWS = {
  INVENTORY: { file: 'inventory.img', magic: 0x58313116, message: 'inventory_entry', hasOne: true },
  PSTREE: { file: 'pstree.img', magic: 0x50273030, message: 'pstree_entry' },
  IDS: { file: 'ids-%u.img', magic: 0x54432030, message: 'task_kobj_ids_entry', number: 'task', hasOne: true },
  CORE: { file: 'core-%u.img', magic: 0x55053847, message: 'core_entry', number: 'task', hasOne: true },
  FILES: { file: 'files.img', magic: 0x56303138, message: 'file_entry' },
  FDINFO: { file: 'fdinfo-%u.img', magic: 0x56213732, message: 'fdinfo_entry', number: 'table' },
  FS: { file: 'fs-%u.img', magic: 0x51403912, message: 'fs_entry', number: 'task', hasOne: true },
  MM: { file: 'mm-%u.img', magic: 0x57492820, message: 'mm_entry', number: 'task', hasOne: true },
  VMAS: { file: 'vmas-%u.img', magic: 0x54123737, message: 'vma_entry', number: 'task' },
  PAGEMAP: {
    file: 'pagemap-%u.img',
    magic: 0x56084025,
    message: 'pagemap_entry',
    number: 'task',
    other: { file: 'pagemap-shmem-%u.img', number: 'shared memory' },
    first: { message: 'pagemap_head' },
    isLong: true,
  },
  REMAP_FPATH: { file: 'remap-fpath.img', magic: 0x59133954, message: 'remap_file_path_entry' },
  GHOST_FILE: {
    file: 'ghost-file-%x.img',
    magic: 0x52583605,
    message: 'ghost_chunk_entry',
    number: 'ghost',
    first: { message: 'ghost_file_entry', extra: [{ counts: 'all the rest', unless: 'chunks' }] },
    extra: [{ counts: ['len'] }],
  },
  MEMFD_INODE: { file: 'memfd.img', magic: 0x48453499, message: 'memfd_inode_entry' },
  BPFMAP_FILE: { file: 'bpfmap-file.img', magic: 0x57506142, message: 'bpfmap_file_entry' },
  BPFMAP_DATA: {
    file: 'bpfmap-data.img',
    magic: 0x64324033,
    message: 'bpfmap_data_entry',
    extra: [{ counts: ['keys_bytes', 'values_bytes'] }],
  },
  PIDFD: { file: 'pidfd.img', magic: 0x54435556, message: 'pidfd_entry' },
  PIPES_DATA: {
    file: 'pipes-data.img',
    magic: 0x56453709,
    message: 'pipe_data_entry',
    extra: [{ counts: ['bytes'] }],
    unreadOf: 'PIPE',
  },
  FIFO_DATA: {
    file: 'fifo-data.img',
    magic: 0x59333054,
    message: 'pipe_data_entry',
    extra: [{ counts: ['bytes'] }],
    unreadOf: 'FIFO',
  },
  SK_QUEUES: { file: 'sk-queues.img', magic: 0x56264026, message: 'sk_packet_entry', extra: [{ counts: ['length'] }] },
  TCP_STREAM: {
    file: 'tcp-stream-%x.img',
    magic: 0x51465506,
    message: 'tcp_stream_entry',
    number: 'socket',
    hasOne: true,
    extra: [
      { counts: ['inq_len'], keys: ['inq', 'in_q', 'inQ'] },
      { counts: ['outq_len'], keys: ['outq', 'out_q', 'outQ'] },
    ],
  },
  TTY_INFO: { file: 'tty-info.img', magic: 0x59453036, message: 'tty_info_entry' },
  TTY_DATA: { file: 'tty-data.img', magic: 0x59413026, message: 'tty_data_entry' },
  FILE_LOCKS: { file: 'filelocks.img', magic: 0x54323616, message: 'file_lock_entry' },
  AUTOFS: { file: 'autofs-%u.img', magic: 0x49353943, message: 'autofs_entry' },
  EVENTPOLL_TFD: { file: 'eventpoll-tfd.img', magic: 0x44433746, message: 'eventpoll_tfd_entry' },
  INOTIFY_WD: { file: 'inotify-wd.img', magic: 0x54562009, message: 'inotify_wd_entry' },
  FANOTIFY_MARK: { file: 'fanotify-mark.img', magic: 0x56506035, message: 'fanotify_mark_entry' },
  SIGACT: { file: 'sigacts-%u.img', magic: 0x55344201, message: 'sa_entry', number: 'task' },
  SIGNAL: {
    file: 'signal-s-%u.img',
    magic: 0x59255647,
    message: 'siginfo_entry',
    number: 'task',
    other: { file: 'signal-p-%u.img', number: 'task' },
  },
  ITIMERS: { file: 'itimers-%u.img', magic: 0x57464056, message: 'itimer_entry', number: 'task' },
  POSIX_TIMERS: { file: 'posix-timers-%u.img', magic: 0x52603957, message: 'posix_timer_entry', number: 'task' },
  RLIMIT: { file: 'rlimit-%u.img', magic: 0x57113925, message: 'rlimit_entry', number: 'task' },
  CREDS: { file: 'creds-%u.img', magic: 0x54023547, message: 'creds_entry', number: 'task', hasOne: true },
  SECCOMP: { file: 'seccomp.img', magic: 0x64413049, message: 'seccomp_entry', hasOne: true },
  APPARMOR: { file: 'apparmor.img', magic: 0x59423047, message: 'apparmor_entry', hasOne: true },
  CGROUP: { file: 'cgroup.img', magic: 0x59383330, message: 'cgroup_entry', hasOne: true },
  CPUINFO: { file: 'cpuinfo.img', magic: 0x61404013, message: 'cpuinfo_entry', hasOne: true },
  UTSNS: { file: 'utsns-%u.img', magic: 0x54473203, message: 'utsns_entry', number: 'namespace', hasOne: true },
  TIMENS: { file: 'timens-%u.img', magic: 0x43114433, message: 'timens_entry', number: 'namespace', hasOne: true },
  PIDNS: {
    file: 'pidns-%u.img',
    magic: 0x61157326,
    message: 'pidns_entry',
    number: 'namespace',
    hasOne: true,
    external: 'pid namespace',
  },
  USERNS: { file: 'userns-%u.img', magic: 0x55474906, message: 'userns_entry', number: 'namespace', hasOne: true },
  IPC_VAR: { file: 'ipcns-var-%u.img', magic: 0x53115007, message: 'ipc_var_entry', number: 'namespace', hasOne: true },
  IPCNS_SHM: {
    file: 'ipcns-shm-%u.img',
    magic: 0x46283044,
    message: 'ipc_shm_entry',
    number: 'namespace',
    extra: [{ counts: ['size'], align: 4, unless: 'in_pagemaps' }],
  },
  IPCNS_MSG: {
    file: 'ipcns-msg-%u.img',
    magic: 0x55453737,
    message: 'ipc_msg_entry',
    number: 'namespace',
    inner: { count: 'qnum', message: 'ipc_msg', extra: [{ counts: ['msize'], align: 8 }] },
  },
  IPCNS_SEM: {
    file: 'ipcns-sem-%u.img',
    magic: 0x59573019,
    message: 'ipc_sem_entry',
    number: 'namespace',
    extra: [{ counts: ['nsems'], itemBytes: 2, align: 8 }],
  },
  NETNS: {
    file: 'netns-%u.img',
    magic: 0x55933752,
    message: 'netns_entry',
    number: 'namespace',
    hasOne: true,
    external: 'network namespace',
  },
  NETDEV: { file: 'netdev-%u.img', magic: 0x57373951, message: 'net_device_entry', number: 'namespace' },
  MNTS: { file: 'mountpoints-%u.img', magic: 0x55563928, message: 'mnt_entry', number: 'namespace', external: 'mount' },
  BINFMT_MISC: {
    file: 'binfmt-misc.img',
    magic: 0x67343323,
    message: 'binfmt_misc_entry',
    other: { file: 'binfmt-misc-%u.img' },
  },
  STATS: {
    file: 'stats-dump',
    magic: 0x57093306,
    message: 'stats_entry',
    other: { file: 'stats-restore' },
    hasOne: true,
  },
  IRMAP_CACHE: { file: 'irmap-cache', magic: 0x57004059, message: 'irmap_cache_entry' },
  // Images of dumps older than files.img: each holds the entries of one type, as bare messages.
  REG_FILES: { file: 'reg-files.img', magic: 0x50363636, message: 'reg_file_entry', entries: 'REG' },
  EXT_FILES: { file: 'ext-files.img', magic: 0x59255641, message: 'ext_file_entry', entries: 'EXT' },
  NS_FILES: { file: 'ns-files.img', magic: 0x61394011, message: 'ns_file_entry', entries: 'NS' },
  EVENTFD_FILE: { file: 'eventfd.img', magic: 0x44523722, message: 'eventfd_file_entry', entries: 'EVENTFD' },
  EVENTPOLL_FILE: { file: 'eventpoll.img', magic: 0x45023858, message: 'eventpoll_file_entry', entries: 'EVENTPOLL' },
  SIGNALFD: { file: 'signalfd.img', magic: 0x57323820, message: 'signalfd_entry', entries: 'SIGNALFD' },
  INOTIFY_FILE: { file: 'inotify.img', magic: 0x48424431, message: 'inotify_file_entry', entries: 'INOTIFY' },
  FANOTIFY_FILE: { file: 'fanotify.img', magic: 0x55096122, message: 'fanotify_file_entry', entries: 'FANOTIFY' },
  PIPES: { file: 'pipes.img', magic: 0x56513555, message: 'pipe_entry', entries: 'PIPE' },
  FIFO: { file: 'fifo.img', magic: 0x58364939, message: 'fifo_entry', entries: 'FIFO' },
  UNIXSK: { file: 'unixsk.img', magic: 0x54373943, message: 'unix_sk_entry', entries: 'UNIXSK' },
  INETSK: { file: 'inetsk.img', magic: 0x56443851, message: 'inet_sk_entry', entries: 'INETSK' },
  PACKETSK: { file: 'packetsk.img', magic: 0x60454618, message: 'packet_sock_entry', entries: 'PACKETSK' },
  NETLINK_SK: { file: 'netlinksk.img', magic: 0x58005614, message: 'netlink_sk_entry', entries: 'NETLINKSK' },
  TTY_FILES: { file: 'tty.img', magic: 0x59433025, message: 'tty_file_entry', entries: 'TTY' },
  TUNFILE: { file: 'tunfile.img', magic: 0x57143751, message: 'tunfile_entry', entries: 'TUNF' },
  TIMERFD: { file: 'timerfd.img', magic: 0x50493712, message: 'timerfd_entry', entries: 'TIMERFD' },
} as const satisfies Record<string, Row>;

export type ImageName = keyof typeof ROWS;

const ROW_ENTRIES = Object.entries(ROWS) as readonly (readonly [ImageName, Row])[];

function describeKind(name: ImageName, row: Row): ImageKind {
  const { file, magic, message, other, extra = [], first, inner, hasOne = false, entries, unreadOf, external } = row;
  const firstMagic = name === 'INVENTORY' ? undefined : file.endsWith('.img') ? IMG_COMMON : IMG_SERVICE;
  const files = other === undefined ? [file] : [file, other.file];
  return { name, files, magic, firstMagic, message, extra, first, inner, hasOne, entries, unreadOf, external };
}

export const IMAGE_KINDS: readonly ImageKind[] = ROW_ENTRIES.map(([name, row]) => describeKind(name, row));

interface FileRow {
  readonly kind: ImageKind;
  readonly numberOf: NumberOf | undefined;
  readonly most: bigint;
}

/** CRIU opens images by names that it prints with %u or %x, and with %lu where numbers can be long. */
const MAX_NUMBER = 2n ** 32n - 1n;
const MAX_LONG_NUMBER = 2n ** 64n - 1n;

const BY_FILE = new Map<string, FileRow>(
  ROW_ENTRIES.flatMap(([, row], i) => {
    const kind = IMAGE_KINDS[i] as ImageKind;
    const most = row.isLong === true ? MAX_LONG_NUMBER : MAX_NUMBER;
    return [row, ...(row.other === undefined ? [] : [row.other])].map(
      ({ file, number }) => [file, { kind, numberOf: number, most }] as const,
    );
  }),
);
const BY_MAGIC = new Map(IMAGE_KINDS.map((kind) => [kind.magic, kind]));
const BY_NAME = new Map<string, ImageKind>(IMAGE_KINDS.map((kind) => [kind.name, kind]));

export interface ImageFile {
  readonly kind: ImageKind;
  /** The number in the name (of the task, of the descriptor table); 0 where the name has none. */
  readonly number: number;
  readonly numberOf: NumberOf | undefined;
}

/** As many digits of any number are a number of 32 bits. */
const MAX_SHORT_DIGITS = 8;
const NUMBERED = /^(.+-)(0|[1-9a-f][\da-f]{0,19})\.img$/;

/**
 * What image a file name stands for; undefined where it is raw bytes, and for a name with a number that CRIU would not
 * print so (a leading zero, a number past the range), which it never opens.
 */
export function identifyImage(fileName: string): ImageFile | undefined {
  const plain = BY_FILE.get(fileName);
  if (plain !== undefined) {
    return fileName.includes('%') ? undefined : { kind: plain.kind, number: 0, numberOf: undefined };
  }
  const [, prefix, digits] = NUMBERED.exec(fileName) ?? [];
  if (prefix === undefined || digits === undefined) return undefined;
  const ofDecimal = /^\d+$/.test(digits) ? BY_FILE.get(`${prefix}%u.img`) : undefined;
  const found = ofDecimal ?? BY_FILE.get(`${prefix}%x.img`);
  if (found === undefined) return undefined;
  const text = ofDecimal === undefined ? `0x${digits}` : digits;
  if (digits.length > MAX_SHORT_DIGITS && BigInt(text) > found.most) return undefined;
  return { kind: found.kind, number: Number(text), numberOf: found.numberOf };
}

/** What kind of image has this magic; undefined where none has. */
export function kindOfMagic(magic: number): ImageKind | undefined {
  return BY_MAGIC.get(magic);
}

/** The kind that crit calls so. */
export function kindNamed(name: string): ImageKind | undefined {
  return BY_NAME.get(name);
}

/** A file without magics and records, by the beginning of its name. */
interface RawFile {
  readonly prefix: string;
  readonly content: string;
  readonly numberOf?: NumberOf;
}

const RAW_FILES: readonly RawFile[] = [
  { prefix: 'pages-', content: 'pages of memory', numberOf: 'pages' },
  { prefix: 'tmpfs-', content: 'an archive of a tmpfs' },
  { prefix: 'iptables-', content: 'output of iptables-save', numberOf: 'namespace' },
  { prefix: 'ip6tables-', content: 'output of ip6tables-save', numberOf: 'namespace' },
  { prefix: 'nftables-', content: 'output of nft list ruleset', numberOf: 'namespace' },
  { prefix: 'route-', content: 'output of ip route save', numberOf: 'namespace' },
  { prefix: 'route6-', content: 'output of ip -6 route save', numberOf: 'namespace' },
  { prefix: 'rule-', content: 'output of ip rule save', numberOf: 'namespace' },
  { prefix: 'ifaddr-', content: 'output of ip addr save', numberOf: 'namespace' },
  { prefix: 'netns-ct-', content: 'netlink messages about connections', numberOf: 'namespace' },
  { prefix: 'netns-exp-', content: 'netlink messages about expected connections', numberOf: 'namespace' },
  { prefix: 'amdgpu-', content: "files of CRIU's AMD GPU plugin" },
];

/** The kind of a file that CRIU writes without magics and records. Undefined for all other names. */
export function rawFileOf(fileName: string): RawFile | undefined {
  return isImageName(fileName) ? RAW_FILES.find(({ prefix }) => fileName.startsWith(prefix)) : undefined;
}

/** True for what CRIU wrote at the dump and only reads at the restore. */
export function isImageName(fileName: string): boolean {
  return fileName.endsWith('.img');
}
