import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { openSource, rewrite } from '../../src';
import { writeCheckpoint } from '../support/directories';
import { manyTasks, otherNames, SPECS_OF_MANY } from '../support/many-tasks';
import { NASTY, withNastyName } from '../support/nasty-name';
import { pageOf } from '../support/page-of';
import { browserTest } from './support/browser-test';

const images = path.join(__dirname, '../../fixtures/images');
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-browser-'));
test.after.always(() => fs.rmSync(work, { recursive: true, force: true }));

const page = (name: string) => path.join(work, `${name}.html`);

async function writePage(name: string, before: string, after: string, plan?: string): Promise<void> {
  fs.writeFileSync(page(name), (await pageOf(before, after, plan)).text);
}

/** A page of a rewrite of so many tasks, with twenty descriptors each. */
async function writeMany(name: string, tasks: number): Promise<void> {
  const source = writeCheckpoint(work, manyTasks(tasks, 20));
  const out = path.join(work, `${name}-out`);
  await rewrite(await openSource(source), { specs: SPECS_OF_MANY, out, link: 'copy' });
  await writePage(name, source, out, out);
}

/** A page of files that all got other names, each in its way: more than is drawn at once, or at all. */
async function writeUnlike(name: string, tasks: number, descriptors: number): Promise<void> {
  const images = manyTasks(tasks, descriptors);
  await writePage(name, writeCheckpoint(work, images), writeCheckpoint(work, otherNames(images)));
}

test.before(async () => {
  const out = path.join(work, 'out');
  const specs = ['fd[6]:/srv/fdgraft/logs/out.log', 'fd[7]:/srv/fdgraft/logs/err.log'];
  await rewrite(await openSource(path.join(images, 'two_paths')), { specs, out, link: 'copy' });
  await writePage('rewrite', path.join(images, 'two_paths'), out, out);
  await writePage('tasks', path.join(images, 'pipe_outside'), path.join(images, 'many_tasks'));
  await writePage('types', path.join(images, 'many_types'), path.join(images, 'net_sockets'));
  await writePage('same', path.join(images, 'two_paths'), path.join(images, 'two_paths'));
  const nasty = path.join(work, 'nasty');
  withNastyName(path.join(images, 'two_paths'), nasty);
  await writePage('nasty', path.join(images, 'two_paths'), nasty);
  await writeMany('few', 3);
  await writeMany('many', 50);
  await writeUnlike('on-request', 8, 12);
  await writeUnlike('too-many', 30, 20);
});

const PAGES = ['rewrite', 'tasks', 'types', 'same', 'nasty', 'few', 'many', 'on-request', 'too-many'];
/** Where axe looks at less than all details: rows of a long page are alike, and it takes its time for each. */
const UNFOLDED: { [name: string]: string } = {
  many: '#graph details',
  'on-request': '#picture',
  'too-many': '#meaning > details',
};

/** Colours do not depend on the width, nor the layout on colours, and axe takes seconds for a page. */
const SEEN_BY_AXE = ['light, 1280', 'dark, 390'];

for (const name of PAGES) {
  browserTest(`${name}: it loads alone, fits a phone, and axe finds nothing`, async (t, open) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [1280, 390]) {
        const where = `${colorScheme}, ${width}`;
        const shown = await open(page(name), { colorScheme, viewport: { width, height: 800 } });
        t.is(await shown.evaluate(TOO_WIDE), '', where);
        if (SEEN_BY_AXE.includes(where)) {
          await unfold(shown, UNFOLDED[name] ?? 'details');
          t.deepEqual(await violations(shown), [], where);
        }
        await unfold(shown, 'details');
        t.is(await shown.evaluate(TOO_WIDE), '', `${where}, with all details`);
      }
    }
  });
}

const unfold = (shown: Page, selector: string) =>
  shown.evaluate(`for (const one of document.querySelectorAll(${JSON.stringify(selector)})) one.open = true`);

/** Names what reaches beyond the window, or beyond what cuts it; the picture may, which scrolls in its own box. */
const TOO_WIDE = `(() => {
  const width = document.documentElement.clientWidth;
  const reach = document.documentElement.scrollWidth;
  const wide = [...document.querySelectorAll('main *')].filter((one) =>
    !one.closest('svg, thead, .skip') && one.getBoundingClientRect().right > width + 1);
  return [...(reach > width ? ['the page'] : []), ...wide.slice(0, 3).map((one) => one.outerHTML.slice(0, 200))].join(' | ');
})()`;

/** What axe finds, in a few words each. It is run as the inspector runs things: the page's policy holds. */
async function violations(shown: Page): Promise<string[]> {
  await shown.evaluate(axe.source);
  const found = await shown.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>('axe.run()');
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`);
}

browserTest('the graph shows caller fds, entries and descriptors, and each side alone', async (t, open) => {
  const shown = await open(page('rewrite'));
  t.deepEqual(await shown.locator('svg .caller').allTextContents(), ['fd[6]', 'fd[7]']);
  t.deepEqual(await shown.locator('svg .entry.inherited > .name').allTextContents(), [
    '/srv/fdgraft/logs/out.log',
    '/srv/fdgraft/logs/err.log',
  ]);
  t.deepEqual(await shown.locator('svg .descriptor').allTextContents(), ['5, 7now fd[6]', '6now fd[7]']);
  t.is(await shown.locator('svg path').count(), 2 + 2);
  t.is(await shown.locator('#plan tbody tr').count(), 2);

  const other = await open(page('tasks'));
  const visible = async (selector: string) => {
    const all = await other.locator(selector).all();
    const states = await Promise.all(all.map((one) => one.isVisible()));
    return states.filter((state) => state).length;
  };
  const [gone, come] = ['svg .descriptor.before', 'svg .descriptor.after'];
  t.deepEqual([await visible(gone), await visible(come)], [2, 3]);
  await other.locator('#view-both').focus();
  await other.keyboard.press('ArrowRight');
  t.deepEqual([await visible(gone), await visible(come)], [2, 0]);
  await other.keyboard.press('ArrowRight');
  t.deepEqual([await visible(gone), await visible(come)], [0, 3]);
});

/** The nodes and the lines that are lit. */
const lit = (shown: Page) =>
  shown.evaluate<string[]>(
    `[...document.querySelectorAll('svg .lit')].map(({ dataset: { node, from, to } }) => node || from + '>' + to).sort()`,
  );

browserTest(
  'a node that has the pointer or the focus shows its lines, to the caller fd and to the tasks',
  async (t, open) => {
    const shown = await open(page('many'));
    t.deepEqual(await lit(shown), []);
    const pipe = ['c5', 'c5>e0', 'd0', 'd3', 'e0', 'e0>d0', 'e0>d3'];
    await shown.locator('svg .entry').first().hover();
    t.deepEqual(await lit(shown), pipe);
    await shown.locator('#graph-title').hover();
    t.deepEqual(await lit(shown), []);

    t.true(await tabTo(shown, '[data-node=c5]'));
    t.deepEqual(await lit(shown), pipe);
    t.true(await tabTo(shown, '[data-node=e0]'));
    t.deepEqual(await lit(shown), pipe);
    t.true(await tabTo(shown, '[data-node=d3]'));
    t.deepEqual(await lit(shown), ['c5', 'c5>e0', 'd3', 'e0', 'e0>d3']);
    const color = (selector: string) =>
      shown.evaluate<string>(`getComputedStyle(document.querySelector('${selector}')).opacity`);
    t.deepEqual([await color('path.lit'), await color('path:not(.lit)')], ['1', '0.2']);
    await shown.locator('#filter').focus();
    t.deepEqual(await lit(shown), []);
    await shown.locator('[data-node=t1] > .name').hover();
    t.deepEqual(
      (await lit(shown)).filter((name) => /^d\d$/.test(name)),
      ['d3', 'd4', 'd5'],
      'all of a task',
    );
  },
);

browserTest('a link in the picture unfolds the others of a group', async (t, open) => {
  const shown = await open(page('many'));
  const list = shown.locator('#like-t1 .names');
  t.false(await list.isVisible());
  t.true(await tabTo(shown, '[data-node=t1] a'));
  await shown.keyboard.press('Enter');
  await list.waitFor({ state: 'visible' });
  t.is(await list.locator('li').count(), 48);
});

browserTest('on a phone the picture scrolls in its box, and a sentence says so', async (t, open) => {
  const phone = await open(page('many'), { viewport: { width: 390, height: 844 } });
  t.true(await phone.locator('.hint').isVisible());
  const box = 'document.querySelector(".scroll")';
  const [inside, outside] = (await phone.evaluate<number[]>(`[${box}.scrollWidth, ${box}.clientWidth]`)) as [
    number,
    number,
  ];
  t.true(inside > outside, `${inside} ${outside}`);
  const text = await phone.evaluate<number>('document.querySelector("svg").getBoundingClientRect().width');
  t.is(text, 866, 'text keeps its size');
  t.true(await phone.locator('#plan td').first().isVisible());
  const wide = await open(page('many'));
  t.false(await wide.locator('.hint').isVisible());
});

/** Presses Tab until the focus is on what `selector` names. */
async function tabTo(shown: Page, selector: string): Promise<boolean> {
  for (let i = 0; i < 150; i += 1) {
    await shown.keyboard.press('Tab');
    if (await shown.evaluate<boolean>(`document.activeElement.matches(${JSON.stringify(selector)})`)) return true;
  }
  return false;
}

browserTest('the keyboard reaches all: the skip link, the details, the filter', async (t, open) => {
  const shown = await open(page('types'));
  await shown.keyboard.press('Tab');
  t.is(await shown.evaluate('document.activeElement.textContent'), 'Skip to the content');
  t.true(await tabTo(shown, '#graph .skip'));
  t.true(await tabTo(shown, '#view-both'));
  t.true(await tabTo(shown, '.scroll'));
  t.true(await tabTo(shown, '[data-node]'));
  t.true(await tabTo(shown, '#same > summary'));
  const isOpen = () => shown.evaluate<boolean>('document.querySelector("#same").open');
  await shown.keyboard.press('Enter');
  t.true(await isOpen());
  await shown.keyboard.press('Space');
  t.false(await isOpen());

  t.true(await tabTo(shown, '#filter'));
  const [all, unfolded] = await Promise.all([
    shown.locator('#differences .difference').count(),
    shown.locator('#differences .difference:visible').count(),
  ]);
  t.true(unfolded < all, `${unfolded} of ${all}`);
  t.is(await shown.locator('#count').textContent(), `${all} rows`);
  await shown.keyboard.type('FDINFO removed');
  const left = await shown.locator('#differences .difference:visible').count();
  t.true(left > 0 && left < all, `${left} of ${all}`);
  t.is(await shown.locator('#count').textContent(), `${left} of ${all} shown`);
  t.deepEqual(await shown.locator('#differences .place:visible h3').allTextContents(), ['fdinfo-2.img']);
  await shown.keyboard.press('Control+A');
  await shown.keyboard.type('no row has this');
  t.is(await shown.locator('#differences .difference:visible').count(), 0);
  await shown.keyboard.press('Control+A');
  await shown.keyboard.press('Delete');
  t.is(await shown.locator('#differences .difference:visible').count(), unfolded, 'folded as before');
  t.true(await tabTo(shown, '#differences summary'));
  await shown.keyboard.press('Enter');
  t.true(await shown.evaluate('document.activeElement.parentElement.open'));
});

browserTest('without script all can be unfolded, and on paper it is whole', async (t, open) => {
  const plain = await open(page('tasks'), { javaScriptEnabled: false });
  t.deepEqual(await Promise.all(['#filter', '#pointing'].map((one) => plain.locator(one).isVisible())), [false, false]);
  t.true((await plain.locator('#differences .difference').count()) > 10);
  const folded = plain.locator('#differences details.rest').first();
  t.false(await folded.locator('.difference').first().isVisible());
  await folded.locator('summary').first().click();
  t.true(await folded.locator('.difference').first().isVisible());
  const asked = await open(page('on-request'), { javaScriptEnabled: false });
  t.false(await asked.locator('svg').isVisible());
  await asked.locator('#picture > summary').click();
  t.true(await asked.locator('svg').isVisible());

  const shown = await open(page('tasks'));
  await shown.locator('#view-after').check();
  await shown.evaluate('dispatchEvent(new Event("beforeprint"))');
  await shown.emulateMedia({ media: 'print' });
  t.deepEqual(
    [await shown.locator('#by-entry').isVisible(), await shown.locator('#search').isVisible()],
    [true, false],
    'the table of the graph is open, and what cannot be used is not there',
  );
  t.true(await shown.locator('svg .descriptor.before').first().isVisible(), 'both sides');
  t.is((await shown.pdf()).subarray(0, 5).toString('latin1'), '%PDF-');
});

browserTest('a name that is markup is only text', async (t, open) => {
  const shown = await open(page('nasty'));
  t.is(await shown.locator('#x').count(), 0);
  const said = await shown.locator('#by-entry td').allTextContents();
  // Keys of paths begin with a slash, whether the image has one or not.
  t.true(said.includes(`now /${NASTY.text}`), said.join('\n'));
  for (const place of ['#meaning', '#differences'])
    t.true((await shown.locator(place).textContent())?.includes('</script>'), place);
  t.true((await shown.locator('svg').textContent())?.includes('\\xe2\\x80\\xae\\x07'), 'the picture has the end of it');
  t.notRegex(await shown.content(), /\u202e|\u0007/);
});
