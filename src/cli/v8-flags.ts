import { builtins } from '../bytes/builtins';

/** A command that has run for so long is no short one. */
const LONG_MS = 100;

/**
 * What streams past is garbage at once: neither a large nursery nor a heap that grows before it is looked through is
 * of use, and both stay resident (docs/PERFORMANCE.md). Short runs have no use for the flags either, nor for what it
 * takes to load node:v8. Code that V8 keeps is only taken by a process with the same flags: set them when it is loaded.
 */
export function setV8FlagsLater(): void {
  setTimeout(() => {
    builtins.v8.setFlagsFromString('--semi-space-growth-factor=1');
    builtins.v8.setFlagsFromString('--heap-growing-percent=50');
  }, LONG_MS).unref();
}
