import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../support/folders';

const top = path.join(__dirname, '../..');
const dist = path.join(top, 'dist');
const fixture = 'fixtures/images/two_paths';
const expected = fs.readFileSync(path.join(top, 'test/golden/expected/two_paths/ls.txt'), 'utf8');

/** A copy of what `npm run build` made, in a folder that looks like the package. */
function builtPackage(t: ExecutionContext): string {
  t.true(fs.existsSync(path.join(dist, 'cli/command.code')), 'npm run build makes the command');
  const folder = temporaryFolder(t);
  fs.cpSync(dist, path.join(folder, 'dist'), { recursive: true });
  for (const name of ['package.json', 'node_modules']) fs.symlinkSync(path.join(top, name), path.join(folder, name));
  return folder;
}

function run(folder: string, ...args: string[]) {
  const bin = path.join(folder, 'dist/cli/bin.js');
  return spawnSync(process.execPath, [bin, ...args], { cwd: top, encoding: 'utf8' });
}

function listsTheFixture(t: ExecutionContext, folder: string): void {
  const { stdout, stderr, status } = run(folder, 'ls', fixture);
  t.deepEqual({ stdout, stderr, status }, { stdout: expected, stderr: '', status: 0 });
}

test('the command that is built runs as one file, with V8 code, and the code is used', (t) => {
  const folder = builtPackage(t);
  // Without the modules, all is in the one file.
  for (const name of fs.readdirSync(path.join(folder, 'dist'))) {
    if (name !== 'cli') fs.rmSync(path.join(folder, 'dist', name), { recursive: true });
  }
  fs.rmSync(path.join(folder, 'dist/cli/main.js'));
  fs.rmSync(path.join(folder, 'node_modules'));
  listsTheFixture(t, folder);
  const script = `
    require('./dist/cli/v8-flags.js').setV8Flags();
    const [source, cachedData] = ['js', 'code'].map((end) => require('fs').readFileSync('dist/cli/command.' + end));
    const script = new (require('vm').Script)(source.toString(), { cachedData: cachedData.subarray(32) });
    process.exitCode = script.cachedDataRejected ? 1 : 0;`;
  t.is(spawnSync(process.execPath, ['-e', script], { cwd: folder }).status, 0, 'V8 takes the code');
});

test('code that was made of another source is not used', (t) => {
  const folder = builtPackage(t);
  const file = path.join(folder, 'dist/cli/command.js');
  const source = fs.readFileSync(file, 'utf8');
  fs.writeFileSync(file, source.replaceAll('a command is missing', 'A COMMAND IS MISSING'));
  t.regex(run(folder).stderr, /A COMMAND IS MISSING/);
});

test('it runs without the code, with code that V8 refuses, and as modules', (t) => {
  const folder = builtPackage(t);
  const code = path.join(folder, 'dist/cli/command.code');
  const bytes = fs.readFileSync(code);
  for (const at of [0, 40, 5000, bytes.length >> 1, bytes.length - 1]) {
    const damaged = Buffer.from(bytes);
    damaged.writeUInt8(damaged.readUInt8(at) ^ 0x10, at);
    fs.writeFileSync(code, damaged);
    listsTheFixture(t, folder);
  }
  fs.truncateSync(code, 1000);
  listsTheFixture(t, folder);
  fs.rmSync(code);
  fs.mkdirSync(code);
  listsTheFixture(t, folder);
  fs.rmdirSync(code);
  listsTheFixture(t, folder);
  fs.rmSync(path.join(folder, 'dist/cli/command.js'));
  listsTheFixture(t, folder);
});

test('errors, help and exit codes are those of the modules', (t) => {
  const folder = builtPackage(t);
  const asOneFile = [
    ['--help'],
    ['x', fixture, 'all'],
    ['decode', '-i', 'nothing'],
    ['no-such-command'],
    ['--version'],
  ];
  const outputs = asOneFile
    .map((args) => run(folder, ...args))
    .map(({ stdout, stderr, status }) => [stdout, stderr, status]);
  fs.rmSync(path.join(folder, 'dist/cli/command.js'));
  const modules = asOneFile
    .map((args) => run(folder, ...args))
    .map(({ stdout, stderr, status }) => [stdout, stderr, status]);
  t.deepEqual(outputs, modules);
});

test('a folder is listed without what archives take', (t) => {
  const folder = builtPackage(t);
  const hook = path.join(folder, 'hook.js');
  fs.writeFileSync(hook, "process.on('exit', () => process.stderr.write(process.moduleLoadList.join('\\n')));");
  const bin = path.join(folder, 'dist/cli/bin.js');
  const { stderr } = spawnSync(process.execPath, ['-r', hook, bin, 'ls', fixture], { cwd: top, encoding: 'utf8' });
  t.regex(stderr, /NativeModule fs/);
  t.notRegex(stderr, /NativeModule (zlib|child_process)$/m);
});
