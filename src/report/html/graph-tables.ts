import type { GraphEntry, GraphTask } from '../../diff/graph';
import type { CollapsedGraph, EntryGroup, TaskGroup } from './collapse';
import { escapeHtml, shorten } from './escape';
import { fold, foldedList, foldedTable, OPEN_ROWS } from './fold';
import { listOf } from './graph-svg';
import { idOf, moreEntries, moreTasks, nameOf, nameOfTask, noteOf, outcomeOf, rangesOf } from './graph-words';

const MAX_TEXT = 500;

/** The same as the picture: by task, and by entry. */
export function graphTables(graph: CollapsedGraph): string {
  const { tasks, entries } = graph;
  const byTask = foldedTable({
    caption: 'By task: its descriptors',
    columns: ['Task', 'Descriptors'],
    rows: tasks.map((group, i) => taskRow(group, `t${i}`, entries)),
  });
  const byEntry = foldedTable({
    caption: 'By file entry: its descriptors, as task/fd',
    columns: ['Entry', 'Change', 'Before', 'After', 'Caller fd'],
    rows: entries.map((group, i) => {
      const [first = '', ...cells] = entryRow(group.entries[0] as GraphEntry);
      return [first + moreLink(`e${i}`, group.entries.length, moreEntries(group)), ...cells];
    }),
  });
  return `<div id="by-task">\n${tasks.length === 0 ? '' : byTask}</div>\n<div id="by-entry">\n${byEntry}</div>\n`;
}

/** The others of each group, for who wants to see them all. */
export function lists({ tasks, entries }: CollapsedGraph): string {
  const ofTasks = tasks.flatMap((group, i) => {
    const [first, ...others] = group.tasks as [GraphTask, ...GraphTask[]];
    if (others.length === 0) return [];
    const names = others.map((task) => `<li>${code(nameOfTask(task))}</li>\n`).join('');
    return [
      fold(
        `${others.length} more like ${code(nameOfTask(first))}`,
        `<ul class="names">\n${names}</ul>\n`,
        listOf(`t${i}`),
      ),
    ];
  });
  const ofEntries = entries.flatMap((group, i) => {
    const [first, ...others] = group.entries as [GraphEntry, ...GraphEntry[]];
    if (others.length === 0) return [];
    const table = foldedTable({
      caption: 'Entries that are alike, and their descriptors, as task/fd',
      columns: ['Entry', 'Change', 'Before', 'After', 'Caller fd'],
      rows: others.map(entryRow),
    });
    return [fold(`${others.length} more like ${code(nameOf(first))}`, table, listOf(`e${i}`))];
  });
  const all = [...ofTasks, ...ofEntries];
  return all.length === 0 ? '' : `<h3>Alike</h3>\n${foldedList(all, 'likes')}`;
}

function taskRow(group: TaskGroup, name: string, entries: readonly EntryGroup[]): string[] {
  const [first] = group.tasks as [GraphTask];
  const lines = group.rows.map((row) => {
    const targets = row.uses.map(({ entry }) => {
      const { entries: own } = entries[entry] as EntryGroup;
      const more = row.fds.length > 1 && own.length > 1 ? ' and others like it' : '';
      return `${entryName(own[0] as GraphEntry)}${more}`;
    });
    return `<b>${rangesOf(row.fds)}</b> ${targets.join(' → ')}: ${escapeHtml(outcomeOf(row, entries))}`;
  });
  return [code(nameOfTask(first)) + moreLink(name, group.tasks.length, moreTasks(group)), foldedList(lines, 'lines')];
}

function entryRow(entry: GraphEntry): string[] {
  const { inherited, descriptors, moreDescriptors, queues } = entry;
  const on = (side: 'before' | 'after') => {
    const isOn = ({ presence }: { presence: string }) => presence === side || presence === 'both';
    return [
      ...descriptors.filter(isOn).map(({ pid, fd }) => `${pid}/${fd}`),
      ...queues.filter(isOn).map(({ socket }) => `SCM right in the queue of socket id ${socket}`),
    ];
  };
  const [before, after] = [foldedWords(on('before')), foldedWords(on('after'))];
  const more = moreDescriptors === 0 ? '' : ` (and ${moreDescriptors} more on either side)`;
  const caller = inherited === undefined ? '–' : `fd[${inherited.caller_fd}]`;
  return [
    entryName(entry),
    escapeHtml(shorten(noteOf(entry), MAX_TEXT)),
    before + more,
    after === before ? 'the same' : after,
    caller,
  ];
}

function foldedWords(words: readonly string[]): string {
  const rest = words.slice(OPEN_ROWS);
  const shown = words.length === 0 ? '–' : words.slice(0, OPEN_ROWS).join(', ');
  return shown + (rest.length === 0 ? '' : fold(`${rest.length} more`, rest.join(', ')));
}

function entryName(entry: GraphEntry): string {
  return `${code(nameOf(entry))} (${idOf(entry)})`;
}

function moreLink(name: string, count: number, text: string): string {
  return count === 1 ? '' : ` <a href="#${listOf(name)}">and ${text}</a>`;
}

function code(text: string): string {
  return `<code>${escapeHtml(shorten(text, MAX_TEXT))}</code>`;
}
