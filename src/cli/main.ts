import type { Argv } from 'yargs';
import yargs from 'yargs';
import { FdgraftError } from '../errors/fdgraft-error';
import { messages } from '../errors/messages';
import { version } from '../version';
import { batchCommand } from './commands/batch';
import { decodeCommand } from './commands/decode';
import { diffCommand } from './commands/diff';
import { encodeCommand } from './commands/encode';
import { infoCommand } from './commands/info';
import { lsCommand } from './commands/ls';
import { rewriteCommand } from './commands/rewrite';
import { showCommand } from './commands/show';
import { xCommand } from './commands/x';
import { type Context, complain, createContext, Interrupted } from './context';
import { checkDescriptorLimit } from './descriptor-limit';
import { EXIT_CODES } from './help';
import { prepareWords } from './words-of-line';

/** Runs the command line and sets the exit code. Never throws. */
export async function main(args: readonly string[]): Promise<void> {
  let context: Context | undefined;
  try {
    checkDescriptorLimit();
    context = createContext();
    const words = prepareWords(args);
    // What yargs itself prints, such as --help, is an answer as others are.
    let told = '';
    await buildParser(words, context).parseAsync(words, {}, (_error, _args, output) => {
      told = output;
    });
    if (told !== '') await context.print(`${told}\n`);
  } catch (error) {
    await report(error, context);
  } finally {
    context?.release();
  }
}

function buildParser(words: readonly string[], context: Context): Argv {
  const parser = yargs(words)
    .scriptName('fdgraft')
    .locale('en')
    .parserConfiguration({ 'parse-numbers': false, 'parse-positional-numbers': false, 'dot-notation': false })
    .usage(
      '$0 COMMAND SOURCE [options]\n\nPrepares CRIU checkpoints so that restored descriptors come from the caller.',
    )
    .option('json', { type: 'boolean', describe: 'print JSON', default: false })
    .option('quiet', { type: 'boolean', describe: 'print errors only', default: false })
    .option('color', { type: 'boolean', describe: 'colour on a terminal (also off by NO_COLOR)', default: true })
    .command(lsCommand(context))
    .command(rewriteCommand(context))
    .command(diffCommand(context))
    .command(decodeCommand(context))
    .command(encodeCommand(context))
    .command(infoCommand(context))
    .command(showCommand(context))
    .command(xCommand(context))
    .command(batchCommand(context))
    .completion('completion', 'Print a completion script for your shell')
    .demandCommand(1, 'a command is missing')
    .strict()
    .recommendCommands()
    .help()
    .version(version())
    .epilogue(EXIT_CODES)
    .wrap(100)
    .exitProcess(false)
    .fail((message, error) => {
      const isOurs = error !== undefined && error !== null && error.name !== 'YError';
      throw isOurs
        ? error
        : messages.usage(
            inOneLine(message ?? error.message),
            'fdgraft --help and fdgraft COMMAND --help say what there is',
          );
    });
  return parser;
}

/** The one message of yargs that has lines of its own; a line end in any other is in a word of the user's. */
function inOneLine(message: string): string {
  return message.startsWith('Invalid values:\n') ? message.replace(/\n\s*/g, ' ') : message;
}

async function report(error: unknown, context: Context | undefined): Promise<void> {
  if (error instanceof Interrupted && context !== undefined) {
    context.dieOf(error.signal);
    return;
  }
  const { message, hint, exitCode } = error instanceof FdgraftError ? error : messages.unforeseen(error);
  process.exitCode = exitCode;
  // The line ends of a message are its own.
  const lines = message.split('\n');
  await complain(`fdgraft: ${lines[0]}`, ...lines.slice(1), ...(hint === undefined ? [] : [`  ${hint}`]));
}
