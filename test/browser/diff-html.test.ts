import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { diff, openSource, readPlanOf, rewrite } from '../../src';
import { DiffHtml } from '../../src/report/diff-html';
import { NASTY, withNastyName } from '../support/nasty-name';
import { browserTest } from './support/browser-test';

const images = path.join(__dirname, '../../fixtures/images');
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-browser-'));
test.after.always(() => fs.rmSync(work, { recursive: true, force: true }));

const page = (name: string) => path.join(work, `${name}.html`);

async function writePage(name: string, before: string, after: string, plan?: string): Promise<void> {
  const options = plan === undefined ? {} : { plan: await readPlanOf(plan) };
  const result = await diff(await openSource(before), await openSource(after), { ...options, graph: true });
  const report = new DiffHtml(before, after, plan !== undefined);
  let text = report.begin(result);
  for await (const difference of result.differences()) text += report.difference(difference);
  fs.writeFileSync(page(name), text + report.end(result));
  result.close();
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
});

const PAGES = ['rewrite', 'tasks', 'types', 'same', 'nasty'];

for (const name of PAGES) {
  browserTest(`${name}: it loads alone, fits a phone, and axe finds nothing`, async (t, open) => {
    for (const colorScheme of ['light', 'dark'] as const) {
      for (const width of [1280, 360]) {
        const shown = await open(page(name), { colorScheme, viewport: { width, height: 800 } });
        const reach = await shown.evaluate<number>('document.documentElement.scrollWidth');
        t.true(reach <= width, `${reach} of ${width}`);
        t.deepEqual(await violations(shown), [], `${colorScheme}, ${width}`);
        await shown.evaluate('for (const one of document.querySelectorAll("details")) one.open = true');
        t.deepEqual(await violations(shown), [], `${colorScheme}, ${width}, with all details`);
      }
    }
  });
}

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
  t.deepEqual(await shown.locator('svg .descriptor').allTextContents(), ['14716/5', '14716/6', '14716/7']);
  t.is(await shown.locator('svg path').count(), 2 + 3);
  t.is(await shown.locator('#plan tbody tr').count(), 2);

  const other = await open(page('tasks'));
  const visible = async (selector: string) => {
    const all = await other.locator(selector).all();
    const states = await Promise.all(all.map((one) => one.isVisible()));
    return states.filter((state) => state).length;
  };
  const [gone, come] = ['svg .descriptor.before', 'svg .descriptor.after'];
  t.deepEqual([await visible(gone), await visible(come)], [6, 10]);
  await other.locator('#view-both').focus();
  await other.keyboard.press('ArrowRight');
  t.deepEqual([await visible(gone), await visible(come)], [6, 0]);
  await other.keyboard.press('ArrowRight');
  t.deepEqual([await visible(gone), await visible(come)], [0, 10]);
});

/** Presses Tab until the focus is on what `selector` names. */
async function tabTo(shown: Page, selector: string): Promise<boolean> {
  for (let i = 0; i < 50; i += 1) {
    await shown.keyboard.press('Tab');
    if (await shown.evaluate<boolean>(`document.activeElement.matches(${JSON.stringify(selector)})`)) return true;
  }
  return false;
}

browserTest('the keyboard reaches all: the skip link, the details, the filter', async (t, open) => {
  const shown = await open(page('types'));
  await shown.keyboard.press('Tab');
  t.is(await shown.evaluate('document.activeElement.textContent'), 'Skip to the content');
  t.true(await tabTo(shown, '#view-both'));
  t.true(await tabTo(shown, '.picture'));
  t.true(await tabTo(shown, '#graph summary'));
  const isOpen = () => shown.evaluate<boolean>('document.querySelector("#graph details").open');
  await shown.keyboard.press('Enter');
  t.true(await isOpen());
  await shown.keyboard.press('Space');
  t.false(await isOpen());

  t.true(await tabTo(shown, '#filter'));
  const all = await shown.locator('tr.difference:visible').count();
  t.is(await shown.locator('#count').textContent(), `${all} of ${all} shown`);
  await shown.keyboard.type('FDINFO removed');
  const left = await shown.locator('tr.difference:visible').count();
  t.true(left > 0 && left < all, `${left} of ${all}`);
  t.is(await shown.locator('#count').textContent(), `${left} of ${all} shown`);
  t.deepEqual(await shown.locator('#differences tbody:visible th[scope=rowgroup]').allTextContents(), ['fdinfo-2.img']);
  await shown.keyboard.press('Control+A');
  await shown.keyboard.type('no row has this');
  t.is(await shown.locator('tr.difference:visible').count(), 0);
  await shown.keyboard.press('Control+A');
  await shown.keyboard.press('Delete');
  t.is(await shown.locator('tr.difference:visible').count(), all);
  t.true(await tabTo(shown, 'tr.difference summary'));
  await shown.keyboard.press('Enter');
  t.true(await shown.evaluate('document.activeElement.parentElement.open'));
});

browserTest('without script it is a plain table, and on paper it is whole', async (t, open) => {
  const plain = await open(page('tasks'), { javaScriptEnabled: false });
  t.false(await plain.locator('#filter').isVisible());
  t.true((await plain.locator('tr.difference').count()) > 10);
  t.true(await plain.locator('tr.difference').last().isVisible());

  const shown = await open(page('tasks'));
  await shown.locator('#view-after').check();
  await shown.evaluate('dispatchEvent(new Event("beforeprint"))');
  await shown.emulateMedia({ media: 'print' });
  t.deepEqual(
    [await shown.locator('#entries').isVisible(), await shown.locator('#search').isVisible()],
    [true, false],
    'the table of the graph is open, and what cannot be used is not there',
  );
  t.true(await shown.locator('svg .descriptor.before').first().isVisible(), 'both sides');
  t.is((await shown.pdf()).subarray(0, 5).toString('latin1'), '%PDF-');
});

browserTest('a name that is markup is only text', async (t, open) => {
  const shown = await open(page('nasty'));
  t.is(await shown.locator('#x').count(), 0);
  const said = await shown.locator('#entries td').allTextContents();
  // Keys of paths begin with a slash, whether the image has one or not.
  t.true(said.includes(`now /${NASTY.text}`), said.join('\n'));
  for (const place of ['#meaning', 'svg', '#differences'])
    t.true((await shown.locator(place).textContent())?.includes('</script>'), place);
  t.notRegex(await shown.content(), /\u202e|\u0007/);
});
