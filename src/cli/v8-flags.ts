import fs from 'node:fs';
import path from 'node:path';
import { builtins } from '../bytes/builtins';

/** What a small image, and a directory of few of them, have at most. */
const SMALL_BYTES = 1 << 20;
const FEW_IMAGES = 256;

/**
 * What streams past is garbage at once: neither a large nursery nor a heap that grows before it is looked through is
 * of use, and both stay resident (docs/PERFORMANCE.md). The flags must be set before the work begins. They are of no
 * use where all inputs are small, and to load node:v8 takes milliseconds. Code that V8 keeps is only taken by a
 * process with the same flags: call this when it is loaded.
 */
export function setV8FlagsFor(inputs: readonly unknown[]): void {
  if (inputs.length > 0 && inputs.every(isSmall)) return;
  builtins.v8.setFlagsFromString('--semi-space-growth-factor=1');
  builtins.v8.setFlagsFromString('--heap-growing-percent=50');
}

/** True for what is not there, too: a command ends soon then. */
function isSmall(input: unknown): boolean {
  if (typeof input !== 'string') return false;
  try {
    const stats = fs.statSync(input, { throwIfNoEntry: false });
    if (stats === undefined) return true;
    if (stats.isFile()) return stats.size < SMALL_BYTES;
    // Most of a checkpoint that is no page is here.
    const entries = fs.statSync(path.join(input, 'files.img'), { throwIfNoEntry: false });
    if (!stats.isDirectory() || entries === undefined || entries.size >= SMALL_BYTES) return false;
    return fs.readdirSync(input).length < FEW_IMAGES;
  } catch {
    return false;
  }
}
