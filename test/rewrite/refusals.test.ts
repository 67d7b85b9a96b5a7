import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { FdgraftError, openSource, rewrite } from '../../src';
import { hintGlobs } from '../../src/rewrite/near-misses/globs';
import { parseInheritSpec } from '../../src/specs/parse-spec';
import { atDepth } from '../support/depth';
import {
  descriptor,
  fileEntry,
  type Images,
  mapping,
  mmEntry,
  NO_OWNER,
  pipeEntry,
  smallCheckpoint,
  temporaryDirectory,
  writeCheckpoint,
} from '../support/directories';
import { encodeImage, uint32 } from '../support/images';
import { refusal, rewriteImages, smallWith } from '../support/rewriting';

const PIPE = 'fd[5]:pipe:[4711]';
const LOG = 'fd[7]:/var/log/app.log';
const VMA_ANON_SHARED = 256;

const NOT_SHARED: [string, Images][] = [
  ['the id of shared memory', { 'mm-8.img': [mmEntry(1, [mapping(3, VMA_ANON_SHARED)])] }],
  ['the number of a ghost', { 'remap-fpath.img': [{ orig_id: 1, remap_id: 3, remap_type: 'GHOST' }] }],
  ['the number of a ghost in an older dump', { 'remap-fpath.img': [{ orig_id: 1, remap_id: 2 ** 31 + 3 }] }],
  ['a pid', { 'remap-fpath.img': [{ orig_id: 1, remap_id: 3, remap_type: 'PROCFS' }] }],
];
for (const [what, images] of NOT_SHARED) {
  test(`${what} is not taken for a file id`, async (t) => {
    const { plan } = await rewriteImages(t, smallWith(images), { specs: [LOG] });
    t.is(plan.placeholders.length, 1);
  });
}

const socket = (id: number, ino: number) => ({
  type: 'UNIXSK',
  id,
  usk: {
    id,
    ino,
    type: 1,
    state: 1,
    flags: 0,
    uflags: 0,
    backlog: 0,
    peer: 0,
    fown: NO_OWNER,
    opts: { so_sndbuf: 0, so_rcvbuf: 0, so_snd_tmo_sec: 0, so_snd_tmo_usec: 0, so_rcv_tmo_sec: 0, so_rcv_tmo_usec: 0 },
    name: '',
  },
});
const directoryEntry = fileEntry(5, '/srv/data', 0, { mode: 0o040755 });
const NEAR: [string, string, object[], RegExp][] = [
  ['the inode of a socket', 'fd[5]:pipe:[99]', [socket(5, 99)], /99 is the number of a unix socket/],
  ['hexadecimal digits', 'fd[5]:pipe:[1267]', [], /did you mean pipe:\[4711\]/],
  ['the number without the brackets', 'fd[5]:pipe:99', [], /did you mean pipe:\[99\]\?/],
  ['the number of a pipe alone', 'fd[5]:4711', [], /did you mean pipe:\[4711\]\? 4711 is the number of a pipe/],
  ['a standard name', 'fd[5]:stdout', [], /did you mean \/proc\/\*\/fd\/1\? It names descriptor 1 of every task/],
  ['a descriptor', 'fd[5]:fd/3', [], /did you mean \/proc\/\*\/fd\/3\?/],
  ['the number of a descriptor alone', 'fd[5]:12', [], /did you mean \/proc\/\*\/fd\/12\?/],
  ['the pipes that there are', 'fd[5]:pipe:[99]', [], /there is pipe:\[4711\]/],
  ['the end that is there', 'fd[5]:pipe:[4711]:read', [], /has no read end .* did you mean pipe:\[4711\]:write\?/],
  ['a path with a letter too few', 'fd[5]:/var/log/ap.log', [], /did you mean \/var\/log\/app\.log\?/],
  [
    'the external files that there are',
    'fd[5]:file[1:2]',
    [fileEntry(5, 'file[3:4]', 0, { ext: true })],
    /there is file\[3:4\]/,
  ],
  ['another directory', 'fd[5]:/log/app.log', [], /did you mean \/var\/log\/app\.log\?/],
  [
    'the inode on another mount',
    'fd[5]:file[1:2b]',
    [fileEntry(5, 'file[2:2b]', 0, { ext: true })],
    /did you mean file\[2:2b\]/,
  ],
  ['blanks', 'fd[5]: pipe:[4711]', [], /did you mean pipe:\[4711\]\? The key has a blank at its beginning/],
  ['a blank at the end', 'fd[5]:/var/log/app.log ', [], /did you mean \/var\/log\/app\.log\? .* blank at its end/],
  ['a standard stream as a device', 'fd[5]:/dev/stdout', [], /did you mean \/proc\/\*\/fd\/1\?/],
  ['a descriptor as a device', 'fd[5]:/dev/fd/3', [], /did you mean \/proc\/\*\/fd\/3\?/],
  [
    'a descriptor as fdgraft ls prints it',
    'fd[5]:7/3',
    [],
    /did you mean \/proc\/7\/fd\/3\? It names descriptor 3 of task 7/,
  ],
  ['a descriptor without its directory', 'fd[5]:/proc/7/3', [], /did you mean \/proc\/7\/fd\/3\?/],
  ['a glob without its directories', 'fd[5]:*.log', [], /did you mean \*\*\/\*\.log\? \* matches no slash, \*\* does/],
  ['a glob at the root alone', 'fd[5]:/*.log', [], /did you mean \/\*\*\/\*\.log\?/],
  [
    'a glob of directories',
    'fd[5]:/srv/*',
    [directoryEntry],
    /did you mean \/srv\/\*\/\? A slash at the end stands for/,
  ],
  ['a glob of files', 'fd[5]:/var/log/*/', [], /did you mean \/var\/log\/\*\?/],
  ['a name of directories', 'fd[5]:d*a', [directoryEntry], /did you mean \*\*\/d\*a\/\?/],
  [
    'a path that is read as a glob',
    'fd[5]:/srv/a[1].log',
    [fileEntry(5, '/srv/a[1].log', 1)],
    /did you mean \/srv\/a\\x5b1\]\.log\? With \*, \?, \[ or \{ a key is a glob/,
  ],
  ['slashes and dots too many', 'fd[5]:/var/./run/..//log/app.log', [], /did you mean \/var\/log\/app\.log\?/],
  ['a file as a directory', 'fd[5]:/var/log/app.log/', [], /did you mean \/var\/log\/app\.log\? A slash at the end/],
  ['another directory of that name', 'fd[5]:data/', [directoryEntry], /did you mean \/srv\/data\/\?/],
  ['two colons', 'fd[5]::/var/log/app.log', [], /did you mean \/var\/log\/app\.log\? One colon stands between/],
  [
    'a rotated file by its glob',
    'fd[5]:**/service.log',
    [fileEntry(5, '/srv/service.log.1', 1)],
    /did you mean \/srv\/service\.log\.1\? Its name goes on behind the glob/,
  ],
  [
    'a rotated file by a glob without its directories',
    'fd[5]:service.l*g',
    [fileEntry(5, '/srv/service.log-20260730.gz', 1)],
    /did you mean \/srv\/service\.log-20260730\.gz\? Its name goes on behind the glob/,
  ],
  ['an anonymous inode', 'fd[5]:anon_inode:[eventpoll]', [], /the key of an anonymous inode is \/proc\/PID\/fd\/N/],
  ['an anonymous inode without brackets', 'fd[5]:anon_inode:inotify', [], /the key of an anonymous inode is \/proc\//],
  ['a socket with brackets', 'fd[5]:unix:[99]', [socket(5, 99)], /did you mean socket:\[99\]\?/],
  ['a socket without brackets', 'fd[5]:unix:99', [socket(5, 99)], /did you mean socket:\[99\]\?/],
  ['an executable', 'fd[5]:/usr/bin/program', [], /only as the executable of task 7, but no descriptor/],
];
for (const [what, spec, more, near] of NEAR) {
  test(`a spec that matches nothing is an error; it tells ${what}`, async (t) => {
    const files = [
      fileEntry(1, '/usr/bin/program', 0),
      pipeEntry(2, 4711, 1),
      fileEntry(3, '/var/log/app.log', 1),
      fileEntry(4, '/', 0),
      ...more,
    ];
    const open = [2, 3, 5].map((id) => descriptor(id, id, id === 2 ? 'PIPE' : 'REG'));
    const error = await refusal(t, smallWith({ 'files.img': files, 'fdinfo-1.img': open }), { specs: [spec] });
    t.like(error, { code: 'SPEC_UNMATCHED', exitCode: 1 });
    t.true(error.message.includes(spec));
    t.regex(error.message, near);
  });
}

test('a hint is given once', async (t) => {
  for (const spec of ['fd[5]: /var/log/app.log', 'fd[5]:/var/log/app.log ', 'fd[5]::/var/log/app.log']) {
    const { message } = await refusal(t, smallCheckpoint(), { specs: [spec] });
    t.is(message.match(/did you mean \/var\/log\/app\.log/g)?.length, 1, message);
  }
});

test('the link of a removed file is told from what is open', async (t) => {
  const images = smallWith({
    'files.img': [
      fileEntry(1, '/usr/bin/program', 0),
      fileEntry(3, '/log', 1),
      fileEntry(5, '/link_remap.5', 1),
      fileEntry(4, '/', 0),
    ],
    'fdinfo-1.img': [descriptor(3, 3, 'REG')],
    'fdinfo-2.img': [],
    'remap-fpath.img': [{ orig_id: 3, remap_id: 5, remap_type: 'LINKED' }],
  });
  const error = await refusal(t, images, { specs: ['fd[5]:/link_remap.5'] });
  t.is(
    error.message.split('\n')[1],
    '  /link_remap.5 is there, only as the stand-in for a removed file, but no descriptor refers to it',
  );
});

test('what nothing holds open is not suggested, nor is a directory', async (t) => {
  const files = [
    fileEntry(1, '/srv/logs/oup.log', 0),
    pipeEntry(2, 4711, 1),
    fileEntry(3, '/srv/logs/oux.log', 1, { mode: 0o040755 }),
    pipeEntry(4, 4712, 1),
    fileEntry(5, '/srv/logs/o.log', 1),
  ];
  const table = [descriptor(2, 1, 'PIPE'), descriptor(3, 3, 'REG'), descriptor(5, 5, 'REG')];
  const images = smallWith({ 'files.img': files, 'fdinfo-1.img': table, 'fdinfo-2.img': [] });
  const error = await refusal(t, images, { specs: ['fd[5]:/srv/logs/ou.log', 'fd[6]:pipe:[1]'] });
  t.deepEqual(error.message.split('\n'), [
    "spec 'fd[5]:/srv/logs/ou.log' matches nothing",
    '  did you mean /srv/logs/o.log?',
    "spec 'fd[6]:pipe:[1]' matches nothing",
    '  there is pipe:[4711]',
  ]);
});

test('of more than ten pipes none is named', async (t) => {
  const pipes = Array.from({ length: 11 }, (_none, i) => pipeEntry(i + 10, i + 100, 1));
  const table = pipes.map(({ id }) => descriptor(id, id, 'PIPE'));
  const images = smallWith({ 'files.img': pipes, 'fdinfo-1.img': table, 'fdinfo-2.img': [] });
  const error = await refusal(t, images, { specs: ['fd[6]:pipe:[1]'] });
  t.is(error.message, "spec 'fd[6]:pipe:[1]' matches nothing");
});

test('descriptors that cannot be inherited are all told, each with the reason', async (t) => {
  const epoll = { type: 'EVENTPOLL', id: 9, epfd: { id: 9, flags: 2, fown: NO_OWNER } };
  const plugin = { type: 'EXT', id: 10, ext: { id: 10, fown: NO_OWNER } };
  const namespace = { type: 'NS', id: 11, nsf: { id: 11, ns_id: 5, ns_cflag: 1, flags: 0 } };
  const table = [descriptor(9, 0, 'EVENTPOLL'), descriptor(10, 1, 'EXT'), descriptor(11, 2, 'NS')];
  const images = smallWith({ 'files.img': [epoll, plugin, namespace], 'fdinfo-1.img': table, 'fdinfo-2.img': [] });
  const error = await refusal(t, images, { specs: ['fd[5]:/proc/7/fd/0', 'fd[6]:/proc/7/fd/1', 'fd[7]:/proc/7/fd/2'] });
  t.like(error, { code: 'SPEC_UNSUPPORTED', exitCode: 2 });
  const [first, hint, second, , third] = error.message.split('\n');
  t.regex(
    String(first),
    /^files\.img, entry 0: spec 'fd\[5\].* file id 9, an entry of type EVENTPOLL, .* the caller's epoll/,
  );
  t.notRegex(String(hint), /\*/, 'no key has a star');
  t.regex(String(second), /^files\.img, entry 1: .* file id 10, .* another plugin of CRIU dumped it and restores it/);
  t.regex(String(third), /^files\.img, entry 2: .* file id 11, .* not supported yet/);
  const star = await refusal(t, images, { specs: ['fd[5]:/proc/*/fd/0'] });
  t.regex(star.hint ?? '', /name the tasks one by one instead of \*/);
});

const UNUSABLE: [string, Images, string, RegExp][] = [
  [
    'a wrong type in a table',
    { 'fdinfo-2.img': [descriptor(2, 1, 'REG')] },
    'IMAGES_DISAGREE',
    /fdinfo-2\.img, entry 0, .*type REG for file id 2/,
  ],
  [
    'a file id used twice',
    { 'files.img': [pipeEntry(2, 4711, 1), pipeEntry(2, 4712, 1)] },
    'IMAGES_DISAGREE',
    /file id 2 is that of an earlier entry/,
  ],
  [
    'a version that is not there yet',
    { 'inventory.img': [{ img_version: 4, fdinfo_per_id: true }] },
    'LAYOUT_UNSUPPORTED',
    /inventory\.img, entry 0, field inventory_entry\.img_version: img_version 4 is newer than 3/,
  ],
  [
    'a version that never was',
    { 'inventory.img': [{ img_version: 0, fdinfo_per_id: true }] },
    'LAYOUT_UNSUPPORTED',
    /img_version 0 is not known/,
  ],
  ['tables by pid', { 'inventory.img': [{ img_version: 2 }] }, 'LAYOUT_UNSUPPORTED', /tables by pid/],
  [
    'a mix of magics',
    { 'inventory.img': [{ img_version: 1, fdinfo_per_id: true }] },
    'IMAGES_DISAGREE',
    /img_version 1/,
  ],
  ['a plan from an earlier rewrite', { 'inherit-plan.img': Buffer.from('x') }, 'SOURCE_UNUSABLE', /rewritten before/],
  ['an empty image', { 'files.img': Buffer.alloc(0) }, 'IMAGE_TRUNCATED', /files\.img, offset 0: is empty/],
  ['an image with a wrong magic', { 'fdinfo-1.img': Buffer.alloc(16) }, 'IMAGE_MAGIC', /fdinfo-1\.img, offset 0/],
  [
    'a missing required field',
    { 'fdinfo-2.img': [Buffer.from([0x08, 2, 0x18, 2, 0x20, 1])] },
    'IMAGE_MALFORMED',
    /field fdinfo_entry\.flags/,
  ],
  [
    'a pipe entry that lacks its owner',
    { 'files.img': [Buffer.from([0x08, 2, 0x10, 2, 0x92, 1, 7, 0x08, 2, 0x10, 0xe7, 0x24, 0x18, 1])] },
    'IMAGE_MALFORMED',
    /entry 0, offset 19, field pipe_entry\.fown: the required field is missing/,
  ],
];
for (const [what, images, code, problem] of UNUSABLE) {
  test(`${what} is refused with its place`, async (t) => {
    const error = await refusal(t, smallWith(images), { specs: [PIPE] });
    t.like(error, { code, exitCode: 2 });
    t.regex(error.message, problem);
    t.truthy(error.hint);
  });
}

test('layouts that no supported CRIU restores are refused with the reason', async (t) => {
  const without = (...names: string[]) =>
    Object.fromEntries(Object.entries(smallCheckpoint()).filter(([name]) => !names.includes(name)));
  const perType = { ...without('files.img'), 'reg-files.img': Buffer.alloc(8), 'pipes.img': Buffer.alloc(8) };
  t.regex((await refusal(t, perType, { specs: [PIPE] })).message, /no files\.img/);
  t.regex(
    (await refusal(t, without('ids-7.img', 'ids-8.img'), { specs: [PIPE] })).message,
    /ids are inside the core images/,
  );
  t.is((await refusal(t, without('files.img'), { specs: [PIPE] })).code, 'IMAGE_MISSING');
  t.is((await refusal(t, without('pstree.img'), { specs: [PIPE] })).code, 'IMAGE_MISSING');
});

test('no spec at all is wrong usage', async (t) => {
  t.like(await refusal(t, smallCheckpoint(), { specs: [] }), { code: 'USAGE', exitCode: 2 });
});

/** One damaged byte, or a cut, in one image. */
const damage = fc.record({ image: fc.nat(), at: fc.nat(), value: fc.option(fc.integer({ min: 0, max: 255 })) });

test('a damaged image is rewritten or refused, never anything else', async (t) => {
  const top = temporaryDirectory(t);
  const images = smallWith({ 'remap-fpath.img': [{ orig_id: 1, remap_id: 1, remap_type: 'GHOST' }] });
  const good = writeCheckpoint(top, images);
  const names = fs.readdirSync(good).filter((name) => name !== 'pages-1.img');
  await fc.assert(
    fc.asyncProperty(damage, async ({ image, at, value }) => {
      const name = names[image % names.length] as string;
      const bytes = fs.readFileSync(path.join(good, name));
      const place = at % bytes.length;
      const bad = Buffer.from(value === null ? bytes.subarray(0, place) : bytes);
      if (value !== null) bad[place] = value;
      fs.writeFileSync(path.join(good, name), bad);
      try {
        await rewrite(await openSource(good), { specs: [PIPE, LOG] });
      } catch (error) {
        t.true(error instanceof FdgraftError, `${name}: ${error}`);
        t.truthy((error as FdgraftError).hint ?? (error as FdgraftError).message);
      } finally {
        fs.writeFileSync(path.join(good, name), bytes);
      }
    }),
    { numRuns: atDepth(400, 1500) },
  );
});

test('a claimed size does not take memory', async (t) => {
  const image = Buffer.concat([encodeImage('files.img', []), uint32(0xffffffff)]);
  t.like(await refusal(t, smallWith({ 'files.img': image }), { specs: [PIPE] }), {
    code: 'IMAGE_MALFORMED',
    file: 'files.img',
    entry: 0,
    offset: 8,
  });
});

for (const missing of ['id', 'flags', 'type', 'fd']) {
  test(`a descriptor without its ${missing}, which CRIU does not read, is refused in a table that no spec is about`, async (t) => {
    const numbers: { [field: string]: number } = { id: 1, flags: 2, type: 3, fd: 4 };
    const whole: { [field: string]: number } = { id: 1, flags: 0, type: 1, fd: 9 };
    const record = Buffer.from(
      Object.keys(whole).flatMap((field) =>
        field === missing ? [] : [(numbers[field] as number) * 8, whole[field] as number],
      ),
    );
    const images = smallWith({ 'fdinfo-2.img': [record] });
    const error = await refusal(t, images, { specs: [LOG] });
    t.is(error.code, 'IMAGE_MALFORMED');
    t.is(error.field, `fdinfo_entry.${missing}`);
    t.is(error.file, 'fdinfo-2.img');
  });
}

test('globs are compared with so many paths alone', (t) => {
  const spec = parseInheritSpec('fd[5]:*.log');
  const hintAfter = (others: number) => {
    const hinter = hintGlobs(spec);
    const see = (name: string) => {
      const bytes = Buffer.from(name);
      hinter?.seeFile?.({ bytes, start: 0, end: bytes.length, isExternal: false, isDirectory: false });
    };
    for (let i = 0; i < others; i += 1) see(`/srv/data/${'x'.repeat(200)}/${i}.dat`);
    see('/var/log/app.log');
    return hinter?.hints() ?? [];
  };
  t.regex(hintAfter(1000).join(), /did you mean \*\*\/\*\.log\?/);
  t.deepEqual(hintAfter(100_000), []);
});

test('ten specs get hints, of three lines at most', async (t) => {
  const names = ['/var/log/app.log', '/a/app.log', '/b/app.log', '/c/app.log'];
  const files = names.map((name, i) => fileEntry(i + 3, name, 1));
  const table = files.map(({ id }) => descriptor(id, id, 'REG'));
  const images = smallWith({
    'files.img': [fileEntry(1, '/usr/bin/program', 0), ...files, fileEntry(99, '/', 0)],
    'fdinfo-1.img': table,
    'fdinfo-2.img': [],
  });
  const specs = Array.from({ length: 11 }, (_none, i) => `fd[${5 + i}]:/var//log/app.log`);
  const { message } = await refusal(t, images, { specs });
  const hints = message.split('\n').filter((line) => line.startsWith('  '));
  t.is(hints.length, 30);
  t.deepEqual(
    hints.slice(0, 3),
    names.slice(0, 3).map((name) => `  did you mean ${name}?`),
  );
});
