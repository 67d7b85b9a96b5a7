import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryDirectory } from '../support/directories';

const top = path.join(__dirname, '../..');
const dist = path.join(top, 'dist');
const fixture = 'fixtures/images/two_paths';
const expected = fs.readFileSync(path.join(top, 'test/golden/expected/two_paths/ls.txt'), 'utf8');

/** Of this Node.js. */
const CODE = `.${process.versions.v8}-${process.arch}.code`;

/** A copy of what `npm run build` made, in a directory that looks like the package. */
function builtPackage(t: ExecutionContext): string {
  t.true(fs.existsSync(path.join(dist, `cli/commands/ls${CODE}`)), 'npm run build makes the command');
  const directory = temporaryDirectory(t);
  fs.cpSync(dist, path.join(directory, 'dist'), { recursive: true });
  for (const name of ['package.json', 'node_modules']) fs.symlinkSync(path.join(top, name), path.join(directory, name));
  return directory;
}

/** Removes all from the package but these files of dist/cli. */
function keepOnly(directory: string, ...names: string[]): void {
  fs.rmSync(path.join(directory, 'node_modules'));
  fs.rmSync(path.join(directory, 'dist'), { recursive: true });
  for (const name of ['bin.js', ...names])
    fs.cpSync(path.join(dist, 'cli', name), path.join(directory, 'dist/cli', name));
}

function compiledFiles(directory: string): string[] {
  const all = fs.readdirSync(path.join(directory, 'dist/cli'), { recursive: true, encoding: 'utf8' });
  return all.filter((name) => name.endsWith('.code')).map((name) => path.join(directory, 'dist/cli', name));
}

function run(directory: string, ...args: string[]) {
  const bin = path.join(directory, 'dist/cli/bin.js');
  return spawnSync(process.execPath, [bin, ...args], { cwd: top, encoding: 'utf8' });
}

function listsTheFixture(t: ExecutionContext, directory: string): void {
  const { stdout, stderr, status } = run(directory, 'ls', fixture);
  t.deepEqual({ stdout, stderr, status }, { stdout: expected, stderr: '', status: 0 });
}

test('a command runs as one file, with V8 code, and V8 takes all code', (t) => {
  const directory = builtPackage(t);
  const script = `
    const fs = require('fs');
    const { compileModule, openCode } = require('./dist/cli/load-compiled.js');
    for (const file of process.argv.slice(1)) {
      const source = fs.readFileSync(file.replace(${JSON.stringify(CODE)}, '.js'));
      const script = compileModule(source, file, openCode(source, fs.readFileSync(file)));
      if (script.cachedDataRejected !== false) process.exitCode = 1;
    }`;
  const files = compiledFiles(directory);
  t.is(files.length, 13, 'line, tell-version and eleven commands');
  t.is(spawnSync(process.execPath, ['-e', script, ...files], { cwd: directory }).status, 0, 'V8 takes the code');
  keepOnly(directory, 'commands/ls.js', `commands/ls${CODE}`);
  listsTheFixture(t, directory);
});

test('--version and --help load neither each other nor a command', (t) => {
  for (const [name, word, expected] of [
    ['tell-version', '--version', /^\d+\.\d+\.\d+\n$/],
    ['line', '--help', /^fdgraft COMMAND SOURCE/],
  ] as const) {
    const directory = builtPackage(t);
    keepOnly(directory, `${name}.js`, `${name}${CODE}`);
    const { stdout, status } = run(directory, word);
    t.regex(stdout, expected);
    t.is(status, 0);
  }
});

test('code that was made of another source is not used', (t) => {
  const directory = builtPackage(t);
  const file = path.join(directory, 'dist/cli/line.js');
  const source = fs.readFileSync(file, 'utf8');
  fs.writeFileSync(file, source.replaceAll('a command is missing', 'A COMMAND IS MISSING'));
  t.regex(run(directory).stderr, /A COMMAND IS MISSING/);
});

test('it runs without the code, and with code that is damaged', (t) => {
  const directory = builtPackage(t);
  const code = path.join(directory, `dist/cli/commands/ls${CODE}`);
  const bytes = fs.readFileSync(code);
  for (const at of [0, 40, 5000, bytes.length >> 1, bytes.length - 1]) {
    const damaged = Buffer.from(bytes);
    damaged.writeUInt8(damaged.readUInt8(at) ^ 0x10, at);
    fs.writeFileSync(code, damaged);
    listsTheFixture(t, directory);
  }
  for (const length of [1000, 1, 0]) {
    fs.truncateSync(code, length);
    listsTheFixture(t, directory);
  }
  fs.rmSync(code);
  fs.mkdirSync(code);
  listsTheFixture(t, directory);
  fs.rmdirSync(code);
  listsTheFixture(t, directory);
});

test('it runs with code that V8 refuses, as that of another version', (t) => {
  const directory = builtPackage(t);
  const { sealCode } = require(path.join(dist, 'cli/load-compiled.js'));
  const source = fs.readFileSync(path.join(directory, 'dist/cli/commands/ls.js'));
  for (const code of [Buffer.from([1]), Buffer.alloc(4096)]) {
    fs.writeFileSync(path.join(directory, `dist/cli/commands/ls${CODE}`), sealCode(source, code));
    listsTheFixture(t, directory);
  }
});

test('the first run of a Node.js keeps its code for the next, if nobody else can write there', (t) => {
  const directory = builtPackage(t);
  const commands = path.join(directory, 'dist/cli/commands');
  const code = path.join(commands, `ls${CODE}`);
  const built = fs.readFileSync(code);
  const without = () => {
    fs.rmSync(code, { force: true });
    return fs.readdirSync(commands);
  };
  const names = without();
  listsTheFixture(t, directory);
  t.deepEqual(fs.readdirSync(commands), [...names, path.basename(code)].sort());
  t.is(fs.statSync(code).mode & 0o777, 0o644);
  const { openCode, compileModule } = require(path.join(dist, 'cli/load-compiled.js'));
  const source = fs.readFileSync(path.join(commands, 'ls.js'));
  const kept = openCode(source, fs.readFileSync(code));
  t.is(compileModule(source, 'ls.js', kept).cachedDataRejected, false);
  t.true(kept.length > built.length / 4, 'with the functions that ran');
  // Code that is there stays, whatever V8 says of it; code of another source goes.
  const { ino } = fs.statSync(code);
  listsTheFixture(t, directory);
  t.is(fs.statSync(code).ino, ino);
  fs.writeFileSync(code, 'of another source');
  listsTheFixture(t, directory);
  t.true(fs.statSync(code).size > 100_000);

  const keepsNone = (why: string, ...args: string[]) => {
    const before = without();
    const { status, stderr } = run(directory, ...args);
    t.deepEqual({ status, stderr, names: fs.readdirSync(commands) }, { status: 0, stderr: '', names: before }, why);
  };
  const image = path.join(top, fixture, 'files.img');
  fs.rmSync(path.join(commands, `decode${CODE}`));
  const bin = path.join(directory, 'dist/cli/bin.js');
  const streamed = spawnSync(process.execPath, [bin, 'decode'], { input: fs.readFileSync(image) });
  t.is(streamed.status, 0);
  t.false(fs.existsSync(path.join(commands, `decode${CODE}`)), 'flags of V8 were set');
  fs.writeFileSync(`${code}.new`, '');
  keepsNone('another run is at it', 'ls', fixture);
  fs.rmSync(`${code}.new`);
  fs.chmodSync(commands, 0o777);
  keepsNone('others can write', 'ls', fixture);
  fs.chmodSync(commands, 0o755);
  process.env.NODE_OPTIONS = '--no-warnings';
  try {
    keepsNone('other options', 'ls', fixture);
  } finally {
    delete process.env.NODE_OPTIONS;
  }
});

test('errors, help and exit codes are the same without V8 code', (t) => {
  const directory = builtPackage(t);
  const lines = [
    ['--help'],
    ['ls', '--help'],
    ['x', fixture, 'all'],
    ['decode', '-i', 'nothing'],
    ['no-such-command'],
    ['--version'],
    ['--version', '--json'],
    ['batch', 'ls'],
  ];
  const tell = () =>
    lines.map((args) => run(directory, ...args)).map(({ stdout, stderr, status }) => [stdout, stderr, status]);
  const outputs = tell();
  for (const file of compiledFiles(directory)) fs.rmSync(file);
  t.deepEqual(outputs, tell());
});

/** What each line has no use for: modules that take milliseconds each. yargs itself loads those of the terminal. */
const LINES: readonly (readonly [words: readonly string[], unused: RegExp])[] = [
  [['--version'], /^NativeModule (crypto|fs\/promises|stream|zlib|child_process|v8|perf_hooks|net|tty)$/m],
  [['--help'], /^NativeModule (crypto|fs\/promises|zlib|child_process|v8|perf_hooks)$/m],
  [['ls', fixture], /^NativeModule (crypto|fs\/promises|stream|zlib|child_process|v8|perf_hooks|net|tty)$/m],
  [
    ['decode', '-i', `${fixture}/files.img`],
    /^NativeModule (crypto|fs\/promises|zlib|child_process|v8|perf_hooks|net|tty)$/m,
  ],
  [
    ['rewrite', fixture, '--dry-run', '--inherit-fd', 'fd[5]:/**'],
    /^NativeModule (fs\/promises|zlib|child_process|v8|perf_hooks|net|tty)$/m,
  ],
];

for (const [words, unused] of LINES) {
  test(`no module of Node.js is loaded without need: ${words.join(' ')}`, (t) => {
    const directory = builtPackage(t);
    const hook = path.join(directory, 'hook.js');
    const list = path.join(directory, 'list');
    const hookText = `
      process.on('exit', () => require('fs').writeFileSync(${JSON.stringify(list)}, process.moduleLoadList.join('\\n')));`;
    fs.writeFileSync(hook, hookText);
    const bin = path.join(directory, 'dist/cli/bin.js');
    const { status, stderr } = spawnSync(process.execPath, ['-r', hook, bin, ...words], { cwd: top, encoding: 'utf8' });
    t.is(status, 0, stderr);
    const loaded = fs.readFileSync(list, 'utf8');
    t.regex(loaded, /NativeModule fs/);
    t.notRegex(loaded, unused);
  });
}
