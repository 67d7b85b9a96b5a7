import fs from 'node:fs';
import { messages } from '../errors/messages';
import { parseInheritSpec, parseSpec } from '../specs/parse-spec';
import { parseSpecs } from '../specs/parse-specs';
import { parsePathFilter } from '../specs/path-filter';
import type { BatchTask } from './task';

/** Refuses, before anything is begun, what would be the failure of every job. Throws FdgraftError. */
export function checkTask(task: BatchTask): void {
  if (task.what === 'rewrite') parseSpecs(task.options.specs, parseSpec);
  if (task.what === 'ls') {
    parseSpecs(task.options.specs ?? [], parseInheritSpec);
    if (task.options.path !== undefined) parsePathFilter(task.options.path);
  }
  if (task.what === 'diff') {
    checkFolder('--against', task.against);
    if (task.plans !== undefined) checkFolder('--plan', task.plans);
  }
}

function checkFolder(option: string, folder: string): void {
  let isFolder: boolean;
  try {
    isFolder = fs.statSync(folder).isDirectory();
  } catch (error) {
    throw messages.folderOfBatchUnusable(option, folder, error);
  }
  if (!isFolder) throw messages.folderOfBatchUnusable(option, folder, 'it is no folder');
}
