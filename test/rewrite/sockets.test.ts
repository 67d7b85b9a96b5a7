/** Sockets that specs name: what goes with them, what stays, and what is refused. */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { diff, inspect, openSource, readPlanOf, type SpecOptions } from '../../src';
import { LsText } from '../../src/report/ls-text';
import { rewriteText } from '../../src/report/rewrite';
import { findSocketPeers } from '../../src/rewrite/find-socket-peers';
import type { Match } from '../../src/rewrite/match';
import {
  descriptor,
  type Images,
  NO_OWNER,
  smallCheckpoint,
  temporaryDirectory,
  writeCheckpoint,
} from '../support/directories';
import { encodeImage, type Record, readImage } from '../support/images';
import { checkRewritten } from '../support/independent';
import { refusal, rewriteImages, smallWith } from '../support/rewriting';
import { DATAGRAM, type Entry, inet, LISTENER, STREAM, unix } from '../support/sockets';

const PATH = '/run/app.sock';
const name = Buffer.from(`${PATH}\0`);

/** The small checkpoint with these entries, the first of which have descriptors 10, 11 and so on. */
function withSockets(entries: readonly Entry[], held: number, more: Images = {}): Images {
  const files = [...(smallCheckpoint()['files.img'] as Record[]), ...entries];
  const table = entries.slice(0, held).map(({ id, type }, i) => descriptor(id, 10 + i, type));
  return smallWith({ 'files.img': files, 'fdinfo-2.img': [descriptor(2, 1, 'PIPE'), ...table], ...more });
}

const mountOf = (mnt_id: number, root_dev: number) => ({
  fstype: 5,
  mnt_id,
  root_dev,
  parent_mnt_id: 1,
  flags: 0,
  root: '/',
  mountpoint: '/run',
  source: 'none',
  options: '',
});
const inTmpfs = (more: object, images: Images = {}): Images =>
  withSockets([unix(20, 900, 0, { ...LISTENER, name, mnt_id: 5, ...more })], 1, {
    'mountpoints-9.img': [mountOf(5, 41), mountOf(6, 42)],
    'tmpfs-dev-41.tar.gz.img': Buffer.from('not read by anyone'),
    ...images,
  });

const BY_NUMBER = 'fd[5]:/proc/8/fd/10';
const BOUND: [string, Images, (string | SpecOptions)[], boolean][] = [
  ['a listener', inTmpfs({}), [`fd[5]:${PATH}`], true],
  ['a datagram socket', inTmpfs(DATAGRAM), [`fd[5]:${PATH}`], true],
  ['a stream socket that does not listen', inTmpfs({ type: 1, state: 7 }), [BY_NUMBER], true],
  ['an accepted end', inTmpfs(STREAM), [BY_NUMBER], false],
  ['an abstract name', inTmpfs({ name: Buffer.from('\0app') }), [BY_NUMBER], false],
  ['a name that is gone', inTmpfs({ deleted: true }), [BY_NUMBER], false],
  ['another mount', inTmpfs({ mnt_id: 6 }), [BY_NUMBER], false],
  ['an older dump', inTmpfs({ mnt_id: undefined }), [BY_NUMBER], false],
  [
    'a socket that another descriptor still has',
    inTmpfs({}, { 'fdinfo-1.img': [descriptor(20, 3, 'UNIXSK')] }),
    [{ inherit: BY_NUMBER, only: true }],
    false,
  ],
];
for (const [title, images, specs, isTold] of BOUND) {
  test(`a name in a tmpfs of the dump, ${title}: ${isTold ? 'a' : 'no'} warning that nobody binds it`, async (t) => {
    const { plan } = await checked(t, images, specs);
    t.is(
      plan.warnings.some(({ code, file_id }) => code === 'NAME_NOT_BOUND' && file_id === 20),
      isTold,
    );
  });
}

/** Rewrites, and has the result judged by the independent checker and by diff --plan. */
async function checked(t: ExecutionContext, images: Images, specs: readonly (string | SpecOptions)[]) {
  const rewritten = await rewriteImages(t, images, { specs, link: 'copy' });
  t.deepEqual(checkRewritten(rewritten.source, rewritten.out), []);
  const plan = await readPlanOf(rewritten.out);
  const result = await diff(await openSource(rewritten.source), await openSource(rewritten.out), { plan });
  t.is(result.unexplained, 0);
  t.deepEqual(result.misfits, []);
  result.close();
  return rewritten;
}

test('a unix socket is named by its path, its abstract name or its inode', async (t) => {
  const listener = unix(20, 500, 0, { ...LISTENER, name });
  for (const key of [PATH, 'run/app.sock', 'socket:[500]', '/proc/8/fd/10']) {
    const { plan } = await checked(t, withSockets([listener], 1), [`fd[5]:${key}`]);
    t.like(plan.placeholders, [
      {
        was: { type: 'UNIXSK', key: PATH },
        kind: { name: 'socket', socket: { domain: 1, type: 1, protocol: 0, state: 'LISTENING' } },
      },
    ]);
  }
  const abstract = unix(20, 500, 0, { ...LISTENER, name: Buffer.from('\0app\n') });
  const { plan } = await checked(t, withSockets([abstract], 1), ['fd[5]:@app\\x0a']);
  t.is(plan.placeholders[0]?.was.key, '@app\\x0a');
  const relative = unix(20, 500, 0, { ...LISTENER, name: Buffer.from('app.sock\0'), name_dir: '/run' });
  await checked(t, withSockets([relative], 1), [`fd[5]:${PATH}`]);
  // As long as sun_path: the kernel takes it without a zero behind it.
  const longest = `/run/${'x'.repeat(103)}`;
  const long = unix(20, 500, 0, { ...LISTENER, name: Buffer.from(longest) });
  await checked(t, withSockets([long], 1), [`fd[5]:${longest}`]);
});

test('a datagram socket without a port is named by its inode alone', async (t) => {
  const images = withSockets([inet(20, 500, { type: 2, proto: 17, state: 7, src_port: 0, src_addr: [0] })], 1);
  const { plan } = await checked(t, images, ['fd[5]:socket:[500]']);
  t.is(plan.placeholders[0]?.was.key, 'socket:[500]');
  t.is((await refusal(t, images, { specs: ['fd[5]:udp:0.0.0.0:0'] })).code, 'SPEC_UNMATCHED');
});

test('an inet socket is named by the address that it receives at, a connection by both', async (t) => {
  const remote = { state: 1, dst_port: 4000, dst_addr: [0x0200007f] };
  const v6 = { family: 10, src_addr: [0, 0, 0, 0x01000000], dst_addr: [0, 0, 0, 0] };
  const sockets = [
    inet(20, 500, {}),
    inet(21, 501, remote),
    inet(22, 502, { type: 2, proto: 17, state: 7 }),
    inet(23, 503, v6),
  ];
  const images = withSockets(sockets, 4);
  for (const [key, id, state] of [
    ['tcp:127.0.0.1:80', 20, 'LISTENING'],
    ['tcp:127.0.0.1:80-127.0.0.2:4000', 21, 'CONNECTED'],
    ['udp:127.0.0.1:80', 22, 'UNCONNECTED'],
    ['tcp:[0::1]:80', 23, 'LISTENING'],
    ['socket:[503]', 23, 'LISTENING'],
  ] as const) {
    const { plan } = await checked(t, images, [`fd[5]:${key}`]);
    t.like(plan.placeholders, [{ file_id: id, kind: { socket: { state } } }], key);
    t.is(plan.placeholders.length, 1, key);
  }
});

test('a datagram socket is connected if it has a peer, or had one that is closed', async (t) => {
  const bound = Buffer.from('/run/log\0');
  const sockets = [
    unix(20, 500, 501, { type: 2, state: 1 }),
    unix(21, 501, 0, { type: 2, state: 1, name: bound }),
    unix(22, 502, 0, { type: 2, state: 1 }),
    unix(23, 503, 0, { type: 2, state: 7 }),
    unix(24, 504, 505, { type: 2, state: 7, uflags: 0 }),
    unix(25, 505, 0, { type: 2, state: 7, name: Buffer.from('/run/old\0') }),
  ];
  const keys = sockets.map((_, i) => `fd[${5 + i}]:socket:[${500 + i}]`);
  const { plan } = await checked(t, withSockets(sockets, sockets.length), keys);
  t.deepEqual(
    plan.placeholders.map(({ kind }) => kind?.socket?.state),
    ['CONNECTED', 'UNCONNECTED', 'CONNECTED', 'UNCONNECTED', 'CONNECTED', 'UNCONNECTED'],
  );
});

test('both ends of a pair go together, and one alone is refused', async (t) => {
  const images = withSockets([unix(20, 500, 501, STREAM), unix(21, 501, 500, STREAM)], 2);
  const { plan } = await checked(t, images, ['fd[5]:socket:[500]', 'fd[6]:socket:[501]']);
  t.deepEqual(
    plan.placeholders.map(({ file_id }) => file_id),
    [20, 21],
  );
  const error = await refusal(t, images, { specs: ['fd[5]:socket:[500]'] });
  t.like(error, { code: 'DESCRIPTOR_TIED', exitCode: 2, file: 'files.img', entry: 4 });
  t.regex(error.message, /socket:\[500\] \(file id 20\), one end of a pair.*file id 21/);
});

test('a socket whose peer is outside goes alone, and the entry of the peer stays', async (t) => {
  const outer = unix(21, 501, 500, { ...STREAM, uflags: 1 });
  const { out } = await checked(t, withSockets([unix(20, 500, 501, STREAM), outer], 1), ['fd[5]:socket:[500]']);
  t.is(readImage(out, 'files.img').records.at(-1)?.fields.type, 'UNIXSK');
});

test('the name of a stand-in is compared if a socket can have it', async (t) => {
  const longest = Buffer.concat([Buffer.alloc(1), Buffer.alloc(107, 'x')]);
  // Bound from its directory.
  const directory = Buffer.from(`/${'d'.repeat(120)}`);
  for (const [named, key, expected] of [
    [{ name: longest }, `@${'x'.repeat(107)}`, longest],
    [{ name: Buffer.from('s\0'), name_dir: directory }, `${directory}/s`, undefined],
  ] as const) {
    const entries = [unix(20, 500, 0, { ...DATAGRAM, ...named }), unix(21, 501, 500, DATAGRAM)];
    const { plan } = await rewriteImages(t, withSockets(entries, 2), { specs: [`fd[5]:${key}`] });
    t.is(plan.placeholders[0]?.stand_in, 22);
    t.deepEqual(plan.placeholders[0]?.kind?.socket?.name, expected);
  }
});

test('accepted ends that stay lose the name of their listener', async (t) => {
  const perms = { file_perms: { mode: 0o140755, uid: 0, gid: 0 } };
  const entries = [
    unix(20, 500, 0, { ...LISTENER, name, ...perms }),
    unix(21, 501, 502, { ...STREAM, name, ...perms }),
    unix(22, 502, 501, STREAM),
    unix(23, 503, 504, { ...STREAM, name: Buffer.from('/run/other\0'), ...perms }),
    unix(24, 504, 503, STREAM),
  ];
  const { plan } = await checked(t, withSockets(entries, 5), [`fd[5]:${PATH}`]);
  t.deepEqual(plan.placeholders[0]?.unnamed, [21]);
  t.true(plan.warnings.some(({ code }) => code === 'ACCEPTED_UNNAMED'));
});

const socketsOf = (out: string) =>
  new Map(
    readImage(out, 'files.img').records.map(({ fields }) => [fields.id, fields.usk as { [field: string]: unknown }]),
  );

test('a name that was removed: what stands in for it or loses it is no longer removed', async (t) => {
  const gone = { name, deleted: true };
  const accepted = [
    unix(20, 500, 0, { ...LISTENER, ...gone }),
    unix(21, 501, 502, { ...STREAM, ...gone }),
    unix(22, 502, 501, STREAM),
  ];
  const one = await checked(t, withSockets(accepted, 3), ['fd[5]:socket:[500]']);
  t.deepEqual(one.plan.placeholders[0]?.unnamed, [21]);
  t.is(socketsOf(one.out).get(21)?.deleted, undefined);
  const hungUp = await checked(t, withSockets(accepted, 3), [{ inherit: 'fd[5]:socket:[502]', peer: 'hangup' }]);
  t.deepEqual(hungUp.plan.placeholders[0]?.hung_up, [21]);
  t.is(socketsOf(hungUp.out).get(21)?.deleted, undefined);
  const served = [unix(20, 500, 0, { ...DATAGRAM, ...gone }), unix(21, 501, 500, DATAGRAM)];
  const two = await checked(t, withSockets(served, 2), ['fd[5]:socket:[500]']);
  t.is(two.plan.placeholders[0]?.stand_in, 22);
  const standIn = socketsOf(two.out).get(22);
  t.like(standIn, { uflags: 1, deleted: undefined });
  t.deepEqual(standIn?.name, name);
});

const GONE = { name, deleted: true };
const RIVALS: [string, object, object, boolean][] = [
  ['a listener whose path was removed', { name }, { ...LISTENER, ...GONE }, true],
  [
    'the same by a relative path',
    { name },
    { ...LISTENER, ...GONE, name: Buffer.from('app.sock\0'), name_dir: '/run' },
    true,
  ],
  ['a datagram socket whose path was removed', { name }, { ...DATAGRAM, ...GONE }, true],
  ['an accepted end, beside a datagram socket', { ...DATAGRAM, name }, { ...STREAM, ...GONE }, true],
  ['an accepted end, which loses its name', { name }, { ...STREAM, ...GONE }, false],
  ['another path', { name }, { ...LISTENER, name: Buffer.from('/run/other\0'), deleted: true }, false],
  ['another mount', { name, mnt_id: 5 }, { ...LISTENER, ...GONE, mnt_id: 6 }, false],
  ['an abstract name', { name: Buffer.from('\0app') }, { ...LISTENER, name: Buffer.from('\0app') }, false],
  ['a path that the named one has lost', { ...GONE }, { ...LISTENER, name }, false],
  ['a peer outside', { name }, { ...LISTENER, ...GONE, uflags: 1 }, false],
];
for (const [title, own, other, isTold] of RIVALS) {
  test(`a socket that stays, ${title}: ${isTold ? 'a' : 'no'} warning that CRIU removes the path`, async (t) => {
    const images = withSockets([unix(20, 500, 0, { ...LISTENER, ...own }), unix(21, 501, 0, other)], 2);
    const { plan } = await checked(t, images, [BY_NUMBER]);
    const told = plan.warnings.filter(({ code }) => code === 'PATH_REMOVED');
    t.deepEqual(
      told.map(({ file_id }) => file_id),
      isTold ? [20] : [],
    );
    const both = await checked(t, images, [BY_NUMBER, 'fd[6]:/proc/8/fd/11']);
    t.false(both.plan.warnings.some(({ code }) => code === 'PATH_REMOVED'));
  });
}

test('many sockets of one path, of which some go, cost no product of both', async (t) => {
  const [going, staying] = [2_000, 60_000];
  const sockets = Array.from({ length: going + staying }, (_none, i) =>
    unix(1_000 + i, 10_000 + i, 0, { ...LISTENER, ...(i < going ? { name } : GONE) }),
  );
  const specs = sockets.slice(0, going).map((_socket, i) => `fd[5]:/proc/8/fd/${10 + i}`);
  const { plan } = await rewriteImages(t, withSockets(sockets, going), { specs });
  const told = plan.warnings.filter(({ code }) => code === 'PATH_REMOVED');
  t.is(told.length, going);
  t.true(
    told.every(({ message }) => message.includes(`(file id ${1_000 + going})`)),
    told[0]?.message,
  );
});

test('clients cannot connect again to a path that CRIU removes', async (t) => {
  for (const [own, other] of [
    [{ name }, GONE],
    [GONE, { name }],
  ]) {
    const images = withSockets(
      [
        unix(20, 500, 0, { ...DATAGRAM, ...own }),
        unix(21, 501, 500, DATAGRAM),
        unix(22, 502, 0, { ...DATAGRAM, ...other }),
      ],
      3,
    );
    const { code, message } = await refusal(t, images, { specs: ['fd[5]:socket:[500]'] });
    t.is(code, 'DESCRIPTOR_TIED');
    t.regex(message, /a client that stays .* another one of that path \(file id 22\)/);
    await checked(t, images, ['fd[5]:socket:[500]', 'fd[6]:socket:[501]']);
    await checked(t, images, ['fd[5]:socket:[500]', 'fd[6]:socket:[502]']);
  }
});

test('clients that stay connect to a stand-in, which comes before the first of them', async (t) => {
  const server = unix(20, 500, 0, { ...DATAGRAM, name });
  const client = (id: number, ino: number) => unix(id, ino, 500, DATAGRAM);
  for (const entries of [
    [server, client(21, 501), client(22, 502)],
    [client(21, 501), server, client(22, 502)],
  ]) {
    const { plan, next } = await checked(t, withSockets(entries, 3), [`fd[5]:${PATH}`]);
    t.like(plan.placeholders[0], { file_id: 20, stand_in: 23, kind: { socket: { name: Buffer.from(PATH) } } });
    t.true(plan.warnings.some(({ code }) => code === 'CLIENTS_CONNECT_AGAIN'));
    t.true(JSON.stringify(next).includes('--ext-unix-sk'));
  }
  const all = [`fd[5]:${PATH}`, 'fd[6]:socket:[501]', 'fd[7]:socket:[502]'];
  const { plan } = await checked(t, withSockets([server, client(21, 501), client(22, 502)], 3), all);
  t.is(plan.placeholders[0]?.stand_in, undefined, 'no client stays');
  const nameless = withSockets([unix(20, 500, 0, DATAGRAM), client(21, 501)], 2);
  t.regex((await refusal(t, nameless, { specs: ['fd[5]:socket:[500]'] })).message, /no name that it could connect to/);
});

test('a path that clients connect to is one below the root of their container', async (t) => {
  const entries = (own: Buffer) => [
    unix(20, 500, 0, { ...DATAGRAM, name: own, mnt_id: 6 }),
    unix(21, 501, 500, DATAGRAM),
  ];
  const mounts = { 'mountpoints-9.img': [mountOf(6, 42)] };
  for (const [own, more, isTold] of [
    [name, mounts, true],
    [name, {}, false],
    [Buffer.from('\0app'), mounts, false],
  ] as const) {
    const { plan } = await checked(t, withSockets(entries(own), 2, more), ['fd[5]:socket:[500]']);
    const [told] = plan.warnings.filter(({ code }) => code === 'CLIENTS_CONNECT_AGAIN');
    t.is(/below the root of the container .*mountpoints-9\.img: chroot/.test(told?.message ?? ''), isTold);
  }
});

test('a client that goes leaves the socket that it was connected to without what it sends', async (t) => {
  const receiver = unix(20, 500, 0, { ...DATAGRAM, name });
  const sender = unix(21, 501, 500, DATAGRAM);
  const listener = unix(22, 502, 0, { ...LISTENER, name: Buffer.from('/run/other\0') });
  const waiting = unix(23, 503, 502, STREAM);
  const [one, two] = [unix(24, 504, 505, STREAM), unix(25, 505, 504, STREAM)];
  const images = withSockets([receiver, sender, listener, waiting, one, two], 6);
  const told = async (...inodes: number[]) => {
    const { plan } = await checked(
      t,
      images,
      inodes.map((inode, i) => `fd[${5 + i}]:socket:[${inode}]`),
    );
    return plan.warnings.flatMap(({ code, file_id, message }) =>
      code === 'SERVER_STAYS' ? [[file_id, /\(file id (\d+)\) stays/.exec(message)?.[1]]] : [],
    );
  };
  t.deepEqual(await told(501), [[21, '20']]);
  t.deepEqual(await told(503), [[23, '22']]);
  t.deepEqual(await told(500, 501, 502, 503, 504, 505), []);
  t.deepEqual(await told(504, 505), []);
});

test('a dump with a network namespace: the addresses of the caller are those of another', async (t) => {
  const sockets = [
    inet(20, 500, {}),
    inet(21, 501, { state: 1, dst_port: 4000, dst_addr: [0x0200007f] }),
    inet(22, 502, { type: 2, proto: 17, state: 7 }),
    unix(23, 503, 0, { ...LISTENER, name: Buffer.from('\0app') }),
    unix(24, 504, 0, { ...LISTENER, name }),
  ];
  const keys = sockets.map((_, i) => `fd[${5 + i}]:socket:[${500 + i}]`);
  const warned = async (specs: string[], images: Images) =>
    (await checked(t, images, specs)).plan.warnings.filter(({ code }) => code === 'OWN_NETWORK_NAMESPACE');
  const own = withSockets(sockets, sockets.length, { 'netns-10.img': [{}], 'netns-11.img': [{}] });
  const [warning, ...others] = await warned(keys, own);
  t.regex(warning?.message ?? '', /netns-10\.img.* as tcp:127\.0\.0\.1:80, udp:127\.0\.0\.1:80, @app; if/);
  t.deepEqual(others, []);
  t.deepEqual(await warned([keys[1], keys[4]] as string[], own), []);
  t.deepEqual(await warned(keys, withSockets(sockets, sockets.length)), []);
});

test('no client stays of a socket whose name goes with a tmpfs of the dump', async (t) => {
  const { 'mountpoints-9.img': mounts, 'tmpfs-dev-41.tar.gz.img': archive } = inTmpfs({}) as Images;
  const more: Images = { 'mountpoints-9.img': mounts as object[], 'tmpfs-dev-41.tar.gz.img': archive as Buffer };
  const server = (mnt_id: number) => unix(20, 500, 0, { ...DATAGRAM, name, mnt_id });
  const client = unix(21, 501, 500, DATAGRAM);
  const specs = [`fd[5]:${PATH}`];
  const error = await refusal(t, withSockets([server(5), client], 2, more), { specs });
  t.like(error, { code: 'DESCRIPTOR_TIED', file: 'files.img' });
  t.regex(error.message, /a client that stays in the tree \(file id 21\), and CRIU makes the tmpfs with its name anew/);
  await checked(t, withSockets([server(6), client], 2, more), specs);
  await checked(t, withSockets([server(5), client], 2, more), [...specs, 'fd[6]:socket:[501]']);
});

test('what a queue holds is refused, or dropped as asked, its record and bytes with it', async (t) => {
  const packets = queues(packet(20, 'abc'), packet(9, 'other'), packet(20, 'de'));
  const images = withSockets([unix(20, 500, 99, STREAM), unix(9, 509, 98, STREAM)], 2, packets);
  const error = await refusal(t, images, { specs: ['fd[5]:socket:[500]'] });
  t.like(error, { code: 'BYTES_IN_FLIGHT', file: 'sk-queues.img', entry: 0 });
  for (const [inFlight, text] of [
    ['fail', /has inFlight fail/],
    ['replay', /CRIU would fill the queue of its own socket/],
  ] as const) {
    const spec = { inherit: 'fd[5]:socket:[500]', inFlight };
    const asked = await refusal(t, images, { specs: [spec], dropInFlight: true });
    t.like(asked, { code: 'BYTES_IN_FLIGHT', file: 'sk-queues.img', entry: 0 });
    t.regex(asked.message, text);
  }
  const { plan, out } = await checked(t, images, [{ inherit: 'fd[5]:socket:[500]', inFlight: 'drop' }]);
  t.deepEqual(
    plan.placeholders[0]?.in_flight.map(({ image, bytes, fate }) => [image, bytes, fate]),
    [
      ['sk-queues.img', 3, 'DROP'],
      ['sk-queues.img', 2, 'DROP'],
    ],
  );
  const left = queues(packet(9, 'other'))['sk-queues.img'];
  t.deepEqual(fs.readFileSync(path.join(out, 'sk-queues.img')), left);
  const rights = queues(packet(20, 'x', [2]));
  const held = withSockets([unix(20, 500, 99, STREAM)], 1, rights);
  const tied = await refusal(t, held, { specs: [{ inherit: 'fd[5]:socket:[500]', inFlight: 'drop' }] });
  t.like(tied, { code: 'DESCRIPTOR_TIED', file: 'sk-queues.img', entry: 0 });
});

/** sk-queues.img with these packets. */
function queues(...packets: readonly { extra: Buffer }[]): { 'sk-queues.img': Buffer } {
  return { 'sk-queues.img': encodeImage('sk-queues.img', packets, { extras: packets.map(({ extra }) => extra) }) };
}

function packet(id_for: number, text: string, rights: readonly number[] = []) {
  const scm = rights.length === 0 ? [] : [{ type: 1, rights }];
  return { id_for, length: text.length, scm, extra: Buffer.from(text) };
}

test('what the queues of a connection hold is refused, or dropped as asked', async (t) => {
  const connection = inet(20, 0x1f4, { state: 1, dst_port: 4000, dst_addr: [0x0200007f] });
  const stream = { inq_len: 2, inq_seq: 1, outq_len: 3, outq_seq: 1, opt_mask: 0, snd_wscale: 0, mss_clamp: 0 };
  const images = withSockets([connection], 1, {
    'tcp-stream-1f4.img': encodeImage('tcp-stream-1f4.img', [stream], { extras: [Buffer.from('inout')] }),
  });
  const error = await refusal(t, images, { specs: ['fd[5]:socket:[500]'] });
  t.like(error, { code: 'BYTES_IN_FLIGHT', file: 'tcp-stream-1f4.img', entry: 0 });
  const { plan } = await checked(t, images, [{ inherit: 'fd[5]:socket:[500]', inFlight: 'drop' }]);
  t.deepEqual(
    plan.placeholders[0]?.in_flight.map(({ image, bytes, fate }) => [image, bytes, fate]),
    [['tcp-stream-1f4.img', 5, 'DROP']],
  );
  t.true(plan.warnings.some(({ code }) => code === 'CONNECTION_LEFT'));
});

test('what needs a file that can be opened again is refused', async (t) => {
  const images = withSockets([unix(20, 500, 0, { ...LISTENER, name })], 1);
  for (const [options, text] of [
    [{ apply: 'reopen' }, 'apply reopen'],
    [{ position: 'end' }, 'position end'],
    [{ truncate: true }, 'truncate: true'],
  ] as const) {
    const error = await refusal(t, images, { specs: [{ inherit: `fd[5]:${PATH}`, ...options }] });
    t.like(error, { code: 'SPEC_UNSUPPORTED', file: 'files.img', entry: 4 });
    t.true(error.message.includes(`has ${text}, and ${PATH} (file id 20) is a listening unix stream socket`));
  }
});

test('what no shell opens is named with what it has to be, and has no redirection', async (t) => {
  const images = withSockets([unix(20, 500, 0, { ...LISTENER, name })], 1);
  const result = await rewriteImages(t, images, { specs: [`fd[5]:${PATH}`, 'fd[6]:pipe:[4711]'] });
  t.deepEqual(result.next?.redirections, [{ fd: 6, operator: '>' }]);
  t.regex(
    rewriteText(result),
    /criu restore -D \S+ 6>FILE6\n {4}have these descriptors open when you start it: 5: a listening unix stream socket\n/,
  );
});

test('names and addresses that no socket has are no keys, and hurt nothing', async (t) => {
  const long = Buffer.alloc(1 << 20, 'x');
  const entries = [
    unix(20, 500, 0, { ...LISTENER, name: long }),
    unix(21, 501, 0, { ...LISTENER, name: Buffer.from('a\0'), name_dir: long.toString() }),
    inet(22, 502, { src_addr: [1, 2] }),
    inet(23, 503, { src_addr: [] }),
    inet(24, 504, { proto: 99 }),
  ];
  for (const [i, inode] of [500, 501, 502, 503, 504].entries()) {
    const { plan } = await checked(t, withSockets(entries, 5), [`fd[5]:socket:[${inode}]`]);
    t.like(plan.placeholders, [{ file_id: 20 + i, was: { key: `socket:[${inode}]` } }]);
  }
  const directory = `/${'d'.repeat(200)}`;
  const server = unix(20, 500, 0, { ...DATAGRAM, name: Buffer.from('a\0'), name_dir: directory });
  const { plan } = await checked(t, withSockets([server, unix(21, 501, 500, DATAGRAM)], 2), [`fd[5]:${directory}/a`]);
  t.is(plan.placeholders[0]?.stand_in, 22);
  t.is(plan.placeholders[0]?.kind?.socket?.name, undefined);
});

test('the end that stays of a pair loses its peer where a spec says hangup', async (t) => {
  const [going, staying] = [unix(20, 500, 501, STREAM), unix(21, 501, 500, STREAM)];
  const hangup = { inherit: 'fd[5]:socket:[500]', peer: 'hangup' } as const;
  for (const entries of [
    [going, staying],
    [staying, going],
  ]) {
    const { plan, out } = await checked(t, withSockets(entries, 2), [hangup]);
    t.like(plan.placeholders, [{ file_id: 20, hung_up: [21] }]);
    t.is(plan.placeholders.length, 1);
    const left = readImage(out, 'files.img').records.find(({ fields }) => fields.id === 21);
    t.like(left?.fields.usk as object, { peer: 0, shutdown: 'BOTH', ino: 501, state: 1 });
    const warning = plan.warnings.find(({ code }) => code === 'PEER_HUNG_UP');
    t.regex(warning?.message ?? '', /other end of the pair stays \(file id 21\).*then the end of the file.*EPIPE/);
  }
  const { plan } = await checked(t, withSockets([going, staying], 2), [hangup, 'fd[6]:socket:[501]']);
  t.is(plan.placeholders[0]?.hung_up, undefined, 'both go');
  const outer = unix(21, 501, 500, { ...STREAM, uflags: 1 });
  const alone = await checked(t, withSockets([going, outer], 1), [hangup]);
  t.is(alone.plan.placeholders[0]?.hung_up, undefined, 'the other end is outside');
});

test('an accepted end loses its name and its peer at once', async (t) => {
  const perms = { file_perms: { mode: 0o140755, uid: 0, gid: 0 } };
  const shut = { ...STREAM, name, ...perms, shutdown: 1 };
  const entries = [
    unix(20, 500, 0, { ...LISTENER, name, ...perms }),
    unix(22, 502, 501, STREAM),
    unix(21, 501, 502, shut),
  ];
  const specs = [`fd[5]:${PATH}`, { inherit: 'fd[6]:socket:[502]', peer: 'hangup' as const }];
  const { plan, out, source } = await checked(t, withSockets(entries, 3), specs);
  t.like(plan.placeholders, [
    { file_id: 20, unnamed: [21] },
    { file_id: 22, hung_up: [21] },
  ]);
  const left = readImage(out, 'files.img').records.find(({ fields }) => fields.id === 21);
  t.like(left?.fields.usk as object, { peer: 0, shutdown: 'BOTH', name: Buffer.alloc(0) });
  for (const lie of [
    { ...plan, placeholders: plan.placeholders.map(({ hung_up: _hung_up, ...rest }) => rest) },
    { ...plan, placeholders: plan.placeholders.map(({ unnamed: _unnamed, ...rest }) => rest) },
  ]) {
    const result = await diff(await openSource(source), await openSource(out), { plan: lie });
    t.is(result.unexplained, 1, 'a plan that tells only half of it');
    result.close();
  }
  const more = { ...plan, placeholders: plan.placeholders.map((one) => ({ ...one, hung_up: [21, 9] })) };
  const result = await diff(await openSource(source), await openSource(out), { plan: more });
  t.regex(result.misfits.join(), /file id 9/);
  result.close();
});

test('bytes of both queues of a pair that is hung up', async (t) => {
  const packets = queues(packet(21, 'kept'), packet(20, 'lost'));
  const pair = [unix(20, 500, 501, STREAM), unix(21, 501, 500, STREAM)];
  const images = withSockets(pair, 2, packets);
  const hangup = { inherit: 'fd[5]:socket:[500]', peer: 'hangup' } as const;
  t.like(await refusal(t, images, { specs: [hangup] }), { code: 'BYTES_IN_FLIGHT', file: 'sk-queues.img', entry: 1 });
  const { out } = await checked(t, images, [{ ...hangup, inFlight: 'drop' }]);
  t.deepEqual(fs.readFileSync(path.join(out, 'sk-queues.img')), queues(packet(21, 'kept'))['sk-queues.img']);
  const long = queues(packet(21, 'kept'), packet(20, 'lost'.repeat(1 << 20)), packet(21, 'more'.repeat(1 << 20)));
  const left = await checked(t, withSockets(pair, 2, long), [{ ...hangup, inFlight: 'drop' }]);
  const kept = queues(packet(21, 'kept'), packet(21, 'more'.repeat(1 << 20)))['sk-queues.img'] as Buffer;
  t.true(fs.readFileSync(path.join(left.out, 'sk-queues.img')).equals(kept), 'bytes that are read piece by piece');
});

test('of a socket whose descriptors go to several caller fds, the first one has what the socket leaves', async (t) => {
  const pair = [unix(20, 500, 501, STREAM), unix(21, 501, 500, STREAM)];
  const images = withSockets(pair, 2, {
    'fdinfo-1.img': [descriptor(20, 10, 'UNIXSK')],
    ...queues(packet(20, 'lost')),
  });
  const [first, second] = [
    { inherit: 'fd[5]:/proc/8/fd/10', only: true, inFlight: 'drop' },
    { inherit: 'fd[6]:/proc/7/fd/10', only: true, inFlight: 'drop' },
  ] as const;
  const hangup = { peer: 'hangup' } as const;
  for (const specs of [
    [{ ...first, ...hangup }, second],
    [first, { ...second, ...hangup }],
  ]) {
    const { plan } = await checked(t, images, specs);
    t.deepEqual(
      plan.placeholders.map(({ file_id, split_from, caller_fd, hung_up, in_flight }) => [
        ...[file_id, split_from, caller_fd, hung_up, in_flight.length],
      ]),
      [
        [20, undefined, 5, [21], 1],
        [22, 20, 6, undefined, 0],
      ],
    );
  }
  const tied = await refusal(t, images, { specs: [first, second] });
  t.like(tied, { code: 'DESCRIPTOR_TIED', exitCode: 2 });
  t.regex(tied.message, /\/proc\/8\/fd\/10/);
  const failing = await refusal(t, images, {
    specs: [
      { ...first, ...hangup },
      { ...second, inFlight: 'fail' },
    ],
  });
  t.like(failing, { code: 'BYTES_IN_FLIGHT', file: 'sk-queues.img', entry: 0 });
  t.regex(failing.message, /\/proc\/7\/fd\/10' has inFlight fail/);
});

test('a socket that keeps a descriptor keeps its peer and its queue', async (t) => {
  const pair = [unix(20, 500, 501, STREAM), unix(21, 501, 500, STREAM)];
  const images = withSockets(pair, 2, {
    'fdinfo-1.img': [descriptor(20, 10, 'UNIXSK')],
    ...queues(packet(20, 'kept', [2])),
  });
  const one = { inherit: 'fd[5]:/proc/8/fd/10', only: true } as const;
  const { plan, out } = await checked(t, images, [one]);
  t.like(plan.placeholders, [{ file_id: 22, split_from: 20, in_flight: [] }]);
  t.is(plan.placeholders[0]?.hung_up, undefined);
  t.deepEqual(fs.readFileSync(path.join(out, 'sk-queues.img')), images['sk-queues.img']);
  for (const kept of [images, withSockets(pair, 2, queues(packet(21, 'in a queue', [20])))]) {
    const error = await refusal(t, kept, { specs: [{ ...one, peer: 'hangup' }] });
    t.like(error, { code: 'SPEC_UNSUPPORTED', file: 'files.img', entry: 4, exitCode: 2 });
    t.regex(
      error.message,
      /peer hangup, and socket:\[500\] \(file id 20\) stays for a descriptor, SCM right or other reference that no spec takes/,
    );
  }
});

test('what cannot be hung up is refused with the reason', async (t) => {
  const pair = (more: object) => [unix(20, 500, 501, more), unix(21, 501, 500, more)];
  const refused = async (entries: readonly Entry[], held: number, key: string, pattern: RegExp) => {
    const specs = [{ inherit: `fd[5]:${key}`, peer: 'hangup' } as const];
    const error = await refusal(t, withSockets(entries, held), { specs });
    t.like(error, { exitCode: 2, file: 'files.img' });
    t.regex(`${error.message}; ${error.hint}`, pattern);
  };
  const datagrams = pair({ ...DATAGRAM, state: 1 });
  await refused(
    datagrams,
    2,
    'socket:[500]',
    /peer hangup, .* is a connected unix datagram socket: CRIU.*leave peer out/,
  );
  await refused(pair({ type: 5, state: 1 }), 2, 'socket:[500]', /is a connected unix seqpacket socket/);
  await refused([unix(20, 500, 0, { ...LISTENER, name })], 1, PATH, /is a listening unix stream socket/);
  await refused([inet(20, 500, {})], 1, 'tcp:127.0.0.1:80', /is a listening IPv4 stream socket/);
  const connection = inet(20, 500, { state: 1, dst_port: 4000, dst_addr: [0x0200007f] });
  await refused([connection], 1, 'socket:[500]', /is a connected IPv4 stream socket/);
  await refused([], 0, 'pipe:[4711]', /pipe:\[4711\] \(file id 2\) is of type PIPE/);
  // The other end is no socket that CRIU would restore so.
  const odd = [unix(20, 500, 501, STREAM), unix(21, 501, 500, { type: 1, state: 7 })];
  await refused(
    odd,
    2,
    'socket:[500]',
    /one end of a pair .*name both ends, each with a socket of your own \([^)]*\)$/,
  );
  const specs = ['fd[5]:socket:[500]'];
  const error = await refusal(t, withSockets(pair(STREAM), 2), { specs });
  t.regex(error.hint ?? '', /, or hang up the other end by the option peer hangup of --specs$/);
});

test('a spec sets O_NONBLOCK where the entry had it', async (t) => {
  const more = { ...LISTENER, name, flags: 0o4002 };
  const images = withSockets([unix(20, 500, 0, more), unix(21, 501, 0, { ...LISTENER, name: Buffer.from('/b\0') })], 2);
  const specs = [PATH, '/b'].map((key, i) => ({ inherit: `fd[${5 + i}]:${key}`, nonblock: true }));
  const result = await checked(t, images, specs);
  t.deepEqual(
    result.plan.placeholders.map(({ set_nonblock }) => set_nonblock),
    [true, undefined],
  );
  t.regex(rewriteText(result), /O_NONBLOCK set/);
  const { plan } = await checked(t, images, [`fd[5]:${PATH}`]);
  t.is(plan.placeholders[0]?.set_nonblock, undefined);
});

test('O_NONBLOCK is nothing for a directory or an open file of its own', async (t) => {
  const directory = {
    type: 'REG',
    id: 20,
    reg: { id: 20, flags: 0o200000, pos: '0', fown: NO_OWNER, name: 'srv', mode: 0o40755 },
  };
  const error = await refusal(t, withSockets([directory], 1), { specs: [{ inherit: 'fd[5]:/srv', nonblock: true }] });
  t.regex(error.message, /has nonblock: true, and \/srv\/ \(file id 20\) is a directory/);
  for (const options of [{ apply: 'reopen' }, { position: 'saved' }] as const) {
    const spec = { inherit: 'fd[5]:pipe:[4711]', nonblock: true, ...options };
    const syntax = await refusal(t, smallWith({}), { specs: [spec] });
    t.like(syntax, { code: 'SPEC_SYNTAX' });
    t.regex(
      `${syntax.message}; ${syntax.hint}`,
      /has nonblock: true and (apply reopen|position saved).*leave nonblock out/,
    );
  }
});

const abstractSocket = unix(20, 500, 0, { ...LISTENER, name: Buffer.from('\0app-server') });
const listening = inet(20, 500, {});
const connection = inet(20, 500, { state: 1, dst_port: 4000, dst_addr: [0x0200007f] });
const pathSocket = unix(20, 500, 0, { ...LISTENER, name });
const memfds = { 'memfd.img': [memfdInode(7, 'scratch'), memfdInode(8, 'closed')] };
const memfd = { type: 'MEMFD', id: 20, memfd: { id: 20, flags: 2, pos: 0, fown: NO_OWNER, inode_id: 7 } };

function memfdInode(inode_id: number, of: string): Record {
  return { name: Buffer.from(of), uid: 0, gid: 0, size: 0, shmid: 0, seals: 0, inode_id };
}

const NEAR: readonly [what: string, key: string, entries: readonly Entry[], held: number, near: RegExp][] = [
  ['a path with a letter too few', '/run/ap.sock', [pathSocket], 1, /did you mean \/run\/app\.sock\?/],
  ['another directory', '/srv/app.sock', [pathSocket], 1, /did you mean \/run\/app\.sock\?/],
  ['a socket by a glob', '/run/*.sock', [pathSocket], 1, /did you mean \/run\/app\.sock\? A glob matches no socket/],
  ['a socket by a glob alone', '*.sock', [pathSocket], 1, /did you mean \/run\/app\.sock\? A glob matches no socket/],
  ['no socket that is closed by a glob', '**/*.sock', [pathSocket], 0, /^(?!.*app\.sock\?)/s],
  ['an abstract name', '@app-sever', [abstractSocket], 1, /did you mean @app-server\?/],
  ['another host with the port', 'tcp:10.20.30.40:80', [listening], 1, /did you mean tcp:127\.0\.0\.1:80\?/],
  ['the other protocol', 'udp:127.0.0.1:80', [listening], 1, /did you mean tcp:127\.0\.0\.1:80\?/],
  ['another port', 'tcp:127.0.0.1:8', [listening], 1, /did you mean tcp:127\.0\.0\.1:80\?/],
  [
    'a connection by its own end',
    'tcp:127.0.0.1:80',
    [connection],
    1,
    /did you mean tcp:127\.0\.0\.1:80-127\.0\.0\.2:4000\?/,
  ],
  [
    'a connection by its far end first',
    'tcp:127.0.0.2:4000-127.0.0.1:80',
    [connection],
    1,
    /did you mean tcp:127\.0\.0\.1:80-127\.0\.0\.2:4000\?/,
  ],
  ['an inode in hexadecimal', 'socket:[1280]', [inet(20, 0x1280, {})], 1, /did you mean socket:\[4736\]\?/],
  ['a pipe', 'socket:[4711]', [pathSocket], 1, /did you mean pipe:\[4711\]\? 4711 is the number of a pipe/],
  [
    'a socket in the place of a pipe',
    'pipe:[500]',
    [pathSocket],
    1,
    /did you mean socket:\[500\]\? 500 is the number of a unix socket \(UNIXSK\)/,
  ],
  ['the sockets that there are', 'socket:[501]', [pathSocket], 1, /there is \/run\/app\.sock/],
  ['that there are none', 'tcp:127.0.0.1:80', [], 0, /no socket is open in the checkpoint/],
  ['no socket that nothing has open', '/run/ap.sock', [pathSocket], 0, /^(?!.*app\.sock\?)/s],
  ['the name of a memfd', '/memfd:scrath', [memfd], 1, /did you mean \/memfd:scratch\?/],
  ['the memfds that there are', '/memfd:other-name', [memfd], 1, /there is \/memfd:scratch$/m],
  ['that there is no memfd', 'memfd:x', [], 0, /no memfd is open in the checkpoint/],
];
for (const [what, key, entries, held, near] of NEAR) {
  test(`a key that names no socket or memfd is an error; it tells ${what}`, async (t) => {
    const images = withSockets(entries, held, memfds);
    const error = await refusal(t, images, { specs: [`fd[5]:${key}`] });
    t.like(error, { code: 'SPEC_UNMATCHED', exitCode: 1 });
    t.regex(error.message, near);
  });
}

test('a list names the peer of a socket, and that both ends go together', async (t) => {
  const outer = unix(23, 503, 504, STREAM);
  const entries = [
    unix(20, 500, 501, STREAM),
    unix(21, 501, 500, STREAM),
    outer,
    unix(24, 504, 503, { ...STREAM, uflags: 1 }),
  ];
  const { source } = await rewriteImages(t, withSockets(entries, 3), { specs: ['fd[5]:pipe:[4711]'], link: 'copy' });
  const text = new LsText((option) => option);
  const lines: string[] = [];
  for await (const entry of inspect(await openSource(source))) lines.push(...text.entry(entry));
  const all = [...lines, text.end()].join('');
  t.regex(all, /socket:\[500\]'.* peer socket:\[501\], needs a connected unix stream socket/);
  t.regex(all, /socket:\[503\]'.* peer outside, needs/);
  t.regex(text.remarks().join('\n'), /^a pair of unix sockets, .* needs both ends: .*peer hangup of --specs$/);
});

test('a socket that is its own peer is no pair', async (t) => {
  const { source } = await rewriteImages(t, withSockets([unix(20, 500, 500, DATAGRAM)], 1), {
    specs: ['fd[5]:pipe:[4711]'],
  });
  const text = new LsText((option) => option);
  const lines: string[] = [];
  for await (const entry of inspect(await openSource(source))) lines.push(...text.entry(entry));
  t.notRegex([...lines, text.end(), ...text.remarks()].join('\n'), / peer |a pair of/);
});

test('many sockets that claim one inode and many clients of it are not put together', async (t) => {
  const count = 300;
  const clients = Array.from({ length: count }, (_none, i) => unix(20 + i, 1000 + i, 7, DATAGRAM));
  const servers = Array.from({ length: count }, (_none, i) => unix(2000 + i, 7, 0, DATAGRAM));
  const source = await openSource(
    writeCheckpoint(temporaryDirectory(t), withSockets([...clients, ...servers], 2 * count)),
  );
  const matches = clients.map(({ id }) => ({ id, type: { name: 'UNIXSK' } }) as Match);
  const { of } = await findSocketPeers(source, matches);
  const peers = [...of.values()].flat();
  t.is(of.size, count);
  t.true(peers.every(({ is }) => is === 'server'));
  t.true(peers.length <= 2 * count, `${peers.length} peers`);
});
