import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';

const { describeApi, recorded } = require('../tools/api.js') as {
  describeApi(declarations: string): { report: string; missing: string[] };
  recorded: string;
};
const dist = path.join(__dirname, '../dist');

test('the API of the library is the recorded one, and all its types can be imported', (t) => {
  t.true(fs.existsSync(path.join(dist, 'index.d.ts')), 'npm run build makes the declarations');
  const { report, missing } = describeApi(dist);
  t.deepEqual(missing, [], 'src/index.ts exports every type that its exports use');
  const hint = 'the API changed: npm run api records it, CHANGELOG.md tells it, and a breaking change raises the version';
  t.is(report, fs.readFileSync(recorded, 'utf8'), hint);
});

test('internal options are no part of the API', (t) => {
  t.notRegex(fs.readFileSync(recorded, 'utf8'), /SeenFiles|@internal/);
});
