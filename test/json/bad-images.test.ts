import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { type ErrorCode, FdgraftError, imageInfo } from '../../src';
import { inChunks, toImage, toJson } from '../support/conversions';
import { encodeMessage, imageOf, uint32 } from '../support/images';
import { bytesOf, headOf, KINDS_WITH_EXTRAS, randomImages } from '../support/random-images';
import { Random, varint } from '../support/random-messages';

const FOWN = { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: 0 };
const DESC = { key: 1, uid: 2, gid: 3, cuid: 4, cgid: 5, mode: 6, id: 7 };

const framed = (record: Uint8Array) => Buffer.concat([uint32(record.length), record]);
const imageWith = (kind: string, ...chunks: Uint8Array[]) => Buffer.concat([headOf(imageOf(kind)), ...chunks]);
const pipe = (bytes: number) => framed(encodeMessage('pipe_data_entry', { pipe_id: 1, bytes }));
const file = framed(
  encodeMessage('file_entry', { type: 'REG', id: 1, reg: { id: 1, flags: 2, pos: 3, fown: FOWN, name: '/a' } }),
);

async function refused(t: ExecutionContext, image: Buffer, what: string, name = 'x.img'): Promise<FdgraftError> {
  const error = (await t.throwsAsync(toJson(image, { name }), { instanceOf: FdgraftError }, what)) as FdgraftError;
  t.is(error.exitCode, 2, what);
  t.is(error.file, name, what);
  return error;
}

const CASES: [what: string, image: Buffer, code: ErrorCode, message: RegExp][] = [
  ['an empty file', Buffer.alloc(0), 'IMAGE_TRUNCATED', /is empty/],
  ['half a magic', Buffer.from([0x19, 0x43]), 'IMAGE_TRUNCATED', /magic/],
  ['the first magic alone', uint32(0x54564319), 'IMAGE_TRUNCATED', /magic/],
  ['an unknown magic', Buffer.concat([uint32(0x54564319), uint32(5)]), 'IMAGE_MAGIC', /offset 4/],
  ['text', Buffer.from('{"magic": "FILES"}'), 'IMAGE_MAGIC', /offset 0/],
  ['the plan', Buffer.concat([uint32(0x54564319), Buffer.from('FDGP')]), 'IMAGE_MAGIC', /plan/],
  [
    "a wire type that is not the schema's",
    imageWith('FDINFO', framed(Buffer.from([0x0d, 1, 0, 0, 0]))),
    'IMAGE_MALFORMED',
    /field fdinfo_entry\.id: wire type 5 where 0 belongs/,
  ],
  ['a group', imageWith('FDINFO', framed(Buffer.from([0x0b, 0x0c]))), 'IMAGE_MALFORMED', /wire type 3/],
  [
    'an unknown field that is a group',
    imageWith('FDINFO', framed(Buffer.from([0xfb, 1, 0xfc, 1]))),
    'IMAGE_MALFORMED',
    /wire type 3/,
  ],
  ['wire type 7', imageWith('FDINFO', framed(Buffer.from([0x0f]))), 'IMAGE_MALFORMED', /wire type 7/],
  ['a field number of 0', imageWith('FDINFO', framed(Buffer.from([0, 1]))), 'IMAGE_MALFORMED', /field number/],
  [
    'a number of 11 bytes',
    imageWith('FDINFO', framed(Buffer.alloc(12, 0x88))),
    'IMAGE_MALFORMED',
    /longer than 10 bytes/,
  ],
  [
    'a field past its record',
    imageWith('FDINFO', framed(Buffer.from([0x08, 1, 0x2a, 5, 1]))),
    'IMAGE_TRUNCATED',
    /offset \d+.*reaches past/,
  ],
  [
    'a missing required field',
    imageWith('FDINFO', framed(Buffer.from([0x08, 1]))),
    'IMAGE_MALFORMED',
    /field fdinfo_entry\.flags: the required field is missing/,
  ],
  [
    'a record past the end',
    imageWith('FILES', file, uint32(100), Buffer.from([8, 1])),
    'IMAGE_TRUNCATED',
    /entry 1.*claims 100 bytes/,
  ],
  ['an empty record and more', imageWith('FILES', file, uint32(0), file), 'IMAGE_MALFORMED', /entry 1/],
  [
    'an extra that is cut off',
    imageWith('PIPES_DATA', pipe(5), Buffer.from('abcd')),
    'IMAGE_TRUNCATED',
    /entry 0.*needs 1 more byte/,
  ],
  ['an extra of 4 GiB', imageWith('PIPES_DATA', pipe(2 ** 32 - 1)), 'IMAGE_TRUNCATED', /entry 0/],
  [
    'a queue that lacks a message',
    imageWith('IPCNS_MSG', framed(encodeMessage('ipc_msg_entry', { desc: DESC, qbytes: 1, qnum: 1 }))),
    'IMAGE_TRUNCATED',
    /1 messages of the queue are missing/,
  ],
  [
    'padding that is cut off',
    imageWith('IPCNS_SEM', framed(encodeMessage('ipc_sem_entry', { desc: DESC, nsems: 1 })), Buffer.alloc(7)),
    'IMAGE_TRUNCATED',
    /needs 1 more byte/,
  ],
  [
    'shared memory of 2^64 - 1 bytes',
    imageWith(
      'IPCNS_SHM',
      framed(encodeMessage('ipc_shm_entry', { desc: DESC, size: '18446744073709551615' })),
      Buffer.alloc(99),
    ),
    'IMAGE_TRUNCATED',
    /entry 0/,
  ],
];

for (const [what, image, code, message] of CASES) {
  test(`${what} is an error with its place`, async (t) => {
    const error = await refused(t, image, what);
    t.is(error.code, code);
    t.regex(error.message, message);
    t.truthy(error.hint);
  });
}

test('raw files are told by their names', async (t) => {
  const names = [
    'pages-1.img',
    'tmpfs-dev-57.tar.gz.img',
    'iptables-10.img',
    'route6-10.img',
    '/some/where/pages-2.img',
  ];
  for (const name of names) {
    const error = await refused(t, imageWith('FILES'), name, name);
    t.is(error.code, 'IMAGE_MAGIC');
    const info = await imageInfo(inChunks(imageWith('FILES')), { name });
    t.true('raw' in info && info.content.length > 5);
  }
});

test('an image with an extra that is cut off anywhere is an error, or what is left is all of it', async (t) => {
  const images = KINDS_WITH_EXTRAS.flatMap((kind) => fc.sample(randomImages(imageOf(kind), { anyBytes: false }, 2), 2));
  for (const made of images) {
    const image = bytesOf(made);
    const random = new Random(image.length);
    for (let length = 0; length < image.length; length += 1) {
      try {
        const json = await toJson(image.subarray(0, length), { random });
        t.true(JSON.parse(json).entries.length <= made.parts.length);
      } catch (error) {
        t.true(error instanceof FdgraftError, `${error}`);
        t.is((error as FdgraftError).exitCode, 2);
      }
    }
  }
});

test('nesting past any limit is an error', async (t) => {
  for (const depth of [33, 100, 1000, 20_000]) {
    let inner = encodeMessage('aa_namespace', { name: 'n' });
    const sized = (start: number[]) => Buffer.concat([Buffer.from(start), varint(BigInt(inner.length)), inner]);
    for (let i = 0; i < depth; i += 1) inner = sized([0x0a, 1, 0x6e, 0x1a]);
    t.regex((await refused(t, imageWith('APPARMOR', framed(sized([0x0a]))), `${depth}`)).message, /nested deeper/);
  }
});

test('a damaged byte is an error or comes back', async (t) => {
  const images = [...KINDS_WITH_EXTRAS, 'FILES', 'MM', 'CORE', 'PAGEMAP'].flatMap((kind) =>
    fc.sample(randomImages(imageOf(kind), { anyBytes: true }, 2), 3).map((made) => bytesOf(made)),
  );
  const damage = fc.tuple(fc.nat(), fc.nat(), fc.integer({ min: 0, max: 255 }));
  await fc.assert(
    fc.asyncProperty(damage, async ([which, at, value]) => {
      const image = Buffer.from(images[which % images.length] as Buffer);
      image[at % image.length] = value;
      let json: string;
      try {
        json = await toJson(image);
      } catch (error) {
        t.true(error instanceof FdgraftError, `${error}`);
        return;
      }
      t.deepEqual(await toImage(json), image);
    }),
    { numRuns: 1500 },
  );
});
