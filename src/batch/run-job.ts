import fs from 'node:fs';
import path from 'node:path';
import { builtins } from '../bytes/builtins';
import { FdgraftError } from '../errors/fdgraft-error';
import { messages } from '../errors/messages';
import { makeFoldersAbove } from '../storage/below-root';
import { removeTree } from '../storage/remove-tree';
import { removeLeftovers } from '../storage/work-folder';
import { version } from '../version';
import { contentOfInput, contentOfOutput } from './content';
import type { BatchInput } from './find-inputs';
import { type BatchJob, type MadeAgain, toJobError } from './job';
import { type JobRecord, JobState } from './record';
import { type BatchTask, outputOf, readBy, runTask, type TaskResult } from './task';

/** What all jobs of a batch have in common: data alone, so that another process can have it. */
export interface JobSetup {
  readonly task: BatchTask;
  /** Where outputs go, as it was given, and absolute without links; undefined where nothing is to be written. */
  readonly root: { readonly given: string; readonly real: string } | undefined;
}

type Done = Pick<BatchJob, 'isEarlier' | 'again'> & Pick<TaskResult, 'isFine'> & Partial<TaskResult>;

/** Does one job, or finds that it is done. Rejects only where the signal asks for it. */
export async function runJob(input: BatchInput, setup: JobSetup, signal: AbortSignal | undefined): Promise<BatchJob> {
  const { name, path: file } = input;
  const out = setup.root === undefined ? undefined : path.join(setup.root.given, outputOf(setup.task, input));
  const nothing = { name, path: file, out, isEarlier: false, warnings: [], notices: [] };
  try {
    if (input.problem !== undefined) throw input.problem;
    const { error, isFine, ...done } = await finish(input, setup, signal);
    const failure = error === undefined ? {} : { error: toJobError(error) };
    return { ...nothing, ...done, ...failure, status: isFine ? 'done' : 'no' };
  } catch (cause) {
    signal?.throwIfAborted();
    const error = toJobError(cause);
    return { ...nothing, status: error.exitCode === 1 ? 'no' : 'failed', error };
  }
}

async function finish(input: BatchInput, setup: JobSetup, signal: AbortSignal | undefined): Promise<Done> {
  const { task, root } = setup;
  if (root === undefined) return { ...(await runTask(task, { input, out: undefined, signal })), isEarlier: false };
  const output = outputOf(task, input);
  const job = new Job(input, task, output, root, signal);
  return job.finish();
}

/** Thrown where an output appeared that was not there when the job began. */
const APPEARED = 'OUT_UNUSABLE';

class Job {
  private readonly state: JobState;
  /** The output as messages name it. */
  private readonly out: string;

  constructor(
    private readonly input: BatchInput,
    private readonly task: BatchTask,
    private readonly output: string,
    private readonly root: { readonly given: string; readonly real: string },
    private readonly signal: AbortSignal | undefined,
  ) {
    this.state = new JobState(root.real, output);
    this.out = path.join(root.given, output);
  }

  async finish(): Promise<Done> {
    const wanted = await this.describe();
    makeFoldersAbove(Buffer.from(this.root.real), this.output);
    this.state.prepare();
    await this.clearAside();
    await this.settleOld();
    if (!isThere(this.out)) return this.make(wanted);
    await this.clearBeside();
    const record = this.state.read();
    if (record === undefined) return this.recognize(wanted);
    if (record.command !== this.task.what) throw messages.otherCommand(this.out, record.command, this.task.what);
    const why = await this.whyAgain(record, wanted);
    if (why === undefined) return { isFine: record.isFine, isEarlier: true };
    return { ...(await this.replace(wanted)), again: why };
  }

  /** What this job is to make, and of what. */
  private async describe() {
    const { task, input, signal } = this;
    const read: string[] = [];
    for (const file of readBy(task, input)) read.push(await contentOfInput(file, signal));
    return { command: task.what, task: digest(version(), JSON.stringify(task)), input: digest(...read) };
  }

  private async make(wanted: Wanted): Promise<Done> {
    const { task, input, out, signal } = this;
    try {
      const result = await runTask(task, { input, out, signal });
      await this.note(wanted, result.isFine);
      return { ...result, isEarlier: false };
    } catch (error) {
      // Another run is at the same job: one on another machine, or the last breath of one that was killed.
      if (error instanceof FdgraftError && error.code === APPEARED && isThere(out)) return this.recognize(wanted);
      throw error;
    }
  }

  /** Something is there that no record tells of. It is this job's where it is what the job makes, made once more. */
  private async recognize(wanted: Wanted): Promise<Done> {
    const { task, input, out, signal } = this;
    const result = await runTask(task, { input, out: this.state.aside, signal });
    const isSame = (await contentOfOutput(this.state.aside, signal)) === (await contentOfOutput(out, signal));
    await this.clearAside();
    if (!isSame) throw messages.notOurOutput(out);
    await this.note(wanted, result.isFine);
    return { ...result, isEarlier: true };
  }

  private async whyAgain(record: JobRecord, wanted: Wanted): Promise<MadeAgain | undefined> {
    if (record.task !== wanted.task) return 'OPTIONS_CHANGED';
    if (record.input !== wanted.input) return 'INPUT_CHANGED';
    if (this.state.isNewerThan(this.out)) return undefined;
    return record.content === (await contentOfOutput(this.out, this.signal)) ? undefined : 'OUTPUT_CHANGED';
  }

  private async note(wanted: Wanted, isFine: boolean): Promise<void> {
    this.state.write({ ...wanted, content: await contentOfOutput(this.out, this.signal), isFine });
  }

  /** What an earlier batch made here goes when what takes its place is there, and comes back where that fails. */
  private async replace(wanted: Wanted): Promise<Done> {
    this.move(this.out, this.state.old);
    try {
      return await this.make(wanted);
    } finally {
      await this.settleOld();
    }
  }

  /** A run that was killed may have left it, too. */
  private async settleOld(): Promise<void> {
    if (!isThere(this.state.old)) return;
    if (!isThere(this.out)) return this.move(this.state.old, this.out);
    await removeTree(Buffer.from(this.state.old)).catch((error) => {
      throw messages.stateUnusable(this.state.old, error);
    });
  }

  private move(from: string, to: string): void {
    try {
      fs.renameSync(from, to);
    } catch (error) {
      throw messages.cannotWriteOut(this.out, error);
    }
  }

  /** What was made to be compared, by a run that was killed too. */
  private async clearAside(): Promise<void> {
    try {
      await removeTree(Buffer.from(this.state.aside));
      const { parent, name } = placeOf(this.state.aside);
      await removeLeftovers(Buffer.from(parent), Buffer.from(name));
    } catch (error) {
      throw messages.stateUnusable(this.state.aside, error);
    }
  }

  /** A run that was killed when all was done may have left its work folder. */
  private async clearBeside(): Promise<void> {
    const { parent, name } = placeOf(path.join(this.root.real, this.output));
    await removeLeftovers(Buffer.from(parent), Buffer.from(name)).catch(() => {});
  }
}

type Wanted = Pick<JobRecord, 'command' | 'task' | 'input'>;

function placeOf(file: string): { parent: string; name: string } {
  return { parent: path.dirname(file), name: path.basename(file) };
}

function isThere(file: string): boolean {
  return fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

function digest(...texts: string[]): string {
  const hash = builtins.crypto.createHash('sha256');
  for (const text of texts) hash.update(`${text}\0`);
  return hash.digest('hex');
}
