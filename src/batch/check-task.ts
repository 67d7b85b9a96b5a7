import fs from 'node:fs';
import { messages } from '../errors/messages';
import { requireOneOf, requireOptions, requirePath } from '../operations/check-arguments';
import { parseInheritSpec, parseSpec } from '../specs/parse-spec';
import { parseSpecs } from '../specs/parse-specs';
import { parsePathFilter } from '../specs/path-filter';
import type { BatchTask } from './task';

const WORDS: readonly BatchTask['what'][] = ['rewrite', 'decode', 'ls', 'diff'];

/** Refuses, before anything is begun, what would be the failure of every job. Throws FdgraftError. */
export function checkTask(task: BatchTask): void {
  requireOptions(task, 'what is to be done');
  requireOneOf(task.what, WORDS, 'task of a batch');
  if (task.what === 'diff') requirePath(task.against);
  else requireOptions(task.options, `the options of ${task.what}`);
  if (task.what === 'rewrite') parseSpecs(task.options.specs, parseSpec);
  if (task.what === 'ls') {
    parseSpecs(task.options.specs ?? [], parseInheritSpec);
    if (task.options.path !== undefined) parsePathFilter(task.options.path);
  }
  if (task.what === 'diff') {
    checkDirectory('--against', task.against);
    if (task.plans !== undefined) checkDirectory('--plan', task.plans);
  }
}

function checkDirectory(option: string, directory: string): void {
  let isDirectory: boolean;
  try {
    isDirectory = fs.statSync(directory).isDirectory();
  } catch (error) {
    throw messages.directoryOfBatchUnusable(option, directory, error);
  }
  if (!isDirectory) throw messages.directoryOfBatchUnusable(option, directory, 'it is no directory');
}
