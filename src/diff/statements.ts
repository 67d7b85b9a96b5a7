import { pushTo } from '../bytes/groups';
import { PLAN_IMAGE } from '../frames/image-kinds';
import type { Plan, PlanPlaceholder } from '../plan/plan';
import { type CheckpointContext, MAX_REFERENCES } from './context';
import { counted } from './counted';
import type { Change, FileDifference, ImageDifference } from './difference';
import { isOfTask, numberOfImage } from './image-of-task';
import type { DescriptorChange, FileChange, ImageChanges, Meaning, SpokenField } from './meaning';
import { MAX_FIELDS, type Statement } from './statement';

/** So much of a value. */
const MAX_VALUE = 60;

const VERBS: Record<Change, string> = { added: 'new', removed: 'gone', changed: 'changed' };

/** What numbers stand for, on either side. */
interface Names {
  readonly before: CheckpointContext;
  readonly after: CheckpointContext;
  readonly placeholders: ReadonlyMap<number, PlanPlaceholder>;
}

/** What it all means. `plan`: the one that made the second checkpoint. `ofLone`: pages of tasks that only one of the two has. */
export function statementsOf(
  meaning: Meaning,
  before: CheckpointContext,
  after: CheckpointContext,
  plan: Plan | undefined,
  ofLone: ReadonlySet<string>,
): Statement[] {
  const placeholders = (plan?.placeholders ?? []).filter((placeholder) => isOf(placeholder, before));
  const names = { before, after, placeholders: new Map(placeholders.map((one) => [one.file_id, one])) };
  const { memory, loneTasks, moreFiles, moreDescriptors } = meaning;
  const spoken: Statement[] = [
    ...(['removed', 'added'] as const).flatMap((change) =>
      [...loneTasks[change]].map((pid) => ofTask(pid, change, names)),
    ),
    ...meaning.files.map((file) => ofFile(file, names)),
    ...ofDescriptors(meaning, names),
    ...[...meaning.mappings].map(([image, counts]) => ofMappings(image, counts, names)),
    ...[...memory].map(([pid, mappings]) => ofMemory(pid, mappings, names)),
    ...(memory.size > 0 ? [] : meaning.pages.map(ofPages)),
    ...[...meaning.entries].flatMap(
      ([image, changes]) => ofTerminals(image, changes, names) ?? ofEntries(image, changes, names),
    ),
    ...meaning.others,
    ...meaning.images.filter((image) => !isTableOfLone(image, meaning, names)).map(ofImage),
    ...meaning.raw.filter(({ file }) => !ofLone.has(file)).map(ofRaw),
  ];
  if (moreFiles > 0) spoken.push({ about: 'file', text: `files.img: ${moreFiles} more entries differ` });
  if (moreDescriptors > 0) spoken.push({ about: 'descriptor', text: `${moreDescriptors} more descriptors differ` });
  return spoken;
}

/** Whether a placeholder stands for the entry that has its id: a plan of another checkpoint may name any id. */
function isOf({ file_id, split_from, was }: PlanPlaceholder, before: CheckpointContext): boolean {
  const id = split_from ?? file_id;
  // Some types have one key for all entries: the context names these by their ids.
  return !before.hasEntry(id) || [was.key, `${was.type} ${id}`].includes(before.keyOf(id));
}

/** Whether it is the descriptor table of tasks that come or go with it. */
function isTableOfLone({ image, change }: ImageDifference, { loneTasks }: Meaning, { before, after }: Names): boolean {
  const table = numberOfImage(image, 'FDINFO');
  if (table === undefined) return false;
  const pids = (change === 'removed' ? before : after).pidsOf(table);
  return pids.length > 0 && pids.every((pid) => loneTasks[change].has(pid));
}

function ofTask(pid: number, change: Change, { before, after }: Names): Statement {
  return { about: 'task', text: `${(change === 'removed' ? before : after).task(pid)}: ${VERBS[change]}` };
}

function ofFile({ ids, change, isTurned, isOtherType, fields }: FileChange, names: Names): Statement {
  const { before, after, placeholders } = names;
  const [side, id] = change === 'added' ? [after, ids.after as number] : [before, ids.before as number];
  const placeholder = ids.after === undefined ? undefined : placeholders.get(ids.after);
  if (placeholder !== undefined && (isTurned || change === 'added')) {
    const from = placeholder.split_from === undefined ? '' : `, split off from ${before.keyOf(placeholder.split_from)}`;
    const subject = withReferences(placeholder.was.key, side.referencesTo(id));
    return { about: 'inherited', text: `${subject}: now inherited from fd[${placeholder.caller_fd}]${from}` };
  }
  const subject = withReferences(side.keyOf(id), side.referencesTo(id));
  if (change !== 'changed') return { about: 'file', text: `${subject}: ${VERBS[change]}` };
  const now = ids.after !== undefined && after.hasEntry(ids.after) ? after.keyOf(ids.after) : undefined;
  return { about: 'file', text: `${subject}: ${now !== undefined && isOtherType ? `now ${now}` : showFields(fields)}` };
}

/** Terminals whose records differ, where these are all that the plan takes whole. */
function ofTerminals(image: string, { count }: ImageChanges, { before, placeholders }: Names): Statement[] | undefined {
  if (image !== 'tty-info.img') return undefined;
  const terminals = new Map<number, PlanPlaceholder[]>();
  for (const placeholder of placeholders.values()) {
    if (placeholder.terminal !== undefined) pushTo(terminals, placeholder.terminal.id, placeholder);
  }
  if (terminals.size !== count) return undefined;
  return [...terminals.values()].map((parts) => {
    const [{ was, caller_fd }] = parts as [PlanPlaceholder];
    const subject = withReferences(
      was.key,
      parts.flatMap(({ file_id }) => before.referencesTo(file_id)),
    );
    return { about: 'inherited', text: `${subject}: the terminal is inherited from fd[${caller_fd}]` };
  });
}

function withReferences(key: string, references: readonly string[]): string {
  return references.length === 0 ? key : `${key} (${references.join(', ')})`;
}

/** By pid and fd. */
function ofDescriptors({ descriptors }: Meaning, names: Names): Statement[] {
  const all = [...descriptors].flatMap(([table, differences]) =>
    differences
      .filter((difference) => !isTurnedDescriptor(difference, names))
      .map((difference) => ({ table, difference, pid: tasksOf(difference, names)[0] ?? table })),
  );
  return all
    .sort((a, b) => a.pid - b.pid || a.difference.fd - b.difference.fd)
    .map(({ table, difference }) => ({ about: 'descriptor', text: ofDescriptor(table, difference, names) }));
}

/** Pids of the tasks that have the descriptor, ascending. */
function tasksOf({ change, ownTable }: DescriptorChange, { before, after }: Names): readonly number[] {
  return (change === 'added' ? after : before).pidsOf(ownTable);
}

function ofDescriptor(table: number, difference: DescriptorChange, names: Names): string {
  const { before, after } = names;
  const { change, fd, entry, ids, isOtherId, fields } = difference;
  const side = change === 'added' ? after : before;
  const pids = tasksOf(difference, names);
  const more = pids.length > MAX_REFERENCES ? [`${pids.length - MAX_REFERENCES} more`] : [];
  const references = [...pids.slice(0, MAX_REFERENCES).map((pid) => `${pid}/${fd}`), ...more];
  const who = references.length === 0 ? `table ${table}, ${entry}` : references.join(', ');
  const id = ids.before ?? ids.after;
  if (change !== 'changed') {
    return `${who}: ${change === 'added' ? 'opened' : 'closed'}${id === undefined ? '' : `, ${side.keyOf(id)}`}`;
  }
  // One that refers to another entry now is told by the names of both.
  if (!isOtherId || ids.before === undefined || ids.after === undefined) return `${who}: ${showFields(fields)}`;
  return `${who}: ${before.keyOf(ids.before)} → ${after.keyOf(ids.after)}`;
}

/** Whether a descriptor refers to a placeholder now, and nothing else is new; that is said of the entry. */
function isTurnedDescriptor({ change, isTurned, isOtherId, ids }: DescriptorChange, { placeholders }: Names): boolean {
  return change === 'changed' && isTurned && (!isOtherId || (ids.after !== undefined && placeholders.has(ids.after)));
}

function ofMappings(image: string, counts: Record<Change, number>, { before }: Names): Statement {
  const parts = (['added', 'removed', 'changed'] as const)
    .filter((change) => counts[change] > 0)
    .map((change) => `${counted(counts[change], 'mapping', 'mappings')} ${change}`);
  return { about: 'mappings', text: `${before.task(numberOfImage(image, 'MM') as number)}: ${parts.join(', ')}` };
}

function ofMemory(pid: number, mappings: number, { before }: Names): Statement {
  return { about: 'memory', text: `${before.task(pid)}: pages of ${counted(mappings, 'mapping', 'mappings')} differ` };
}

function ofPages(file: string): Statement {
  return { about: 'memory', text: `${file}: pages differ` };
}

function ofEntries(image: string, { count: entries, fields }: ImageChanges, { before }: Names): Statement {
  const about = image.startsWith('pagemap-') ? 'memory' : 'image';
  if (entries > 1 || fields.length === 0) {
    return { about, text: `${image}: ${counted(entries, 'entry differs', 'entries differ')}` };
  }
  const pid = isOfTask(image) ? numberOfImage(image) : undefined;
  const others = fields.filter(({ isRegister }) => !isRegister);
  const parts = [
    ...(others.length < fields.length ? ['registers differ'] : []),
    ...(others.length > 0 ? [showFields(others, ({ path }) => path)] : []),
  ];
  return { about, text: `${pid === undefined ? image : before.task(pid)}: ${parts.join('; ')}` };
}

function ofImage({ image, change, entries }: ImageDifference): Statement {
  return { about: 'image', text: `${image}: ${change}, ${counted(entries, 'entry', 'entries')}` };
}

function ofRaw({ file, change }: FileDifference): Statement {
  if (file === PLAN_IMAGE) return { about: 'plan', text: `${PLAN_IMAGE}, the plan of a rewrite: ${VERBS[change]}` };
  return { about: 'raw', text: `${file}: ${VERBS[change]}` };
}

/** Some fields, with what they were and what they are. */
function showFields(fields: readonly SpokenField[], nameOf = ({ name }: SpokenField) => name): string {
  const shown = fields
    .slice(0, MAX_FIELDS)
    .map((field) => `${nameOf(field)} ${shorten(field.before)} → ${shorten(field.after)}`);
  return `${shown.join(', ')}${fields.length > MAX_FIELDS ? ', …' : ''}`;
}

function shorten(value: string | undefined): string {
  if (value === undefined) return 'none';
  return value.length > MAX_VALUE ? `${value.slice(0, MAX_VALUE)}…` : value;
}
