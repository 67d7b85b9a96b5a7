// The command in one file (dist/cli/command.js), and V8's compiled code of it: loading it takes a fraction of what
// the modules take. Part of `npm run build`.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const vm = require('node:vm');
const { top } = require('./ensure');

const cli = path.join(top, 'dist', 'cli');
const checkpoint = path.join(top, 'fixtures', 'images', 'pipe_outside');

const worker = path.join(top, 'dist', 'batch', 'worker.js');

const BUNDLE = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  minify: true,
  legalComments: 'inline',
  logLevel: 'warning',
};

function bundle() {
  const { buildSync } = require('esbuild');
  buildSync({
    ...BUNDLE,
    entryPoints: [path.join(cli, 'main.js')],
    outfile: path.join(cli, 'command.js'),
    banner: { js: '(function (exports, require, module, __filename, __dirname) {' },
    footer: { js: '})' },
  });
  // What a batch starts again and again, in the place of its module.
  buildSync({ ...BUNDLE, entryPoints: [worker], outfile: worker, allowOverwrite: true });
}

/** What V8 compiles when the usual commands run. Their output goes nowhere. */
async function compile() {
  const { COMMAND_FILE, CODE_FILE, runCommandFile, sealCode } = require(path.join(cli, 'load-main.js'));
  // Code is used where it was made with the same flags.
  require(path.join(cli, 'v8-flags.js')).setV8Flags();
  const file = path.join(cli, COMMAND_FILE);
  const source = fs.readFileSync(file);
  const script = new vm.Script(source.toString('utf8'), { filename: file });
  const main = runCommandFile(script, file);
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-compile-'));
  try {
    const json = path.join(work, 'files.json');
    await main(['ls', checkpoint]);
    await main(['rewrite', checkpoint, '--dry-run', '--inherit-fd', 'fd[5]:/dev/null']);
    await main(['decode', '-i', path.join(checkpoint, 'files.img'), '-o', json]);
    await main(['encode', '-i', json, '-o', path.join(work, 'files.img')]);
    await main(['show', path.join(checkpoint, 'inventory.img')]);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
  fs.writeFileSync(path.join(cli, CODE_FILE), sealCode(source, script.createCachedData()));
}

if (process.argv[2] === 'compile') void compile();

module.exports = { bundle };
