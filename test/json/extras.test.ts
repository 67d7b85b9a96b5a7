import assert from 'node:assert/strict';
import test from 'ava';
import fc from 'fast-check';
import { FdgraftError } from '../../src';
import { toImage, toJson } from '../support/conversions';
import { type Json, parseExactly, stringifyExactly } from '../support/exact-json';
import { ALL_IMAGES, encodeMessage, imageOf, uint32 } from '../support/images';
import { holds } from '../support/properties';
import { anyImages, bytesOf, headOf, KINDS_WITH_EXTRAS, randomImages } from '../support/random-images';
import { encodeOddly, Random, seeds } from '../support/random-messages';

type Members = { [key: string]: Json };

/** The same JSON with its keys in the order that `order` gives them. */
function reordered(json: Json, order: (keys: string[]) => string[]): string {
  const members = json as Members;
  const keys = order(Object.keys(members));
  return `{${keys.map((key) => `${JSON.stringify(key)}: ${stringifyExactly(members[key] as Json)}`).join(', ')}}`;
}

async function comesBack(image: Buffer, random: Random): Promise<void> {
  for (const pretty of [false, true]) {
    const text = await toJson(image, { random, pretty });
    assert.deepEqual(await toImage(text, random), image);
    const json = parseExactly(text);
    assert.deepEqual(await toImage(stringifyExactly(json, true), random), image);
    const entriesFirst = (keys: string[]) => [
      ...keys.filter((key) => key === '_head'),
      ...keys.filter((key) => key !== '_head').reverse(),
    ];
    assert.deepEqual(await toImage(reordered(json, entriesFirst), random), image);
  }
}

for (const kind of KINDS_WITH_EXTRAS) {
  test(`${kind}: what follows records comes back, whatever the order of the keys`, async (t) => {
    await holds(
      t,
      fc.asyncProperty(
        randomImages(imageOf(kind), { anyBytes: false }, 5),
        seeds,
        fc.boolean(),
        async (made, seed, isOdd) => {
          const random = new Random(seed);
          const odd = (type: string, message: Parameters<typeof encodeOddly>[1]) => encodeOddly(type, message, random);
          await comesBack(isOdd ? bytesOf(made, odd) : bytesOf(made), random);
        },
      ),
      20,
    );
  });
}

const IPC_DESC = { key: 1, uid: 2, gid: 3, cuid: 4, cgid: 5, mode: 6, id: 7 };

/** An image of records of protobufjs, each with what follows it. */
function imageWith(kind: string, ...parts: [type: string, fields: object, extra?: Buffer][]): Buffer {
  const framed = parts.flatMap(([type, fields, extra = Buffer.alloc(0)]) => {
    const record = encodeMessage(type, fields);
    return [uint32(record.length), record, extra];
  });
  return Buffer.concat([headOf(imageOf(kind)), ...framed]);
}

const extrasOf = async (image: Buffer) =>
  (JSON.parse(await toJson(image)) as { entries: { extra?: unknown }[] }).entries.map(({ extra }) => extra);
const lines = (bytes: Buffer) => bytes.toString('base64').replace(/.{1,76}/g, '$&\n');

test('extras are what crit has', async (t) => {
  const bytes = (length: number) => new Random(length).bytes(length);
  const pipe = imageWith(
    'PIPES_DATA',
    ['pipe_data_entry', { pipe_id: 1, bytes: 100 }, bytes(100)],
    ['pipe_data_entry', { pipe_id: 2, bytes: 0 }],
    ['pipe_data_entry', { pipe_id: 2, bytes: 57 }, bytes(57)],
  );
  t.deepEqual(await extrasOf(pipe), [lines(bytes(100)), '', lines(bytes(57))]);
  const sem = (nsems: number, extra: number[]) =>
    imageWith('IPCNS_SEM', ['ipc_sem_entry', { desc: IPC_DESC, nsems }, Buffer.from(extra)]);
  t.deepEqual(await extrasOf(sem(3, [1, 0, 0, 1, 255, 255, 0, 0])), [[1, 256, 65535]]);
  t.deepEqual(await extrasOf(sem(3, [1, 0, 0, 1, 255, 255, 7, 0])), [[1, 256, 65535, 7]]);
  t.deepEqual(await extrasOf(sem(0, [])), [[]]);
  const shm = { desc: IPC_DESC, size: 5 };
  t.deepEqual(await extrasOf(imageWith('IPCNS_SHM', ['ipc_shm_entry', shm, Buffer.from('abcde\0\0\0')])), [
    'YWJjZGU=\n',
  ]);
  t.deepEqual(await extrasOf(imageWith('IPCNS_SHM', ['ipc_shm_entry', shm, Buffer.from('abcde\0\0x')])), [
    lines(Buffer.from('abcde\0\0x')),
  ]);
  t.deepEqual(await extrasOf(imageWith('IPCNS_SHM', ['ipc_shm_entry', { ...shm, in_pagemaps: true }])), [undefined]);
  const queues = imageWith(
    'IPCNS_MSG',
    ['ipc_msg_entry', { desc: IPC_DESC, qbytes: 9, qnum: 2 }],
    ['ipc_msg', { mtype: 4, msize: 3 }, Buffer.from('abc\0\0\0\0\0')],
    ['ipc_msg', { mtype: 5, msize: 0 }],
    ['ipc_msg_entry', { desc: IPC_DESC, qbytes: 9, qnum: 0 }],
    ['ipc_msg_entry', { desc: IPC_DESC, qbytes: 9, qnum: 1 }],
    ['ipc_msg', { mtype: 6, msize: 1 }, Buffer.from('z\0\0\0\0\0\0\0')],
  );
  t.deepEqual(await extrasOf(queues), [
    [{ mtype: 4, msize: 3 }, 'YWJj\n', { mtype: 5, msize: 0 }, ''],
    [],
    [{ mtype: 6, msize: 1 }, 'eg==\n'],
  ]);
  t.deepEqual(await toImage(await toJson(queues)), queues);
});

test('what --nopl shows in place of extras cannot be turned back', async (t) => {
  const record: [string, object, Buffer] = ['pipe_data_entry', { pipe_id: 1, bytes: 3 }, Buffer.from('abc')];
  const image = imageWith('PIPES_DATA', record);
  const text = await toJson(image, { payload: false });
  t.is(JSON.parse(text).entries[0].extra, '... <3B>');
  const error = await t.throwsAsync(toImage(text), { instanceOf: FdgraftError });
  t.regex(error?.hint ?? '', /nopl/);
});

test('bytes behind the last record come back, and a warning says where they are', async (t) => {
  const tails = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
    fc.integer({ min: 4, max: 300 }).map((length) => Buffer.alloc(length)),
    fc.constantFrom('left behind', '<html>').map((text) => Buffer.from(text)),
  );
  const images = anyImages({ anyBytes: false }).filter(({ image, parts }) => {
    // What follows is the content of the ghost; and a record of nothing is one where nothing is required.
    const hasAll = image.kind === 'GHOST_FILE' && parts[0]?.message.chunks !== true;
    return !hasAll && !['APPARMOR', 'SECCOMP', 'CGROUP', 'STATS'].includes(image.kind);
  });
  await holds(
    t,
    fc.asyncProperty(images, tails, seeds, async (made, tail, seed) => {
      const image = bytesOf(made);
      const whole = Buffer.concat([image, tail]);
      const warnings: string[] = [];
      const text = await toJson(whole, { onWarning: ({ message }) => warnings.push(message) });
      assert.deepEqual(warnings, [`x.img: the bytes from offset ${image.length} on are no entry; _tail has them`]);
      assert.equal(Buffer.from(JSON.parse(text)._tail, 'base64').equals(tail), true);
      await comesBack(whole, new Random(seed));
    }),
    80,
  );
});

test('any bytes behind the one record that CRIU reads come back', async (t) => {
  const images = fc.oneof(
    ...ALL_IMAGES.filter(({ hasOne }) => hasOne).map((image) => randomImages(image, { anyBytes: false })),
  );
  await holds(
    t,
    fc.asyncProperty(images, fc.uint8Array({ minLength: 1, maxLength: 200 }), seeds, async (made, tail, seed) => {
      const image = bytesOf(made);
      const whole = Buffer.concat([image, tail]);
      assert.equal(Buffer.from(JSON.parse(await toJson(whole))._tail, 'base64').equals(tail), true);
      await comesBack(whole, new Random(seed));
    }),
    60,
  );
});

test('images without the first magic, or with another, come back', async (t) => {
  await holds(
    t,
    fc.asyncProperty(
      anyImages({ anyBytes: false }),
      seeds,
      fc.integer({ min: 0, max: 2 }),
      async (made, seed, which) => {
        const { magic } = made.image;
        const usual = headOf(made.image);
        const head = [
          uint32(magic),
          Buffer.concat([uint32(0x54564319), uint32(magic)]),
          Buffer.concat([uint32(0x55105940), uint32(magic)]),
        ][which] as Buffer;
        const image = Buffer.concat([head, bytesOf(made).subarray(usual.length)]);
        const { _head } = JSON.parse(await toJson(image));
        assert.equal(_head, head.equals(usual) ? undefined : lines(head));
        await comesBack(image, new Random(seed));
      },
    ),
    80,
  );
});

for (const image of ALL_IMAGES) {
  test(`${image.kind}: an image without records comes back`, async (t) => {
    const head = headOf(image);
    t.is(await toJson(head), `{"magic": "${image.kind}", "entries": []}`);
    t.is(await toJson(head, { pretty: true }), `{\n    "magic": "${image.kind}",\n    "entries": []\n}`);
    await comesBack(head, new Random(1));
  });
}
