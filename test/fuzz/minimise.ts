import type { Input, Target } from './target';

/** So often the target is asked at most. */
const MOST_CHECKS = 600;

/** The words of a problem without what differs from input to input. */
export function kindOfProblem(problem: string): string {
  return (problem.split('\n')[0] as string).replace(/\d+|"[^"]*"/g, '#').slice(0, 80);
}

/** What the target says against an input; undefined for nothing. */
export async function problemOf(target: Target, input: Input): Promise<string | undefined> {
  try {
    await target.check(input);
    return undefined;
  } catch (error) {
    return error instanceof Error
      ? error.name === 'Finding'
        ? error.message
        : (error.stack ?? error.message)
      : `${error}`;
  }
}

/** A smaller input with the same problem: without parts, and without chunks of them. */
export async function minimised(target: Target, input: Input, problem: string): Promise<Input> {
  const kind = kindOfProblem(problem);
  let best = input;
  let checks = 0;
  const tryOne = async (smaller: Input): Promise<boolean> => {
    checks += 1;
    const found = checks > MOST_CHECKS ? undefined : await problemOf(target, smaller);
    if (found === undefined || kindOfProblem(found) !== kind) return false;
    best = smaller;
    return true;
  };
  for (const part of Object.keys(input)) {
    const { [part]: _gone, ...rest } = best;
    await tryOne(rest);
  }
  for (const part of Object.keys(best)) {
    for (let size = (best[part] as Buffer).length; size >= 1; size = Math.floor(size / 2)) {
      for (let at = 0; at < (best[part] as Buffer).length && checks < MOST_CHECKS; ) {
        const bytes = best[part] as Buffer;
        const without = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)]);
        if (!(await tryOne({ ...best, [part]: without }))) at += size;
      }
    }
  }
  return best;
}
