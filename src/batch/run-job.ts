import fs from 'node:fs';
import path from 'node:path';
import { builtins } from '../bytes/builtins';
import { codeOf } from '../errors/code-of';
import { FdgraftError } from '../errors/fdgraft-error';
import { messages } from '../errors/messages';
import { splitPath } from '../storage/byte-path';
import { SeenFiles } from '../storage/seen-files';
import { removeLeftovers } from '../storage/work-directory';
import { version } from '../version';
import { contentOfInput, contentOfOutput } from './content';
import type { BatchInput } from './input';
import { type BatchJob, type MadeAgain, toJobError } from './job';
import { type JobRecord, type JobRoot, JobState } from './record';
import { runTask } from './run-task';
import { type BatchTask, outputOf, readBy, type TaskResult } from './task';

/** What all jobs of a batch have in common: data alone, so that another process can have it. */
export interface JobSetup {
  readonly task: BatchTask;
  /** Undefined where nothing is to be written. */
  readonly root: JobRoot | undefined;
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
  if (root === undefined)
    return {
      ...(await runTask(task, { input, out: undefined, seen: new SeenFiles(signal), signal })),
      isEarlier: false,
    };
  const seen = new SeenFiles(signal);
  const wanted = await describe(task, input, seen, signal);
  const output = outputOf(task, input);
  const out = path.join(root.given, output);
  checkName(out);
  const state = JobState.open(root, output);
  try {
    return await new Job(input, task, out, state, seen, signal).finish(wanted);
  } finally {
    state.close();
  }
}

type Wanted = Pick<JobRecord, 'command' | 'task' | 'input'>;

/** The command, the digest of the task and that of its input. */
async function describe(
  task: BatchTask,
  input: BatchInput,
  seen: SeenFiles,
  signal: AbortSignal | undefined,
): Promise<Wanted> {
  const read: string[] = [];
  for (const file of readBy(task, input)) read.push(await contentOfInput(file, seen, signal));
  return { command: task.what, task: digest(version(), JSON.stringify(task)), input: digest(...read) };
}

function checkName(out: string): void {
  try {
    isThere(out);
  } catch (error) {
    if (codeOf(error) === 'ENAMETOOLONG') throw messages.outNameTooLong(out, error);
  }
}

/** The codes of errors about outputs: one appeared that was not there when the job began, for one. */
const ABOUT_OUTPUTS: readonly string[] = ['OUT_UNUSABLE', 'OUT_NOT_FLUSHED'];

class Job {
  constructor(
    private readonly input: BatchInput,
    private readonly task: BatchTask,
    /** The output as messages name it, and as the task gets it. */
    private readonly out: string,
    private readonly state: JobState,
    /** The input's files as they were when the content was noted: the task has to find the same. */
    private readonly seen: SeenFiles,
    private readonly signal: AbortSignal | undefined,
  ) {}

  async finish(wanted: Wanted): Promise<Done> {
    for (let tries = 1; ; tries += 1) {
      try {
        const done = await this.attempt(wanted, tries > 1);
        await this.clear();
        return done;
      } catch (error) {
        const isSystem = !(error instanceof FdgraftError);
        if (!(error instanceof ConcurrentChange) && !((isSystem || isAboutPlace(error)) && isByOthers(error)))
          throw error;
        if (tries === MAX_TRIES) {
          const cause = error instanceof ConcurrentChange ? error.cause : error;
          // Such an error is about a place of the batch's own, which means nothing to the user.
          throw isByOthers(cause) ? messages.changedMeanwhile(this.out) : cause;
        }
        this.signal?.throwIfAborted();
      }
    }
  }

  /** Goes by the files that it finds, whichever run made them. Throws ConcurrentChange where another run was at it. */
  private async attempt(wanted: Wanted, isAgain: boolean): Promise<Done> {
    if (!isThere(this.state.made)) return this.makeOrGiveBack(wanted, () => this.state.old.things());
    await this.clearOld();
    await this.clearBeside();
    const record = this.state.read();
    if (record === undefined) return this.recognize(wanted);
    if (record.command !== this.task.what) throw messages.otherCommand(this.out, record.command, this.task.what);
    const why = await this.unlessGone(() => this.whyAgain(record, wanted));
    if (why === undefined) return { isFine: record.isFine, isEarlier: true };
    // Another run may have put it there, and not noted it yet: then it stays.
    const done = isAgain ? await this.compare(wanted) : undefined;
    return done ?? { ...(await this.replace(record, wanted)), again: why };
  }

  private async make(wanted: Wanted): Promise<Done> {
    const { task, input, out, seen, signal } = this;
    let result: TaskResult;
    try {
      result = await runTask(task, { input, out, fixed: this.state.fixed, seen, signal });
    } catch (error) {
      // Another run is at the same job: one on another machine, or the last breath of one that was killed.
      if (isAboutPlace(error) && (isThere(this.state.made) || isMovedByOthers(error)))
        throw new ConcurrentChange(error);
      throw error;
    }
    await this.note(wanted, result.isFine);
    return { ...result, isEarlier: false };
  }

  /** Something is there that no record tells of. It is this job's where it is what the job makes, made once more. */
  private async recognize(wanted: Wanted): Promise<Done> {
    const done = await this.compare(wanted);
    if (done !== undefined) return done;
    const error = messages.notOurOutput(this.out);
    throw this.state.read() === undefined ? error : new ConcurrentChange(error);
  }

  /** Notes what is there where it is what the job makes, made once more. */
  private async compare(wanted: Wanted): Promise<Done | undefined> {
    const { task, input, out, seen, signal } = this;
    const { aside, asidePath } = this.state;
    const name = aside.newName();
    const place = path.join(asidePath, name);
    try {
      const result = await runTask(task, { input, out: place, fixed: this.state.fixed, seen, signal });
      const content = await this.contentOfOwn(place);
      const isSame = content === (await this.unlessGone(() => contentOfOutput(out, signal)));
      if (!isThere(place)) throw new ConcurrentChange(messages.changedMeanwhile(out));
      if (!isSame) return undefined;
      this.state.write({ ...wanted, content, isFine: result.isFine });
      return { ...result, isEarlier: true };
    } catch (error) {
      // Another run that has ended clears away what it finds, while this one begins to write there, too.
      throw isMovedByOthers(error) ? new ConcurrentChange(error) : error;
    } finally {
      await aside.remove(name);
    }
  }

  /** The content of a place that this job alone writes to: a change while it is read is the work of another run. */
  private async contentOfOwn(place: string): Promise<string> {
    try {
      return await contentOfOutput(place, this.signal);
    } catch (error) {
      const isChanged = error instanceof FdgraftError && error.code === 'SOURCE_UNUSABLE' && error.cause === undefined;
      throw isChanged ? new ConcurrentChange(error) : error;
    }
  }

  private async whyAgain(record: JobRecord, wanted: Wanted): Promise<MadeAgain | undefined> {
    if (record.task !== wanted.task) return 'OPTIONS_CHANGED';
    if (record.input !== wanted.input) return 'INPUT_CHANGED';
    if (this.state.isNewer()) return undefined;
    return record.content === (await contentOfOutput(this.out, this.signal)) ? undefined : 'OUTPUT_CHANGED';
  }

  private async note(wanted: Wanted, isFine: boolean): Promise<void> {
    const content = await this.unlessGone(() => contentOfOutput(this.out, this.signal));
    this.state.write({ ...wanted, content, isFine });
  }

  /** What looks at the output, and means nothing where another run takes that away or puts another one there. */
  private async unlessGone<T>(look: () => Promise<T>): Promise<T> {
    const before = identityOf(this.state.made);
    const isSame = () => before !== undefined && identityOf(this.state.made) === before;
    let found: T;
    try {
      found = await look();
    } catch (error) {
      throw isSame() ? error : new ConcurrentChange(error);
    }
    if (!isSame()) throw new ConcurrentChange(messages.changedMeanwhile(this.out));
    return found;
  }

  /** What an earlier batch made here goes when what takes its place is there, and comes back where that fails. */
  private async replace(record: JobRecord, wanted: Wanted): Promise<Done> {
    const { old } = this.state;
    let before: string;
    try {
      before = old.take(this.state.made);
    } catch (error) {
      const code = codeOf(error);
      throw code === 'ENOENT' ? new ConcurrentChange(error) : messages.cannotWriteOut(this.out, error);
    }
    // Where another run has noted something since, that is what it made, and it stays.
    if (JSON.stringify(this.state.read()) !== JSON.stringify(record)) {
      old.giveBack(before, this.state.made);
      throw new ConcurrentChange(messages.changedMeanwhile(this.out));
    }
    return this.makeOrGiveBack(wanted, () => [before]);
  }

  /** What was there before comes back where nothing takes its place, never over what another run has put there. */
  private async makeOrGiveBack(wanted: Wanted, before: () => string[]): Promise<Done> {
    const { old } = this.state;
    try {
      return await this.make(wanted);
    } catch (error) {
      if (!(error instanceof ConcurrentChange)) before().some((name) => old.giveBack(name, this.state.made));
      throw error;
    } finally {
      if (old.things().length === 0) await old.clear();
    }
  }

  /** What runs that were killed have left beside what is done. */
  private async clear(): Promise<void> {
    await this.clearOld();
    await this.state.aside.clear().catch((error) => {
      throw messages.stateUnusable(this.out, error);
    });
  }

  /** What was there before goes where the output is there. */
  private async clearOld(): Promise<void> {
    if (!isThere(this.state.made)) throw new ConcurrentChange(messages.changedMeanwhile(this.out));
    await this.state.old.clear().catch((error) => {
      throw messages.stateUnusable(this.out, error);
    });
  }

  /** A run that was killed when all was done may have left its work directory. */
  private async clearBeside(): Promise<void> {
    const [parent, name] = splitPath(Buffer.from(this.state.madePath));
    await removeLeftovers(parent, name).catch(() => {});
  }
}

/** Another run was at the same job, and what this one has seen is not true any more: it looks again. */
class ConcurrentChange extends Error {
  constructor(override readonly cause: unknown) {
    super();
  }
}

const MAX_TRIES = 20;

/** True where a place was taken, or what was to be read or moved was moved or taken away. */
function isByOthers(error: unknown): boolean {
  const cause = error instanceof FdgraftError ? error.cause : error;
  return ['EEXIST', 'ENOTEMPTY', 'ENOENT'].includes(codeOf(cause));
}

/** True for what fdgraft says of a place that it was to write to. */
function isAboutPlace(error: unknown): error is FdgraftError {
  return error instanceof FdgraftError && ABOUT_OUTPUTS.includes(error.code);
}

/** True where the place, or a directory above it, was not what it had been a moment before. */
function isMovedByOthers(error: unknown): boolean {
  return isByOthers(error) || (isAboutPlace(error) && error.cause === undefined);
}

function identityOf(file: string): string | undefined {
  const stats = fs.lstatSync(file, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.dev}:${stats.ino}`;
}

function isThere(file: string): boolean {
  return fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

function digest(...texts: string[]): string {
  const hash = builtins.crypto.createHash('sha256');
  for (const text of texts) hash.update(`${text}\0`);
  return hash.digest('hex');
}
