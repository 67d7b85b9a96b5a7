import { inspectBlocks } from '../../operations/inspect';
import { openSource } from '../../operations/open-source';
import { createListReport, writeList } from '../../report/write-list';
import type { Source } from '../../storage/source';
import { withSource } from '../../storage/with-source';
import { command } from '../command';
import type { Context } from '../context';
import { once, repeated } from '../options';
import { LS_USAGE } from '../usage/ls';

interface Arguments {
  source: string;
  'inherit-fd'?: string | string[];
  path?: string | string[];
  external: boolean;
  json: boolean;
  quiet: boolean;
  color: boolean;
}

/** Why nothing is listed, by what was asked for. */
const WHY_EMPTY = {
  path: 'no open file has such a path',
  external: 'nothing here needs an fd of the caller: criu restores every descriptor from the images',
  all: 'no file is open in this checkpoint',
} as const;

async function run(args: Arguments, context: Context): Promise<void> {
  await withSource(await openSource(args.source, { signal: context.signal }), (source) => list(source, args, context));
}

async function list(source: Source, args: Arguments, context: Context): Promise<void> {
  const specs = repeated(args['inherit-fd']);
  const path = once('path', args.path);
  const notes: string[] = [];
  const blocks = inspectBlocks(source, {
    ...(specs.length === 0 ? {} : { specs }),
    ...(path === undefined ? {} : { path }),
    external: args.external,
    signal: context.signal,
    onWarning: ({ message }) => notes.push(`warning: ${message}`),
  });
  const report = await createListReport(args.json, (text) => context.emphasize(text, args.color));
  const { isWhole, isEmpty, unmatched } = await writeList(blocks, report, context.print);
  if (!isWhole) return;
  if (isEmpty && unmatched === undefined)
    notes.push(`note: ${WHY_EMPTY[path !== undefined ? 'path' : args.external ? 'external' : 'all']}`);
  if (!args.quiet) for (const note of [...notes, ...(report.remarks?.() ?? [])]) await context.complain(note);
  if (unmatched !== undefined) throw unmatched;
}

export const { main, perform, areV8FlagsSet } = command(LS_USAGE, run);
