import type { Argv, CommandModule } from 'yargs';
import { messages } from '../../errors/messages';
import type { BatchTask } from '../../index';
import type { DiffFormat } from '../../report/write-diff';
import type { Context } from '../context';
import { EXIT_CODES_OF_BATCH, epilogue } from '../help';
import { once, outOptions, repeated } from '../options';
import { DECODE_OPTIONS } from './decode';
import { chooseFormat, DIFF_OPTIONS } from './diff';
import { LS_OPTIONS } from './ls';
import { REWRITE_OPTIONS } from './rewrite';

type Once = string | string[];

interface Common {
  patterns: string[];
  out?: Once;
  base?: Once;
  jobs?: Once;
  shard?: Once;
  'fail-fast': boolean;
  resume?: boolean;
  json: boolean;
  quiet: boolean;
}

const COMMON = {
  out: {
    alias: 'o',
    type: 'string',
    requiresArg: true,
    describe: 'ROOT: each output lies below it, at the path of its input relative to the base',
  },
  base: {
    type: 'string',
    requiresArg: true,
    describe: 'what paths are relative to (the current folder by default, / for absolute paths)',
  },
  jobs: {
    alias: 'j',
    type: 'string',
    requiresArg: true,
    describe: 'how many to do at the same time (one a processor, where there is enough to do)',
  },
  shard: {
    type: 'string',
    requiresArg: true,
    describe: 'I/N: only part I, from 0, of N; auto: by the task of a Slurm array; auto/N: by an index of Kubernetes',
  },
  'fail-fast': { type: 'boolean', default: false, describe: 'begin nothing more after a failure' },
  resume: {
    type: 'boolean',
    describe: 'go on where an earlier run was; the same command without it does that, too',
  },
} as const;

/** What single commands have and a batch has not: refused with the reason. */
const REFUSED = {
  'in-place': 'a batch makes outputs of its own: give --out ROOT',
  'save-plan': 'each output has its plan in it, inherit-plan.img; --dry-run --json prints all plans',
} as const;

const WAYS = [
  ["fdgraft batch ls '/ckpts/**' -o lists", 'what is there can be any mixture: image folders and archives count'],
  ["fdgraft batch rewrite 'ckpts/**' '!ckpts/old/**' -o out --specs specs.json", 'all but some; again after a kill'],
] as const;

export function batchCommand(context: Context): CommandModule {
  return {
    command: 'batch',
    describe: 'Do the same with many checkpoints: rewrite, decode, diff, ls',
    builder: (yargs) =>
      yargs
        .usage('fdgraft batch rewrite|decode|diff|ls PATTERN... --out ROOT [options]')
        .command(rewriteBatch(context))
        .command(decodeBatch(context))
        .command(diffBatch(context))
        .command(lsBatch(context))
        .demandCommand(1, 'batch lacks a command: rewrite, decode, diff or ls')
        .epilogue(examplesOf(WAYS)) as never,
    handler: () => {},
  };
}

function examplesOf(examples: Parameters<typeof epilogue>[0]): string {
  return epilogue(examples, EXIT_CODES_OF_BATCH);
}

function withCommon(yargs: Argv, usage: string): Argv {
  return yargs
    .usage(usage)
    .positional('patterns', {
      type: 'string',
      array: true,
      demandOption: true,
      describe: 'paths, and patterns such as ckpts/** (quoted); !PATTERN takes away from the others',
    })
    .options(COMMON);
}

interface RewriteArguments extends Common {
  'inherit-fd'?: Once;
  specs?: Once;
  'from-descriptors': boolean;
  link?: Once;
  to?: Once;
  'dry-run': boolean;
  'allow-unmatched': boolean;
  'drop-in-flight': boolean;
}

function rewriteBatch(context: Context): CommandModule<object, RewriteArguments> {
  return {
    command: 'rewrite <patterns..>',
    describe: 'rewrite each of them',
    builder: (yargs) =>
      withCommon(yargs as Argv, "fdgraft batch rewrite PATTERN... --out ROOT --inherit-fd 'fd[N]:KEY' [options]")
        .options(REWRITE_OPTIONS)
        .options({
          'in-place': { type: 'boolean', hidden: true },
          'save-plan': { type: 'string', hidden: true },
        })
        .epilogue(
          examplesOf([
            ["fdgraft batch rewrite 'ckpts/*' -o out --inherit-fd 'fd[5]:/proc/*/fd/1'", 'ckpts/a becomes out/ckpts/a'],
            ["fdgraft batch rewrite 'ckpts/**' --base ckpts -o out --from-descriptors", 'ckpts/a becomes out/a'],
            ["fdgraft batch rewrite 'ckpts/**' -o out --specs specs.json --shard auto", 'in a Slurm array'],
            ["fdgraft batch rewrite 'ckpts/**' -o out --specs specs.json --dry-run", 'what would come out'],
          ]),
        ) as never,
    handler: (args) => run(args, context, (args) => rewriteTask(args)),
  };
}

async function rewriteTask(args: RewriteArguments): Promise<BatchTask> {
  for (const [name, hint] of Object.entries(REFUSED)) {
    if ((args as unknown as Record<string, unknown>)[name] !== undefined) {
      throw messages.usage(`--${name} does not go with batch`, hint);
    }
  }
  const specFile = once('specs', args.specs);
  const listed = specFile === undefined ? [] : await (await import('../../index')).readSpecs(specFile);
  const specs = [...repeated(args['inherit-fd']), ...listed];
  if (specs.length === 0 && !args['from-descriptors']) throw messages.noSpecs();
  return {
    what: 'rewrite',
    options: {
      specs,
      fromDescriptors: args['from-descriptors'],
      ...outOptions(args),
      allowUnmatched: args['allow-unmatched'],
      dropInFlight: args['drop-in-flight'],
    },
  };
}

interface DecodeArguments extends Common {
  pretty: boolean;
  link?: Once;
  to?: Once;
}

function decodeBatch(context: Context): CommandModule<object, DecodeArguments> {
  return {
    command: 'decode <patterns..>',
    describe: "turn the images of each into crit's JSON",
    builder: (yargs) =>
      withCommon(yargs as Argv, 'fdgraft batch decode PATTERN... --out ROOT [--pretty] [options]')
        .options(DECODE_OPTIONS)
        .epilogue(
          examplesOf([["fdgraft batch decode 'ckpts/*' -o json", 'json/ckpts/a has NAME.img.json for NAME.img']]),
        ) as never,
    handler: (args) =>
      run(args, context, (args) => ({ what: 'decode', options: { pretty: args.pretty, ...outOptions(args) } })),
  };
}

interface ListArguments extends Common {
  'inherit-fd'?: Once;
  path?: Once;
  external: boolean;
}

function lsBatch(context: Context): CommandModule<object, ListArguments> {
  return {
    command: 'ls <patterns..>',
    describe: 'list what can be inherited of each, as NAME.ls.txt, or NAME.ls.json with --json',
    builder: (yargs) =>
      withCommon(yargs as Argv, 'fdgraft batch ls PATTERN... --out ROOT [--external] [--path GLOB] [options]')
        .options(LS_OPTIONS)
        .epilogue(examplesOf([["fdgraft batch ls 'ckpts/*' -o lists", 'lists/ckpts/a.ls.txt and so on']])) as never,
    handler: (args) =>
      run(args, context, (args) => {
        const specs = repeated(args['inherit-fd']);
        const path = once('path', args.path);
        const options = {
          ...(specs.length === 0 ? {} : { specs }),
          ...(path === undefined ? {} : { path }),
          external: args.external,
        };
        return { what: 'ls', options, isJson: args.json };
      }),
  };
}

interface DiffArguments extends Common {
  against?: Once;
  plan?: Once;
  format?: Once;
  payload: boolean;
  ignoreIds: boolean;
}

function diffBatch(context: Context): CommandModule<object, DiffArguments> {
  return {
    command: 'diff <patterns..>',
    describe: 'say what differs between each and the one at the same path below ROOT2',
    builder: (yargs) =>
      withCommon(yargs as Argv, 'fdgraft batch diff PATTERN... --against ROOT2 --out ROOT [--format FORMAT] [options]')
        .options(DIFF_OPTIONS)
        .options({
          against: { type: 'string', requiresArg: true, describe: 'ROOT2: has the others, at the same paths' },
          plan: {
            type: 'string',
            requiresArg: true,
            describe: 'a folder with, at the same paths, the plans that should explain it all (or the rewritten ones)',
          },
        })
        .epilogue(
          examplesOf([
            ["fdgraft batch diff 'ckpts/*' --against out -o diffs", 'diffs/ckpts/a.diff.txt and so on; exit code 1'],
            ["fdgraft batch diff 'ckpts/*' --against out --plan out -o proof", 'what a batch of rewrites did, proved'],
          ]),
        ) as never,
    handler: (args) =>
      run(args, context, (args) => {
        const against = once('against', args.against);
        const plans = once('plan', args.plan);
        if (against === undefined) throw messages.usage('nothing says what to compare with', 'give --against ROOT2');
        const format: DiffFormat = chooseFormat(args);
        const { payload, ignoreIds } = args;
        if (ignoreIds && plans !== undefined) throw messages.idsOfPlan();
        return { what: 'diff', against, ...(plans === undefined ? {} : { plans }), format, payload, ignoreIds };
      }),
  };
}

async function run<Arguments extends Common>(
  args: Arguments,
  context: Context,
  makeTask: (args: Arguments) => BatchTask | Promise<BatchTask>,
): Promise<void> {
  const out = once('out', args.out);
  const base = once('base', args.base);
  const jobs = parseJobs(once('jobs', args.jobs));
  const shardText = once('shard', args.shard);
  const isDry = 'dry-run' in args && args['dry-run'] === true;
  if (out === undefined && !isDry) throw messages.usage('nothing says where the outputs go', 'give --out ROOT');
  if (args.resume === false) {
    throw messages.usage(
      '--no-resume is not there: what is finished is recognised by what it holds',
      'to make all again, give another --out',
    );
  }
  const { batch, parseShard } = await import('../../index');
  const shard = shardText === undefined ? undefined : parseShard(shardText, process.env);
  const task = await makeTask(args);
  const { isArrayTask } = await import('../../batch/shard');
  if (shard === undefined && !args.quiet && isArrayTask(process.env)) await context.complain(NOTE_OF_ARRAY);
  const { BatchTeller } = await import('../batch/tell');
  const teller = new BatchTeller({ what: task.what, json: args.json, quiet: args.quiet }, context);
  try {
    const summary = await batch({
      task,
      patterns: args.patterns,
      ...(out === undefined || isDry ? {} : { out }),
      ...(base === undefined ? {} : { base }),
      ...(shard === undefined ? {} : { shard }),
      ...(jobs === undefined ? {} : { jobs }),
      failFast: args['fail-fast'],
      signal: context.signal,
      onJob: (job) => teller.onJob(job),
      onWarning: ({ message }) => teller.onWarning(message),
      onProgress: (progress) => teller.onProgress(progress),
    });
    await teller.onEnd(summary);
    if (summary.failed > 0) process.exitCode = 2;
    else if (summary.no > 0) context.answerNo();
  } catch (error) {
    if (context.signal.aborted) await teller.onInterrupt();
    throw error;
  }
}

const NOTE_OF_ARRAY =
  'note: each task of this Slurm array does all there is to do; --shard auto gives each a part of its own';

const MAX_JOBS = 1024;

function parseJobs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const jobs = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (jobs < 1 || jobs > MAX_JOBS) throw messages.usage(`--jobs ${text} is no number from 1 to ${MAX_JOBS}`);
  return jobs;
}
