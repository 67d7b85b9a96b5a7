import type { Context } from './context';
import { readOrdinary } from './ordinary';
import { startProgress } from './progress';
import type { Usage, UsageOfSeveral } from './usage/usage';
import { areV8FlagsSet, setV8FlagsFor } from './v8-flags';
import { withContext } from './with-context';

/** The functions of each command's module, for start.ts. None ever throws. */
export interface Command {
  /** Does what the words after the command say; false, with nothing done, where yargs is to read them. */
  main(words: readonly string[]): Promise<boolean>;
  /** Does what yargs read. */
  perform(args: object): Promise<void>;
  readonly areV8FlagsSet: typeof areV8FlagsSet;
}

export function command<Arguments>(
  usage: Usage | UsageOfSeveral,
  run: (args: Arguments, context: Context) => Promise<void>,
): Command {
  const perform = async (args: object) => {
    setV8FlagsFor(inputsOf(usage, args));
    await withContext(async (context) => {
      // A batch shows its jobs.
      if (!('several' in usage) && (args as { quiet?: unknown }).quiet !== true) startProgress();
      await run(args as Arguments, context);
    });
  };
  return {
    main: async (words) => {
      const args = 'several' in usage ? undefined : readOrdinary(usage, words);
      if (args === undefined) return false;
      await perform(args);
      return true;
    },
    perform,
    areV8FlagsSet,
  };
}

/** The files and directories that a line names as inputs. */
function inputsOf(usage: Usage | UsageOfSeveral, args: object): unknown[] {
  const names = 'several' in usage ? ['patterns'] : [...Object.keys(usage.positionals), 'in'];
  const values = args as { readonly [name: string]: unknown };
  return names.flatMap((name) => values[name] ?? []);
}
