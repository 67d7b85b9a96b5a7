import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';

interface Format {
  readonly title: string;
  readonly growth: (line: string, recorded: ReadonlySet<string>) => boolean;
  readonly lines: readonly string[];
}

const { describeApi, recorded } = require('../tools/api.js') as {
  describeApi(declarations: string): { report: string; missing: string[] };
  recorded: string;
};
const { breaches, currentFormats, formatText, growsFields, growsOptions, linesOfSchema, recordedFormats } =
  require('../tools/recorded-formats.js') as {
    breaches(text: string, formats: readonly Format[]): string[];
    currentFormats(): Format[];
    formatText(formats: readonly Format[]): string;
    growsFields: Format['growth'];
    growsOptions: Format['growth'];
    linesOfSchema(schema: object): string[];
    recordedFormats: string;
  };
const dist = path.join(__dirname, '../dist');

test('the API of the library is the recorded one, and all its types can be imported', (t) => {
  t.true(fs.existsSync(path.join(dist, 'index.d.ts')), 'npm run build makes the declarations');
  const { report, missing } = describeApi(dist);
  t.deepEqual(missing, [], 'src/index.ts exports every type that its exports use');
  const hint =
    'the API changed: npm run api records it, CHANGELOG.md tells it, and a breaking change raises the version';
  t.is(report, fs.readFileSync(recorded, 'utf8'), hint);
});

test('internal options are no part of the API', (t) => {
  t.notRegex(fs.readFileSync(recorded, 'utf8'), /SeenFiles|@internal/);
});

test('no format changed without a new version', (t) => {
  const text = fs.readFileSync(recordedFormats, 'utf8');
  const formats = currentFormats();
  t.deepEqual(breaches(text, formats), [], 'raise the version of the format');
  t.is(formatText(formats), text, 'a format grew: npm run api records it');
  t.true(formats.length >= 6);
});

/** What a change of a schema breaks. */
function brokenBy(before: object, after: object, growth: Format['growth'] = growsOptions): string[] {
  const recordedText = formatText([{ title: 'specs 1', growth, lines: linesOfSchema(before) }]);
  return breaches(recordedText, [{ title: 'specs 1', growth, lines: linesOfSchema(after) }]);
}

const option = { enum: ['a', 'b'], description: 'An option.' };
const schema = (properties: object, required: string[] = []) => ({
  type: 'object',
  properties: { list: { items: { required, properties } } },
});

test('what is added to a schema of options and breaks no file of specs', (t) => {
  const before = schema({ option });
  t.deepEqual(brokenBy(before, schema({ option: { ...option, description: 'The same.' } })), []);
  t.deepEqual(brokenBy(before, schema({ option: { ...option, enum: ['a', 'b', 'c'] } })), []);
  t.deepEqual(brokenBy(before, schema({ option, other: { type: 'object', required: ['x'], minProperties: 1 } })), []);
});

test('what breaks files of specs that were valid', (t) => {
  const before = schema({ option });
  const place = '/list/items';
  t.deepEqual(brokenBy(before, schema({ option: { ...option, enum: ['a'] } })), [
    `specs 1: gone: ${place}/option enum "b"`,
  ]);
  t.deepEqual(brokenBy(before, schema({})).length, 3);
  t.deepEqual(brokenBy(before, schema({ option }, ['option'])), [`specs 1: added: ${place} required "option"`]);
  t.deepEqual(brokenBy(before, schema({ option: { ...option, type: 'string' } })), [
    `specs 1: added: ${place}/option type "string"`,
  ]);
});

test('readers of output and of plans', (t) => {
  const never = () => false;
  t.is(brokenBy(schema({ option }), schema({ option, other: {} }), never).length, 1);
  const plan = (lines: string[]) => [{ title: 'inherit-plan.img 3', growth: growsFields, lines }];
  const text = formatText(plan(['plan_head.format = 1 required uint32', 'plan_head.tool = 2 optional string']));
  const format = 'plan_head.format = 1 required uint32';
  const tool = 'plan_head.tool = 2 optional string';
  t.deepEqual(breaches(text, plan([format, tool, 'plan_head.more = 3 repeated bytes'])), []);
  t.is(breaches(text, plan([format, tool, 'plan_head.more = 3 required bytes'])).length, 1);
  t.is(breaches(text, plan([format, 'plan_head.tool = 4 optional string'])).length, 1);
});

test('a new version of a format may be all different', (t) => {
  const text = formatText([{ title: 'fdgraft.ls 1', growth: () => true, lines: ['.entries list'] }]);
  t.deepEqual(breaches(text, [{ title: 'fdgraft.ls 2', growth: () => true, lines: ['.files list'] }]), []);
});
