import type { ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { getSystemErrorMap } from 'node:util';
import { builtins } from '../bytes/builtins';
import { ownDirectory } from './own-directory';

export type NativeProgram = 'fdgraft-exchange' | 'fdgraft-sparse' | 'fdgraft-lock' | 'fdgraft-exec';

/**
 * One of the programs that do what Node.js cannot: where `npm run build` puts it, else where `make install` put it into
 * PATH, else the one that the package brings. If it is nowhere, where the build would put it.
 */
export function pathOfNative(program: NativeProgram): string {
  const native = path.join(ownDirectory(), 'native');
  const built = path.join(native, 'build', program);
  if (fs.existsSync(built)) return built;
  const directories = (process.env.PATH ?? '').split(path.delimiter).filter((directory) => path.isAbsolute(directory));
  const brought = path.join(native, 'prebuilt', `${process.platform}-${process.arch}`, program);
  const places = [...directories.map((directory) => path.join(directory, program)), brought];
  return places.find((file) => fs.existsSync(file)) ?? built;
}

export interface NativeRun {
  readonly args?: readonly string[];
  /** Descriptors that it has as 3 and up. */
  readonly fds: readonly number[];
  /** What it reads. */
  readonly give?: Uint8Array;
  /** Gets what it prints. */
  readonly see?: (text: string) => void;
  /** Kills it. */
  readonly signal?: AbortSignal | undefined;
}

/** How it ended: the exit code is the number of an error, by its name where there is such a number; a signal has none. */
export type NativeEnd =
  | { readonly code: number; readonly errno: string | undefined }
  | { readonly code: null; readonly signal: NodeJS.Signals | null };

/** Runs one of the programs to its end. Rejects with why it could not be started. */
export function runNative(program: NativeProgram, run: NativeRun): Promise<NativeEnd> {
  return new Promise((resolve, reject) => {
    // Node.js throws some of the errors of a start, and makes events of others. Here, both reject.
    const child = start(program, run);
    const stop = () => child.kill('SIGKILL');
    run.signal?.addEventListener('abort', stop);
    if (run.signal?.aborted) stop();
    // One that cannot be started has both events, with the number of the error as its exit code.
    child.once('error', reject);
    child.once('close', (code, signal) => {
      run.signal?.removeEventListener('abort', stop);
      resolve(code === null ? { code, signal } : { code, errno: getSystemErrorMap().get(-code)?.[0] });
    });
    if (run.see !== undefined) child.stdout?.setEncoding('latin1').on('data', run.see);
    child.stdin?.on('error', () => {});
    child.stdin?.end(run.give);
  });
}

function start(program: NativeProgram, { args = [], fds, give, see }: NativeRun): ChildProcess {
  return builtins.childProcess.spawn(pathOfNative(program), args, {
    stdio: [give === undefined ? 'ignore' : 'pipe', see === undefined ? 'ignore' : 'pipe', 'ignore', ...fds],
    cwd: '/',
  });
}
