import { messages } from '../errors/messages';
import type { WorkDirectory } from './work-directory';

/** The end of an output that is built in a work directory: all of it comes to its place, or nothing of it stays. */
export class Arrival {
  private isOver = false;

  /** `out`: as messages name it. `onLeft` hears of a work directory that could not be removed. */
  constructor(
    private readonly work: WorkDirectory,
    private readonly out: string,
    private readonly onLeft: () => void = () => {},
  ) {}

  /**
   * `arrive` flushes what was built and puts it into its place in one step; then `close` is called. Throws FdgraftError:
   * where `arrive` failed, `abort` is to follow, and where the place could not be flushed, the output is there.
   */
  async commit(arrive: () => void | Promise<void>, close: () => void = () => {}): Promise<void> {
    try {
      await arrive();
    } catch (error) {
      throw messages.cannotWriteOut(this.out, error);
    }
    this.isOver = true;
    try {
      close();
      await this.work.flushParent();
    } catch (error) {
      throw messages.notFlushed(this.out, error);
    } finally {
      await this.removeWork();
    }
  }

  /** Removes all traces, after `release`. Does nothing when it has arrived, or a second time. */
  async abort(release: () => void | Promise<void> = () => {}): Promise<void> {
    if (this.isOver) return;
    this.isOver = true;
    try {
      await release();
    } finally {
      await this.removeWork();
    }
  }

  /** A directory that stays does not make a result a failure, nor hide one. The next run removes it. */
  private async removeWork(): Promise<void> {
    await this.work.remove().catch(() => this.onLeft());
  }
}
