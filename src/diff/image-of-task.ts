import { type ImageName, identifyImage } from '../frames/image-kinds';

/** Images of which each task has its own, with its pid in their names. */
const OF_TASKS: ReadonlySet<ImageName> = new Set([
  'CORE',
  'IDS',
  'MM',
  'FS',
  'PAGEMAP',
  'CREDS',
  'RLIMIT',
  'ITIMERS',
  'POSIX_TIMERS',
  'SIGACT',
  'SIGNAL',
] as const);
/** Page maps of shared memory, which no task alone has. */
const OF_SHARED_MEMORY = 'pagemap-shmem-';

/** Images whose coming and going is that of their task. */
export function isOfTask(image: string): boolean {
  const kind = identifyImage(image)?.kind.name;
  return kind !== undefined && OF_TASKS.has(kind) && !image.startsWith(OF_SHARED_MEMORY);
}

/** The number in the name of an image; undefined where it is none, or none of this kind. */
export function numberOfImage(image: string, kind?: ImageName): number | undefined {
  const known = identifyImage(image);
  return known === undefined || (kind !== undefined && known.kind.name !== kind) ? undefined : known.number;
}

const PAGES = /^pages-\d+\.img$/;

/** Whether a file has pages of tasks. */
export function isPagesImage(file: string): boolean {
  return PAGES.test(file);
}
