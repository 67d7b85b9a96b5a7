import { safeJson } from '../../json/safe-json';
import { imageInfo } from '../../operations/image-info';
import { command } from '../command';
import type { Context } from '../context';
import { INFO_USAGE } from '../usage/info';
import { openImage, wordOf } from './image-streams';

interface Arguments {
  image: string;
  json: boolean;
}

async function run({ image, json }: Arguments, context: Context): Promise<void> {
  const { name, reader } = openImage(wordOf(image), context);
  try {
    const info = await imageInfo(reader, { name, signal: context.signal });
    const shown = json ? { format: 'fdgraft.info', version: 1, ...info } : info;
    await context.print(`${safeJson(shown, json ? 2 : 4)}\n`);
  } finally {
    await reader.close();
  }
}

export const { main, perform, areV8FlagsSet } = command(INFO_USAGE, run);
