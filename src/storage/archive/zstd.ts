import type { ChildProcess, StdioOptions } from 'node:child_process';
import { builtins } from '../../bytes/builtins';
import { messages } from '../../errors/messages';

const MAX_WORDS = 1000;

/**
 * Starts the program zstd, since Node.js 20 has no zstd of its own. `done` settles when it has ended: throws where it
 * failed, with its own words.
 */
export function spawnZstd(words: readonly string[], stdio: StdioOptions, label: string) {
  const child: ChildProcess = builtins.childProcess.spawn('zstd', ['-q', '-c', ...words], { stdio });
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
      else reject(new Error(said.slice(0, MAX_WORDS).trim() || `zstd ended with ${signal ?? code}`));
    });
  });
  // Whoever waits hears of it; nobody waits for one that was told to stop.
  done.catch(() => {});
  return { child, done };
}
