import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { callerFile } from './support/caller-file';
import { compileProgram } from './support/compile';
import { descriptor, graft } from './support/graft';
import { CriuFailure, type Lab, type Program } from './support/lab';
import { realTest } from './support/real-test';

/** Files and namespaces of the host in a tree with namespaces of its own, as the stdio of a container can be. */

/** The key of an open file that no mount of the tree leads to, as CRIU makes it. */
function keyOf({ tasks, pid }: Program, fd: number): string {
  const { ino } = fs.statSync(`/proc/${tasks.hostPid(pid)}/fd/${fd}`);
  return `file[${descriptor(tasks, pid, fd).mntId.toString(16)}:${ino.toString(16)}]`;
}

function start(lab: Lab, fd: number): Promise<Program> {
  return lab.startProgram(compileProgram('two_paths'), { fds: { 1: fd }, namespaces: ['mount', 'pid'] });
}

for (const [what, open] of [
  ['a file', (place: string, lab: Lab) => lab.open(path.join(place, 'log'), 'a+')],
  [
    'a FIFO with unread bytes',
    (place: string, lab: Lab) => {
      execFileSync('mkfifo', [path.join(place, 'queue')]);
      const fd = lab.open(path.join(place, 'queue'), 'r+');
      fs.writeSync(fd, 'unread');
      return fd;
    },
  ],
  ['/dev/null', (_place: string, lab: Lab) => lab.open('/dev/null', 'r+')],
] as const) {
  realTest(`${what} of the host: the dump needs --external, and its key takes it`, async (t, lab) => {
    const program = await start(lab, open(lab.directory(), lab));
    const key = keyOf(program, 1);
    const dump = await lab.dump(program, { extraArgs: ['--external', key] });
    const place = path.join(lab.directory(), 'new');
    execFileSync('mkfifo', [place]);
    const fd = lab.open(place, 'r+');
    const { restored, next } = await graft(lab, dump, [`fd[7]:${key}`], { callerFds: { 7: fd }, program });
    t.is(descriptor(restored.tasks, program.pid, 1).target, place);
    t.is(
      next?.mountNamespace,
      fs.readdirSync(dump).find((name) => name.startsWith('mountpoints-')),
    );
    if (what.includes('unread')) {
      const bytes = Buffer.alloc(64);
      t.is(bytes.toString('utf8', 0, fs.readSync(fd, bytes)), 'unread');
    }
  });
}

realTest('without --external such a tree cannot be dumped', async (t, lab) => {
  const program = await start(lab, lab.open('/dev/null', 'r+'));
  const error = await t.throwsAsync(lab.dump(program), { instanceOf: CriuFailure });
  t.regex(error.log, /Can't lookup mount=\d+ for fd=1 /);
});

realTest('the next command says that a mount namespace needs the --root of its dump', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('two_paths'), { namespaces: ['mount', 'pid'] });
  const dump = await lab.dump(program);
  // CRIU crashes (4.1.1) or fails.
  await t.throwsAsync(lab.restore(dump), { instanceOf: CriuFailure });
  const { tasks } = await lab.restore(dump, { program });
  t.true(tasks.pids().has(program.pid));
});

realTest('a network namespace from outside: criu needs it, and the next command opens it', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('two_paths'), { namespaces: ['net'] });
  const networkOf = (pid: number | string) => fs.readlinkSync(`/proc/${pid}/ns/net`);
  const [number] = /\d+/.exec(networkOf(program.tasks.hostPid(program.pid))) as RegExpExecArray;
  const external = ['--network-lock', 'skip', '--external', `net[${number}]:outer`];
  const dump = await lab.dump(program, { extraArgs: external });
  const log = `fd[7]:${path.join(program.directory, 'logs/out.log')}`;
  const callerFds = { 7: callerFile(lab, 'a').fd, 9: lab.open('/proc/self/ns/net', 'r') };

  const without = await t.throwsAsync(graft(lab, dump, [log], { callerFds }), { instanceOf: CriuFailure });
  t.regex(without.log, /Unable to find an external netns: outer/);
  const inherit = 'fd[9]:outer';
  const { next, restored } = await graft(lab, dump, [log, inherit], {
    callerFds,
    extraArgs: ['--inherit-fd', inherit],
  });
  t.deepEqual(next?.words.slice(-2), ['--inherit-fd', inherit]);
  t.deepEqual(next?.redirections[1], { fd: 9, operator: '<', opens: 'NAMESPACE' });
  t.is(networkOf(restored.tasks.hostPid(program.pid)), networkOf('self'));
});
