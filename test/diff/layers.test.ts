import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';

const src = path.join(__dirname, '../../src/diff');
const importsOf = (file: string) =>
  [...fs.readFileSync(path.join(src, file), 'utf8').matchAll(/from\s*'(\.[^']*)'/g)].map(([, target = '']) =>
    path.relative(path.join(src, '../..'), path.resolve(src, path.dirname(file), target)),
  );
const filesIn = (directory: string) =>
  fs.readdirSync(path.join(src, directory)).map((name) => path.join(directory, name));

test('nothing that compares or proves knows the words of a difference', (t) => {
  const files = [
    ...[
      'compare-images.ts',
      'compare-members.ts',
      'compare-messages.ts',
      'compare-sources.ts',
      'found.ts',
      'located.ts',
    ],
    ...filesIn('wire'),
    ...filesIn('proof'),
  ];
  for (const file of files) {
    for (const target of importsOf(file)) t.notRegex(target, /^src\/(diff\/text|json|report)\//, file);
  }
});

test('a plan is proved without the code that rewrites', (t) => {
  for (const file of filesIn('proof')) {
    for (const target of importsOf(file)) t.notRegex(target, /^src\/rewrite\//, file);
  }
});
