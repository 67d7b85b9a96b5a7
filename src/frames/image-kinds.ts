/** First magic of every image but inventory.img and the images of the oldest format. */
export const IMG_COMMON = 0x54564319;

/** The plan: fdgraft's own file in the image folder, framed like an image. CRIU does not look at it. */
export const PLAN_IMAGE = 'inherit-plan.img';
/** The bytes "FDGP". */
export const PLAN_MAGIC = 0x50474446;

/** An image that fdgraft reads. All others are raw bytes to it. */
export interface ImageKind {
  readonly name: ImageName;
  /** File name; the parenthesis holds the number of the task or table. */
  readonly pattern: RegExp;
  /** The magic that names the image. */
  readonly magic: number;
  /** False where the image never has IMG_COMMON before its own magic. */
  readonly hasFirstMagic: boolean;
}

export type ImageName =
  | 'INVENTORY'
  | 'PSTREE'
  | 'IDS'
  | 'CORE'
  | 'FILES'
  | 'FDINFO'
  | 'FS'
  | 'MM'
  | 'VMAS'
  | 'REMAP_FPATH'
  | 'SK_QUEUES'
  | 'PIPES_DATA'
  | 'FIFO_DATA'
  | 'FILE_LOCKS'
  | 'AUTOFS'
  | 'EVENTPOLL_TFD'
  | 'INOTIFY_WD'
  | 'FANOTIFY_MARK'
  | PerTypeImageName;

/** Images of dumps older than files.img: each holds the entries of one type, as bare messages. */
export type PerTypeImageName =
  | 'REG_FILES'
  | 'EXT_FILES'
  | 'NS_FILES'
  | 'EVENTFD_FILE'
  | 'EVENTPOLL_FILE'
  | 'SIGNALFD'
  | 'INOTIFY_FILE'
  | 'FANOTIFY_FILE'
  | 'PIPES'
  | 'FIFO'
  | 'UNIXSK'
  | 'INETSK'
  | 'PACKETSK'
  | 'NETLINK_SK'
  | 'TTY_FILES'
  | 'TUNFILE'
  | 'TIMERFD';

/** Names and magics as CRIU's criu/include/magic.h and image-desc.c define them, the same from 3.17 to 4.3. */
const KINDS: readonly ImageKind[] = [
  { name: 'INVENTORY', pattern: /^inventory\.img$/, magic: 0x58313116, hasFirstMagic: false },
  { name: 'PSTREE', pattern: /^pstree\.img$/, magic: 0x50273030, hasFirstMagic: true },
  { name: 'IDS', pattern: /^ids-(0|[1-9]\d{0,9})\.img$/, magic: 0x54432030, hasFirstMagic: true },
  { name: 'CORE', pattern: /^core-(0|[1-9]\d{0,9})\.img$/, magic: 0x55053847, hasFirstMagic: true },
  { name: 'FILES', pattern: /^files\.img$/, magic: 0x56303138, hasFirstMagic: true },
  { name: 'FDINFO', pattern: /^fdinfo-(0|[1-9]\d{0,9})\.img$/, magic: 0x56213732, hasFirstMagic: true },
  { name: 'FS', pattern: /^fs-(0|[1-9]\d{0,9})\.img$/, magic: 0x51403912, hasFirstMagic: true },
  { name: 'MM', pattern: /^mm-(0|[1-9]\d{0,9})\.img$/, magic: 0x57492820, hasFirstMagic: true },
  { name: 'VMAS', pattern: /^vmas-(0|[1-9]\d{0,9})\.img$/, magic: 0x54123737, hasFirstMagic: true },
  { name: 'REMAP_FPATH', pattern: /^remap-fpath\.img$/, magic: 0x59133954, hasFirstMagic: true },
  { name: 'SK_QUEUES', pattern: /^sk-queues\.img$/, magic: 0x56264026, hasFirstMagic: true },
  { name: 'PIPES_DATA', pattern: /^pipes-data\.img$/, magic: 0x56453709, hasFirstMagic: true },
  { name: 'FIFO_DATA', pattern: /^fifo-data\.img$/, magic: 0x59333054, hasFirstMagic: true },
  { name: 'FILE_LOCKS', pattern: /^filelocks\.img$/, magic: 0x54323616, hasFirstMagic: true },
  { name: 'AUTOFS', pattern: /^autofs-(0|[1-9]\d{0,9})\.img$/, magic: 0x49353943, hasFirstMagic: true },
  { name: 'EVENTPOLL_TFD', pattern: /^eventpoll-tfd\.img$/, magic: 0x44433746, hasFirstMagic: true },
  { name: 'INOTIFY_WD', pattern: /^inotify-wd\.img$/, magic: 0x54562009, hasFirstMagic: true },
  { name: 'FANOTIFY_MARK', pattern: /^fanotify-mark\.img$/, magic: 0x56506035, hasFirstMagic: true },
  { name: 'REG_FILES', pattern: /^reg-files\.img$/, magic: 0x50363636, hasFirstMagic: true },
  { name: 'EXT_FILES', pattern: /^ext-files\.img$/, magic: 0x59255641, hasFirstMagic: true },
  { name: 'NS_FILES', pattern: /^ns-files\.img$/, magic: 0x61394011, hasFirstMagic: true },
  { name: 'EVENTFD_FILE', pattern: /^eventfd\.img$/, magic: 0x44523722, hasFirstMagic: true },
  { name: 'EVENTPOLL_FILE', pattern: /^eventpoll\.img$/, magic: 0x45023858, hasFirstMagic: true },
  { name: 'SIGNALFD', pattern: /^signalfd\.img$/, magic: 0x57323820, hasFirstMagic: true },
  { name: 'INOTIFY_FILE', pattern: /^inotify\.img$/, magic: 0x48424431, hasFirstMagic: true },
  { name: 'FANOTIFY_FILE', pattern: /^fanotify\.img$/, magic: 0x55096122, hasFirstMagic: true },
  { name: 'PIPES', pattern: /^pipes\.img$/, magic: 0x56513555, hasFirstMagic: true },
  { name: 'FIFO', pattern: /^fifo\.img$/, magic: 0x58364939, hasFirstMagic: true },
  { name: 'UNIXSK', pattern: /^unixsk\.img$/, magic: 0x54373943, hasFirstMagic: true },
  { name: 'INETSK', pattern: /^inetsk\.img$/, magic: 0x56443851, hasFirstMagic: true },
  { name: 'PACKETSK', pattern: /^packetsk\.img$/, magic: 0x60454618, hasFirstMagic: true },
  { name: 'NETLINK_SK', pattern: /^netlinksk\.img$/, magic: 0x58005614, hasFirstMagic: true },
  { name: 'TTY_FILES', pattern: /^tty\.img$/, magic: 0x59433025, hasFirstMagic: true },
  { name: 'TUNFILE', pattern: /^tunfile\.img$/, magic: 0x57143751, hasFirstMagic: true },
  { name: 'TIMERFD', pattern: /^timerfd\.img$/, magic: 0x50493712, hasFirstMagic: true },
];

export interface ImageFile {
  readonly kind: ImageKind;
  /** The number in the name (of the task, of the descriptor table); 0 where the name has none. */
  readonly number: number;
}

/** What image a file name stands for; undefined where it is raw bytes to fdgraft. */
export function identifyImage(fileName: string): ImageFile | undefined {
  for (const kind of KINDS) {
    const match = kind.pattern.exec(fileName);
    if (match !== null) return { kind, number: Number(match[1] ?? 0) };
  }
  return undefined;
}

/** True for what CRIU wrote at the dump and only reads at the restore. */
export function isImageName(fileName: string): boolean {
  return fileName.endsWith('.img');
}
