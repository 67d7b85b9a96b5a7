import { escapeControls } from '../../bytes/escape';
import type { BatchJob, BatchProgress, BatchSummary, BatchTask } from '../../index';
import type { Context } from '../context';
import { mayBeShown, stdio } from '../stdio';
import { jobJson, summaryJson } from './job-json';
import { jobLine, jobRemarks, summaryLines } from './job-text';
import { ProgressBar } from './progress-bar';
import { Troubles } from './troubles';

/** Of more than these, each is told as often as it comes. */
const MAX_REMARKS = 1000;

export interface TellOptions {
  readonly what: BatchTask['what'];
  readonly json: boolean;
  readonly quiet: boolean;
}

/**
 * Tells of a batch while it goes on: jobs as JSON on stdout, or as lines on stderr; on a terminal a line that is redrawn,
 * and only what went wrong above it. The work is what counts: it goes on if nobody reads of it, and if nothing can be
 * written.
 */
export class BatchTeller {
  private readonly started = performance.now();
  private readonly bar: ProgressBar | undefined;
  private readonly troubles = new Troubles();
  /** How often each was said: what is to be said of all is told once, and at the end how many more there are. */
  private readonly remarks = new Map<string, number>();
  /** Why stdout has not all that was to go there. */
  private unprinted: unknown;

  constructor(
    private readonly options: TellOptions,
    private readonly context: Context,
  ) {
    const isTerminal = stdio('stderr')?.isTTY === true && process.env.TERM !== 'dumb';
    this.bar = isTerminal && !options.quiet ? new ProgressBar(context) : undefined;
  }

  onWarning(message: string): void {
    if (!this.options.quiet) void this.context.complain(`warning: ${message}`);
  }

  onProgress(progress: BatchProgress): void {
    this.bar?.show(progress);
  }

  async onJob(job: BatchJob): Promise<void> {
    const { json, quiet, what } = this.options;
    if (job.error !== undefined) this.troubles.add(job, job.error);
    if (json) {
      if (mayBeShown('stdout')) this.bar?.clear();
      await this.print(jobJson(job));
    } else if (job.text !== undefined) {
      this.bar?.clear();
      await this.print(`${escapeControls(job.name)}:\n${job.text.replace(/^/gm, '  ').trimEnd()}\n`);
    } else if (job.error !== undefined || (this.bar === undefined && !quiet)) await this.say(jobLine(job, what));
    if (!json && !quiet) for (const remark of jobRemarks(job)) await this.remark(job.name, remark);
  }

  private async remark(name: string, remark: string): Promise<void> {
    const count = this.remarks.get(remark) ?? 0;
    if (count > 0 || this.remarks.size < MAX_REMARKS) this.remarks.set(remark, count + 1);
    if (count === 0) await this.say(`${escapeControls(name)}: ${remark}`);
  }

  /** Tells how it all went. Throws FdgraftError if stdout could not be written: then not all was told. */
  async onEnd(summary: BatchSummary): Promise<void> {
    this.bar?.clear();
    const seconds = (performance.now() - this.started) / 1000;
    if (this.options.json) await this.print(summaryJson(summary, seconds));
    await this.sumUp(summary, seconds);
    if (this.unprinted !== undefined) throw this.unprinted;
  }

  private async sumUp(summary: BatchSummary, seconds: number): Promise<void> {
    for (const [remark, count] of this.remarks) {
      if (count > 1) await this.context.complain(`${count - 1} more: ${remark}`);
    }
    if (this.options.quiet && this.troubles.isEmpty) return;
    // The line ends of an error are its own.
    await this.context.complain(summaryLines(summary, this.troubles, seconds).flatMap((text) => text.split('\n')));
  }

  async onInterrupt(): Promise<void> {
    this.bar?.clear();
    if (!this.options.quiet) await this.context.complain('interrupted: the same command again goes on from here');
  }

  /** The work goes on without it. All chunks behind a missing one are left out, too. */
  private async print(text: string): Promise<void> {
    if (this.unprinted !== undefined) return;
    try {
      await this.context.print(text);
    } catch (error) {
      this.unprinted = error;
    }
  }

  private async say(line: string): Promise<void> {
    if (this.bar === undefined) await this.context.complain(line);
    else await this.bar.above(line);
  }
}
