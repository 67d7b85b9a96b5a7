import { PLAN_IMAGE } from '../frames/image-kinds';
import type { Plan, PlanPlaceholder } from '../plan/plan';
import type { FieldChange } from './compare-messages';
import type { CheckpointContext } from './context';
import type { Change, Difference, EntryDifference, FileDifference } from './difference';

/** What a difference means, in a line. */
export interface Statement {
  readonly about: 'task' | 'inherited' | 'file' | 'descriptor' | 'mappings' | 'memory' | 'plan' | 'image' | 'raw';
  readonly text: string;
}

/** So many entries are spoken of one by one; more are counted. */
const MAX_SPOKEN_OF = 1000;
/** So many fields of one entry. */
const MAX_FIELDS = 3;

/** So much of a value. */
const MAX_VALUE = 60;

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
  /** Entries that differ and are not among `ids`, since they are too many. */
  moreFiles = 0;
  private readonly descriptors = new Map<number, EntryDifference[]>();
  private moreDescriptors = 0;
  private readonly tasks: { pid: number; change: Change }[] = [];
  private readonly mappings = new Map<string, Record<Change, number>>();
  private readonly entries = new Map<string, number>();
  /** Mappings whose pages differ, by pid. */
  private readonly memory = new Map<number, number>();
  private readonly pages: string[] = [];
  private readonly others: Statement[] = [];

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
        this.others.push({ about: 'image', text: `${difference.image}: entries stand in another order` });
        return;
      case 'head':
        this.others.push({ about: 'image', text: `${difference.image}: other magics` });
        return;
      case 'tail':
        this.others.push({ about: 'image', text: `${difference.image}: other bytes behind the last entry` });
        return;
      case 'memory':
        this.memory.set(difference.pid, (this.memory.get(difference.pid) ?? 0) + 1);
        return;
      case 'file':
        if (/^pages-\d+\.img$/.test(difference.file) && difference.change === 'changed')
          this.pages.push(difference.file);
        else this.others.push(ofRaw(difference));
    }
  }

  /** Those of `ids` whose own entries differ; with the others it is their descriptors. */
  changedIds(): Set<number> {
    return new Set(this.files.map(({ id }) => id));
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

  /** What it all means. `plan`: the one that made the second checkpoint. */
  statements(before: CheckpointContext, after: CheckpointContext, plan: Plan | undefined): Statement[] {
    const placeholders = new Map((plan?.placeholders ?? []).map((placeholder) => [placeholder.file_id, placeholder]));
    const names = { before, after, placeholders };
    const spoken: Statement[] = [
      ...this.tasks.map(({ pid, change }) => ofTask(pid, change, names)),
      ...this.files.map((file) => ofFile(file, names)),
      ...[...this.descriptors].flatMap(([table, differences]) => ofDescriptors(table, differences, names)),
      ...[...this.mappings].map(([image, counts]) => ofMappings(image, counts, names)),
      ...[...this.memory].map(([pid, mappings]) => ofMemory(pid, mappings, names)),
      ...(this.memory.size > 0 ? [] : this.pages.map(ofPages)),
      ...[...this.entries].map(([image, entries]) => ofEntries(image, entries)),
      ...this.others,
    ];
    if (this.moreFiles > 0) spoken.push({ about: 'file', text: `files.img: ${this.moreFiles} more entries differ` });
    if (this.moreDescriptors > 0) {
      spoken.push({ about: 'descriptor', text: `${this.moreDescriptors} more descriptors differ` });
    }
    return spoken;
  }
}

/** What numbers stand for, on either side. */
interface Names {
  readonly before: CheckpointContext;
  readonly after: CheckpointContext;
  readonly placeholders: ReadonlyMap<number, PlanPlaceholder>;
}

function ofTask(pid: number, change: Change, { before, after }: Names): Statement {
  return { about: 'task', text: `${(change === 'removed' ? before : after).task(pid)}: ${VERBS[change]}` };
}

function ofFile({ id, difference }: FileChange, { before, after, placeholders }: Names): Statement {
  const { change, fields } = difference;
  const side = change === 'added' ? after : before;
  const placeholder = placeholders.get(id);
  const isTurned = fields.some(({ path, after: now }) => path === 'type' && now === '"EXT"');
  if (placeholder !== undefined && (isTurned || change === 'added')) {
    const from = placeholder.split_from === undefined ? '' : `, split off from ${before.keyOf(placeholder.split_from)}`;
    const subject = withHolders(placeholder.was.key, side.descriptorsOf(id));
    return { about: 'inherited', text: `${subject}: now inherited from fd[${placeholder.caller_fd}]${from}` };
  }
  const subject = withHolders(side.keyOf(id), side.descriptorsOf(id));
  if (change !== 'changed') return { about: 'file', text: `${subject}: ${VERBS[change]}` };
  const isOther = after.hasEntry(id) && fields.some(({ path }) => path === 'type');
  return { about: 'file', text: `${subject}: ${isOther ? `now ${after.keyOf(id)}` : showFields(fields)}` };
}

function withHolders(key: string, holders: readonly string[]): string {
  return holders.length === 0 ? key : `${key} (${holders.join(', ')})`;
}

function ofDescriptors(table: number, differences: readonly EntryDifference[], names: Names): Statement[] {
  return differences
    .filter((difference) => !isTurnedDescriptor(difference, names))
    .map((difference) => ({ about: 'descriptor', text: ofDescriptor(table, difference, names) }));
}

function ofDescriptor(table: number, difference: EntryDifference, { before, after }: Names): string {
  const { entry, change, fields } = difference;
  const side = change === 'added' ? after : before;
  const holders = side.pidsOf(table).map((pid) => `${pid}/${numberIn(entry)}`);
  const who = holders.length === 0 ? `table ${table}, ${entry}` : holders.join(', ');
  const [id] = idsOf(difference);
  if (change !== 'changed') {
    return `${who}: ${change === 'added' ? 'opened' : 'closed'}${id === undefined ? '' : `, ${side.keyOf(id)}`}`;
  }
  // One that refers to another entry now is told by the names of both.
  const other = fields.find(({ path }) => path === 'id');
  if (other?.before === undefined || other.after === undefined) return `${who}: ${showFields(fields)}`;
  return `${who}: ${before.keyOf(Number(other.before))} → ${after.keyOf(Number(other.after))}`;
}

/** Whether a descriptor refers to a placeholder now, and nothing else is new; that is said of the entry. */
function isTurnedDescriptor({ change, fields }: EntryDifference, { placeholders }: Names): boolean {
  if (change !== 'changed') return false;
  return fields.every(({ path, after }) =>
    path === 'type' ? after === '"EXT"' : path === 'id' && placeholders.has(Number(after)),
  );
}

function ofMappings(image: string, counts: Record<Change, number>, { before }: Names): Statement {
  const parts = (['added', 'removed', 'changed'] as const)
    .filter((change) => counts[change] > 0)
    .map((change) => `${count(counts[change], 'mapping', 'mappings')} ${change}`);
  return { about: 'mappings', text: `${before.task(numberIn(image))}: ${parts.join(', ')}` };
}

function ofMemory(pid: number, mappings: number, { before }: Names): Statement {
  return { about: 'memory', text: `${before.task(pid)}: pages of ${count(mappings, 'mapping', 'mappings')} differ` };
}

function ofPages(file: string): Statement {
  return { about: 'memory', text: `${file}: pages differ` };
}

function ofEntries(image: string, entries: number): Statement {
  const text = `${image}: ${count(entries, 'entry differs', 'entries differ')}`;
  return { about: image.startsWith('pagemap-') ? 'memory' : 'image', text };
}

function ofRaw({ file, change }: FileDifference): Statement {
  if (file === PLAN_IMAGE) return { about: 'plan', text: `${PLAN_IMAGE}, the plan of a rewrite: ${VERBS[change]}` };
  return { about: 'raw', text: `${file}: ${VERBS[change]}` };
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

/** Some fields, with what they were and what they are. */
function showFields(fields: readonly FieldChange[]): string {
  const shown = fields
    .slice(0, MAX_FIELDS)
    .map(({ path, before, after }) => `${lastStep(path)} ${shorten(before)} → ${shorten(after)}`);
  return `${shown.join(', ')}${fields.length > MAX_FIELDS ? ', …' : ''}`;
}

function shorten(value: string | undefined): string {
  if (value === undefined) return 'none';
  return value.length > MAX_VALUE ? `${value.slice(0, MAX_VALUE)}…` : value;
}

function lastStep(path: string): string {
  return path.split('.').at(-1) ?? path;
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}
