import { PLAN_IMAGE } from '../frames/image-kinds';
import type { Plan, PlanPlaceholder } from '../plan/plan';
import type { FieldChange } from './compare-messages';
import type { CheckpointContext } from './context';
import type { Change, Difference, EntryDifference, FileDifference, ImageDifference } from './difference';
import type { IdPairs, Side } from './ids/id-pairs';

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

/** An entry of files.img by its file ids; without one where that checkpoint does not have it. */
export interface EntryIds {
  readonly before: number | undefined;
  readonly after: number | undefined;
}

interface FileChange {
  readonly ids: EntryIds;
  readonly difference: EntryDifference;
}

/** Gathers differences as they come, in little memory, and says at the end what they mean. */
export class Meaning {
  /** File ids that have to be named, on each side. */
  readonly ids = { before: new Set<number>(), after: new Set<number>() };
  private readonly files: FileChange[] = [];
  /** Entries that differ and are not among `ids`, since they are too many. */
  moreFiles = 0;
  private readonly descriptors = new Map<number, EntryDifference[]>();
  private descriptorCount = 0;
  private moreDescriptors = 0;
  /** Pids of tasks that only one of the two has. */
  readonly loneTasks = { added: new Set<number>(), removed: new Set<number>() };
  private readonly mappings = new Map<string, Record<Change, number>>();
  /** Of other images: how many entries differ, and what of a single one that changed. */
  private readonly entries = new Map<string, { count: number; fields: readonly FieldChange[] }>();
  /** Mappings whose pages differ, by pid. */
  private readonly memory = new Map<number, number>();
  private readonly pages: string[] = [];
  private readonly others: Statement[] = [];
  private readonly images: ImageDifference[] = [];
  private readonly raw: FileDifference[] = [];

  /** `pairs`: which ids of the two checkpoints stand for the same; equal ones where they are not ignored. */
  constructor(private readonly pairs: IdPairs | undefined) {}

  add(difference: Difference): void {
    switch (difference.what) {
      case 'entry':
        this.entry(difference);
        return;
      case 'image':
        if (!isOfTask(difference.image)) this.images.push(difference);
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
        else this.raw.push(difference);
    }
  }

  /** All entries that have to be named, those of the first checkpoint first; and whether it is them that differ, or their descriptors. */
  entriesToName(): { ids: EntryIds; differs: boolean }[] {
    const differing = { before: new Set<number>(), after: new Set<number>() };
    for (const { ids } of this.files) {
      if (ids.before !== undefined) differing.before.add(ids.before);
      if (ids.after !== undefined) differing.after.add(ids.after);
    }
    const differs = ({ before = -1, after = -1 }: EntryIds) =>
      differing.before.has(before) || differing.after.has(after);
    const ascending = (ids: Iterable<number>) => [...ids].sort((a, b) => a - b);
    const old = ascending(this.ids.before).map((id) => this.bothIds('before', id));
    const taken = new Set(old.map(({ after }) => after));
    const fresh = ascending(this.ids.after).filter((id) => !taken.has(id));
    return [...old, ...fresh.map((id) => this.bothIds('after', id))].map((ids) => ({ ids, differs: differs(ids) }));
  }

  /** The ids on both sides of the entry that has this one on one side. */
  bothIds(side: Side, id: number): EntryIds {
    if (this.pairs === undefined) return { before: id, after: id };
    const partner = this.pairs.partnerOf('file', side, id);
    return side === 'before' ? { before: id, after: partner } : { before: partner, after: id };
  }

  private toBeNamed({ before, after }: EntryIds): void {
    if (before !== undefined) this.ids.before.add(before);
    if (after !== undefined) this.ids.after.add(after);
  }

  private entry(difference: EntryDifference): void {
    const { image, entry, change } = difference;
    if (image === 'files.img') this.file(difference);
    else if (/^fdinfo-\d+\.img$/.test(image)) this.descriptor(difference);
    else if (image === 'pstree.img' && change !== 'changed') this.loneTasks[change].add(numberIn(entry));
    else if (/^mm-\d+\.img$/.test(image)) this.mm(difference);
    else this.ofImage(difference);
  }

  private ofImage({ image, fields }: EntryDifference): void {
    const known = this.entries.get(image);
    if (known !== undefined) known.count += 1;
    else this.entries.set(image, { count: 1, fields: fields.slice(0, MAX_FIELDS + 1) });
  }

  private file(difference: EntryDifference): void {
    if (this.files.length === MAX_SPOKEN_OF) {
      this.moreFiles += 1;
      return;
    }
    const ids = this.bothIds(difference.change === 'added' ? 'after' : 'before', numberIn(difference.entry));
    this.toBeNamed(ids);
    this.files.push({ ids, difference: { ...difference, fields: difference.fields.slice(0, MAX_FIELDS + 1) } });
  }

  private descriptor(difference: EntryDifference): void {
    const table = numberIn(difference.image);
    const known = this.descriptors.get(table);
    if (this.descriptorCount === MAX_SPOKEN_OF) {
      this.moreDescriptors += 1;
      return;
    }
    this.descriptorCount += 1;
    if (known === undefined) this.descriptors.set(table, [difference]);
    else known.push(difference);
    for (const [side, id] of idsOf(difference)) this.toBeNamed(this.bothIds(side, id));
  }

  private mm(difference: EntryDifference): void {
    const counts = { added: 0, removed: 0, changed: 0 };
    const touched = new Set<string>();
    const rest: FieldChange[] = [];
    for (const field of difference.fields) {
      const { path, before, after } = field;
      const [, mapping, inner] = /^vmas\[([^\]]*)\](.*)$/.exec(path) ?? [];
      if (mapping === undefined) {
        rest.push(field);
        continue;
      }
      if (touched.has(mapping)) continue;
      touched.add(mapping);
      counts[inner !== '' ? 'changed' : before === undefined ? 'added' : after === undefined ? 'removed' : 'changed'] +=
        1;
    }
    if (touched.size > 0) this.mappings.set(difference.image, counts);
    if (rest.length > 0) this.ofImage({ ...difference, fields: rest });
  }

  /** What it all means. `plan`: the one that made the second checkpoint. `ofLone`: pages of tasks that only one of the two has. */
  statements(
    before: CheckpointContext,
    after: CheckpointContext,
    plan: Plan | undefined,
    ofLone: ReadonlySet<string>,
  ): Statement[] {
    const placeholders = new Map((plan?.placeholders ?? []).map((placeholder) => [placeholder.file_id, placeholder]));
    const names = { before, after, placeholders };
    const spoken: Statement[] = [
      ...(['removed', 'added'] as const).flatMap((change) =>
        [...this.loneTasks[change]].map((pid) => ofTask(pid, change, names)),
      ),
      ...this.files.map((file) => ofFile(file, names)),
      ...[...this.descriptors].flatMap(([table, differences]) => ofDescriptors(table, differences, names)),
      ...[...this.mappings].map(([image, counts]) => ofMappings(image, counts, names)),
      ...[...this.memory].map(([pid, mappings]) => ofMemory(pid, mappings, names)),
      ...(this.memory.size > 0 ? [] : this.pages.map(ofPages)),
      ...[...this.entries].map(([image, { count: entries, fields }]) => ofEntries(image, entries, fields, names)),
      ...this.others,
      ...this.images.filter((image) => !this.isTableOfLone(image, names)).map(ofImage),
      ...this.raw.filter(({ file }) => !ofLone.has(file)).map(ofRaw),
    ];
    if (this.moreFiles > 0) spoken.push({ about: 'file', text: `files.img: ${this.moreFiles} more entries differ` });
    if (this.moreDescriptors > 0) {
      spoken.push({ about: 'descriptor', text: `${this.moreDescriptors} more descriptors differ` });
    }
    return spoken;
  }

  /** Whether it is the descriptor table of tasks that come or go with it. */
  private isTableOfLone({ image, change }: ImageDifference, { before, after }: Names): boolean {
    if (!/^fdinfo-\d+\.img$/.test(image)) return false;
    const pids = (change === 'removed' ? before : after).pidsOf(numberIn(image));
    return pids.length > 0 && pids.every((pid) => this.loneTasks[change].has(pid));
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

function ofFile({ ids, difference }: FileChange, { before, after, placeholders }: Names): Statement {
  const { change, fields } = difference;
  const [side, id] = change === 'added' ? [after, ids.after as number] : [before, ids.before as number];
  const placeholder = ids.after === undefined ? undefined : placeholders.get(ids.after);
  const isTurned = fields.some(({ path, after: now }) => path === 'type' && now === '"EXT"');
  if (placeholder !== undefined && (isTurned || change === 'added')) {
    const from = placeholder.split_from === undefined ? '' : `, split off from ${before.keyOf(placeholder.split_from)}`;
    const subject = withHolders(placeholder.was.key, side.referencesTo(id));
    return { about: 'inherited', text: `${subject}: now inherited from fd[${placeholder.caller_fd}]${from}` };
  }
  const subject = withHolders(side.keyOf(id), side.referencesTo(id));
  if (change !== 'changed') return { about: 'file', text: `${subject}: ${VERBS[change]}` };
  const now = ids.after !== undefined && after.hasEntry(ids.after) ? after.keyOf(ids.after) : undefined;
  const isOther = now !== undefined && fields.some(({ path }) => path === 'type');
  return { about: 'file', text: `${subject}: ${isOther ? `now ${now}` : showFields(fields)}` };
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
  const { entry, change, fields, counterpart } = difference;
  const side = change === 'added' ? after : before;
  const ownTable = change === 'added' && counterpart?.image !== undefined ? numberIn(counterpart.image) : table;
  const holders = side.pidsOf(ownTable).map((pid) => `${pid}/${numberIn(entry)}`);
  const who = holders.length === 0 ? `table ${table}, ${entry}` : holders.join(', ');
  const [[, id] = []] = idsOf(difference);
  if (change !== 'changed') {
    return `${who}: ${change === 'added' ? 'opened' : 'closed'}${id === undefined ? '' : `, ${side.keyOf(id)}`}`;
  }
  // One that refers to another entry now is told by the names of both.
  const other = fields.find(({ path }) => path === 'id');
  if (other?.before === undefined || other.after === undefined) return `${who}: ${showFields(fields)}`;
  return `${who}: ${before.keyOf(numberIn(other.before))} → ${after.keyOf(numberIn(other.after))}`;
}

/** Whether a descriptor refers to a placeholder now, and nothing else is new; that is said of the entry. */
function isTurnedDescriptor({ change, fields }: EntryDifference, { placeholders }: Names): boolean {
  if (change !== 'changed') return false;
  return fields.every(({ path, after }) =>
    path === 'type' ? after === '"EXT"' : path === 'id' && placeholders.has(numberIn(after ?? '')),
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

function ofEntries(image: string, entries: number, fields: readonly FieldChange[], { before }: Names): Statement {
  const about = image.startsWith('pagemap-') ? 'memory' : 'image';
  if (entries > 1 || fields.length === 0) {
    return { about, text: `${image}: ${count(entries, 'entry differs', 'entries differ')}` };
  }
  const subject = isOfTask(image) ? before.task(numberIn(image)) : image;
  const isRegister = ({ path }: FieldChange) => path.startsWith('thread_info.');
  const others = fields.filter((field) => !isRegister(field));
  const parts = [
    ...(others.length < fields.length ? ['registers differ'] : []),
    ...(others.length > 0 ? [showFields(others, ({ path }) => path)] : []),
  ];
  return { about, text: `${subject}: ${parts.join('; ')}` };
}

function ofImage({ image, change, entries }: ImageDifference): Statement {
  return { about: 'image', text: `${image}: ${change}, ${count(entries, 'entry', 'entries')}` };
}

function ofRaw({ file, change }: FileDifference): Statement {
  if (file === PLAN_IMAGE) return { about: 'plan', text: `${PLAN_IMAGE}, the plan of a rewrite: ${VERBS[change]}` };
  return { about: 'raw', text: `${file}: ${VERBS[change]}` };
}

/** Images whose coming and going is that of their task. */
function isOfTask(image: string): boolean {
  return /^(core|ids|mm|fs|pagemap|creds|rlimit|itimers|posix-timers|sigacts|signal-[sp])-\d+\.img$/.test(image);
}

/** The file ids that a descriptor refers to. */
function idsOf({ fields, text, change }: EntryDifference): [side: Side, id: number][] {
  const inText = /"id": (\d+)/.exec(text ?? '')?.[1];
  const changed = fields
    .filter(({ path }) => path === 'id')
    .flatMap(({ before, after }) => [['before', before] as const, ['after', after] as const]);
  return [...changed, [change === 'added' ? 'after' : 'before', inText] as const].flatMap(([side, number]) =>
    number === undefined ? [] : [[side, numberIn(number)]],
  );
}

function numberIn(text: string): number {
  return Number(/\d+/.exec(text)?.[0] ?? Number.NaN);
}

/** Some fields, with what they were and what they are. */
function showFields(fields: readonly FieldChange[], nameOf = ({ path }: FieldChange) => lastStep(path)): string {
  const shown = fields
    .slice(0, MAX_FIELDS)
    .map((field) => `${nameOf(field)} ${shorten(field.before)} → ${shorten(field.after)}`);
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
