import fs from 'node:fs';
import path from 'node:path';
import { messages } from '../errors/messages';
import type { DecodeOptions } from '../operations/decode';
import type { InspectOptions } from '../operations/inspect';
import type { RewriteOptions } from '../operations/rewrite';
import type { DiffFormat } from '../report/write-diff';
import type { SeenFiles } from '../storage/seen-files';
import type { SinkNotice } from '../storage/sink';
import type { FixedDirectory } from '../storage/trusted-path';
import type { BatchInput } from './input';

/** What is to be done with each checkpoint: data alone, so that another process can do it. */
export type BatchTask = RewriteTask | DecodeTask | ListTask | DiffTask;

export interface RewriteTask {
  readonly what: 'rewrite';
  readonly options: Omit<RewriteOptions, 'out' | 'inPlace' | 'savePlan' | 'signal' | 'onWarning' | 'onProgress'>;
}

export interface DecodeTask {
  readonly what: 'decode';
  readonly options: Omit<DecodeOptions, 'out' | 'signal' | 'onWarning' | 'onProgress'>;
}

/** A list of what can be inherited, as a file NAME.ls.txt or NAME.ls.json. */
export interface ListTask {
  readonly what: 'ls';
  readonly options: Omit<InspectOptions, 'signal' | 'onWarning'>;
  readonly isJson: boolean;
}

/** What differs from the checkpoint at the same path below `against`, as a file NAME.diff.ENDING. */
export interface DiffTask {
  readonly what: 'diff';
  readonly against: string;
  /** A directory with, at the same path below it, the plan (or the rewritten checkpoint) that should explain it all. */
  readonly plans?: string;
  readonly format: DiffFormat;
  readonly payload: boolean;
  readonly ignoreIds?: boolean;
}

/** What came of a task that could be done. */
export interface TaskResult {
  /** False where the answer is no. */
  readonly isFine: boolean;
  /** What is wrong with specs that take nothing, where the rest was done all the same. */
  readonly error?: Error;
  readonly warnings: readonly JobWarning[];
  readonly notices: readonly SinkNotice[];
  /** Of a rewrite that writes nothing: the plan, as JSON values and as text. */
  readonly plan?: Record<string, unknown>;
  readonly text?: string;
}

/** A loss or a doubt that a job tells of. Codes are those of the operation. */
export interface JobWarning {
  readonly code: string;
  readonly message: string;
}

/** What a task is given: an input, and the place to make, undefined where nothing is to be written. */
export interface TaskPlace {
  readonly input: BatchInput;
  readonly out: string | undefined;
  /** The directory around it, which is held open. */
  readonly fixed?: FixedDirectory;
  /** What the files of the input were when the job looked at them. */
  readonly seen: SeenFiles;
  readonly signal: AbortSignal | undefined;
}

const ENDINGS = { text: 'txt', json: 'json', markdown: 'md', html: 'html' } as const;

/** The path of an output below ROOT. */
export function outputOf(task: BatchTask, { name }: BatchInput): string {
  if (task.what === 'ls') return `${name}.ls.${task.isJson ? 'json' : 'txt'}`;
  return task.what === 'diff' ? `${name}.diff.${ENDINGS[task.format]}` : name;
}

/** All that a task reads for one input. Throws FdgraftError where something of it is missing. */
export function readBy(task: BatchTask, { name, path: file }: BatchInput): string[] {
  if (task.what !== 'diff') return [file];
  const after = path.join(task.against, name);
  const missing = whyMissing(after);
  if (missing !== undefined) throw messages.counterpartMissing(after, missing);
  if (task.plans === undefined) return [file, after];
  const plan = path.join(task.plans, name);
  if (whyMissing(plan) !== undefined) throw messages.noPlan(plan, 'it does not exist');
  return [file, after, plan];
}

function whyMissing(file: string): unknown {
  try {
    fs.statSync(file);
    return undefined;
  } catch (error) {
    return error;
  }
}
