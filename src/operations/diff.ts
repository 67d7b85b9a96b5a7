import type { ByteReader } from '../bytes/byte-stream';
import { escapeBytes } from '../bytes/escape';
import { imageOf } from '../checkpoint/open-image';
import { checkDigests } from '../diff/check-digests';
import { compareFiles } from '../diff/compare-files';
import { compareImages, type ImageInput } from '../diff/compare-images';
import { CheckpointContext } from '../diff/context';
import type { Difference } from '../diff/difference';
import { PlanExplanation } from '../diff/explain';
import { buildGraph, type DiffGraph } from '../diff/graph';
import { CheckpointIds } from '../diff/ids/checkpoint-ids';
import { idInName, isSameByBytes, type NamedById } from '../diff/ids/id-fields';
import type { IdPairs } from '../diff/ids/id-pairs';
import { pairIds } from '../diff/ids/pair-ids';
import { ImageEntries } from '../diff/image-entries';
import { Meaning, type Statement } from '../diff/meaning';
import { compareMemory, pagesOf, readMemory } from '../diff/memory';
import { pairMembers } from '../diff/pair-members';
import { messages } from '../errors/messages';
import { identifyImage, kindOfMagic, rawContentOf } from '../frames/image-kinds';
import { RecordReader } from '../frames/record-reader';
import type { Plan } from '../plan/plan';
import { shapeOf } from '../schema/shape';
import { compareMemberNames } from '../storage/member-order';
import { areOneFile } from '../storage/same-file';
import { isFileOrLeadsToOne, type Source, type SourceMember } from '../storage/source';
import { Spool } from '../storage/spool';
import { FIRST_MEMBERS } from './open-source';
import { planIn } from './plan-of';

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

/** A difference, and whether the plan accounts for it; undefined where no plan was given. */
export type ToldDifference = Difference & { readonly explained?: boolean };

export interface DiffResult {
  readonly isSame: boolean;
  /** What it all means, a line each. */
  readonly meaning: readonly Statement[];
  /** Which descriptors and caller fds the entries that differ have; where it was asked for, and something differs. */
  readonly graph?: DiffGraph;
  /** With a plan: how many differences it does not explain, and what else does not fit it, a line each. */
  readonly unexplained: number;
  readonly misfits: readonly string[];
  /** The differences one by one, once. They wait in a file where they are many; `close` lets go of it. */
  differences(): AsyncIterable<ToldDifference>;
  close(): void;
}

/**
 * Compares two checkpoints by what their images say: entries are paired by what they are, fields by number. Memory
 * grows with what differs in place only. Throws FdgraftError.
 */
export async function diff(before: Source, after: Source, options: DiffOptions = {}): Promise<DiffResult> {
  const { plan, signal, graph, ignoreIds } = options;
  if (ignoreIds && plan !== undefined) throw messages.idsOfPlan();
  const ids = ignoreIds
    ? await pairIds(await CheckpointIds.read(before, signal), await CheckpointIds.read(after, signal), signal)
    : undefined;
  const gathered = new Gathered(plan, ids, signal, graph);
  try {
    for await (const difference of compareSources(before, after, { ...options, ids })) gathered.add(difference);
    return await gathered.conclude(before, after);
  } catch (error) {
    gathered.close();
    throw error;
  }
}

/** An image alone. */
export interface LoneImage {
  readonly reader: ByteReader;
  readonly name: string;
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
    gathered = new Gathered(undefined, ids, signal);
    const image = before.name.slice(before.name.lastIndexOf('/') + 1);
    const [a, b] = [before, after].map(({ reader, name }, i) => ({
      reader: copies[i]?.reader() ?? reader,
      file: name,
    }));
    for await (const difference of compareImages(image, a as ImageInput, b as ImageInput, {
      showsBytes,
      ids,
      signal,
    })) {
      signal?.throwIfAborted();
      gathered.add(difference);
    }
    return await gathered.conclude(undefined, undefined);
  } catch (error) {
    gathered?.close();
    throw error;
  } finally {
    for (const copy of copies) copy.close();
  }
}

/** An image that is read twice. */
async function copyOf({ reader }: LoneImage, signal: AbortSignal | undefined): Promise<Spool> {
  const copy = new Spool();
  const piece = Buffer.allocUnsafe(1 << 16);
  for (let got = await reader.read(piece, 0, piece.length); got > 0; got = await reader.read(piece, 0, piece.length)) {
    signal?.throwIfAborted();
    copy.push(piece.subarray(0, got));
  }
  return copy;
}

/** What files.img says of its ids; of all others, only another image could say what they stand for. */
async function pairIdsOfImages(
  name: string,
  copies: readonly Spool[],
  signal: AbortSignal | undefined,
): Promise<IdPairs> {
  const [a, b] = [new CheckpointIds(), new CheckpointIds()];
  for (const [i, ids] of [a, b].entries()) {
    const copy = copies[i] as Spool;
    const reader = new RecordReader(copy.reader(), name);
    const kind = kindOfMagic((await reader.magics()).own);
    reader.release();
    if (kind?.name !== 'FILES') continue;
    const open = async () => ({ ...copy.reader(), close: async () => {} });
    await ids.see({ name: Buffer.from(name), kind: 'file', mode: 0, uid: 0, gid: 0, open }, { kind, number: 0 });
  }
  return pairIds(a, b, signal);
}

interface ComparingOptions extends DiffOptions {
  readonly ids: IdPairs | undefined;
}

/** Names of files on both sides that are named for ids of which those of one number are not the same. */
type Apart = { readonly before: Set<string>; readonly after: Set<string> };

const inOrder = (a: Buffer, b: Buffer) => compareMemberNames(a.toString('latin1'), b.toString('latin1'), FIRST_MEMBERS);

async function* compareSources(
  before: Source,
  after: Source,
  options: ComparingOptions,
): AsyncGenerator<Difference, void, undefined> {
  const { ids, signal } = options;
  const apart: Apart = { before: new Set(), after: new Set() };
  for await (const pair of pairMembers(before, after, inOrder)) {
    signal?.throwIfAborted();
    const name = escapeBytes(pair.name);
    const named = ids && idInName(name);
    if (ids === undefined || named === undefined || ids.areOne(named.kind, named.id, named.id)) {
      yield* compareMembers(name, name, pair.before, pair.after, options);
      continue;
    }
    if (pair.before !== undefined) apart.before.add(name);
    if (pair.after !== undefined) apart.after.add(name);
  }
  if (ids !== undefined) yield* compareApart(before, after, apart, ids, options);
}

/** Compares files that are called otherwise in the other checkpoint. */
async function* compareApart(
  before: Source,
  after: Source,
  apart: Apart,
  ids: IdPairs,
  options: ComparingOptions,
): AsyncGenerator<Difference, void, undefined> {
  const [old, fresh] = [before.byName(), after.byName()];
  const pairs = [...apart.before].map((name) => {
    const { kind, id, named } = idInName(name) as NamedById;
    const partner = ids.partnerOf(kind, 'before', id);
    const other = partner === undefined ? undefined : named(partner);
    return [name, other !== undefined && apart.after.delete(other) ? other : undefined] as const;
  });
  try {
    for (const [a, b] of [...pairs, ...[...apart.after].map((name) => [undefined, name] as const)]) {
      options.signal?.throwIfAborted();
      const [x, y] = [a && (await old.member(a)), b && (await fresh.member(b))] as [SourceMember?, SourceMember?];
      const [nameBefore, nameAfter] = [a ?? b, b ?? a] as [string, string];
      for await (const difference of compareMembers(nameBefore, nameAfter, x, y, options)) {
        if (nameBefore === nameAfter) yield difference;
        else yield withCounterpart(difference, nameAfter);
      }
    }
  } finally {
    await old.close();
    await fresh.close();
  }
}

function withCounterpart(difference: Difference, name: string): Difference {
  if (difference.what === 'file') return { ...difference, counterpart: { file: name } };
  if (difference.what === 'entry') return { ...difference, counterpart: { image: name, ...difference.counterpart } };
  return difference.what === 'image' || difference.what === 'memory'
    ? difference
    : { ...difference, counterpart: { image: name } };
}

async function* compareMembers(
  name: string,
  nameAfter: string,
  before: SourceMember | undefined,
  after: SourceMember | undefined,
  { payload: showsBytes, ids, signal }: ComparingOptions,
): AsyncGenerator<Difference, void, undefined> {
  const image = rawContentOf(name) === undefined ? identifyImage(name) : undefined;
  // What is called like an image and is none is the error that it is for whoever reads it.
  if (image !== undefined) for (const member of [before, after]) if (member !== undefined) imageOf(member);
  if (image === undefined || !isReadable(before) || !isReadable(after)) {
    if (before?.kind === 'folder' && after?.kind === 'folder') return;
    if (before !== undefined && after !== undefined && areOneFile(before, after)) return;
    const difference = await compareFiles(name, before, after, signal);
    if (difference !== undefined) yield difference;
    return;
  }
  if (before !== undefined && after !== undefined) {
    if (isSameByBytes(shapeOf(image.kind.message), ids) && areOneFile(before, after)) return;
    const [a, b] = [await before.open(), await after.open()];
    try {
      yield* compareImages(
        name,
        { reader: a, file: `${name} (before)` },
        { reader: b, file: `${nameAfter} (after)` },
        { showsBytes, ids, signal },
      );
    } finally {
      await a.close();
      await b.close();
    }
    return;
  }
  const change = before === undefined ? 'added' : 'removed';
  const member = (before ?? after) as SourceMember;
  yield { what: 'image', image: name, change, entries: await countEntries(member, name, signal) };
}

function isReadable(member: SourceMember | undefined): boolean {
  return member === undefined || isFileOrLeadsToOne(member);
}

async function countEntries(member: SourceMember, name: string, signal: AbortSignal | undefined): Promise<number> {
  const reader = await member.open();
  try {
    const entries = await ImageEntries.open(reader, name);
    try {
      let count = 0;
      while (await entries.fill()) {
        signal?.throwIfAborted();
        while (entries.take() !== undefined) count += 1;
      }
      return count;
    } finally {
      entries.release();
    }
  } finally {
    await reader.close();
  }
}

const PAGES = /^pages-\d+\.img$/;

/** The differences, kept until all of them are known. */
class Gathered {
  private readonly meaning: Meaning;
  private readonly spool = new Spool();
  private readonly explanation: PlanExplanation | undefined;
  private count = 0;
  private unexplained = 0;
  private graph: DiffGraph | undefined;
  /** Images of pages that differ. */
  private readonly pages = new Set<string>();

  constructor(
    private readonly plan: Plan | undefined,
    ids: IdPairs | undefined,
    private readonly signal: AbortSignal | undefined,
    private readonly wantsGraph = false,
  ) {
    this.explanation = plan && new PlanExplanation(plan);
    this.meaning = new Meaning(ids);
  }

  add(difference: Difference): void {
    const explained = this.explanation?.explains(difference);
    if (explained === false) this.unexplained += 1;
    this.count += 1;
    if (difference.what === 'file' && difference.change === 'changed' && PAGES.test(difference.file)) {
      this.pages.add(difference.file);
      if (difference.counterpart?.file !== undefined) this.pages.add(difference.counterpart.file);
    }
    this.meaning.add(difference);
    this.spool.push(
      Buffer.from(`${JSON.stringify(explained === undefined ? difference : { ...difference, explained })}\n`),
    );
  }

  async conclude(before: Source | undefined, after: Source | undefined): Promise<DiffResult> {
    const isSame = this.count === 0;
    const misfits = this.explanation?.missing() ?? [];
    if (this.plan && before && after) misfits.push(...(await checkDigests(this.plan, before, after, this.signal)));
    const meaning = isSame ? [] : await this.say(before, after);
    const { unexplained, graph } = this;
    return {
      isSame,
      meaning,
      ...(graph === undefined ? {} : { graph }),
      unexplained,
      misfits,
      differences: () => this.read(),
      close: () => this.close(),
    };
  }

  private async say(before: Source | undefined, after: Source | undefined): Promise<Statement[]> {
    const contexts = [
      await CheckpointContext.read(before, this.meaning.ids.before),
      await CheckpointContext.read(after, this.meaning.ids.after),
    ] as const;
    if (before !== undefined && after !== undefined) await this.compareMemories(before, after, contexts[0].allPids());
    const plan = this.plan ?? (after === undefined ? undefined : await planIn(after));
    if (this.wantsGraph) this.graph = buildGraph(this.meaning, ...contexts, plan);
    return this.meaning.statements(...contexts, plan, await this.pagesOfLoneTasks(before, after));
  }

  private async pagesOfLoneTasks(before: Source | undefined, after: Source | undefined): Promise<Set<string>> {
    const names = new Set<string>();
    for (const [source, change] of [[before, 'removed'] as const, [after, 'added'] as const]) {
      for (const pid of source === undefined ? [] : this.meaning.loneTasks[change]) {
        names.add(`pages-${await pagesOf(source as Source, pid)}.img`);
      }
    }
    return names;
  }

  /** Says of pages that differ which mappings of which tasks they are in. */
  private async compareMemories(before: Source, after: Source, pids: readonly number[]): Promise<void> {
    if (this.pages.size === 0) return;
    for (const pid of pids) {
      const pages = [await pagesOf(before, pid), await pagesOf(after, pid)];
      if (!pages.some((number) => this.pages.has(`pages-${number}.img`))) continue;
      const [a, b] = [await readMemory(before, pid, this.signal), await readMemory(after, pid, this.signal)];
      if (a === undefined || b === undefined) continue;
      for (const difference of compareMemory(pid, a, b)) this.add(difference);
    }
  }

  private async *read(): AsyncGenerator<ToldDifference, void, undefined> {
    const reader = this.spool.reader();
    const piece = Buffer.allocUnsafe(1 << 16);
    let rest = '';
    const decoder = new TextDecoder();
    for (
      let got = await reader.read(piece, 0, piece.length);
      got > 0;
      got = await reader.read(piece, 0, piece.length)
    ) {
      const lines = (rest + decoder.decode(piece.subarray(0, got), { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) yield JSON.parse(line) as ToldDifference;
    }
  }

  close(): void {
    this.spool.close();
  }
}
