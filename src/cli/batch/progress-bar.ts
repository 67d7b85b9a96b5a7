import type { BatchProgress } from '../../index';
import type { Context } from '../context';
import { stdio } from '../stdio';
import { ProgressLine } from './progress-line';

const REDRAW_MS = 100;
const CLEAR_LINE = '\r\u001b[K';

/** A line at the bottom of a terminal, redrawn in its place; what is printed meanwhile comes above it. */
export class ProgressBar {
  private readonly line = new ProgressLine();
  private drawn = 0;
  private isShown = false;
  private latest: BatchProgress | undefined;

  constructor(private readonly context: Context) {}

  show(progress: BatchProgress): void {
    this.latest = progress;
    const now = performance.now();
    if (now - this.drawn < REDRAW_MS) return;
    this.drawn = now;
    this.isShown = true;
    const terminal = stdio('stderr');
    terminal?.write(CLEAR_LINE + this.line.draw(progress, now, terminal.columns || 80));
  }

  /** Prints a line above it. */
  async above(text: string): Promise<void> {
    this.clear();
    await this.context.complain(text);
    this.drawn = 0;
    if (this.latest !== undefined) this.show(this.latest);
  }

  clear(): void {
    if (this.isShown) stdio('stderr')?.write(CLEAR_LINE);
    this.isShown = false;
  }
}
