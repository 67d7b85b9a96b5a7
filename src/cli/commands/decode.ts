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
  pretty: boolean;
  quiet: boolean;
}

/** Those of a batch, too. */
export const DECODE_OPTIONS = {
  pretty: {
    type: 'boolean',
    default: false,
    describe: 'with indents, names of flags and hexadecimal numbers',
  },
  to: TO_OPTION,
  link: { choices: LINK_MODES, requiresArg: true, describe: 'how raw files get to OUTDIR' },
} as const;

export function decodeCommand(context: Context): CommandModule<object, Arguments> {
  return {
    command: 'decode [source]',
    describe: "Turn an image, or a folder of them, into crit's JSON",
    builder: (yargs) =>
      yargs
        .usage('fdgraft decode [-i IMAGE] [-o JSON] [--pretty]\nfdgraft decode DIR -o OUTDIR [--pretty] [--link MODE]')
        .positional('source', { type: 'string', describe: 'an image, or a folder of them (stdin by default)' })
        .option('in', { alias: 'i', type: 'string', requiresArg: true, describe: 'the same, as crit has it' })
        .option('out', {
          alias: 'o',
          type: 'string',
          requiresArg: true,
          describe: 'the JSON (stdout by default); of a folder: the folder to make, with NAME.img.json for NAME.img',
        })
        .options(DECODE_OPTIONS)
        .epilogue(
          epilogue([
            ['fdgraft decode -i files.img --pretty | less', 'an image to read'],
            ["fdgraft decode -i core-14716.img | jq '.entries[0].tc.comm'", 'for programs'],
            [
              'fdgraft decode ckpt -o ckpt.json',
              'all images of a folder; fdgraft encode ckpt.json -o ckpt2 is the way back',
            ],
            [
              'fdgraft decode ckpt.tar.gz --to dir -o ckpt.json',
              'those of an archive; without --to, into another archive',
            ],
          ]),
        ) as never,
    handler: (args) => run(args, context),
  };
}

async function run(args: Arguments, context: Context): Promise<void> {
  const input = chooseInput(args.source, once('in', args.in));
  const out = once('out', args.out);
  const outs = outOptions(args);
  const { pretty, quiet } = args;
  const { signal } = context;
  const warnings: string[] = [];
  const onWarning = ({ message }: { message: string }) => warnings.push(`warning: ${message}`);
  if (isCheckpoint(input)) {
    if (out === undefined || out === STANDARD_STREAM)
      throw messages.usage(
        'nothing says where the JSON of the checkpoint goes',
        'give -o OUT, which is to be a folder or an archive as SOURCE is',
      );
    const { decode, openImages } = await import('../../index');
    const { noticeLines } = await import('../../report/notices');
    const options = { out, ...outs, pretty, signal, onWarning };
    const { converted, notices } = await withSource(await openImages(input, { signal: context.signal }), (source) =>
      decode(source, options),
    );
    if (!quiet) for (const line of [...warnings, ...noticeLines(notices)]) await context.complain(line);
    if (!quiet) await context.complain(`${converted} images are JSON in ${out}`);
    return;
  }
  if (Object.keys(outs).length > 0) {
    throw messages.usage('--link and --to go with a folder or an archive', 'leave them out');
  }
  const { decodeImage } = await import('../../operations/decode');
  const { name, reader, sources } = openInput(input, true, context);
  try {
    await withOutput(out, sources, context, '\n', (writer) =>
      decodeImage(reader, writer, { name, pretty, signal, onWarning }),
    );
  } finally {
    await reader.close();
  }
  if (!quiet) for (const line of warnings) await context.complain(line);
}
