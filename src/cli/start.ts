import type { Command } from './command';
import { loadCompiled } from './load-compiled';

/** Each module here, and all that it needs, is one file when the package is built (tools/compile-command.js). */
const COMMANDS: { readonly [name: string]: () => Promise<Command> } = {
  batch: () => import('./commands/batch'),
  completion: () => import('./commands/completion'),
  decode: () => import('./commands/decode'),
  diff: () => import('./commands/diff'),
  encode: () => import('./commands/encode'),
  info: () => import('./commands/info'),
  ls: () => import('./commands/ls'),
  restore: () => import('./commands/restore'),
  rewrite: () => import('./commands/rewrite'),
  show: () => import('./commands/show'),
  x: () => import('./commands/x'),
};

/** Runs the command line and sets the exit code. Only what the line needs is loaded. Never throws. */
export async function start(words: readonly string[]): Promise<void> {
  if (words.length === 1 && words[0] === '--version') {
    const { tellVersion } = await load('tell-version', () => import('./tell-version'));
    return tellVersion();
  }
  const [name = '', ...rest] = words;
  if (Object.hasOwn(COMMANDS, name) && (await (await loadCommand(name)).main(rest))) return;
  const { readLine } = await load('line', () => import('./line'));
  const asked = await readLine(words);
  if (asked !== undefined) await (await loadCommand(asked.name)).perform(asked.args);
}

function loadCommand(name: string): Promise<Command> {
  return load(`commands/${name}`, COMMANDS[name] as () => Promise<Command>);
}

/** A module with V8's code of it, where that was kept. */
async function load<Module>(name: string, otherwise: () => Promise<Module>): Promise<Module> {
  return (loadCompiled(name) as Module | undefined) ?? otherwise();
}
