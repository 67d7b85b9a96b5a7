import path from 'node:path';
import { type Command, command } from '../command';
import { bashScript } from '../completion/bash';
import { fishScript } from '../completion/fish';
import { offerSpecs } from '../completion/offer-specs';
import { zshScript } from '../completion/zsh';
import type { Context } from '../context';
import { writeAll } from '../stdio';
import { COMPLETION_USAGE, SHELLS, type Shell } from '../usage/completion';

/** A user waits for the answer to TAB. */
const PATIENCE = 2000;

const SCRIPTS: { readonly [shell in Shell]: () => string } = { bash: bashScript, zsh: zshScript, fish: fishScript };

async function run({ shell = usualShell() }: { shell?: Shell }, context: Context): Promise<void> {
  await context.print(SCRIPTS[shell]());
}

/** bash, unless $SHELL is another one with a script. */
function usualShell(): Shell {
  const name = path.basename(process.env.SHELL ?? '');
  return SHELLS.find((shell) => shell === name) ?? 'bash';
}

/** For the scripts: nothing but specs is printed, whatever is wrong. */
async function offer(shell: Shell, words: readonly string[]): Promise<void> {
  // A disk that does not answer cannot be aborted.
  const late = setTimeout(() => process.exit(0), 2 * PATIENCE);
  try {
    const specs = await offerSpecs(shell, words, AbortSignal.timeout(PATIENCE));
    await writeAll('stdout', specs.map((spec) => `${spec}\n`).join(''));
  } catch {
    // No checkpoint, or none that can be read.
  } finally {
    clearTimeout(late);
  }
}

const usual = command(COMPLETION_USAGE, run);

export const { perform, areV8FlagsSet } = usual;

/** `completion SHELL -- WORD...` is for the scripts: it prints the specs that can stand at the end of a line. */
export const main: Command['main'] = async (words) => {
  const [name, dashes, ...line] = words;
  const shell = SHELLS.find((one) => one === name);
  if (shell === undefined || dashes !== '--') return usual.main(words);
  await offer(shell, line);
  return true;
};
