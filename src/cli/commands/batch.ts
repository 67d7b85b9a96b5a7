import { batch } from '../../batch/batch';
import { isArrayTask, parseShard } from '../../batch/shard';
import type { BatchTask } from '../../batch/task';
import { messages } from '../../errors/messages';
import { BatchTeller } from '../batch/tell';
import { command } from '../command';
import type { Context } from '../context';
import { chooseFormat } from '../diff-format';
import { once, outOptions, repeated } from '../options';
import { specsOfFile } from '../specs-of-file';
import { BATCH_USAGE } from '../usage/batch';

type Once = string | string[];

interface Common {
  readonly _: readonly ['batch', BatchTask['what']];
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

/** What single commands have and a batch has not: refused with the reason. */
const REFUSED = {
  'in-place': 'a batch makes outputs of its own: give --out ROOT',
  'save-plan': 'each output has its plan in it, inherit-plan.img; --dry-run --json prints all plans',
} as const;

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

async function rewriteTask(args: RewriteArguments, signal: AbortSignal): Promise<BatchTask> {
  for (const [name, hint] of Object.entries(REFUSED)) {
    if ((args as unknown as Record<string, unknown>)[name] !== undefined) {
      throw messages.usage(`--${name} does not go with batch`, hint);
    }
  }
  const specFile = once('specs', args.specs);
  const listed = await specsOfFile(specFile, signal);
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

function decodeTask(args: DecodeArguments): BatchTask {
  return { what: 'decode', options: { pretty: args.pretty, ...outOptions(args) } };
}

interface ListArguments extends Common {
  'inherit-fd'?: Once;
  path?: Once;
  external: boolean;
}

function listTask(args: ListArguments): BatchTask {
  const specs = repeated(args['inherit-fd']);
  const path = once('path', args.path);
  const options = {
    ...(specs.length === 0 ? {} : { specs }),
    ...(path === undefined ? {} : { path }),
    external: args.external,
  };
  return { what: 'ls', options, isJson: args.json };
}

interface DiffArguments extends Common {
  against?: Once;
  plan?: Once;
  format?: Once;
  payload: boolean;
  ignoreIds: boolean;
}

function diffTask(args: DiffArguments): BatchTask {
  const against = once('against', args.against);
  const plans = once('plan', args.plan);
  if (against === undefined) throw messages.usage('nothing says what to compare with', 'give --against ROOT2');
  const format = chooseFormat(args);
  const { payload, ignoreIds } = args;
  if (ignoreIds && plans !== undefined) throw messages.idsOfPlan();
  return { what: 'diff', against, ...(plans === undefined ? {} : { plans }), format, payload, ignoreIds };
}

/** By the second word of the line. */
const TASKS: {
  readonly [what in BatchTask['what']]: (args: never, signal: AbortSignal) => BatchTask | Promise<BatchTask>;
} = {
  rewrite: rewriteTask,
  decode: decodeTask,
  ls: listTask,
  diff: diffTask,
};

async function run(args: Common, context: Context): Promise<void> {
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
  const shard = shardText === undefined ? undefined : parseShard(shardText, process.env);
  const task = await TASKS[args._[1]](args as never, context.signal);
  if (shard === undefined && !args.quiet && isArrayTask(process.env)) await context.complain(NOTE_OF_ARRAY);
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

export const { main, perform, areV8FlagsSet } = command(BATCH_USAGE, run);
