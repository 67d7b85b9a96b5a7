import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Lab } from './lab';
import { openLinks } from './open-links';

/** A FIFO whose reader is the test. The writer is the caller's, and the test's to close. */
export class Fifo {
  readonly path: string;
  readonly reader: number;
  readonly writer: number;

  constructor(lab: Lab) {
    this.path = path.join(lab.directory(), 'fifo');
    const { status, stderr } = spawnSync('mkfifo', [this.path], { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    this.reader = lab.open(this.path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    this.writer = fs.openSync(this.path, 'w');
  }

  /** What is there; 'waits' while there is nothing and anybody can write, 'end' when nobody can. */
  read(): string {
    try {
      const bytes = Buffer.alloc(1 << 16);
      const count = fs.readSync(this.reader, bytes);
      return count === 0 ? 'end' : bytes.toString('utf8', 0, count);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 'waits';
      throw error;
    }
  }

  /** The processes that have it open, but for this one. */
  holders(): number[] {
    return fs
      .readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0 && pid !== process.pid && openLinks(pid).includes(this.path));
  }
}
