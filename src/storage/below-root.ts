import fs from 'node:fs';
import path from 'node:path';
import { messages } from '../errors/messages';
import { joinPath } from './byte-path';
import { holdFolder, holdToWrite } from './held-folder';
import { resolveToWrite } from './trusted-path';

/**
 * Makes the folders above `below`, a relative path without dots, in the folder `root`. None
 * of them may be a link: that would lead out. Others may make the same ones meanwhile. Throws FdgraftError.
 */
export function makeFoldersAbove(root: string, below: string): void {
  const parts = path.dirname(below).split('/');
  let held = holdToWrite(resolveToWrite(root));
  let shown = root;
  try {
    for (const part of parts) {
      if (part === '.') continue;
      shown = path.join(shown, part);
      const folder = joinPath(held.path, Buffer.from(part));
      makeFolder(folder);
      if (!fs.lstatSync(folder).isDirectory()) throw messages.notAFolderBelowRoot(shown);
      const next = holdFolder(folder);
      held.close();
      held = next;
    }
  } catch (error) {
    const isNone = ['ENOTDIR', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '');
    throw isNone ? messages.notAFolderBelowRoot(shown) : messages.cannotWriteOut(shown, error);
  } finally {
    held.close();
  }
}

function makeFolder(folder: Buffer): void {
  try {
    fs.mkdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
