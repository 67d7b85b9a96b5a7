import type { CommandModule } from 'yargs';
import type { Source } from '../../index';
import { withSource } from '../../storage/with-source';
import type { Context } from '../context';
import { epilogue } from '../help';
import { once, repeated } from '../options';

interface Arguments {
  source: string;
  'inherit-fd'?: string | string[];
  path?: string | string[];
  external: boolean;
  json: boolean;
  quiet: boolean;
  color: boolean;
}

/** Those of a batch, too. */
export const LS_OPTIONS = {
  external: {
    type: 'boolean',
    default: false,
    describe: 'only what comes from outside: pipes with one end missing, external files, unix sockets',
  },
  path: { type: 'string', requiresArg: true, describe: 'only files of this path or glob' },
  'inherit-fd': {
    type: 'string',
    nargs: 1,
    requiresArg: true,
    describe: 'only what this spec would take; can be given again',
  },
} as const;

export function lsCommand(context: Context): CommandModule<object, Arguments> {
  return {
    command: 'ls <source>',
    describe: 'List what can be inherited, as specs to paste',
    builder: (yargs) =>
      yargs
        .usage('fdgraft ls SOURCE [--external] [--path GLOB] [--inherit-fd SPEC]... [--json]')
        .positional('source', {
          type: 'string',
          demandOption: true,
          describe: 'an image folder of CRIU, or an archive',
        })
        .options(LS_OPTIONS)
        .epilogue(
          epilogue([
            ['fdgraft ls ckpt', 'a line each: option to paste, type, access, state, descriptors as pid/fd (task)'],
            ['fdgraft ls ckpt --external', 'the pipes and files that the checkpoint does not hold'],
            ["fdgraft ls ckpt --inherit-fd 'fd[7]:/var/log/**'", 'what that spec would take'],
            ["fdgraft ls ckpt --json | jq '.entries[].key'", 'for programs'],
          ]),
        ) as never,
    handler: (args) => run(args, context),
  };
}

async function run(args: Arguments, context: Context): Promise<void> {
  const { openSource } = await import('../../index');
  await withSource(await openSource(args.source, { signal: context.signal }), (source) => list(source, args, context));
}

async function list(source: Source, args: Arguments, context: Context): Promise<void> {
  const { inspect } = await import('../../index');
  const { createListReport, writeList } = await import('../../report/write-list');
  const specs = repeated(args['inherit-fd']);
  const path = once('path', args.path);
  const notes: string[] = [];
  const entries = inspect(source, {
    ...(specs.length === 0 ? {} : { specs }),
    ...(path === undefined ? {} : { path }),
    external: args.external,
    signal: context.signal,
    onWarning: ({ message }) => notes.push(`warning: ${message}`),
  });
  const report = await createListReport(args.json, (text) => context.emphasize(text, args.color));
  const { isWhole, unmatched } = await writeList(entries, report, context.print);
  if (!isWhole) return;
  if (!args.quiet) for (const note of [...notes, ...(report.remarks?.() ?? [])]) await context.complain(note);
  if (unmatched !== undefined) throw unmatched;
}
