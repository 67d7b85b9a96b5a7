import path from 'node:path';
import { PLAN_IMAGE } from '../../frames/image-kinds';
import { jsonChunks } from '../../json/json-chunks';
import { decodeImage } from '../../operations/decode';
import { rawInfo } from '../../operations/image-info';
import { orAborted } from '../../storage/or-aborted';
import { command } from '../command';
import type { Context } from '../context';
import { printChunks } from '../print-chunks';
import { STANDARD_STREAM } from '../standard-stream';
import { SHOW_USAGE } from '../usage/show';
import { openImage, withOutput, wordOf } from './image-streams';

/** As images are shown. */
const INDENT = 4;

interface Arguments {
  image: string;
  nopl: boolean;
  quiet: boolean;
}

async function run({ image, nopl, quiet }: Arguments, context: Context): Promise<void> {
  const word = wordOf(image);
  const told = await whatIsNoImage(word, context);
  if (told !== undefined) {
    // A plan can have a million references.
    if (await printChunks(context, jsonChunks(told, 0, INDENT))) await context.print('\n');
    return;
  }
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
  const raw = rawInfo(word);
  if (raw !== undefined) {
    await openImage(word, context).reader.close();
    return raw;
  }
  if (path.basename(word) !== PLAN_IMAGE || word === STANDARD_STREAM) return undefined;
  const [{ planToJson }, { readPlanOf }] = await Promise.all([
    import('../../plan/plan-json'),
    import('../../operations/plan-of'),
  ]);
  return planToJson(await orAborted(readPlanOf(word), context.signal));
}

export const { main, perform, areV8FlagsSet } = command(SHOW_USAGE, run);
