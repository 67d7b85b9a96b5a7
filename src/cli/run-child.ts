import { constants } from 'node:os';
import { builtins } from '../bytes/builtins';
import { messages } from '../errors/messages';
import { stopProgress } from './progress';

/** Those that ask a program for something. A terminal sends its own to the child too, which bears them twice. */
const FORWARDED: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];

/** As shells say that a signal ended a process. */
const SIGNALLED = 128;

/**
 * Runs a program to its end with these descriptors. Signals are forwarded to it from now on. Resolves to its exit
 * status; 128 + N where signal N ended it. Throws FdgraftError (SYSTEM) where it cannot be started.
 */
export function runChild(
  program: string,
  args: readonly string[],
  stdio: ('ignore' | number)[],
  env: NodeJS.ProcessEnv,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (error: unknown) => reject(messages.nativeNotStarted(program, error));
    let forward: (signal: NodeJS.Signals) => void = () => {};
    const onSignal = (signal: NodeJS.Signals) => forward(signal);
    const release = () => {
      for (const signal of FORWARDED) process.off(signal, onSignal);
    };
    for (const signal of FORWARDED) process.on(signal, onSignal);
    // The terminal is the program's now.
    stopProgress();
    try {
      const child = builtins.childProcess.spawn(program, args, { stdio, env });
      forward = (signal) => child.kill(signal);
      child.once('error', (error) => {
        release();
        failed(error);
      });
      child.once('exit', (code, signal) => {
        release();
        resolve(code ?? SIGNALLED + constants.signals[signal as NodeJS.Signals]);
      });
    } catch (error) {
      release();
      failed(error);
    }
  });
}
