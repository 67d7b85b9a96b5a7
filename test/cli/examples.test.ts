import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { putCheckpoint, SPEC } from '../support/batch';
import { command, copyPackage, top } from '../support/command';
import { temporaryDirectory } from '../support/directories';
import { filterOf } from '../support/filtered';
import { asOther, OTHER, twoUsersTest } from '../support/other-user';

const { ensurePrograms } = require('../../tools/ensure-programs.js') as {
  ensurePrograms(names: readonly string[]): Record<string, string>;
};

/** What lies in examples/: the command is run with the system calls alone that these allow. */

const examples = path.join(top, 'examples');
const linuxTest = process.platform === 'linux' ? test : test.skip;

interface Profile {
  defaultAction: string;
  defaultErrnoRet: number;
  archMap: { architecture: string }[];
  syscalls: { names: string[]; action: string }[];
}

const profile = JSON.parse(fs.readFileSync(path.join(examples, 'seccomp-rewrite.json'), 'utf8')) as Profile;
const EPERM = 1;

/** Runs lines of the command one after the other, with a program before it. */
function runAll(t: ExecutionContext, directory: string, before: readonly string[], argv: readonly string[] = command) {
  putCheckpoint(path.join(directory, 'ck'));
  putCheckpoint(path.join(directory, 'in-place'));
  // Sparse and large enough that a helper of the command copies its data.
  fs.truncateSync(path.join(directory, 'ck/pages-1.img'), 8 << 20);
  const spec = ['--inherit-fd', SPEC];
  const lines: readonly string[][] = [
    ['rewrite', 'ck', '-o', 'out', ...spec],
    ['rewrite', 'ck', '-o', 'copied', '--link', 'copy', ...spec],
    ['rewrite', 'ck', '-o', 'out.tar.gz', '--to', 'tar.gz', ...spec, '--save-plan', 'plan.json'],
    ['rewrite', 'in-place', '--in-place', ...spec],
    ['diff', 'ck', 'out', '--plan', 'out'],
    ['diff', 'ck', 'out.tar.gz', '--plan', 'out'],
    ['ls', 'out.tar.gz'],
    ['x', 'ck', 'fds'],
    ['decode', 'ck', '-o', 'json'],
    ['encode', 'json', '-o', 'back'],
    ['batch', 'rewrite', '{ck,back}', '--base', '.', '--out', 'root', '--jobs', '2', ...spec],
  ];
  for (const words of lines) {
    const [program = '', ...rest] = [...before, ...argv, ...words];
    const { status, stderr } = spawnSync(program, rest, {
      cwd: directory,
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin' },
    });
    t.is(status, 0, `${words.join(' ')}: ${stderr}`);
  }
}

/** Whether node may listen at an address, which no command does. */
function canListen(before: readonly string[]): boolean {
  const script = `require('node:net').createServer().listen(0, '127.0.0.1', () => process.exit(7))`;
  const [program = '', ...rest] = [...before, process.execPath, '-e', script];
  return spawnSync(program, rest, { stdio: 'ignore' }).status === 7;
}

linuxTest('the profile for containers has one action for what it names and EPERM for all else', (t) => {
  t.is(profile.defaultAction, 'SCMP_ACT_ERRNO');
  t.is(profile.defaultErrnoRet, EPERM);
  t.deepEqual(
    profile.syscalls.map(({ action }) => action),
    ['SCMP_ACT_ALLOW'],
  );
  const names = profile.syscalls.flatMap((row) => row.names);
  t.deepEqual(names, [...new Set(names)].sort());
  for (const name of ['socket', 'connect', 'mount', 'ptrace', 'setuid', 'mknodat', 'bpf', 'unshare', 'io_uring_setup'])
    t.false(names.includes(name), name);
});

linuxTest('every command works with the calls of the profile, and others are denied', (t) => {
  const directory = temporaryDirectory(t);
  const filter = filterOf(
    directory,
    profile.syscalls.flatMap((row) => row.names),
  );
  runAll(t, directory, [filter]);
  t.true(canListen([]));
  t.false(canListen([filter]));
});

const unit = path.join(examples, 'fdgraft-rewrite@.service');
const unitText = fs.readFileSync(unit, 'utf8');
const valuesOf = (key: string) =>
  unitText.split('\n').flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));
/** systemd 252 of Debian 12 and later give it this exposure at most, in tenths: 0 is the best, 100 the worst. */
const EXPOSURE = 2;

function systemdTest(title: string, body: (t: ExecutionContext) => void): void {
  const missing = Object.values(ensurePrograms(['systemd-analyze']));
  if (missing.length > 0 && process.env.CI === 'true') throw new Error(missing.join('\n'));
  (missing.length > 0 ? test.skip : test)(title, body);
}

systemdTest('systemd knows each line of the unit, and its exposure is as docs/PRIVILEGES.md says', (t) => {
  const directory = temporaryDirectory(t);
  // An instance, with a program that is there.
  const instance = path.join(directory, 'fdgraft-rewrite@x.service');
  fs.writeFileSync(instance, unitText.replace('/usr/local/bin/fdgraft', process.execPath));
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', instance], { encoding: 'utf8' });
  t.is(status, 0, stderr);
  t.notRegex(stdout + stderr, /fdgraft-rewrite@x/);
  const words = ['security', '--offline=true', `--threshold=${EXPOSURE}`, unit];
  const score = spawnSync('systemd-analyze', words, { encoding: 'utf8' });
  t.is(score.status, 0, score.stdout);
  const document = fs.readFileSync(path.join(top, 'docs/PRIVILEGES.md'), 'utf8');
  t.true(document.includes(`exposure level 0.${EXPOSURE}`));
});

/** The calls of sets such as @file-system, by systemd's own list. */
function callsOf(words: readonly string[]): string[] {
  const sets = new Map<string, string[]>();
  let last: string[] = [];
  const { stdout } = spawnSync('systemd-analyze', ['--no-pager', 'syscall-filter'], { encoding: 'utf8' });
  for (const line of stdout.split('\n')) {
    if (line.startsWith('@')) {
      last = [];
      sets.set(line.trim(), last);
    } else if (/^ +[@a-z]/.test(line)) last.push(line.trim());
  }
  const expand = (word: string): string[] => (word.startsWith('@') ? (sets.get(word) ?? []).flatMap(expand) : [word]);
  return words.flatMap(expand);
}

systemdTest('every command works with the calls that the unit allows, as another user without capabilities', (t) => {
  if (process.geteuid?.() !== 0) return t.pass('only root can become another user');
  const calls = new Set<string>();
  for (const line of valuesOf('SystemCallFilter')) {
    if (line.startsWith('~')) for (const call of callsOf(line.slice(1).split(' '))) calls.delete(call);
    else for (const call of callsOf(line.split(' '))) calls.add(call);
  }
  // What systemd allows to each unit, so that it can start the program.
  for (const call of callsOf(['@default'])) calls.add(call);
  t.true(calls.has('openat') && !calls.has('mount') && !calls.has('chown'));
  const directory = temporaryDirectory(t);
  fs.chmodSync(directory, 0o755);
  const filter = filterOf(directory, [...calls]);
  const work = path.join(directory, 'work');
  fs.mkdirSync(work);
  const argv = [process.execPath, copyPackage(path.join(directory, 'package'))];
  const asUser = [...asOther, filter];
  const chown = (place: string) => fs.chownSync(place, OTHER, OTHER);
  chown(work);
  for (const name of ['ck', 'in-place']) {
    putCheckpoint(path.join(work, name));
    chown(path.join(work, name));
    for (const file of fs.readdirSync(path.join(work, name))) chown(path.join(work, name, file));
  }
  runAll(t, work, asUser, argv);
  t.is(fs.statSync(path.join(work, 'out/files.img')).uid, OTHER);
});

twoUsersTest('no capability is needed for files that one can read', (t) => {
  const directory = temporaryDirectory(t);
  fs.chmodSync(directory, 0o755);
  const work = path.join(directory, 'work');
  fs.mkdirSync(work);
  fs.chownSync(work, OTHER, OTHER);
  const argv = [process.execPath, copyPackage(path.join(directory, 'package'))];
  putCheckpoint(path.join(work, 'ck'));
  // Root's images, which others may read.
  const line = [...asOther, ...argv, 'rewrite', 'ck', '-o', 'out', '--inherit-fd', SPEC] as [string, ...string[]];
  const { status, stderr } = spawnSync(line[0], line.slice(1), { cwd: work, encoding: 'utf8' });
  t.is(status, 0, stderr);
  t.is(fs.statSync(path.join(work, 'out')).uid, OTHER);
});
