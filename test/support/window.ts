import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { helper } from './native';

/** How often it looks, every few milliseconds. */
const LOOKS = 6000;

export interface WindowOptions {
  rows?: number;
  columns?: number;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
}

/** A window with a terminal in it, in which a command runs as in one of a terminal emulator (test/native/window.c). */
export class Window {
  private said = '';
  private readonly answers: string[] = [];
  private status: { readonly text: string; readonly after: number } | undefined;

  private constructor(private readonly child: ChildProcess) {
    (child.stdout as Readable).setEncoding('latin1').on('data', (text: string) => {
      this.said += text;
    });
    let rest = '';
    (child.stdio[3] as Readable).setEncoding('latin1').on('data', (text: string) => {
      const lines = `${rest}${text}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [, status, after] = /^((?:exit|signal) \d+) after (\d+)$/.exec(line) ?? [];
        if (status === undefined) this.answers.push(line);
        else this.status = { text: status, after: Number(after) };
      }
    });
  }

  static open(command: readonly string[], { rows = 24, columns = 80, env, cwd = '/' }: WindowOptions = {}): Window {
    const words = [String(rows), String(columns), '--', ...command];
    return new Window(spawn(helper('window'), words, { stdio: ['pipe', 'pipe', 'inherit', 'pipe'], cwd, env }));
  }

  /** What was shown so far. */
  get output(): string {
    return this.said;
  }

  /** Waits until what is shown from `since` on matches; resolves to the match. */
  async until(pattern: RegExp, since = 0): Promise<RegExpExecArray> {
    return this.wait(
      () => pattern.exec(this.said.slice(since)) ?? undefined,
      () => `${pattern} is not in ${JSON.stringify(this.said.slice(Math.max(since, this.said.length - 4000)))}`,
    );
  }

  /** Waits until the command has ended, and all that it wrote is there: "exit CODE" or "signal NUMBER". */
  ended(): Promise<string> {
    return this.wait(
      () => (this.hasEnded && this.said.length >= (this.status?.after ?? 0) ? this.status?.text : undefined),
      () => `the command goes on after ${JSON.stringify(this.said.slice(-4000))}`,
    );
  }

  get hasEnded(): boolean {
    return this.status !== undefined;
  }

  type(keys: string): Promise<string> {
    return this.tell(`type ${Buffer.from(keys, 'latin1').toString('hex')}`);
  }

  resize(rows: number, columns: number): Promise<string> {
    return this.tell(`size ${rows} ${columns}`);
  }

  /** The terminal's settings, to be compared. */
  settings(): Promise<string> {
    return this.tell('settings');
  }

  /** Stops reading what is shown. */
  hold(): Promise<string> {
    return this.tell('hold');
  }

  show(): Promise<string> {
    return this.tell('show');
  }

  /** Closes the window: the terminal hangs up. */
  close(): Promise<string> {
    return this.tell('close');
  }

  /** Ends it, whatever runs there. */
  kill(): void {
    this.child.kill('SIGKILL');
  }

  private async tell(line: string): Promise<string> {
    const count = this.answers.length;
    (this.child.stdin as Writable).write(`${line}\n`);
    await this.wait(
      () => this.answers.length > count || undefined,
      () => `no answer to ${line.slice(0, 80)}`,
    );
    return this.answers.at(-1) as string;
  }

  private async wait<T>(look: () => T | undefined, wrong: () => string): Promise<T> {
    for (let i = 0; i < LOOKS; i++) {
      const found = look();
      if (found !== undefined) return found;
      await sleep(5);
    }
    throw new Error(wrong());
  }
}
