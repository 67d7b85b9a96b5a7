import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { runCommand } from '../support/command';
import {
  descriptor,
  type Images,
  mapping,
  mmEntry,
  smallCheckpoint,
  temporaryDirectory,
  writeCheckpoint,
} from '../support/directories';
import { encodeMessage } from '../support/images';

const fdgraft = (args: readonly string[]) => runCommand(args);

const write = (t: ExecutionContext, images: Images) =>
  writeCheckpoint(temporaryDirectory(t), { ...smallCheckpoint(), ...images });
const task = (pid: number, ppid: number) => ({ pid, ppid, pgid: pid, sid: 7, threads: [pid] });
const core = (comm: string) => [{ mtype: 1, tc: { task_state: 1, comm } }];

test('ps is a tree, in which nothing from the images steers the terminal', async (t) => {
  const source = write(t, { 'core-7.img': core('\u001b[2Jx\n'), 'core-8.img': core('child') });
  const { code, stdout, stderr } = await fdgraft(['x', source, 'ps']);
  t.is(
    stdout,
    [
      '    PID   PGID    SID   COMM',
      '      7      7      7   \\x1b[2Jx\\x0a',
      '      8      7      7       child',
      '',
    ].join('\n'),
  );
  t.is(stderr, '');
  t.is(code, 0);
});

test('names of sockets are as crit has them, but for line ends', async (t) => {
  const sk = { fown: { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: 0 }, opts: { so_sndbuf: 0, so_rcvbuf: 0 } };
  const timeouts = { so_snd_tmo_sec: 0, so_snd_tmo_usec: 0, so_rcv_tmo_sec: 0, so_rcv_tmo_usec: 0 };
  const common = { type: 1, state: 1, flags: 0, uflags: 0, backlog: 0, ...sk, opts: { ...sk.opts, ...timeouts } };
  const socket = (id: number, name: string) => ({
    type: 'UNIXSK',
    id,
    usk: { id, ino: 5, peer: 6, name: Buffer.from(name), ...common },
  });
  const files = [socket(2, ''), socket(3, '\0a=b'), socket(4, `${'x'.repeat(100)}\n\u001b[2J`)];
  const table = [2, 3, 4, 5].map((id) => descriptor(id, id, 'UNIXSK'));
  const source = write(t, { 'files.img': files, 'fdinfo-1.img': table });
  const { stdout } = await fdgraft(['x', source, 'fds', '--quiet']);
  t.deepEqual(stdout.split('\n').slice(0, 5), [
    '7',
    '\t      2: unix[5 (6)]',
    '\t      3: unix[5 (6) =00a=3Db]',
    `\t      4: unix[5 (6) ${'x'.repeat(100)}\\x0a=1B[2J]`,
    '\t      5: unix[?]',
  ]);
});

test('mems and rss, with what no real checkpoint has', async (t) => {
  const vma = (start: number, end: number, more: object = {}) => ({ ...mapping(0, 1), start, end, ...more });
  const mappings = [
    vma(0x1000, 0x3000, { status: 0x41, shmid: 3, prot: 5 }),
    vma(0x3000, 0x2000, { status: 0x8 }),
    vma(0x3000, 0x4000, { status: 0x401, shmid: 9, flags: 0x101 }),
    vma(0x4000, 0x6000, { flags: 0x122 }),
    vma(0x6000, 0x7000, { status: 0x81, shmid: 77, pgoff: 4096 }),
  ];
  const run = (vaddr: number, pages: number) =>
    encodeMessage('pagemap_entry', { vaddr, compat_nr_pages: 0, nr_pages: pages });
  const head = encodeMessage('pagemap_head', { pages_id: 1 });
  const pagemap = [head, run(0, 1), run(0x1000, 1), run(0x2000, 3), run(0x5000, 2 ** 33)];
  const source = write(t, { 'mm-7.img': [mmEntry(1, mappings)], 'pagemap-7.img': pagemap });
  const mems = await fdgraft(['x', source, 'mems']);
  t.deepEqual(mems.stdout.split('\n').slice(0, -2), [
    '7',
    `\t${'exe'.padEnd(40)}/usr/bin/program`,
    `\t${'00001000-00003000'.padEnd(36)}r-x /var/log/app.log`,
    `\t${'00003000-00002000'.padEnd(36)}r-- [vdso] *`,
    `\t${'00003000-00004000'.padEnd(36)}r-- ips[1]`,
    `\t${'00004000-00006000'.padEnd(36)}r-- [stack?]`,
    `\t${'00006000-00007000'.padEnd(36)}r-- unknown path + 0x1000 (s)`,
  ]);
  t.regex(mems.stderr, /^warning: file id 77 is used as regular file/m);
  const more = `\t${' '.repeat(23)}`;
  t.deepEqual((await fdgraft(['x', source, 'rss'])).stdout.split('\n').slice(0, -2), [
    '7',
    `\t${'0 / 1'.padEnd(24)}`.slice(0, 24),
    `\t${'1000 / 1'.padEnd(23)} 00001000 / 2        /var/log/app.log`,
    more,
    `\t${'2000 / 3'.padEnd(23)} ~`,
    `${more} 00003000 / -1      `,
    `${more} 00003000 / 1       `,
    `${more} 00004000 / 2       `,
    more,
    `\t${`5000 / ${2 ** 33}`.padEnd(23)} ~`,
    `${more} 00006000 / 1        unknown path`,
    more,
  ]);
  const [first] = JSON.parse((await fdgraft(['x', source, 'rss', '--json', '--quiet'])).stdout).tasks;
  t.deepEqual(first.runs[3], {
    address: '0x5000',
    pages: 2 ** 33,
    in_parent: false,
    mappings: [
      { start: '0x4000', end: '0x6000', pages: 2 },
      { start: '0x6000', end: '0x7000', pages: 1, file: { file_id: 77, type: 'REG' } },
    ],
  });
});

test('--json has a list where the images say that there is nothing, and none where they say nothing', async (t) => {
  const source = write(t, { 'fdinfo-1.img': [], 'fdinfo-2.img': [descriptor(2, 1, 'PIPE', 1)] });
  const { stdout, code } = await fdgraft(['x', source, 'fds', '--json']);
  t.is(code, 0);
  const directory = { file_id: 4, type: 'REG', key: '/' };
  t.deepEqual(JSON.parse(stdout), {
    format: 'fdgraft.x',
    version: 1,
    what: 'fds',
    tasks: [
      { pid: 7, cwd: directory, root: directory, descriptors: [] },
      { pid: 8, descriptors: [{ fd: 1, close_on_exec: true, file_id: 2, type: 'PIPE', key: 'pipe:[4711]' }] },
    ],
  });
  const unsaid = JSON.parse((await fdgraft(['x', write(t, { 'pstree.img': [task(9, 0)] }), 'mems', '--json'])).stdout);
  t.deepEqual(unsaid.tasks, [{ pid: 9 }]);
  t.deepEqual(JSON.parse((await fdgraft(['x', write(t, { 'pstree.img': [] }), 'rss', '--json'])).stdout).tasks, []);
});

test('what is missing is said on stderr, the first twenty of it', async (t) => {
  const tasks = Array.from({ length: 30 }, (_none, i) => task(i + 1, i));
  const source = write(t, { 'pstree.img': tasks });
  const lines = (await fdgraft(['x', source, 'ps'])).stderr.trimEnd().split('\n');
  t.is(lines.length, 21);
  t.is(lines[0], 'warning: task 1 has no core-1.img');
  t.is(lines[20], 'warning: 10 more of these');
  t.is((await fdgraft(['x', source, 'ps', '--quiet'])).stderr, '');
});

test('wrong usage names the four words', async (t) => {
  const source = write(t, {});
  for (const args of [[source], [source, 'maps'], ['ps', source], [source, 'ps', 'fds']]) {
    const { code, stdout, stderr } = await fdgraft(['x', ...args]);
    t.is(code, 2, args.join(' '));
    t.is(stdout, '');
    t.regex(stderr, args.length === 3 ? /x takes SOURCE and WHAT, and there is more: fds/ : /ps.*fds.*mems.*rss/);
  }
  t.is((await fdgraft(['x', path.join(source, 'nothing'), 'ps'])).code, 2);
  const { stdout } = await fdgraft(['--get-yargs-completions', 'fdgraft', 'x', source, '']);
  for (const word of ['ps', 'fds', 'mems', 'rss']) t.true(stdout.split('\n').includes(word), word);
});
