import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type NextCommand, openSource, type RewriteOptions, rewrite } from '../../src';
import { nextCommand } from '../../src/plan/next-command';
import { rewriteText } from '../../src/report/rewrite';
import { withSource } from '../../src/storage/with-source';
import {
  fileEntry,
  type Images,
  NO_OWNER,
  pipeEntry,
  temporaryDirectory,
  writeCheckpoint,
} from '../support/directories';
import { encodeImage, type Record } from '../support/images';
import { rewriteImages, smallWith } from '../support/rewriting';

const O_APPEND = 0o2000;

const PIPES = new Set([2, 9, 11]);
const files = smallWith({
  'files.img': [
    fileEntry(1, '/usr/bin/program', 0),
    pipeEntry(2, 4711, 1),
    fileEntry(3, '/log', 1 | O_APPEND, { pos: 162 }),
    fileEntry(4, '/', 0o200000),
    fileEntry(5, '/in', 0),
    fileEntry(6, '/plain', 1, { pos: 3 }),
    fileEntry(7, '/both', 2),
    fileEntry(8, '/other', 1),
    pipeEntry(9, 4712, 1),
    fileEntry(10, '/work', 0o200000, { mode: 0o40755 }),
    pipeEntry(11, 4713, 0),
  ],
  'fdinfo-1.img': [2, 3, 5, 6, 7, 8, 9, 10, 11].map((id) => ({
    id,
    flags: 0,
    type: PIPES.has(id) ? 'PIPE' : 'REG',
    fd: id,
  })),
  'fdinfo-2.img': [],
});

test('each fd is opened with the access that it needs, and nothing that is gone on with is emptied', async (t) => {
  const opened = async (...specs: Parameters<typeof rewriteImages>[2]['specs']) => {
    const { next, out } = await rewriteImages(t, files, { specs });
    t.deepEqual(next?.words, ['fdgraft-exec', '--plan', out, '--', 'criu', 'restore', '-D', out]);
    t.deepEqual(next?.placeholders, []);
    return next?.redirections.map(({ fd, operator }) => `${fd}${operator}`).join(' ');
  };
  t.is(await opened('fd[9]:/both', 'fd[8]:/in', 'fd[5]:pipe:[4711]', 'fd[7]:/log'), '5> 7>> 8< 9<>');
  t.is(await opened('fd[5]:/plain'), '5>');
  t.is(await opened({ inherit: 'fd[5]:/plain', position: 'saved' }), '5<>');
  t.is(await opened({ inherit: 'fd[5]:/plain', position: 'end' }), '5>>');
  t.is(await opened('fd[5]:/plain', 'fd[5]:/in'), '5<>');
  t.is(await opened('fd[5]:/plain', 'fd[5]:/log'), '5>>');
  t.is(await opened('fd[5]:/plain', 'fd[5]:/other'), '5>>');
  t.is(await opened('fd[5]:/plain', 'fd[5]:pipe:[4711]'), '5>>');
  t.is(await opened({ inherit: 'fd[5]:/plain', apply: 'dup' }, { inherit: 'fd[5]:/other', apply: 'dup' }), '5>');
  t.is(await opened('fd[5]:pipe:[4711]', 'fd[5]:pipe:[4712]'), '5>');
  t.is(await opened('fd[5]:/in', 'debug[5]:text', 'debug[3]:x'), '3> 5<>');
});

test('unread bytes need a FIFO, and a directory a directory', async (t) => {
  const bytes = Buffer.from('abc');
  const records = [{ pipe_id: 4713, bytes: bytes.length, size: 65536 }];
  const unread = { ...files, 'pipes-data.img': encodeImage('pipes-data.img', records, { extras: [bytes] }) };
  const opened = async (specs: Parameters<typeof rewriteImages>[2]['specs']) =>
    (await rewriteImages(t, unread, { specs })).next?.redirections;
  t.deepEqual(await opened(['fd[5]:pipe:[4713]', 'fd[6]:pipe:[4712]']), [
    { fd: 5, operator: '<', opens: 'FIFO' },
    { fd: 6, operator: '>' },
  ]);
  t.deepEqual(await opened([{ inherit: 'fd[5]:pipe:[4713]', inFlight: 'drop' }]), [{ fd: 5, operator: '<' }]);
  t.deepEqual(await opened(['fd[5]:/work/']), [{ fd: 5, operator: '<', opens: 'DIRECTORY' }]);
});

test('what criu is to inherit itself is in the command', async (t) => {
  const images = { ...files, 'netns-9.img': [{ ext_key: 'extRootNetNS' }] };
  const { next } = await rewriteImages(t, images, { specs: ['fd[5]:/in', 'fd[3]:extRootNetNS'] });
  t.deepEqual(next?.words.slice(-2), ['--inherit-fd', 'fd[3]:extRootNetNS']);
  t.deepEqual(next?.redirections, [
    { fd: 3, operator: '<', opens: 'NAMESPACE' },
    { fd: 5, operator: '<' },
  ]);
});

test('a dry run has nothing to restore', async (t) => {
  const { next } = await rewriteImages(t, files, { specs: ['fd[5]:/in'], out: undefined } as never);
  t.is(next, undefined);
});

/** The command, and what is said with it, in words of a shell. */
async function told(t: ExecutionContext, images: Images, options: Partial<RewriteOptions> = {}) {
  const result = await rewriteImages(t, { ...files, ...images }, { specs: ['fd[5]:/in'], ...options });
  const all = rewriteText(result).replaceAll(result.out, 'OUT').split('\n');
  return all
    .slice(
      all.findIndex((line) => line.startsWith('restore with: ')),
      -1,
    )
    .join('\n');
}

const AT_START = 'restore with: fdgraft-exec --plan OUT --';
const LIST = { 'descriptors.json': Buffer.from('["/dev/null","pipe:[4711]","pipe:[4711]"]') };
const MOUNT = { fstype: 0, mnt_id: 1, root_dev: 1, parent_mnt_id: 0, flags: 0, root: '/', source: 'x', options: '' };
const mounts = (...keys: string[]) => ({
  'mountpoints-9.img': keys.map((ext_key, i) => ({ ...MOUNT, mnt_id: i, mountpoint: `/${i}`, ext_key })),
});
const PLAIN = {
  flags: 2,
  fown: NO_OWNER,
  opts: { so_sndbuf: 1, so_rcvbuf: 1, so_snd_tmo_sec: 0, so_snd_tmo_usec: 0, so_rcv_tmo_sec: 0, so_rcv_tmo_usec: 0 },
};
const withEntry = (entry: object) => ({
  'files.img': [...(files['files.img'] as Record[]), entry as Record],
});
const internet = (proto: number, dst_port: number) =>
  withEntry({
    type: 'INETSK',
    id: 20,
    isk: { id: 20, ino: 1, family: 2, type: 1, proto, state: 1, src_port: 80, dst_port, backlog: 0, ...PLAIN },
  });
const unix = (uflags: number) =>
  withEntry({
    type: 'UNIXSK',
    id: 20,
    usk: { id: 20, ino: 1, type: 1, state: 1, uflags, backlog: 0, peer: 0, name: '', ...PLAIN },
  });
const terminal = (id: number, major: number, index: number, more: object = {}) => ({
  ...{ id, type: 'PTY', locked: false, exclusive: false, packet_mode: false, sid: 7, pgrp: 7 },
  ...{ rdev: (major << 8) | (major === 5 ? 2 : index), pty: { index }, ...more },
});
const SETTINGS = { c_iflag: 1, c_oflag: 1, c_cflag: 1, c_lflag: 1, c_line: 0, c_ispeed: 1, c_ospeed: 1, c_cc: [1] };
const LOCK = { flag: 1, type: 0, pid: 7, fd: 3, start: 0, len: 0 };
const rootOf = (sid: number) => ({
  'pstree.img': [
    { pid: 7, ppid: 0, pgid: 7, sid, threads: [7] },
    { pid: 8, ppid: 7, pgid: 7, sid, threads: [8] },
  ],
});

const NEEDED: [what: string, images: Images, options: string][] = [
  ['a root task that leads no session', rootOf(3), ' --shell-job'],
  ['a connection', internet(6, 443), ' --tcp-established'],
  ['a TCP socket that listens', internet(6, 0), ''],
  ['a UDP socket with a peer', internet(17, 53), ''],
  ['a peer outside', unix(1), ' --ext-unix-sk'],
  ['unix sockets of the tree', unix(0), ''],
  // Flags of other meaning: a service, a callback.
  ['unix sockets with other flags', unix(6), ''],
  ['a lock', { 'filelocks.img': [LOCK] }, ' --file-locks'],
  ['no lock', { 'filelocks.img': [] }, ''],
  ['uprobes', { 'inventory.img': [{ img_version: 2, fdinfo_per_id: true, allow_uprobes: true }] }, ' --allow-uprobes'],
  [
    'connections that are closed',
    { ...internet(6, 443), 'inventory.img': [{ img_version: 2, fdinfo_per_id: true, tcp_close: true }] },
    ' --tcp-close',
  ],
  ['a terminal of the caller', { 'tty-info.img': [terminal(1, 136, 3, { termios: SETTINGS })] }, ' --shell-job'],
  [
    'a terminal with its master',
    { 'tty-info.img': [terminal(1, 136, 3, { termios: SETTINGS }), terminal(2, 5, 3, { termios: SETTINGS })] },
    '',
  ],
  ['a terminal that was hung up', { 'tty-info.img': [terminal(1, 136, 3)] }, ''],
];
for (const [what, images, options] of NEEDED) {
  test(`options of criu restore: ${what}`, async (t) => {
    t.is(await told(t, images), `${AT_START} criu restore -D OUT${options} 5<FILE5`);
  });
}

test('a dump of runc or crun is restored by runc, with the options that it has', async (t) => {
  const bundle = "    BUNDLE is the container's bundle directory; crun restore takes the same options as runc restore";
  const more = `${bundle}\n    ID is the name that the restored container gets`;
  const runc = `${AT_START} runc restore --image-path OUT --bundle BUNDLE`;
  t.is(await told(t, { ...LIST, ...mounts('/etc/hosts') }), `${runc} ID 5<FILE5\n${more}`);
  const needs = {
    ...internet(6, 443),
    'filelocks.img': [LOCK],
    'tty-info.img': [terminal(1, 136, 3, { termios: SETTINGS })],
  };
  t.is(await told(t, { ...LIST, ...needs }), `${runc} --file-locks --tcp-established ID 5<FILE5\n${more}`);
  const options = { ...LIST, ...unix(1), ...rootOf(3) };
  t.is(await told(t, options), `${runc} --ext-unix-sk --shell-job ID 5<FILE5\n${more}`);
  const archive = await told(t, LIST, { to: 'tar' });
  t.regex(
    archive,
    /^restore with: mkdir DIR && tar -xf OUT -C DIR && fdgraft-exec --plan DIR -- runc restore --image-path DIR --bundle BUNDLE ID 5<FILE5\n/,
  );
});

test('external mounts of another runtime are named, and criu restore is no command for them', async (t) => {
  const text = await told(t, mounts('data', "it's"));
  t.is(
    text,
    [
      `${AT_START} COMMAND 5<FILE5`,
      '    COMMAND restores the images: take the restore of the runtime that made the dump, such as LXC',
      `    the images have external mounts, so criu restore alone fails: it would need --external 'mnt[data]:PATH' --external 'mnt[it'\\''s]:PATH'`,
    ].join('\n'),
  );
  t.regex(
    await told(t, mounts(...Array.from({ length: 13 }, (_one, i) => `key${i}`))),
    /mnt\[key9\]:PATH' and 3 more$/,
  );
  const keysOf = async (...keys: string[]) =>
    (await rewriteImages(t, { ...files, ...mounts(...keys) }, { specs: ['fd[5]:/in'] })).next?.externalMounts ?? [];
  t.is((await keysOf(...Array.from({ length: 1100 }, (_one, i) => `key${i}`))).length, 1000);
  t.is((await keysOf('k'.repeat(10_000)))[0]?.length, 4096);
  t.deepEqual(await keysOf('', 'no CRIU:KEY', 'CRIU:KEY'), ['no CRIU:KEY'], 'keys of the user');
});

test('a mount namespace needs the --root of its dump, which no image records', async (t) => {
  // Mounts that CRIU names itself need no option.
  const own = mounts('CRIU:AUTOGENERATED', 'CRIU:EXTERNAL_DEV');
  const [image] = Object.keys(own);
  const text = await told(t, own);
  t.is(
    text,
    [
      `${AT_START} criu restore -D OUT 5<FILE5`,
      `    if criu dump had --root, add it to criu restore: without it CRIU crashes (${image} is a mount namespace)`,
    ].join('\n'),
  );
  const { next } = await rewriteImages(t, { ...files, ...own }, { specs: ['fd[5]:/in'] });
  t.is(next?.mountNamespace, image);
  const rows = own[image as keyof typeof own];
  const two = { ...files, 'mountpoints-10.img': rows, 'mountpoints-11.img': rows };
  const first = await rewriteImages(t, two, { specs: ['fd[5]:/in'] });
  t.is(first.next?.mountNamespace, 'mountpoints-10.img', 'the first one of several');
  // A runtime knows the root itself, and without a namespace there is none.
  for (const more of [{ ...own, ...LIST }, mounts('data'), {}] as Images[]) {
    const other = await rewriteImages(t, { ...files, ...more }, { specs: ['fd[5]:/in'] });
    t.is(other.next?.mountNamespace, undefined);
  }
});

test('a namespace from outside that no spec names is told, and one that is named is opened', async (t) => {
  const outer = {
    'netns-9.img': [{ ext_key: "it's net" }],
    'netns-10.img': [{}],
    'pidns-11.img': [{ ext_key: 'pids' }],
  };
  const needed = ['network namespace', 'pid namespace'].map((kind, i) => {
    const key = ["it's net", 'pids'][i];
    return `    add --inherit-fd ${["'fd[N]:it'\\''s net'", "'fd[N]:pids'"][i]} to criu restore, with N open on the ${kind} that takes the place of ${key}`;
  });
  t.is(await told(t, outer), [`${AT_START} criu restore -D OUT 5<FILE5`, ...needed].join('\n'));
  const next = async (...specs: string[]) => (await rewriteImages(t, { ...files, ...outer }, { specs })).next;
  t.deepEqual((await next('fd[5]:/in'))?.externalNamespaces, [
    { kind: 'network namespace', key: "it's net" },
    { kind: 'pid namespace', key: 'pids' },
  ]);
  const long = { ...files, 'netns-9.img': [{ ext_key: 'k'.repeat(10_000) }] };
  const cut = (await rewriteImages(t, long, { specs: ['fd[5]:/in'] })).next;
  t.deepEqual(cut?.externalNamespaces, [{ kind: 'network namespace', key: 'k'.repeat(4096) }]);
  const named = await next('fd[5]:/in', "fd[4]:it's net");
  t.deepEqual(named?.externalNamespaces, [{ kind: 'pid namespace', key: 'pids' }]);
  t.deepEqual(named?.words.slice(-2), ['--inherit-fd', "fd[4]:it's net"]);
  t.deepEqual(named?.redirections, [
    { fd: 4, operator: '<', opens: 'NAMESPACE' },
    { fd: 5, operator: '<' },
  ]);
  // Runtimes have their own namespaces.
  const runc = await rewriteImages(t, { ...files, ...outer, ...LIST }, { specs: ['fd[5]:/in', 'fd[4]:pids'] });
  t.deepEqual(runc.next?.externalNamespaces, []);
  t.deepEqual(runc.next?.redirections, [{ fd: 5, operator: '<' }]);
  const many = Object.fromEntries(
    Array.from({ length: 1100 }, (_one, i) => [`netns-${i}.img`, [{ ext_key: `n${i}` }]]),
  );
  const most = await rewriteImages(t, { ...files, ...many }, { specs: ['fd[5]:/in'] });
  t.is(most.next?.externalNamespaces.length, 1000);
  t.regex(rewriteText(most), /\n {4}and 990 more namespaces\n/);
});

/** A checkpoint of podman's in a directory of its own. */
function podmanDirectory(t: ExecutionContext, around: string, names: string[]): string {
  const directory = path.join(temporaryDirectory(t), around, 'checkpoint');
  fs.mkdirSync(path.dirname(directory), { recursive: true });
  fs.renameSync(writeCheckpoint(path.dirname(directory), { ...files, ...LIST, 'filelocks.img': [LOCK] }), directory);
  for (const name of names) fs.writeFileSync(path.join(path.dirname(directory), name), '{}');
  return directory;
}
const DUMPS = ['config.dump', 'spec.dump'];

test('an export of podman is imported by podman', async (t) => {
  const images = podmanDirectory(t, 'dump', DUMPS);
  const top = path.dirname(path.dirname(images));
  const archive = path.join(top, 'in.tar');
  execFileSync('tar', ['-cf', archive, '-C', path.dirname(images), '.']);
  const import_ = ['podman', 'container', 'restore', '--file-locks', '--import'];
  const next = async (source: string, options: RewriteOptions) =>
    withSource(await openSource(source), async (opened) => (await rewrite(opened, options)).next as NextCommand);
  const specs = ['fd[5]:/in'];
  const out = path.join(top, 'out.tar');
  const packed = await next(archive, { specs, out });
  t.is(packed.restorer, 'podman');
  t.is(packed.unpack, undefined, 'the executor reads the plan from the archive');
  t.deepEqual(packed.words, ['fdgraft-exec', '--plan', out, '--', ...import_, out]);
  t.deepEqual(packed.placeholders, []);
  const again = await withSource(await openSource(archive), (source) => rewrite(source, { specs, out: `${out}.2` }));
  t.regex(rewriteText(again), /if a container of that name still exists, add --name NAME behind restore/);
  const directory = path.join(top, 'out');
  const unpacked = await next(archive, { specs, out: directory, to: 'dir' });
  t.deepEqual(unpacked.pack, ['tar', '-cf', 'NEW.tar', '-C', directory, '.']);
  t.deepEqual(unpacked.placeholders, ['NEW.tar']);
  t.deepEqual(unpacked.words, ['fdgraft-exec', '--plan', `${directory}/checkpoint`, '--', ...import_, 'NEW.tar']);
  // The same, unpacked before: only the directory around it can be packed again.
  const moved = await next(images, { specs, out: path.join(top, 'images') });
  t.is(moved.moveTo, fs.realpathSync(images));
  const inPlace = await next(images, { specs, inPlace: true });
  t.is(inPlace.moveTo, undefined);
  t.deepEqual(inPlace.pack, ['tar', '-cf', 'NEW.tar', '-C', path.dirname(fs.realpathSync(images)), '.']);
  t.deepEqual(inPlace.words.slice(4), [...import_, 'NEW.tar']);
});

test('a container in the store of podman is restored by its id', async (t) => {
  const id = 'a1'.repeat(32);
  const images = podmanDirectory(t, `overlay-containers/${id}/userdata`, []);
  const result = await withSource(await openSource(images), (source) =>
    rewrite(source, { specs: ['fd[5]:/in'], inPlace: true }),
  );
  t.deepEqual(result.next?.words.slice(4), ['podman', 'container', 'restore', '--file-locks', id]);
  t.deepEqual(result.next?.placeholders, []);
  t.is(result.next?.moveTo, undefined);
});

const NO_NEEDS = {
  options: [],
  isJobByTerminal: false,
  outerTerminals: [],
  hasDescriptorList: false,
  externalMounts: [],
  externalNamespaces: [],
  mountImage: undefined,
  networkImage: undefined,
};

test('descriptors that no shell opens are told once each, by number', (t) => {
  const of = (caller_fd: number, name: string) => ({ caller_fd, kind: { name } });
  const { passed, redirections } = nextCommand(
    { placeholders: [of(9, 'timerfd'), of(3, 'eventfd'), of(9, 'timerfd')], debugs: [] } as never,
    { out: 'out', inside: '', isArchive: false, isInPlace: false },
    [],
    NO_NEEDS,
  );
  t.deepEqual(passed, [
    { fd: 3, kind: { name: 'eventfd' } },
    { fd: 9, kind: { name: 'timerfd' } },
  ] as never);
  t.deepEqual(redirections, []);
});

const HERE = { out: 'out', inside: '', isArchive: false, isInPlace: false };

test('each fd is opened for its own placeholders and debug texts, by what each of them does', (t) => {
  const one = (caller_fd: number, change: object = {}) => ({
    ...{ caller_fd, needs_read: false, needs_write: true, apply: 'AUTO', position: 'CALLER' },
    was: { type: 'REG', flags: 1, offset: 0n },
    in_flight: [],
    ...change,
  });
  const device = { was: { type: 'REG', flags: 1 } };
  const odd = { was: { type: 'FIFO', flags: 1, offset: 0n } };
  const operators = (placeholders: object[], ...debugs: number[]) => {
    const plan = { placeholders, debugs: debugs.map((caller_fd) => ({ caller_fd })) };
    const { redirections } = nextCommand(plan as never, HERE, [], NO_NEEDS);
    return redirections.map(({ fd, operator }) => `${fd}${operator}`).join(' ');
  };
  t.is(operators([one(5, { needs_read: true, needs_write: false })], 3), '3> 5<');
  t.is(operators([one(5), one(6, { truncate_to: 9n })]), '5> 6>>');
  t.is(operators([one(5, { truncate_to: 9n, needs_write: false })]), '5>>');
  t.is(operators([one(5), one(5)]), '5>>');
  t.is(operators([one(5, device), one(5, device)]), '5>');
  t.is(operators([one(5, odd), one(5, odd)]), '5>');
});

test('the restorer is named, with the options that it has and the words that the user replaces', (t) => {
  const needs = {
    ...NO_NEEDS,
    options: ['--tcp-established', '--shell-job', '--file-locks', '--ext-unix-sk'],
  } as const;
  const shown = (rewritten: object, more: object = {}) =>
    nextCommand({ placeholders: [], debugs: [] } as never, { ...HERE, ...rewritten }, [], {
      ...needs,
      ...more,
    } as never);
  const podman = shown({ podman: { kind: 'stored', images: 'i', container: 'c' } });
  t.deepEqual(podman.words.slice(4), [...['podman', 'container', 'restore', '--tcp-established', '--file-locks', 'c']]);
  t.is(podman.restorer, 'podman');
  t.like(shown({}), { restorer: 'criu', placeholders: [] });
  t.like(shown({ isArchive: true }), { restorer: 'criu', placeholders: ['DIR'] });
  t.like(shown({}, { hasDescriptorList: true }), { restorer: 'runc', placeholders: ['BUNDLE', 'ID'] });
  const other = shown({ isArchive: true }, { externalMounts: ['m'] });
  t.like(other, { restorer: 'other', placeholders: ['DIR', 'COMMAND'], externalMounts: ['m'] });
});

test('a name is no option and no host to tar, whatever it looks like', async (t) => {
  const top = temporaryDirectory(t);
  const source = writeCheckpoint(top, files);
  for (const [name, word] of [
    ['host:a.tar', './host:a.tar'],
    ['-a.tar', './-a.tar'],
    ['a.tar', 'a.tar'],
    ['below/host:a.tar', 'below/host:a.tar'],
  ] as const) {
    const shown = nextCommand(
      { placeholders: [], debugs: [] } as never,
      { out: name, inside: '', isArchive: true, isInPlace: false },
      [],
      NO_NEEDS,
    );
    t.deepEqual(shown.unpack, ['tar', '-xf', word, '-C', 'DIR']);
    const made = fs.mkdtempSync(path.join(top, 'made-'));
    fs.mkdirSync(path.join(made, 'below'));
    fs.mkdirSync(path.join(made, 'DIR'));
    execFileSync('tar', ['-cf', path.join(made, name), '-C', source, '.']);
    execFileSync('tar', shown.unpack?.slice(1) as string[], { cwd: made });
    t.true(fs.existsSync(path.join(made, 'DIR/files.img')));
  }
});
