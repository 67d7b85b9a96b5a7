import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import { diff, diffImages, FdgraftError, openSource, type ToldDifference } from '../../src';
import { encodeImage, readImage } from '../support/images';
import { renumber } from '../support/renumber';

const images = path.join(__dirname, '../../fixtures/images');
const fixtures = fs.readdirSync(images).sort();
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-ids-'));
test.after.always(() => fs.rmSync(work, { recursive: true, force: true }));

const at = (name: string) => path.join(images, name);
let copies = 0;
const place = () => path.join(work, `${copies++}`);

function copyOf(directory: string): string {
  const copy = place();
  fs.cpSync(directory, copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}

async function renumbered(name: string): Promise<string> {
  const out = place();
  await renumber(at(name), out);
  return out;
}

async function compare(before: string, after: string, ignoreIds = true, graph = false) {
  const result = await diff(await openSource(before), await openSource(after), { ignoreIds, graph });
  const all: ToldDifference[] = [];
  for await (const difference of result.differences()) all.push(difference);
  result.close();
  return { ...result, texts: result.meaning.map(({ text }) => text), all };
}

for (const name of fixtures) {
  test(`${name}: nothing differs from itself`, async (t) => {
    const { isSame, all, texts } = await compare(at(name), copyOf(at(name)));
    t.deepEqual({ isSame, all, texts }, { isSame: true, all: [], texts: [] });
  });
}

/** Layouts in which tasks have no ids images, or entries no files.img, are compared by number. */
const BY_NUMBER = ['old_by_pid', 'old_ids_in_core', 'old_per_type'];

for (const name of fixtures.filter((fixture) => !BY_NUMBER.includes(fixture))) {
  test(`${name}: other ids make no difference`, async (t) => {
    const other = await renumbered(name);
    t.false((await compare(at(name), other, false)).isSame);
    const { all } = await compare(at(name), other);
    t.deepEqual(all, []);
    t.deepEqual((await compare(other, at(name))).all, []);
  });
}

/** A difference seen from the other side. */
function turned(difference: ToldDifference): unknown {
  const swap = <T>(sides: { before?: T; after?: T }) => ({
    ...(sides.after === undefined ? {} : { before: sides.after }),
    ...(sides.before === undefined ? {} : { after: sides.before }),
  });
  const changes = { added: 'removed', removed: 'added', changed: 'changed' } as const;
  const words = { gone: 'new', new: 'gone', now: 'was', was: 'now' } as const;
  const swapWords = (text?: string) =>
    text?.replace(/\((gone|new|now|was)/g, (_all, word) => `(${words[word as keyof typeof words]}`);
  const copy = JSON.parse(JSON.stringify(difference));
  if (copy.change !== undefined) copy.change = changes[copy.change as keyof typeof changes];
  for (const key of ['payload', 'sides', 'targets']) if (copy[key] !== undefined) copy[key] = swap(copy[key]);
  for (const key of Object.keys(copy.counterpart ?? {})) {
    [copy[key], copy.counterpart[key]] = [copy.counterpart[key], copy[key]];
  }
  copy.fields = copy.fields?.map((field: { path: string; before?: string; after?: string }) => ({
    path: field.path,
    ...swap({ before: swapWords(field.before), after: swapWords(field.after) }),
  }));
  return sorted(copy);
}
const byText = (a: unknown, b: unknown) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
function sorted(difference: unknown) {
  const copy = JSON.parse(JSON.stringify(difference));
  copy.fields?.sort((a: { path: string }, b: { path: string }) => byText(a.path, b.path));
  return Object.fromEntries(Object.entries(copy).sort(byText));
}

const PAIRS = [
  ['job', 'job_later'],
  ['job_later', 'job_lost_worker'],
  ['job_later', 'job_newer_criu'],
  ['two_logs', 'two_paths'],
  ['pipe_outside', 'many_tasks'],
  ['many_types', 'net_sockets'],
  ['scm_rights', 'scm_receive'],
  ['deleted_logs', 'many_opens'],
  ['fifo', 'watched_pipe'],
  ['old_per_type', 'many_types'],
] as const;

for (const [a, b] of PAIRS) {
  test(`${a} and ${b}: one way is the other way turned`, async (t) => {
    const other = BY_NUMBER.includes(b) ? at(b) : await renumbered(b);
    const [there, back] = [await compare(at(a), other), await compare(other, at(a))];
    t.true(there.all.length > 0);
    t.deepEqual(there.all.map(turned).sort(byText), back.all.map(sorted).sort(byText));
    t.deepEqual((await compare(at(a), other)).all, there.all, 'it is always the same');
  });
}

test('what it means is what it means with equal ids', async (t) => {
  const texts = (await compare(at('job'), at('job_later'))).texts;
  t.deepEqual(texts.slice(0, 4), [
    '/srv/fdgraft/log (14716/5, 14717/5, 14717/6): pos 6 → 13, size 6 → 13',
    '/srv/fdgraft/report (14716/6): new',
    '14716/6: opened, /srv/fdgraft/report',
    'task 14716 (job): 1 mapping added',
  ]);
  const other = await compare(at('job'), await renumbered('job_later'), true, true);
  t.deepEqual(other.texts, texts);
  t.like(
    other.all.find((one) => one.what === 'entry' && one.entry === 'id 4'),
    {
      image: 'files.img',
      change: 'changed',
      counterpart: { entry: 'id 3996' },
    },
  );
  t.like(other.graph?.entries[0], { id: 4, idAfter: 3996, change: 'changed', before: '/srv/fdgraft/log' });
  t.deepEqual(other.graph?.entries[1]?.descriptors, [{ pid: 14716, fd: 6, presence: 'after' }]);
});

type Fields = { [name: string]: unknown };

function edit(directory: string, image: string, change: (entries: Fields[]) => Fields[]): void {
  const entries = readImage(directory, image).records.map(({ fields }) => structuredClone(fields));
  fs.writeFileSync(path.join(directory, image), encodeImage(image, change(entries)));
}

test('an id of equal number that stands for another file is a difference', async (t) => {
  const [a, b] = [copyOf(at('two_paths')), copyOf(at('two_paths'))];
  const same = (entries: Fields[]) => entries;
  for (const image of ['files.img', 'fdinfo-2.img']) edit(a, image, same);
  const swap = new Map<unknown, number>([
    [4, 5],
    [5, 4],
  ]);
  const swapped = (entry: Fields) => swap.get(entry.id) ?? entry.id;
  edit(b, 'files.img', (entries) =>
    entries
      .map(
        (entry): Fields => ({
          ...entry,
          id: swapped(entry),
          ...(entry.reg === undefined ? {} : { reg: { ...(entry.reg as Fields), id: swapped(entry) } }),
        }),
      )
      .sort((x, y) => Number(x.id) - Number(y.id)),
  );
  edit(b, 'fdinfo-2.img', same);
  // The descriptors keep their numbers, and so each refers to the other file.
  const { all, texts } = await compare(a, b);
  t.deepEqual(
    all.map((one) => [one.what, 'entry' in one ? [one.entry, one.fields] : '']),
    [
      ['order', ''],
      ['entry', ['fd 5', [{ path: 'id', before: '4 (now 5)', after: '4 (was 5)' }]]],
      ['entry', ['fd 6', [{ path: 'id', before: '5 (now 4)', after: '5 (was 4)' }]]],
      ['entry', ['fd 7', [{ path: 'id', before: '4 (now 5)', after: '4 (was 5)' }]]],
    ],
  );
  t.true(texts.includes('14716/5: /srv/fdgraft/logs/out.log → /srv/fdgraft/logs/err.log'), texts.join('\n'));
});

test('files of one name are told apart by their descriptors', async (t) => {
  const [a, b] = [copyOf(at('many_opens')), await renumbered('many_opens')];
  edit(b, 'fdinfo-32.img', (entries) => entries.filter(({ fd }) => fd !== 12));
  edit(a, 'fdinfo-2.img', (entries) => entries);
  const { texts, all } = await compare(a, b);
  t.deepEqual(texts, ['14716/12: closed, /srv/fdgraft/log']);
  t.is(all.length, 1);
});

test('files.img alone is compared by what the files are', async (t) => {
  const other = await renumbered('deleted_logs');
  const open = (directory: string) => {
    const bytes = fs.readFileSync(path.join(directory, 'files.img'));
    let from = 0;
    const read = async (into: Uint8Array, start: number, length: number) => {
      const copied = bytes.copy(into, start, from, from + length);
      from += copied;
      return copied;
    };
    return { reader: { read }, name: 'files.img' };
  };
  const same = async (ignoreIds: boolean) => {
    const result = await diffImages(open(at('deleted_logs')), open(other), { ignoreIds });
    result.close();
    return result.isSame;
  };
  t.deepEqual([await same(true), await same(false)], [true, false]);
});

test('a plan is of ids, and goes without ignoring them', async (t) => {
  const source = await openSource(at('job'));
  const error = await t.throwsAsync(diff(source, source, { ignoreIds: true, plan: {} as never }), {
    instanceOf: FdgraftError,
  });
  t.like(error, { code: 'USAGE', exitCode: 2 });
});
