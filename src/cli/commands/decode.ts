import { messages } from '../../errors/messages';
import { decode, decodeImage } from '../../operations/decode';
import { openImages } from '../../operations/open-source';
import { noticeLines } from '../../report/notices';
import { withSource } from '../../storage/with-source';
import { command } from '../command';
import type { Context } from '../context';
import { once, outOptions, withFormOfName } from '../options';
import { STANDARD_STREAM } from '../standard-stream';
import { DECODE_USAGE } from '../usage/decode';
import { chooseInput, isCheckpoint, openInput, withOutput } from './image-streams';

interface Arguments {
  source?: string;
  in?: string | string[];
  out?: string | string[];
  link?: string | string[];
  to?: string | string[];
  pretty: boolean;
  quiet: boolean;
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
        'give -o OUT, which is to be a directory or an archive as SOURCE is',
      );
    const options = { out, pretty, signal, onWarning };
    const { converted, notices } = await withSource(await openImages(input, { signal: context.signal }), (source) =>
      decode(source, { ...options, ...withFormOfName(outs, out, source) }),
    );
    if (!quiet) for (const line of [...warnings, ...noticeLines(notices)]) await context.complain(line);
    if (!quiet) await context.complain(`${converted} images are JSON in ${out}`);
    return;
  }
  if (Object.keys(outs).length > 0) {
    throw messages.usage('--link and --to go with a directory or an archive', 'leave them out');
  }
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

export const { main, perform, areV8FlagsSet } = command(DECODE_USAGE, run);
