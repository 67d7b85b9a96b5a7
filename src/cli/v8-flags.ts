import fs from 'node:fs';
import path from 'node:path';
import { builtins } from '../bytes/builtins';
import { isImageName } from '../frames/image-kinds';
import { STANDARD_STREAM } from './standard-stream';

/** The most bytes of a small image, or of all images of a small directory: some hundreds of entries. */
const SMALL_BYTES = 1 << 16;
const FEW_IMAGES = 256;

/**
 * Entries stream past and are garbage at once: neither a large nursery nor a heap that grows before it is looked through
 * is of use, and both stay resident. Most functions run for less time than it takes to optimise them, so they run for longer
 * before V8 does. The figures are in docs/PERFORMANCE.md.
 */
const FLAGS = ['--semi-space-growth-factor=1', '--heap-growing-percent=50', '--interrupt-budget=300000'];

const UNLESS_GONE = { throwIfNoEntry: false } as const;

let areSet = false;

/** Whether code that V8 makes now is of no use to a process that has just begun. */
export function areV8FlagsSet(): boolean {
  return areSet;
}

/**
 * Sets V8's flags before the work begins. They are of no use if all inputs are small, and to load node:v8 takes
 * milliseconds. Code that V8 keeps is only taken by a process with the same flags: call this when it is loaded.
 */
export function setV8FlagsFor(inputs: readonly unknown[]): void {
  if (inputs.length > 0 && inputs.every(isSmall)) return;
  areSet = true;
  for (const flag of FLAGS) builtins.v8.setFlagsFromString(flag);
}

/** True for what is not there, too: a command ends soon then. */
function isSmall(input: unknown): boolean {
  if (typeof input !== 'string' || input === STANDARD_STREAM) return false;
  try {
    const stats = fs.statSync(input, UNLESS_GONE);
    if (stats === undefined) return true;
    // A small archive can hold large images.
    if (stats.isFile()) return stats.size < SMALL_BYTES && isImageName(input);
    const names = fs.readdirSync(input);
    return names.length < FEW_IMAGES && names.includes('files.img') && bytesOf(input, names) < SMALL_BYTES;
  } catch {
    return false;
  }
}

/** The bytes of all but pages, which nobody takes into memory. */
function bytesOf(directory: string, names: readonly string[]): number {
  const images = names.filter((name) => !name.startsWith('pages-'));
  return images.reduce((sum, name) => sum + (fs.statSync(path.join(directory, name), UNLESS_GONE)?.size ?? 0), 0);
}
