// npm run build: the command (dist/), the executor and the plugin (native/build/).

const fs = require('node:fs');
const path = require('node:path');
const { begin, ensureNativeTools, ensureNodeModules, run, runMain, top } = require('./ensure');
const { filesBelow } = require('./files-below');

const BUILT = path.join(top, 'dist/cli/bin.js');
/** All that dist/ is made of. */
const SOURCES = [
  'src',
  'schemas',
  'docs',
  'tools',
  'native/src/help.c',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'CHANGELOG.md',
];

/** Why dist/ is not what `sources` make, or undefined: it was not built to the end, or one of them is newer. */
function whyStale(sources) {
  const name = path.relative(top, BUILT);
  const built = fs.statSync(BUILT, { throwIfNoEntry: false });
  if (built === undefined || (built.mode & 0o100) === 0) return `${name} was not built to the end`;
  const newer = sources
    .flatMap((source) => filesBelow(path.join(top, source)))
    .find((file) => fs.statSync(file).mtimeMs > built.ctimeMs);
  return newer === undefined ? undefined : `${path.relative(top, newer)} is newer than ${name}`;
}

function buildCommand() {
  ensureNodeModules();
  console.error('building the command: a minute or less');
  fs.rmSync(path.join(top, 'dist'), { recursive: true, force: true });
  run(process.execPath, [path.join(top, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json']);
  const { bundle, compileAll } = require('./compile-command');
  bundle();
  compileAll();
  require('./man').writeManPages();
  require('./completion').writeCompletionScripts();
  // Last: without this, it is not built to the end.
  fs.chmodSync(BUILT, 0o755);
}

/** The executor and the plugin are made while the command is: each has one process most of the time. */
async function buildBoth(makeCommand) {
  ensureNativeTools();
  console.error('building the executor and the plugin');
  const ended = begin('make', ['-s', '-C', 'native']);
  makeCommand();
  await ended();
}

async function build() {
  await buildBoth(buildCommand);
}

/** The same if it is needed: make sees by itself what is. */
async function buildIfStale() {
  await buildBoth(() => {
    if (whyStale(SOURCES) !== undefined) buildCommand();
  });
}

if (require.main === module) runMain(build);

module.exports = { build, buildCommand, buildIfStale, whyStale };
