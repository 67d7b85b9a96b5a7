import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import ts from 'typescript';

/** From the bottom up: a directory imports from itself and from those before it (docs/ARCHITECTURE.md). */
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

function sources(directory: string): string[] {
  return fs.readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const full = path.join(directory, entry.name);
    if (entry.isDirectory()) return sources(full);
    return entry.name.endsWith('.ts') ? [full] : [];
  });
}

test('every directory of src is a layer', (t) => {
  const directories = fs.readdirSync(src, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  t.deepEqual(directories.map(({ name }) => name).sort(), [...LAYERS].sort());
});

/** The files of src that a file imports, at its top or later, for values or for types alone. */
function importsOf(file: string): string[] {
  const { importedFiles } = ts.preProcessFile(fs.readFileSync(file, 'utf8'), true, true);
  return importedFiles.flatMap(({ fileName }) => {
    if (!fileName.startsWith('.')) return [];
    const target = path.resolve(path.dirname(file), fileName);
    return [target, `${target}.ts`, path.join(target, 'index.ts')].find(isFile) ?? target;
  });
}

function isFile(file: string): boolean {
  return fs.statSync(file, { throwIfNoEntry: false })?.isFile() === true;
}

/** Where a file stands, from the bottom up. */
function heightOf(file: string): number {
  const layer = path.relative(src, file).split(path.sep)[0] ?? '';
  // version.ts reads package.json, and whoever writes the version imports it.
  if (layer === 'version.ts') return LAYERS.indexOf('storage');
  // index.ts, the library, lies right below the command line.
  return layer === 'index.ts' ? LAYERS.indexOf('cli') - 0.5 : LAYERS.indexOf(layer);
}

const graph = new Map(sources(src).map((file) => [file, importsOf(file)]));

test('imports go down only', (t) => {
  for (const [file, targets] of graph) {
    for (const target of targets) {
      const words = `${path.relative(src, file)} imports ${path.relative(src, target)}`;
      t.true(isFile(target), words);
      t.true(heightOf(target) >= 0 && heightOf(target) <= heightOf(file), words);
    }
  }
});

test('no imports go round in a circle, not even those of types alone', (t) => {
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): void => {
    const circle = way.includes(file) ? [...way.slice(way.indexOf(file)), file] : [];
    t.deepEqual(
      circle.map((one) => path.relative(src, one)),
      [],
    );
    if (done.has(file) || circle.length > 0) return;
    for (const target of graph.get(file) ?? []) visit(target, [...way, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
});
