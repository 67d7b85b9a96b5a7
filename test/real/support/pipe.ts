import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { compileHelper } from './compile';

/**
 * A pipe without a name, both ends held by this process: node itself only makes socket pairs. The ends are opened
 * through /proc, which gives them O_LARGEFILE: one that a program gets as pipe-read or pipe-write has it not.
 */
export class Pipe {
  private constructor(
    readonly readEnd: number,
    readonly writeEnd: number,
  ) {}

  /** The pipe that a process has at a descriptor. */
  static of(hostPid: number, fd: number): Pipe {
    const link = `/proc/${hostPid}/fd/${fd}`;
    return new Pipe(fs.openSync(link, 'r'), fs.openSync(link, 'w'));
  }

  static async open(): Promise<Pipe> {
    const maker = spawn(compileHelper('pipe'), [], { stdio: ['pipe', 'pipe', 'inherit'], cwd: '/' });
    const exit = once(maker, 'exit');
    try {
      await once(maker.stdout, 'data');
      return new Pipe(fs.openSync(`/proc/${maker.pid}/fd/13`, 'r'), fs.openSync(`/proc/${maker.pid}/fd/14`, 'w'));
    } finally {
      maker.stdin.end();
      await exit;
    }
  }

  /** How /proc and CRIU name it: pipe:[INODE]. */
  get name(): string {
    return fs.readlinkSync(`/proc/self/fd/${this.readEnd}`);
  }

  /** Takes all that is in it, without waiting for more. */
  drain(): Buffer {
    const fd = fs.openSync(`/proc/self/fd/${this.readEnd}`, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    const parts: Buffer[] = [];
    try {
      for (;;) {
        const part = Buffer.alloc(1 << 16);
        const count = fs.readSync(fd, part);
        if (count === 0) break;
        parts.push(part.subarray(0, count));
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    } finally {
      fs.closeSync(fd);
    }
    return Buffer.concat(parts);
  }

  /** Puts bytes into it; they must fit. */
  fill(bytes: Uint8Array): void {
    const fd = fs.openSync(`/proc/self/fd/${this.writeEnd}`, fs.constants.O_WRONLY | fs.constants.O_NONBLOCK);
    try {
      for (let done = 0; done < bytes.length; ) done += fs.writeSync(fd, bytes, done);
    } finally {
      fs.closeSync(fd);
    }
  }

  close(): void {
    fs.closeSync(this.readEnd);
    fs.closeSync(this.writeEnd);
  }
}
