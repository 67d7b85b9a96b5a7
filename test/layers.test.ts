import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';

/** From the bottom up: a folder imports from itself and from those before it (docs/ARCHITECTURE.md). */
const LAYERS = [
  'bytes',
  'errors',
  'storage',
  'frames',
  'wire',
  'schema',
  'json',
  'checkpoint',
  'specs',
  'rewrite',
  'plan',
  'diff',
  'operations',
  'report',
  'batch',
  'cli',
];
const src = path.join(__dirname, '../src');

function sources(folder: string): string[] {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const full = path.join(folder, entry.name);
    if (entry.isDirectory()) return sources(full);
    return entry.name.endsWith('.ts') ? [full] : [];
  });
}

test('every folder of src is a layer', (t) => {
  const folders = fs.readdirSync(src, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  t.deepEqual(folders.map(({ name }) => name).sort(), [...LAYERS].sort());
});

test('imports go down only', (t) => {
  for (const file of sources(src)) {
    const layer = path.relative(src, file).split(path.sep)[0] ?? '';
    // index.ts and version.ts, at the top of src, belong to what lies right below the command line.
    const own = layer.endsWith('.ts') ? LAYERS.indexOf('cli') - 0.5 : LAYERS.indexOf(layer);
    for (const [, target] of fs.readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?'(\.[^']*)'/g)) {
      const to = path.relative(src, path.resolve(path.dirname(file), target ?? '')).split(path.sep)[0] ?? '';
      const other =
        to === 'version' ? -1 : to === 'index' || to === '' ? LAYERS.indexOf('cli') - 0.5 : LAYERS.indexOf(to);
      t.true(other !== -1 || to === 'version', `${file}: ${target}`);
      t.true(other <= own, `${path.relative(src, file)} imports ${target}`);
    }
  }
});
