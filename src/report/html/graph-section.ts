import type { DiffGraph, GraphEntry } from '../../diff/graph';
import { escapeHtml, shorten } from './escape';
import { drawGraph, idOf, nameOf, noteOf } from './graph-svg';

const MAX_TEXT = 500;

const VIEWS = [
  ['both', 'Both, with marks'],
  ['before', 'Before'],
  ['after', 'After'],
] as const;

/** The picture, what its marks mean, and a table that says the same. The choice of the side works without script. */
export function graphSection(graph: DiffGraph): string {
  const { entries, moreEntries } = graph;
  const rest = moreEntries === 0 ? '' : `<p>… and ${moreEntries} more entries that differ.</p>\n`;
  if (entries.length === 0) return `<p>No file entry differs, nor any descriptor of one.</p>\n${rest}`;
  const choices = VIEWS.map(
    ([view, label], i) =>
      `<span><input type="radio" name="view" id="view-${view}"${i === 0 ? ' checked' : ''}> <label for="view-${view}">${label}</label></span>\n`,
  ).join('');
  return `<p class="soft">File entries that differ, the tasks that have them open, and the caller fds that a plan gives them.</p>
<fieldset><legend>Side</legend>
${choices}</fieldset>
<div class="scroll picture" tabindex="0" role="region" aria-label="Picture of the graph">
${drawGraph(graph)}</div>
<ul class="legend">
<li class="old">− dashed: before only</li>
<li class="new">+ after only</li>
<li class="turned">filled, thick line: now from a caller fd</li>
</ul>
${rest}<details class="wide"><summary>The same as a table</summary>
${tableOf(graph)}</details>
`;
}

function tableOf({ entries }: DiffGraph): string {
  return `<div class="scroll" tabindex="0" role="region" aria-label="Table of the graph"><table id="entries">
<caption>Entries and their descriptors, as task/fd</caption>
<thead><tr><th scope="col">Entry</th><th scope="col">Change</th><th scope="col">Descriptors before</th><th scope="col">Descriptors after</th><th scope="col">Caller fd</th></tr></thead>
<tbody>
${entries.map(rowOf).join('')}</tbody>
</table></div>
`;
}

function rowOf(entry: GraphEntry): string {
  const { inherited, descriptors, moreDescriptors, queues } = entry;
  const on = (side: 'before' | 'after') => {
    const isOn = ({ presence }: { presence: string }) => presence === side || presence === 'both';
    const held = [
      ...descriptors.filter(isOn).map(({ pid, fd }) => `${pid}/${fd}`),
      ...queues.filter(isOn).map(({ socket }) => `SCM right in the queue of socket id ${socket}`),
    ];
    return held.length === 0 ? '–' : held.join(', ');
  };
  const more = moreDescriptors === 0 ? '' : ` (and ${moreDescriptors} more on either side)`;
  const name = escapeHtml(shorten(nameOf(entry), MAX_TEXT));
  const note = escapeHtml(shorten(noteOf(entry), MAX_TEXT));
  const caller = inherited === undefined ? '–' : `fd[${inherited.caller_fd}]`;
  return `<tr><th scope="row"><code>${name}</code> (${idOf(entry)})</th><td>${note}</td><td>${on('before')}${more}</td><td>${on('after')}</td><td>${caller}</td></tr>\n`;
}
