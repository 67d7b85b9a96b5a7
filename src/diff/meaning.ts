import { identifyImage } from '../frames/image-kinds';
import {
  CORE_ENTRY_FIELDS,
  FD_TYPES,
  FDINFO_ENTRY_FIELDS,
  FILE_ENTRY_FIELDS,
  MM_ENTRY_FIELDS,
  PSTREE_ENTRY_FIELDS,
} from '../schema/generated/images';
import { numberIn } from '../wire/number-in';
import type { Change, Difference, EntryDifference, FileDifference, ImageDifference } from './difference';
import type { EntryFound, Found, FoundEntry } from './found';
import type { IdPairs, Side } from './ids/id-pairs';
import { isOfTask, isPagesImage, numberOfImage } from './image-of-task';
import { located } from './located';
import { MAX_FIELDS, type Statement } from './statement';
import { isOfField, type ValueChange } from './wire/value-change';

/** So many entries are spoken of one by one; more are counted. */
const MAX_SPOKEN_OF = 1000;

/** An entry of files.img by its file ids; without one where that checkpoint does not have it. */
export interface EntryIds {
  readonly before: number | undefined;
  readonly after: number | undefined;
}

/** A field that changed, in words. */
export interface SpokenField {
  /** The last step of its path. */
  readonly name: string;
  readonly path: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
  readonly isRegister: boolean;
}

export interface FileChange {
  readonly ids: EntryIds;
  readonly change: Change;
  /** It became a placeholder. */
  readonly isTurned: boolean;
  readonly isOtherType: boolean;
  readonly fields: readonly SpokenField[];
}

export interface DescriptorChange {
  readonly change: Change;
  readonly fd: number;
  /** What names it in its table. */
  readonly entry: string;
  /** The table that it is in, on its own side. */
  readonly ownTable: number;
  /** The entries that it refers to. */
  readonly ids: EntryIds;
  readonly isOtherId: boolean;
  /** Nothing changed but its type, to that of a placeholder, and the entry that it refers to. */
  readonly isTurned: boolean;
  readonly fields: readonly SpokenField[];
}

/** Of an image: how many entries differ, and what of a single one that changed. */
export interface ImageChanges {
  count: number;
  readonly fields: readonly SpokenField[];
}

/** Gathers differences as they come, in little memory, for who says at the end what they mean. */
export class Meaning {
  /** File ids that have to be named, on each side. */
  readonly ids = { before: new Set<number>(), after: new Set<number>() };
  readonly files: FileChange[] = [];
  /** Entries that differ and are not among `ids`, since they are too many. */
  moreFiles = 0;
  /** By table. */
  readonly descriptors = new Map<number, DescriptorChange[]>();
  private descriptorCount = 0;
  moreDescriptors = 0;
  /** Pids of tasks that only one of the two has. */
  readonly loneTasks = { added: new Set<number>(), removed: new Set<number>() };
  readonly mappings = new Map<string, Record<Change, number>>();
  /** By image. */
  readonly entries = new Map<string, ImageChanges>();
  /** Mappings whose pages differ, by pid. */
  readonly memory = new Map<number, number>();
  readonly pages: string[] = [];
  readonly others: Statement[] = [];
  readonly images: ImageDifference[] = [];
  readonly raw: FileDifference[] = [];

  /**
   * `pairs`: which ids of the two checkpoints stand for the same; equal ones where they are not ignored. `lastStep`: what
   * the last step to a change is called.
   */
  constructor(
    private readonly pairs: IdPairs | undefined,
    private readonly lastStep: (change: ValueChange) => string,
  ) {}

  /** `told`: the same difference in words. What it means is told by the values. */
  add(found: Found, told: Difference): void {
    switch (found.what) {
      case 'entry':
        this.entry(found, told as EntryDifference);
        return;
      case 'image':
        if (!isOfTask(found.image)) this.images.push(found);
        return;
      case 'order':
        this.others.push({ about: 'image', text: `${found.image}: entries stand in another order` });
        return;
      case 'head':
        this.others.push({ about: 'image', text: `${found.image}: other magics` });
        return;
      case 'tail':
        this.others.push({ about: 'image', text: `${found.image}: other bytes behind the last entry` });
        return;
      case 'memory':
        this.memory.set(found.pid, (this.memory.get(found.pid) ?? 0) + 1);
        return;
      case 'file':
        if (isPagesImage(found.file) && found.change === 'changed') this.pages.push(found.file);
        else this.raw.push(found);
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

  private entry(found: EntryFound, told: EntryDifference): void {
    const image = identifyImage(found.image);
    switch (image?.kind.name) {
      case 'FILES':
        this.file(found, told);
        return;
      case 'FDINFO':
        this.descriptor(found, told, image.number);
        return;
      case 'PSTREE':
        if (found.change === 'changed') this.ofImage(found, told);
        else this.loneTasks[found.change].add(numberOf(found, PSTREE_ENTRY_FIELDS.pid));
        return;
      case 'MM':
        this.mm(found, told);
        return;
      default:
        this.ofImage(found, told);
    }
  }

  private ofImage(
    { image, changes }: Pick<EntryFound, 'image' | 'changes'>,
    told: Pick<EntryDifference, 'fields'>,
  ): void {
    const known = this.entries.get(image);
    if (known !== undefined) known.count += 1;
    else this.entries.set(image, { count: 1, fields: this.spoken(changes, told.fields) });
  }

  /** The first fields, in words. */
  private spoken(changes: readonly ValueChange[], told: EntryDifference['fields']): SpokenField[] {
    return changes.slice(0, MAX_FIELDS + 1).map((change, i) => {
      const { path, before, after } = told[i] as EntryDifference['fields'][number];
      return { name: this.lastStep(change), path, before, after, isRegister: isRegister(change) };
    });
  }

  private file(found: EntryFound, told: EntryDifference): void {
    if (this.files.length === MAX_SPOKEN_OF) {
      this.moreFiles += 1;
      return;
    }
    const { change, changes, after } = found;
    const ids = this.bothIds(change === 'added' ? 'after' : 'before', numberOf(found, FILE_ENTRY_FIELDS.id));
    this.toBeNamed(ids);
    const isOtherType = changes.some((one) => isOfField(one, FILE_ENTRY_FIELDS.type));
    this.files.push({
      ids,
      change,
      isTurned: isOtherType && numberAt(after, FILE_ENTRY_FIELDS.type) === FD_TYPES.EXT,
      isOtherType,
      fields: this.spoken(changes, told.fields),
    });
  }

  private descriptor(found: EntryFound, told: EntryDifference, table: number): void {
    if (this.descriptorCount === MAX_SPOKEN_OF) {
      this.moreDescriptors += 1;
      return;
    }
    this.descriptorCount += 1;
    const { change, changes, before, after, counterpart } = found;
    const { id, type, fd } = FDINFO_ENTRY_FIELDS;
    const isOtherId = changes.some((one) => isOfField(one, id));
    const isTurned = changes.every((one) => isOfField(one, id) || isOfField(one, type));
    const ids = { before: numberAt(before, id), after: numberAt(after, id) };
    const other = change === 'added' && counterpart?.image !== undefined ? counterpart.image : undefined;
    const differences = this.descriptors.get(table) ?? [];
    this.descriptors.set(table, differences);
    differences.push({
      change,
      fd: numberOf(found, fd),
      entry: told.entry,
      ownTable: (other === undefined ? undefined : numberOfImage(other, 'FDINFO')) ?? table,
      ids,
      isOtherId,
      isTurned: isTurned && (!changes.some((one) => isOfField(one, type)) || numberAt(after, type) === FD_TYPES.EXT),
      fields: this.spoken(changes, told.fields),
    });
    // Of one that changed, the entries have to be named where it refers to another one.
    if (change === 'changed' && !isOtherId) return;
    if (ids.before !== undefined) this.toBeNamed(this.bothIds('before', ids.before));
    if (ids.after !== undefined) this.toBeNamed(this.bothIds('after', ids.after));
  }

  private mm(found: EntryFound, told: EntryDifference): void {
    const counts = { added: 0, removed: 0, changed: 0 };
    const touched = new Set<string>();
    const isMapping = ({ path: [first] }: ValueChange) =>
      first?.number === MM_ENTRY_FIELDS.vmas && first.item !== undefined;
    for (const change of found.changes) {
      const { path, before, after } = change;
      const key = path[0]?.item?.key ?? '';
      if (!isMapping(change) || touched.has(key)) continue;
      touched.add(key);
      const isWhole = path.length === 1 && before?.is !== 'encoding';
      counts[!isWhole ? 'changed' : before === undefined ? 'added' : after === undefined ? 'removed' : 'changed'] += 1;
    }
    if (touched.size > 0) this.mappings.set(found.image, counts);
    const rest = found.changes.flatMap((change, i) => (isMapping(change) ? [] : [{ change, told: told.fields[i] }]));
    if (rest.length === 0) return;
    this.ofImage(
      { image: found.image, changes: rest.map(({ change }) => change) },
      { fields: rest.map((one) => one.told as EntryDifference['fields'][number]) },
    );
  }
}

/** Whether a change is one of the registers of a task. */
function isRegister({ path: [first, ...inner], before, after }: ValueChange): boolean {
  const isWithin = inner.length > 0 || (before ?? after)?.is === 'encoding';
  return isWithin && first?.number === CORE_ENTRY_FIELDS.thread_info && first.field?.name === 'thread_info';
}

/** A number of 32 bits in an entry, which names it. */
function numberOf({ before, after }: EntryFound, field: number): number {
  return numberAt(before ?? after, field) ?? Number.NaN;
}

/** Throws FdgraftError where the entry, or the field, is malformed. */
function numberAt(one: FoundEntry | undefined, field: number): number | undefined {
  return one === undefined ? undefined : located(one, () => numberIn(one.entry, field));
}
