import { messages } from '../../errors/messages';
import { openSource } from '../../operations/open-source';
import type { RewriteOptions } from '../../operations/rewrite';
import { rewrite } from '../../operations/rewrite';
import { planChunks } from '../../plan/plan-json';
import * as report from '../../report/rewrite';
import { withSource } from '../../storage/with-source';
import { command } from '../command';
import type { Context } from '../context';
import { type OutOptions, once, outOptions, repeated, withFormOfName } from '../options';
import { printChunks } from '../print-chunks';
import { specsOfFile } from '../specs-of-file';
import { REWRITE_USAGE } from '../usage/rewrite';

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

/** The places that the result and its plan go to. */
interface Places {
  readonly out: string | undefined;
  readonly outs: OutOptions;
  readonly savePlan: string | undefined;
}

/** Options that do not go together. Throws FdgraftError (USAGE). */
function refuseContradictions(args: Arguments, { out, outs, savePlan }: Places): void {
  const inPlace = args['in-place'];
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
}

async function run(args: Arguments, context: Context): Promise<void> {
  const places: Places = {
    out: once('out', args.out),
    outs: outOptions(args),
    savePlan: once('save-plan', args['save-plan']),
  };
  refuseContradictions(args, places);
  const { out, outs, savePlan } = places;
  const inPlace = args['in-place'];
  const specFile = once('specs', args.specs);
  const options: RewriteOptions = {
    specs: [...repeated(args['inherit-fd']), ...(await specsOfFile(specFile, context.signal))],
    fromDescriptors: args['from-descriptors'],
    ...(out === undefined || args['dry-run'] ? {} : { out }),
    inPlace: inPlace && !args['dry-run'],
    ...(savePlan === undefined || savePlan === '-' ? {} : { savePlan }),
    allowUnmatched: args['allow-unmatched'],
    dropInFlight: args['drop-in-flight'],
    signal: context.signal,
  };
  const result = await withSource(await openSource(args.source, { signal: context.signal, exact: true }), (source) =>
    rewrite(source, { ...options, ...withFormOfName(outs, options.out, source) }),
  );
  if (!args.quiet) await context.complain(report.remarks(result));
  const made = args['dry-run'] ? undefined : inPlace ? args.source : out;
  const text = report.rewriteText(result);
  try {
    if (savePlan === '-') await printChunks(context, planChunks(result.plan));
    else if (args.json) await printChunks(context, report.rewriteJson(result, made));
    else if (!args.quiet) await context.print(text);
  } catch (error) {
    throw made === undefined ? error : messages.madeButNotTold(made, error);
  }
  if (savePlan === '-' && !args.quiet) await context.complain(text.trimEnd().split('\n'));
}

export const { main, perform, areV8FlagsSet } = command(REWRITE_USAGE, run);
