import { FD_TYPES } from '../../schema/generated/images';
import { typeName } from '../entry-types';
import { isDead, readCore } from './core-facts';
import type { ImagesByName } from './images-by-name';
import type { FileReference } from './named-file';

/** Something that the checkpoint does not say. Codes are stable. */
export interface Gap {
  readonly code: 'IMAGE_MISSING' | 'ENTRY_MISSING' | 'TREE_BROKEN';
  readonly message: string;
  /** The task that it is about. */
  readonly pid?: number;
}

export type OnGap = (gap: Gap) => void;

/** Images that a task should have; those of the dead are never there, and it says so. */
export async function reportImages(images: ImagesByName, pid: number, missing: readonly string[], onGap: OnGap) {
  if (missing.length === 0) return;
  const core = await readCore(images, pid);
  const who = isDead(core) ? `task ${pid}, which was dead at the dump,` : `task ${pid}`;
  onGap({ code: 'IMAGE_MISSING', message: `${who} has no ${missing.join(', no ')}`, pid });
}

/** What the images that are there do not say. */
export function reportSilence(message: string, onGap: OnGap, pid?: number): void {
  onGap({ code: 'IMAGE_MISSING', message, ...(pid === undefined ? {} : { pid }) });
}

export function reportEntry({ id, type }: FileReference, onGap: OnGap): void {
  const what = type === FD_TYPES.REG ? 'regular file' : typeName(type);
  onGap({ code: 'ENTRY_MISSING', message: `file id ${id} is used as ${what}, and no image has such an entry` });
}

export function reportParent(pid: number, ppid: number, problem: string, onGap: OnGap): void {
  onGap({ code: 'TREE_BROKEN', message: `task ${pid} has parent ${ppid}, ${problem}: it is shown as a root`, pid });
}
