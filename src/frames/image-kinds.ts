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
  | 'FANOTIFY_MARK';

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
