import type { Command } from './command';
import { type Loaded, loadCompiled } from './load-compiled';

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

/** Those of V8's code that is to be kept when all is done. */
const loaded: Loaded[] = [];

/** Runs the command line and sets the exit code. Only what the line needs is loaded. Never throws. */
export async function start(words: readonly string[]): Promise<void> {
  const command = await run(words);
  if (command?.areV8FlagsSet() !== true) for (const one of loaded) one.keepCode();
}

/** Returns the command that did it; undefined for help and the like. */
async function run(words: readonly string[]): Promise<Command | undefined> {
  if (words.length === 1 && words[0] === '--version') {
    const { tellVersion } = await load('tell-version', () => import('./tell-version'));
    await tellVersion();
    return undefined;
  }
  const [name = '', ...rest] = words;
  if (Object.hasOwn(COMMANDS, name)) {
    const command = await loadCommand(name);
    if (await command.main(rest)) return command;
  }
  const { readLine } = await load('line', () => import('./line'));
  const asked = await readLine(words);
  if (asked === undefined) return undefined;
  const command = await loadCommand(asked.name);
  await command.perform(asked.args);
  return command;
}

function loadCommand(name: string): Promise<Command> {
  return load(`commands/${name}`, COMMANDS[name] as () => Promise<Command>);
}

/** A module, in the build by V8's code of it. */
async function load<Module>(name: string, otherwise: () => Promise<Module>): Promise<Module> {
  const compiled = loadCompiled(name);
  if (compiled === undefined) return otherwise();
  loaded.push(compiled);
  return compiled.module as Module;
}
