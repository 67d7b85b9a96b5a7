import fs from 'node:fs';
import test from 'ava';
import * as library from '../../src';
import { FdgraftError, openSource } from '../../src';
import { smallCheckpoint, temporaryDirectory, writeCheckpoint } from '../support/directories';

/** Callers without types get an error that says which argument is wrong, from each function that takes one. */

// biome-ignore lint/suspicious/noExplicitAny: as JavaScript calls it
const untyped = library as any;
const first = async (rows: AsyncIterable<unknown>) => {
  for await (const row of rows) return row;
  return undefined;
};

const NO_SOURCE: readonly (readonly [string, (given: unknown) => Promise<unknown>])[] = [
  ['rewrite', (given) => untyped.rewrite(given, { specs: [] })],
  ['inspect', (given) => first(untyped.inspect(given))],
  ['explore', (given) => first(untyped.explore(given, 'ps'))],
  ['diff', (given) => untyped.diff(given, given)],
  ['decode', (given) => untyped.decode(given, { out: 'out' })],
  ['encode', (given) => untyped.encode(given, { out: 'out' })],
];
for (const [name, call] of NO_SOURCE) {
  test(`${name} of what is no source`, async (t) => {
    for (const given of [undefined, null, 5, 'ckpt', {}]) {
      const error = await t.throwsAsync(call(given), { instanceOf: FdgraftError, message: / is no source$/ });
      t.like(error, { code: 'USAGE', exitCode: 2, hint: 'open the checkpoint first: await openSource(PATH)' });
    }
  });
}

test('a path that is none', async (t) => {
  for (const open of [untyped.openSource, untyped.openImages]) {
    for (const given of [undefined, null, 5, '', {}]) {
      const error = await t.throwsAsync(open(given), { instanceOf: FdgraftError, message: / is no path$/ });
      t.like(error, { code: 'USAGE', exitCode: 2 });
    }
  }
});

test('options and specs that are none', async (t) => {
  const source = await openSource(writeCheckpoint(temporaryDirectory(t), smallCheckpoint()));
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /is no object with options$/],
    [{}, /^the specs are no list$/],
    [{ specs: 'fd[5]:pipe:[4711]' }, /^the specs are no list$/],
    [{ specs: [5] }, /^spec '5': is neither a text nor an object with inherit$/],
    [{ specs: [null] }, /^spec 'null': is neither/],
    [{ specs: [{}] }, /^spec 'undefined': is no text but undefined$/],
  ];
  for (const [options, message] of cases) {
    await t.throwsAsync(untyped.rewrite(source, options), { instanceOf: FdgraftError, message });
  }
  for (const convert of [untyped.decode, untyped.encode]) {
    await t.throwsAsync(convert(source), { instanceOf: FdgraftError, message: /is no object with options$/ });
  }
  await source.close();
});

test('what is to be explored', async (t) => {
  const source = await openSource(writeCheckpoint(temporaryDirectory(t), smallCheckpoint()));
  for (const what of [undefined, null, 5, 'foo', 'toString']) {
    const error = await t.throwsAsync(first(untyped.explore(source, what)), { instanceOf: FdgraftError });
    t.like(error, { code: 'USAGE', hint: 'give one of ps, fds, mems, rss' });
    t.regex(error?.message ?? '', / is no word for what is to be explored$/);
  }
  await source.close();
});

test('the task and the patterns of a batch', async (t) => {
  const task = { what: 'ls', options: {} };
  const patterns = ['*'];
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [undefined, /^a value of type undefined is no object with options$/],
    [{}, /^the patterns are no list of texts$/],
    [{ task, patterns: 'ck/*' }, /^the patterns are no list of texts$/],
    [{ task, patterns: [5] }, /^the patterns are no list of texts$/],
    [{ patterns }, /^a value of type undefined is no object with options$/],
    [{ task: 'ls', patterns }, /^the text 'ls' is no object with options$/],
    [{ task: { what: 'restore' }, patterns }, /^the text 'restore' is no task of a batch$/],
    [{ task: { what: 'ls' }, patterns }, /^a value of type undefined is no object with options$/],
    [{ task: { what: 'diff' }, patterns }, /^a value of type undefined is no path$/],
  ];
  for (const [options, message] of cases) {
    const error = await t.throwsAsync(untyped.batch(options), { instanceOf: FdgraftError, message });
    t.like(error, { code: 'USAGE', exitCode: 2 });
  }
});

test('a place for the result that is none, and ways that there are not', async (t) => {
  const parent = temporaryDirectory(t);
  const source = await openSource(writeCheckpoint(parent, smallCheckpoint()));
  const specs = ['fd[5]:pipe:[4711]'];
  const calls = {
    rewrite: (more: object) => untyped.rewrite(source, { specs, ...more }),
    decode: (more: object) => untyped.decode(source, more),
    encode: (more: object) => untyped.encode(source, more),
  };
  const out = `${parent}/out`;
  for (const [name, call] of Object.entries(calls)) {
    for (const [more, message] of [
      [{ out: '' }, / is no path$/],
      [{ out: null }, / is no path$/],
      [{ out: Buffer.from(out) }, / is no path$/],
      [{ out, to: 'zip' }, /^the text 'zip' is no form of OUT$/],
      [{ out, to: 'toString' }, / is no form of OUT$/],
      [{ out, link: 'soft' }, /^the text 'soft' is no way to link$/],
      ...(name === 'rewrite' ? [] : [[{}, / is no path$/] as const]),
    ] as const) {
      const error = await t.throwsAsync(call(more), { instanceOf: FdgraftError, message }, name);
      t.like(error, { code: 'USAGE', exitCode: 2 });
    }
  }
  t.is(fs.readdirSync(parent).length, 1);
  await source.close();
});

test('an option that there is not', async (t) => {
  const directory = writeCheckpoint(temporaryDirectory(t), smallCheckpoint());
  const source = await openSource(directory);
  const calls: readonly (readonly [string, (options: object) => Promise<unknown>])[] = [
    ['openSource', (options) => untyped.openSource(directory, options)],
    ['openImages', (options) => untyped.openImages(directory, options)],
    ['rewrite', (options) => untyped.rewrite(source, { specs: [], ...options })],
    ['inspect', (options) => first(untyped.inspect(source, options))],
    ['explore', (options) => first(untyped.explore(source, 'ps', options))],
    ['diff', (options) => untyped.diff(source, source, options)],
    ['decode', (options) => untyped.decode(source, { out: `${directory}-out`, ...options })],
    ['encode', (options) => untyped.encode(source, { out: `${directory}-out`, ...options })],
  ];
  for (const [name, call] of calls) {
    const error = await t.throwsAsync(call({ signl: undefined }), { message: 'there is no option signl' }, name);
    t.like(error, { code: 'USAGE', exitCode: 2 });
    t.regex((error as FdgraftError).hint ?? '', /^did you mean "signal"\? There are: /, name);
    t.notRegex((error as FdgraftError).hint ?? '', /fixed|seen/, name);
    await t.throwsAsync(call({ __proto__: null, toString: 1 }), { message: 'there is no option toString' }, name);
  }
  for (const open of [untyped.openSource, untyped.openImages])
    await t.throwsAsync(open(directory, null), { message: 'null is no object with options' });
  t.false(fs.existsSync(`${directory}-out`));
  await source.close();
});
