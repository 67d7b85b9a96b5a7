import type { ByteReader } from '../bytes/byte-stream';
import { escapeBytes } from '../bytes/escape';
import { checkDigests } from '../diff/check-digests';
import { compareFiles } from '../diff/compare-files';
import { compareImages, type ImageInput } from '../diff/compare-images';
import { CheckpointContext } from '../diff/context';
import type { Difference } from '../diff/difference';
import { PlanExplanation } from '../diff/explain';
import { buildGraph, type DiffGraph } from '../diff/graph';
import { ImageEntries } from '../diff/image-entries';
import { Meaning, type Statement } from '../diff/meaning';
import { compareMemory, pagesOf, readMemory } from '../diff/memory';
import { pairMembers } from '../diff/pair-members';
import { identifyImage, rawContentOf } from '../frames/image-kinds';
import type { Plan } from '../plan/plan';
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
  const gathered = new Gathered(options.plan, options.signal, options.graph);
  try {
    for await (const pair of pairMembers(before, after, (a, b) => compareMemberNames(a, b, FIRST_MEMBERS))) {
      options.signal?.throwIfAborted();
      for await (const difference of compareMembers(pair.name, pair.before, pair.after, options))
        gathered.add(difference);
    }
    return await gathered.conclude(before, after);
  } catch (error) {
    gathered.close();
    throw error;
  }
}

/** Compares two images alone. Throws FdgraftError. */
export async function diffImages(
  before: { readonly reader: ByteReader; readonly name: string },
  after: { readonly reader: ByteReader; readonly name: string },
  options: Pick<DiffOptions, 'signal' | 'payload'> = {},
): Promise<DiffResult> {
  const gathered = new Gathered(undefined, options.signal);
  try {
    const image = before.name.slice(before.name.lastIndexOf('/') + 1);
    const [a, b] = [before, after].map(({ reader, name }) => ({ reader, file: name })) as [ImageInput, ImageInput];
    for await (const difference of compareImages(image, a, b, {
      showsBytes: options.payload,
      signal: options.signal,
    })) {
      options.signal?.throwIfAborted();
      gathered.add(difference);
    }
    return await gathered.conclude(undefined, undefined);
  } catch (error) {
    gathered.close();
    throw error;
  }
}

async function* compareMembers(
  nameBytes: Buffer,
  before: SourceMember | undefined,
  after: SourceMember | undefined,
  { payload: showsBytes, signal }: DiffOptions,
): AsyncGenerator<Difference, void, undefined> {
  const name = escapeBytes(nameBytes);
  const isImage = identifyImage(name) !== undefined && rawContentOf(name) === undefined;
  if (!isImage || !isReadable(before) || !isReadable(after)) {
    if (before?.kind === 'folder' && after?.kind === 'folder') return;
    if (before !== undefined && after !== undefined && areOneFile(before, after)) return;
    const difference = await compareFiles(name, before, after, signal);
    if (difference !== undefined) yield difference;
    return;
  }
  if (before !== undefined && after !== undefined) {
    if (areOneFile(before, after)) return;
    const [a, b] = [await before.open(), await after.open()];
    try {
      yield* compareImages(
        name,
        { reader: a, file: `${name} (before)` },
        { reader: b, file: `${name} (after)` },
        { showsBytes, signal },
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
  private readonly meaning = new Meaning();
  private readonly spool = new Spool();
  private readonly explanation: PlanExplanation | undefined;
  private count = 0;
  private unexplained = 0;
  private graph: DiffGraph | undefined;
  /** Images of pages that differ. */
  private readonly pages = new Set<string>();

  constructor(
    private readonly plan: Plan | undefined,
    private readonly signal: AbortSignal | undefined,
    private readonly wantsGraph = false,
  ) {
    this.explanation = plan && new PlanExplanation(plan);
  }

  add(difference: Difference): void {
    const explained = this.explanation?.explains(difference);
    if (explained === false) this.unexplained += 1;
    this.count += 1;
    if (difference.what === 'file' && difference.change === 'changed' && PAGES.test(difference.file)) {
      this.pages.add(difference.file);
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
      await CheckpointContext.read(before, this.meaning.ids),
      await CheckpointContext.read(after, this.meaning.ids),
    ] as const;
    if (before !== undefined && after !== undefined) await this.compareMemories(before, after, contexts[0].allPids());
    const plan = this.plan ?? (after === undefined ? undefined : await planIn(after));
    if (this.wantsGraph) this.graph = buildGraph(this.meaning, ...contexts, plan);
    return this.meaning.statements(...contexts, plan);
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
