import test, { type ExecutionContext } from 'ava';
import { openSource } from '../../src';
import type { FileEntryView } from '../../src/checkpoint/file-entry';
import type { ExternalKey } from '../../src/rewrite/external-keys';
import { hintAsWritten } from '../../src/rewrite/near-misses/as-written';
import { explainUnmatched } from '../../src/rewrite/near-misses/explain-unmatched';
import { hintExternalFiles } from '../../src/rewrite/near-misses/external-files';
import { hintExternalNamespaces } from '../../src/rewrite/near-misses/external-namespaces';
import { hintGlobs } from '../../src/rewrite/near-misses/globs';
import type { Hinter, Known, MakeHinter } from '../../src/rewrite/near-misses/hinter';
import { hintMemfds } from '../../src/rewrite/near-misses/memfds';
import { hintNotOpen } from '../../src/rewrite/near-misses/not-open';
import { hintNumbers } from '../../src/rewrite/near-misses/numbers';
import { hintPaths } from '../../src/rewrite/near-misses/paths';
import { hintPipes } from '../../src/rewrite/near-misses/pipes';
import { hintSockets } from '../../src/rewrite/near-misses/sockets';
import { hintTerminals } from '../../src/rewrite/near-misses/terminals';
import { FD_TYPES } from '../../src/schema/generated/images';
import { parseInheritSpec } from '../../src/specs/parse-spec';
import { descriptor, fileEntry, type Images, temporaryDirectory, writeCheckpoint } from '../support/directories';
import { smallWith } from '../support/rewriting';

/** Each hinter alone: the key, what is in the checkpoint, and all that it says. */

/** Every number but 8 is that of a task. */
const TASKS = { tableOf: (pid: number) => (pid === 8 ? undefined : 1) };
const known = (more: object = {}): Known => {
  const found = { tasks: TASKS, notOpen: [], remaps: [], otherReferences: new Map() };
  return { found, resolved: { currentTerminals: new Set() }, keys: [], specs: [], ...more } as unknown as Known;
};

interface Said {
  readonly hints: readonly string[];
  readonly otherwise: string | undefined;
}

/** Undefined if the hinter has nothing to do with such a key. */
function said(make: MakeHinter, key: string, show: (hinter: Hinter) => void, all = known()): Said | undefined {
  const hinter = make(parseInheritSpec(`fd[5]:${key}`), all, 0);
  if (hinter === undefined) return undefined;
  show(hinter);
  return { hints: hinter.hints(), otherwise: hinter.otherwise?.() };
}

const nothing = () => {};
const meant = (...keys: string[]) => keys.map((key) => `did you mean ${key}?`);

/** With bytes of others around it. */
function file(name: string, more: { isExternal?: boolean; isDirectory?: boolean } = {}) {
  const bytes = Buffer.from(`xx${name}yy`, 'latin1');
  return (hinter: Hinter) =>
    hinter.seeFile?.({
      bytes,
      start: 2,
      end: bytes.length - 2,
      isExternal: more.isExternal ?? false,
      isDirectory: more.isDirectory ?? false,
    });
}
const directory = (name: string) => file(name, { isDirectory: true });
const external = (name: string) => file(name, { isExternal: true });
const each =
  (...seen: ((hinter: Hinter) => void)[]) =>
  (hinter: Hinter) => {
    for (const see of seen) see(hinter);
  };

test('keys in another form', (t) => {
  const cases: readonly (readonly [key: string, hints: readonly string[]])[] = [
    [' /a', ['did you mean /a? The key has a blank at its beginning']],
    ['/a ', ['did you mean /a? The key has a blank at its end']],
    [' /a ', ['did you mean /a? The key has a blank at its beginning']],
    [' ', []],
    ['pipe:99', meant('pipe:[99]')],
    ['pipe 99', meant('pipe:[99]')],
    ['pipe: [99]', meant('pipe:[99]')],
    ['mypipe:99', []],
    ['pipe:99x', []],
    ['pipe:[99]', []],
    ...['stdin', 'stdout', 'stderr', '0', '1', '2'].map((name, i): [string, string[]] => [
      name,
      [`did you mean /proc/*/fd/${i % 3}? It names descriptor ${i % 3} of every task`],
    ]),
    ['/dev/stdin', ['did you mean /proc/*/fd/0? It names descriptor 0 of every task']],
    ['dev/stderr', ['did you mean /proc/*/fd/2? It names descriptor 2 of every task']],
    ['og_fd[3]', ['did you mean /proc/*/fd/3? It names descriptor 3 of every task']],
    ['STDOUT', ['did you mean /proc/*/fd/1? It names descriptor 1 of every task']],
    ['fd/12', ['did you mean /proc/*/fd/12? It names descriptor 12 of every task']],
    ['fd: 12', ['did you mean /proc/*/fd/12? It names descriptor 12 of every task']],
    ['/dev/fd/3', ['did you mean /proc/*/fd/3? It names descriptor 3 of every task']],
    ['12:', ['did you mean /proc/*/fd/12? It names descriptor 12 of every task']],
    ['12x', []],
    ['1234', []],
    ['/srv/dev/stdin', []],
    ['s/dev/tdin', []],
    ['7123/1', ['did you mean /proc/7123/fd/1? It names descriptor 1 of task 7123']],
    ['7/12', ['did you mean /proc/7/fd/12? It names descriptor 12 of task 7']],
    ['/7/12', ['did you mean /proc/7/fd/12? It names descriptor 12 of task 7']],
    ['/proc/7/12', ['did you mean /proc/7/fd/12? It names descriptor 12 of task 7']],
    ['proc/7/1', ['did you mean /proc/7/fd/1? It names descriptor 1 of task 7']],
    ['8/12', []],
    ['/srv/7/12', []],
    ['7/12x', []],
    ['@stdout', []],
    [':/a', ['did you mean /a? One colon stands between ] and KEY']],
    ['::/a:b', ['did you mean /a:b? One colon stands between ] and KEY']],
    ['::', []],
    ['anon_inode:[eventpoll]', ['the key of an anonymous inode is /proc/PID/fd/N']],
    ['/anon_inode:', []],
    ['unix:[4294967295]', meant('socket:[4294967295]')],
    ['unix 9', meant('socket:[9]')],
    ['unix: [9].', meant('socket:[9]')],
    ['unix:[9]', meant('socket:[9]')],
    ['/unix:9', []],
    ['unix:9/x', []],
    ['unix:x9', []],
    ['unix:[42949672951]', []],
  ];
  for (const [key, hints] of cases) {
    t.deepEqual(said(hintAsWritten, key, nothing), { hints, otherwise: undefined }, key);
  }
});

test('keys of external namespaces', (t) => {
  const keys: ExternalKey[] = [
    { key: Buffer.from('extNet'), what: 'network namespace', image: 'netns-9.img' },
    { key: Buffer.from('data'), what: 'mount', image: 'mountpoints-10.img' },
  ];
  const ask = (key: string, there = keys) =>
    said(hintExternalNamespaces, key, nothing, known({ keys: there }))?.hints ?? [];
  t.deepEqual(ask('extNet'), [
    'extNet is the key of an external network namespace (netns-9.img); criu restore --inherit-fd takes it itself: leave it out here',
  ]);
  t.deepEqual(ask('data'), [
    "data is the key of an external mount (mountpoints-10.img); criu restore --external 'mnt[data]:PATH' takes it",
  ]);
  t.deepEqual(ask('extPid'), ['the keys of external namespaces are: extNet of the network namespace (netns-9.img)']);
  t.deepEqual(ask('extPid', []), ['no namespace of the checkpoint is external: no image has an ext_key']);
  for (const key of ['/extPid', 'extpid', 'text', 'extPid/x']) t.deepEqual(ask(key), [], key);
});

const view = (type: number, bytes: number[]): FileEntryView =>
  ({ type, id: 5, member: 1, bytes: Uint8Array.from(bytes), start: 0, end: bytes.length }) as unknown as FileEntryView;
/** Fields 1 and 2 are the id and the inode; of a FIFO, the id and that of its pipe. */
const socket = (inode: number) => view(FD_TYPES.UNIXSK, [8, 5, 16, inode]);

test('numbers that are those of something else', (t) => {
  const pipe = (id: number) => (hinter: Hinter) => hinter.seePipe?.({ id, flags: 0 });
  const other = (one: FileEntryView) => (hinter: Hinter) => hinter.seeOther?.(one);
  const ask = (key: string, ...seen: ((hinter: Hinter) => void)[]) => said(hintNumbers, key, each(...seen))?.hints;
  t.deepEqual(ask('socket:[99]', pipe(99), pipe(98), pipe(99)), ['did you mean pipe:[99]? 99 is the number of a pipe']);
  t.deepEqual(ask('99', pipe(99)), ['did you mean pipe:[99]? 99 is the number of a pipe']);
  t.deepEqual(ask('pipe:[99]', pipe(99)), []);
  t.deepEqual(ask('pipe:[99]', other(socket(99)), other(socket(99))), [
    'did you mean socket:[99]? 99 is the number of a unix socket (UNIXSK)',
  ]);
  t.deepEqual(ask('pipe:[99]', other(socket(98))), []);
  t.deepEqual(ask('99', other(view(FD_TYPES.TTY, [8, 5, 16, 99]))), [], 'nobody knows this number');
  const fifo = other(view(FD_TYPES.FIFO, [8, 5, 16, 99]));
  t.deepEqual(ask('99', fifo), ['99 is the number of an open FIFO (FIFO)']);
  t.deepEqual(ask('socket:[99]', fifo), ['99 is the number of an open FIFO (FIFO)']);
  t.deepEqual(ask('99', other(socket(99))), ['did you mean socket:[99]? 99 is the number of a unix socket (UNIXSK)']);
  t.deepEqual(ask('socket:[99]', other(socket(99))), []);
  t.deepEqual(ask('pipe:[99]', other(view(FD_TYPES.SIGNALFD, [8, 5, 16, 99])), other(view(9999, [8, 99]))), []);
  for (const key of ['/99', '99x', 'x99', '@socket:[99]', '@socket:[9]x', '12345678901']) {
    t.is(ask(key, pipe(99)), undefined, key);
  }
});

test('pipes', (t) => {
  const ask = (key: string, ...pipes: (readonly [id: number, flags: number])[]) =>
    said(hintPipes, key, (hinter) => {
      for (const [id, flags] of pipes) hinter.seePipe?.({ id, flags });
    });
  t.deepEqual(ask('pipe:[9]:read', [9, 1], [9, 1], [8, 0]), {
    hints: ['pipe:[9] has no read end in the checkpoint; did you mean pipe:[9]:write?'],
    otherwise: 'there are pipe:[9], pipe:[8]',
  });
  t.deepEqual(ask('pipe:[9]:write', [9, 0])?.hints, [
    'pipe:[9] has no write end in the checkpoint; did you mean pipe:[9]:read?',
  ]);
  t.deepEqual(ask('pipe:[10]:read', [16, 0])?.hints, ['did you mean pipe:[16]:read? 10 is that number in hexadecimal']);
  t.deepEqual(ask('pipe:[10]'), { hints: [], otherwise: 'no pipe is open in the checkpoint' });
  const many = (count: number) => Array.from({ length: count }, (_none, i): [number, number] => [100 + i, 0]);
  t.regex(ask('pipe:[1]', ...many(10))?.otherwise ?? '', /^there are pipe:\[100\], .*, pipe:\[109\]$/);
  t.is(ask('pipe:[1]', ...many(11))?.otherwise, undefined);
  t.is(ask('/a'), undefined);
});

test('external files', (t) => {
  const ask = (key: string, ...seen: ((hinter: Hinter) => void)[]) => said(hintExternalFiles, key, each(...seen));
  t.deepEqual(ask('file[1:2b]', external('file[2:2b]'), external('file[2:3b]'), external('file[2:12b]')), {
    hints: ['did you mean file[2:2b]? It has the same inode'],
    otherwise: 'there are file[2:2b], file[2:3b], file[2:12b]',
  });
  const none = { hints: [], otherwise: 'no external file is open in the checkpoint' };
  t.deepEqual(ask('file[1:2b]', file('file[2:2b]'), external('x:2b]')), none);
  t.deepEqual(ask('file[1:2b]', file('file[2:2b]', { isExternal: true, isDirectory: true })), none);
  const mounts = [2, 3, 4, 5].map((mount) => external(`file[${mount}:2b]`));
  t.is(ask('file[1:2b]', ...mounts)?.hints.length, 3);
  t.is(ask('/a'), undefined);
});

test('terminals', (t) => {
  const terminal = (hinter: Hinter) => hinter.seeTerminal?.('tty[8801:19]');
  t.deepEqual(said(hintTerminals, 'tty[8802:19]', terminal), { hints: [], otherwise: 'there is tty[8801:19]' });
  t.deepEqual(said(hintTerminals, 'tty[8802:19]', nothing), {
    hints: [],
    otherwise: 'no terminal is open in the checkpoint',
  });
  for (const key of ['/dev/pts/3', '/dev/tty', '/dev/tty1', '/dev/console']) {
    t.is(said(hintTerminals, key, terminal)?.otherwise, 'there is tty[8801:19]', key);
    t.is(said(hintTerminals, key, nothing)?.otherwise, undefined, key);
  }
  for (const key of ['/dev/consoles', '/srv/dev/tty', '/dev/null', '*']) {
    t.is(said(hintTerminals, key, terminal), undefined, key);
  }
  const current = known({ resolved: { currentTerminals: new Set([1]) } });
  t.deepEqual(said(hintTerminals, '/dev/tty', terminal, current)?.hints, [
    '/dev/tty is open, and the terminal of its session is not in the checkpoint; its descriptors have keys /proc/PID/fd/N',
  ]);
  t.deepEqual(said(hintTerminals, '/dev/pts/3', terminal, current)?.hints, []);
});

test('entries that are not open', (t) => {
  const entry = (id: number, key: string, specs = [0]) => ({ id, specs, facts: { key } });
  const found = {
    tasks: TASKS,
    notOpen: [entry(4, '/d', [1]), entry(1, '/a'), entry(2, '/b'), entry(3, '/c')],
    remaps: [{ origId: 9, linkedId: 2 }],
    otherReferences: new Map([
      [2, ['the executable of task 7', 'a file mapping of task 7']],
      [3, ['the root of task 7']],
    ]),
  };
  t.deepEqual(said(hintNotOpen, '/*', nothing, known({ found }))?.hints, [
    '/a is there, but no descriptor refers to it',
    '/b is there, only as the executable of task 7, a file mapping of task 7, the stand-in for a removed file, but no descriptor refers to it',
    '/c is there, only as the root of task 7, but no descriptor refers to it',
  ]);
  const current = known({ found, resolved: { currentTerminals: new Set([1]) } });
  t.is(said(hintNotOpen, '/dev/tty', nothing, current), undefined);
  t.is(said(hintNotOpen, '/dev/tty', nothing, known({ found }))?.hints.length, 3);
  t.is(said(hintNotOpen, '/*', nothing, current)?.hints.length, 3);
});

test('paths', (t) => {
  const ask = (key: string, ...seen: ((hinter: Hinter) => void)[]) => said(hintPaths, key, each(...seen))?.hints;
  t.deepEqual(ask('/var/log/ap.log', file('/var/log/app.log'), file('/var/lib/x')), meant('/var/log/app.log'));
  t.deepEqual(ask('/var//log/./x/../app.log', file('/var/log/app.log')), meant('/var/log/app.log'));
  t.deepEqual(ask('/var/log/app.log', file('/var/log/app.log')), []);
  t.deepEqual(ask('/a/x/../b/..', file('/a'), file('/b')), meant('/a'));
  t.deepEqual(ask('/a/x/../b/..', file('/b')), []);
  t.deepEqual(ask('/\\xff/b/..', file('/\xff')), meant('/\\xff'));
  t.deepEqual(ask('/var/log/ap.log', external('/var/log/app.log')), []);
  t.deepEqual(ask('/srv/dat', directory('/srv/data'), directory('/srv/dat')), []);
  t.deepEqual(ask('/srv/dat/', directory('/srv/data')), meant('/srv/data/'));
  t.deepEqual(ask('/srv//data/', directory('/srv/data')), meant('/srv/data/'));
  t.deepEqual(ask('data/', directory('/srv/data')), meant('/srv/data/'));
  t.deepEqual(ask('/srv/dat/', file('/srv/data')), []);
  t.deepEqual(ask('/srv/data/', file('/srv/data'), directory('/srv/dat')), [
    'did you mean /srv/data? A slash at the end stands for a directory',
  ]);
  t.deepEqual(ask('/srv/data/', file('/srv/date'), file('/srv/dat')), []);
  t.deepEqual(ask('/srv/data', file('/srv/data'), file('/srv/date')), meant('/srv/date'));
  const unix = (path: string | undefined) => (hinter: Hinter) =>
    hinter.seeSocket?.({ keys: [], path: path === undefined ? undefined : Buffer.from(path) });
  t.deepEqual(ask('/run/ap.sock', unix('/run/app.sock'), unix(undefined)), meant('/run/app.sock'));
  t.deepEqual(ask('/run/ap.sock/', unix('/run/app.sock')), []);
  t.is(ask('*.log', file('/a.log')), undefined);
  const found = { tasks: TASKS, notOpen: [{ specs: [0] }] };
  t.is(said(hintPaths, '/a', nothing, known({ found })), undefined);
  const ofOther = { tasks: TASKS, notOpen: [{ specs: [1] }] };
  t.deepEqual(said(hintPaths, '/a', nothing, known({ found: ofOther }))?.hints, []);
});

test('globs', (t) => {
  const DEEPER = '* matches no slash, ** does';
  const DIRECTORY = 'A slash at the end stands for a directory';
  const ask = (key: string, ...seen: ((hinter: Hinter) => void)[]) => said(hintGlobs, key, each(...seen))?.hints;
  const log = file('/var/log/app.log');
  t.deepEqual(ask('*.log', file('/a.txt'), log), [`did you mean **/*.log? ${DEEPER}`]);
  t.deepEqual(ask('/*.log', log), [`did you mean /**/*.log? ${DEEPER}`]);
  t.deepEqual(ask('/var/*.log', log), [`did you mean /var/**.log? ${DEEPER}`]);
  t.deepEqual(ask('/var/**/l*.log', file('/var/lib/a/log/b.log')), [`did you mean /var/**/l**.log? ${DEEPER}`]);
  t.deepEqual(ask('/srv/*', directory('/srv/data')), [`did you mean /srv/*/? ${DIRECTORY}`]);
  t.deepEqual(ask('srv/*', directory('/srv/data')), [`did you mean srv/*/? ${DIRECTORY}`]);
  t.deepEqual(ask('/srv/*/', file('/srv/data')), [`did you mean /srv/*? ${DIRECTORY}`]);
  t.deepEqual(ask('d*a', directory('/srv/data')), [`did you mean **/d*a/? ${DEEPER}. ${DIRECTORY}`]);
  t.deepEqual(ask('d*a', directory('/srv/data'), file('/srv/data')), [`did you mean **/d*a? ${DEEPER}`]);
  t.deepEqual(ask('d*a', file('/srv/data'), directory('/srv/data')), [`did you mean **/d*a? ${DEEPER}`]);
  t.deepEqual(ask('d*a', file('/srv/data'), directory('/data')), [`did you mean d*a/? ${DIRECTORY}`]);
  t.deepEqual(ask('*.log', external('/var/log/app.log')), []);
  t.deepEqual(ask('*.log', file('/var/log/app.txt')), []);
  const asGlob = 'With *, ?, [ or { a key is a glob';
  t.deepEqual(ask('/a[1].log', file('/a[1].log'), file('/a[2].log')), [`did you mean /a\\x5b1].log? ${asGlob}`]);
  t.deepEqual(ask('/a[1]/', directory('/a[1]')), [`did you mean /a\\x5b1]/? ${asGlob}`]);
  t.deepEqual(ask('/a[1].log', file('/a[2].log'), file('/xa[1].log')), []);
  t.is(ask('/a', log), undefined);

  const behind = (...keys: string[]) => keys.map((key) => `did you mean ${key}? Its name goes on behind the glob`);
  const rotated = [1, 2, 3, 4].map((number) => file(`/var/log/app.log.${number}`));
  t.deepEqual(
    ask('/var/log/*.log', ...rotated),
    behind('/var/log/app.log.1', '/var/log/app.log.2', '/var/log/app.log.3'),
  );
  t.deepEqual(ask('log/*.log', file('/var/log/app.log.1')), behind('/var/log/app.log.1'));
  t.deepEqual(ask('**/*.log', file('/var/log/app.log.1')), behind('/var/log/app.log.1'));
  t.deepEqual(ask('/var/log/*.log', directory('/var/log/app.log.d'), file('/srv/app.log.1')), []);
  t.deepEqual(ask('/var/log/*.log/', file('/var/log/app.log.1')), []);

  const unix = (path: string | undefined) => (hinter: Hinter) =>
    hinter.seeSocket?.({ keys: [], path: path === undefined ? undefined : Buffer.from(path) });
  const noSocket = (...keys: string[]) => keys.map((key) => `did you mean ${key}? A glob matches no socket`);
  const sockets = [1, 2, 3, 4].map((number) => unix(`/run/app/${number}.sock`));
  t.deepEqual(ask('/run/app/*.sock', ...sockets), noSocket('/run/app/1.sock', '/run/app/2.sock', '/run/app/3.sock'));
  t.deepEqual(ask('app/*.sock', unix('/run/app/1.sock')), noSocket('/run/app/1.sock'));
  t.deepEqual(ask('/run/*.sock', unix('/run/app/1.sock'), unix(undefined), unix('/run/x')), []);
  t.deepEqual(ask('/run/*/', unix('/run/app')), []);
});

test('a glob that takes long is not tried on all paths', (t) => {
  const name = 'a'.repeat(40);
  const unix = (hinter: Hinter) => hinter.seeSocket?.({ keys: [], path: Buffer.from(`/${name}z`) });
  const last = { [`/${'*a'.repeat(40)}z`]: [file(`/${name}zb`), unix], [`/${'*a'.repeat(40)}z/`]: [file(`/${name}z`)] };
  const costly = Array.from({ length: 20 }, () => file(`/${'a'.repeat(4000)}`));
  for (const [key, seen] of Object.entries(last)) {
    for (const one of seen) {
      t.is(said(hintGlobs, key, one)?.hints.length, 1);
      t.deepEqual(said(hintGlobs, key, each(...costly, one))?.hints, []);
    }
  }
});

test('a glob that can be no longer gets no hint of a longer one', (t) => {
  const path = `${'x'.repeat(4094)}*`;
  t.deepEqual(said(hintGlobs, path, file(`/srv/${path}`))?.hints, []);
});

test('memfds and sockets', (t) => {
  const memfd = (name: string) => (hinter: Hinter) => hinter.seeMemfd?.(Buffer.from(name, 'latin1'));
  t.deepEqual(said(hintMemfds, '/memfd:scrach', each(memfd('scratch'), memfd('\xffother'))), {
    hints: meant('/memfd:scratch'),
    otherwise: 'there are /memfd:scratch, /memfd:\\xffother',
  });
  t.deepEqual(said(hintMemfds, '/memfd:\\xff\\xfeab', memfd('\xff\xfeac'))?.hints, meant('/memfd:\\xff\\xfeac'));
  t.is(said(hintMemfds, '/memfd:a', nothing)?.otherwise, 'no memfd is open in the checkpoint');
  t.is(said(hintMemfds, '/a', nothing), undefined);
  const seen = (hinter: Hinter) => hinter.seeSocket?.({ keys: ['@daemon', 'socket:[5]'], path: undefined });
  t.deepEqual(said(hintSockets, '@deamon', seen), { hints: meant('@daemon'), otherwise: 'there is @daemon' });
  t.deepEqual(said(hintSockets, '@x', nothing), { hints: [], otherwise: 'no socket is open in the checkpoint' });
  t.is(said(hintSockets, '/a', nothing), undefined);
});

test('of many entries that are not open three are looked at, whatever the number of remaps', (t) => {
  let looks = 0;
  const remaps = Array.from({ length: 1000 }, () => ({
    get linkedId() {
      looks += 1;
      return 0;
    },
  }));
  const notOpen = Array.from({ length: 1000 }, (_none, i) => ({ id: i + 1, specs: [0], facts: { key: `/${i}` } }));
  const found = { tasks: TASKS, notOpen, remaps, otherReferences: new Map() };
  t.is(said(hintNotOpen, '/*', nothing, known({ found }))?.hints.length, 3);
  t.is(looks, 3000);
});

const sourceOf = (t: ExecutionContext, images: Images) => openSource(writeCheckpoint(temporaryDirectory(t), images));

test('ten specs are explained by three hints each, and no hint is given twice', async (t) => {
  const names = ['/log/app-a1', '/log/app-a2', '/log/app-a3'];
  const source = await sourceOf(
    t,
    smallWith({
      'files.img': names.map((name, id) => fileEntry(id + 1, name, 1)),
      'fdinfo-1.img': names.map((_name, id) => descriptor(id + 1, id, 'REG')),
    }),
  );
  const explain = (keys: readonly string[], why?: string) => {
    const specs = keys.map((key) => parseInheritSpec(`fd[5]:${key}`));
    const resolved = { currentTerminals: new Set(), explain: () => why };
    return explainUnmatched(source, known({ specs, resolved }), [...keys.keys()]);
  };
  const blank = (key: string) => `did you mean ${key}? The key has a blank at its beginning`;
  t.deepEqual(await explain([' /log/app-a2']), [{ text: 'fd[5]: /log/app-a2', near: [blank('/log/app-a2')] }]);
  t.deepEqual((await explain([' /log/app-a4']))[0]?.near, [
    blank('/log/app-a4'),
    ...meant('/log/app-a1', '/log/app-a2'),
  ]);
  t.deepEqual((await explain(['/log/app-a4'], 'no task has it'))[0]?.near, [
    'no task has it',
    ...meant('/log/app-a1', '/log/app-a2'),
  ]);
  t.deepEqual((await explain(['pipe:[9]']))[0]?.near, ['no pipe is open in the checkpoint']);
  const eleven = await explain(Array.from({ length: 11 }, () => '/log/app-a4'));
  t.deepEqual(
    eleven.map(({ near }) => near),
    [...Array.from({ length: 10 }, () => meant(...names)), []],
  );
});
