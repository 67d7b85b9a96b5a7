import path from 'node:path';
import type { CommandModule } from 'yargs';
import { PLAN_IMAGE } from '../../frames/image-kinds';
import { safeJson } from '../../json/safe-json';
import type { Context } from '../context';
import { epilogue } from '../help';
import { openImage, STANDARD_STREAM, withOutput, wordOf } from './image-streams';

interface Arguments {
  image: string;
  nopl: boolean;
  quiet: boolean;
}

export function showCommand(context: Context): CommandModule<object, Arguments> {
  return {
    command: 'show <image>',
    describe: 'Show an image as JSON for people: decode --pretty',
    builder: (yargs) =>
      yargs
        .usage('fdgraft show IMAGE [--nopl]')
        .positional('image', { type: 'string', demandOption: true, describe: 'an image of CRIU; - is stdin' })
        .option('nopl', {
          type: 'boolean',
          default: false,
          describe: 'not the payload that follows entries, only its length',
        })
        .epilogue(epilogue([['fdgraft show pipes-data.img --nopl', 'which pipes held how much']])) as never,
    handler: (args) => run(args, context),
  };
}

async function run({ image, nopl, quiet }: Arguments, context: Context): Promise<void> {
  const word = wordOf(image);
  const told = await whatIsNoImage(word, context);
  if (told !== undefined) {
    await context.print(`${safeJson(told, 4)}\n`);
    return;
  }
  const { decodeImage } = await import('../../operations/decode');
  const warnings: string[] = [];
  const onWarning = ({ message }: { message: string }) => warnings.push(`warning: ${message}`);
  const { name, reader } = openImage(word, context);
  const options = { name, pretty: true, payload: !nopl, signal: context.signal, onWarning };
  try {
    await withOutput(undefined, [], context, '\n', (writer) => decodeImage(reader, writer, options));
  } finally {
    await reader.close();
  }
  if (!quiet) for (const line of warnings) await context.complain(line);
}

/** A raw file as `info` says it, and the plan as --save-plan writes it; undefined for images. */
async function whatIsNoImage(word: string, context: Context): Promise<object | undefined> {
  const { rawInfo } = await import('../../operations/image-info');
  const raw = rawInfo(word);
  if (raw !== undefined) {
    await openImage(word, context).reader.close();
    return raw;
  }
  if (path.basename(word) !== PLAN_IMAGE || word === STANDARD_STREAM) return undefined;
  const { planToJson, readPlanOf } = await import('../../index');
  return planToJson(await readPlanOf(word));
}
