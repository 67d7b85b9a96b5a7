import type { CommandModule } from 'yargs';
import type { ListedEntry, Source } from '../../index';
import type { Context } from '../context';
import { epilogue } from '../help';
import { once, repeated } from '../options';
import { withSource } from '../with-source';

interface Arguments {
  source: string;
  'inherit-fd'?: string | string[];
  path?: string | string[];
  external: boolean;
  json: boolean;
  quiet: boolean;
  color: boolean;
}

/** What is printed at once, in characters. */
const PIECE = 1 << 14;

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
        .option('external', {
          type: 'boolean',
          default: false,
          describe: 'only what comes from outside: pipes with one end missing, external files',
        })
        .option('path', { type: 'string', requiresArg: true, describe: 'only files of this path or glob' })
        .option('inherit-fd', {
          type: 'string',
          nargs: 1,
          requiresArg: true,
          describe: 'only what this spec would take; can be given again',
        })
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

interface Report {
  begin?(): string;
  entry(entry: ListedEntry): string;
  end(): string;
  remark?(): string | undefined;
}

async function run(args: Arguments, context: Context): Promise<void> {
  const { openSource } = await import('../../index');
  await withSource(args.source, context, openSource, (source) => list(source, args, context));
}

async function list(source: Source, args: Arguments, context: Context): Promise<void> {
  const { FdgraftError, inspect } = await import('../../index');
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
  const report = await createReport(args, context);
  let text = report.begin?.() ?? '';
  const print = async (least: number): Promise<boolean> => {
    if (text.length < least) return true;
    const isRead = await context.print(text);
    text = '';
    return isRead;
  };
  let unmatched: unknown;
  try {
    for await (const entry of entries) {
      text += report.entry(entry);
      if (!(await print(PIECE))) return;
    }
  } catch (error) {
    // It comes when all is listed. Any other error leaves the list as unfinished as it is.
    if (!(error instanceof FdgraftError && error.code === 'SPEC_UNMATCHED')) throw error;
    unmatched = error;
  }
  text += report.end();
  await print(1);
  const remark = report.remark?.();
  if (!args.quiet)
    for (const note of [...notes, ...(remark === undefined ? [] : [remark])]) await context.complain(note);
  if (unmatched !== undefined) throw unmatched;
}

async function createReport(args: Arguments, context: Context): Promise<Report> {
  if (args.json) return new (await import('../report/ls-json')).LsJson();
  const { LsText } = await import('../report/ls-text');
  return new LsText((text) => context.emphasize(text, args.color));
}
