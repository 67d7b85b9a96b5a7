import type { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { builtins } from '../bytes/builtins';
import { messages } from '../errors/messages';
import { ownDirectory } from '../storage/own-directory';
import type { BatchInput } from './input';
import { type BatchJob, toJobError } from './job';
import { type JobSetup, runJob } from './run-job';
import type { FromWorker, ToWorker } from './worker-messages';

export interface WorkerOptions {
  readonly count: number;
  readonly setup: JobSetup;
  readonly signal: AbortSignal | undefined;
  /** The next input; undefined where there is none. */
  readonly take: () => BatchInput | undefined;
  readonly conclude: (job: BatchJob) => Promise<void>;
}

/**
 * Does jobs in processes of their own, as many at a time, until there are no more; after an abort those that are being
 * done are stopped, and leave nothing. A process that dies is the failure of its job, and another one takes its place.
 */
export async function runInWorkers(options: WorkerOptions): Promise<void> {
  const workers = new Set<Worker>();
  const stop = () => {
    for (const worker of workers) worker.abort();
  };
  options.signal?.addEventListener('abort', stop);
  const lanes = Array.from({ length: options.count }, () => runLane(options, workers));
  const ends = await Promise.allSettled(lanes);
  options.signal?.removeEventListener('abort', stop);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** `workers`: those of all lanes that are alive. */
async function runLane({ setup, signal, take, conclude }: WorkerOptions, workers: Set<Worker>): Promise<void> {
  let worker: Worker | undefined;
  const inWorker = async (input: BatchInput) => {
    worker ??= new Worker(setup);
    workers.add(worker);
    const job = await worker.run(input);
    if (worker.isGone) {
      workers.delete(worker);
      worker = undefined;
    }
    return job;
  };
  try {
    for (let input = take(); input !== undefined; input = take()) {
      const job = input.problem === undefined ? await inWorker(input) : await runJob(input, setup, signal);
      if (signal?.aborted) return;
      await conclude(job);
    }
  } finally {
    if (worker !== undefined) workers.delete(worker);
    await worker?.end();
  }
}

/** A process that does one job at a time. */
class Worker {
  isGone = false;
  private isReady = false;
  private readonly child: ChildProcess;
  private readonly ended: Promise<string | Error>;
  private onJob: ((job: BatchJob) => void) | undefined;

  constructor(setup: JobSetup) {
    this.child = fork();
    this.ended = new Promise((resolve) => {
      this.child.once('error', resolve);
      this.child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    });
    this.child.on('message', (message: FromWorker) => {
      this.isReady = true;
      if (message.what === 'done') this.onJob?.(message.job);
    });
    this.tell({ what: 'setup', setup });
  }

  /** Resolves to what came of it, also where the process died of it. Rejects where it never came to life. */
  async run(input: BatchInput): Promise<BatchJob> {
    const done = new Promise<BatchJob>((resolve) => {
      this.onJob = resolve;
    });
    this.tell({ what: 'do', input });
    const job = await Promise.race([done, this.ended]);
    if (typeof job === 'object' && !(job instanceof Error)) return job;
    this.isGone = true;
    if (job instanceof Error) throw messages.cannotStartWorker(job);
    if (!this.isReady) throw messages.cannotStartWorker(new Error(job));
    const { name, path: file } = input;
    const error = toJobError(messages.workerDied(job));
    return { name, path: file, out: undefined, status: 'failed', isEarlier: false, error, warnings: [], notices: [] };
  }

  abort(): void {
    this.tell({ what: 'abort' });
  }

  async end(): Promise<void> {
    if (this.child.connected) this.child.disconnect();
    await this.ended;
  }

  private tell(message: ToWorker): void {
    // Where it is gone, `ended` says so.
    if (this.child.connected) this.child.send(message, () => {});
  }
}

/** Throws FdgraftError if the system has no room for another process, or for the pipe to it. */
function fork(): ChildProcess {
  try {
    return builtins.childProcess.fork(workerFile(), [], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  } catch (error) {
    throw messages.cannotStartWorker(error);
  }
}

/** Beside this file, or where this code is part of the one file of the command, where the package has it. */
function workerFile(): string {
  const beside = path.join(__dirname, `worker${path.extname(__filename)}`);
  return fs.existsSync(beside) ? beside : path.join(ownDirectory(), 'dist/batch/worker.js');
}
