import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { compileHelper } from './compile';
import type { Lab } from './lab';

const PATIENCE = 20_000;

function start(lab: Lab, words: string[]): ChildProcess {
  const child = spawn(compileHelper('pty_holder'), words, { stdio: ['pipe', 'pipe', 'inherit', 'pipe'] });
  lab.onEnd(() => child.kill('SIGKILL'));
  return child;
}

/** A line, and what came after it. What comes later waits in the pipe. */
async function lineOf(child: ChildProcess, early: string): Promise<[line: string, rest: string]> {
  const stdout = child.stdout as Readable;
  let head = early;
  stdout.resume();
  while (!head.includes('\n')) head += ((await once(stdout, 'data'))[0] as Buffer).toString('latin1');
  stdout.pause();
  const end = head.indexOf('\n');
  return [head.slice(0, end), head.slice(end + 1)];
}

/** A pty whose master a test holds. It ends with the lab. */
export class PtyHolder {
  private said: Buffer;

  private constructor(
    private readonly child: ChildProcess,
    /** The terminal, /dev/pts/N. */
    readonly name: string,
    rest: string,
  ) {
    this.said = Buffer.from(rest, 'latin1');
    child.stdout?.on('data', (bytes: Buffer) => {
      this.said = Buffer.concat([this.said, bytes]);
    });
    child.stdout?.resume();
  }

  static async open(lab: Lab, rows = 24, columns = 80): Promise<PtyHolder> {
    const child = start(lab, [String(rows), String(columns)]);
    const [name, rest] = await lineOf(child, '');
    return new PtyHolder(child, name, rest);
  }

  /** Listens on a console socket, as runc takes it: the pty is that which runc sends. */
  static async listen(lab: Lab, socket: string): Promise<{ received(): Promise<PtyHolder> }> {
    const child = start(lab, [socket]);
    const [, early] = await lineOf(child, '');
    return {
      received: async () => {
        const [name, rest] = await lineOf(child, early);
        return new PtyHolder(child, name, rest);
      },
    };
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
