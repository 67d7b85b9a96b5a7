import type { CommandModule } from 'yargs';
import { safeJson } from '../../json/safe-json';
import type { Context } from '../context';
import { epilogue } from '../help';
import { openImage, wordOf } from './image-streams';

interface Arguments {
  image: string;
  json: boolean;
}

export function infoCommand(context: Context): CommandModule<object, Arguments> {
  return {
    command: 'info <image>',
    describe: 'Say what an image is and how many entries it has',
    builder: (yargs) =>
      yargs
        .usage('fdgraft info IMAGE [--json]')
        .positional('image', { type: 'string', demandOption: true, describe: 'an image of CRIU; - is stdin' })
        .epilogue(epilogue([['fdgraft info files.img', 'its magic and the number of its entries']])) as never,
    handler: (args) => run(args, context),
  };
}

async function run({ image, json }: Arguments, context: Context): Promise<void> {
  const { imageInfo } = await import('../../operations/image-info');
  const { name, reader } = openImage(wordOf(image), context);
  try {
    const info = await imageInfo(reader, { name, signal: context.signal });
    const shown = json ? { format: 'fdgraft.info', version: 1, ...info } : info;
    await context.print(`${safeJson(shown, json ? 2 : 4)}\n`);
  } finally {
    await reader.close();
  }
}
