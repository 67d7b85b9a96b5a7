/** One restore with a descriptor of each type from the caller, and keys of criu's own option beside it. */
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { compileHelper } from './support/compile';
import { readOf, restoreGiven, talk } from './support/given';
import { descriptor } from './support/graft';
import { realTest } from './support/real-test';

const O = { RDWR: 2, CREAT: 0o100, APPEND: 0o2000, DIRECTORY: 0o200000, PATH: 0o10000000 };
const opened = (flags: number, file: string) => `file:${flags.toString(8)}:${file}`;

realTest('each type comes from the caller at once, beside what criu inherits itself', async (t, lab) => {
  const program = await lab.startProgram(compileHelper('mix'), { fds: { 12: 'pipe-write', 30: 'pipe-write' } });
  const pipeOf = (fd: number) => descriptor(program.tasks, program.pid, fd).target;
  const [pipe, own] = [pipeOf(12), pipeOf(30)];
  const dump = await lab.dump(program);
  const directory = lab.directory();
  const at = (name: string) => path.join(directory, name);
  fs.mkdirSync(at('data'));
  fs.writeFileSync(at('shared'), Buffer.alloc(4096));
  const server = net.createServer().listen(at('peer.sock'));
  t.teardown(() => server.close());
  const peers: net.Socket[] = [];
  const said = new Map<net.Socket, string>();
  server.on('connection', (peer: net.Socket) => {
    peers.push(peer);
    peer.setEncoding('utf8').on('data', (text: string) => said.set(peer, (said.get(peer) ?? '') + text));
  });
  const [inherited, kept] = [await lab.pipe(), await lab.pipe()];

  const of = (fd: number) => `/proc/${program.pid}/fd/${fd}`;
  const caller: readonly [fd: number, key: string, word?: string][] = [
    [110, of(10), opened(O.DIRECTORY, at('data'))],
    [111, '**/app.log', opened(O.RDWR | O.CREAT | O.APPEND, at('new.log'))],
    [112, pipe],
    [113, '/memfd:scratch', opened(O.RDWR | O.CREAT, at('scratch'))],
    [114, of(14), 'eventfd'],
    [115, of(15), 'timerfd'],
    [116, of(16), 'signalfd'],
    [117, of(17), 'inotify'],
    [118, `${program.directory}/app.sock`, `unix:listen:${at('new.sock')}`],
    [119, of(19), `unix:connect:${at('peer.sock')}`],
    [120, of(20), `unix:connect:${at('peer.sock')}`],
    [121, of(21), 'netlink'],
    [122, of(22), opened(O.PATH, at('data'))],
    [123, '**/fifo', opened(O.RDWR | O.CREAT, at('from-fifo'))],
  ];
  const restored = await restoreGiven(lab, dump, {
    specs: caller.map(([fd, key]) => `fd[${fd}]:${key}`),
    give: [
      ...caller.flatMap(([fd, , word]) => (word === undefined ? [] : [`${fd}=${word}`])),
      `131=${opened(O.RDWR, at('shared'))}`,
    ],
    callerFds: { 112: inherited.writeEnd, 130: kept.writeEnd },
    extraArgs: ['--inherit-fd', `fd[130]:${own}`, '--inherit-fd', 'fd[131]:/memfd:shared'],
  });

  const target = (fd: number) => descriptor(restored.tasks, program.pid, fd).target;
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  const text = (name: string) => fs.readFileSync(at(name), 'utf8');
  t.deepEqual(['data/records', 'data/named', 'new.log', 'scratch', 'from-fifo'].map(text), [
    'directory\n',
    'O_PATH\n',
    'log\n',
    'memfd\n',
    'fifo\n',
  ]);
  t.true(text('shared').startsWith('mapped\n'));
  t.is(String(inherited.drain()), 'pipe\n');
  t.is(String(kept.drain()), 'pipe of CRIU\n');
  t.true(descriptor(restored.tasks, program.pid, 14).info.some((line) => /eventfd-count:\s*3$/.test(line)));
  t.deepEqual([15, 16, 17].map(target), ['anon_inode:[timerfd]', 'anon_inode:[signalfd]', 'anon_inode:inotify']);
  t.regex(target(21), /^socket:/);

  for (const peer of peers) if (!said.has(peer)) await once(peer, 'data');
  t.deepEqual([...said.values()].sort(), ['first end\n', 'second end\n']);
  peers.find((peer) => said.get(peer) === 'second end\n')?.write('answer\n');
  await talk(t, program, restored, at('new.sock'), 40);
  while (readOf(program, 20) === '') await restored.tasks.signal(program.pid, 'SIGUSR2');
  t.is(readOf(program, 20), 'answer\n');
  for (const peer of peers) peer.destroy();
});
