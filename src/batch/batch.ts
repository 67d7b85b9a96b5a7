import fs from 'node:fs';
import os from 'node:os';
import { messages } from '../errors/messages';
import { requireOptions, requireTexts } from '../operations/check-arguments';
import { holdDirectoryBelow } from '../storage/below-root';
import { joinPath } from '../storage/byte-path';
import { rememberLeftovers } from '../storage/work-directory';
import { checkOutputs } from './check-outputs';
import { checkTask } from './check-task';
import { findInputs } from './find-inputs';
import type { BatchInput } from './input';
import type { BatchJob } from './job';
import { runInWorkers } from './pool';
import type { JobRoot } from './record';
import { Root } from './root';
import { type JobSetup, runJob } from './run-job';
import { isInShard, type Shard, WHOLE } from './shard';
import type { BatchTask, JobWarning } from './task';

/** A job for many checkpoints, and where its outputs go. */
export interface BatchOptions {
  readonly task: BatchTask;
  /** Paths, and patterns of fast-glob: image directories and archives that match are inputs. */
  readonly patterns: readonly string[];
  /** ROOT: outputs lie below it, each at its input's path relative to `base`. Undefined only for a rewrite's dry run. */
  readonly out?: string;
  /** The current directory by default, and `/` for absolute paths. */
  readonly base?: string;
  /** Only this part of the inputs. */
  readonly shard?: Shard;
  /** Processes that work at the same time, where there is enough to do; as many as there are processors by default. */
  readonly jobs?: number;
  /** Begin nothing more after a job that could not be done. */
  readonly failFast?: boolean;
  readonly signal?: AbortSignal;
  /** Hears of each job when it is over, in the order in which they end. What it returns is waited for. */
  readonly onJob?: (job: BatchJob) => void | Promise<void>;
  /** Hears of what is to be said of the patterns, before anything is begun. */
  readonly onWarning?: (warning: JobWarning) => void;
  readonly onProgress?: (progress: BatchProgress) => void;
}

/** How far a batch is, in jobs. */
export interface BatchProgress {
  readonly total: number;
  readonly done: number;
  readonly failed: number;
}

/** The counts of a batch that is over, in jobs. */
export interface BatchSummary {
  readonly shard: Shard;
  /** How many inputs the shard has. */
  readonly total: number;
  /** Jobs that were done, earlier runs' included, and the answer was yes. */
  readonly done: number;
  /** Of all that were done: how many an earlier run had done. */
  readonly earlier: number;
  /** Jobs whose answer was no. */
  readonly no: number;
  /** Jobs that could not be done. */
  readonly failed: number;
  /** Jobs that were not begun, since one had failed and `failFast` was set. */
  readonly left: number;
}

/**
 * Does the same with many checkpoints. What an earlier run has finished is recognised by what it holds, and not done
 * again; what one that was killed has left is removed. A job that fails is told to `onJob`, and the others go on.
 * Throws FdgraftError where nothing can be begun, and the signal's reason where that stops it.
 */
export async function batch(options: BatchOptions): Promise<BatchSummary> {
  requireOptions(options, 'a task and patterns');
  const { task, patterns, base, shard = WHOLE, signal } = options;
  requireTexts(patterns, 'patterns');
  checkTask(task);
  const isDry = task.what === 'rewrite' && options.out === undefined;
  if (options.out === undefined && !isDry) throw messages.usage('nothing says where the outputs go', 'give --out ROOT');
  const root = new Root(options.out ?? os.devNull);
  const found = await findInputs(patterns, { base, root, signal, onWarning: options.onWarning });
  if (!isDry) checkOutputs(found, task);
  const inputs = found.filter(({ name }) => isInShard(name, shard));
  const setup: JobSetup = { task, root: isDry ? undefined : makeRoot(root) };
  const forget = rememberLeftovers();
  try {
    return await new Run(inputs, setup, shard, options).finish();
  } finally {
    forget();
  }
}

function makeRoot({ given, real, bytes, start, missing }: Root): JobRoot {
  if (!fs.statSync(start).isDirectory()) throw messages.rootIsNoDirectory(given);
  const [first] = missing.split('/') as [string];
  const there = fs.lstatSync(joinPath(start, Buffer.from(first)), { throwIfNoEntry: false });
  // It leads to nothing, since otherwise it would not be missing; a directory was made by another run meanwhile.
  if (missing !== '' && there?.isSymbolicLink() === true) throw messages.rootLeadsNowhere(given);
  holdDirectoryBelow(start, missing, given).close();
  return { given, real, bytes: bytes.toString('latin1') };
}

/** Where work is not over by then, and there is this much of it yet, processes are worth their start (some 100 ms). */
const ALONE_MS = 100;
const WORTH_MS = 500;

class Run {
  private next = 0;
  private isStopped = false;
  private readonly counts = { done: 0, earlier: 0, no: 0, failed: 0 };

  constructor(
    private readonly inputs: readonly BatchInput[],
    private readonly setup: JobSetup,
    private readonly shard: Shard,
    private readonly options: BatchOptions,
  ) {}

  async finish(): Promise<BatchSummary> {
    const { signal, jobs = os.availableParallelism() } = this.options;
    this.tellProgress();
    const started = performance.now();
    const isWorthMore = () => {
      const left = this.inputs.length - this.next;
      const passed = performance.now() - started;
      return jobs > 1 && left > 0 && passed > ALONE_MS && (passed / Math.max(this.next, 1)) * left > WORTH_MS;
    };
    const workers: Promise<void>[] = [];
    const failures: unknown[] = [];
    const begin = (count: number) => {
      const run = this.share(count);
      // It is waited for below, when the job at hand is done.
      run.catch(() => {});
      workers.push(run);
    };
    let isOneShort = false;
    // A first job that takes long is no reason for the others to wait: this process is one of them until it is done.
    const timer = setInterval(() => {
      if (workers.length > 0 || !isWorthMore()) return;
      begin(jobs - 1);
      isOneShort = true;
    }, ALONE_MS);
    try {
      while (workers.length === 0) {
        const input = this.take();
        if (input === undefined) break;
        await this.conclude(await runJob(input, this.setup, signal));
        if (workers.length === 0 && isWorthMore()) begin(jobs);
      }
      if (isOneShort) begin(1);
    } finally {
      clearInterval(timer);
      for (const end of await Promise.allSettled(workers)) if (end.status === 'rejected') failures.push(end.reason);
    }
    if (failures.length > 0) throw failures[0];
    signal?.throwIfAborted();
    const { done, earlier, no, failed } = this.counts;
    const left = this.inputs.length - done - no - failed;
    return { shard: this.shard, total: this.inputs.length, done, earlier, no, failed, left };
  }

  private async share(jobs: number): Promise<void> {
    const { setup } = this;
    const { signal } = this.options;
    const count = Math.min(jobs, this.inputs.length - this.next);
    await runInWorkers({ count, setup, signal, take: () => this.take(), conclude: (job) => this.conclude(job) });
  }

  /** The next input, undefined where there is none or none is to be begun. */
  private take(): BatchInput | undefined {
    if (this.isStopped || this.options.signal?.aborted) return undefined;
    const input = this.inputs[this.next];
    this.next += 1;
    return input;
  }

  private async conclude(job: BatchJob): Promise<void> {
    this.counts[job.status] += 1;
    if (job.isEarlier) this.counts.earlier += 1;
    if (this.options.failFast && job.error !== undefined) this.isStopped = true;
    try {
      await this.options.onJob?.(job);
    } catch (error) {
      this.isStopped = true;
      throw error;
    }
    this.tellProgress();
  }

  private tellProgress(): void {
    const { done, no, failed } = this.counts;
    this.options.onProgress?.({ total: this.inputs.length, done: done + no + failed, failed });
  }
}
