import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { temporaryDirectory } from '../support/directories';
import { build, helper } from '../support/native';

/** The commands of the npm package, which start what is built. */

const native = path.join(__dirname, '../../native');

/** A link to it, as npm makes one, with the programs beside it or without. */
function installed(directory: string, isBuilt: boolean): string {
  const own = path.join(directory, "it's here/native");
  fs.mkdirSync(own, { recursive: true });
  fs.copyFileSync(path.join(native, 'fdgraft-exec.sh'), path.join(own, 'fdgraft-exec.sh'));
  if (isBuilt) fs.symlinkSync(build(), path.join(own, 'build'));
  const link = path.join(directory, 'fdgraft-exec');
  fs.symlinkSync(path.relative(directory, path.join(own, 'fdgraft-exec.sh')), link);
  return link;
}

test('it is the program: with its arguments, descriptors and exit code', (t) => {
  const command = installed(temporaryDirectory(t), true);
  const run = (...args: string[]) => spawnSync(command, args, { encoding: 'utf8' });
  t.regex(run('--version').stdout, /^fdgraft-exec \d/);
  t.is(run('--no such option').status, 100);
  // The numbers that a shell takes for itself, too.
  const give = ['10=file:0:/dev/null', '5=file:0:/etc/passwd', '255=file:0:/dev/null'];
  const script = 'for fd in 5 10 255; do readlink /proc/$$/fd/$fd; done';
  const shown = spawnSync(helper('give'), [...give, '--', command, '--version'], { encoding: 'utf8' });
  t.is(shown.status, 0, shown.stderr);
  const direct = spawnSync(helper('give'), [...give, '--', 'sh', '-c', script], { encoding: 'utf8' });
  t.is(direct.stdout, '/etc/passwd\n/dev/null\n/dev/null\n');
});

test('without the program it says how to build it', (t) => {
  const { status, stderr } = spawnSync(installed(temporaryDirectory(t), false), ['--version'], { encoding: 'utf8' });
  t.is(status, 111);
  t.regex(
    stderr,
    /^fdgraft-exec: .*it's here\/native\/build\/fdgraft-exec is not built; run: make -C ".*it's here\/native"\n/,
  );
});

test('the program gets the environment of the caller, also a PATH that has no commands', (t) => {
  const directory = temporaryDirectory(t);
  const own = path.join(directory, 'native');
  fs.mkdirSync(path.join(own, 'build'), { recursive: true });
  fs.copyFileSync(path.join(native, 'fdgraft-exec.sh'), path.join(own, 'fdgraft-exec.sh'));
  fs.symlinkSync('/usr/bin/env', path.join(own, 'build/fdgraft-exec'));
  const env = { PATH: '/nowhere', name: '1', native: '2', loader: '3', program: '4' };
  const { stdout, stderr } = spawnSync(path.join(own, 'fdgraft-exec.sh'), { encoding: 'utf8', env });
  t.is(stderr, '');
  const lines = stdout.split('\n');
  for (const [key, value] of Object.entries(env)) t.true(lines.includes(`${key}=${value}`), stdout);
});

const launcher = path.join(native, '../bin/fdgraft.js');

/** The launcher in a package without the rest, run by what says that it is this version of Node.js. */
function launch(directory: string, version: string) {
  fs.mkdirSync(path.join(directory, 'bin'), { recursive: true });
  fs.copyFileSync(launcher, path.join(directory, 'bin/fdgraft.js'));
  const versions = JSON.stringify({ ...process.versions, node: version });
  const set = `Object.defineProperty(process, 'versions', { value: ${versions} }); require('./bin/fdgraft.js')`;
  return spawnSync(process.execPath, ['-e', set], { cwd: directory, encoding: 'utf8' });
}

test('a Node.js that is too old, and a package that is not built, are told in one line', (t) => {
  const directory = temporaryDirectory(t);
  for (const version of ['6.17.1', '18.20.8', '20.18.3']) {
    const { status, stderr } = launch(directory, version);
    t.is(status, 2);
    t.is(stderr, `fdgraft: needs Node.js 20.19 or newer, and this is ${version}\n`);
  }
  for (const version of ['20.19.0', '22.0.0', '24.1.0', '100.0.0']) {
    const { status, stderr } = launch(directory, version);
    t.is(status, 2);
    t.regex(stderr, /^fdgraft: is not built; run: npm --prefix \S+ run build\n$/);
  }
});

test('the command to build is quoted if the directory has a space', (t) => {
  const directory = path.join(temporaryDirectory(t), "it's here");
  const { stderr } = launch(directory, '20.19.0');
  t.true(stderr.endsWith(`/it'\\''s here' run build\n`), stderr);
  t.regex(stderr, /run: npm --prefix '\//);
});

test('the launcher is the command', (t) => {
  const link = path.join(temporaryDirectory(t), 'fdgraft');
  fs.symlinkSync(launcher, link);
  const run = (...words: string[]) => spawnSync(link, words, { encoding: 'utf8' });
  t.regex(run('--version').stdout, /^\d+\.\d+\.\d+\n$/);
  t.is(run('ls', '/nowhere').status, 2);
});
