import { escapeControls } from '../../bytes/escape';
import type { BatchJob, BatchProgress, BatchSummary, BatchTask } from '../../index';
import type { Context } from '../context';
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
 * and only what went wrong above it. Nobody need read it: the work is what counts.
 */
export class BatchTeller {
  private readonly started = performance.now();
  private readonly bar: ProgressBar | undefined;
  private readonly troubles = new Troubles();
  /** How often each was said: what is to be said of all is told once, and at the end how many more there are. */
  private readonly remarks = new Map<string, number>();

  constructor(
    private readonly options: TellOptions,
    private readonly context: Context,
  ) {
    const isTerminal = process.stderr.isTTY === true && process.env.TERM !== 'dumb';
    this.bar = isTerminal && !options.quiet ? new ProgressBar(context) : undefined;
  }

  onWarning(message: string): void {
    if (!this.options.quiet) this.context.complain(`warning: ${message}`).catch(() => {});
  }

  onProgress(progress: BatchProgress): void {
    this.bar?.show(progress);
  }

  async onJob(job: BatchJob): Promise<void> {
    const { json, quiet, what } = this.options;
    if (job.error !== undefined) this.troubles.add(job, job.error);
    if (json) {
      // On a terminal, the line that is redrawn would stand in its way.
      this.bar?.clear();
      await this.context.print(jobJson(job));
    } else if (job.text !== undefined) {
      this.bar?.clear();
      await this.context.print(`${escapeControls(job.name)}:\n${job.text.replace(/^/gm, '  ').trimEnd()}\n`);
    } else if (job.error !== undefined || (this.bar === undefined && !quiet)) await this.say(jobLine(job, what));
    if (!json && !quiet) for (const remark of jobRemarks(job)) await this.remark(job.name, remark);
  }

  private async remark(name: string, remark: string): Promise<void> {
    const count = this.remarks.get(remark) ?? 0;
    if (count > 0 || this.remarks.size < MAX_REMARKS) this.remarks.set(remark, count + 1);
    if (count === 0) await this.say(`${escapeControls(name)}: ${remark}`);
  }

  async onEnd(summary: BatchSummary): Promise<void> {
    this.bar?.clear();
    const seconds = (performance.now() - this.started) / 1000;
    if (this.options.json) await this.context.print(summaryJson(summary, seconds));
    for (const [remark, count] of this.remarks) {
      if (count > 1) await this.context.complain(`${count - 1} more: ${remark}`);
    }
    if (this.options.quiet && this.troubles.isEmpty) return;
    for (const line of summaryLines(summary, this.troubles, seconds)) await this.context.complain(line);
  }

  async onInterrupt(): Promise<void> {
    this.bar?.clear();
    if (!this.options.quiet) await this.context.complain('interrupted: the same command again goes on from here');
  }

  private async say(line: string): Promise<void> {
    if (this.bar === undefined) await this.context.complain(line);
    else await this.bar.above(line);
  }
}
