import { spawn } from 'node:child_process';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { bin, top } from './command';

export interface Ran {
  status: number | null;
  /** How much it wrote to stdout. */
  bytes: number;
  /** What it wrote first and last, up to 64 KiB. */
  first: string;
  last: string;
  /** stderr, without the line on memory. */
  said: string;
  peakKib: number;
}

const SHOWN = 1 << 16;

/** Runs the command, and says what it wrote and how much memory it had. */
export async function measured(
  args: readonly string[],
  { give, take }: { give?: (stdin: Writable) => Promise<void>; take?: (chunk: Buffer) => void } = {},
): Promise<Ran> {
  const command = ['-r', path.join(top, 'bench/print-peak.js'), bin, ...args];
  const child = spawn(process.execPath, command, { cwd: top, stdio: ['pipe', 'pipe', 'pipe'] });
  let bytes = 0;
  let first = '';
  let last = '';
  let said = '';
  (child.stdout as Readable).on('data', (chunk: Buffer) => {
    take?.(chunk);
    if (first.length < SHOWN) first += chunk.toString('latin1', 0, SHOWN);
    last = (last + chunk.toString('latin1')).slice(-SHOWN);
    bytes += chunk.length;
  });
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const status = new Promise<number | null>((resolve) => child.on('close', resolve));
  if (give !== undefined) await give(child.stdin);
  else child.stdin.end();
  const ended = await status;
  const [line, peak] = /peak resident (\d+) KiB\n/.exec(said) ?? ['', 'NaN'];
  return { status: ended, bytes, first, last, said: said.replace(line, ''), peakKib: Number(peak) };
}
