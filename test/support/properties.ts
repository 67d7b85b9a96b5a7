import type { ExecutionContext } from 'ava';
import fc from 'fast-check';

/** The check that is under way: one after the other, so that the time that each has is its own. */
let last: Promise<unknown> = Promise.resolve();

/** Asserts a property, and says in the test's own failure what broke it. */
export async function holds<T>(t: ExecutionContext, property: fc.IAsyncProperty<T>, runs: number): Promise<void> {
  const check = last.then(() => fc.check(property, { numRuns: runs, interruptAfterTimeLimit: 60_000 }));
  last = check.catch(() => {});
  const { failed, counterexamplePath, seed, errorInstance, counterexample } = await check;
  const shown = failed ? `\n${fc.stringify(counterexample)}` : '';
  const reason = errorInstance instanceof Error ? (errorInstance.stack ?? errorInstance.message) : errorInstance;
  const told = `seed ${seed}, path ${counterexamplePath}: ${reason}${shown}`;
  // An assertion of the property itself has failed before this one, and the first is all that is shown.
  if (failed) t.log(told);
  t.false(failed, told);
}
