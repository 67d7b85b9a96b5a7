/**
 * Images made and read through protobufjs and schemas/, sharing no code with src/: what the tests build
 * with it, and what they check with it, is a second opinion.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import protobuf from 'protobufjs';

const schemas = path.join(__dirname, '..', '..', 'schemas');
const IMG_COMMON = 0x54564319;
/** In statistics and caches. */
const IMG_SERVICE = 0x55105940;

/** crit's name, file, magic and message of every image; of PAGEMAP and GHOST_FILE the message of all records but the first. */
const TABLE: [kind: string, file: string, magic: number, message: string, otherFile?: string][] = [
  ['REG_FILES', 'reg-files.img', 0x50363636, 'reg_file_entry'],
  ['EXT_FILES', 'ext-files.img', 0x59255641, 'ext_file_entry'],
  ['NS_FILES', 'ns-files.img', 0x61394011, 'ns_file_entry'],
  ['EVENTFD_FILE', 'eventfd.img', 0x44523722, 'eventfd_file_entry'],
  ['EVENTPOLL_FILE', 'eventpoll.img', 0x45023858, 'eventpoll_file_entry'],
  ['SIGNALFD', 'signalfd.img', 0x57323820, 'signalfd_entry'],
  ['INOTIFY_FILE', 'inotify.img', 0x48424431, 'inotify_file_entry'],
  ['FANOTIFY_FILE', 'fanotify.img', 0x55096122, 'fanotify_file_entry'],
  ['PIPES', 'pipes.img', 0x56513555, 'pipe_entry'],
  ['FIFO', 'fifo.img', 0x58364939, 'fifo_entry'],
  ['UNIXSK', 'unixsk.img', 0x54373943, 'unix_sk_entry'],
  ['INETSK', 'inetsk.img', 0x56443851, 'inet_sk_entry'],
  ['PACKETSK', 'packetsk.img', 0x60454618, 'packet_sock_entry'],
  ['NETLINK_SK', 'netlinksk.img', 0x58005614, 'netlink_sk_entry'],
  ['TTY_FILES', 'tty.img', 0x59433025, 'tty_file_entry'],
  ['TUNFILE', 'tunfile.img', 0x57143751, 'tunfile_entry'],
  ['TIMERFD', 'timerfd.img', 0x50493712, 'timerfd_entry'],
  ['INVENTORY', 'inventory.img', 0x58313116, 'inventory_entry'],
  ['PSTREE', 'pstree.img', 0x50273030, 'pstree_entry'],
  ['IDS', 'ids-%u.img', 0x54432030, 'task_kobj_ids_entry'],
  ['CORE', 'core-%u.img', 0x55053847, 'core_entry'],
  ['FILES', 'files.img', 0x56303138, 'file_entry'],
  ['FDINFO', 'fdinfo-%u.img', 0x56213732, 'fdinfo_entry'],
  ['FS', 'fs-%u.img', 0x51403912, 'fs_entry'],
  ['MM', 'mm-%u.img', 0x57492820, 'mm_entry'],
  ['VMAS', 'vmas-%u.img', 0x54123737, 'vma_entry'],
  ['PAGEMAP', 'pagemap-%u.img', 0x56084025, 'pagemap_entry', 'pagemap-shmem-%u.img'],
  ['REMAP_FPATH', 'remap-fpath.img', 0x59133954, 'remap_file_path_entry'],
  ['GHOST_FILE', 'ghost-file-%x.img', 0x52583605, 'ghost_chunk_entry'],
  ['MEMFD_INODE', 'memfd.img', 0x48453499, 'memfd_inode_entry'],
  ['BPFMAP_FILE', 'bpfmap-file.img', 0x57506142, 'bpfmap_file_entry'],
  ['BPFMAP_DATA', 'bpfmap-data.img', 0x64324033, 'bpfmap_data_entry'],
  ['PIDFD', 'pidfd.img', 0x54435556, 'pidfd_entry'],
  ['PIPES_DATA', 'pipes-data.img', 0x56453709, 'pipe_data_entry'],
  ['FIFO_DATA', 'fifo-data.img', 0x59333054, 'pipe_data_entry'],
  ['SK_QUEUES', 'sk-queues.img', 0x56264026, 'sk_packet_entry'],
  ['TCP_STREAM', 'tcp-stream-%x.img', 0x51465506, 'tcp_stream_entry'],
  ['TTY_INFO', 'tty-info.img', 0x59453036, 'tty_info_entry'],
  ['TTY_DATA', 'tty-data.img', 0x59413026, 'tty_data_entry'],
  ['FILE_LOCKS', 'filelocks.img', 0x54323616, 'file_lock_entry'],
  ['AUTOFS', 'autofs-%u.img', 0x49353943, 'autofs_entry'],
  ['EVENTPOLL_TFD', 'eventpoll-tfd.img', 0x44433746, 'eventpoll_tfd_entry'],
  ['INOTIFY_WD', 'inotify-wd.img', 0x54562009, 'inotify_wd_entry'],
  ['FANOTIFY_MARK', 'fanotify-mark.img', 0x56506035, 'fanotify_mark_entry'],
  ['SIGACT', 'sigacts-%u.img', 0x55344201, 'sa_entry'],
  ['SIGNAL', 'signal-s-%u.img', 0x59255647, 'siginfo_entry', 'signal-p-%u.img'],
  ['ITIMERS', 'itimers-%u.img', 0x57464056, 'itimer_entry'],
  ['POSIX_TIMERS', 'posix-timers-%u.img', 0x52603957, 'posix_timer_entry'],
  ['RLIMIT', 'rlimit-%u.img', 0x57113925, 'rlimit_entry'],
  ['CREDS', 'creds-%u.img', 0x54023547, 'creds_entry'],
  ['SECCOMP', 'seccomp.img', 0x64413049, 'seccomp_entry'],
  ['APPARMOR', 'apparmor.img', 0x59423047, 'apparmor_entry'],
  ['CGROUP', 'cgroup.img', 0x59383330, 'cgroup_entry'],
  ['CPUINFO', 'cpuinfo.img', 0x61404013, 'cpuinfo_entry'],
  ['UTSNS', 'utsns-%u.img', 0x54473203, 'utsns_entry'],
  ['TIMENS', 'timens-%u.img', 0x43114433, 'timens_entry'],
  ['PIDNS', 'pidns-%u.img', 0x61157326, 'pidns_entry'],
  ['USERNS', 'userns-%u.img', 0x55474906, 'userns_entry'],
  ['IPC_VAR', 'ipcns-var-%u.img', 0x53115007, 'ipc_var_entry'],
  ['IPCNS_SHM', 'ipcns-shm-%u.img', 0x46283044, 'ipc_shm_entry'],
  ['IPCNS_MSG', 'ipcns-msg-%u.img', 0x55453737, 'ipc_msg_entry'],
  ['IPCNS_SEM', 'ipcns-sem-%u.img', 0x59573019, 'ipc_sem_entry'],
  ['NETNS', 'netns-%u.img', 0x55933752, 'netns_entry'],
  ['NETDEV', 'netdev-%u.img', 0x57373951, 'net_device_entry'],
  ['MNTS', 'mountpoints-%u.img', 0x55563928, 'mnt_entry'],
  ['BINFMT_MISC', 'binfmt-misc.img', 0x67343323, 'binfmt_misc_entry', 'binfmt-misc-%u.img'],
  ['STATS', 'stats-dump', 0x57093306, 'stats_entry', 'stats-restore'],
  ['IRMAP_CACHE', 'irmap-cache', 0x57004059, 'irmap_cache_entry'],
];

export interface Image {
  readonly kind: string;
  /** A name that such an image may have. */
  readonly file: string;
  readonly magic: number;
  readonly message: string;
  /** The message of the first record. */
  readonly first: string;
  /** CRIU reads one record and no more. */
  readonly hasOne: boolean;
}

const FIRST: { readonly [kind: string]: string } = { PAGEMAP: 'pagemap_head', GHOST_FILE: 'ghost_file_entry' };
const ONE = ['INVENTORY', 'CORE', 'IDS', 'MM', 'CREDS', 'FS', 'UTSNS', 'TIMENS', 'PIDNS', 'USERNS', 'NETNS', 'IPC_VAR'];
const ALSO_ONE = ['CGROUP', 'SECCOMP', 'APPARMOR', 'CPUINFO', 'TCP_STREAM', 'STATS'];

export const ALL_IMAGES: readonly Image[] = TABLE.map(([kind, file, magic, message]) => ({
  kind,
  file: file.replace('%u', '17').replace('%x', '2f'),
  magic,
  message,
  first: FIRST[kind] ?? message,
  hasOne: [...ONE, ...ALSO_ONE].includes(kind),
}));

export function imageOf(kind: string): Image {
  return ALL_IMAGES.find((image) => image.kind === kind) as Image;
}

/** Magic and message by the name of the file. */
const IMAGES = TABLE.flatMap(([, file, magic, message, otherFile]) =>
  [file, ...(otherFile === undefined ? [] : [otherFile])].map((name): [RegExp, number, string] => [
    new RegExp(`^${name.replace('.', '\\.').replace('%u', '\\d+').replace('%x', '[\\da-f]+')}$`),
    magic,
    message,
  ]),
);

const root = loadSchemas();

function loadSchemas(): protobuf.Root {
  const images = path.join(schemas, 'images');
  const loaded = new protobuf.Root();
  loaded.resolvePath = (_origin, target) =>
    target.startsWith('google/') ? require.resolve(`protobufjs/${target}`) : path.resolve(images, target);
  const files = readdirSync(images).filter((name) => name.endsWith('.proto'));
  loaded.loadSync([...files, path.join(schemas, 'plan.proto')], { keepCase: true });
  return loaded;
}

export function messageType(name: string): protobuf.Type {
  return root.lookupType(name);
}

/** A type whose values of enums are read as numbers: protobufjs passes over those that have no name. */
export function messageOfNumbers(name: string): protobuf.Type {
  rootOfNumbers ??= withNumbers(loadSchemas());
  return rootOfNumbers.lookupType(name);
}

let rootOfNumbers: protobuf.Root | undefined;

function withNumbers(all: protobuf.Root): protobuf.Root {
  all.resolveAll();
  for (const type of all.nestedArray) {
    if (!(type instanceof protobuf.Type)) continue;
    for (const field of type.fieldsArray) {
      if (!(field.resolvedType instanceof protobuf.Enum)) continue;
      field.type = 'int32';
      field.resolvedType = null;
      field.defaultValue = 0;
    }
  }
  return all;
}

/** All schemas, for tests that look at the schemas themselves. */
export function allSchemas(): protobuf.Root {
  return root;
}

/** A record as a message of fields, or as bytes that no encoder would make. */
export type Record = object | Uint8Array;

export function encodeMessage(type: string, fields: object): Buffer {
  const message = messageType(type);
  return Buffer.from(message.encode(message.fromObject(fields)).finish());
}

export interface ImageOptions {
  /** False for the format without IMG_COMMON. */
  firstMagic?: boolean;
  /** What follows each record. */
  extras?: readonly Uint8Array[];
}

/** The bytes of an image with these records. */
export function encodeImage(name: string, records: readonly Record[], options: ImageOptions = {}): Buffer {
  const [, magic, type] = lookUp(name);
  const chunks: Uint8Array[] = [];
  if (options.firstMagic !== false && name !== 'inventory.img')
    chunks.push(uint32(name.endsWith('.img') ? IMG_COMMON : IMG_SERVICE));
  chunks.push(uint32(magic));
  records.forEach((record, i) => {
    const bytes = record instanceof Uint8Array ? record : encodeMessage(type, record);
    chunks.push(uint32(bytes.length), bytes, options.extras?.[i] ?? Buffer.alloc(0));
  });
  return Buffer.concat(chunks);
}

export interface DecodedRecord {
  bytes: Buffer;
  fields: { [name: string]: unknown };
}

/** The records of an image without extras. Strings that are not UTF-8 come out damaged; `bytes` does not. */
export function decodeImage(name: string, image: Buffer): { header: Buffer; records: DecodedRecord[] } {
  const [, , type] = lookUp(name);
  const headerBytes = name !== 'inventory.img' && image.readUInt32LE(0) === IMG_COMMON ? 8 : 4;
  const records: DecodedRecord[] = [];
  for (let at = headerBytes; at < image.length; ) {
    const size = image.readUInt32LE(at);
    const bytes = image.subarray(at + 4, at + 4 + size);
    const message = messageType(type).decode(bytes);
    records.push({ bytes, fields: messageType(type).toObject(message, { longs: String, enums: String }) });
    at += 4 + size;
  }
  return { header: image.subarray(0, headerBytes), records };
}

export function readImage(directory: string, name: string): ReturnType<typeof decodeImage> {
  return decodeImage(name, readFileSync(path.join(directory, name)));
}

/** The message of a record of an image, by its number from 0. */
export function messageOfRecord(name: string, number: number): string {
  const [, , message] = lookUp(name);
  const first: { readonly [message: string]: string } = {
    pagemap_entry: 'pagemap_head',
    ghost_chunk_entry: 'ghost_file_entry',
  };
  return number > 0 ? message : (first[message] ?? message);
}

function lookUp(name: string): [RegExp, number, string] {
  const found = IMAGES.find(([pattern]) => pattern.test(name));
  if (found === undefined) throw new Error(`the tests do not know the image ${name}`);
  return found;
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
