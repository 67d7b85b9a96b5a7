import { compareImages, type ImageInput } from '../diff/compare-images';
import { compareSources } from '../diff/compare-sources';
import { Gathered } from '../diff/gather';
import { CheckpointIds } from '../diff/ids/checkpoint-ids';
import { pairIds } from '../diff/ids/pair-ids';
import { copyOf, type LoneImage, pairIdsOfImages } from '../diff/lone-images';
import { PlanProof } from '../diff/proof/plan-proof';
import type { DiffResult } from '../diff/result';
import { FdgraftError } from '../errors/fdgraft-error';
import { messages } from '../errors/messages';
import type { Plan } from '../plan/plan';
import { compareMemberNames } from '../storage/member-order';
import type { Source } from '../storage/source';
import { type OptionNames, requireKnownOptions, requireSource } from './check-arguments';
import { FIRST_MEMBERS } from './open-source';
import { planIn } from './plan-of';

export type { LoneImage } from '../diff/lone-images';
export type { DiffHint, DiffResult, ToldDifference } from '../diff/result';

/** Options of `diff`; a lone image has no plan and no graph. */
export interface DiffOptions {
  /** What the second checkpoint was made by: what it does not explain is told apart. Its own plan where undefined. */
  readonly plan?: Plan;
  /** Buffers and payload are shown; else only how many bytes they are, and their digests, since they may be secrets. */
  readonly payload?: boolean;
  /**
   * Ids that a dump or the kernel made up (file ids, numbers of tables, pipes, sockets, namespaces) are compared by what
   * they stand for, not as numbers: for two dumps of one program. It does not go with a plan, which names files by id.
   */
  readonly ignoreIds?: boolean;
  /** Asks for `graph` in the result. */
  readonly graph?: boolean;
  readonly signal?: AbortSignal;
}

const inOrder = (a: Buffer, b: Buffer) => compareMemberNames(a.toString('latin1'), b.toString('latin1'), FIRST_MEMBERS);

/** Of `diff`. */
const OPTIONS: OptionNames<DiffOptions> = {
  plan: true,
  payload: true,
  ignoreIds: true,
  graph: true,
  signal: true,
};

/**
 * Compares two checkpoints by what their images say: entries are paired by what they are, fields by number. Memory
 * grows with what differs in place only. Throws FdgraftError.
 */
export async function diff(before: Source, after: Source, options: DiffOptions = {}): Promise<DiffResult> {
  requireSource(before);
  requireSource(after);
  requireKnownOptions(options, OPTIONS);
  const { plan, signal, graph, ignoreIds, payload: showsBytes } = options;
  if (ignoreIds && plan !== undefined) throw messages.idsOfPlan();
  const ids = ignoreIds
    ? await pairIds(await CheckpointIds.read(before, signal), await CheckpointIds.read(after, signal), signal)
    : undefined;
  const proof = plan && (await PlanProof.of(plan, before, signal));
  const gathered = new Gathered({ proof, ids, showsBytes, graph, signal });
  try {
    for await (const found of compareSources(before, after, inOrder, { showsBytes, ids, signal })) gathered.add(found);
    return await gathered.conclude({ before, after, ownPlan: () => readablePlanIn(after) });
  } catch (error) {
    gathered.close();
    throw error;
  }
}

/** The plan puts differences into words; one that cannot be read is a difference itself. Throws FdgraftError (SYSTEM). */
async function readablePlanIn(source: Source): Promise<Plan | undefined> {
  try {
    return await planIn(source);
  } catch (error) {
    if (error instanceof FdgraftError && error.code !== 'SYSTEM') return undefined;
    throw error;
  }
}

/** Compares two images alone. With `ignoreIds`, only what is in them can say what ids stand for. Throws FdgraftError. */
export async function diffImages(
  before: LoneImage,
  after: LoneImage,
  options: Pick<DiffOptions, 'signal' | 'payload' | 'ignoreIds'> = {},
): Promise<DiffResult> {
  const { signal, payload: showsBytes } = options;
  const copies = options.ignoreIds ? [await copyOf(before, signal), await copyOf(after, signal)] : [];
  let gathered: Gathered | undefined;
  try {
    const ids = options.ignoreIds ? await pairIdsOfImages(before.name, copies, signal) : undefined;
    gathered = new Gathered({ ids, showsBytes, signal });
    const image = before.name.slice(before.name.lastIndexOf('/') + 1);
    const [a, b] = [before, after].map(({ reader, name }, i) => ({
      reader: copies[i]?.reader() ?? reader,
      file: name,
    })) as [ImageInput, ImageInput];
    for await (const found of compareImages(image, a, b, { showsBytes, ids, signal })) {
      signal?.throwIfAborted();
      gathered.add(found);
    }
    return await gathered.conclude();
  } catch (error) {
    gathered?.close();
    throw error;
  } finally {
    for (const copy of copies) copy.close();
  }
}
