import type { CommandModule } from 'yargs';
import { messages } from '../../errors/messages';
import type { RewriteOptions } from '../../index';
import { LINK_MODES } from '../../storage/link-mode';
import { withSource } from '../../storage/with-source';
import type { Context } from '../context';
import { epilogue } from '../help';
import { once, outOptions, repeated, TO_OPTION } from '../options';

interface Arguments {
  source: string;
  out?: string | string[];
  'in-place': boolean;
  'inherit-fd'?: string | string[];
  specs?: string | string[];
  'from-descriptors': boolean;
  'save-plan'?: string | string[];
  link?: string | string[];
  to?: string | string[];
  'dry-run': boolean;
  'allow-unmatched': boolean;
  'drop-in-flight': boolean;
  json: boolean;
  quiet: boolean;
}

/** Those of a batch, too. */
export const REWRITE_OPTIONS = {
  'inherit-fd': {
    type: 'string',
    nargs: 1,
    requiresArg: true,
    describe:
      'fd[N]:KEY or debug[N]:TEXT; can be given again. KEY: pipe:[ID], pipe:[ID]:read, file[MNT:INO], /proc/PID/fd/N, a path, a glob',
  },
  specs: {
    type: 'string',
    requiresArg: true,
    describe: 'file with specs and their options as JSON (schemas/specs.schema.json)',
  },
  'from-descriptors': {
    type: 'boolean',
    default: false,
    describe: "specs from the source's descriptors.json, as runc and crun mean it",
  },
  to: TO_OPTION,
  'dry-run': { type: 'boolean', default: false, describe: 'write no folder, only say what would be' },
  link: {
    choices: LINK_MODES,
    requiresArg: true,
    describe:
      'how unchanged images get to OUT; auto, the default: reflink, else a hard link for pages and a copy for the rest',
  },
  'allow-unmatched': { type: 'boolean', default: false, describe: 'go on where a spec matches nothing' },
  'drop-in-flight': { type: 'boolean', default: false, describe: 'lose unread bytes of inherited pipes' },
} as const;

export function rewriteCommand(context: Context): CommandModule<object, Arguments> {
  return {
    command: 'rewrite <source>',
    describe: 'Make a checkpoint whose named entries are restored from the fds of the caller',
    builder: (yargs) =>
      yargs
        .usage("fdgraft rewrite SOURCE (-o OUT | --in-place) --inherit-fd 'fd[N]:KEY' [--inherit-fd SPEC]... [options]")
        .positional('source', {
          type: 'string',
          demandOption: true,
          describe: 'an image folder of CRIU, or an archive',
        })
        .option('out', { alias: 'o', type: 'string', requiresArg: true, describe: 'the folder or archive to make' })
        .option('in-place', {
          type: 'boolean',
          default: false,
          describe: 'put the result in the place of SOURCE, in one step',
        })
        .options(REWRITE_OPTIONS)
        .option('save-plan', { type: 'string', requiresArg: true, describe: 'write the plan as JSON too; - is stdout' })
        .epilogue(
          epilogue([
            ["fdgraft rewrite ckpt -o out --inherit-fd 'fd[5]:pipe:[22653]'", 'a pipe'],
            ["fdgraft rewrite ckpt -o out --inherit-fd 'fd[7]:/var/log/app.log'", 'a log'],
            ["fdgraft rewrite ckpt -o out --inherit-fd 'fd[8]:/proc/14716/fd/5'", 'whatever is open there'],
            ['fdgraft rewrite ckpt -o out --specs specs.json', 'with options for each spec'],
            ["fdgraft rewrite ckpt --in-place --inherit-fd 'fd[7]:/var/log/app.log'", 'without a second folder'],
            ['fdgraft-exec --plan out -- criu restore -D out -d 5>&1 7>>new.log', 'restores the result'],
            [
              "fdgraft rewrite ckpt.tar.gz -o out.tar.gz --inherit-fd 'fd[7]:/var/log/app.log'",
              'an archive, as podman makes it',
            ],
            [
              "fdgraft rewrite ckpt.tar.gz --to dir -o out --inherit-fd 'fd[7]:/var/log/app.log'",
              'the same, unpacked: what CRIU restores is out/checkpoint',
            ],
          ]),
        ) as never,
    handler: (args) => run(args, context),
  };
}

async function run(args: Arguments, context: Context): Promise<void> {
  const out = once('out', args.out);
  const outs = outOptions(args);
  const inPlace = args['in-place'];
  const savePlan = once('save-plan', args['save-plan']);
  if (out === undefined && !inPlace && !args['dry-run']) {
    throw messages.usage(
      'nothing says where the result goes',
      'give -o OUT, --in-place, or --dry-run to see the plan alone',
    );
  }
  if (out !== undefined && inPlace) throw messages.usage('-o and --in-place were given both', 'give one of them');
  if (outs.link !== undefined && inPlace) {
    throw messages.usage(
      '--link goes with -o, not with --in-place',
      'in place, what does not change stays the very file that it is',
    );
  }
  if (outs.to !== undefined && inPlace) {
    throw messages.usage('--to goes with -o, not with --in-place', 'in place, it stays what it is');
  }
  if (savePlan === '-' && args.json) {
    throw messages.usage(
      '--save-plan - and --json both want stdout',
      '--json has the plan in it: leave one of them out',
    );
  }
  const { openSource, readSpecs, rewrite } = await import('../../index');
  const specFile = once('specs', args.specs);
  const options: RewriteOptions = {
    specs: [...repeated(args['inherit-fd']), ...(specFile === undefined ? [] : await readSpecs(specFile))],
    fromDescriptors: args['from-descriptors'],
    ...(out === undefined || args['dry-run'] ? {} : { out }),
    inPlace: inPlace && !args['dry-run'],
    ...outs,
    ...(savePlan === undefined || savePlan === '-' ? {} : { savePlan }),
    allowUnmatched: args['allow-unmatched'],
    dropInFlight: args['drop-in-flight'],
    signal: context.signal,
  };
  const result = await withSource(await openSource(args.source, { signal: context.signal, exact: true }), (source) =>
    rewrite(source, options),
  );
  const [report, { planPieces }, { printPieces }] = await Promise.all([
    import('../../report/rewrite'),
    import('../../plan/plan-json'),
    import('../print-pieces'),
  ]);
  if (!args.quiet) for (const line of report.remarks(result)) await context.complain(line);
  const made = args['dry-run'] ? undefined : inPlace ? args.source : out;
  const text = report.rewriteText(result);
  try {
    if (savePlan === '-') await printPieces(context, planPieces(result.plan));
    else if (args.json) await printPieces(context, report.rewriteJson(result, made));
    else if (!args.quiet) await context.print(text);
  } catch (error) {
    throw made === undefined ? error : messages.madeButNotTold(made, error);
  }
  if (savePlan === '-' && !args.quiet) await context.complain(...text.trimEnd().split('\n'));
}
