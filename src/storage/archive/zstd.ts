import type { ChildProcess, SpawnOptions, StdioOptions } from 'node:child_process';
import { builtins } from '../../bytes/builtins';
import { messages } from '../../errors/messages';

const MAX_WORDS = 1000;

/** What it says of a place where it cannot write, in the system's words. */
const WRITE_ERRORS = [
  { words: 'No space left on device', code: 'ENOSPC' },
  { words: 'Disk quota exceeded', code: 'EDQUOT' },
  { words: 'File too large', code: 'EFBIG' },
  { words: 'Input/output error', code: 'EIO' },
] as const;

export interface RunningZstd {
  readonly child: ChildProcess;
  /** Settles when it has ended: throws where it failed, with its own words. */
  readonly done: Promise<void>;
  /** Ends it, and waits for that. */
  stop(): Promise<void>;
}

/** Starts the program zstd, since Node.js 20 has no zstd of its own. Throws FdgraftError (SYSTEM). */
export function spawnZstd(words: readonly string[], stdio: StdioOptions, label: string): RunningZstd {
  // In a group of its own: a signal from the terminal is for us, and what it ends with is no error of the archive.
  const child = start(['-q', '-c', ...words], { stdio, detached: true }, label);
  let said = '';
  child.stderr?.on('data', (data) => {
    if (said.length < MAX_WORDS) said += String(data);
  });
  const done = new Promise<void>((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'ENOENT' ? messages.needsZstd(label) : messages.zstdNotStarted(label, error));
    });
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(signal === null ? failure(said, code, label) : messages.zstdFailed(label, `was killed by ${signal}`));
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

function start(words: readonly string[], options: SpawnOptions, label: string): ChildProcess {
  let child: ChildProcess;
  try {
    child = builtins.childProcess.spawn('zstd', words, options);
  } catch (error) {
    throw messages.zstdNotStarted(label, error);
  }
  // Without descriptors for its pipes there are no streams either.
  if (child.stdio === undefined) {
    child.on('error', () => {});
    throw messages.zstdNotStarted(label, Object.assign(new Error(), { code: 'EMFILE' }));
  }
  return child;
}

function failure(said: string, code: number | null, label: string): Error {
  const reason = reasonIn(said);
  if (reason === '') return messages.zstdFailed(label, `ended with ${code} and did not say why`);
  if (reason.includes('requires too much memory')) return messages.archiveWindowTooLarge(label);
  const known = WRITE_ERRORS.find(({ words }) => reason.endsWith(words));
  return Object.assign(new Error(reason), known === undefined ? {} : { code: known.code });
}

/** Its words without the names that it has for its input. */
function reasonIn(said: string): string {
  const [line = ''] = said.slice(0, MAX_WORDS).trim().split('\n');
  return line.replace(/^(zstd: *)?((error \d+ *:|\/\*stdin\*\\|stdin) *:? *)*/, '').trim();
}
