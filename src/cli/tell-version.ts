import { version } from '../version';
import { withContext } from './with-context';

/** Prints the version, as yargs does. */
export function tellVersion(): Promise<void> {
  return withContext(async (context) => {
    await context.print(`${version()}\n`);
  });
}
