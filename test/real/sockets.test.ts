/** Sockets and other descriptors without a path, taken from the caller and used by the restored tasks. */
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import { constants } from 'node:os';
import path from 'node:path';
import { openSource, rewrite } from '../../src';
import { compileHelper, compileProgram } from './support/compile';
import { OUTER, readOf, restoreGiven, talk } from './support/given';
import { descriptor } from './support/graft';
import { CriuFailure, type Restored } from './support/lab';
import { realTest } from './support/real-test';

realTest('a server goes on at a socket on another path, with the connection that it had', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('server'));
  const dump = await lab.dump(program);
  const at = path.join(lab.directory(), 'other.sock');
  const restored = await restoreGiven(lab, dump, {
    specs: [`fd[5]:${program.directory}/app.sock`],
    give: [`5=unix:listen:${at}`],
  });
  t.true(fs.existsSync(at), "the caller's path is still there");
  await talk(t, program, restored, at, 20);
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  await restored.tasks.signal(program.pid, 'SIGUSR2');
  t.is(readOf(program, 11), 'task 12\n');
  t.is(readOf(program, 12), 'task 11\n');
  t.is(readOf(program, 14), 'task 15\n');
});

realTest('a client that waited is accepted at the socket of the caller', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('server'), { args: ['waiting'] });
  const dump = await lab.dump(program);
  const at = path.join(program.directory, 'app.sock');
  fs.rmSync(at);
  const given = { specs: [`fd[5]:${at}`], extraArgs: OUTER };
  const elsewhere = path.join(lab.directory(), 'other.sock');
  const error = await t.throwsAsync(restoreGiven(lab, dump, { ...given, give: [`5=unix:listen:${elsewhere}`] }), {
    instanceOf: CriuFailure,
  });
  t.regex(
    error?.output ?? '',
    /caller fd 5 is not bound to .*app\.sock .*clients in the checkpoint connect to it again/,
  );
  const restored = await restoreGiven(lab, dump, { ...given, give: [`5=unix:listen:${at}`] });
  await restored.tasks.signal(program.pid, 'SIGUSR2');
  t.is(descriptor(restored.tasks, program.pid, 20).target.slice(0, 8), 'socket:[');
  await talk(t, program, restored, at, 21);
});

realTest('a datagram server gets what its clients send to the socket of the caller', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('server'));
  const dump = await lab.dump(program);
  const at = path.join(program.directory, 'log.sock');
  fs.rmSync(at);
  const restored = await restoreGiven(lab, dump, {
    specs: [`fd[5]:${at}`],
    give: [`5=unix:datagram:${at}`],
    extraArgs: OUTER,
  });
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  await restored.tasks.signal(program.pid, 'SIGUSR2');
  t.is(readOf(program, 14), 'task 15\n');
});

realTest('a connection to the outside goes on with another peer, both ways', async (t, lab) => {
  const directory = lab.directory();
  const server = net.createServer().listen(path.join(directory, 'peer.sock'));
  t.teardown(() => server.close());
  const accepted = () => once(server, 'connection') as Promise<[net.Socket]>;
  const first = accepted();
  const old = net.connect(path.join(directory, 'peer.sock'));
  await Promise.all([first, once(old, 'connect')]);
  const { fd } = (old as unknown as { _handle: { fd: number } })._handle;
  const program = await lab.startProgram(compileProgram('server'), { fds: { 16: fd } });
  const inode = /\d+/.exec(descriptor(program.tasks, program.pid, 16).target)?.[0];
  const dump = await lab.dump(program, { extraArgs: ['--external', `unix[${inode}]`] });
  const second = accepted();
  // The socket that the program had is one of Node.js, and does not wait.
  const restored = await restoreGiven(lab, dump, {
    specs: [{ inherit: `fd[7]:socket:[${inode}]`, nonblock: true }],
    give: [`7=unix:connect:${path.join(directory, 'peer.sock')}`],
    extraArgs: OUTER,
  });
  t.not(descriptor(restored.tasks, program.pid, 16).flags & fs.constants.O_NONBLOCK, 0);
  t.false(restored.output.includes('O_NONBLOCK'), restored.output);
  const [peer] = await second;
  const said = once(peer, 'data');
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  t.is(String((await said)[0]), 'task 16\n');
  peer.write('answer\n');
  for (
    let i = 0;
    i < 200 && !(fs.existsSync(path.join(program.directory, `read.${program.pid}.16`)) && readOf(program, 16) !== '');
    i += 1
  ) {
    await restored.tasks.signal(program.pid, 'SIGUSR2');
  }
  t.is(readOf(program, 16), 'answer\n');
  for (const one of [old, peer]) one.destroy();
});

realTest('each kind of descriptor without a path comes from the caller, and a directory too', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('many_types'));
  const dump = await lab.dump(program);
  const directory = lab.directory();
  const kinds: readonly [fd: number, word: string, target: RegExp][] = [
    [13, `file:200000:${directory}`, new RegExp(`^${directory}$`)],
    [17, 'eventfd', /^anon_inode:\[eventfd\]$/],
    [19, 'timerfd', /^anon_inode:\[timerfd\]$/],
    [20, 'signalfd', /^anon_inode:\[signalfd\]$/],
    [21, 'inotify', /^anon_inode:inotify$/],
    [27, 'memfd', /^\/memfd:given \(deleted\)$/],
    [32, `file:10000000:${directory}`, new RegExp(`^${directory}$`)],
  ];
  const keyOf = (fd: number) => (fd === 27 ? '/memfd:scratch' : `/proc/${program.pid}/fd/${fd}`);
  // The fixture's eventfd does not wait.
  const specs = kinds.map(([fd]) => ({ inherit: `fd[${fd + 100}]:${keyOf(fd)}`, nonblock: fd === 17 }));
  const words = kinds.map(([fd, word]) => `${fd + 100}=${word}`);
  const restored = await restoreGiven(lab, dump, { specs, give: words });
  t.not(descriptor(restored.tasks, program.pid, 17).flags & fs.constants.O_NONBLOCK, 0);
  for (const [fd, , target] of kinds) t.regex(descriptor(restored.tasks, program.pid, fd).target, target);
  t.true(
    descriptor(restored.tasks, program.pid, 20).info.some((line) => /sigmask:\s*0*8000000$/.test(line)),
    'SIGWINCH',
  );
  t.true(descriptor(restored.tasks, program.pid, 17).info.some((line) => /eventfd-count:\s*0$/.test(line)));
  t.false(descriptor(restored.tasks, program.pid, 21).info.some((line) => line.startsWith('inotify')));
});

realTest('both ends of a pair, each with its queue dropped as asked', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('many_types'));
  const dump = await lab.dump(program);
  const [first, second] = [34, 35].map((fd) => `/proc/${program.pid}/fd/${fd}`);
  const specs = [`fd[5]:${first}`, `fd[6]:${second}`];
  const give = ['5=socket', '6=socket'];
  const refused = await t.throwsAsync(restoreGiven(lab, dump, { specs, give }));
  t.regex(refused?.message ?? '', /held 7 unread bytes at the dump/);
  const wrong = await t.throwsAsync(restoreGiven(lab, dump, { specs, give, dropInFlight: true }), {
    instanceOf: CriuFailure,
  });
  t.regex(
    wrong?.output ?? '',
    /caller fd 5 is a connected unix stream socket .* needs a connected unix datagram socket/,
  );
  const restored = await restoreGiven(lab, dump, { specs, give: ['5=datagrams:6'], dropInFlight: true });
  const [a, b] = [34, 35].map((fd) => descriptor(restored.tasks, program.pid, fd));
  t.true(a?.target.startsWith('socket:[') && b?.target.startsWith('socket:['));
  t.not(a?.target, b?.target);
});

realTest('a socket that waits, where its spec does not ask for O_NONBLOCK, and the warning', async (t, lab) => {
  const directory = lab.directory();
  const server = net.createServer().listen(path.join(directory, 'peer.sock'));
  t.teardown(() => server.close());
  const old = net.connect(path.join(directory, 'peer.sock'));
  await once(old, 'connect');
  const { fd } = (old as unknown as { _handle: { fd: number } })._handle;
  const program = await lab.startProgram(compileProgram('server'), { fds: { 16: fd } });
  const inode = /\d+/.exec(descriptor(program.tasks, program.pid, 16).target)?.[0];
  const dump = await lab.dump(program, { extraArgs: ['--external', `unix[${inode}]`] });
  const restored = await restoreGiven(lab, dump, {
    specs: [`fd[7]:socket:[${inode}]`],
    give: ['7=socket'],
    extraArgs: OUTER,
  });
  t.is(descriptor(restored.tasks, program.pid, 16).flags & fs.constants.O_NONBLOCK, 0);
  t.regex(restored.output, /caller fd 7 has no O_NONBLOCK.*or give the spec nonblock: true/);
  old.destroy();
});

realTest('the end of a pair that stays reads what was there, then the end, and cannot write', async (t, lab) => {
  const program = await lab.startProgram(compileHelper('hangup'));
  const dump = await lab.dump(program);
  const inherit = `fd[5]:/proc/${program.pid}/fd/10`;
  const refused = await t.throwsAsync(restoreGiven(lab, dump, { specs: [inherit], give: ['5=socket'] }));
  t.regex(refused?.message ?? '', /one end of a pair of sockets, and the other end \(file id \d+\) stays/);
  t.regex((refused as { hint?: string }).hint ?? '', /peer hangup/);
  const restored = await restoreGiven(lab, dump, { specs: [{ inherit, peer: 'hangup' }], give: ['5=socket'] });
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  t.is(String(restored.tasks.readBy(program.pid, 'saw')), 'kept\nend');
  t.is(String(restored.tasks.readBy(program.pid, 'write')), 'EPIPE');
});

realTest(
  'a hang-up loses what the end that goes had not read, if asked, and no descriptor under way',
  async (t, lab) => {
    const program = await lab.startProgram(compileHelper('hangup'), { args: ['both', 'rights'] });
    const dump = await lab.dump(program);
    const spec = { inherit: `fd[5]:/proc/${program.pid}/fd/10`, peer: 'hangup' } as const;
    const refused = await t.throwsAsync(restoreGiven(lab, dump, { specs: [spec], give: ['5=socket'] }));
    t.regex(refused?.message ?? '', /held 5 unread bytes at the dump/);
    const specs = [{ ...spec, inFlight: 'drop' as const }];
    const restored = await restoreGiven(lab, dump, { specs, give: ['5=socket'] });
    await restored.tasks.signal(program.pid, 'SIGUSR1');
    t.is(String(restored.tasks.readBy(program.pid, 'saw')), 'kept\nrpassed\nend');
    t.is(String(restored.tasks.readBy(program.pid, 'write')), 'EPIPE');
  },
);

realTest('the accepted end of a connection sees the hang-up, and the listener goes on', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('server'));
  await program.tasks.signal(program.pid, 'SIGUSR1');
  const dump = await lab.dump(program);
  const inherit = `fd[5]:/proc/${program.pid}/fd/12`;
  const specs = [{ inherit, peer: 'hangup', inFlight: 'drop' }] as const;
  const restored = await restoreGiven(lab, dump, { specs, give: ['5=socket'] });
  await restored.tasks.signal(program.pid, 'SIGUSR2');
  t.is(readOf(program, 11), 'task 12\n');
  await talk(t, program, restored, path.join(program.directory, 'app.sock'), 20);
});

realTest('a pidfd is that of the caller, and one that stays is that of its process', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('pidfd'));
  await program.tasks.signal(program.pid, 'SIGUSR1');
  const dump = await lab.dump(program);
  t.is(readOf(program, 10), 'lives\n');
  const specs = [`fd[5]:/proc/${program.pid}/fd/10`];
  const wrong = await t.throwsAsync(restoreGiven(lab, dump, { specs, give: ['5=eventfd'] }), {
    instanceOf: CriuFailure,
  });
  t.regex(wrong?.output ?? '', /caller fd 5 is an anonymous inode.* needs a pidfd/);
  // The process of the caller becomes criu, which ends when the tree runs.
  const restored = await restoreGiven(lab, dump, { specs, give: ['5=pidfd'] });
  t.true(restored.tasks.sameOpenFile(program.pid, 10, program.pid, 11));
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  t.is(readOf(program, 10), 'lives\nended\n');
  t.is(readOf(program, 12), 'lives\nlives\n');
});

realTest('a name in a tmpfs of the container: nobody binds it again, and the plan warns', async (t, lab) => {
  const program = await lab.startProgram(compileHelper('tmpfs_socket'), { namespaces: ['mount'] });
  const { directory, pid } = program;
  const dump = await lab.dump(program);
  const specs = ['fd[7]:/t/socket'];
  const { plan } = await rewrite(await openSource(dump), { specs });
  t.is(plan.warnings.filter(({ code }) => code === 'NAME_NOT_BOUND').length, 1);
  const connect = async ({ tasks }: Restored) => {
    await tasks.signal(pid, 'SIGUSR1');
    return fs.readFileSync(path.join(directory, `connect.${pid}`), 'utf8');
  };
  const plain = await lab.restore(dump, { program });
  t.is(await connect(plain), '0\n');
  await plain.end();
  const give = [`7=unix:listen:${path.join(directory, 'elsewhere')}`];
  t.is(await connect(await restoreGiven(lab, dump, { specs, give, program })), `0\n${constants.errno.ENOENT}\n`);
});

// CRIU would say "Can't connect … No such file or directory" in the middle of the restore.
realTest('a socket in a tmpfs of the container goes with its clients only', async (t, lab) => {
  const program = await lab.startProgram(compileHelper('tmpfs_client'), { namespaces: ['mount'] });
  const dump = await lab.dump(program);
  const specs = ['fd[7]:/t/log'];
  const elsewhere = path.join(program.directory, 'elsewhere');
  const give = [`7=unix:datagram:${elsewhere}`, '8=datagrams:9'];
  const refused = await t.throwsAsync(restoreGiven(lab, dump, { specs, give, program }));
  t.regex(refused?.message ?? '', /a client that stays in the tree .* makes the tmpfs with its name anew/);
  const both = [...specs, `fd[8]:/proc/${program.pid}/fd/6`];
  const { tasks } = await restoreGiven(lab, dump, { specs: both, give, program });
  const [socket, client] = [5, 6].map((fd) => descriptor(tasks, program.pid, fd).target);
  const bound = fs
    .readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .find((line) => line.endsWith(elsewhere));
  t.is(socket, `socket:[${bound?.split(/ +/)[6]}]`);
  t.regex(client ?? '', /^socket:/);
});

// CRIU refuses a socket without a name whose name was removed: "No name present".
realTest('a listener whose path was removed goes, and the connection that it had stays', async (t, lab) => {
  const program = await lab.startProgram(compileHelper('removed_name'), { args: ['accepted'] });
  const dump = await lab.dump(program);
  const give = [`5=unix:listen:${path.join(lab.directory(), 'other.sock')}`];
  const { tasks } = await restoreGiven(lab, dump, { specs: [`fd[5]:/proc/${program.pid}/fd/5`], give });
  await tasks.signal(program.pid, 'SIGUSR1');
  t.is(fs.readFileSync(path.join(program.directory, 'came'), 'utf8'), 'more\n');
});

// CRIU waits without end for a connected socket whose name was removed and that has no peer.
realTest('the accepted end of a listener whose path was removed sees the hang-up', async (t, lab) => {
  const program = await lab.startProgram(compileHelper('removed_name'), { args: ['accepted'] });
  const dump = await lab.dump(program);
  const specs = [{ inherit: `fd[5]:/proc/${program.pid}/fd/6`, peer: 'hangup' }] as const;
  const { tasks } = await restoreGiven(lab, dump, { specs, give: ['5=socket'] });
  for (const fd of [5, 6, 7]) t.regex(descriptor(tasks, program.pid, fd).target, /^socket:/);
});

// CRIU waits without end for a socket outside whose name was removed.
realTest('a client of a socket whose path was removed finds the socket of the caller there', async (t, lab) => {
  const program = await lab.startProgram(compileHelper('removed_name'), { args: ['client'] });
  const dump = await lab.dump(program);
  const { tasks } = await restoreGiven(lab, dump, {
    specs: [`fd[5]:/proc/${program.pid}/fd/7`],
    give: [`5=unix:datagram:${path.join(program.directory, 'app')}`],
    extraArgs: OUTER,
  });
  await tasks.signal(program.pid, 'SIGUSR1');
  t.is(fs.readFileSync(path.join(program.directory, 'came'), 'utf8'), 'more\n');
});

// CRIU makes the removed name for a moment, and removes a socket that is there before.
realTest('a removed name that stays costs the socket at the same path its name, and the plan warns', async (t, lab) => {
  const program = await lab.startProgram(compileHelper('removed_name'), { args: ['two'] });
  const dump = await lab.dump(program);
  const at = path.join(program.directory, 'app');
  const specs = [`fd[5]:${at}`];
  const codes = async (keys: string[]) =>
    (await rewrite(await openSource(dump), { specs: keys })).plan.warnings.map(({ code }) => code);
  t.true((await codes(specs)).includes('PATH_REMOVED'));
  t.false((await codes([...specs, `fd[6]:/proc/${program.pid}/fd/5`])).includes('PATH_REMOVED'));
  for (const [place, isThere] of [
    [at, false],
    [path.join(lab.directory(), 'other.sock'), true],
  ] as const) {
    fs.rmSync(at, { force: true });
    const restored = await restoreGiven(lab, dump, { specs, give: [`5=unix:listen:${place}`] });
    t.is(fs.existsSync(place), isThere);
    await restored.end();
  }
});
