import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryDirectory } from '../support/directories';

const { filesBelow } = require('../../tools/files-below.js') as { filesBelow(place: string): string[] };

const top = path.join(__dirname, '../..');
/** All that `npm pack` needs of a fresh clone; fixtures are what V8's code is compiled with. */
const NEEDED = ['package.json', 'package-lock.json', '.npmrc', 'tsconfig.json', 'tsconfig.build.json', 'tools', 'src'];
const PACKED = [
  ...['bin', 'schemas', 'native/Makefile', 'native/fdgraft-exec.sh', 'native/install.sh', 'native/src'],
  ...['docs', 'examples', 'LICENSE'],
];
const TEXTS = ['README.md', 'CHANGELOG.md', 'SECURITY.md'];
const FIXTURES = ['fixtures/images/pipe_outside', 'fixtures/images/two_paths'];

/** A clone without dist; its files have these modes and times. */
function clone(directory: string, isPrivate: boolean): string {
  fs.mkdirSync(directory, { recursive: true });
  for (const name of [...NEEDED, ...PACKED, ...TEXTS, ...FIXTURES])
    fs.cpSync(path.join(top, name), path.join(directory, name), { recursive: true, preserveTimestamps: true });
  // Not a link to the directory: esbuild writes the paths of modules into what it bundles.
  const copies = [['-al'], ['-a']].map((options) => ['cp', ...options, path.join(top, 'node_modules'), directory]);
  const copied = copies.some(([command = '', ...args]) => spawnSync(command, args).status === 0);
  if (!copied) throw new Error(`node_modules could not be copied to ${directory}`);
  if (!isPrivate) return directory;
  for (const name of [...NEEDED, ...PACKED, ...TEXTS]) {
    for (const file of filesBelow(path.join(directory, name))) {
      fs.chmodSync(file, fs.statSync(file).mode & 0o700);
      fs.utimesSync(file, 1e9, 1e9);
    }
  }
  return directory;
}

interface Packed {
  readonly name: string;
  readonly digest: string;
  readonly file: string;
}

function pack(t: ExecutionContext, directory: string, umask: string): Packed {
  const command = `umask ${umask} && exec npm pack --offline --loglevel=error`;
  const { status, stdout, stderr } = spawnSync('sh', ['-c', command], { cwd: directory, encoding: 'utf8' });
  t.is(status, 0, stdout + stderr);
  const [name] = fs.readdirSync(directory).filter((one) => one.endsWith('.tgz')) as [string];
  const file = path.join(directory, name);
  return { name, file, digest: createHash('sha256').update(fs.readFileSync(file)).digest('hex') };
}

test('two clones give the same package, whatever their place, modes, times and umask', (t) => {
  t.timeout(1_200_000);
  const own = temporaryDirectory(t);
  const one = pack(t, clone(path.join(own, 'one'), false), '022');
  const other = pack(t, clone(path.join(own, 'another', 'place'), true), '077');
  t.is(other.name, one.name);
  t.is(other.digest, one.digest);

  const unpacked = path.join(own, 'unpacked');
  fs.mkdirSync(unpacked);
  t.is(spawnSync('tar', ['xzpf', other.file, '-C', unpacked]).status, 0);
  const directory = path.join(unpacked, 'package');
  const names = filesBelow(directory).map((file) => path.relative(directory, file));
  for (const name of [
    'bin/fdgraft.js',
    'dist/cli/bin.js',
    'dist/index.d.ts',
    'dist/share/man/man1/fdgraft.1',
    'dist/share/zsh/site-functions/_fdgraft',
    'native/src/plugin.c',
    'schemas/plan.proto',
    ...TEXTS,
  ])
    t.true(names.includes(name), name);
  // V8's code fits one build of Node.js.
  t.deepEqual(
    names.filter((name) => name.endsWith('.code')),
    [],
  );
  for (const name of ['bin/fdgraft.js', 'dist/cli/bin.js', 'native/fdgraft-exec.sh'])
    t.is(fs.statSync(path.join(directory, name)).mode & 0o777, 0o755, name);
  t.is(fs.statSync(path.join(directory, 'README.md')).mode & 0o777, 0o644);

  // It runs as installed, and writes nothing into its own place but V8's code of what it ran.
  fs.symlinkSync(path.join(top, 'node_modules'), path.join(directory, 'node_modules'));
  const args = [path.join(directory, 'bin/fdgraft.js'), 'ls', path.join(top, 'fixtures/images/two_paths')];
  const { status, stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  t.is(status, 0);
  t.is(stdout, fs.readFileSync(path.join(top, 'test/golden/expected/two_paths/ls.txt'), 'utf8'));
  const after = filesBelow(directory).map((file) => path.relative(directory, file));
  const code = `dist/cli/commands/ls.${process.versions.v8}-${process.arch}.code`;
  t.deepEqual(after.sort(), [...names, code].sort());
});
