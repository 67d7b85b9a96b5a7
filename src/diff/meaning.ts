import type { Plan } from '../plan/plan';
import type { CheckpointContext } from './context';
import type { Change, Difference, EntryDifference } from './difference';

/** What a difference means, in a line. */
export interface Statement {
  readonly about: 'task' | 'inherited' | 'file' | 'descriptor' | 'mappings' | 'memory' | 'plan' | 'image' | 'raw';
  readonly text: string;
}

/** So many entries are spoken of one by one; more are counted. */
const MAX_SPOKEN_OF = 1000;
/** So many fields of one entry. */
const MAX_FIELDS = 3;

const VERBS: Record<Change, string> = { added: 'new', removed: 'gone', changed: 'changed' };

interface FileChange {
  readonly id: number;
  readonly difference: EntryDifference;
}

/** Gathers differences as they come, in little memory, and says at the end what they mean. */
export class Meaning {
  /** File ids that have to be named. */
  readonly ids = new Set<number>();
  private readonly files: FileChange[] = [];
  private moreFiles = 0;
  private readonly descriptors = new Map<number, EntryDifference[]>();
  private moreDescriptors = 0;
  private readonly tasks: { pid: number; change: Change }[] = [];
  private readonly mappings = new Map<string, Record<Change, number>>();
  private readonly entries = new Map<string, number>();
  private readonly others: Statement[] = [];
  private hasPlan = false;

  add(difference: Difference): void {
    switch (difference.what) {
      case 'entry':
        this.entry(difference);
        return;
      case 'image':
        if (!isOfTask(difference.image)) {
          const text = `${difference.image}: ${difference.change}, ${count(difference.entries, 'entry', 'entries')}`;
          this.others.push({ about: 'image', text });
        }
        return;
      case 'order':
        this.others.push({ about: 'image', text: `${difference.image}: the same entries in another order` });
        return;
      case 'head':
        this.others.push({ about: 'image', text: `${difference.image}: other magics` });
        return;
      case 'tail':
        this.others.push({ about: 'image', text: `${difference.image}: other bytes behind the last entry` });
        return;
      case 'file':
        if (difference.file === 'inherit-plan.img') this.hasPlan = true;
        else this.others.push({ about: 'raw', text: `${difference.file}: ${VERBS[difference.change]}` });
    }
  }

  private entry(difference: EntryDifference): void {
    const { image, entry, change } = difference;
    if (image === 'files.img') this.file(difference);
    else if (/^fdinfo-\d+\.img$/.test(image)) this.descriptor(difference);
    else if (image === 'pstree.img' && change !== 'changed') this.tasks.push({ pid: numberIn(entry), change });
    else if (/^mm-\d+\.img$/.test(image)) this.mm(difference);
    else this.entries.set(image, (this.entries.get(image) ?? 0) + 1);
  }

  private file(difference: EntryDifference): void {
    if (this.files.length === MAX_SPOKEN_OF) {
      this.moreFiles += 1;
      return;
    }
    const id = numberIn(difference.entry);
    this.ids.add(id);
    this.files.push({ id, difference: { ...difference, fields: difference.fields.slice(0, MAX_FIELDS + 1) } });
  }

  private descriptor(difference: EntryDifference): void {
    const table = numberIn(difference.image);
    const known = this.descriptors.get(table);
    if ((known?.length ?? 0) + this.descriptors.size > MAX_SPOKEN_OF) {
      this.moreDescriptors += 1;
      return;
    }
    if (known === undefined) this.descriptors.set(table, [difference]);
    else known.push(difference);
    for (const id of idsOf(difference)) this.ids.add(id);
  }

  private mm(difference: EntryDifference): void {
    const counts = { added: 0, removed: 0, changed: 0 };
    const touched = new Set<string>();
    for (const { path, before, after } of difference.fields) {
      const [, mapping, inner] = /^vmas\[([^\]]*)\](.*)$/.exec(path) ?? [];
      if (mapping === undefined) {
        this.entries.set(difference.image, 1);
        continue;
      }
      if (touched.has(mapping)) continue;
      touched.add(mapping);
      counts[inner !== '' ? 'changed' : before === undefined ? 'added' : after === undefined ? 'removed' : 'changed'] +=
        1;
    }
    if (touched.size > 0) this.mappings.set(difference.image, counts);
  }

  /** What it all means. */
  statements(before: CheckpointContext, after: CheckpointContext, plan: Plan | undefined): Statement[] {
    const spoken = [
      ...this.tasks.map(({ pid, change }) => this.task(pid, change, before, after)),
      ...this.files.map((file) => this.ofFile(file, before, after, plan)),
      ...this.ofDescriptors(before, after),
      ...this.ofMappings(before),
      ...[...this.entries].map(([image, entries]): Statement => {
        const text = `${image}: ${count(entries, 'entry differs', 'entries differ')}`;
        return { about: image.startsWith('pagemap-') ? 'memory' : 'image', text };
      }),
      ...this.others,
    ];
    if (this.moreFiles > 0) spoken.push({ about: 'file', text: `files.img: ${this.moreFiles} more entries differ` });
    if (this.moreDescriptors > 0) {
      spoken.push({ about: 'descriptor', text: `${this.moreDescriptors} more descriptors differ` });
    }
    if (this.hasPlan) spoken.push({ about: 'plan', text: 'the plan of a rewrite (inherit-plan.img) differs' });
    return spoken;
  }

  private task(pid: number, change: Change, before: CheckpointContext, after: CheckpointContext): Statement {
    return { about: 'task', text: `${(change === 'removed' ? before : after).task(pid)} ${VERBS[change]}` };
  }

  private ofFile(
    { id, difference }: FileChange,
    before: CheckpointContext,
    after: CheckpointContext,
    plan: Plan | undefined,
  ): Statement {
    const side = difference.change === 'added' ? after : before;
    const holders = side.descriptorsOf(id);
    const subject = holders.length === 0 ? side.keyOf(id) : `${side.keyOf(id)} (${holders.join(', ')})`;
    const placeholder = plan?.placeholders.find(({ file_id }) => file_id === id);
    const becomesPlaceholder = difference.fields.some(({ path, after: now }) => path === 'type' && now === '"EXT"');
    if (placeholder !== undefined && (becomesPlaceholder || difference.change === 'added')) {
      const from =
        placeholder.split_from === undefined ? '' : `, split off from ${before.keyOf(placeholder.split_from)}`;
      const text = `${difference.change === 'added' ? placeholder.was.key : subject}: now inherited from fd[${placeholder.caller_fd}]${from}`;
      return { about: 'inherited', text };
    }
    if (becomesPlaceholder) return { about: 'inherited', text: `${subject}: now an external file` };
    if (difference.change !== 'changed') return { about: 'file', text: `${subject}: ${VERBS[difference.change]}` };
    const [fields, more] = [difference.fields.slice(0, MAX_FIELDS), difference.fields.length > MAX_FIELDS];
    const shown = fields.map(
      ({ path, before: was, after: now }) => `${lastStep(path)} ${was ?? 'none'} → ${now ?? 'none'}`,
    );
    return { about: 'file', text: `${subject}: ${shown.join(', ')}${more ? ', …' : ''}` };
  }

  private *ofDescriptors(before: CheckpointContext, after: CheckpointContext): Generator<Statement> {
    for (const [table, differences] of this.descriptors) {
      for (const difference of differences) {
        const fd = numberIn(difference.entry);
        const side = difference.change === 'added' ? after : before;
        const who =
          side
            .pidsOf(table)
            .map((pid) => `${pid}/${fd}`)
            .join(', ') || `table ${table}, fd ${fd}`;
        const [id] = idsOf(difference);
        // That it is a placeholder now is said of the entry.
        if (
          difference.change === 'changed' &&
          difference.fields.every(({ path, after: now }) => path === 'type' && now === '"EXT"')
        )
          continue;
        if (difference.change === 'changed') {
          const fields = difference.fields.slice(0, MAX_FIELDS);
          const text = fields
            .map(({ path, before: was, after: now }) => `${path} ${was ?? 'none'} → ${now ?? 'none'}`)
            .join(', ');
          yield { about: 'descriptor', text: `${who}: ${text}` };
        } else {
          const verb = difference.change === 'added' ? 'opened' : 'closed';
          yield { about: 'descriptor', text: `${who}: ${verb}${id === undefined ? '' : `, ${side.keyOf(id)}`}` };
        }
      }
    }
  }

  private *ofMappings(before: CheckpointContext): Generator<Statement> {
    for (const [image, counts] of this.mappings) {
      const parts = (['added', 'removed', 'changed'] as const)
        .filter((change) => counts[change] > 0)
        .map((change) => `${count(counts[change], 'mapping', 'mappings')} ${change}`);
      yield { about: 'mappings', text: `${before.task(numberIn(image))}: ${parts.join(', ')}` };
    }
  }
}

/** Images whose coming and going is that of their task. */
function isOfTask(image: string): boolean {
  return /^(core|ids|mm|fs|pagemap|creds|rlimit|itimers|posix-timers|sigacts|signal-[sp])-\d+\.img$/.test(image);
}

function idsOf({ fields, text }: EntryDifference): number[] {
  const inText = /"id": (\d+)/.exec(text ?? '')?.[1];
  const changed = fields.filter(({ path }) => path === 'id').flatMap(({ before, after }) => [before, after]);
  return [...changed, inText].flatMap((number) => (number === undefined ? [] : [Number(number)]));
}

function numberIn(text: string): number {
  return Number(/\d+/.exec(text)?.[0] ?? Number.NaN);
}

function lastStep(path: string): string {
  return path.split('.').at(-1) ?? path;
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
