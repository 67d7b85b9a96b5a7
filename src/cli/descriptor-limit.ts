import fs from 'node:fs';
import { codeOf } from '../errors/code-of';
import { messages } from '../errors/messages';

/**
 * The most files that a command has open at the same time: images, the work directory, a program that it starts and the
 * pipes to it. The directories of a tree that is read are not in this number. Node.js aborts if it cannot open what it
 * needs itself.
 */
const NEEDED = 16;

/** Refuses to begin with so few descriptors that a command would stop in the middle. Throws FdgraftError (SYSTEM). */
export function checkDescriptorLimit(): void {
  const found = count();
  if (found === undefined) return;
  const free = Math.max(0, found.limit - found.open);
  if (free < NEEDED) throw messages.fewDescriptors(free, NEEDED, found.limit);
}

/** Undefined where the system does not tell, or has no limit. Throws FdgraftError if not even that can be read. */
function count(): { limit: number; open: number } | undefined {
  try {
    const [, limit] = /^Max open files +(\d+)/m.exec(fs.readFileSync('/proc/self/limits', 'latin1')) ?? [];
    // One of these is the directory itself.
    return limit === undefined ? undefined : { limit: Number(limit), open: fs.readdirSync('/proc/self/fd').length - 1 };
  } catch (error) {
    if (codeOf(error) === 'EMFILE') throw messages.systemError(error);
    return undefined;
  }
}
