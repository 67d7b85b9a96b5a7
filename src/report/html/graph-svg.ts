import type { DiffGraph, GraphEntry } from '../../diff/graph';
import { escapeHtml, shorten, toColumns } from './escape';
import type {
  CallerPlace,
  DescriptorPlace,
  Edge,
  EntryPlace,
  GraphLayout,
  RightsPlace,
  TaskPlace,
} from './graph-layout';
import { layOut } from './graph-layout';

const WIDTH = 940;
/** Left edges and widths of the three columns. */
const CALLERS = { x: 4, width: 110 };
const ENTRIES = { x: 212, width: 400 };
const TASKS = { x: 710, width: 226 };
/** Columns of the font that fit there. */
const ENTRY_COLUMNS = 50;
const TASK_COLUMNS = 28;
/** So much of a name is told where the pointer rests on it. */
const MAX_TITLE = 500;

/** The graph as one picture; classes say what is in which of the two checkpoints. */
export function drawGraph(graph: DiffGraph): string {
  const layout = layOut(graph);
  // Without a plan the first column would be empty.
  const left = layout.callers.length === 0 ? ENTRIES.x - CALLERS.x : 0;
  return `<svg viewBox="${left} 0 ${WIDTH - left} ${layout.height}" width="${WIDTH - left}" height="${layout.height}" class="${left === 0 ? 'wide' : 'narrow'}" role="img" aria-labelledby="picture-title picture-text">
<title id="picture-title">Caller fds, file entries and descriptors</title>
<desc id="picture-text">${escapeHtml(sayGraph(layout))} The table below the picture says the same.</desc>
${heading(CALLERS.x, layout.callers.length === 0 ? '' : 'caller fds')}${heading(ENTRIES.x, 'file entries')}${heading(TASKS.x, 'descriptors')}
<g class="edges">
${layout.gifts.map((edge) => drawEdge(edge, CALLERS, ENTRIES)).join('')}${layout.uses.map((edge) => drawEdge(edge, ENTRIES, TASKS)).join('')}</g>
${layout.tasks.map(drawTask).join('')}${layout.rights === undefined ? '' : drawRights(layout.rights)}${layout.entries.map(drawEntry).join('')}${layout.callers.map(drawCaller).join('')}</svg>
`;
}

/** What became of an entry, in a few words. */
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

/** What names an entry: for a placeholder, what it was. */
export function nameOf({ id, before, after, inherited }: GraphEntry): string {
  return before ?? inherited?.was.key ?? after ?? `file id ${id}`;
}

/** The file id of an entry, on both sides where they differ. */
export function idOf({ id, idAfter }: GraphEntry): string {
  return idAfter === undefined ? `id ${id}` : `id ${id} → ${idAfter}`;
}

export function presenceOf({ change }: GraphEntry): 'before' | 'after' | 'both' {
  return change === 'removed' ? 'before' : change === 'added' ? 'after' : 'both';
}

function sayGraph({ callers, entries, tasks, rights }: GraphLayout): string {
  const descriptors = tasks.reduce((sum, task) => sum + task.descriptors.length, 0);
  return `${callers.length} caller fds, ${entries.length} file entries, ${descriptors} descriptors of ${tasks.length} tasks${rights === undefined ? '' : `, SCM rights in ${rights.queues.length} ${rights.queues.length === 1 ? 'queue' : 'queues'}`}.`;
}

function heading(x: number, text: string): string {
  return `<text class="heading" x="${x}" y="16">${text}</text>`;
}

function drawEdge({ from, to, presence }: Edge, left: { x: number; width: number }, right: { x: number }): string {
  const [x, end] = [left.x + left.width, right.x];
  const bend = Math.round((x + end) / 2);
  return `<path class="${presence}" d="M${x} ${from}C${bend} ${from} ${bend} ${to} ${end} ${to}"/>\n`;
}

function drawCaller({ fd, y, height }: CallerPlace): string {
  return `<g class="node caller after">${box(CALLERS, y, height, 15)}${line(CALLERS.x + 14, y + 20, `fd[${fd}]`)}</g>\n`;
}

function drawEntry({ entry, y, height }: EntryPlace): string {
  const presence = presenceOf(entry);
  const name = nameOf(entry);
  const more = entry.moreDescriptors === 0 ? '' : `, ${entry.moreDescriptors} more descriptors`;
  const id = `${idOf(entry)}${more}`;
  const note = toColumns(noteOf(entry), ENTRY_COLUMNS - id.length - 3);
  const tail = `<tspan class="${presence === 'before' ? 'before' : 'after'} note"> · ${escapeHtml(note)}</tspan>`;
  const kind = entry.inherited === undefined ? entry.change : 'inherited';
  return `<g class="node entry ${presence} ${kind}" data-id="${entry.id}"><title>${escapeHtml(shorten(name, MAX_TITLE))}</title>${box(ENTRIES, y, height, 4)}${line(ENTRIES.x + 12, y + 20, mark(presence) + toColumns(name, ENTRY_COLUMNS - 2))}<text x="${ENTRIES.x + 12}" y="${y + 39}">${escapeHtml(id)}${tail}</text></g>\n`;
}

function drawTask({ task, descriptors, y, height }: TaskPlace): string {
  const was = task.was === undefined ? '' : line(TASKS.x + 12, y + 18, toColumns(task.was, TASK_COLUMNS), 'name was');
  const now = mark(task.presence) + toColumns(task.label, TASK_COLUMNS);
  const label = was + line(TASKS.x + 12, y + 18, now, was === '' ? 'name' : 'name now');
  const inside = descriptors.map(drawDescriptor).join('');
  return `<g class="node task ${task.presence}"><title>${escapeHtml(task.was === undefined ? task.label : `${task.was} → ${task.label}`)}</title>${box(TASKS, y, height, 4)}${label}\n${inside}</g>\n`;
}

function drawDescriptor({ pid, fd, presence, y }: DescriptorPlace): string {
  const dot = `<circle cx="${TASKS.x}" cy="${y + 13}" r="4"/>`;
  return `<g class="descriptor ${presence}">${dot}${line(TASKS.x + 12, y + 17, `${mark(presence)}${pid}/${fd}`)}</g>\n`;
}

function drawRights({ queues, y, height }: RightsPlace): string {
  const rows = queues.map(({ socket, presence, y: top }) => {
    const dot = `<circle cx="${TASKS.x}" cy="${top + 13}" r="4"/>`;
    return `<g class="descriptor ${presence}">${dot}${line(TASKS.x + 12, top + 17, `${mark(presence)}queue of socket id ${socket}`)}</g>\n`;
  });
  return `<g class="node task both">${box(TASKS, y, height, 4)}${line(TASKS.x + 12, y + 18, 'SCM rights under way')}\n${rows.join('')}</g>\n`;
}

/** Not by colour alone. */
function mark(presence: 'before' | 'after' | 'both'): string {
  return presence === 'both' ? '' : presence === 'before' ? '− ' : '+ ';
}

function box({ x, width }: { x: number; width: number }, y: number, height: number, radius: number): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}"/>`;
}

function line(x: number, y: number, text: string, classes = 'name'): string {
  return `<text class="${classes}" x="${x}" y="${y}">${escapeHtml(text)}</text>`;
}
