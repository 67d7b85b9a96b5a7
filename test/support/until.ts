import { setTimeout as sleep } from 'node:timers/promises';

const LIMIT_S = 120;

/**
 * Waits until something holds. Throws if that takes more than two minutes; `seen` tells the state then.
 */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  seen: () => string = () => '',
): Promise<void> {
  for (const end = Date.now() + LIMIT_S * 1000; !(await holds()); await sleep(10)) {
    if (Date.now() > end) throw new Error(`not within ${LIMIT_S} s: ${what}\n${seen()}`.trimEnd());
  }
}
