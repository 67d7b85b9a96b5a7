import type { DiffGraph } from '../../diff/graph';
import { type CollapsedGraph, collapse } from './collapse';
import { drawGraph } from './graph-svg';
import { graphTables, lists } from './graph-tables';
import { hasOnly, sayGraph } from './graph-words';

/** So many nodes are drawn at once, so many if the reader wants it, and none of more: nobody could read it. */
export const MAX_SHOWN_NODES = 120;
export const MAX_DRAWN_NODES = 1000;

const VIEWS = [
  ['both', 'Both, with marks'],
  ['before', 'Before'],
  ['after', 'After'],
] as const;

/** The picture, what its marks mean, and tables that say the same. All of it works without script. */
export function graphSection(graph: DiffGraph): string {
  const { moreEntries } = graph;
  const rest = moreEntries === 0 ? '' : `<p>… and ${moreEntries} more entries that differ.</p>\n`;
  if (graph.entries.length === 0) return `<p>No file entry differs, nor any descriptor of one.</p>\n${rest}`;
  const collapsed = collapse(graph);
  const nodes = nodesOf(collapsed);
  const intro = `<p>${sayGraph(collapsed)}. <span class="soft">Only what differs is here.</span></p>\n`;
  const tables = `${graphTables(collapsed)}${rest}${lists(collapsed)}`;
  if (nodes > MAX_DRAWN_NODES) {
    return `${intro}<p>The page has no picture, since it would have ${nodes} nodes, and ${MAX_DRAWN_NODES} are the limit.</p>\n${tables}`;
  }
  const picture = pictureOf(collapsed);
  if (nodes > MAX_SHOWN_NODES) {
    return `${intro}<details class="rest" id="picture"><summary>Show the picture (${nodes} nodes)</summary>\n${picture}</details>\n${tables}`;
  }
  return `${intro}${picture}${rest}${lists(collapsed)}<details class="rest" id="same"><summary>The same as tables</summary>\n${graphTables(collapsed)}</details>\n`;
}

/** The nodes of the picture: caller fds, entries, tasks, rows of descriptors, queues. */
export function nodesOf({ callers, entries, tasks, queues }: CollapsedGraph): number {
  const rows = tasks.reduce((sum, group) => sum + group.rows.length, 0);
  return callers.length + entries.length + tasks.length + rows + queues.length;
}

function pictureOf(graph: CollapsedGraph): string {
  const choices = VIEWS.map(
    ([view, label], i) =>
      `<span><input type="radio" name="view" id="view-${view}"${i === 0 ? ' checked' : ''}> <label for="view-${view}">${label}</label></span>\n`,
  ).join('');
  const legend = [
    ...(graph.callers.length === 0 ? [] : ['<li class="turned">blue, thick: now from a caller fd</li>\n']),
    ...(hasOnly('after', graph) ? ['<li class="new">+ green: after only</li>\n'] : []),
    ...(hasOnly('before', graph) ? ['<li class="old">− red, dashed: before only</li>\n'] : []),
  ];
  return `<a class="skip" href="#behind-picture">Skip the picture</a>
<fieldset><legend>Side</legend>
${choices}</fieldset>
${legend.length === 0 ? '' : `<ul class="legend">\n${legend.join('')}</ul>\n`}<p class="hint">The picture is wider than the screen. Scroll it sideways.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Picture of the graph">
${drawGraph(graph)}</div>
<p id="behind-picture" class="soft" tabindex="-1"><span id="pointing" hidden>Point at a box, or move to it with the Tab key, to see what it leads to.</span></p>
`;
}
