/** Terminals that specs name. */
import test from 'ava';
import type { Plan, RewriteOptions } from '../../src';
import { descriptor, fileEntry, type Images, NO_OWNER, pipeEntry } from '../support/directories';
import { readImage } from '../support/images';
import { checkRewritten } from '../support/independent';
import { refusal, rewriteImages, smallWith } from '../support/rewriting';

const tty = (id: number, tty_info_id: number, regf_id?: number) => ({
  ...{ type: 'TTY', id },
  tty: { id, tty_info_id, flags: 0o100002, fown: NO_OWNER, ...(regf_id === undefined ? {} : { regf_id }) },
});
const SETTINGS = { c_iflag: 1, c_oflag: 1, c_cflag: 1, c_lflag: 1, c_line: 0, c_ispeed: 1, c_ospeed: 1, c_cc: [1] };
const WINDOW = { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
const info = (id: number, more: object = {}) => ({
  ...{ id, type: 'PTY', locked: false, exclusive: false, packet_mode: false, sid: 7, pgrp: 8, rdev: 0x8800 + id },
  ...{ termios: SETTINGS, termios_locked: SETTINGS, winsize: WINDOW, pty: { index: id }, dev: 26, uid: 1, gid: 5 },
  ...more,
});
const gone = (name: string) => ({ [name]: undefined });

/** Executable and directory of the small checkpoint. */
const BASE = [fileEntry(1, '/usr/bin/program', 0), fileEntry(4, '/', 0o200000)];

/** Task 7 leads a session on /dev/pts/3, which task 8 has open, too; each has two opens. */
function images(infos: readonly object[] = [info(3)], more: Images = {}, files: readonly object[] = []): Images {
  return smallWith({
    'pstree.img': [
      { pid: 7, ppid: 0, pgid: 7, sid: 7, threads: [7] },
      { pid: 8, ppid: 7, pgid: 8, sid: 7, threads: [8] },
    ],
    'files.img': [
      ...BASE,
      fileEntry(10, '/dev/pts/3', 0o100002, { mode: 0o020620 }),
      tty(11, 3, 10),
      tty(12, 3, 10),
      ...files,
    ],
    'tty-info.img': infos,
    'fdinfo-1.img': [0, 1, 2].map((fd) => descriptor(11, fd, 'TTY')),
    'fdinfo-2.img': [descriptor(11, 0, 'TTY'), descriptor(12, 5, 'TTY')],
    ...more,
  });
}

const taken = async (t: Parameters<typeof rewriteImages>[0], given: Images, options: RewriteOptions) => {
  const result = await rewriteImages(t, given, options);
  t.deepEqual(checkRewritten(result.source, result.out), []);
  const infos = readImage(result.out, 'tty-info.img').records.map(({ fields }) => fields);
  return { ...result, infos, planned: result.plan.placeholders };
};
const only = (inherit: string) => ({ inherit, only: true });
/** Descriptors as table/fd, and rights by their packet. */
const heldOf = (references: Plan['placeholders'][number]['references']) =>
  [...references].map((one) =>
    'descriptor' in one ? `${one.descriptor.table}/${one.descriptor.fd}` : `packet ${one.scm_right.packet}`,
  );
const messagesOf = ({ warnings }: Plan) => warnings.map(({ message }) => message);

test('with only: true in all specs, the descriptors go to any files and no terminal comes back', async (t) => {
  const all = ['7/fd/0', '7/fd/1', '7/fd/2', '8/fd/0', '8/fd/5'].map((place, i) => `fd[${5 + i}]:/proc/${place}`);
  const { plan, planned, infos } = await taken(t, images(), { specs: all.map(only) });
  t.deepEqual(
    planned.map(({ caller_fd, key, kind, terminal }) => [caller_fd, key, kind, terminal]),
    [5, 9, 6, 7, 8].map((callerFd) => [callerFd, undefined, undefined, undefined]),
  );
  t.deepEqual(
    planned.map(({ lost_terminal }) => lost_terminal),
    [3, undefined, undefined, undefined, undefined],
  );
  t.deepEqual(infos, []);
  t.deepEqual(
    plan.warnings.map(({ code, message }) => [code, message.replace(/^.*: all/, 'all')]),
    [
      [
        'TERMINAL_NOT_CONTROLLING',
        'all of its descriptors go to other files, and it was the controlling terminal of session 7: that session has none after the restore; leave out only: true of one spec to give that session a terminal',
      ],
    ],
  );
  // The same descriptors, of which one spec names the terminal.
  const [first, ...others] = all as [string, ...string[]];
  const whole = await taken(t, images(), { specs: [first, ...others.map(only)] });
  t.is(whole.planned.find(({ caller_fd }) => caller_fd === 5)?.key, 'tty[fd670001:1]');
});

test('a terminal goes whole by its path, by the name that CRIU has for it and by a descriptor of each entry', async (t) => {
  for (const specs of [
    ['fd[5]:/dev/pts/3'],
    ['fd[5]:dev/pts/3'],
    ['fd[5]:tty[8803:1a]'],
    ['fd[5]:/dev/pts/*'],
    ['fd[5]:/proc/7/fd/2', 'fd[5]:/proc/8/fd/5'],
    [only('fd[5]:/proc/*/fd/0'), only('fd[5]:/proc/7/fd/2'), only('fd[5]:/proc/7/fd/1'), 'fd[5]:/proc/8/fd/5'],
  ]) {
    const { plan, planned, infos, next } = await taken(t, images(), { specs });
    const about = JSON.stringify(specs);
    t.deepEqual(
      planned.map(({ file_id, key, references }) => [file_id, key, heldOf(references)]),
      [
        [11, 'tty[fd670001:1]', ['1/0', '1/1', '1/2', '2/0']],
        [12, 'tty[fd670001:1]', ['2/5']],
      ],
      about,
    );
    t.like(planned[0], {
      was: { key: '/dev/pts/3' },
      apply: 'DUP',
      needs_read: true,
      needs_write: true,
      kind: { name: 'terminal' },
    });
    t.deepEqual(planned[0]?.terminal, { id: 3, session: 7, foreground: 8, has_leader: true });
    t.like(infos[0], { type: 'EXT_TTY', sid: 7, pgrp: 8, rdev: 0xfd670001, dev: 1, winsize: WINDOW });
    t.like(infos[0], { ...gone('pty'), ...gone('uid'), ...gone('gid') });
    t.deepEqual(
      plan.images.map(({ name }) => name),
      ['tty-info.img'],
      'nothing else is changed',
    );
    t.deepEqual(
      plan.warnings.filter(({ code }) => code !== 'SPEC_SHADOWED'),
      [],
    );
    t.false(next?.words.includes('--shell-job'), about);
  }
});

test('descriptors of a terminal that are under way in a socket go with it', async (t) => {
  const packet = (id: number) => ({ id_for: 99, length: 0, scm: [{ type: 1, rights: [id] }] });
  const queue = { 'sk-queues.img': [packet(11), packet(12), packet(11)] };
  for (const specs of [['fd[5]:/dev/pts/3'], [only('fd[5]:/proc/7/fd/0'), 'fd[5]:/dev/pts/3']]) {
    const { planned } = await taken(t, images(undefined, queue), { specs });
    t.deepEqual(
      planned.map(({ references }) => heldOf(references)),
      [
        ['1/0', '1/1', '1/2', '2/0', 'packet 0', 'packet 2'],
        ['2/5', 'packet 1'],
      ],
    );
  }
});

test('a session whose leader is not in the checkpoint is taken off the terminal, with a warning', async (t) => {
  const { infos, planned, plan } = await taken(t, images([info(3, { sid: 99, pgrp: 8 })]), {
    specs: ['fd[5]:/dev/pts/3'],
  });
  t.like(infos[0], { type: 'EXT_TTY', sid: 0, pgrp: 0 });
  t.deepEqual(planned[0]?.terminal, { id: 3, session: 99, foreground: 8, has_leader: false });
  t.deepEqual(messagesOf(plan), [
    '/dev/pts/3 (file id 11): the leader of its session is not in the checkpoint: the restored tasks have it as their controlling terminal only if criu restore runs in a session that has',
  ]);
  const without = await taken(t, images([info(3, { sid: 0, pgrp: 0 })]), { specs: ['fd[5]:/dev/pts/3'] });
  t.deepEqual(messagesOf(without.plan), [], 'a terminal of no session');
});

test('descriptors for other files of the caller are split off, and need what they are used for', async (t) => {
  const specs = [only('fd[6]:/proc/7/fd/1'), only('fd[7]:/proc/7/fd/0'), 'fd[5]:/dev/pts/3'];
  const { planned, plan, infos } = await taken(t, images(), { specs });
  t.deepEqual(
    planned.map(({ file_id, split_from, caller_fd, key, needs_read, needs_write, kind }) => [
      ...[file_id, split_from, caller_fd, key, needs_read, needs_write, kind?.name],
    ]),
    [
      [11, undefined, 5, 'tty[fd670001:1]', true, true, 'terminal'],
      [12, undefined, 5, 'tty[fd670001:1]', true, true, 'terminal'],
      [13, 11, 6, undefined, false, true, undefined],
      [14, 11, 7, undefined, true, false, undefined],
    ],
  );
  t.like(infos[0], { type: 'EXT_TTY', sid: 7 });
  t.deepEqual(
    plan.images.map(({ name }) => name),
    ['fdinfo-1.img', 'files.img', 'tty-info.img'],
  );
});

test('the lowest descriptor has the terminal itself where specs name descriptors alone', async (t) => {
  const separate = images(undefined, {
    'fdinfo-1.img': [descriptor(11, 1, 'TTY'), descriptor(12, 0, 'TTY')],
    'fdinfo-2.img': [],
  });
  const { planned } = await taken(t, separate, { specs: ['fd[6]:/proc/7/fd/1', 'fd[5]:/proc/7/fd/0'] });
  t.deepEqual(
    planned.map(({ file_id, caller_fd, key }) => [file_id, caller_fd, key]),
    [
      [11, 6, undefined],
      [12, 5, 'tty[fd670001:1]'],
    ],
  );
});

test('a spec that names the terminal comes before one that names a lower descriptor', async (t) => {
  const { planned } = await taken(t, images(), { specs: ['fd[6]:/proc/7/fd/0', 'fd[5]:/dev/pts/3'] });
  t.deepEqual(
    planned.map(({ file_id, caller_fd, key }) => [file_id, caller_fd, key]),
    [
      [11, 6, undefined],
      [12, 5, 'tty[fd670001:1]'],
    ],
  );
});

test('of a terminal that goes in parts, unread bytes matter with the last of them alone', async (t) => {
  const parts = ['7/fd/0', '7/fd/1', '7/fd/2', '8/fd/0'].map((place, i) => only(`fd[${5 + i}]:/proc/${place}`));
  const data = { 'tty-data.img': [{ tty_id: 3, data: Buffer.from('abc') }] };
  const last = only('fd[9]:/proc/8/fd/5');
  const error = await refusal(t, images(undefined, data), { specs: [...parts, last] });
  t.like(error, { code: 'BYTES_IN_FLIGHT', file: 'tty-data.img', entry: 0 });
  const staying = await taken(t, images(undefined, data), { specs: parts });
  t.is(staying.planned.length, 4);
  // CRIU looks for the terminal of an entry that nothing has open, too.
  const closed = { ...data, 'fdinfo-2.img': [descriptor(11, 0, 'TTY')] };
  const kept = await taken(t, images(undefined, closed), { specs: parts });
  t.is(kept.infos.length, 1);
  t.true(kept.planned.every(({ lost_terminal }) => lost_terminal === undefined));
});

test('descriptors of each entry that go alone leave the terminal to those that stay', async (t) => {
  const data = { 'tty-data.img': [{ tty_id: 3, data: Buffer.from('abc') }] };
  const specs = [only('fd[6]:/proc/7/fd/1'), only('fd[7]:/proc/8/fd/5')];
  const { planned, infos } = await taken(t, images(undefined, data), { specs });
  t.deepEqual(
    planned.map(({ file_id, lost_terminal, references }) => [file_id, lost_terminal, heldOf(references)]),
    [
      [12, undefined, ['2/5']],
      [13, undefined, ['1/1']],
    ],
  );
  t.like(infos[0], { type: 'PTY', id: 3 });
});

test('a record of unread bytes that has none stops nothing', async (t) => {
  const none = { 'tty-data.img': [{ tty_id: 3, data: Buffer.alloc(0) }] };
  const { planned } = await taken(t, images(undefined, none), { specs: ['fd[5]:/dev/pts/3'] });
  t.is(planned.length, 2);
});

test('two terminals and a pipe go together, and the numbers of terminals follow their own', async (t) => {
  const more = [fileEntry(14, '/dev/pts/2', 0o100002, { mode: 0o020620 }), tty(13, 2, 14), pipeEntry(20, 4711, 1)];
  const tables = { 'fdinfo-2.img': [descriptor(12, 5, 'TTY'), descriptor(13, 6, 'TTY'), descriptor(20, 7, 'PIPE')] };
  const given = images([info(3), info(2, { sid: 0, pgrp: 0 })], tables, more);
  const { planned } = await taken(t, given, { specs: ['fd[5]:/dev/pts/3', 'fd[6]:/dev/pts/2', 'fd[7]:pipe:[4711]'] });
  t.deepEqual(
    planned.map(({ file_id, caller_fd, key }) => [file_id, caller_fd, key]),
    [
      [11, 5, 'tty[fd670001:2]'],
      [12, 5, 'tty[fd670001:2]'],
      [13, 6, 'tty[fd670001:1]'],
      [20, 7, undefined],
    ],
  );
});

test('descriptors that go alone leave the terminal to CRIU', async (t) => {
  const { planned, infos, plan, next } = await taken(t, images(), { specs: [only('fd[6]:/proc/7/fd/1')] });
  t.deepEqual(
    planned.map(({ file_id, split_from }) => [file_id, split_from]),
    [[13, 11]],
  );
  t.like(infos[0], { type: 'PTY', pty: { index: 3 } });
  t.deepEqual(
    plan.images.map(({ name }) => name),
    ['fdinfo-1.img', 'files.img'],
  );
  t.true(next?.words.includes('--shell-job'));
});

test('a terminal that was hung up goes by descriptors, and its record with the last of them', async (t) => {
  const hungUp = info(3, { termios: undefined, winsize: undefined });
  const { planned, infos, plan } = await taken(t, images([info(4), hungUp]), { specs: ['fd[5]:/dev/pts/3'] });
  t.deepEqual(
    planned.map(({ file_id, key, kind, lost_terminal }) => [file_id, key, kind, lost_terminal]),
    [
      [11, undefined, undefined, 3],
      [12, undefined, undefined, undefined],
    ],
  );
  t.deepEqual(
    infos.map(({ id }) => id),
    [4],
  );
  t.deepEqual(messagesOf(plan), [
    '/dev/pts/3 (file id 11): it was hung up before the dump: the open file of the caller takes the place of its descriptors, and is no controlling terminal',
  ]);
});

test('a descriptor that is under way can be used for both, whatever the others of its entry are for', async (t) => {
  const hungUp = [info(3, { termios: undefined, winsize: undefined })];
  const stdin = { 'fdinfo-1.img': [descriptor(11, 0, 'TTY')], 'fdinfo-2.img': [] };
  const right = { 'sk-queues.img': [{ id_for: 99, length: 0, scm: [{ type: 1, rights: [11] }] }] };
  for (const [more, needs_write] of [
    [{}, false],
    [right, true],
  ] as const) {
    const { planned } = await taken(t, images(hungUp, { ...stdin, ...more }), { specs: ['fd[5]:/dev/pts/3'] });
    t.like(planned, [{ file_id: 11, needs_read: true, needs_write }]);
  }
});

test('a master whose other end is outside goes by descriptors', async (t) => {
  const master = info(3, { rdev: 0x502, sid: 0, pgrp: 0 });
  const { planned, infos } = await taken(t, images([master]), { specs: ['fd[5]:/dev/pts/3'] });
  t.deepEqual(
    planned.map(({ key, lost_terminal }) => [key, lost_terminal]),
    [
      [undefined, 3],
      [undefined, undefined],
    ],
  );
  t.deepEqual(infos, []);
});

test('a master whose other end is a controlling terminal that nobody has open takes that from the session', async (t) => {
  const told = async (sid: number) => {
    const master = info(3, { rdev: 0x502, sid, pgrp: sid });
    const { plan } = await taken(t, images([master]), { specs: ['fd[5]:/dev/pts/3'] });
    return messagesOf(plan);
  };
  t.deepEqual(await told(7), [
    '/dev/pts/3 (file id 11): the other end, which nobody has open, is the controlling terminal of session 7: that session has none after the restore',
  ]);
  t.deepEqual(await told(6), [], 'a session outside');
  t.deepEqual(await told(0), []);
});

test('a terminal that was dumped with --external has no path: its device names it', async (t) => {
  const external = images([info(3, { type: 'EXT_TTY', pty: undefined })], {
    'files.img': [...BASE, tty(11, 3), tty(12, 3)],
  });
  for (const specs of [['fd[5]:tty[8803:1a]'], ['fd[5]:/proc/7/fd/0', 'fd[5]:/proc/8/fd/5']]) {
    const { planned, infos } = await taken(t, external, { specs });
    t.deepEqual(
      planned.map(({ key, was }) => [key, was.key]),
      [
        ['tty[fd670001:1]', 'tty[8803:1a]'],
        ['tty[fd670001:1]', 'tty[8803:1a]'],
      ],
    );
    t.like(infos[0], { type: 'EXT_TTY', rdev: 0xfd670001, dev: 1 });
  }
});

const CURRENT = info(9, { type: 'CTTY', rdev: 0x500, pty: undefined });
const withCurrent = (more: Images = {}) =>
  images([info(3), CURRENT], { 'fdinfo-2.img': [descriptor(12, 0, 'TTY'), descriptor(14, 9, 'TTY')], ...more }, [
    fileEntry(13, '/dev/tty', 0o100002, { mode: 0o020666 }),
    tty(14, 9, 13),
  ]);

test('/dev/tty names the terminal of its session, and follows it', async (t) => {
  for (const specs of [['fd[5]:/dev/tty'], ['fd[5]:/dev/pts/3']]) {
    const { planned, infos } = await taken(t, withCurrent(), { specs });
    t.deepEqual(
      planned.map(({ file_id, key }) => [file_id, key]),
      [
        [11, 'tty[fd670001:1]'],
        [12, 'tty[fd670001:1]'],
      ],
    );
    t.deepEqual(
      infos.map(({ type }) => type),
      ['EXT_TTY', 'CTTY'],
    );
  }
});

test('/dev/tty of no session names no other terminal of none', async (t) => {
  const ofNone = { sid: 0, pgrp: 0 };
  const given = withCurrent({ 'tty-info.img': [info(3, ofNone), { ...CURRENT, ...ofNone }] });
  const { planned } = await taken(t, given, { specs: ['fd[5]:/dev/tty'] });
  t.deepEqual(
    planned.map(({ file_id }) => file_id),
    [14],
  );
});

test('a descriptor of /dev/tty can go alone', async (t) => {
  const { planned, infos } = await taken(t, withCurrent(), { specs: ['fd[6]:/proc/8/fd/9', 'fd[5]:/dev/pts/3'] });
  t.deepEqual(
    planned.map(({ file_id, key, lost_terminal }) => [file_id, key, lost_terminal]),
    [
      [11, 'tty[fd670001:1]', undefined],
      [12, 'tty[fd670001:1]', undefined],
      [14, undefined, 9],
    ],
  );
  t.deepEqual(
    infos.map(({ id }) => id),
    [3],
  );
});

test('two sessions go to two terminals', async (t) => {
  const two = images(
    [info(3), info(4, { sid: 8, pgrp: 8 })],
    {
      'pstree.img': [
        { pid: 7, ppid: 0, pgid: 7, sid: 7, threads: [7] },
        { pid: 8, ppid: 7, pgid: 8, sid: 8, threads: [8] },
      ],
      'fdinfo-2.img': [descriptor(14, 0, 'TTY')],
      'fdinfo-1.img': [descriptor(11, 0, 'TTY'), descriptor(12, 1, 'TTY')],
    },
    [fileEntry(13, '/dev/pts/4', 0o100002, { mode: 0o020620 }), tty(14, 4, 13)],
  );
  const { planned } = await taken(t, two, { specs: ['fd[5]:/dev/pts/3', 'fd[6]:/dev/pts/4'] });
  t.deepEqual(
    planned.map(({ caller_fd, key }) => [caller_fd, key]),
    [
      [5, 'tty[fd670001:1]'],
      [5, 'tty[fd670001:1]'],
      [6, 'tty[fd670001:2]'],
    ],
  );
  const error = await refusal(t, two, { specs: ['fd[5]:/dev/pts/*'] });
  t.like(error, { code: 'DESCRIPTOR_TIED', exitCode: 2 });
  t.regex(error.message, /caller fd 5 would be the terminal of two sessions, that of 7 .* and that of 8/);
});

test('a path is quoted for the shell in the command that is proposed', async (t) => {
  const path = "/dev/pts/3'$(id)'";
  const files = (images()['files.img'] as { id: number }[]).map((one) =>
    one.id === 10 ? fileEntry(10, path, 0o100002, { mode: 0o020620 }) : one,
  );
  const { hint } = await refusal(t, images([info(3)], { 'files.img': files }), { specs: ['fd[5]:/proc/7/fd/0'] });
  t.regex(hint ?? '', /--inherit-fd 'fd\[5\]:\/dev\/pts\/3'\\''\$\(id\)'\\''', or take/);
});

const REFUSED: [what: string, given: Images, specs: RewriteOptions['specs'], code: string, text: RegExp][] = [
  [
    'a part of it that would stay',
    images(),
    ['fd[5]:/proc/7/fd/0'],
    'DESCRIPTOR_TIED',
    /others of it stay \(file id 12\)/,
  ],
  [
    'a terminal whose master is in the checkpoint',
    images([info(3), info(6, { rdev: 0x502, pty: { index: 3 }, sid: 0, pgrp: 0 })]),
    ['fd[5]:/dev/pts/3'],
    'SPEC_UNSUPPORTED',
    /the master of its pty is in the checkpoint/,
  ],
  [
    'a master whose terminal is in the checkpoint',
    images([info(3, { rdev: 0x502, sid: 0, pgrp: 0 }), info(6, { pty: { index: 3 } })]),
    ['fd[5]:/dev/pts/3'],
    'SPEC_UNSUPPORTED',
    /master of a pty whose other end is in the checkpoint/,
  ],
  [
    'a virtual terminal',
    images([info(3, { type: 'VT', rdev: 0x401, pty: undefined })]),
    ['fd[5]:/dev/pts/3'],
    'SPEC_UNSUPPORTED',
    /it is no pty/,
  ],
  [
    'a terminal without a record',
    images([info(4)]),
    ['fd[5]:/dev/pts/3'],
    'IMAGES_DISAGREE',
    /tty-info\.img has no record of it/,
  ],
  [
    'a terminal with two records',
    images([info(3), info(3, { sid: 9 })]),
    ['fd[5]:/dev/pts/3'],
    'IMAGES_DISAGREE',
    /tty-info\.img, entry 1, .*: terminal 3 \(\/dev\/pts\/3\) has an earlier record too/,
  ],
  [
    'a descriptor of a terminal with two records',
    images([info(3), info(3, { type: 'VT', rdev: 0x401 })]),
    [only('fd[5]:/proc/7/fd/0')],
    'IMAGES_DISAGREE',
    /has an earlier record too/,
  ],
  [
    'bytes under way',
    images(undefined, { 'tty-data.img': [{ tty_id: 3, data: Buffer.from('abc') }] }),
    ['fd[5]:/dev/pts/3'],
    'BYTES_IN_FLIGHT',
    /held 3 unread bytes/,
  ],
  [
    'bytes under way in several records',
    images(undefined, {
      'tty-data.img': ['other', 'abc', 'de'].map((text, i) => ({ tty_id: i === 0 ? 4 : 3, data: Buffer.from(text) })),
    }),
    ['fd[5]:/dev/pts/3'],
    'BYTES_IN_FLIGHT',
    /^tty-data\.img, entry 1: .*held 5 unread bytes/,
  ],
  ['an offset', images(), [{ inherit: 'fd[5]:/dev/pts/3', position: 'end' }], 'SPEC_UNSUPPORTED', /position end/],
];
for (const [what, given, specs, code, text] of REFUSED) {
  test(`refused: ${what}`, async (t) => {
    const error = await refusal(t, given, { specs });
    t.like(error, { code, exitCode: 2 });
    t.regex(error.message, text);
    t.truthy(error.hint);
  });
}

test('a path that no terminal has leads to the paths that there are, and to the names of those without one', async (t) => {
  const external = images(
    [info(3, { type: 'EXT_TTY', pty: undefined }), info(4, { type: 'EXT_TTY', pty: undefined })],
    {
      'files.img': [...BASE, tty(11, 3), tty(12, 4)],
    },
  );
  const elsewhere = withCurrent({ 'tty-info.img': [info(3), { ...CURRENT, sid: 77 }] as never });
  const cases: [Images, string, string][] = [
    [images(), '/dev/pts/9', 'did you mean /dev/pts/3?'],
    [images(), 'pts/3', 'did you mean /dev/pts/3?'],
    [images(), '/dev/tty', 'there is tty[8803:1a]'],
    [external, '/dev/pts/3', 'there are tty[8803:1a], tty[8804:1a]'],
    [
      elsewhere,
      '/dev/tty',
      '/dev/tty is open, and the terminal of its session is not in the checkpoint; its descriptors have keys /proc/PID/fd/N',
    ],
  ];
  for (const [given, key, near] of cases) {
    const error = await refusal(t, given, { specs: [`fd[5]:${key}`] });
    t.deepEqual(error.message.split('\n'), [`spec 'fd[5]:${key}' matches nothing`, `  ${near}`]);
  }
});

test('the path of a terminal that nothing has open is not suggested', async (t) => {
  const closed = images(undefined, { 'fdinfo-1.img': [], 'fdinfo-2.img': [] });
  const error = await refusal(t, closed, { specs: ['fd[5]:/dev/pts/9'] });
  t.notRegex(error.message, /did you mean/);
});

test('a device that no terminal has leads to those that there are', async (t) => {
  const error = await refusal(t, images(), { specs: ['fd[5]:tty[8804:1a]'] });
  t.deepEqual(error.message.split('\n'), ["spec 'fd[5]:tty[8804:1a]' matches nothing", '  there is tty[8803:1a]']);
});
