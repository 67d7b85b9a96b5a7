import fs from 'node:fs';
import path from 'node:path';
import { callerFile } from './support/caller-file';
import { compileProgram } from './support/compile';
import { descriptor, graft, numbers } from './support/graft';
import { CriuFailure } from './support/lab';
import { realTest } from './support/real-test';

const O_APPEND = 0o2000;
const O_ACCMODE = 3;

function flagsOf(fd: number): number {
  return Number.parseInt(/flags:\s*(\d+)/.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '', 8);
}

function offsetOf(fd: number): number {
  return Number(/pos:\s*(\d+)/.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1]);
}

realTest("one pipe under eight numbers of two tasks: each is a dup of the caller's fd", async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('pipe_outside'), { fds: { 1: old.writeEnd } });
  const [parent, child] = [program.pid, program.pid + 1];
  const before = [parent, child].map((pid) => numbers(program.tasks, pid));
  const dump = await lab.dump(program);

  const pipe = await lab.pipe();
  const { restored } = await graft(lab, dump, [`fd[5]:${old.name}`], { callerFds: { 5: pipe.writeEnd } });
  const { tasks } = restored;
  t.deepEqual(
    [parent, child].map((pid) => numbers(tasks, pid)),
    before,
  );
  const places: [number, number][] = [
    ...[1, 6, 7].map((fd) => [parent, fd]),
    ...[1, 6, 7, 8, 9].map((fd) => [child, fd]),
  ] as never;
  for (const [pid, fd] of places) {
    t.is(descriptor(tasks, pid, fd).target, pipe.name);
    t.true(tasks.isOurs(pid, fd, pipe.writeEnd), `${pid}/${fd}`);
  }
  await tasks.signal(parent, 'SIGUSR1');
  await tasks.signal(child, 'SIGUSR1');
  t.is(pipe.drain().toString(), 'parent 1\nparent 6\nparent 7\nchild 1\nchild 6\nchild 7\nchild 8\nchild 9\n');
  t.is(old.drain().length, 0);
});

realTest('two logs of different paths go to two different files of the caller', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('two_paths'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program);
  const out = callerFile(lab, 'a', 'before\n');
  const err = callerFile(lab, 'r+');
  const specs = [
    `fd[7]:${program.directory}/logs/out.log`,
    `fd[8]:${program.directory}/logs/err.log`,
    `fd[5]:${old.name}`,
  ];
  const { restored } = await graft(lab, dump, specs, { callerFds: { 5: old.writeEnd, 7: out.fd, 8: err.fd } });
  const { tasks } = restored;
  t.true(tasks.isOurs(program.pid, 5, out.fd));
  t.true(tasks.sameOpenFile(program.pid, 5, program.pid, 7));
  t.true(descriptor(tasks, program.pid, 7).closeOnExec);
  t.true(tasks.isOurs(program.pid, 6, err.fd));
  await tasks.signal(program.pid, 'SIGUSR1');
  t.is(out.text(), 'before\ntask 5\ntask 7\n');
  t.is(err.text(), 'task 6\n');
  t.is(old.drain().toString(), 'task 1\n');
  t.is(
    fs.readFileSync(path.join(program.directory, 'logs/out.log'), 'utf8'),
    'out said\n',
    'the old log is left alone',
  );
});

realTest('two opens of one path on one caller file are still two open files', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('two_logs'));
  const dump = await lab.dump(program);
  const file = callerFile(lab, 'r+', '0123456789abcdef');
  fs.readSync(file.fd, Buffer.alloc(4));
  const flags = flagsOf(file.fd);
  const { restored } = await graft(lab, dump, [`fd[7]:${program.directory}/log`], { callerFds: { 7: file.fd } });
  const { tasks } = restored;
  t.false(tasks.sameOpenFile(program.pid, 5, program.pid, 6));
  for (const fd of [5, 6]) {
    t.is(descriptor(tasks, program.pid, fd).target, file.file);
    t.is(descriptor(tasks, program.pid, fd).pos, 4, "at the caller's offset");
    t.false(tasks.isOurs(program.pid, fd, file.fd));
  }
  t.deepEqual(
    [5, 6].map((fd) => descriptor(tasks, program.pid, fd).flags & (O_APPEND | O_ACCMODE)),
    [1, O_APPEND | 1],
  );
  await tasks.signal(program.pid, 'SIGUSR1');
  t.is(file.text(), '0123task 5\nbcdeftask 6\n', 'one overwrites from its offset, the other appends');
  t.is(offsetOf(file.fd), 4);
  t.is(flagsOf(file.fd), flags);
});

realTest('a file that the caller appends to stays as it is: pipes and logs are written at its end', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('pipe_outside'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program);
  const file = callerFile(lab, 'a', 'kept\n');
  const { restored } = await graft(lab, dump, [`fd[5]:${old.name}`], { callerFds: { 5: file.fd } });
  t.true(restored.tasks.isOurs(program.pid, 1, file.fd));
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  t.is(file.text(), 'kept\nparent 1\nparent 6\nparent 7\n');
  await restored.end();

  const logs = await lab.startProgram(compileProgram('two_logs'));
  const logsDump = await lab.dump(logs);
  const log = callerFile(lab, 'a', 'kept\n');
  const grafted = await graft(lab, logsDump, [`fd[7]:${logs.directory}/log`], { callerFds: { 7: log.fd } });
  t.false(grafted.restored.tasks.sameOpenFile(logs.pid, 5, logs.pid, 6));
  await grafted.restored.tasks.signal(logs.pid, 'SIGUSR1');
  t.is(log.text(), 'kept\ntask 5\ntask 6\n');
});

realTest('a regular file is replaced by a pipe', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('two_paths'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program);
  const pipe = await lab.pipe();
  const specs = [`fd[7]:${program.directory}/logs/out.log`, `fd[5]:${old.name}`];
  const { restored } = await graft(lab, dump, specs, { callerFds: { 5: old.writeEnd, 7: pipe.writeEnd } });
  const { tasks } = restored;
  t.is(descriptor(tasks, program.pid, 5).target, pipe.name);
  t.true(tasks.sameOpenFile(program.pid, 5, program.pid, 7));
  await tasks.signal(program.pid, 'SIGUSR1');
  t.is(pipe.drain().toString(), 'task 5\ntask 7\n');
});

realTest('a pipe is replaced by a regular file', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('pipe_outside'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program);
  const file = callerFile(lab, 'w');
  const { restored } = await graft(lab, dump, [`fd[5]:${old.name}`], { callerFds: { 5: file.fd } });
  t.true(restored.tasks.isOurs(program.pid, 1, file.fd));
  t.true(restored.tasks.isOurs(program.pid + 1, 9, file.fd));
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  await restored.tasks.signal(program.pid + 1, 'SIGUSR1');
  t.is(file.text(), 'parent 1\nparent 6\nparent 7\nchild 1\nchild 6\nchild 7\nchild 8\nchild 9\n');
});

realTest('fds 0, 1 and 2 of the caller can be inherited', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('two_paths'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program);
  const input = callerFile(lab, 'r+');
  const output = await lab.pipe();
  const errors = callerFile(lab, 'a');
  const specs = [
    `fd[0]:${program.directory}/logs/err.log`,
    `fd[1]:${old.name}`,
    `fd[2]:${program.directory}/logs/out.log`,
  ];
  const callerFds = { 0: input.fd, 1: output.writeEnd, 2: errors.fd };
  const { restored } = await graft(lab, dump, specs, { callerFds });
  const { tasks } = restored;
  t.true(tasks.isOurs(program.pid, 6, input.fd));
  t.true(tasks.isOurs(program.pid, 1, output.writeEnd));
  t.true(tasks.isOurs(program.pid, 5, errors.fd));
  output.drain();
  await tasks.signal(program.pid, 'SIGUSR1');
  t.is(output.drain().toString(), 'task 1\n');
  t.is(input.text(), 'task 6\n');
});

realTest('two tasks that share a descriptor table', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('shared_table'), { fds: { 1: old.writeEnd } });
  const before = numbers(program.tasks, program.pid);
  const dump = await lab.dump(program);
  const pipe = await lab.pipe();
  const log = callerFile(lab, 'a');
  const specs = [`fd[5]:${old.name}`, `fd[9]:${program.directory}/log`];
  const { restored, plan } = await graft(lab, dump, specs, { callerFds: { 5: pipe.writeEnd, 9: log.fd } });
  const [first] = plan.placeholders[0]?.references ?? [];
  t.deepEqual(first, { descriptor: { table: 2, pids: [program.pid, program.pid + 1], fd: 1, close_on_exec: false } });
  for (const pid of [program.pid, program.pid + 1]) {
    t.deepEqual(numbers(restored.tasks, pid), before);
    t.true(restored.tasks.isOurs(pid, 6, pipe.writeEnd));
    t.true(restored.tasks.isOurs(pid, 5, log.fd));
    await restored.tasks.signal(pid, 'SIGUSR1');
  }
  t.is(pipe.drain().toString(), 'parent 1\nparent 6\nchild 1\nchild 6\n');
  t.is(log.text(), 'parent 5\nchild 5\n');
});

for (const namespaces of [['pid'], ['user', 'pid', 'mount'], ['pid', 'mount', 'uts', 'ipc']] as const) {
  realTest(`a tree in namespaces of its own: ${namespaces.join(', ')}`, async (t, lab) => {
    const old = await lab.pipe();
    const program = await lab.startProgram(compileProgram('two_paths'), { fds: { 1: old.writeEnd }, namespaces });
    const dump = await lab.dump(program);
    const pipe = await lab.pipe();
    const log = callerFile(lab, 'a+');
    const rooted = program.namespaces.includes('mount') ? '' : program.directory;
    // Both logs on one file: neither can be a dup, so each is opened again, which must not need the tree's namespaces.
    const specs = [`fd[5]:${old.name}`, `fd[7]:${rooted}/logs/out.log`, `fd[7]:${rooted}/logs/err.log`];
    const { restored } = await graft(lab, dump, specs, { callerFds: { 5: pipe.writeEnd, 7: log.fd }, program });
    t.true(restored.tasks.isOurs(1, 1, pipe.writeEnd));
    t.false(restored.tasks.sameOpenFile(1, 5, 1, 6));
    t.true(restored.tasks.sameOpenFile(1, 5, 1, 7));
    await restored.tasks.signal(1, 'SIGUSR1');
    t.is(pipe.drain().toString(), 'task 1\n');
    t.is(log.text(), 'task 6\ntask 7\n', 'out.log appends, err.log writes from its own offset');
  });
}

realTest('descriptors on their way through a unix socket come out as the caller’s', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('scm_rights'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program);
  const pipe = await lab.pipe();
  const log = callerFile(lab, 'a');
  const specs = [`fd[5]:${old.name}`, `fd[7]:${program.directory}/log`];
  const { restored, plan } = await graft(lab, dump, specs, { callerFds: { 5: pipe.writeEnd, 7: log.fd } });
  t.deepEqual(
    plan.placeholders.map(({ references }) => references.map((reference) => Object.keys(reference)[0])),
    [['descriptor', 'scm_right'], ['scm_right']],
  );
  t.deepEqual(descriptor(restored.tasks, program.pid, 6).info, ['scm_fds: 2']);
  t.true(restored.tasks.isOurs(program.pid, 1, pipe.writeEnd));
});

realTest('unread bytes are lost only when the user says so', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('unread_pipe'), { fds: { 0: 'pipe-read' } });
  const old = lab.pipeOf(program, 0);
  old.fill(Buffer.from('twenty-one bytes here'));
  const dump = await lab.dump(program);
  const pipe = await lab.pipe();
  const specs = [`fd[5]:${old.name}`];
  const fail = { inherit: `fd[5]:${old.name}`, inFlight: 'fail' as const };
  await t.throwsAsync(graft(lab, dump, [fail]), { message: /21 unread bytes .* inFlight fail/ });
  const callerFds = { 5: pipe.readEnd };
  const { restored } = await graft(lab, dump, specs, { callerFds, rewrite: { dropInFlight: true } });
  t.true(restored.tasks.isOurs(program.pid, 0, pipe.readEnd));
  t.true(restored.tasks.isOurs(program.pid, 8, pipe.readEnd));
  pipe.fill(Buffer.from('new'));
  await restored.tasks.signal(program.pid, 'SIGUSR2');
  t.is(restored.tasks.readBy(program.pid, 0).toString(), 'new');
});

realTest('an owner is not set on the file of the caller', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('owned_pipe'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program);
  const file = callerFile(lab, 'w');
  const { restored, plan } = await graft(lab, dump, [`fd[5]:${old.name}`], { callerFds: { 5: file.fd } });
  t.deepEqual(
    plan.warnings.map(({ code }) => code),
    ['OWNER_DROPPED'],
  );
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  t.is(file.text(), 'task 1\n');
});

realTest('a debug text is written to the caller’s fd before the restore', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('pipe_outside'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program);
  const file = callerFile(lab, 'w');
  const specs = [`fd[5]:${old.name}`, 'debug[5]:now restoring\\x0a'];
  const { restored } = await graft(lab, dump, specs, { callerFds: { 5: file.fd } });
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  t.is(file.text(), 'now restoring\nparent 1\nparent 6\nparent 7\n');
});

realTest('many types in one program: what is not named comes back by itself', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('many_types'));
  const before = numbers(program.tasks, program.pid);
  const dump = await lab.dump(program);
  const zero = lab.open('/dev/zero', 'r');
  const { restored } = await graft(lab, dump, ['fd[5]:/dev/zero'], { callerFds: { 5: zero } });
  t.deepEqual(numbers(restored.tasks, program.pid), before);
  t.true(restored.tasks.isOurs(program.pid, 28, zero));
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  await restored.tasks.signal(program.pid, 'SIGUSR2');
  const read = (fd: number) => restored.tasks.readBy(program.pid, fd).toString();
  t.deepEqual([10, 14, 23, 35].map(read), ['3456789task 12\n', 'inside\n', 'task 22\n', 'queued\n']);
});

realTest('a directory without a match restores as the dump would', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('two_logs'));
  const dump = await lab.dump(program);
  const { restored } = await graft(lab, dump, ['fd[5]:pipe:[1]'], { rewrite: { allowUnmatched: true } });
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  t.is(fs.readFileSync(path.join(program.directory, 'log'), 'utf8'), 'first\ntask 5\ntask 6\n');
});

realTest('what does not fit is told before anything starts, and the dump is still good', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('two_paths'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program);
  const specs = [
    `fd[5]:${old.name}`,
    `fd[7]:${program.directory}/logs/out.log`,
    `fd[8]:${program.directory}/logs/err.log`,
  ];
  const callerFds = { 5: old.readEnd, 8: lab.open('/', 'r') };
  const error = await t.throwsAsync(graft(lab, dump, specs, { callerFds }), { instanceOf: CriuFailure });
  t.is(error.exitCode, 100);
  for (const spec of specs) t.true(error.output.includes(spec), spec);
  const again = await graft(lab, dump, specs.slice(0, 1), { callerFds: { 5: old.writeEnd } });
  t.true(again.restored.tasks.isOurs(program.pid, 1, old.writeEnd));
});

realTest('criu alone refuses a rewritten directory instead of restoring something else', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('pipe_outside'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program);
  const { out } = await graft(lab, dump, [`fd[5]:${old.name}`], { callerFds: { 5: old.writeEnd } });
  await t.throwsAsync(lab.restore(out, { callerFds: { 5: old.writeEnd } }), { instanceOf: CriuFailure });
});
