import { escapeBytes } from '../bytes/escape';
import { messages } from '../errors/messages';
import { PLAN_IMAGE } from '../frames/image-kinds';
import { buildPlan } from '../plan/build-plan';
import { encodePlan } from '../plan/encode-plan';
import { type NextCommand, nextCommand, type Rewritten } from '../plan/next-command';
import type { Plan } from '../plan/plan';
import { needsAfter } from '../rewrite/needs-after';
import type { Survey } from '../rewrite/survey';
import { transform } from '../rewrite/transform';
import type { Warning } from '../rewrite/warning';
import type { SpecOptions } from '../specs/spec';
import { createSink } from '../storage/create-sink';
import type { Form } from '../storage/form';
import { beginInPlace, type InPlace } from '../storage/in-place';
import type { LinkMode } from '../storage/link-mode';
import { NullSink, type Sink, type SinkNotice } from '../storage/sink';
import type { Source } from '../storage/source';
import type { FixedDirectory } from '../storage/trusted-path';
import { version } from '../version';
import { type OptionNames, requireKnownOptions, requireOptions, requireOutput, requireSource } from './check-arguments';
import { podmanPlace } from './podman-place';
import { checkSavePlan, withSavedPlan } from './save-plan';
import { type ReadSpecs, readAsked, type Settled, settle } from './settle';

/** Options of `rewrite`. Without `out` and `inPlace`, nothing is written. */
export interface RewriteOptions {
  /** `fd[N]:KEY` and `debug[N]:TEXT`, alone or with options; at least one, unless `fromDescriptors`. */
  readonly specs: readonly (string | SpecOptions)[];
  /** The specs of the source's descriptors.json too, behind all others. */
  readonly fromDescriptors?: boolean;
  /** The directory or archive to make; undefined to find out only what would come out. */
  readonly out?: string;
  /** What `out` is to be; what the source is by default. */
  readonly to?: Form;
  /** Put the result in the place of the source, in one step; not together with `out`. */
  readonly inPlace?: boolean;
  /** How unchanged images get there; 'auto' by default. */
  readonly link?: LinkMode;
  /** Go on where a spec matches nothing. */
  readonly allowUnmatched?: boolean;
  /** Lose the unread bytes of inherited pipes, where a spec does not say what becomes of them. */
  readonly dropInFlight?: boolean;
  /** File to write the plan to, as JSON. */
  readonly savePlan?: string;
  /**
   * The directory around `out`, if the caller holds it open.
   * @internal
   */
  readonly fixed?: FixedDirectory | undefined;
  readonly signal?: AbortSignal;
  readonly onWarning?: (warning: Warning) => void;
  readonly onProgress?: (progress: RewriteProgress) => void;
}

/** How far the second pass of a rewrite is. */
export interface RewriteProgress {
  /** Name of the member that is written now, as bytes. */
  readonly member: Buffer;
}

/** The plan of a rewrite and notes on it, also of a dry run. */
export interface RewriteResult {
  /** The same that OUT has. */
  readonly plan: Plan;
  /** What restores the result; undefined where nothing was written. */
  readonly next: NextCommand | undefined;
  /** Specs with keys of external namespaces, which criu itself has to be given. */
  readonly leftToCriu: readonly string[];
  /** What came out otherwise than it went in, or is shared with the source. */
  readonly notices: readonly SinkNotice[];
}

/** Of `rewrite`. */
const OPTIONS: OptionNames<RewriteOptions> = {
  specs: true,
  fromDescriptors: true,
  out: true,
  to: true,
  inPlace: true,
  link: true,
  allowUnmatched: true,
  dropInFlight: true,
  savePlan: true,
  fixed: false,
  signal: true,
  onWarning: true,
  onProgress: true,
};

/**
 * Makes from the checkpoint `source` another one, in which the entries that the specs name are
 * placeholders, with the plan in it. It appears whole or not at all.
 * Throws FdgraftError; SPEC_UNMATCHED has exit code 1, all others 2.
 */
export async function rewrite(source: Source, options: RewriteOptions): Promise<RewriteResult> {
  requireSource(source);
  requireOptions(options, 'specs');
  requireKnownOptions(options, OPTIONS);
  requireOutput(options, false);
  const specs = await readAsked(source, options);
  if (options.inPlace && options.out !== undefined) {
    throw messages.usage('out and inPlace were given both', 'give one of them');
  }
  const inPlace = options.inPlace ? await beginInPlace(source) : undefined;
  await checkSavePlan(source, options);
  const settled = await settle(source, specs, options);
  const notices: SinkNotice[] = [];
  const sink = await chooseSink(source, options, inPlace, notices);
  try {
    const plan = await write(source, sink, specs, settled, options);
    return { plan, ...whatIsNext(source, specs, settled, plan, options), notices };
  } finally {
    await sink.abort();
  }
}

/** Makes the result and tells the warnings. Returns its plan. */
async function write(
  source: Source,
  sink: Sink,
  { inherits, debugs }: ReadSpecs,
  { found, decision, gathered, left, warnings }: Settled,
  { signal, savePlan, onProgress, onWarning }: RewriteOptions,
): Promise<Plan> {
  const changed = await transform(source, sink, decision, signal, (member) => onProgress?.({ member }));
  const plan = buildPlan({
    tool: `fdgraft ${version()}`,
    inherits,
    left: new Set(left.keys()),
    debugs,
    decision,
    changed,
    pidsOf: (table) => found.tasks.pidsOf(table),
    gathered,
    warnings,
  });
  for (const { code, message, file_id } of plan.warnings) {
    onWarning?.({ code: code as Warning['code'], message, ...(file_id === undefined ? {} : { fileId: file_id }) });
  }
  await putPlan(sink, found, plan);
  signal?.throwIfAborted();
  const sources = [found.filesImage, ...(source.archive === undefined ? [] : [source.archive])];
  await withSavedPlan(plan, savePlan, sources, () => sink.commit());
  return plan;
}

function whatIsNext(
  source: Source,
  { inherits }: ReadSpecs,
  { found, decision, left }: Settled,
  plan: Plan,
  options: RewriteOptions,
): Pick<RewriteResult, 'next' | 'leftToCriu'> {
  const leftToCriu = [...left].map(([number, { key }]) => `fd[${inherits[number]?.callerFd}]:${key}`);
  const written = whereWritten(source, options);
  const next =
    written === undefined ? undefined : nextCommand(plan, written, leftToCriu, needsAfter(decision, found.needs));
  return { next, leftToCriu };
}

function whereWritten(source: Source, { inPlace, out, to }: RewriteOptions): Rewritten | undefined {
  const place = inPlace ? source.label : out;
  if (place === undefined) return undefined;
  const inside = escapeBytes(source.archive?.inside ?? Buffer.alloc(0));
  const podman = podmanPlace(source);
  return {
    out: place,
    inside,
    isArchive: (to ?? source.form) !== 'dir',
    isInPlace: inPlace === true,
    ...(podman === undefined ? {} : { podman }),
  };
}

async function chooseSink(
  source: Source,
  { out, to, link, fixed, signal }: RewriteOptions,
  inPlace: InPlace | undefined,
  notices: SinkNotice[],
): Promise<Sink> {
  const onNotice = (notice: SinkNotice) => notices.push(notice);
  if (inPlace !== undefined) return inPlace.createSink({ onNotice, signal });
  return out === undefined ? new NullSink() : createSink(source, out, { to, link, fixed, signal, onNotice });
}

/** Who may read files.img may read the plan. Set-id bits are no rights to it. */
async function putPlan(sink: Sink, found: Survey, plan: Plan): Promise<void> {
  const { uid, gid, mtime } = found.filesImage;
  const mode = found.filesImage.mode & 0o777;
  const name = Buffer.from(PLAN_IMAGE);
  const writer = await sink.put({ name, kind: 'file', mode, uid, gid, ...(mtime === undefined ? {} : { mtime }) });
  try {
    for (const chunk of encodePlan(plan)) await writer.write(chunk);
  } finally {
    await writer.close();
  }
}
