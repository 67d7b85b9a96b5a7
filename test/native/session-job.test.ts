import { spawnSync } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { encodeImage } from '../support/images';
import { build, exec, runtimeEnvironment } from '../support/native';
import { complaints, file, O, planned, scratch } from './support';

// A job of a session that was not dumped: without --shell-job, CRIU waits for ever for the process group of the root task, or
// fails over the session of another one.

interface Task {
  pid: number;
  pgid: number;
  sid: number;
}

const RESTORE = ['/usr/sbin/criu', 'restore', '-D', 'out'];
/** In a group of the session alone, as a command of a script. */
const IN_GROUP: Task[] = [{ pid: 20, pgid: 10, sid: 10 }];
const SAID = [
  'COMMAND has no --shell-job: task 20 is of session 10, whose leader is not in the checkpoint, and criu would hang or fail; add --shell-job',
];

/** What is said of a tree and the words behind `true`, a COMMAND that takes any. */
async function said(
  t: ExecutionContext,
  tasks: readonly Task[],
  words: readonly string[],
  env = {},
): Promise<string[]> {
  const { directory, plan } = planned(t, { placeholders: [{ fileId: 1, callerFd: 5 }] });
  const records = tasks.map((task, i) => ({ ...task, ppid: i === 0 ? 0 : 20, threads: [task.pid] }));
  writeFileSync(join(directory, 'pstree.img'), encodeImage('pstree.img', records));
  const { code, stderr } = await exec(['--plan', plan, '--', 'true', ...words], {
    give: [file(5, O.RDONLY, '/dev/null')],
    env,
  });
  t.is(code, stderr === '' ? 0 : 100, stderr);
  return complaints(t, stderr);
}

const TREES: readonly [string, readonly Task[], isRefused: boolean][] = [
  ['a leader of its session', [{ pid: 20, pgid: 20, sid: 20 }], false],
  ['a leader with a child', [20, 21].map((pid) => ({ pid, pgid: 20, sid: 20 })), false],
  ['in a group that is not its own', IN_GROUP, true],
  ['in the group of another task', [...IN_GROUP, { pid: 10, pgid: 10, sid: 10 }], true],
  ['a leader of its group alone', [{ pid: 20, pgid: 20, sid: 10 }], false],
  ['with a child of the session', [20, 21].map((pid) => ({ pid, pgid: 20, sid: 10 })), true],
  ['with a grandchild of the session', [20, 21, 22].map((pid) => ({ pid, pgid: 20, sid: pid === 21 ? 21 : 10 })), true],
  ['with a child that leads a session', [20, 21].map((pid) => ({ pid, pgid: pid, sid: pid === 20 ? 10 : 21 })), false],
  ['no task', [], false],
];

for (const [name, tasks, isRefused] of TREES)
  test(`the root task: ${name}`, async (t) => {
    t.deepEqual(await said(t, tasks, RESTORE), isRefused ? SAID : []);
    t.deepEqual(await said(t, tasks, [...RESTORE, '--shell-job']), []);
  });

test('criu starts in the session of the dump, whose tasks come back there', (t) => {
  const { directory, plan } = planned(t, { placeholders: [{ fileId: 1, callerFd: 5 }] });
  const bin = scratch(t);
  for (const name of ['criu', 'wrapper']) symlinkSync('/bin/true', join(bin, name));
  const session = Number(readFileSync('/proc/self/stat', 'latin1').replace(/.*\) /s, '').split(' ')[3]);
  const saidOf = (sid: number, command: string) => {
    const records = [4194301, 4194302].map((pid, i) => ({ pid, ppid: i * 4194301, pgid: sid, sid, threads: [pid] }));
    writeFileSync(join(directory, 'pstree.img'), encodeImage('pstree.img', records));
    const words = ['--plan', plan, '--', ...command.split(' ')];
    const env = { ...process.env, ...runtimeEnvironment(), PATH: `${bin}:${process.env.PATH}` };
    const stdio = ['ignore', 'pipe', 'pipe', 'ignore', 'ignore', 'ignore'] as const;
    const { status, stderr } = spawnSync(join(build(), 'fdgraft-exec'), words, {
      encoding: 'utf8',
      env,
      stdio: [...stdio],
    });
    t.is(status, stderr === '' ? 0 : 100, stderr);
    return /COMMAND has no --shell-job/.test(stderr);
  };
  t.false(saidOf(session, 'criu restore'));
  t.false(saidOf(session, `${bin}/criu restore`));
  t.true(saidOf(session + 1, 'criu restore'));
  // It could start criu in another session, or in a pid namespace, where the session has no number.
  t.true(saidOf(session, 'wrapper criu restore'));
  t.true(saidOf(session, 'criu-ns restore'));
});

for (const words of [['--shell-job'], ['--shell-j'], ['-j'], ['-dj'], ['-jd'], ['--no-shell-job', '--shell-job']])
  test(`criu restore ${words.join(' ')}`, async (t) => {
    t.deepEqual(await said(t, IN_GROUP, [...RESTORE, ...words]), []);
    t.deepEqual(await said(t, IN_GROUP, ['--', ...RESTORE, ...words]), []);
    t.deepEqual(await said(t, IN_GROUP, ['criu', ...words, 'restore']), []);
  });

for (const words of [['-d'], ['-Dj'], ['--shell-jobs'], ['-j', '--no-shell-job'], ['--no-sh']])
  test(`criu restore ${words.join(' ')}`, async (t) => {
    t.deepEqual(await said(t, IN_GROUP, [...RESTORE, ...words]), SAID);
    t.deepEqual(await said(t, IN_GROUP, ['--', 'criu-ns', 'restore', ...words]), SAID);
  });

test('commands that are no criu restore, as far as words tell', async (t) => {
  for (const words of [
    ['runc', 'restore', 'criu'],
    ['runc', '--criu', '/usr/sbin/criu', 'restore', 'id'],
    ['/usr/bin/crun', '--root', '/run/criu', 'restore', 'id'],
    ['podman', '--root', '/run/criu', 'container', 'restore', 'id'],
    ['criu', 'swrk', '7'],
    ['criu.log', 'restore'],
    ['criu'],
    ['sh', '-c', 'criu restore'],
  ])
    t.deepEqual(await said(t, IN_GROUP, words), [], words.join(' '));
});

test('shell-job in a configuration file', async (t) => {
  const conf = (text: string) => {
    const path = join(scratch(t), 'c.conf');
    writeFileSync(path, text);
    return path;
  };
  const on = conf('tcp-close\nshell-job\n');
  const off = conf('shell-job\nno-shell-job # not\n');
  t.deepEqual(await said(t, IN_GROUP, [...RESTORE, '--config', on]), []);
  t.deepEqual(await said(t, IN_GROUP, RESTORE, { CRIU_CONFIG_FILE: on }), []);
  t.deepEqual(await said(t, IN_GROUP, [...RESTORE, '--config', off]), SAID);
  t.deepEqual(await said(t, IN_GROUP, [...RESTORE, '--config', conf('# shell-job\n')]), SAID);
  t.deepEqual(await said(t, IN_GROUP, [...RESTORE, '--config', on, '--no-shell-job']), SAID);
  t.deepEqual(await said(t, IN_GROUP, [...RESTORE, '--config', off, '-j']), []);
});
