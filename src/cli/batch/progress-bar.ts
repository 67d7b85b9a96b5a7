import type { BatchProgress } from '../../index';
import type { Context } from '../context';
import { ProgressLine, type Unit } from '../progress-line';
import { CLEAR_LINE, isInForeground, stdio } from '../stdio';
import { rateText } from './job-text';

const REDRAW_MS = 100;

const JOBS: Unit = { amount: ({ done, total }) => `${done}/${total}`, rate: rateText };

/** A line at the bottom of a terminal, redrawn in its place; what is printed meanwhile comes above it. */
export class ProgressBar {
  private readonly line = new ProgressLine(JOBS);
  private drawn = 0;
  private isShown = false;
  private latest: BatchProgress | undefined;

  constructor(private readonly context: Context) {}

  show(progress: BatchProgress): void {
    this.latest = progress;
    const now = performance.now();
    if (now - this.drawn < REDRAW_MS) return;
    this.drawn = now;
    if (!isInForeground()) return;
    this.isShown = true;
    const terminal = stdio('stderr');
    const failed = progress.failed === 0 ? [] : [`${progress.failed} failed`];
    terminal?.write(CLEAR_LINE + this.line.draw(progress, failed, now, terminal.columns || 80));
  }

  /** Prints a line above it. */
  async above(text: string): Promise<void> {
    this.clear();
    await this.context.complain(text);
    this.drawn = 0;
    if (this.latest !== undefined) this.show(this.latest);
  }

  /** It comes back later, so that a reader of stdout (`| jq`) can print into the empty line. */
  clear(): void {
    if (this.isShown && isInForeground()) stdio('stderr')?.write(CLEAR_LINE);
    this.isShown = false;
    this.drawn = performance.now();
  }
}
