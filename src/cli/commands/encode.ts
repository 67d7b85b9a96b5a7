import { messages } from '../../errors/messages';
import { encode, encodeImage } from '../../operations/encode';
import { openImages } from '../../operations/open-source';
import { noticeLines } from '../../report/notices';
import { withSource } from '../../storage/with-source';
import { command } from '../command';
import type { Context } from '../context';
import { once, outOptions, withFormOfName } from '../options';
import { STANDARD_STREAM } from '../standard-stream';
import { isTerminal } from '../stdio';
import { ENCODE_USAGE } from '../usage/encode';
import { chooseInput, isCheckpoint, openInput, withOutput } from './image-streams';

interface Arguments {
  source?: string;
  in?: string | string[];
  out?: string | string[];
  link?: string | string[];
  to?: string | string[];
  quiet: boolean;
}

async function run(args: Arguments, context: Context): Promise<void> {
  const input = chooseInput(args.source, once('in', args.in));
  const out = once('out', args.out);
  const outs = outOptions(args);
  const { signal } = context;
  if (isCheckpoint(input)) {
    if (out === undefined || out === STANDARD_STREAM)
      throw messages.usage('nothing says where the images go', 'give -o OUTDIR');
    const { converted, notices } = await withSource(await openImages(input, { signal: context.signal }), (source) =>
      encode(source, { out, signal, ...withFormOfName(outs, out, source) }),
    );
    if (!args.quiet) for (const line of noticeLines(notices)) await context.complain(line);
    if (!args.quiet) await context.complain(`${converted} images are in ${out}`);
    return;
  }
  if (Object.keys(outs).length > 0) {
    throw messages.usage('--link and --to go with a directory or an archive', 'leave them out');
  }
  if ((out === undefined || out === STANDARD_STREAM) && isTerminal('stdout')) {
    throw messages.usage('stdout is a terminal, and images are binary', 'name a file: -o IMAGE');
  }
  const { name, reader, sources } = openInput(input, false, context);
  try {
    await withOutput(out, sources, context, '', (writer) => encodeImage(reader, writer, { name, signal }));
  } finally {
    await reader.close();
  }
}

export const { main, perform, areV8FlagsSet } = command(ENCODE_USAGE, run);
