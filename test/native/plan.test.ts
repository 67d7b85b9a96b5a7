import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { OFFSET_MAX } from '../../src/schema/plan-limits';
import { build, exec, run, type Variant } from '../support/native';
import {
  frame,
  headRecord,
  type IdRange,
  type Placeholder,
  type Plan,
  placeholderRecord,
  planBytes,
} from '../support/planfile';
import { complaints, file, O, scratch } from './support';

/** Plans with one thing wrong each: every one ends in a message and exit 100, in the sanitized build too. */

const whole: Placeholder = {
  type: 'PIPE',
  pipeSize: 1 << 20,
  fileId: 3,
  callerFd: 5,
  flags: 2,
  offset: 12,
  descriptors: [
    { fd: 1, pids: [7, 8] },
    { fd: 4, pids: [9], closeOnExec: true },
  ],
  scmRights: 1,
  inFlight: [{ bytes: 4, fate: 'drop' }],
};
const digest = Buffer.alloc(32, 7);
const good: Plan = {
  specs: [{ text: 'fd[5]:pipe:[1]', callerFd: 5 }],
  placeholders: [whole, { ...whole, fileId: 4, descriptors: [{ fd: 40, pids: [7] }] }],
  credentials: [
    { pids: [7, 9], uid: 65534, gid: 65534, groups: [5, 65534] },
    { pids: [8], overridesAccess: true, overridesReading: true },
  ],
  userNamespace: { uids: [[0, 100000, 65536]], gids: [[0, 100000, 65536]] },
};
const give = [file(5, O.RDWR, '/dev/null')];

async function check(variant: Variant, own: string, bytes: Buffer, name = 'inherit-plan.img') {
  const path = join(own, name);
  writeFileSync(path, bytes);
  return exec(['--plan', path, '--task', '7', '--check'], { variant, give });
}

function with0(change: Partial<Placeholder>): Plan {
  return { ...good, placeholders: [{ ...whole, ...change }, ...(good.placeholders ?? []).slice(1)] };
}

const withIds = (...ids: number[]) => planBytes({ ...good, credentials: [{ pids: [7], groups: ids }] });
const withPids = (...pids: number[][]) => planBytes({ ...good, credentials: pids.map((one) => ({ pids: one })) });
const withRanges = (...uids: IdRange[]) => planBytes({ ...good, userNamespace: { uids, gids: [[0, 0, 1]] } });
const upTo = (count: number, start = 0) => Array.from({ length: count }, (_, at) => start + at);

function patched(at: number, value: number): Buffer {
  const bytes = planBytes(good);
  bytes.writeUInt32LE(value, at);
  return bytes;
}

const afterHead = 12 + headRecord(good).length;

const tarBegin = Buffer.alloc(512);
tarBegin.write('checkpoint/');
tarBegin.write('ustar', 257);

/** A field of number 0 in two bytes, as no encoder writes it, at the end of the record that begins there. */
function withFieldZero(begin: number): Buffer {
  const bytes = planBytes(good);
  const size = bytes.readUInt32LE(begin);
  const end = begin + 4 + size;
  const longer = Buffer.concat([bytes.subarray(0, end), Buffer.from([0x80, 0, 0]), bytes.subarray(end)]);
  longer.writeUInt32LE(size + 3, begin);
  return longer;
}

const corruptions: [string, Buffer, RegExp][] = [
  ['an empty file', Buffer.alloc(0), /ends after 0 bytes, within its magic numbers/],
  ['the magic of another image', patched(4, 0x56303138), /not a plan: begins with 0x54564319 0x56303138/],
  ['what looks like a tar', tarBegin, /not a plan: begins with/],
  ['a tar in gzip', Buffer.from('1f8b0800', 'hex'), /gzip cannot unpack it/],
  ['a tar in zstd', Buffer.from('28b52ffd00', 'hex'), /zstd cannot unpack it/],
  ['half a tar header', tarBegin.subarray(0, 511), /not a plan: begins with/],
  ['no common magic', patched(0, 0x50474446), /not a plan/],
  ['a head past the end', patched(8, 0xffffffff), /byte 8: a record of 4294967295 bytes/],
  ['a head of no bytes', patched(8, 0), /byte 8: the head record is not a plan_head message/],
  ['a field of number 0 in the head', withFieldZero(8), /byte 8: the head record is not a plan_head message/],
  ['a field of number 0', withFieldZero(afterHead), /placeholder 0 is not a plan_placeholder message/],
  [
    'a placeholder past the end',
    patched(afterHead, 1 << 30),
    new RegExp(`byte ${afterHead}: a record of 1073741824 bytes`),
  ],
  ['a placeholder of no bytes', patched(afterHead, 0), /placeholder 0 is not a plan_placeholder message/],
  [
    'a last placeholder of no bytes',
    patched(afterHead + frame(placeholderRecord(good, whole)).length, 0),
    /placeholder 1 is not a plan_placeholder message/,
  ],
  ['a later format', planBytes({ ...good, format: 4 }), /format 4, this fdgraft-exec reads formats 1 to 3/],
  ['format 0', planBytes({ ...good, format: 0 }), /format 0, this fdgraft-exec reads formats 1 to 3/],
  ['more placeholders than there are', planBytes({ ...good, count: 3 }), /a record's size needs 4 bytes, 0 are left/],
  ['a count past all', planBytes({ ...good, count: 0xffffffff }), /a record's size needs 4 bytes, 0 are left/],
  ['fewer placeholders than there are', planBytes({ ...good, count: 1 }), /bytes follow the last of 1 placeholders/],
  ['bytes at the end', Buffer.concat([planBytes(good), Buffer.from('x')]), /1 bytes follow the last/],
  ['file ids out of order', planBytes(with0({ fileId: 5 })), /placeholder 1 \(file id 4\): its file id is not greater/],
  ['a file id twice', planBytes(with0({ fileId: 4 })), /its file id is not greater/],
  ['a spec that is not there', planBytes(with0({ spec: 1 })), /its spec is not in the head's list/],
  [
    'a caller fd that is not its spec’s',
    planBytes(with0({ callerFd: 6, spec: 0 })),
    /its caller fd is not that of its spec/,
  ],
  [
    'O_NONBLOCK that the entry had not',
    planBytes(with0({ setNonblock: true })),
    /it sets O_NONBLOCK, and its entry had not/,
  ],
  [
    'O_NONBLOCK for O_PATH',
    planBytes(with0({ setNonblock: true, flags: O.PATH | O.NONBLOCK })),
    /it sets O_NONBLOCK, and its entry was open with O_PATH/,
  ],
  ['an unknown kind', planBytes(with0({ kind: { name: 'teapot' } })), /placeholder 0 \(file id 3\): .*kind/],
  ['an unknown apply', planBytes(with0({ apply: 3 })), /its apply is none of/],
  ['an unknown position', planBytes(with0({ position: 9 })), /its position is none of/],
  ['an unknown fate', planBytes(with0({ inFlight: [{ bytes: 1, fate: 5 }] })), /fate 5, known are 0 \(replay\) and 1/],
  [
    'bytes in flight out of the directory',
    planBytes(with0({ inFlight: [{ image: '../x', bytes: 1, fate: 'drop' }] })),
    /"\.\.\/x"/,
  ],
  [
    'bytes in flight of an image that holds none',
    planBytes(with0({ inFlight: [{ image: 'sk-queues.img', bytes: 1, fate: 'replay' }] })),
    /\(sk-queues\.img\): it is not one whose bytes can be written: those are pipes-data\.img and fifo-data\.img/,
  ],
  [
    'bytes in flight past the largest file',
    planBytes(with0({ inFlight: [{ offset: 2 ** 62, bytes: 2 ** 62, fate: 'replay' }] })),
    /end past the largest possible file/,
  ],
  [
    'bytes in flight that nothing reads',
    planBytes(with0({ flags: 1, inFlight: [{ bytes: 1, fate: 'replay' }] })),
    /they are for an entry that nothing reads/,
  ],
  [
    'a descriptor past all',
    planBytes(with0({ descriptors: [{ fd: 0x7fffffff, pids: [7] }] })),
    /descriptor 2147483647, at most 1048575/,
  ],
  ['pid 0', planBytes(with0({ descriptors: [{ fd: 1, pids: [0] }] })), /pid 0, allowed is 1 to/],
  [
    'a pid past all',
    planBytes(with0({ descriptors: [{ fd: 1, pids: [0xffffffff] }] })),
    /pid 4294967295, allowed is 1 to/,
  ],
  [
    'a caller fd past all',
    planBytes({ specs: [{ text: 'x', callerFd: 0xffffffff }] }),
    /descriptor 4294967295, at most/,
  ],
  [
    'a debug fd past all',
    planBytes({ debugs: [{ text: 'x', callerFd: 1 << 20, output: digest }] }),
    /descriptor 1048576, at most/,
  ],
  [
    'a saved position without an offset',
    planBytes(with0({ position: 'saved', offset: undefined as never })),
    /none was saved/,
  ],
  ['a pipe that is to be cut', planBytes(with0({ truncateTo: 9 })), /it truncates, and only an entry of type REG can/],
  [
    'a size past the largest file',
    planBytes(with0({ type: 'REG', pipeSize: undefined as never, truncateTo: 2 ** 63 })),
    /the size that it truncates to is past the largest possible file/,
  ],
  [
    'the size of a pipe for a file',
    planBytes(with0({ type: 'REG' })),
    /it has the size of a pipe, and only entries of types PIPE and FIFO do/,
  ],
  [
    'a size past the largest pipe',
    planBytes(with0({ pipeSize: 2 ** 31 })),
    /the size of its pipe is past the largest possible one/,
  ],
  [
    'a size past the largest pipe, as format 1 has it',
    planBytes({ ...with0({ inFlight: [{ bytes: 4, fate: 'drop', pipeSize: 2 ** 32 - 1 }] }), format: 1 }),
    /the size of its pipe is past the largest possible one/,
  ],
  [
    'a digest of 31 bytes',
    planBytes({ ...good, images: [{ name: 'files.img', after: digest.subarray(1) }] }),
    /31 bytes, SHA-256 has 32/,
  ],
  [
    'a digest of 31 bytes before',
    planBytes({ ...good, images: [{ name: 'files.img', before: digest.subarray(1), after: digest }] }),
    /digests of 31 and 32 bytes/,
  ],
  [
    'a digest of 31 bytes after',
    planBytes({ ...good, images: [{ name: 'files.img', before: digest, after: digest.subarray(1) }] }),
    /digests of 32 and 31 bytes/,
  ],
  [
    'an image of no name',
    planBytes({ ...good, images: [{ name: '', after: digest }] }),
    /"" is not the name of an image/,
  ],
  ['an image ..', planBytes({ ...good, images: [{ name: '..', after: digest }] }), /"\.\." is not the name/],
  ['an image .', planBytes({ ...good, images: [{ name: '.', after: digest }] }), /"\." is not the name/],
  [
    'an image in another directory',
    planBytes({ ...good, images: [{ name: 'a/b', after: digest }] }),
    /"a\/b" is not the name/,
  ],
  [
    'an image with an endless name',
    planBytes({ ...good, images: [{ name: 'x'.repeat(5000), after: digest }] }),
    /x{900,}\.\.\." is not/,
  ],
  [
    'an image that is named twice',
    planBytes({
      ...good,
      images: [
        { name: 'files.img', after: digest },
        { name: 'files.img', after: digest },
      ],
    }),
    /head, image 1 \(files\.img\): it is named twice, or not in the order of names/,
  ],
  [
    'images in another order',
    planBytes({
      ...good,
      images: [
        { name: 'files.img', after: digest },
        { name: 'fdinfo-2.img', after: digest },
      ],
    }),
    /head, image 1 \(fdinfo-2\.img\): it is named twice, or not in the order of names/,
  ],
  [
    'the plan as an image',
    planBytes({ ...good, images: [{ name: 'inherit-plan.img', after: digest }] }),
    /is not the name/,
  ],
  [
    'an image name with control characters',
    planBytes({ ...good, images: [{ name: 'a/\u001b\\x\u0085', after: digest }] }),
    /"a\/\\x1b\\x5cx\\xc2\\x85"/,
  ],
  ['credentials of pid 0', withPids([0]), /head, credentials 0: a pid is not from 1 to 2147483647/],
  ['credentials of a pid past all', withPids([7], [0x80000000]), /head, credentials 1: a pid is not from 1/],
  ['pids out of order', withPids([8, 7]), /head, credentials 0: its pids do not ascend/],
  ['a pid twice in its credentials', withPids([7, 7]), /its pids do not ascend/],
  ['a pid with two credentials', withPids([7, 8], [8, 9]), /head: task 8 has credentials twice/],
  [
    'no id of a user',
    planBytes({ ...good, credentials: [{ pids: [7], uid: 0xffffffff }] }),
    /head, credentials 0: 4294967295 is no id/,
  ],
  ['no id of a group', withIds(0xffffffff), /4294967295 is no id of a user or group/],
  ['a group twice', withIds(5, 5), /its groups do not ascend/],
  ['groups out of order', withIds(6, 5), /its groups do not ascend/],
  ['too many groups', withIds(...upTo(65537)), /more than 65536 groups/],
  [
    'too many ranges',
    withRanges(...upTo(341).map((at): IdRange => [at, at, 1])),
    /user namespace: more than 340 ranges/,
  ],
  ['a range of nothing', withRanges([0, 0, 0]), /user namespace: a range of no ids/],
  ['a range past the ids inside', withRanges([1, 0, 0xffffffff]), /a range past the largest id/],
  ['a range past the ids outside', withRanges([0, 2, 0xfffffffe]), /a range past the largest id/],
  ['ranges out of order', withRanges([5, 5, 1], [0, 0, 1]), /its ranges do not ascend/],
  ['ranges that overlap inside', withRanges([0, 0, 6], [5, 10, 1]), /two of its ranges overlap/],
  ['ranges that overlap outside', withRanges([0, 1003, 6], [6, 1000, 4]), /two of its ranges overlap/],
  [
    'groups that map to nothing possible',
    planBytes({ ...good, userNamespace: { gids: [[0, 0, 0]] } }),
    /user namespace: a range of no ids/,
  ],
  [
    'references that hold nothing',
    Buffer.concat([
      planBytes({ ...good, count: 1, placeholders: [] }),
      frame(
        Buffer.concat([planBytes({ ...good, placeholders: [whole] }).subarray(afterHead + 4), Buffer.from([0x4a, 0])]),
      ),
    ]),
    /neither a descriptor nor an SCM right/,
  ],
  [
    'a descriptor twice',
    planBytes(
      with0({
        descriptors: [
          { fd: 4, pids: [7] },
          { fd: 4, pids: [7], table: 3 },
        ],
      }),
    ),
    /task 7 has descriptor 4 twice/,
  ],
  ...[2, 3].map((table): [string, Buffer, RegExp] => [
    `a descriptor of a table twice, with ${table === 2 ? 'other tables' : 'six others'} between`,
    planBytes(
      with0({
        descriptors: [
          { fd: 4, pids: [7], table: 3 },
          ...upTo(6, 5).map((fd) => ({ fd, pids: [7], table: table === 2 ? fd : 3 })),
          { fd: 4, pids: [7], table: 3 },
        ],
      }),
    ),
    /descriptor table 3 has descriptor 4 twice, of file ids 3 and 3/,
  ]),
  [
    'a descriptor of a table twice, with others between',
    planBytes(
      with0({
        descriptors: [
          { fd: 4, pids: [7], table: 3 },
          { fd: 5, pids: [7], table: 2 },
          { fd: 9, pids: [7], table: 3 },
          { fd: 4, pids: [7], table: 3 },
        ],
      }),
    ),
    /descriptor table 3 has descriptor 4 twice, of file ids 3 and 3/,
  ],
];

for (const variant of ['plain', 'sanitized'] as const) {
  test(`${variant}: the plan without a fault is taken`, async (t) => {
    const largest = with0({ descriptors: [{ fd: 1048575, pids: [7, 2147483647] }] });
    const waiting = with0({ flags: O.RDWR | O.NONBLOCK, setNonblock: true, apply: 'dup' });
    const images = { ...good, images: [{ name: 'files.img', after: digest }] };
    const atEnd = with0({ type: 'REG', pipeSize: undefined as never, position: 'end' });
    const saved = with0({ type: 'REG', pipeSize: undefined as never, position: 'saved', offset: 0 });
    const debugs = { ...good, debugs: [{ text: 'debug[5]:x', callerFd: 5, output: Buffer.from('x') }] };
    const many = {
      ...good,
      // As many descriptors as a list has room for, in an order that has to be sorted.
      placeholders: upTo(128, 1).map((fileId) => ({
        ...whole,
        fileId,
        descriptors: [3, 2, 1, 0].map((at) => ({ fd: 4 * fileId + at, pids: [7] })),
      })),
    };
    for (const plan of [
      ...[good, { ...good, placeholders: [whole] }, largest, waiting, images, atEnd, saved, debugs, many],
    ]) {
      const result = await check(variant, scratch(t), planBytes(plan));
      t.deepEqual([result.code, result.stderr], [0, '']);
    }
  });
  test(`${variant}: unread bytes of many entries of a pipe are taken`, async (t) => {
    const own = scratch(t);
    writeFileSync(join(own, 'pipes-data.img'), Buffer.alloc(100));
    const placeholders = upTo(40).map((fileId): Placeholder => {
      const inFlight = [{ offset: fileId, bytes: 1, fate: 'replay' as const }];
      return { fileId, callerFd: 5, type: 'PIPE', pipeId: 77, apply: 'dup', inFlight };
    });
    const path = join(own, 'inherit-plan.img');
    writeFileSync(path, planBytes({ placeholders }));
    const result = await exec(['--plan', path, '--check'], { variant, give: ['5=pipe:9'] });
    t.deepEqual([result.code, result.stderr], [0, '']);
  });
  test(`${variant}: the largest offset is none too large`, async (t) => {
    const regular = { type: 'REG', pipeSize: undefined as never, inFlight: [] };
    for (const [change, at] of [
      [{ ...regular, truncateTo: OFFSET_MAX }, /truncate cuts a regular file/],
      [{ ...regular, position: 'saved', offset: OFFSET_MAX }, /^$|must hold/],
    ] as const) {
      const { stderr } = await check(variant, scratch(t), planBytes(with0(change)));
      t.regex(stderr, at);
      t.notRegex(stderr, /past the largest/);
    }
  });
  test(`${variant}: as many groups and ranges as Linux has are taken`, async (t) => {
    const ranges = upTo(340).map((at): IdRange => [2 * at, 2 * at + 1, 1]);
    // As for podman without root: the user's own id, and then others.
    const adjacent: IdRange[] = [
      [0, 1000, 1],
      [1, 1001, 65536],
      [65537, 999, 1],
    ];
    const credentials = [{ pids: [7], groups: upTo(65536) }];
    const all: IdRange[] = [[0, 0, 0xffffffff]];
    for (const userNamespace of [{ uids: ranges, gids: ranges }, { uids: all }, { uids: adjacent }]) {
      const bytes = planBytes({ ...good, placeholders: [whole], credentials, userNamespace });
      const result = await check(variant, scratch(t), bytes);
      t.deepEqual([result.code, result.stderr], [0, '']);
    }
  });
  for (const [title, bytes, expected] of corruptions)
    test(`${variant}: ${title}`, async (t) => {
      const result = await check(variant, scratch(t), bytes);
      t.is(result.code, 100, result.stderr);
      const lines = complaints(t, result.stderr);
      t.is(lines.length, 1, result.stderr);
      t.regex(lines[0] ?? '', expected);
    });
}

test.serial('cut short after every byte', async (t) => {
  build('sanitized');
  const bytes = planBytes({ ...good, placeholders: [whole] });
  const own = scratch(t);
  const lengths = Array.from(bytes.keys());
  await Promise.all(
    [0, 1].map(async (worker) => {
      for (const length of lengths.filter((one) => one % 2 === worker)) {
        const result = await check('sanitized', own, bytes.subarray(0, length), `cut-${length}`);
        t.is(result.code, 100, `${length} bytes: ${result.stderr}`);
        complaints(t, result.stderr);
      }
    }),
  );
});

test.serial('each byte of the plan changed in turn never crashes it', async (t) => {
  build('sanitized');
  const bytes = planBytes({ ...good, placeholders: [whole] });
  const own = scratch(t);
  await Promise.all(
    [0, 1].map(async (worker) => {
      for (let at = worker; at < bytes.length; at += 2) {
        const changed = Buffer.from(bytes);
        changed.writeUInt8((changed.readUInt8(at) ^ (1 << (at % 8))) & 0xff, at);
        const result = await check('sanitized', own, changed, `changed-${at}`);
        t.true(result.code === 0 || result.code === 100, `byte ${at}: ${result.code} ${result.stderr}`);
        complaints(t, result.stderr);
      }
    }),
  );
});

test('a record that would unpack into all of the memory is refused', async (t) => {
  // Six million references that hold nothing: 12 MB in the file, more than a gibibyte unpacked.
  const record = planBytes({ ...good, placeholders: [whole] }).subarray(afterHead + 4);
  const many = Buffer.alloc(12_000_000);
  for (let at = 0; at < many.length; at += 2) many.writeUInt8(0x4a, at);
  const bytes = Buffer.concat([
    planBytes({ ...good, count: 1, placeholders: [] }),
    frame(Buffer.concat([record, many])),
  ]);
  const result = await check('plain', scratch(t), bytes);
  t.is(result.code, 100);
  t.regex(result.stderr, /placeholder 0 is not a plan_placeholder message|neither a descriptor/);
});

test('a plan past the limit is refused', async (t) => {
  const path = join(scratch(t), 'inherit-plan.img');
  writeFileSync(path, planBytes(good));
  const { truncateSync } = await import('node:fs');
  truncateSync(path, (256 << 20) + 1);
  const result = await exec(['--plan', path, '--check'], { give });
  t.is(result.code, 100);
  t.regex(result.stderr, /larger than 268435456 bytes, the limit for a plan/);
});

test('a long spec of many placeholders is not read to its end for each of them', async (t) => {
  const own = scratch(t);
  const path = join(own, 'inherit-plan.img');
  const placeholders = Array.from({ length: 50_000 }, (_, fileId) => ({ fileId, callerFd: 5 }));
  const specs = [{ text: `fd[5]:/${'a'.repeat(64 << 20)}`, callerFd: 5 }];
  writeFileSync(
    path,
    planBytes({ specs, placeholders: placeholders.map((one) => ({ ...one, apply: 'dup', type: 'FIFO' })) }),
  );
  // Without the limit of processor time, it would go on for minutes.
  const words = ['prlimit', '--cpu=20', join(build(), 'fdgraft-exec'), '--plan', path, '--check'];
  const result = await run(words, { give });
  t.deepEqual([result.signal, result.code, result.stderr], [null, 0, '']);
});
