import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020';
import test, { type ExecutionContext } from 'ava';
import { type DiffOptions, diff, openSource } from '../../src';
import { DiffJson } from '../../src/report/diff-json';
import { renumber } from '../support/renumber';

const top = path.join(__dirname, '../..');
const images = path.join(top, 'fixtures/images');
const expected = path.join(top, 'test/golden/expected');
const schema = JSON.parse(fs.readFileSync(path.join(top, 'schemas/diff.schema.json'), 'utf8'));
const isValid = new Ajv2020({ allErrors: true }).compile(schema);
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-schema-'));
test.after.always(() => fs.rmSync(work, { recursive: true, force: true }));

function check(t: ExecutionContext, json: string, what: string) {
  const value = JSON.parse(json);
  t.true(isValid(value), `${what}: ${JSON.stringify(isValid.errors)}`);
  return value;
}

test('all JSON of diff that is expected is what the schema says', (t) => {
  const files = fs
    .readdirSync(expected, { recursive: true, encoding: 'utf8' })
    .filter((name) => path.basename(name) === 'diff.json');
  t.true(files.length > 25);
  for (const name of files) {
    // Digests that a new version of the package changes are not in what is expected.
    const text = fs.readFileSync(path.join(expected, name), 'utf8').replaceAll('"DIGEST"', `"${'0'.repeat(64)}"`);
    check(t, text, name);
  }
});

async function jsonOf(before: string, after: string, options: DiffOptions = {}): Promise<string> {
  const result = await diff(await openSource(before), await openSource(after), options);
  const report = new DiffJson(before, after);
  let text = report.begin(result);
  for await (const difference of result.differences()) text += report.difference(difference);
  text += report.end(result);
  result.close();
  return text;
}

const at = (name: string) => path.join(images, name);

test('every kind of difference is what the schema says', async (t) => {
  const other = path.join(work, 'other');
  await renumber(at('many_types'), other);
  fs.symlinkSync('nowhere', path.join(other, 'parent'));
  fs.appendFileSync(path.join(other, 'inventory.img'), 'left behind');
  const inventory = fs.readFileSync(path.join(other, 'pstree.img'));
  fs.writeFileSync(path.join(other, 'pstree.img'), inventory.subarray(4));
  const whats = new Set<string>();
  for (const [name, options] of [
    ['many_types', { ignoreIds: true }],
    ['unread_pipe', { payload: true }],
    ['net_sockets', {}],
    ['job', {}],
  ] as const) {
    const { differences } = check(t, await jsonOf(at(name), other, options), name);
    for (const { what } of differences) whats.add(what);
  }
  const orders = check(t, await jsonOf(at('job'), at('job_lost_worker')), 'memory');
  for (const { what } of orders.differences) whats.add(what);
  t.deepEqual([...whats].sort(), ['entry', 'file', 'head', 'image', 'memory', 'tail']);
  check(t, await jsonOf(at('job'), at('job')), 'nothing');
});

/** Each object that the schema describes. */
function* objectsIn(part: unknown): Generator<{ [key: string]: unknown }> {
  if (typeof part !== 'object' || part === null) return;
  if ('properties' in part) yield part as { [key: string]: unknown };
  for (const inner of Object.values(part)) yield* objectsIn(inner);
}

test('the schema is strict', (t) => {
  const objects = [...objectsIn(schema)];
  t.true(objects.length > 10);
  for (const object of objects) t.is(object.additionalProperties, false, JSON.stringify(object).slice(0, 200));
  const plain = JSON.parse(fs.readFileSync(path.join(expected, 'compared/lost_task/diff.json'), 'utf8'));
  for (const wrong of [
    { ...plain, more: 1 },
    { ...plain, version: 2 },
    { ...plain, differences: [{ ...plain.differences[0], more: 1 }] },
    { ...plain, differences: [{ what: 'something' }] },
    { ...plain, meaning: [{ about: 'weather', text: '' }] },
  ]) {
    t.false(isValid(wrong), JSON.stringify(wrong).slice(-200));
  }
});
