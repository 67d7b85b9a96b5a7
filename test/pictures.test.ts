import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { top } from './support/command';
import { build } from './support/native';

const { pictures } = require('../tools/pictures.js') as { pictures(): { [name: string]: string } };

test('the pictures of a terminal show what is printed', (t) => {
  build();
  const directory = path.join(top, 'docs/pictures');
  const made = pictures();
  t.deepEqual(fs.readdirSync(directory).sort(), Object.keys(made).sort());
  for (const [name, content] of Object.entries(made)) {
    t.is(fs.readFileSync(path.join(directory, name), 'utf8'), content, `${name}: \`npm run pictures\` renews it`);
    // An image in a page gets no script and nothing from elsewhere.
    t.notRegex(content, /<script|href|@import|url\(/);
    t.false(content.includes(top), name);
  }
});
