import test from 'ava';
import type { ByteReader } from '../../src/bytes/byte-stream';
import { FdgraftError } from '../../src/errors/fdgraft-error';
import { encodePlan } from '../../src/plan/encode-plan';
import { PLAN_FORMAT, type Plan, type PlanPlaceholder, type PlanReference } from '../../src/plan/plan';
import { planChunks, planToJson } from '../../src/plan/plan-json';
import { readPlan } from '../../src/plan/read-plan';
import { PLAN_SIZE_MAX, UNPACKED_MAX } from '../../src/schema/plan-limits';
import { uint32 } from '../support/images';

function readerOf(bytes: Buffer): ByteReader {
  let at = 0;
  return {
    read: async (into, start, length) => {
      const taken = bytes.copy(into, start, at, Math.min(bytes.length, at + length));
      at += taken;
      return taken;
    },
  };
}

const read = (bytes: Buffer) => readPlan(readerOf(bytes), 'inherit-plan.img');
const written = (plan: Plan) => Buffer.concat(encodePlan(plan));

const owner = { uid: 1, euid: 2, signum: 3, pid_type: 4, pid: 5 };
const descriptor = (fd: number): PlanReference => ({
  descriptor: { table: 1, pids: [7, 8], fd, close_on_exec: fd % 2 === 0 },
});
const right: PlanReference = { scm_right: { packet: 11, socket_id: 12 } };

/** Only what each placeholder has. */
const BARE: PlanPlaceholder = {
  file_id: 3,
  caller_fd: 5,
  spec: 0,
  was: { type: 'PIPE', key: 'pipe:[4711]', flags: 1, owner },
  needs_read: false,
  needs_write: true,
  apply: 'AUTO',
  position: 'CALLER',
  references: [descriptor(1)],
  in_flight: [],
};

/** All that one can have; numbers past 2^53 where they are possible. */
const FULL: PlanPlaceholder = {
  file_id: 4,
  split_from: 3,
  caller_fd: 6,
  spec: 1,
  was: { type: 'UNIXSK', key: 'socket:[5]', flags: 2, offset: 2n ** 60n, pipe_id: 9, owner },
  needs_read: true,
  needs_write: false,
  watched: true,
  apply: 'REOPEN',
  position: 'SAVED',
  references: [descriptor(2), right],
  in_flight: [
    { image: 'pipes-data.img', offset: 40, bytes: 2 ** 40, pipe_size: 65536, fate: 'REPLAY' },
    { image: 'fifo-data.img', offset: 0, bytes: 1, fate: 'DROP' },
  ],
  truncate_to: 2n ** 62n,
  pipe_size: 4096,
  kind: {
    name: 'socket',
    socket: { domain: 1, type: 2, protocol: 0, state: 'LISTENING', name: Buffer.from('\0a\x1b') },
  },
  unnamed: [21],
  stand_in: 22,
  set_nonblock: true,
  hung_up: [23, 24],
  key: 'fdgraft:4',
  mapping: { pids: [7], bytes: 2n ** 61n, writes: true },
  terminal: { id: 1, session: 7, foreground: 8, has_leader: true },
  lost_terminal: 2,
};

const PLAN: Plan = {
  format: PLAN_FORMAT,
  tool: 'fdgraft 1.2.3',
  images: [{ name: 'files.img', before: Buffer.alloc(32, 1), after: Buffer.alloc(32, 0xab) }],
  specs: [
    { text: 'fd[5]:pipe:[4711]', caller_fd: 5, matches: 1 },
    { text: 'fd[6]:socket:[5]', caller_fd: 6, matches: 1 },
  ],
  debugs: [{ text: 'fd[8]:debug', caller_fd: 8, output: Buffer.from('a\n') }],
  warnings: [{ code: 'APPENDS_AT_END', message: 'text', file_id: 3 }],
  credentials: [{ pids: [7], uid: 1, gid: 2, groups: [3], overrides_access: true, overrides_reading: false }],
  user_namespace: { uids: [{ inside: 0, outside: 1000, count: 1 }], gids: [{ inside: 0, outside: 1001, count: 2 }] },
  placeholders: [BARE, FULL],
};

test('a plan is read as it was written, with every field and with none', async (t) => {
  t.deepEqual(await read(written(PLAN)), PLAN);
  const { user_namespace: _, ...rest } = PLAN;
  const least = { ...rest, images: [], specs: [], debugs: [], warnings: [], credentials: [], placeholders: [] };
  t.deepEqual(await read(written(least)), least);
});

test('references of a large placeholder are decoded when they are asked for, to the same', async (t) => {
  const references = [...Array.from({ length: 9000 }, (_, fd) => descriptor(fd)), right];
  const plan = { ...PLAN, placeholders: [{ ...FULL, references }] };
  const { placeholders, ...head } = await read(written(plan));
  const { placeholders: expected, ...expectedHead } = plan;
  t.deepEqual(head, expectedHead);
  const [large] = placeholders as [PlanPlaceholder];
  t.false(Array.isArray(large.references));
  t.is(large.references.length, references.length);
  t.deepEqual([...large.references], references);
  t.deepEqual(JSON.parse(JSON.stringify(large.references)), references);
  t.deepEqual(
    large.references.map((one) => 'scm_right' in one),
    references.map((one) => 'scm_right' in one),
  );
  t.deepEqual({ ...large, references }, expected[0] as PlanPlaceholder);
  const asText = [...planChunks({ ...head, placeholders })].join('');
  t.deepEqual(JSON.parse(asText), JSON.parse([...planChunks(plan)].join('')));
  t.true(asText.endsWith('}\n'));
});

test('what has the number of a reference and another wire type is passed over, whatever the size of its record', async (t) => {
  const odd = Buffer.of(9 * 8, 0, 9 * 8 + 5, 1, 2, 3, 4, 9 * 8 + 1, 1, 2, 3, 4, 5, 6, 7, 8);
  for (const count of [1, 9000]) {
    const references = Array.from({ length: count }, (_, fd) => descriptor(fd));
    const bytes = written({ ...PLAN, placeholders: [{ ...BARE, references }] });
    const at = 12 + bytes.readUInt32LE(8);
    const [head, own] = [bytes.subarray(0, at), bytes.subarray(at + 4)];
    const { placeholders } = await read(Buffer.concat([head, record(own, odd)]));
    t.is(placeholders[0]?.references.length, count);
    t.deepEqual([...(placeholders[0]?.references ?? [])], references);
  }
});

test('images that are named twice, or not in the order of names, are refused', async (t) => {
  const [image] = PLAN.images;
  for (const [names, isTaken] of [
    [['core-7.img', 'files.img'], true],
    [['\uffee.img', '\u{10000}.img'], true],
    [['\u{10000}.img', '\uffee.img'], false],
    [['files.img', 'core-7.img'], false],
    [['files.img', 'files.img'], false],
    [[''], false],
  ] as const) {
    const images = names.map((name) => ({ ...(image as Plan['images'][number]), name }));
    const reading = read(written({ ...PLAN, images }));
    if (isTaken) t.deepEqual((await reading).images, images);
    else {
      const message = /: is no plan of fdgraft: it names the image .*twice, or not in the order of names$/;
      await t.throwsAsync(reading, { instanceOf: FdgraftError, message });
    }
  }
});

test('many references are written in chunks of a mebibyte', async (t) => {
  const pids = Array.from({ length: 1000 }, (_, i) => i + 1);
  const references = Array.from({ length: 1200 }, (_, fd) => ({
    descriptor: { table: 1, pids, fd, close_on_exec: false },
  }));
  const chunks = encodePlan({ ...PLAN, placeholders: [{ ...BARE, references }] });
  const large = chunks.map(({ length }) => length).filter((length) => length > 1000);
  t.is(large.length, 4);
  for (const length of large.slice(0, 3)) t.true(length >= 1 << 20 && length < (1 << 20) + 5000, `${length}`);
  // No chunk is written over by a later one.
  const { placeholders } = await read(Buffer.concat(chunks));
  let fd = 0;
  for (const one of placeholders[0]?.references ?? []) {
    if (!('descriptor' in one) || one.descriptor.fd !== fd) t.fail(`${fd}`);
    fd += 1;
  }
  t.is(fd, references.length);
});

test('a plan that the executor would refuse for its size is not written', (t) => {
  const refused = (plan: Plan, message: RegExp) => {
    const error = t.throws(() => encodePlan(plan), { instanceOf: FdgraftError, message });
    t.is(error?.code, 'PLAN_LIMIT');
  };
  // One name, again and again.
  const image = 'x'.repeat(1 << 20);
  const many = Array.from({ length: UNPACKED_MAX / image.length }, () => ({
    ...{ image, offset: 0, bytes: 0, fate: 'DROP' as const },
  }));
  const large = { ...FULL, in_flight: many };
  for (const placeholders of [[large], [BARE, large], [large, BARE]])
    refused({ ...PLAN, placeholders }, new RegExp(`${UNPACKED_MAX} bytes in memory`));
  const output = Buffer.alloc(PLAN_SIZE_MAX);
  refused({ ...PLAN, debugs: [{ text: 'x', caller_fd: 8, output }] }, new RegExp(`${PLAN_SIZE_MAX} bytes,`));
});

test('a plan as JSON has lower case, digests in hexadecimal, escaped bytes and exact numbers', (t) => {
  const { placeholders, ...head } = planToJson(PLAN);
  const { apply: _a, position: _p, references, ...bare } = BARE;
  t.deepEqual(head, {
    format: 'fdgraft.plan',
    version: PLAN_FORMAT,
    tool: PLAN.tool,
    images: [{ name: 'files.img', before: '01'.repeat(32), after: 'ab'.repeat(32) }],
    specs: PLAN.specs,
    debugs: [{ text: 'fd[8]:debug', caller_fd: 8, output: 'a\\x0a' }],
    warnings: PLAN.warnings,
    credentials: PLAN.credentials,
    user_namespace: PLAN.user_namespace,
  });
  t.deepEqual(placeholders, [
    { ...bare, references, apply: 'auto', position: 'caller' },
    {
      ...FULL,
      was: { ...FULL.was, offset: `${2n ** 60n}` },
      apply: 'reopen',
      position: 'saved',
      in_flight: FULL.in_flight.map((bytes) => ({ ...bytes, fate: bytes.fate.toLowerCase() })),
      truncate_to: `${2n ** 62n}`,
      kind: { name: 'socket', socket: { domain: 1, type: 2, protocol: 0, state: 'listening', name: '\\x00a\\x1b' } },
      mapping: { pids: [7], bytes: `${2n ** 61n}`, writes: true },
    },
  ]);
  const kinds = [
    { name: 'memfd' },
    { name: 'socket', socket: { domain: 1, type: 1, protocol: 0, state: 'CONNECTED' } },
  ];
  const { placeholders: ofKinds } = planToJson({
    ...PLAN,
    placeholders: kinds.map((kind) => ({ ...BARE, kind })),
  } as Plan);
  t.deepEqual(
    (ofKinds as PlanPlaceholder[]).map(({ kind }) => kind),
    [kinds[0], { ...kinds[1], socket: { ...kinds[1]?.socket, state: 'connected' } }] as never,
  );
  const { user_namespace: _u, ...rest } = PLAN;
  t.false('user_namespace' in planToJson(rest));
});

test('numbers up to 2^53 - 1 are numbers in JSON', (t) => {
  for (const [offset, expected] of [
    [2n ** 53n - 1n, 2 ** 53 - 1],
    [2n ** 53n, `${2n ** 53n}`],
  ] as const) {
    const { placeholders } = planToJson({ ...PLAN, placeholders: [{ ...BARE, was: { ...BARE.was, offset } }] });
    t.is((placeholders as { was: { offset: unknown } }[])[0]?.was.offset, expected);
  }
});

const record = (...bytes: Uint8Array[]) => {
  const whole = Buffer.concat(bytes);
  return Buffer.concat([uint32(whole.length), whole]);
};
const MAGICS = written(PLAN).subarray(0, 8);
const HEAD = written({ ...PLAN, placeholders: [] }).subarray(8);
const HEAD_OF_ONE = (() => {
  const bytes = written({ ...PLAN, placeholders: [BARE] });
  return bytes.subarray(8, 12 + bytes.readUInt32LE(8));
})();

test('a plan has 2^18 placeholders at most', async (t) => {
  const empty = (count: number) => Buffer.concat([MAGICS, HEAD, Buffer.alloc(4 * count)]);
  const refused = (count: number, message: RegExp) =>
    t.throwsAsync(async () => read(empty(count)), { instanceOf: FdgraftError, message });
  await refused(2 ** 18, /it has 262144 placeholders, and its head says 0/);
  await refused(2 ** 18 + 1, /inherit-plan.img: has more than 262144 placeholders/);
});

const FAULTS: [string, Buffer, RegExp][] = [
  ['another first magic', Buffer.concat([uint32(1), written(PLAN).subarray(4)]), /magics/],
  ['the first magic of service files', Buffer.concat([uint32(0x55105940), written(PLAN).subarray(4)]), /magics/],
  ['another second magic', Buffer.concat([MAGICS.subarray(0, 4), uint32(1), HEAD]), /magics/],
  ['no records', MAGICS, /no records/],
  ['a head that is none', Buffer.concat([MAGICS, record(Buffer.of(0xff))]), /no plan_head/],
  ['a placeholder less', Buffer.concat([MAGICS, HEAD_OF_ONE]), /0 placeholders, .* says 1/],
  ['a placeholder more', Buffer.concat([MAGICS, HEAD, record()]), /1 placeholders, .* says 0/],
  ['no placeholder', Buffer.concat([MAGICS, HEAD_OF_ONE, record()]), /no plan_placeholder/],
  ['format 0', written({ ...PLAN, format: 0 }), /format 0/],
  ['a later format', written({ ...PLAN, format: PLAN_FORMAT + 1 }), /format/],
  [
    'a large placeholder that is damaged',
    Buffer.concat([MAGICS, HEAD_OF_ONE, record(Buffer.alloc(1 << 16, 0x80))]),
    /no plan_placeholder: .*longer than 10/,
  ],
  [
    'a large placeholder with a damaged reference',
    (() => {
      const long = { ...BARE, references: Array.from({ length: 9000 }, (_, fd) => descriptor(fd)) };
      const bytes = written({ ...PLAN, placeholders: [long] });
      // The last of its references loses a required field: the tag of close_on_exec becomes that of a field nobody knows.
      bytes[bytes.lastIndexOf(Buffer.of(0x20, 0x00))] = 0x78;
      return bytes;
    })(),
    /no plan_reference/,
  ],
];
for (const [what, bytes, message] of FAULTS) {
  test(`a plan with ${what} is refused`, async (t) => {
    const error = await t.throwsAsync(async () => read(bytes), { instanceOf: FdgraftError, message });
    t.is((error as FdgraftError).code, 'SOURCE_UNUSABLE');
    t.true((error as FdgraftError).message.includes('inherit-plan.img'));
  });
}
