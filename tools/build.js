// npm run build: the command (dist/), the executor and the plugin (native/build/).

const fs = require('node:fs');
const path = require('node:path');
const { ensureNativeTools, ensureNodeModules, run, runMain, top } = require('./ensure');

function buildCommand() {
  ensureNodeModules();
  fs.rmSync(path.join(top, 'dist'), { recursive: true, force: true });
  run(process.execPath, [path.join(top, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json']);
  const { bundle, compileAll } = require('./compile-command');
  bundle();
  compileAll();
  require('./man').writeManPages();
  require('./completion').writeCompletionScripts();
  fs.chmodSync(path.join(top, 'dist/cli/bin.js'), 0o755);
}

function buildNative() {
  ensureNativeTools();
  run('make', ['-s', '-C', 'native']);
}

function build() {
  buildCommand();
  buildNative();
}

if (require.main === module) runMain(build);

module.exports = { build, buildCommand };
