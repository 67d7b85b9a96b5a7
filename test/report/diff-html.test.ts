import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { type DiffResult, diff, openSource, rewrite, type ToldDifference } from '../../src';
import { DiffHtml } from '../../src/report/diff-html';
import { escapeHtml, shorten, toColumns } from '../../src/report/html/escape';
import { NASTY, withNastyName } from '../support/nasty-name';
import { pageOf } from '../support/page-of';
import { faultsOfPage } from '../support/page-structure';

const images = path.join(__dirname, '../../fixtures/images');
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-html-'));
test.after.always(() => fs.rmSync(work, { recursive: true, force: true }));

test('no text ends an element, an attribute or a script', (t) => {
  t.is(escapeHtml('</script>'), '&lt;/script&gt;');
  t.is(escapeHtml(`"'&<>`), '&quot;&#39;&amp;&lt;&gt;');
  t.is(escapeHtml('&amp;'), '&amp;amp;', 'what looks escaped is text too');
  t.is(escapeHtml('a\u202eb\u0000\u001b\n\u0085'), 'a\\xe2\\x80\\xaeb\\x00\\x1b\\x0a\\xc2\\x85');
  t.is(escapeHtml('\ufffd'), '\\xef\\xbf\\xbd');
  const text = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(text, (any) => {
      t.notRegex(
        escapeHtml(any),
        /[<>"'\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]|&(?!(amp|lt|gt|quot|#39);)/,
      );
    }),
  );
});

test('long text is cut between characters, and the rest is counted', (t) => {
  t.is(shorten('abc', 3), 'abc');
  t.is(shorten('abcd', 3), 'abc… and 1 character more');
  t.is(shorten('ab\u{1f600}', 3), 'ab… and 1 character more');
  t.is(toColumns('/a/path', 7), '/a/path');
  t.is(toColumns('/a/long/path', 7), '/a…path');
  t.is(toColumns('日本語日本語', 6), '日…語');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 5, max: 40 }), (any, columns) => {
      t.true([...toColumns(any, columns)].length <= columns);
    }),
  );
});

test('a name that is markup is text wherever it stands, and the script is the same in every page', async (t) => {
  const nasty = path.join(work, '<b id=x>"');
  withNastyName(path.join(images, 'two_paths'), nasty);
  const { text } = await pageOf(path.join(images, 'two_paths'), nasty);
  t.true(text.includes(escapeHtml(NASTY.text)));
  t.notRegex(text, /<b id=x>|\u202e|\u0007/);
  t.is(text.split('</script>').length, 2);
  t.deepEqual(text.match(/\b(?:https?|data|javascript):[^;]|\bon\w+="|\burl\(/g), null);
  const scriptOf = (page: string) => /<script>(.*)<\/script>/s.exec(page)?.[1];
  const other = await pageOf(path.join(images, 'many_types'), path.join(images, 'net_sockets'));
  t.is(scriptOf(text), scriptOf(other.text));
  t.is(text, (await pageOf(path.join(images, 'two_paths'), nasty)).text, 'always the same page');
  t.deepEqual(faultsOfPage(text), []);
});

test('the graph is made where it is asked for, and has what differs only', async (t) => {
  const [a, b] = [path.join(images, 'pipe_outside'), path.join(images, 'many_tasks')];
  const plain = await diff(await openSource(a), await openSource(b));
  plain.close();
  t.is(plain.graph, undefined);
  const { graph, close } = await diff(await openSource(a), await openSource(b), { graph: true });
  close();
  t.deepEqual(
    graph?.entries.map(({ id, change }) => [id, change]),
    [
      [1, 'changed'],
      [3, 'changed'],
      [8, 'added'],
      [9, 'added'],
    ],
  );
  t.deepEqual(
    graph?.tasks.map(({ pid, presence, was }) => [pid, presence, was]),
    [
      [14716, 'both', 'task 14716 (pipe_outside)'],
      [14717, 'both', 'task 14717 (pipe_outside)'],
      [14718, 'after', undefined],
    ],
  );
});

test('an entry that was split only has other descriptors, and what came off it says so', async (t) => {
  const [source, out] = [path.join(images, 'own_executable'), path.join(work, 'split')];
  await rewrite(await openSource(source), { specs: ['fd[5]:/srv/fdgraft/own_executable'], out, link: 'copy' });
  const { graph, close } = await diff(await openSource(source), await openSource(out), { graph: true });
  close();
  const [origin, split] = graph?.entries ?? [];
  t.like(origin, { id: 3, change: 'same', before: '/srv/fdgraft/own_executable', inherited: undefined });
  t.like(split, { change: 'added', inherited: { caller_fd: 5, split_from: 3 } });
  t.deepEqual(new Set(origin?.descriptors.map(({ presence }) => presence)), new Set(['before']));
  t.deepEqual(new Set(split?.descriptors.map(({ presence }) => presence)), new Set(['after']));
});

test('a page has an end: what it has no room for is counted', (t) => {
  const report = new DiffHtml('a', 'b');
  const result = { isSame: false, hints: [], meaning: [], unexplained: 0, misfits: [] } as unknown as DiffResult;
  const field = { path: 'reg.name', before: 'x'.repeat(1_000_000), after: undefined };
  let text = report.begin(result);
  for (let i = 0; i < 5000; i += 1) {
    const entry = { what: 'entry', image: 'files.img', entry: `id ${i}`, change: 'changed', fields: [field] };
    text += report.difference(entry as unknown as ToldDifference);
  }
  text += report.end(result);
  t.true(text.length < 2_100_000);
  const shown = text.split('class="difference"').length - 1;
  t.true(text.includes(`… and ${5000 - shown} more, which this page has no room for.`));
});
