// Each module that a command line can take becomes one file, in its own place in dist, and V8's code of it is kept
// beside it: a short run is mostly loading and compiling. Part of `npm run build`.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { noticesOf } = require('./bundled-notices');
const { run, top } = require('./ensure');

const cli = path.join(top, 'dist', 'cli');
const checkpoint = path.join(top, 'fixtures', 'images', 'pipe_outside');
const image = path.join(checkpoint, 'files.img');

/** In dist: the licenses of the packages that are in the command. */
const NOTICES = 'NOTICES.txt';

/** By module: what runs before its code is kept. V8 keeps what it has compiled, so these are the usual uses. */
const RUNS = {
  'tell-version': ({ tellVersion }) => tellVersion(),
  line: async ({ readLine }) => {
    await readLine(['--help']);
    await readLine(['ls', '--help']);
    await readLine(['ls', checkpoint]);
  },
  'commands/batch': ({ perform }, work) =>
    perform({ _: ['batch', 'ls'], patterns: [checkpoint], base: '/', out: path.join(work, 'lists'), quiet: true }),
  'commands/completion': async ({ main }) => {
    await main(['bash']);
    await main(['fish', '--', 'fdgraft', 'ls', checkpoint, '--inherit-fd', '']);
  },
  'commands/decode': ({ main }, work) => main(['-i', image, '-o', path.join(work, 'files.json')]),
  'commands/diff': ({ main }) => main([checkpoint, path.join(checkpoint, '..', 'two_paths'), '--quiet']),
  'commands/encode': ({ main }, work) =>
    main(['-i', path.join(work, 'files.json'), '-o', path.join(work, 'files.img')]),
  'commands/info': ({ main }) => main([image]),
  'commands/ls': ({ main }) => main([checkpoint]),
  'commands/restore': async ({ main }) => {
    // No restore: descriptor 1000 is not open.
    await withoutStderr(() => main(['-D', checkpoint, '--inherit-fd', 'fd[1000]:/dev/null']));
  },
  'commands/rewrite': async ({ main }, work) => {
    await main([checkpoint, '-o', path.join(work, 'rewritten'), '--inherit-fd', 'fd[5]:/dev/null', '--quiet']);
  },
  'commands/show': ({ main }) => main([path.join(checkpoint, 'inventory.img')]),
  'commands/x': ({ main }) => main([checkpoint, 'ps']),
};

/** For a run that is to end with an error, which is written there by number. */
async function withoutStderr(work) {
  const { write, writeSync } = fs;
  fs.writeSync = (fd, data, ...rest) => (fd === 2 ? data.length : writeSync(fd, data, ...rest));
  fs.write = (fd, data, ...rest) => (fd === 2 ? rest.at(-1)(null, data.length) : write(fd, data, ...rest));
  await work();
  Object.assign(fs, { write, writeSync });
}

/**
 * Bundles into files without a needless copy: of each module of Node.js that a source imports as a default, esbuild
 * copies all names, which dozens of sources would have done at each start. Returns the sources.
 */
function bundleFiles(options) {
  const { buildSync, transformSync } = require('esbuild');
  const { outputFiles, metafile } = buildSync({ ...options, write: false, metafile: true });
  const copy = /__toESM\((require\("node:[\w/]+"\))\)/g;
  if (!outputFiles.some(({ text }) => text.search(copy) !== -1))
    throw new Error('esbuild no longer writes __toESM(require("node:…")): look at what it writes, and adapt this file');
  for (const { path: file, text } of outputFiles) {
    const lean = text.replace(copy, '({ __proto__: $1, default: $1 })');
    const { target, format, charset, legalComments } = options;
    const { code } = transformSync(lean, { target, format, charset, legalComments, minify: true });
    fs.writeFileSync(file, code);
  }
  return Object.keys(metafile.inputs);
}

function bundle() {
  const inputs = bundleFiles({
    bundle: true,
    absWorkingDir: top,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    charset: 'ascii',
    legalComments: 'inline',
    logLevel: 'warning',
    entryPoints: [...Object.keys(RUNS).map((name) => `cli/${name}`), 'batch/worker'].map((name) =>
      path.join(top, 'src', `${name}.ts`),
    ),
    outbase: path.join(top, 'src'),
    outdir: path.join(top, 'dist'),
  });
  // The modules themselves stay outside of what starts them.
  bundleFiles({
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    logLevel: 'warning',
    // What stays outside is a module of Node.js's older kind, too.
    supported: { 'dynamic-import': false },
    external: ['./line', './tell-version', './commands/*'],
    entryPoints: [path.join(top, 'src/cli/bin.ts')],
    outfile: path.join(cli, 'bin.js'),
  });
  fs.writeFileSync(path.join(top, 'dist', NOTICES), noticesOf(inputs));
}

/** A process a module, since each changes the process that it runs in. Their output goes nowhere. */
function compileAll() {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-compile-'));
  try {
    for (const name of Object.keys(RUNS)) {
      run(process.execPath, [__filename, name, work], { stdio: ['ignore', 'ignore', 'inherit'] });
    }
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

async function compile(name, work) {
  const { compileModule, runModule, writeCode } = require(path.join(cli, 'load-compiled.js'));
  // Code is used where it was made with the same flags, and the command sets them when its code is loaded already.
  require('node:v8').setFlagsFromString = () => {};
  const file = path.join(cli, `${name}.js`);
  const source = fs.readFileSync(file);
  const script = compileModule(source, file);
  await RUNS[name](runModule(script, file), work);
  process.exitCode = 0;
  writeCode(file, source, script);
}

if (require.main === module) void compile(process.argv[2], process.argv[3]);

module.exports = { bundle, compileAll, NOTICES };
