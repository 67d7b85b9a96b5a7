import { identifyImage } from '../frames/image-kinds';
import type { Plan } from '../plan/plan';
import { INVENTORY_ENTRY_FIELDS } from '../schema/generated/images';
import type { Source } from '../storage/source';
import { checkDigests } from './check-digests';
import { CheckpointContext } from './context';
import { DifferenceSpool } from './difference-spool';
import type { Found } from './found';
import { buildGraph, type DiffGraph } from './graph';
import type { IdPairs } from './ids/id-pairs';
import { isPagesImage } from './image-of-task';
import { Meaning } from './meaning';
import { compareMemory, pagesOf, readMemory } from './memory';
import type { PlanProof } from './proof/plan-proof';
import type { DiffHint, DiffResult } from './result';
import type { Statement } from './statement';
import { statementsOf } from './statements';
import { DifferenceText } from './text/difference-text';
import { isOfField } from './wire/value-change';

export interface GatherOptions {
  /** What the differences are measured by. */
  readonly proof?: PlanProof | undefined;
  /** Which ids stand for the same, where they are told apart. */
  readonly ids: IdPairs | undefined;
  readonly showsBytes?: boolean | undefined;
  readonly graph?: boolean | undefined;
  readonly signal: AbortSignal | undefined;
}

/** The two that are compared, and the plan that the second one has. */
export interface Compared {
  readonly before: Source;
  readonly after: Source;
  readonly ownPlan: () => Promise<Plan | undefined>;
}

/** The differences, proved, put into words and kept until all of them are known. */
export class Gathered {
  private readonly text: DifferenceText;
  private readonly meaning: Meaning;
  private readonly spool = new DifferenceSpool();
  private unexplained = 0;
  private readonly hints = new Set<DiffHint>();
  private graph: DiffGraph | undefined;
  /** Images of pages that differ. */
  private readonly pages = new Set<string>();

  constructor(private readonly options: GatherOptions) {
    const { ids, showsBytes = false } = options;
    this.text = new DifferenceText(showsBytes, ids);
    this.meaning = new Meaning(ids, (change) => this.text.lastStep(change));
  }

  /** Throws FdgraftError. */
  add(found: Found): void {
    const explained = this.options.proof?.explains(found);
    if (explained === false) this.unexplained += 1;
    if (found.what === 'file' && found.change === 'changed' && isPagesImage(found.file)) {
      this.pages.add(found.file);
      if (found.counterpart?.file !== undefined) this.pages.add(found.counterpart.file);
    }
    if (this.options.proof === undefined && isOtherRun(found)) this.hints.add('OTHER_RUN');
    if (this.options.proof !== undefined && isOfRestore(found)) this.hints.add('RESTORED');
    const told = this.text.tell(found);
    this.meaning.add(found, told);
    this.spool.push(explained === undefined ? told : { ...told, explained });
  }

  /** `compared`: undefined where they are images alone. Throws FdgraftError. */
  async conclude(compared?: Compared): Promise<DiffResult> {
    const { proof, signal } = this.options;
    const isSame = this.spool.count === 0;
    const digests = proof && compared && (await checkDigests(proof.plan, compared.before, compared.after, signal));
    const misfits = [...(proof?.missing() ?? []), ...(digests ?? [])];
    const meaning = isSame ? [] : await this.say(compared);
    const { unexplained, graph } = this;
    return {
      isSame,
      hints: [...this.hints],
      meaning,
      ...(graph === undefined ? {} : { graph }),
      unexplained,
      misfits,
      differences: () => this.spool.read(),
      close: () => this.close(),
    };
  }

  private async say(compared: Compared | undefined): Promise<Statement[]> {
    const contexts = [
      await CheckpointContext.read(compared?.before, this.meaning.ids.before),
      await CheckpointContext.read(compared?.after, this.meaning.ids.after),
    ] as const;
    if (compared !== undefined) await this.compareMemories(compared, ...contexts);
    const plan = this.options.proof?.plan ?? (await compared?.ownPlan());
    if (this.options.graph === true) this.graph = buildGraph(this.meaning, ...contexts, plan);
    return statementsOf(this.meaning, ...contexts, plan, await this.pagesOfLoneTasks(compared));
  }

  private async pagesOfLoneTasks(compared: Compared | undefined): Promise<Set<string>> {
    const names = new Set<string>();
    if (compared === undefined) return names;
    const { removed, added } = this.meaning.loneTasks;
    for (const pid of removed) names.add(`pages-${await pagesOf(compared.before, pid)}.img`);
    for (const pid of added) names.add(`pages-${await pagesOf(compared.after, pid)}.img`);
    return names;
  }

  /** Says of pages that differ which mappings they are in, of the tasks that both checkpoints have. */
  private async compareMemories(
    { before, after }: Compared,
    old: CheckpointContext,
    fresh: CheckpointContext,
  ): Promise<void> {
    if (this.pages.size === 0) return;
    const { signal } = this.options;
    const there = new Set(fresh.allPids());
    for (const pid of old.allPids()) {
      if (!there.has(pid)) continue;
      const pages = [await pagesOf(before, pid), await pagesOf(after, pid)];
      if (!pages.some((number) => this.pages.has(`pages-${number}.img`))) continue;
      const [a, b] = [await readMemory(before, pid, signal), await readMemory(after, pid, signal)];
      if (a === undefined || b === undefined) continue;
      for (const difference of compareMemory(pid, a, b)) this.add(difference);
    }
  }

  close(): void {
    this.spool.close();
  }
}

/** CRIU writes it into its working directory, which is that of the images unless -W names another (criu/stats.c). */
function isOfRestore(found: Found): boolean {
  return found.what === 'image' && found.change === 'added' && found.image === 'stats-restore';
}

/** Each run of criu dump has an id of its own. Older dumps lack it. */
function isOtherRun(found: Found): boolean {
  if (found.what !== 'entry' || found.change !== 'changed') return false;
  if (identifyImage(found.image)?.kind.name !== 'INVENTORY') return false;
  const change = found.changes.find((one) => isOfField(one, INVENTORY_ENTRY_FIELDS.dump_criu_run_id));
  return change?.before !== undefined && change.after !== undefined;
}
