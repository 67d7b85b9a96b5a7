import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { compileProgram } from './compile';
import type { Lab } from './lab';

const PATIENCE = 20_000;

/** A pty whose master a test holds. It ends with the lab. */
export class PtyHolder {
  private said = Buffer.alloc(0);

  private constructor(
    private readonly child: ChildProcess,
    /** The terminal, /dev/pts/N. */
    readonly name: string,
  ) {}

  static async open(lab: Lab, rows = 24, columns = 80): Promise<PtyHolder> {
    const child = spawn(compileProgram('pty_holder'), [String(rows), String(columns)], {
      stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
    });
    lab.onEnd(() => child.kill('SIGKILL'));
    const stdout = child.stdout as Readable;
    let head = '';
    while (!head.includes('\n')) head += String((await once(stdout, 'data'))[0]);
    const end = head.indexOf('\n');
    const holder = new PtyHolder(child, head.slice(0, end));
    holder.said = Buffer.from(head.slice(end + 1), 'latin1');
    stdout.on('data', (bytes: Buffer) => {
      holder.said = Buffer.concat([holder.said, bytes]);
    });
    return holder;
  }

  /** What came out of the master so far. */
  get output(): string {
    return this.said.toString('latin1');
  }

  /** Waits until the output from `since` on matches, and returns the match. */
  async until(pattern: RegExp, since = 0): Promise<RegExpExecArray> {
    for (const end = Date.now() + PATIENCE; ; ) {
      const found = pattern.exec(this.output.slice(since));
      if (found) return found;
      if (Date.now() > end) throw new Error(`nothing like ${pattern} in ${JSON.stringify(this.output.slice(since))}`);
      await sleep(5);
    }
  }

  /** Another window size. */
  resize(rows: number, columns: number): Promise<void> {
    return this.tell(`size ${rows} ${columns}`);
  }

  /** Types at the terminal. */
  type(text: string): Promise<void> {
    return this.tell(`write ${Buffer.from(text, 'latin1').toString('hex')}`);
  }

  /** Closes the master: the terminal is hung up. */
  hangUp(): Promise<void> {
    return this.tell('close');
  }

  private async tell(line: string): Promise<void> {
    const answer = once(this.child.stdio[3] as Readable, 'data');
    (this.child.stdin as Writable).write(`${line}\n`);
    await answer;
  }
}
