import type { CommandModule } from 'yargs';
import { messages } from '../../errors/messages';
import { LINK_MODES } from '../../storage/link-mode';
import { withSource } from '../../storage/with-source';
import type { Context } from '../context';
import { epilogue } from '../help';
import { once, outOptions, TO_OPTION } from '../options';
import { chooseInput, isCheckpoint, openInput, STANDARD_STREAM, withOutput } from './image-streams';

interface Arguments {
  source?: string;
  in?: string | string[];
  out?: string | string[];
  link?: string | string[];
  to?: string | string[];
  quiet: boolean;
}

export function encodeCommand(context: Context): CommandModule<object, Arguments> {
  return {
    command: 'encode [source]',
    describe: 'Turn JSON, of decode, crit or go-criu, into an image, or a folder of it into images',
    builder: (yargs) =>
      yargs
        .usage('fdgraft encode [-i JSON] [-o IMAGE]\nfdgraft encode DIR -o OUTDIR [--link MODE]')
        .positional('source', { type: 'string', describe: 'the JSON, or a folder of decode (stdin by default)' })
        .option('in', { alias: 'i', type: 'string', requiresArg: true, describe: 'the same, as crit has it' })
        .option('out', {
          alias: 'o',
          type: 'string',
          requiresArg: true,
          describe: 'the image (stdout by default); of a folder: the folder to make',
        })
        .option('to', TO_OPTION)
        .option('link', { choices: LINK_MODES, requiresArg: true, describe: 'how raw files get to OUTDIR' })
        .epilogue(
          epilogue([
            ['fdgraft encode -i files.json -o files.img', 'an image'],
            [
              "fdgraft decode -i files.img | jq '.entries[1].reg.pos = 0' | fdgraft encode -o files.img",
              'an edit; all that was not edited stays as it was, byte for byte',
            ],
            ['fdgraft encode ckpt.json -o ckpt2', 'a folder that fdgraft decode made'],
          ]),
        ) as never,
    handler: (args) => run(args, context),
  };
}

async function run(args: Arguments, context: Context): Promise<void> {
  const input = chooseInput(args.source, once('in', args.in));
  const out = once('out', args.out);
  const outs = outOptions(args);
  const { signal } = context;
  if (isCheckpoint(input)) {
    if (out === undefined || out === STANDARD_STREAM)
      throw messages.usage('nothing says where the images go', 'give -o OUTDIR');
    const { encode, openImages } = await import('../../index');
    const { noticeLines } = await import('../../report/notices');
    const options = { out, ...outs, signal };
    const { converted, notices } = await withSource(await openImages(input, { signal: context.signal }), (source) =>
      encode(source, options),
    );
    if (!args.quiet) for (const line of noticeLines(notices)) await context.complain(line);
    if (!args.quiet) await context.complain(`${converted} images are in ${out}`);
    return;
  }
  if (Object.keys(outs).length > 0) {
    throw messages.usage('--link and --to go with a folder or an archive', 'leave them out');
  }
  if ((out === undefined || out === STANDARD_STREAM) && process.stdout.isTTY) {
    throw messages.usage('stdout is a terminal, and images are binary', 'name a file: -o IMAGE');
  }
  const { encodeImage } = await import('../../operations/encode');
  const { name, reader, sources } = openInput(input, false, context);
  try {
    await withOutput(out, sources, context, '', (writer) => encodeImage(reader, writer, { name, signal }));
  } finally {
    await reader.close();
  }
}
