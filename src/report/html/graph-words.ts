import { counted } from '../../diff/counted';
import type { GraphEntry, GraphTask, Presence } from '../../diff/graph';
import type { CollapsedGraph, EntryGroup, RowGroup, TaskGroup } from './collapse';

/** The fate of an entry, in a few words. */
export function noteOf({ change, before, after, inherited }: GraphEntry): string {
  if (inherited !== undefined) {
    const origin = inherited.split_from === undefined ? '' : `, split off from id ${inherited.split_from}`;
    return `now from fd[${inherited.caller_fd}]${origin}`;
  }
  if (change === 'added') return 'new';
  if (change === 'removed') return 'gone';
  if (change === 'same') return 'other descriptors';
  return after === before ? 'changed' : `now ${after}`;
}

/** The key that names an entry; for a placeholder, the one that it had. */
export function nameOf({ id, before, after, inherited }: GraphEntry): string {
  return before ?? inherited?.was.key ?? after ?? `file id ${id}`;
}

/** The file id of an entry, on both sides where they differ. */
export function idOf({ id, idAfter }: GraphEntry): string {
  return idAfter === undefined ? `id ${id}` : `id ${id} → ${idAfter}`;
}

export function presenceOf({ change }: GraphEntry): Presence {
  return change === 'removed' ? 'before' : change === 'added' ? 'after' : 'both';
}

/** Whether something is in one of the two only, but for what comes from a caller fd. */
export function hasOnly(side: 'before' | 'after', { tasks, entries, queues }: CollapsedGraph): boolean {
  const uses = [...tasks.flatMap(({ rows }) => rows), ...queues].flatMap((row) => row.uses);
  return (
    tasks.some((group) => group.tasks[0]?.presence === side) ||
    entries.some((group) => group.callerFd === undefined && presenceOf(group.entries[0] as GraphEntry) === side) ||
    uses.some((use) => use.presence === side && (side === 'before' || entries[use.entry]?.callerFd === undefined))
  );
}

/** A task with its name; with both where it has another one now. */
export function nameOfTask({ label, was }: GraphTask): string {
  return was === undefined ? label : `${was} → ${label}`;
}

/** The fate of descriptors, in a few words. */
export function outcomeOf({ presence, uses }: RowGroup, entries: readonly EntryGroup[]): string {
  const now = uses.filter((use) => use.presence !== 'before').map((use) => entries[use.entry] as EntryGroup);
  const fds = [...new Set(now.flatMap(({ callerFd }) => callerFd ?? []))];
  if (fds.length > 0) return `now ${fds.map((fd) => `fd[${fd}]`).join(', ')}`;
  if (presence !== 'both') return presence === 'before' ? 'closed' : 'opened';
  return uses.some((use) => use.presence !== 'both') ? 'other entry' : 'changed';
}

/** Numbers ascending, runs of them by their ends: 1, 3–7. */
export function rangesOf(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges
    .map(([first, last]) => (first === last ? `${first}` : `${first}${last === first + 1 ? ', ' : '–'}${last}`))
    .join(', ');
}

export function moreTasks({ tasks }: TaskGroup): string {
  return counted(tasks.length - 1, 'more task like this', 'more tasks like this');
}

export function moreEntries({ entries }: EntryGroup): string {
  return counted(entries.length - 1, 'more entry like this', 'more entries like this');
}

/** The size of a graph, all alike things counted. */
export function sayGraph({ callers, entries, tasks, queues }: CollapsedGraph): string {
  const rows = tasks.flatMap((group) => group.rows.map(({ fds }) => fds.length * group.tasks.length));
  const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);
  const sockets = sum(queues.map((group) => group.sockets.length));
  return [
    ...(callers.length === 0 ? [] : [counted(callers.length, 'caller fd', 'caller fds')]),
    counted(sum(entries.map((group) => group.entries.length)), 'file entry', 'file entries'),
    `${counted(sum(rows), 'descriptor', 'descriptors')} of ${counted(sum(tasks.map((group) => group.tasks.length)), 'task', 'tasks')}`,
    ...(sockets === 0 ? [] : [`SCM rights in ${counted(sockets, 'queue', 'queues')}`]),
  ].join(', ');
}
