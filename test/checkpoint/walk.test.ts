import test, { type ExecutionContext } from 'ava';
import { FdgraftError, openSource } from '../../src';
import type { OnRecord, RecordEvents, RecordPlace, Subscriber } from '../../src/checkpoint/walk/subscriber';
import { tells, walk, walkImage } from '../../src/checkpoint/walk/walk';
import { type ImageFile, identifyImage } from '../../src/frames/image-kinds';
import { FD_TYPES } from '../../src/schema/generated/images';
import {
  descriptor,
  fileEntry,
  type Images,
  mapping,
  mmEntry,
  NO_OWNER,
  pipeEntry,
  temporaryDirectory,
  writeCheckpoint,
} from '../support/directories';
import { encodeImage, encodeMessage } from '../support/images';

const shown = (value: unknown) => (value === undefined ? '-' : String(value));

/** Hears every event, and keeps each as its name, the entry and what it tells. */
class Listener implements RecordEvents {
  readonly heard: string[] = [];
  readonly inventory: RecordEvents['inventory'] = ({ img_version }, at) => this.say('inventory', at, img_version);
  readonly task = this.raw('task');
  readonly ids: RecordEvents['ids'] = ({ files_id }, at) => this.say('ids', at, files_id);
  readonly core = this.raw('core');
  readonly mount = this.raw('mount');
  readonly entry: RecordEvents['entry'] = ({ id, type }, at) => this.say('entry', at, id, type);
  readonly bareEntry: RecordEvents['bareEntry'] = ({ id, type }, at) => this.say('bareEntry', at, id, type);
  readonly path: RecordEvents['path'] = (id, kind, at) => this.say('path', at, id, kind);
  readonly descriptor: RecordEvents['descriptor'] = ({ fd, id }, at) => this.say('descriptor', at, fd, id);
  readonly reference: RecordEvents['reference'] = (id, kind, at) => this.say('reference', at, id, kind);
  readonly packet: RecordEvents['packet'] = (rights, _bytes, start, end, at) =>
    this.say('packet', at, `[${rights}]`, end - start);
  readonly connection = this.raw('connection');
  readonly remap: RecordEvents['remap'] = ({ orig_id }, linkedId, at) => this.say('remap', at, orig_id, linkedId);
  readonly tie: RecordEvents['tie'] = ({ pid, fd, what }, at) => this.say('tie', at, pid, fd, what);
  readonly watch: RecordEvents['watch'] = ({ epoll, fd, inode }, at) => this.say('watch', at, epoll, fd, inode);
  readonly mark: RecordEvents['mark'] = ({ watcher, what, inode, mountId }, at) =>
    this.say('mark', at, watcher, what, inode, mountId);
  readonly ghost = this.raw('ghost');
  readonly unread: RecordEvents['unread'] = ({ pipe_id, bytes }, type, offset, at) =>
    this.say('unread', at, type, pipe_id, bytes, offset);
  readonly terminal = this.raw('terminal');
  readonly memfd = this.raw('memfd');
  readonly external = this.raw('external');
  readonly pagemap = this.raw('pagemap');

  private say(event: string, at: RecordPlace, ...told: unknown[]): void {
    this.heard.push([event, at.entry, ...told.map(shown)].join(' '));
  }

  private raw(event: string): OnRecord {
    return (bytes, start, end, at) => this.say(event, at, Buffer.from(bytes.subarray(start, end)).toString('hex'));
  }

  /** A subscriber that hears these events alone. */
  only(...events: (keyof RecordEvents)[]): Subscriber {
    return Object.fromEntries(events.map((event) => [event, this[event]]));
  }
}

const OWNED = { flags: 0, fown: NO_OWNER };
const HANDLE = { bytes: 8, type: 1, handle: [1] };
const inotifyWatch = (id: number, inode: number) => ({
  ...{ id, i_ino: inode, mask: 2, ignored_mask: 0, s_dev: 9, wd: 1 },
  f_handle: { ...HANDLE, path: '/w', mnt_id: 3 },
});
const fanotifyMark = (id: number, inode?: number) => ({
  ...{ id, type: inode === undefined ? 'MOUNT' : 'INODE', mflags: 0, mask: 1, ignored_mask: 0, s_dev: 8 },
  ...(inode === undefined ? { me: { mnt_id: 1, path: '/m' } } : { ie: { i_ino: inode, f_handle: HANDLE } }),
});
const target = (id: number, fd: number, more: object = {}) => ({ id, tfd: fd, events: 1, data: 0, ...more });
/** An image of records that are given with what follows each. */
const withExtras = (name: string, ...parts: (readonly [record: object | Uint8Array, extra: Uint8Array])[]) => {
  const [records, extras] = [parts.map(([record]) => record), parts.map(([, extra]) => extra)];
  return encodeImage(name, records, { extras });
};

const ENTRIES = [
  fileEntry(1, '/usr/bin/program', 0),
  pipeEntry(2, 4711, 1),
  { type: 'FIFO', id: 3, fifo: { id: 3, pipe_id: 12, regf_id: 1 } },
  { type: 'TTY', id: 4, tty: { id: 4, tty_info_id: 77, ...OWNED, regf_id: 1 } },
  { type: 'EVENTPOLL', id: 5, epfd: { id: 5, ...OWNED, tfd: [target(5, 6), target(5, 7, { inode: 99 })] } },
  { type: 'INOTIFY', id: 6, ify: { id: 6, ...OWNED, wd: [inotifyWatch(0, 42)] } },
  {
    ...{ type: 'FANOTIFY', id: 7 },
    ffy: { id: 7, ...OWNED, faflags: 0, evflags: 0, mark: [fanotifyMark(0), fanotifyMark(0, 43)] },
  },
];
const TOLD_OF_ENTRIES = [
  `entry 0 1 ${FD_TYPES.REG}`,
  `entry 1 2 ${FD_TYPES.PIPE}`,
  `entry 2 3 ${FD_TYPES.FIFO}`,
  'path 2 1 FIFO',
  `entry 3 4 ${FD_TYPES.TTY}`,
  'path 3 1 terminal',
  `entry 4 5 ${FD_TYPES.EVENTPOLL}`,
  'watch 4 5 6 -',
  'watch 4 5 7 99',
  `entry 5 6 ${FD_TYPES.INOTIFY}`,
  'mark 5 6 inotify 42 3',
  `entry 6 7 ${FD_TYPES.FANOTIFY}`,
  'mark 6 7 fanotify 43 -',
];

const TCP = { inq_len: 0, inq_seq: 0, outq_len: 0, outq_seq: 0, opt_mask: 0, snd_wscale: 0 };
const RAW = [Buffer.of(8, 1), Buffer.of(8, 2)];
const toldOfRaw = (event: string) => [`${event} 0 0801`, `${event} 1 0802`];
const packet = { id_for: 2, length: 3, scm: [{ type: 1, rights: [3, 4] }] };

/** Images with all that is told of them. */
const IMAGES: [name: string, content: Images[string], ...heard: string[]][] = [
  ['inventory.img', [{ img_version: 2 }], 'inventory 0 2'],
  ['pstree.img', RAW, ...toldOfRaw('task')],
  ['ids-7.img', [{ vm_id: 1, files_id: 5, fs_id: 1, sighand_id: 1 }], 'ids 0 5'],
  ['core-7.img', RAW, ...toldOfRaw('core')],
  ['mountpoints-7.img', RAW, ...toldOfRaw('mount'), ...toldOfRaw('external')],
  ['netns-7.img', RAW, ...toldOfRaw('external')],
  ['pidns-7.img', RAW, ...toldOfRaw('external')],
  ['files.img', ENTRIES, ...TOLD_OF_ENTRIES],
  ['fdinfo-1.img', [descriptor(2, 1, 'PIPE'), descriptor(3, 300, 'REG')], 'descriptor 0 1 2', 'descriptor 1 300 3'],
  ['pipes.img', [pipeEntry(2, 4711, 1).pipe, pipeEntry(3, 1, 1).pipe], 'bareEntry 0 2 2', 'bareEntry 1 3 2'],
  ['fifo.img', [{ id: 3, pipe_id: 12, regf_id: 1 }], `bareEntry 0 3 ${FD_TYPES.FIFO}`, 'path 0 1 FIFO'],
  ['tty.img', [{ id: 4, tty_info_id: 77, ...OWNED, regf_id: 9 }], `bareEntry 0 4 ${FD_TYPES.TTY}`, 'path 0 9 terminal'],
  ['eventpoll.img', [{ id: 5, ...OWNED, tfd: [target(0, 8)] }], `bareEntry 0 5 ${FD_TYPES.EVENTPOLL}`, 'watch 0 5 8 -'],
  [
    'inotify.img',
    [{ id: 6, ...OWNED, wd: [inotifyWatch(0, 42)] }],
    `bareEntry 0 6 ${FD_TYPES.INOTIFY}`,
    'mark 0 6 inotify 42 3',
  ],
  ['eventpoll-tfd.img', [target(5, 6, { inode: 3 })], 'reference 0 5 watch', 'watch 0 5 6 3'],
  ['inotify-wd.img', [inotifyWatch(6, 44)], 'reference 0 6 watch', 'mark 0 6 inotify 44 3'],
  [
    'fanotify-mark.img',
    [fanotifyMark(7, 45), fanotifyMark(8)],
    ...['reference 0 7 watch', 'reference 1 8 watch', 'mark 0 7 fanotify 45 -'],
  ],
  [
    'sk-queues.img',
    withExtras('sk-queues.img', [packet, Buffer.from('abc')], [{ id_for: 9, length: 0 }, Buffer.alloc(0)]),
    ...['reference 0 2 queue of a socket', `packet 0 [3,4] ${encodeMessage('sk_packet_entry', packet).length}`],
    ...['reference 1 9 queue of a socket', 'packet 1 [] 4'],
  ],
  [
    'remap-fpath.img',
    [
      { orig_id: 3, remap_id: 8, remap_type: 'LINKED' },
      { orig_id: 4, remap_id: 8, remap_type: 'GHOST' },
    ],
    ...['reference 0 3 removed file', 'reference 0 8 linked remap', 'remap 0 3 8'],
    ...['reference 1 4 removed file', 'remap 1 4 -'],
  ],
  ['fs-7.img', [{ cwd_id: 4, root_id: 5 }], 'reference 0 4 working directory', 'reference 0 5 root directory'],
  ['mm-7.img', [mmEntry(1, [mapping(9, 0x40)])], 'reference 0 9 mapping', 'reference 0 1 executable'],
  ['filelocks.img', [{ flag: 2, type: 1, pid: 7, fd: 3, start: 0, len: 0 }], 'tie 0 7 3 a flock'],
  [
    'pipes-data.img',
    withExtras(
      'pipes-data.img',
      [{ pipe_id: 11, bytes: 3 }, Buffer.from('abc')],
      [{ pipe_id: 12, bytes: 1 }, Buffer.from('d')],
    ),
    // Behind the magics, the size and the record; then behind all that and the same again.
    ...['unread 0 PIPE 11 3 16', 'unread 1 PIPE 12 1 27'],
  ],
  [
    'fifo-data.img',
    withExtras('fifo-data.img', [{ pipe_id: 11, bytes: 3 }, Buffer.from('abc')]),
    'unread 0 FIFO 11 3 16',
  ],
  ['tcp-stream-5.img', [TCP], `connection 0 ${Buffer.from(encodeMessage('tcp_stream_entry', TCP)).toString('hex')}`],
  ['tty-info.img', RAW, ...toldOfRaw('terminal')],
  ['memfd.img', RAW, ...toldOfRaw('memfd')],
  ['pagemap-7.img', RAW, 'pagemap 0 0801'],
  ['pagemap-7.img', []],
  ['ghost-file-a.img', [Buffer.of(8, 1, 0x48, 1), Buffer.of(8, 0)], 'ghost 0 08014801'],
  ['ghost-file-a.img', []],
  ['creds-7.img', RAW],
  ['pages-1.img', Buffer.from('not read by anyone')],
];

async function sourceOf(t: ExecutionContext, images: Images) {
  const all = { 'inventory.img': [{ img_version: 2 }], ...images };
  const source = await openSource(writeCheckpoint(temporaryDirectory(t), all));
  t.teardown(() => source.close());
  return source;
}

const isNot = (wanted: string) => (image: ImageFile) => image.kind !== identifyImage(wanted)?.kind;

for (const [name, content, ...heard] of IMAGES) {
  const count = Buffer.isBuffer(content) ? 'bytes' : content.length;
  test(`${name} with ${count}: all that is told of it`, async (t) => {
    const source = await sourceOf(t, { [name]: content });
    const listener = new Listener();
    await walk(source, [Object.assign(listener, { skips: isNot(name) })]);
    t.deepEqual([...listener.heard].sort(), [...heard].sort());
  });

  test(`${name} with ${count}: each subscriber hears what it asks for, in order`, async (t) => {
    const source = await sourceOf(t, { [name]: content });
    const events = [...new Set(heard.map((line) => line.split(' ')[0] as keyof RecordEvents))];
    // The images of one type are read for their entries alone.
    const entries: Subscriber = events.includes('bareEntry') ? { bareEntry: () => {} } : {};
    const image = identifyImage(name);
    const silent = new Listener().only(events.includes('task') ? 'core' : 'task');
    t.false(image !== undefined && tells(image, silent));
    for (const event of events) {
      const listener = new Listener();
      const one = { ...entries, ...listener.only(event), skips: isNot(name) };
      await walk(source, [one, silent]);
      const expected = heard.filter((line) => line.startsWith(`${event} `));
      t.deepEqual(listener.heard, expected);
      t.true(tells(image as ImageFile, one));
    }
  });
}

test('two subscribers hear an event each, those of a type its entries alone', async (t) => {
  const source = await sourceOf(t, { 'files.img': ENTRIES, 'pipes.img': [pipeEntry(8, 1, 1).pipe] });
  const [first, second] = [new Listener(), new Listener()];
  const ofType = (...types: number[]) => ({ entryTypes: new Set(types) });
  await walk(source, [
    { ...first.only('entry', 'bareEntry'), ...ofType(FD_TYPES.FIFO) },
    { ...second.only('entry', 'bareEntry'), ...ofType(FD_TYPES.PIPE) },
  ]);
  t.deepEqual(first.heard, [`entry 2 3 ${FD_TYPES.FIFO}`]);
  t.deepEqual(second.heard, [`entry 1 2 ${FD_TYPES.PIPE}`, `bareEntry 0 8 ${FD_TYPES.PIPE}`]);
});

test('an entry of a type past those that are remembered is told, too', async (t) => {
  const entry = (type: number) =>
    Buffer.from([0x08, ...(type < 128 ? [type] : [(type & 0x7f) | 0x80, type >> 7]), 0x10, 9]);
  const source = await sourceOf(t, { 'files.img': [entry(127), entry(128), entry(300)] });
  const [all, some] = [new Listener(), new Listener()];
  await walk(source, [all.only('entry'), { ...some.only('entry'), entryTypes: new Set([127, 300]) }]);
  t.deepEqual(all.heard, ['entry 0 9 127', 'entry 1 9 128', 'entry 2 9 300']);
  t.deepEqual(some.heard, ['entry 0 9 127', 'entry 2 9 300']);
});

test('an image that one subscriber skips is read for the others, and one that all skip is not opened', async (t) => {
  const source = await sourceOf(t, { 'pstree.img': RAW, 'core-7.img': RAW, 'core-8.img': RAW });
  const [all, some] = [new Listener(), new Listener()];
  const opened: string[] = [];
  const skips = ({ kind, number }: ImageFile) => kind.name === 'CORE' && number === 7;
  await walk(source, [
    all.only('core'),
    { ...some.only('task', 'core'), skips, opened: ({ name }) => opened.push(name) },
  ]);
  t.deepEqual([all.heard.length, some.heard.length], [4, 4]);
  t.deepEqual(opened.sort(), ['core-8.img', 'pstree.img']);
  const none: string[] = [];
  await walk(source, [{ ...all.only('core'), skips: () => true, opened: ({ name }) => none.push(name) }]);
  t.deepEqual(none, []);
});

test('all members and images are told, and those that are read with their beginning, batches and end', async (t) => {
  const source = await sourceOf(t, { 'pstree.img': RAW, 'pages-1.img': Buffer.from('x'), 'creds-7.img': RAW });
  const told: string[] = [];
  await walk(source, [
    {
      member: ({ name }) => told.push(`member ${name}`),
      image: ({ kind }, { name }) => told.push(`image ${kind.name} ${name}`),
      opened: ({ name }) => told.push(`opened ${name}`),
      batch: ({ count }, { name }) => told.push(`batch ${count} ${name}`),
      closed: ({ name }) => told.push(`closed ${name}`),
      task: (_bytes, _start, _end, { entry }) => told.push(`task ${entry}`),
    },
    {},
  ]);
  const ofTasks = [
    'image PSTREE pstree.img',
    'opened pstree.img',
    'batch 2 pstree.img',
    'task 0',
    'task 1',
    'closed pstree.img',
  ];
  const at = told.indexOf('member pstree.img');
  t.deepEqual(told.slice(at + 1, at + 7), ofTasks);
  const others = told.filter((_line, i) => i <= at || i > at + 6);
  t.deepEqual(others.sort(), [
    ...['image CREDS creds-7.img', 'image INVENTORY inventory.img'],
    ...['creds-7.img', 'inventory.img', 'pages-1.img', 'pstree.img'].map((name) => `member ${name}`),
  ]);
});

for (const name of ['inventory.img', 'ids-7.img']) {
  test(`${name} without an entry is refused if somebody hears it`, async (t) => {
    const source = await sourceOf(t, { [name]: [] });
    const listener = new Listener();
    const error = await t.throwsAsync(walk(source, [listener.only('ids', 'inventory')]), { instanceOf: FdgraftError });
    t.regex(error.message, new RegExp(`^${name}.*there is no entry`));
    await t.notThrowsAsync(walk(source, [listener.only('task')]));
  });
}

const DAMAGED: [name: string, records: Uint8Array[], event: keyof RecordEvents][] = [
  ['files.img', [encodeMessage('file_entry', fileEntry(1, '/x', 0)), Buffer.of(0x08)], 'entry'],
  ['fdinfo-1.img', [encodeMessage('fdinfo_entry', descriptor(2, 1, 'PIPE')), Buffer.of(0x08)], 'descriptor'],
  ['pipes.img', [encodeMessage('pipe_entry', pipeEntry(2, 1, 1).pipe), Buffer.of(0x08)], 'bareEntry'],
  ['fs-7.img', [encodeMessage('fs_entry', { cwd_id: 1, root_id: 2 }), Buffer.of(0x08)], 'reference'],
];
for (const [name, records, event] of DAMAGED) {
  test(`${name}: a damaged record is told by its entry and its offset`, async (t) => {
    const source = await sourceOf(t, { [name]: records });
    const error = await t.throwsAsync(walk(source, [new Listener().only(event)]), { instanceOf: FdgraftError });
    const offset = 8 + 4 + (records[0] as Uint8Array).length + 4 + 1;
    t.like(error, { file: name, entry: 1, offset });
  });
}

test('a walk ends with its signal', async (t) => {
  const source = await sourceOf(t, {});
  await t.throwsAsync(walk(source, [], AbortSignal.abort()), { any: true, name: 'AbortError' });
});

test('one image is read alone', async (t) => {
  const source = await sourceOf(t, { 'pstree.img': RAW });
  const listener = new Listener();
  for await (const member of source.members()) {
    const image = identifyImage(member.name.toString());
    if (image?.kind.name === 'PSTREE') await walkImage(member, image, [listener]);
  }
  t.deepEqual(listener.heard, toldOfRaw('task'));
});

test('of a page map of many pieces, only the first record is told', async (t) => {
  const records = Array.from({ length: 20_000 }, (_, i) => (i === 0 ? Buffer.of(8, 1) : Buffer.of(8, 2)));
  const source = await sourceOf(t, { 'pagemap-7.img': records });
  const listener = new Listener();
  await walk(source, [listener.only('pagemap')]);
  t.deepEqual(listener.heard, ['pagemap 0 0801']);
});

test('an image is closed when it was read, and when somebody fails at a record of it', async (t) => {
  const source = await sourceOf(t, { 'pstree.img': RAW });
  const image = identifyImage('pstree.img') as ImageFile;
  let [opened, closed] = [0, 0];
  const read = async (task: OnRecord) => {
    for await (const member of source.members()) {
      if (member.name.toString() !== 'pstree.img') continue;
      const open = async () => {
        const reader = await member.open();
        opened += 1;
        const close = async () => {
          closed += 1;
          await reader.close();
        };
        return { read: reader.read.bind(reader), close };
      };
      await walkImage({ ...member, name: member.name, kind: member.kind, open }, image, [{ task }]);
    }
  };
  await read(() => {});
  t.deepEqual([opened, closed], [1, 1]);
  const failing = () => {
    throw new TypeError('no');
  };
  await t.throwsAsync(read(failing), { instanceOf: TypeError });
  t.deepEqual([opened, closed], [2, 2]);
});
