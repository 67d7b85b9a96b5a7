import fs from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { temporaryDirectory } from './directories';

const AT_A_TIME = 3;

/** Does the work for each number, some at a time, each with a directory of its own that is gone afterwards. */
export async function inDirectories(
  t: ExecutionContext,
  numbers: readonly number[],
  work: (n: number, directory: string) => Promise<void>,
): Promise<void> {
  const all = temporaryDirectory(t);
  let next = 0;
  const worker = async () => {
    for (let n = numbers[next++]; n !== undefined; n = numbers[next++]) {
      const directory = path.join(all, String(n));
      fs.mkdirSync(directory);
      await work(n, directory);
      fs.rmSync(directory, { recursive: true });
    }
  };
  const stop = (error: unknown) => {
    next = numbers.length;
    throw error;
  };
  // All have to be done before their directories go.
  const ends = await Promise.allSettled(Array.from({ length: AT_A_TIME }, () => worker().catch(stop)));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}
