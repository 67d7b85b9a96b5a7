/** The page of `diff --format html` when much differs: what is drawn, what is folded, and where it ends. */
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { type DiffGraph, openSource, rewrite, type ToldDifference } from '../../src';
import { collapse } from '../../src/report/html/collapse';
import { DifferencesSection } from '../../src/report/html/differences-section';
import { foldedList, foldedTable } from '../../src/report/html/fold';
import { layOut } from '../../src/report/html/graph-layout';
import { graphSection, MAX_DRAWN_NODES, MAX_SHOWN_NODES, nodesOf } from '../../src/report/html/graph-section';
import { meaningSection } from '../../src/report/html/meaning-section';
import { temporaryDirectory, writeCheckpoint } from '../support/directories';
import { manyTasks, otherNames, SPECS_OF_MANY } from '../support/many-tasks';
import { pageOf } from '../support/page-of';
import { faultsOfPage } from '../support/page-structure';
import { holds } from '../support/properties';
import { graphs } from '../support/random-graphs';

const count = (text: string, part: string | RegExp) => text.split(part).length - 1;

async function rewritten(t: ExecutionContext, tasks: number, descriptors: number) {
  const parent = temporaryDirectory(t);
  const source = writeCheckpoint(parent, manyTasks(tasks, descriptors));
  const out = path.join(parent, 'out');
  await rewrite(await openSource(source), { specs: SPECS_OF_MANY, out, link: 'copy' });
  return { source, out, ...(await pageOf(source, out, out)) };
}

/** As many nodes and lines as the collapsed graph has. */
function checkPicture(t: ExecutionContext, text: string, graph: DiffGraph): void {
  const collapsed = collapse(graph);
  const { gifts, uses } = layOut(collapsed);
  t.is(count(text, ' data-node="'), nodesOf(collapsed));
  t.is(count(text, '<path '), gifts.length + uses.length);
}

test('fifty tasks of twenty descriptors take the picture of two, and the page tells all the others', async (t) => {
  const few = await rewritten(t, 3, 20);
  const many = await rewritten(t, 50, 20);
  for (const { text, graph } of [few, many]) {
    t.deepEqual(faultsOfPage(text), []);
    checkPicture(t, text, graph as DiffGraph);
  }
  const picture = (text: string) => count(text, ' data-node="');
  t.is(picture(many.text), picture(few.text));
  t.regex(many.text, />\+ 48 more tasks like this</);
  t.regex(many.text, />\+ 48 more entries like this</);
  // Each task is named, in the picture or in the list of its group.
  for (const { label } of many.graph?.tasks ?? []) t.true(many.text.includes(`>${label}<`), label);
  for (const { before } of many.graph?.entries ?? []) t.true(many.text.includes(`<code>${before}</code>`), before);
  t.is((await pageOf(many.source, many.out, many.out)).text, many.text, 'the same input gives the same page');
});

test('of any graph, the section draws what the collapsed graph has', async (t) => {
  await holds(
    t,
    fc.asyncProperty(graphs, async (graph) => {
      if (graph.entries.length === 0) return;
      const text = graphSection(graph);
      checkPicture(t, text, graph);
      // Of a page there are only its frame and its script missing.
      const faults = faultsOfPage(`<h1>x</h1><h2>x</h2>${text}<script></script>`);
      t.deepEqual(faults, []);
    }),
    100,
  );
});

/** A graph of so many nodes, none like another. */
function unlike(nodes: number): DiffGraph {
  const letters = (i: number) => [...String(i)].map((digit) => 'abcdefghij'[Number(digit)]).join('');
  const entries = Array.from({ length: nodes }, (_none, i) => {
    const key = `/${letters(i)}`;
    return {
      id: i,
      change: 'changed' as const,
      before: key,
      after: key,
      descriptors: [],
      moreDescriptors: 0,
      queues: [],
    };
  });
  return { tasks: [], entries, moreEntries: 0 };
}

test('a picture of many nodes waits to be asked for, and one of too many is not drawn', (t) => {
  const shown = graphSection(unlike(MAX_SHOWN_NODES));
  t.regex(shown, /<svg /);
  t.notRegex(shown, /<details [^>]*id="picture"/);
  const asked = graphSection(unlike(MAX_SHOWN_NODES + 1));
  t.regex(asked, /<details class="rest" id="picture"><summary>Show the picture \(121 nodes\)<\/summary>\n[\s\S]*<svg /);
  t.true(asked.indexOf('id="by-entry"') > 0);
  const last = graphSection(unlike(MAX_DRAWN_NODES));
  t.is(count(last, ' data-node="'), MAX_DRAWN_NODES);
  const none = graphSection(unlike(MAX_DRAWN_NODES + 1));
  t.notRegex(none, /<svg /);
  t.regex(none, /The page has no picture, since it would have 1001 nodes, and 1000 are the limit\./);
  t.is(count(none, '<th scope="row"'), MAX_DRAWN_NODES + 1, 'the table has all');
});

test('twenty rows are open, and the others are folded', (t) => {
  const items = Array.from({ length: 21 }, (_none, i) => `item ${i}`);
  t.notRegex(foldedList(items.slice(1)), /<details/);
  t.regex(foldedList(items), /item 19<[\s\S]*<details class="rest"><summary>1 more<\/summary>[\s\S]*item 20</);
  t.is(foldedList([]), '');
  const table = (rows: string[]) =>
    foldedTable({ caption: 'x', columns: ['a', 'b'], rows: rows.map((row) => [row, '']) });
  t.notRegex(table(items.slice(1)), /<details/);
  t.regex(table(items), /item 19<[\s\S]*<details class="rest"><summary>1 more row<\/summary>[\s\S]*item 20</);
  t.is(count(table(items), '<thead'), 2, 'both parts name their columns');
});

test('statements that differ in numbers only are one, those of other caller fds are not', (t) => {
  const texts = [
    '1/3: closed, pipe:[7]',
    '2/3: closed, pipe:[8]',
    '3/3: closed, pipe:[9]',
    'x: now from fd[5]',
    'x: now from fd[6]',
  ];
  const text = meaningSection(texts.map((one) => ({ about: 'descriptor' as const, text: one })));
  t.regex(text, /<li>1\/3: closed, pipe:\[7\]<details class="rest"><summary>2 more like this<\/summary>/);
  for (const one of texts) t.true(text.includes(`<li>${one}<`), one);
  const holders = Array.from({ length: 50 }, (_none, i) => `${i}/1`).join(', ');
  const long = meaningSection([{ about: 'inherited', text: `pipe:[7] (${holders}): now inherited from fd[5]` }]);
  t.regex(long, /<li>pipe:\[7\] \(0\/1, 1\/1, 2\/1, 3\/1, 4\/1, 5\/1 and 44 more\): now inherited from fd\[5\]<\/li>/);
});

/** Differences of images, so many of each. */
function differences(...counts: number[]): string {
  const section = new DifferencesSection();
  let text = section.begin();
  counts.forEach((rows, i) => {
    for (let id = 0; id < rows; id += 1) {
      const told = { what: 'entry', image: `fdinfo-${i}.img`, entry: `fd ${id}`, change: 'changed', fields: [] };
      text += section.add(told as unknown as ToldDifference);
    }
  });
  return text + section.end();
}

test('the first differences are open, later ones of an image and later images are folded', (t) => {
  const opened = differences(20);
  t.notRegex(opened, /<details/);
  const one = differences(25);
  t.regex(one, /fd 19 [\s\S]*<\/dl>\n<details class="rest"><summary>5 more<\/summary>\n<dl>\n[\s\S]*fd 20 /);
  const two = differences(20, 3);
  t.regex(two, /<details class="rest place"><summary><h3><code>fdinfo-1\.img<\/code><\/h3> \(3\)<\/summary>/);
  const many = differences(...Array(25).fill(1));
  t.is(count(many, 'class="difference"'), 25);
  t.regex(many, /fdinfo-19\.img[\s\S]*<details class="rest"><summary>The other images<\/summary>[\s\S]*fdinfo-20\.img/);
  for (const text of [opened, one, two, many]) {
    t.deepEqual(faultsOfPage(`<h1>x</h1>${text}<script></script>`), []);
  }
});

test('a page of many tasks that are all unlike stays small', async (t) => {
  const parent = temporaryDirectory(t);
  const images = manyTasks(50, 20);
  const before = writeCheckpoint(parent, images);
  const after = writeCheckpoint(parent, otherNames(images));
  const { text, graph } = await pageOf(before, after);
  t.true(nodesOf(collapse(graph as DiffGraph)) > MAX_DRAWN_NODES);
  t.deepEqual(faultsOfPage(text), []);
  t.true(text.length < 1_500_000, `${text.length}`);
});
