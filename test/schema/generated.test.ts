import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';

const { generate } = require('../../tools/generate-schema.js') as { generate: () => { [file: string]: string } };

test('what is generated from schemas/ is current (else: npm run schema)', (t) => {
  for (const [file, content] of Object.entries(generate())) {
    t.is(fs.readFileSync(file, 'utf8'), content, path.basename(file));
  }
});
