/** First magic of every image but inventory.img, service images and the images of the oldest format. */
export const IMG_COMMON = 0x54564319;
/** First magic of what CRIU writes for itself: statistics, caches. */
export const IMG_SERVICE = 0x55105940;

/** The image that makes a folder an image folder. */
export const INVENTORY_IMAGE = 'inventory.img';
/** The plan: fdgraft's own file in the image folder, framed like an image. CRIU does not look at it. */
export const PLAN_IMAGE = 'inherit-plan.img';
/** The bytes "FDGP". */
export const PLAN_MAGIC = 0x50474446;

/** A kind of image, named as CRIU and crit name it. */
export interface ImageKind {
  readonly name: ImageName;
  /** File names: %u stands for a decimal number (of the task, table, namespace, …), %x for a hexadecimal one. */
  readonly files: readonly string[];
  /** The magic that names the image. */
  readonly magic: number;
  /** The magic before it; undefined where there is never one. */
  readonly firstMagic: number | undefined;
  /** The message that its records are; of PAGEMAP and GHOST_FILE, those after the first. */
  readonly message: string;
}

type Row = readonly [file: string, magic: number, message: string, otherFile?: string];

/** Images of dumps older than files.img: each holds the entries of one type, as bare messages. */
const PER_TYPE = {
  REG_FILES: ['reg-files.img', 0x50363636, 'reg_file_entry'],
  EXT_FILES: ['ext-files.img', 0x59255641, 'ext_file_entry'],
  NS_FILES: ['ns-files.img', 0x61394011, 'ns_file_entry'],
  EVENTFD_FILE: ['eventfd.img', 0x44523722, 'eventfd_file_entry'],
  EVENTPOLL_FILE: ['eventpoll.img', 0x45023858, 'eventpoll_file_entry'],
  SIGNALFD: ['signalfd.img', 0x57323820, 'signalfd_entry'],
  INOTIFY_FILE: ['inotify.img', 0x48424431, 'inotify_file_entry'],
  FANOTIFY_FILE: ['fanotify.img', 0x55096122, 'fanotify_file_entry'],
  PIPES: ['pipes.img', 0x56513555, 'pipe_entry'],
  FIFO: ['fifo.img', 0x58364939, 'fifo_entry'],
  UNIXSK: ['unixsk.img', 0x54373943, 'unix_sk_entry'],
  INETSK: ['inetsk.img', 0x56443851, 'inet_sk_entry'],
  PACKETSK: ['packetsk.img', 0x60454618, 'packet_sock_entry'],
  NETLINK_SK: ['netlinksk.img', 0x58005614, 'netlink_sk_entry'],
  TTY_FILES: ['tty.img', 0x59433025, 'tty_file_entry'],
  TUNFILE: ['tunfile.img', 0x57143751, 'tunfile_entry'],
  TIMERFD: ['timerfd.img', 0x50493712, 'timerfd_entry'],
} as const satisfies Record<string, Row>;

/** All others. */
const OTHERS = {
  INVENTORY: ['inventory.img', 0x58313116, 'inventory_entry'],
  PSTREE: ['pstree.img', 0x50273030, 'pstree_entry'],
  IDS: ['ids-%u.img', 0x54432030, 'task_kobj_ids_entry'],
  CORE: ['core-%u.img', 0x55053847, 'core_entry'],
  FILES: ['files.img', 0x56303138, 'file_entry'],
  FDINFO: ['fdinfo-%u.img', 0x56213732, 'fdinfo_entry'],
  FS: ['fs-%u.img', 0x51403912, 'fs_entry'],
  MM: ['mm-%u.img', 0x57492820, 'mm_entry'],
  VMAS: ['vmas-%u.img', 0x54123737, 'vma_entry'],
  PAGEMAP: ['pagemap-%u.img', 0x56084025, 'pagemap_entry', 'pagemap-shmem-%u.img'],
  REMAP_FPATH: ['remap-fpath.img', 0x59133954, 'remap_file_path_entry'],
  GHOST_FILE: ['ghost-file-%x.img', 0x52583605, 'ghost_chunk_entry'],
  MEMFD_INODE: ['memfd.img', 0x48453499, 'memfd_inode_entry'],
  BPFMAP_FILE: ['bpfmap-file.img', 0x57506142, 'bpfmap_file_entry'],
  BPFMAP_DATA: ['bpfmap-data.img', 0x64324033, 'bpfmap_data_entry'],
  PIDFD: ['pidfd.img', 0x54435556, 'pidfd_entry'],
  PIPES_DATA: ['pipes-data.img', 0x56453709, 'pipe_data_entry'],
  FIFO_DATA: ['fifo-data.img', 0x59333054, 'pipe_data_entry'],
  SK_QUEUES: ['sk-queues.img', 0x56264026, 'sk_packet_entry'],
  TCP_STREAM: ['tcp-stream-%x.img', 0x51465506, 'tcp_stream_entry'],
  TTY_INFO: ['tty-info.img', 0x59453036, 'tty_info_entry'],
  TTY_DATA: ['tty-data.img', 0x59413026, 'tty_data_entry'],
  FILE_LOCKS: ['filelocks.img', 0x54323616, 'file_lock_entry'],
  AUTOFS: ['autofs-%u.img', 0x49353943, 'autofs_entry'],
  EVENTPOLL_TFD: ['eventpoll-tfd.img', 0x44433746, 'eventpoll_tfd_entry'],
  INOTIFY_WD: ['inotify-wd.img', 0x54562009, 'inotify_wd_entry'],
  FANOTIFY_MARK: ['fanotify-mark.img', 0x56506035, 'fanotify_mark_entry'],
  SIGACT: ['sigacts-%u.img', 0x55344201, 'sa_entry'],
  SIGNAL: ['signal-s-%u.img', 0x59255647, 'siginfo_entry', 'signal-p-%u.img'],
  ITIMERS: ['itimers-%u.img', 0x57464056, 'itimer_entry'],
  POSIX_TIMERS: ['posix-timers-%u.img', 0x52603957, 'posix_timer_entry'],
  RLIMIT: ['rlimit-%u.img', 0x57113925, 'rlimit_entry'],
  CREDS: ['creds-%u.img', 0x54023547, 'creds_entry'],
  SECCOMP: ['seccomp.img', 0x64413049, 'seccomp_entry'],
  APPARMOR: ['apparmor.img', 0x59423047, 'apparmor_entry'],
  CGROUP: ['cgroup.img', 0x59383330, 'cgroup_entry'],
  CPUINFO: ['cpuinfo.img', 0x61404013, 'cpuinfo_entry'],
  UTSNS: ['utsns-%u.img', 0x54473203, 'utsns_entry'],
  TIMENS: ['timens-%u.img', 0x43114433, 'timens_entry'],
  PIDNS: ['pidns-%u.img', 0x61157326, 'pidns_entry'],
  USERNS: ['userns-%u.img', 0x55474906, 'userns_entry'],
  IPC_VAR: ['ipcns-var-%u.img', 0x53115007, 'ipc_var_entry'],
  IPCNS_SHM: ['ipcns-shm-%u.img', 0x46283044, 'ipc_shm_entry'],
  IPCNS_MSG: ['ipcns-msg-%u.img', 0x55453737, 'ipc_msg_entry'],
  IPCNS_SEM: ['ipcns-sem-%u.img', 0x59573019, 'ipc_sem_entry'],
  NETNS: ['netns-%u.img', 0x55933752, 'netns_entry'],
  NETDEV: ['netdev-%u.img', 0x57373951, 'net_device_entry'],
  MNTS: ['mountpoints-%u.img', 0x55563928, 'mnt_entry'],
  BINFMT_MISC: ['binfmt-misc.img', 0x67343323, 'binfmt_misc_entry', 'binfmt-misc-%u.img'],
  STATS: ['stats-dump', 0x57093306, 'stats_entry', 'stats-restore'],
  IRMAP_CACHE: ['irmap-cache', 0x57004059, 'irmap_cache_entry'],
} as const satisfies Record<string, Row>;

export type PerTypeImageName = keyof typeof PER_TYPE;
export type ImageName = PerTypeImageName | keyof typeof OTHERS;

function describeKind(name: ImageName, [file, magic, message, otherFile]: Row): ImageKind {
  const firstMagic = name === 'INVENTORY' ? undefined : file.endsWith('.img') ? IMG_COMMON : IMG_SERVICE;
  return { name, files: otherFile === undefined ? [file] : [file, otherFile], magic, firstMagic, message };
}

/** Names and magics as CRIU's criu/include/magic.h and image-desc.c define them, the same from 3.17 to 4.3. */
export const IMAGE_KINDS: readonly ImageKind[] = Object.entries({ ...PER_TYPE, ...OTHERS }).map(([name, row]) =>
  describeKind(name as ImageName, row),
);

const BY_FILE = new Map(IMAGE_KINDS.flatMap((kind) => kind.files.map((file) => [file, kind] as const)));
const BY_MAGIC = new Map(IMAGE_KINDS.map((kind) => [kind.magic, kind]));
const BY_NAME = new Map<string, ImageKind>(IMAGE_KINDS.map((kind) => [kind.name, kind]));

export interface ImageFile {
  readonly kind: ImageKind;
  /** The number in the name (of the task, of the descriptor table); 0 where the name has none. */
  readonly number: number;
}

const NUMBERED = /^(.+-)(0|[1-9a-f][\da-f]{0,19})\.img$/;
/** CRIU opens images by names that it prints with %u or %x. */
const MAX_NUMBER = 2n ** 32n - 1n;
/** It prints the numbers of these with %lu. */
const MAX_LONG_NUMBER = 2n ** 64n - 1n;
const LONG_NUMBERED: ReadonlySet<ImageName> = new Set(['PAGEMAP']);

/**
 * What image a file name stands for; undefined where it is raw bytes, and for a name with a number that CRIU would not
 * print so (a leading zero, a number past the range), which it never opens.
 */
export function identifyImage(fileName: string): ImageFile | undefined {
  const kind = BY_FILE.get(fileName);
  if (kind !== undefined) return fileName.includes('%') ? undefined : { kind, number: 0 };
  const [, prefix, digits] = NUMBERED.exec(fileName) ?? [];
  if (prefix === undefined || digits === undefined) return undefined;
  const ofDecimal = /^\d+$/.test(digits) ? BY_FILE.get(`${prefix}%u.img`) : undefined;
  const numbered = ofDecimal ?? BY_FILE.get(`${prefix}%x.img`);
  if (numbered === undefined) return undefined;
  const number = BigInt(ofDecimal === undefined ? `0x${digits}` : digits);
  const most = LONG_NUMBERED.has(numbered.name) ? MAX_LONG_NUMBER : MAX_NUMBER;
  return number > most ? undefined : { kind: numbered, number: Number(number) };
}

/** What kind of image has this magic; undefined where none has. */
export function kindOfMagic(magic: number): ImageKind | undefined {
  return BY_MAGIC.get(magic);
}

/** The kind that crit calls so. */
export function kindNamed(name: string): ImageKind | undefined {
  return BY_NAME.get(name);
}

/** Files without magics and records, by the beginnings of their names, and what is in them. */
const RAW_FILES: readonly (readonly [prefix: string, content: string])[] = [
  ['pages-', 'pages of memory'],
  ['tmpfs-', 'an archive of a tmpfs'],
  ['iptables-', 'output of iptables-save'],
  ['ip6tables-', 'output of ip6tables-save'],
  ['nftables-', 'output of nft list ruleset'],
  ['route-', 'output of ip route save'],
  ['route6-', 'output of ip -6 route save'],
  ['rule-', 'output of ip rule save'],
  ['ifaddr-', 'output of ip addr save'],
  ['netns-ct-', 'netlink messages about connections'],
  ['netns-exp-', 'netlink messages about expected connections'],
  ['amdgpu-', "files of CRIU's AMD GPU plugin"],
];

/** What is in a file that CRIU writes without magics and records; undefined where the name is none of these. */
export function rawContentOf(fileName: string): string | undefined {
  if (!isImageName(fileName)) return undefined;
  return RAW_FILES.find(([prefix]) => fileName.startsWith(prefix))?.[1];
}

/** True for what CRIU wrote at the dump and only reads at the restore. */
export function isImageName(fileName: string): boolean {
  return fileName.endsWith('.img');
}
