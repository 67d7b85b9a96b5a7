import type { ChildProcess, StdioOptions } from 'node:child_process';
import { builtins } from '../../bytes/builtins';
import { messages } from '../../errors/messages';

const MAX_WORDS = 1000;

export interface RunningZstd {
  readonly child: ChildProcess;
  /** Settles when it has ended: throws where it failed, with its own words. */
  readonly done: Promise<void>;
  /** Ends it, and waits for that. */
  stop(): Promise<void>;
}

/** Starts the program zstd, since Node.js 20 has no zstd of its own. */
export function spawnZstd(words: readonly string[], stdio: StdioOptions, label: string): RunningZstd {
  // In a group of its own: a signal from the terminal is for us, and what it ends with is no error of the archive.
  const child: ChildProcess = builtins.childProcess.spawn('zstd', ['-q', '-c', ...words], { stdio, detached: true });
  let said = '';
  child.stderr?.on('data', (data) => {
    if (said.length < MAX_WORDS) said += String(data);
  });
  const done = new Promise<void>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'ENOENT' ? messages.needsZstd(label) : error);
    });
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(reasonIn(said) || `zstd ended with ${signal ?? code}`));
    });
  });
  // Whoever waits hears of it; nobody waits for one that was told to stop.
  done.catch(() => {});
  const stop = async () => {
    child.kill('SIGKILL');
    // Its output may still wait to be read.
    child.stdout?.destroy();
    await done.catch(() => {});
  };
  return { child, done, stop };
}

/** Its words without the names that it has for its input. */
function reasonIn(said: string): string {
  const [line = ''] = said.slice(0, MAX_WORDS).trim().split('\n');
  return line.replace(/^(zstd: *)?((error \d+ *:|\/\*stdin\*\\|stdin) *:? *)*/, '').trim();
}
