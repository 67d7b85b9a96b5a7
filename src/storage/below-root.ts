import fs from 'node:fs';
import path from 'node:path';
import { codeOf } from '../errors/code-of';
import { messages } from '../errors/messages';
import { joinPath } from './byte-path';
import { type HeldDirectory, holdDirectory, holdToWrite } from './held-directory';

/**
 * Holds the directory `below`, a relative path without dots, of the directory `root`, an absolute path without links.
 * Makes it, and those between, where they are missing; others may make the same ones meanwhile. None of them may be a
 * link: that would lead out. `shown` is `root` as messages name it. Throws FdgraftError.
 */
export function holdDirectoryBelow(root: Buffer, below: string, shown: string): HeldDirectory {
  let at = shown;
  let held: HeldDirectory | undefined;
  try {
    held = holdToWrite(root);
    for (const part of below.split('/')) {
      if (part === '' || part === '.') continue;
      at = path.join(at, part);
      const next = makeAndHold(joinPath(held.path, Buffer.from(part)));
      held.close();
      held = next;
    }
    return held;
  } catch (error) {
    held?.close();
    const isNone = ['ENOTDIR', 'ELOOP'].includes(codeOf(error));
    throw isNone ? messages.notADirectoryBelowRoot(at) : messages.cannotWriteOut(at, error);
  }
}

/** Holds a directory, which is made where there is none. Throws what the system says, ENOTDIR or ELOOP for a link. */
export function makeAndHold(directory: Buffer): HeldDirectory {
  try {
    fs.mkdirSync(directory);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  return holdDirectory(directory);
}
