import fs from 'node:fs';
import path from 'node:path';
import { messages } from '../errors/messages';
import { joinPath } from './byte-path';
import { holdDirectory, holdToWrite } from './held-directory';
import { resolveToWrite } from './trusted-path';

/**
 * Makes the directories above `below`, a relative path without dots, in the directory `root`. None
 * of them may be a link: that would lead out. Others may make the same ones meanwhile. Throws FdgraftError.
 */
export function makeDirectoriesAbove(root: string, below: string): void {
  const parts = path.dirname(below).split('/');
  let held = holdToWrite(resolveToWrite(root));
  let shown = root;
  try {
    for (const part of parts) {
      if (part === '.') continue;
      shown = path.join(shown, part);
      const directory = joinPath(held.path, Buffer.from(part));
      makeDirectory(directory);
      if (!fs.lstatSync(directory).isDirectory()) throw messages.notADirectoryBelowRoot(shown);
      const next = holdDirectory(directory);
      held.close();
      held = next;
    }
  } catch (error) {
    const isNone = ['ENOTDIR', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '');
    throw isNone ? messages.notADirectoryBelowRoot(shown) : messages.cannotWriteOut(shown, error);
  } finally {
    held.close();
  }
}

function makeDirectory(directory: Buffer): void {
  try {
    fs.mkdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
