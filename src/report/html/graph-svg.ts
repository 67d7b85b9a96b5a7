import type { Presence } from '../../diff/graph';
import type { CollapsedGraph, EntryGroup, TaskGroup } from './collapse';
import { escapeHtml, shorten, toColumns } from './escape';
import type {
  CallerPlace,
  Edge,
  EntryPlace,
  GraphLayout,
  QueuePlace,
  RightsPlace,
  RowPlace,
  TaskPlace,
} from './graph-layout';
import { layOut, middle } from './graph-layout';
import {
  idOf,
  moreEntries,
  moreTasks,
  nameOf,
  nameOfTask,
  noteOf,
  outcomeOf,
  presenceOf,
  rangesOf,
  sayGraph,
} from './graph-words';

const WIDTH = 866;
/** Left edges and widths of the three columns. */
const CALLERS = { x: 4, width: 90 };
const ENTRIES = { x: 176, width: 372 };
const TASKS = { x: 636, width: 218 };
/** Columns of the font that fit there. */
const ENTRY_COLUMNS = 46;
const TASK_COLUMNS = 26;
/** So much of a name is told where the pointer rests on it, and to who cannot see it. */
const MAX_TITLE = 500;

/** The graph as one picture; classes say what is in which of the two checkpoints. */
export function drawGraph(graph: CollapsedGraph): string {
  const layout = layOut(graph);
  // Without a plan the first column would be empty.
  const left = layout.callers.length === 0 ? ENTRIES.x - CALLERS.x : 0;
  const width = WIDTH - left;
  return `<svg viewBox="${left} 0 ${width} ${layout.height}" width="${width}" height="${layout.height}" role="group" aria-labelledby="picture-title picture-text">
<title id="picture-title">Caller fds, file entries and descriptors</title>
<desc id="picture-text">${escapeHtml(sayGraph(graph))}. The tables below the picture say the same.</desc>
${left > 0 ? '' : heading(CALLERS.x, 'caller fds')}${heading(ENTRIES.x, 'file entries')}${heading(TASKS.x, 'tasks and their descriptors')}
<g class="edges">
${layout.gifts.map((edge) => drawEdge(edge, CALLERS, ENTRIES)).join('')}${layout.uses.map((edge) => drawEdge(edge, ENTRIES, TASKS)).join('')}</g>
${layout.callers.map(drawCaller).join('')}${layout.entries.map(drawEntry).join('')}${layout.tasks.map((place) => drawTask(place, graph)).join('')}${drawRights(layout)}</svg>
`;
}

/** The id of the list of the others of a group. */
export function listOf(name: string): string {
  return `like-${name}`;
}

function heading(x: number, text: string): string {
  return `<text class="heading" x="${x}" y="16">${text}</text>`;
}

function drawEdge(
  { from, to, presence, isGiven }: Edge,
  left: { x: number; width: number },
  right: { x: number },
): string {
  const [x, end] = [left.x + left.width, right.x];
  const [y, low] = [middle(from), middle(to)];
  const bend = Math.round((x + end) / 2);
  return `<path class="${presence}${isGiven ? ' given' : ''}" data-from="${from.name}" data-to="${to.name}" d="M${x} ${y}C${bend} ${y} ${bend} ${low} ${end} ${low}"/>\n`;
}

/** A node that the keyboard reaches; `label` is all that it says. */
function node(name: string, classes: string, label: string, content: string): string {
  return `<g class="node ${classes}" data-node="${name}" tabindex="0" role="group" aria-label="${escapeHtml(shorten(label, MAX_TITLE))}">${content}</g>\n`;
}

function drawCaller({ name, caller, y, height }: CallerPlace): string {
  const content = `${box(CALLERS, y, height, 15)}${line(CALLERS.x + 14, y + 20, `fd[${caller.fd}]`)}`;
  return node(name, 'caller after', `caller fd[${caller.fd}]`, content);
}

function drawEntry({ name, group, y, height }: EntryPlace): string {
  const [entry] = group.entries as [EntryGroup['entries'][number]];
  const presence = presenceOf(entry);
  const [title, id, note] = [nameOf(entry), idOf(entry), noteOf(entry)];
  const more = entry.moreDescriptors === 0 ? '' : `, ${entry.moreDescriptors} more descriptors`;
  const left = `${id}${more} · `;
  const tail = `<tspan class="${presence === 'before' ? 'before' : 'after'} note">${escapeHtml(toColumns(note, ENTRY_COLUMNS - left.length))}</tspan>`;
  const kind = entry.inherited === undefined ? entry.change : 'inherited';
  const isStack = group.entries.length > 1;
  const link = isStack ? moreLink(name, ENTRIES.x + 12, y + 58, moreEntries(group)) : '';
  const label = `${title}, ${id}: ${note}${isStack ? `, and ${moreEntries(group)}` : ''}`;
  return node(
    name,
    `entry ${presence} ${kind}`,
    label,
    `<title>${escapeHtml(shorten(title, MAX_TITLE))}</title>${boxes(ENTRIES, y, height, isStack)}${line(ENTRIES.x + 12, y + 20, mark(presence) + toColumns(title, ENTRY_COLUMNS - 2))}<text x="${ENTRIES.x + 12}" y="${y + 39}">${escapeHtml(left)}${tail}</text>${link}`,
  );
}

function drawTask({ name, group, rows, y, height }: TaskPlace, graph: CollapsedGraph): string {
  const [task] = group.tasks as [TaskGroup['tasks'][number]];
  const was = task.was === undefined ? '' : line(TASKS.x + 12, y + 18, toColumns(task.was, TASK_COLUMNS), 'name was');
  const now = mark(task.presence) + toColumns(task.label, TASK_COLUMNS - 2);
  const isStack = group.tasks.length > 1;
  const link = isStack ? moreLink(name, TASKS.x + 12, y + 38, moreTasks(group)) : '';
  const title = nameOfTask(task);
  const head = `<title>${escapeHtml(shorten(title, MAX_TITLE))}</title>${boxes(TASKS, y, height, isStack)}${was}${line(TASKS.x + 12, y + 18, now, was === '' ? 'name' : 'name now')}${link}`;
  const label = `${title}${isStack ? `, and ${moreTasks(group)}` : ''}`;
  return node(name, `task ${task.presence}`, label, `${head}\n${rows.map((row) => drawRow(row, graph)).join('')}`);
}

function drawRow({ name, row, y }: RowPlace, { entries }: CollapsedGraph): string {
  const outcome = outcomeOf(row, entries);
  const [fds, room] = [rangesOf(row.fds), TASK_COLUMNS - outcome.length - 3];
  const shown = mark(row.presence) + toColumns(fds, Math.max(3, room));
  const targets = row.uses.map(({ entry }) => entries[entry] as EntryGroup);
  const label = `descriptor ${fds}: ${outcome}, ${targets.map(({ entries: [first] }) => nameOf(first as EntryGroup['entries'][number])).join(' and ')}`;
  const tail = `<text class="outcome" x="${TASKS.x + TASKS.width - 10}" y="${y + 17}">${escapeHtml(toColumns(outcome, 20))}</text>`;
  const isGiven = row.uses.some(
    ({ entry, presence }) => presence !== 'before' && entries[entry]?.callerFd !== undefined,
  );
  return node(
    name,
    `descriptor ${row.presence}${isGiven ? ' given' : ''}`,
    label,
    `${hit(y)}${dot(y)}${line(TASKS.x + 12, y + 17, shown)}${tail}`,
  );
}

function drawRights({ rights }: GraphLayout): string {
  if (rights === undefined) return '';
  const { queues, y, height }: RightsPlace = rights;
  return `<g class="node task both">${box(TASKS, y, height, 4)}${line(TASKS.x + 12, y + 18, 'SCM rights under way')}\n${queues.map(drawQueue).join('')}</g>\n`;
}

function drawQueue({ name, queue, y }: QueuePlace): string {
  const { presence, sockets } = queue;
  const text = `queue of socket id ${rangesOf(sockets)}`;
  const content = `${hit(y)}${dot(y)}${line(TASKS.x + 12, y + 17, toColumns(mark(presence) + text, TASK_COLUMNS))}`;
  return node(name, `descriptor ${presence}`, text, content);
}

function moreLink(name: string, x: number, y: number, text: string): string {
  return `<a href="#${listOf(name)}"><text class="more" x="${x}" y="${y}">+ ${text}</text></a>`;
}

/** Not by colour alone. */
function mark(presence: Presence): string {
  return presence === 'both' ? '' : presence === 'before' ? '− ' : '+ ';
}

function box({ x, width }: { x: number; width: number }, y: number, height: number, radius: number): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}"/>`;
}

/** A box, or a pile of them. */
function boxes(column: { x: number; width: number }, y: number, height: number, isStack: boolean): string {
  const others = isStack
    ? `${box({ ...column, x: column.x + 6 }, y + 6, height, 4)}${box({ ...column, x: column.x + 3 }, y + 3, height, 4)}`
    : '';
  return others + box(column, y, height, 4);
}

function dot(y: number): string {
  return `<circle cx="${TASKS.x}" cy="${y + 13}" r="4"/>`;
}

/** The whole row answers to the pointer. */
function hit(y: number): string {
  return `<rect class="hit" x="${TASKS.x}" y="${y}" width="${TASKS.width}" height="26"/>`;
}

function line(x: number, y: number, text: string, classes = 'name'): string {
  return `<text class="${classes}" x="${x}" y="${y}">${escapeHtml(text)}</text>`;
}
