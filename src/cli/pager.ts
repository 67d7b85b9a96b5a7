import type { ChildProcess } from 'node:child_process';
import { builtins } from '../bytes/builtins';
import { OutputClosed, toStdout } from './commands/image-streams';
import { type Context, Interrupted } from './context';
import { stopProgress } from './progress';
import { isTerminal } from './stdio';

/** What a shell has to read; a command without it is started as it is, so that it is told where it is not there. */
const FOR_A_SHELL = /[|&;<>()$`\\"' \t\n*?[#~=%]/;

/** The user's own pager, as git finds it: $PAGER, else less; undefined where it is empty or cat. */
function pagerOf({ PAGER = 'less' }: NodeJS.ProcessEnv): string | undefined {
  return PAGER === '' || PAGER === 'cat' ? undefined : PAGER;
}

/** Calls `work` with a writer to stdout; where that is a terminal, to the user's pager in front of it. */
export async function withPager(
  context: Context,
  work: (writer: { write(bytes: Uint8Array): Promise<void> }) => Promise<void>,
): Promise<void> {
  const command = isTerminal('stdout') ? pagerOf(process.env) : undefined;
  await toStdout(context, '', async (stdout) => {
    if (command === undefined) return work(stdout);
    const pager = new Pager(command, context.signal);
    try {
      await work({
        write: async (bytes) => {
          if (bytes.length > 0) await pager.write(bytes, stdout);
        },
      });
    } finally {
      await pager.end();
    }
  });
}

/** A pager that is started with the first text; without any, the terminal stays as it is. */
class Pager {
  private child: ChildProcess | undefined;
  private ended: Promise<void> | undefined;
  private cannotStart = false;

  constructor(
    private readonly command: string,
    private readonly signal: AbortSignal,
  ) {}

  async write(bytes: Uint8Array, instead: { write(bytes: Uint8Array): Promise<void> }): Promise<void> {
    if (this.child === undefined && !this.cannotStart) await this.start();
    const input = this.child?.stdin;
    if (input === undefined || input === null) return instead.write(bytes);
    await new Promise<void>((resolve, reject) => {
      // The user has seen enough.
      input.write(bytes, (error) => (error === null || error === undefined ? resolve() : reject(new OutputClosed())));
    });
  }

  /** Waits until the user leaves it: whatever ends this command before would leave two readers of one terminal. */
  async end(): Promise<void> {
    this.child?.stdin?.end();
    await this.ended;
  }

  private async start(): Promise<void> {
    const words = FOR_A_SHELL.test(this.command) ? ['sh', '-c', this.command] : [this.command];
    const [file, ...args] = words as [string, ...string[]];
    // As git has it: short text is only printed, colours are shown, and the screen keeps what was read.
    const env = { LESS: 'FRX', LV: '-c', ...process.env };
    stopProgress();
    const child = builtins.childProcess.spawn(file, args, { stdio: ['pipe', 'inherit', 'inherit'], env });
    this.ended = new Promise((resolve) => child.once('close', () => resolve()).once('error', () => resolve()));
    const isStarted = await new Promise((resolve) => {
      child.once('spawn', () => resolve(true)).once('error', () => resolve(false));
    });
    if (!isStarted) {
      this.cannotStart = true;
      return;
    }
    this.child = child;
    child.stdin.on('error', () => {});
    // The terminal gave Ctrl-C to the pager too, which knows what it means there; other signals came to us alone.
    const pass = () => {
      const reason: unknown = this.signal.reason;
      if (reason instanceof Interrupted && reason.signal !== 'SIGINT') child.kill(reason.signal);
    };
    if (this.signal.aborted) pass();
    this.signal.addEventListener('abort', pass);
    void this.ended.then(() => this.signal.removeEventListener('abort', pass));
  }
}
