import type { Argv, CommandModule } from 'yargs';

import yargs = require('yargs/yargs');

import { messages } from '../errors/messages';
import { version } from '../version';
import { explainWrong } from './explain-wrong';
import { epilogueOf } from './help';
import { isJsonUseless, PARSING } from './ordinary';
import { FDGRAFT, USAGES, wordOf } from './usage/all';
import { COMMON_OPTIONS, type CommonName, switchesOf, type Usage, type UsageOfSeveral } from './usage/usage';
import { withContext } from './with-context';
import { prepareWords } from './words-of-line';

/** The command of a line, by its name, and its arguments. */
export interface Asked {
  readonly name: string;
  readonly args: object;
}

/**
 * Reads any command line by yargs, and prints what yargs has to say of it: help, completion, what is wrong. Undefined
 * where that was all. Sets the exit code; never throws.
 */
export async function readLine(words: readonly string[]): Promise<Asked | undefined> {
  let asked: Asked | undefined;
  await withContext(async (context) => {
    const { told, ...read } = await readByYargs(words);
    asked = read.asked;
    if (told !== '') await context.print(`${told}\n`);
  });
  return asked;
}

/** `told`: what is to be printed. Throws FdgraftError (USAGE). */
export async function readByYargs(given: readonly string[]): Promise<{ asked: Asked | undefined; told: string }> {
  // As git and others have it.
  const line = given[0] === 'help' ? [...given.slice(1), '--help'] : given;
  const words = prepareWords(line, ['help', 'version', ...USAGES.flatMap(allOptions).flatMap(switchesOf)]);
  let asked: Asked | undefined;
  let told = '';
  const parser = buildParser(words, (name, args) => {
    asked = { name, args };
  });
  await parser.parseAsync(words, {}, (_error, _args, output) => {
    told = output;
  });
  if (asked !== undefined) refuseUselessJson(asked);
  return { asked, told };
}

/** A program that gave --json would read something else as JSON of the command's own. */
function refuseUselessJson({ name, args }: Asked): void {
  const usage = USAGES.find(({ command }) => wordOf(command) === name);
  if (usage === undefined || !isJsonUseless(usage, args)) return;
  throw messages.usage(`--json does nothing with ${name}`, `leave it out; fdgraft ${name} --help lists its options`);
}

function allOptions(usage: Usage | UsageOfSeveral): Usage['options'][] {
  return [COMMON_OPTIONS, ...('several' in usage ? usage.several : [usage]).map(({ options }) => options)];
}

type Hear = (name: string, args: object) => void;

function buildParser(words: readonly string[], hear: Hear): Argv {
  // The current directory may be gone, and nothing here is relative to it.
  const parser = yargs(words, '/')
    .scriptName('fdgraft')
    .locale('en')
    .parserConfiguration(PARSING)
    .usage(`$0 ${FDGRAFT.usage}

${FDGRAFT.describe}`)
    .options(COMMON_OPTIONS)
    .help('help', 'Print this help')
    .version('version', 'Print the version', version());
  for (const usage of USAGES) {
    parser.command(moduleOf(usage, (args) => hear(wordOf(usage.command), args)));
  }
  return parser
    .demandCommand(1, 'a command is missing')
    .strict()
    .recommendCommands()
    .epilogue(epilogueOf({ examples: [], exitCodes: FDGRAFT.exitCodes }))
    .wrap(100)
    .exitProcess(false)
    .fail((message, error) => {
      const isOurs = error !== undefined && error !== null && error.name !== 'YError';
      throw isOurs ? error : explainWrong(words, inOneLine(message ?? error.message));
    });
}

function moduleOf(usage: Usage | UsageOfSeveral, handler: (args: object) => void): CommandModule {
  const { command, describe } = usage;
  return {
    command,
    describe,
    builder: (parser) => {
      parser.usage(usage.about === undefined ? usage.usage : `${usage.usage}\n\n${usage.about}`);
      if ('several' in usage) {
        for (const one of usage.several) parser.command(moduleOf(one, handler));
        parser.demandCommand(1, usage.missing);
      } else {
        for (const [name, positional] of Object.entries(usage.positionals)) parser.positional(name, positional);
        parser.options(usage.options);
        parser.group(Object.keys(usage.options), 'Options:');
      }
      showCommon(parser, usage.common);
      return parser.epilogue(epilogueOf(usage));
    },
    handler: 'several' in usage ? () => {} : handler,
  };
}

/** Below the command's own options. */
function showCommon(parser: Argv, shown: readonly CommonName[]): void {
  for (const name of Object.keys(COMMON_OPTIONS) as CommonName[]) if (!shown.includes(name)) parser.hide(name);
  parser.group([...shown, 'help', 'version'], 'Common options:');
}

/** The one message of yargs that has lines of its own; a line end in any other is in a word of the user's. */
function inOneLine(message: string): string {
  return message.startsWith('Invalid values:\n') ? message.replace(/\n\s*/g, ' ') : message;
}
