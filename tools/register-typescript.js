// Loads TypeScript where `require` meets it. ts-node translates a file; the result is kept until the file changes,
// since each test file is a thread that loads hundreds of sources, and each of these takes ts-node some milliseconds.

const { createHash } = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { threadId } = require('node:worker_threads');

const top = path.join(__dirname, '..');
const kept = path.join(top, 'node_modules', '.cache', 'fdgraft-typescript');
/** All that decides the result beside the file itself. */
const settings = ['tsconfig.json', 'node_modules/ts-node/package.json', 'node_modules/typescript/package.json'].map(
  (name) => fs.readFileSync(path.join(top, name)),
);

let service;

function translate(code, file) {
  service ??= require('ts-node').create({ cwd: top, transpileOnly: true });
  return service.compile(code, file);
}

/** The file appears under its name when it is whole: other threads read it. */
function keep(name, translated) {
  fs.mkdirSync(path.dirname(name), { recursive: true });
  const unfinished = `${name}.${process.pid}.${threadId}`;
  fs.writeFileSync(unfinished, translated);
  fs.renameSync(unfinished, name);
}

function readKept(name) {
  try {
    return fs.readFileSync(name, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return '';
    throw error;
  }
}

function translated(file) {
  const code = fs.readFileSync(file);
  const hash = createHash('sha256');
  // The source map has the whole path.
  for (const part of [...settings, file, code]) hash.update(part);
  const mark = `\n// ${hash.digest('hex')}\n`;
  const name = path.join(kept, `${path.relative(top, file)}.js`);
  const before = readKept(name);
  if (before.endsWith(mark)) return before;
  const made = `${translate(code.toString(), file)}${mark}`;
  keep(name, made);
  return made;
}

process.setSourceMapsEnabled(true);
require.extensions['.ts'] = (module, file) => module._compile(translated(file), file);
