import { setTimeout as sleep } from 'node:timers/promises';

const LIMIT_S = 60;

/** Waits until something holds. Throws if that takes more than a minute. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + LIMIT_S * 1000; !(await holds()); await sleep(10)) {
    if (Date.now() > end) throw new Error(`${what} did not come within ${LIMIT_S} s`);
  }
}
