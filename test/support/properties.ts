import type { ExecutionContext } from 'ava';
import fc from 'fast-check';

/** Asserts a property, and says in the test's own failure what broke it. */
export async function holds<T>(t: ExecutionContext, property: fc.IAsyncProperty<T>, runs: number): Promise<void> {
  const { failed, counterexamplePath, seed, errorInstance, counterexample } = await fc.check(property, {
    numRuns: runs,
    interruptAfterTimeLimit: 60_000,
  });
  const shown = failed ? `\n${fc.stringify(counterexample)}` : '';
  const reason = errorInstance instanceof Error ? (errorInstance.stack ?? errorInstance.message) : errorInstance;
  t.false(failed, `seed ${seed}, path ${counterexamplePath}: ${reason}${shown}`);
}
