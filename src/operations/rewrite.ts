import fs from 'node:fs';
import path from 'node:path';
import { escapeBytes, escapeControls } from '../bytes/escape';
import { shellQuote } from '../bytes/shell-word';
import { isReachedByAddress } from '../checkpoint/socket-types';
import { Tally } from '../checkpoint/tally';
import { messages } from '../errors/messages';
import { someOf } from '../errors/some-of';
import { PLAN_IMAGE } from '../frames/image-kinds';
import { buildPlan } from '../plan/build-plan';
import { encodePlan } from '../plan/encode-plan';
import { type NextCommand, nextCommand, type Rewritten } from '../plan/next-command';
import type { Plan } from '../plan/plan';
import { planChunks } from '../plan/plan-json';
import { decide } from '../rewrite/decide';
import type { Decision } from '../rewrite/decision';
import { type ExternalKey, findLeftToCriu, readExternalKeys } from '../rewrite/external-keys';
import { gatherCredentials } from '../rewrite/gather-credentials';
import { lostPipeOwners } from '../rewrite/lost-pipe-owners';
import { explainUnmatched } from '../rewrite/near-misses/explain-unmatched';
import { type ResolvedKeys, resolveKeys } from '../rewrite/resolve-keys';
import type { RestoreNeeds, RestoreOption } from '../rewrite/restore-needs';
import { standardDescriptors } from '../rewrite/standard-descriptors';
import { type Survey, survey } from '../rewrite/survey';
import { transform } from '../rewrite/transform';
import type { Warning } from '../rewrite/warning';
import { DESCRIPTOR_LIST } from '../specs/descriptor-list';
import { parseSpec } from '../specs/parse-spec';
import { parseSpecs } from '../specs/parse-specs';
import type { DebugSpec, InheritSpec, Spec, SpecOptions } from '../specs/spec';
import { createSink } from '../storage/create-sink';
import { type FileAccess, modeLike } from '../storage/file-mode';
import type { Form } from '../storage/form';
import { beginInPlace, type InPlace } from '../storage/in-place';
import type { LinkMode } from '../storage/link-mode';
import { createFile } from '../storage/single-file';
import { NullSink, type Sink, type SinkNotice } from '../storage/sink';
import type { Source } from '../storage/source';
import type { FixedDirectory } from '../storage/trusted-path';
import { isWrittenInto } from '../storage/written-into';
import { version } from '../version';
import { requireOptions, requireSource } from './check-arguments';
import { podmanPlace } from './podman-place';
import { readDescriptorList } from './read-specs';

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

/**
 * Makes from the checkpoint `source` another one, in which the entries that the specs name are
 * placeholders, with the plan in it. It appears whole or not at all.
 * Throws FdgraftError; SPEC_UNMATCHED has exit code 1, all others 2.
 */
export async function rewrite(source: Source, options: RewriteOptions): Promise<RewriteResult> {
  requireSource(source);
  requireOptions(options, 'specs');
  const given = parseSpecs(options.specs, parseSpec);
  const listed = options.fromDescriptors ? parseSpecs(await readDescriptorList(source), parseSpec) : [];
  if (given.length === 0 && options.fromDescriptors !== true) throw messages.noSpecs();
  if (options.inPlace && options.out !== undefined) {
    throw messages.usage('out and inPlace were given both', 'give one of them');
  }
  const inPlace = options.inPlace ? await beginInPlace(source) : undefined;
  await checkSavePlan(source, options);
  const specs = [...given, ...listed];
  const inherits = specs.filter((spec): spec is InheritSpec => spec.kind === 'inherit');
  // They stand behind all others.
  const isListed = (number: number) => number >= inherits.length - listed.length;
  const resolved = await resolveKeys(source, inherits, options.signal);
  const found = await survey(source, inherits, resolved, options.signal);
  const debugs = specs.filter((spec): spec is DebugSpec => spec.kind === 'debug');
  const policy = { dropInFlight: options.dropInFlight ?? false, debugs, mayRepeat: isListed };
  const decision = decide(found, inherits, policy);
  countPlanned(source, found, decision);
  const mayMiss = (number: number) => options.allowUnmatched === true || isListed(number);
  const { left, unmatched } = await checkUnmatched(
    source,
    found,
    inherits,
    resolved,
    decision,
    mayMiss,
    options.signal,
  );
  if (options.fromDescriptors === true && decision.placeholders.length + left.size === 0 && !options.allowUnmatched) {
    throw await nothingListed(source, found, listed, options.signal);
  }
  const gathered = await gatherCredentials(source, decision.placeholders, found.tasks, options.signal);
  const lostOwners = lostPipeOwners(decision.placeholders, inherits, gathered.userNamespace);
  const mounts = [...warnOfMounts(decision, found.needs), ...warnOfNetwork(decision, found.needs)];
  const warnings = [...unmatched, ...warnOfLeft(left, inherits), ...lostOwners, ...mounts];
  const notices: SinkNotice[] = [];
  const sink = await chooseSink(source, options, inPlace, notices);
  try {
    const onMember = (member: Buffer) => options.onProgress?.({ member });
    const changed = await transform(source, sink, decision, options.signal, onMember);
    const pidsOf = (table: number) => found.tasks.pidsOf(table);
    const tool = `fdgraft ${version()}`;
    const plan = buildPlan({
      tool,
      inherits,
      left: new Set(left.keys()),
      debugs,
      decision,
      changed,
      pidsOf,
      gathered,
      warnings,
    });
    for (const { code, message, file_id } of plan.warnings) {
      options.onWarning?.({
        code: code as Warning['code'],
        message,
        ...(file_id === undefined ? {} : { fileId: file_id }),
      });
    }
    await putPlan(sink, found, plan);
    options.signal?.throwIfAborted();
    const sources = [found.filesImage, ...(source.archive === undefined ? [] : [source.archive])];
    await withSavedPlan(plan, options.savePlan, sources, () => sink.commit());
    const written = whereWritten(source, options);
    const leftToCriu = [...left].map(([number, { key }]) => `fd[${inherits[number]?.callerFd}]:${key}`);
    const next =
      written === undefined ? undefined : nextCommand(plan, written, leftToCriu, needsAfter(decision, found.needs));
    return { plan, next, leftToCriu, notices };
  } finally {
    await sink.abort();
  }
}

/** The needs of what was rewritten: CRIU takes a stand-in for a socket outside of the tree, and no terminal that went. */
function needsAfter({ placeholders }: Decision, needs: RestoreNeeds): RestoreNeeds {
  const hasStandIn = placeholders.some(({ standIn }) => standIn !== undefined);
  const gone = new Set(placeholders.map(({ terminal, lostTerminal }) => (terminal ?? lostTerminal)?.id));
  const isJobByTerminal =
    !needs.options.includes('--shell-job') && needs.outerTerminals.some((terminal) => !gone.has(terminal));
  const options = new Set<RestoreOption>([
    ...needs.options,
    ...(hasStandIn ? (['--ext-unix-sk'] as const) : []),
    ...(isJobByTerminal ? (['--shell-job'] as const) : []),
  ]);
  return { ...needs, isJobByTerminal, options: [...options].sort() };
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

async function checkUnmatched(
  source: Source,
  found: Survey,
  inherits: readonly InheritSpec[],
  resolved: ResolvedKeys,
  decision: Decision,
  mayMiss: (spec: number) => boolean,
  signal: AbortSignal | undefined,
): Promise<{ left: ReadonlyMap<number, ExternalKey>; unmatched: Warning[] }> {
  const empty = inherits.flatMap((_spec, number) => (decision.matchCounts[number] === 0 ? [number] : []));
  const keys = empty.length === 0 ? [] : await readExternalKeys(source, signal);
  const left = findLeftToCriu(inherits, empty, keys);
  const unmatched = empty.filter((number) => !left.has(number));
  const wrong = unmatched.filter((number) => !mayMiss(number));
  if (wrong.length > 0) {
    const explained = await explainUnmatched(source, { found, specs: inherits, resolved, keys }, wrong, signal);
    const hint = 'fdgraft ls shows what can be inherited; --allow-unmatched goes on without';
    throw messages.specsUnmatched(explained, hint);
  }
  const warnings = unmatched.map((number): Warning => {
    return { code: 'SPEC_UNMATCHED', message: `${inherits[number]?.text} matches nothing` };
  });
  return { left, unmatched: warnings };
}

/** More pipes than stdin, stdout and stderr are in no list that a runtime makes. */
const MAX_LISTED = 3;

/** Says what the standard descriptors are now: the list tells what they were when the container was started. */
async function nothingListed(
  source: Source,
  found: Survey,
  listed: readonly Spec[],
  signal: AbortSignal | undefined,
): Promise<Error> {
  const pipes = listed.flatMap((spec) => (spec.kind === 'inherit' ? [spec.keyText] : []));
  const there = await standardDescriptors(source, found.tasks, signal);
  return messages.nothingListed(
    DESCRIPTOR_LIST,
    [...new Set(pipes)].slice(0, MAX_LISTED),
    there.map(({ pid, fd, file: { type, name, nameBytes } }) => {
      const what = `${pid}/${fd} is ${name === undefined ? `a ${type} entry` : name}`;
      return name !== undefined && nameBytes === undefined
        ? `${what}: --inherit-fd 'fd[${fd}]:/proc/${pid}/fd/${fd}'`
        : what;
    }),
  );
}

function warnOfLeft(left: ReadonlyMap<number, ExternalKey>, inherits: readonly InheritSpec[]): Warning[] {
  return [...left].map(([number, { what, image }]) => {
    const text = escapeControls(inherits[number]?.text ?? '');
    const message = `${text} is the key of an external ${what} (${image}), which criu inherits itself: pass --inherit-fd ${shellQuote(text)} to criu restore`;
    return { code: 'KEY_LEFT_TO_CRIU', message };
  });
}

/**
 * CRIU looks up the mount of each open path at a dump, and knows the mounts of the container alone (tried: "Can't lookup
 * mount"). The rewrite never sees the caller's files.
 */
function warnOfMounts({ placeholders }: Decision, { mountImage }: RestoreNeeds): Warning[] {
  if (mountImage === undefined || placeholders.length === 0) return [];
  const message = `the dump has a mount namespace of its own (${mountImage}): after a restore with a file, a named FIFO or /dev/null of the host, the next dump fails with "Can't lookup mount"; give pipes, which can be dumped again, or name the file to that dump with --external file[MNT:INO]`;
  return [{ code: 'OWN_MOUNT_NAMESPACE', message }];
}

/** A socket stays in the network namespace that it was made in (network_namespaces(7)), wherever its descriptor goes. */
function warnOfNetwork({ placeholders }: Decision, { networkImage }: RestoreNeeds): Warning[] {
  if (networkImage === undefined) return [];
  const keys = [
    ...new Set(placeholders.flatMap(({ match: { facts } }) => (isReachedByAddress(facts) ? facts.key : []))),
  ];
  if (keys.length === 0) return [];
  const message = `the dump has a network namespace of its own (${networkImage}), and the caller's socket stays in the one where it was made: nobody in the restored namespace reaches it as ${someOf(keys)}; if the restore joins a namespace that exists, make the socket there`;
  return [{ code: 'OWN_NETWORK_NAMESPACE', message }];
}

/** The plan names each descriptor with all tasks that have it: refused before anything is made where that is too much. */
function countPlanned(source: Source, { tasks }: Survey, { placeholders }: Decision): void {
  const tally = new Tally(source.label);
  tally.count('placeholders', placeholders.length);
  for (const { references } of placeholders) {
    for (const { table } of references.descriptors) tally.count('planned', Math.max(1, tasks.pidsOf(table).length));
  }
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

/** Refuses, before anything is made, a place for the plan that belongs to the source or to OUT. */
async function checkSavePlan(source: Source, { savePlan, out }: RewriteOptions): Promise<void> {
  if (savePlan === undefined) return;
  await fs.promises.realpath(path.dirname(savePlan)).catch((error) => {
    throw messages.systemError(error, savePlan);
  });
  const { directory, archive } = source;
  if (directory !== undefined && isWrittenInto(savePlan, directory)) throw messages.planInsideSource(savePlan);
  if (archive !== undefined && isWrittenInto(savePlan, archive.path)) throw messages.planIsSource(savePlan);
  if (out !== undefined && path.resolve(out) === path.resolve(savePlan)) throw messages.planIsOut(savePlan);
  const target = await fs.promises.stat(savePlan).catch(() => undefined);
  if (target?.isDirectory()) throw messages.planIsDirectory(savePlan);
}

/** Saves the plan where the rest succeeds, and only there. Nobody may read it who may not read all `sources`. */
async function withSavedPlan(
  plan: Plan,
  file: string | undefined,
  sources: readonly FileAccess[],
  commit: () => Promise<void>,
): Promise<void> {
  if (file === undefined) return commit();
  const [there, behind] = [
    await fs.promises.lstat(file).catch(() => undefined),
    await fs.promises.stat(file).catch(() => undefined),
  ];
  if (there !== undefined && behind?.isFile() !== true) {
    // A device, a FIFO or a link to what is not there stays what it is: the plan goes through it.
    await commit();
    await fs.promises
      .writeFile(file, planChunks(plan), { mode: modeLike(sources, path.dirname(file)) })
      .catch((error) => {
        throw messages.systemError(error, file);
      });
    return;
  }
  const saved = createFile(file, { sources });
  try {
    for (const chunk of planChunks(plan)) await saved.write(Buffer.from(chunk));
    await commit();
    await saved.commit();
  } finally {
    await saved.abort();
  }
}
