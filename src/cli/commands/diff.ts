import fs from 'node:fs';
import { messages } from '../../errors/messages';
import type { DiffResult } from '../../operations/diff';
import { diff, diffImages } from '../../operations/diff';
import { openSource } from '../../operations/open-source';
import { whoMayRead } from '../../operations/who-may-read';
import { HINTS } from '../../report/diff-report';
import { createDiffReport, type DiffFormat, isFine, writeDiff } from '../../report/write-diff';
import { sourceUnreadable } from '../../storage/denied';
import type { FileAccess } from '../../storage/file-mode';
import { orAborted } from '../../storage/or-aborted';
import { withSource } from '../../storage/with-source';
import { isWrittenInto } from '../../storage/written-into';
import { command } from '../command';
import type { Context } from '../context';
import { chooseFormat } from '../diff-format';
import { once } from '../options';
import { STANDARD_STREAM } from '../standard-stream';
import { DIFF_USAGE } from '../usage/diff';
import { isCheckpoint, openInput, whoMayReadStdin, withOutput, wordOf } from './image-streams';

type Writer = { write(bytes: Uint8Array): Promise<void> };

interface Arguments {
  before: string;
  after: string;
  format?: string | string[];
  plan?: string | string[];
  out?: string | string[];
  payload: boolean;
  ignoreIds: boolean;
  json: boolean;
  quiet: boolean;
  color: boolean;
}

async function run(args: Arguments, context: Context): Promise<void> {
  const notes: string[] = [];
  await compareAndWrite(args, context, notes);
  // Behind the pager.
  if (!args.quiet) for (const note of notes) await context.complain(note);
}

async function compareAndWrite(args: Arguments, context: Context, notes: string[]): Promise<void> {
  const out = once('out', args.out);
  const format = chooseFormat(args);
  if (args.quiet && out === undefined) return tell(args, format, context, notes, undefined);
  const work = (writer: Writer) => tell(args, format, context, notes, writer);
  if (format === 'text' && out === undefined) return (await import('../pager')).withPager(context, work);
  for (const place of [args.before, args.after, once('plan', args.plan)]) {
    if (out !== undefined && place !== undefined && isWrittenInto(out, place)) throw messages.outIsCompared(out, place);
  }
  const sources = out === undefined || out === STANDARD_STREAM ? [] : await whoMayReadAll(args);
  // The place is tried before a comparison that may take long.
  await withOutput(out, sources, context, '', work);
}

async function whoMayReadAll(args: Arguments): Promise<FileAccess[]> {
  const plan = once('plan', args.plan);
  const places = [wordOf(args.before), wordOf(args.after), ...(plan === undefined ? [] : [plan])];
  const each = places.map((place) => (place === STANDARD_STREAM ? whoMayReadStdin() : whoMayRead(place)));
  return (await Promise.all(each)).flat();
}

async function tell(
  args: Arguments,
  format: DiffFormat,
  context: Context,
  notes: string[],
  writer: Writer | undefined,
): Promise<void> {
  const [before, after] = [wordOf(args.before), wordOf(args.after)];
  const planPath = once('plan', args.plan);
  if (args.ignoreIds && planPath !== undefined) throw messages.idsOfPlan();
  const isProof = planPath !== undefined;
  const { payload, ignoreIds } = args;
  const result = await compare(before, after, planPath, { payload, ignoreIds, graph: format === 'html' }, context);
  try {
    // Said before anybody may have read enough.
    if (!isFine(result, isProof)) context.answerNo();
    if (writer !== undefined) {
      const isShown = once('out', args.out) === undefined;
      const emphasize = (text: string) => (isShown ? context.emphasize(text, args.color) : text);
      const names = { before: args.before, after: args.after };
      await writeDiff(result, await createDiffReport(format, { ...names, isProof, emphasize }), writer);
    }
    for (const hint of result.hints) notes.push(`note: ${HINTS[hint]}`);
  } finally {
    result.close();
  }
}

async function compare(
  before: string,
  after: string,
  planPath: string | undefined,
  { payload, ignoreIds, graph }: { payload: boolean; ignoreIds: boolean; graph: boolean },
  context: Context,
): Promise<DiffResult> {
  const { signal } = context;
  for (const file of [before, after]) {
    if (file === STANDARD_STREAM) continue;
    try {
      fs.statSync(file);
    } catch (error) {
      throw sourceUnreadable(file, error);
    }
  }
  const isWhole = isCheckpoint(before);
  if (isWhole !== isCheckpoint(after)) {
    throw messages.usage(
      'a checkpoint and an image have nothing to compare',
      'give two directories or archives, or two images',
    );
  }
  if (isWhole) {
    const plan =
      planPath === undefined
        ? undefined
        : await orAborted((await import('../../operations/plan-of')).readPlanOf(planPath), signal);
    const options = { signal, payload, ignoreIds, graph, ...(plan === undefined ? {} : { plan }) };
    return withSource(await openSource(before, { signal }), async (a) =>
      withSource(await openSource(after, { signal }), (b) => diff(a, b, options)),
    );
  }
  if (planPath !== undefined) throw messages.usage('--plan goes with two checkpoints', 'leave it out');
  if (before === STANDARD_STREAM && after === STANDARD_STREAM) {
    throw messages.usage('stdin can be one of the two only', 'name a file for the other one');
  }
  const [a, b] = [openInput(before, true, context), openInput(after, true, context)];
  try {
    return await diffImages(a, b, { signal, payload, ignoreIds });
  } finally {
    await a.reader.close();
    await b.reader.close();
  }
}

export const { main, perform, areV8FlagsSet } = command(DIFF_USAGE, run);
