import type { ExecutionContext } from 'ava';

const { ensurePrograms } = require('../../tools/ensure-programs.js') as {
  ensurePrograms(names: readonly string[]): { [name: string]: string };
};

/** A check for programs that a test needs: false where one is missing, which fails in CI. All are installed at once. */
export function needsOf(all: readonly string[]): (t: ExecutionContext, ...names: string[]) => boolean {
  const missing = ensurePrograms(all);
  return (t, ...names) => {
    const absent = names.flatMap((name) => missing[name] ?? []);
    if (absent.length > 0 && process.env.CI === 'true') t.fail(absent.join('\n'));
    else if (absent.length > 0) t.log(absent.join('\n'));
    if (absent.length > 0) t.pass();
    return absent.length === 0;
  };
}
