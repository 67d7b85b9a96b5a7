/** `diff --plan` explains what the rewrite did, to the byte, and nothing else. */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { diff, openSource, type RewriteOptions, rewrite, type ToldDifference } from '../../src';
import { readPlanOf } from '../../src/operations/plan-of';
import {
  descriptor,
  fileEntry,
  type Images,
  mmEntry,
  NO_OWNER,
  pipeEntry,
  temporaryDirectory,
  writeCheckpoint,
} from '../support/directories';
import { decodeImage, encodeImage, encodeMessage, readImage } from '../support/images';
import { varint } from '../support/random-messages';
import { encodeField, fieldsOf } from '../support/wire';

const OWNER = { uid: 7, euid: 7, signum: 10, pid_type: 1, pid: 7 };

/**
 * A log that is taken whole, with an owner; a pipe that two specs split, under way in a socket's queue; a removed file
 * that goes with its remap.
 */
function checkpoint(): Images {
  return {
    'inventory.img': [{ img_version: 2, fdinfo_per_id: true }],
    'pstree.img': [{ pid: 7, ppid: 0, pgid: 7, sid: 7, threads: [7] }],
    'ids-7.img': [{ vm_id: 1, files_id: 1, fs_id: 1, sighand_id: 1 }],
    'files.img': [
      fileEntry(1, '/usr/bin/program', 0),
      pipeEntry(2, 4711, 1),
      fileEntry(3, '/var/log/app.log', 1, { fown: OWNER }),
      fileEntry(4, '/gone', 1),
      fileEntry(5, '/', 0o200000),
    ],
    'fdinfo-1.img': [
      descriptor(1, 0, 'REG'),
      descriptor(2, 1, 'PIPE'),
      descriptor(2, 2, 'PIPE'),
      descriptor(2, 6, 'PIPE', 1),
      descriptor(3, 3, 'REG'),
      descriptor(4, 4, 'REG'),
    ],
    'fs-7.img': [{ cwd_id: 5, root_id: 5, umask: 18 }],
    'mm-7.img': [mmEntry(1)],
    'remap-fpath.img': [
      { orig_id: 4, remap_id: 1, remap_type: 'GHOST' },
      { orig_id: 77, remap_id: 2, remap_type: 'GHOST' },
    ],
    'sk-queues.img': [
      {
        id_for: 9,
        length: 0,
        scm: [
          { type: 1, rights: [1, 2] },
          { type: 2, rights: [2] },
        ],
      },
      { id_for: 9, length: 0, scm: [{ type: 1, rights: [1] }] },
    ],
  };
}

const SPECS: RewriteOptions['specs'] = [
  { inherit: 'fd[5]:/proc/7/fd/1', only: true },
  { inherit: 'fd[6]:/proc/7/fd/2', only: true },
  'fd[7]:pipe:[4711]',
  'fd[8]:/var/log/app.log',
  'fd[9]:/gone',
];

interface Directories {
  readonly source: string;
  readonly out: string;
}

async function rewritten(t: ExecutionContext, specs = SPECS): Promise<Directories> {
  const top = temporaryDirectory(t);
  const source = writeCheckpoint(top, checkpoint());
  const out = path.join(top, 'out');
  await rewrite(await openSource(source), { specs: specs as never, out, link: 'copy' });
  return { source, out };
}

async function prove({ source, out }: Directories) {
  const plan = await readPlanOf(out);
  const result = await diff(await openSource(source), await openSource(out), { plan });
  const all: ToldDifference[] = [];
  for await (const difference of result.differences()) all.push(difference);
  result.close();
  const misfits = result.misfits.filter((line) => !line.endsWith('(its SHA-256 is another one)'));
  return { unexplained: result.unexplained, misfits, digests: result.misfits.length - misfits.length, all };
}

type Edit = (record: Uint8Array, index: number) => Uint8Array | undefined;

/** Writes an image anew with some records changed, all others byte for byte. */
function edit(directory: string, image: string, change: Edit, more: readonly Uint8Array[] = []): void {
  const { records } = decodeImage(image, fs.readFileSync(path.join(directory, image)));
  const edited = records.flatMap(({ bytes }, i) => change(bytes, i) ?? []);
  const before = fs.readFileSync(path.join(directory, image));
  fs.writeFileSync(path.join(directory, image), encodeImage(image, [...edited, ...more]));
  if (fs.readFileSync(path.join(directory, image)).equals(before)) throw new Error(`nothing was changed in ${image}`);
}

const same: Edit = (record) => record;
/** Edits the record whose field has a value. */
const where =
  (field: number, value: number, change: (record: Uint8Array) => Uint8Array | undefined): Edit =>
  (record) =>
    fieldsOf(record).findLast(({ number }) => number === field)?.value === value ? change(record) : record;

/** Other bytes for each occurrence of a field. */
const field =
  (number: number, change: (value: Uint8Array, whole: Uint8Array) => Uint8Array) =>
  (record: Uint8Array): Uint8Array =>
    Buffer.concat(
      fieldsOf(record).map((one) => {
        const whole = record.subarray(one.start, one.end);
        return one.number === number ? change(one.value as Uint8Array, whole) : whole;
      }),
    );
const inside = (number: number, change: (record: Uint8Array) => Uint8Array) =>
  field(number, (value) => encodeField(number, change(value)));
const set = (number: number, value: number) => field(number, () => encodeField(number, value));
/** The same number in more bytes than it needs. */
const long = (number: number) =>
  field(number, (value) => Buffer.concat([varint(BigInt(number * 8)), varint(BigInt(value as never), 1)]));
const withMore = (number: number, value: number) => (record: Uint8Array) =>
  Buffer.concat([record, encodeField(number, value)]);
const twice = (number: number, earlier: number) =>
  field(number, (_value, whole) => Buffer.concat([encodeField(number, earlier), whole]));

/** Fields of file_entry, ext_file_entry, fown_entry, fdinfo_entry, sk_packet_entry and scm_entry. */
const [TYPE, ID, EXT, FOWN, EXT_ID] = [1, 2, 15, 5, 1];
const [FD_ID, FD_TYPE, FD] = [1, 3, 4];
const [SCM, SCM_TYPE, RIGHTS] = [4, 1, 2];

test('a rewrite is explained as a whole', async (t) => {
  const directories = await rewritten(t);
  const { placeholders } = await readPlanOf(directories.out);
  t.deepEqual(
    placeholders.map(({ file_id, split_from }) => [file_id, split_from]),
    [
      [2, undefined],
      [3, undefined],
      [4, undefined],
      [78, 2],
      [79, 2],
    ],
  );
  const { unexplained, misfits, digests, all } = await prove(directories);
  t.deepEqual([unexplained, misfits, digests], [0, [], 0]);
  t.deepEqual(
    all.map((one) => [one.explained, 'entry' in one ? `${one.image} ${one.entry}` : one.what]),
    [
      [true, 'file'],
      [true, 'files.img id 2'],
      [true, 'files.img id 3'],
      [true, 'files.img id 4'],
      [true, 'files.img id 78'],
      [true, 'files.img id 79'],
      ...[1, 2, 6, 3, 4].map((fd) => [true, `fdinfo-1.img fd ${fd}`]),
      [true, 'remap-fpath.img orig_id 4'],
      [true, 'sk-queues.img id_for 9'],
    ],
  );
});

const REGULAR = encodeMessage('reg_file_entry', (fileEntry(3, '/var/log/app.log', 1) as { reg: object }).reg);

/** What somebody could do to OUT after the rewrite: that difference must not be explained. */
const TAMPERED: readonly (readonly [what: string, image: string, change: Edit, more?: readonly Uint8Array[]])[] = [
  ['the owner of a placeholder', 'files.img', where(ID, 3, inside(EXT, inside(FOWN, set(5, 1))))],
  ['the signal of a placeholder', 'files.img', where(ID, 2, inside(EXT, inside(FOWN, set(3, 9))))],
  ['the owner of a split placeholder', 'files.img', where(ID, 78, inside(EXT, inside(FOWN, set(1, 1000))))],
  ['the id inside of a placeholder', 'files.img', where(ID, 3, inside(EXT, set(EXT_ID, 2)))],
  ['the id inside of a split placeholder', 'files.img', where(ID, 79, inside(EXT, set(EXT_ID, 78)))],
  ['a field that no schema knows, in ext', 'files.img', where(ID, 3, inside(EXT, withMore(19, 1)))],
  ['a field that no schema knows, in an owner', 'files.img', where(ID, 3, inside(EXT, inside(FOWN, withMore(19, 1))))],
  ['a field that no schema knows, in a placeholder', 'files.img', where(ID, 3, withMore(99, 1))],
  ['a field that no schema knows, in a split placeholder', 'files.img', where(ID, 78, withMore(99, 1))],
  ['the type of a placeholder in more bytes', 'files.img', where(ID, 3, long(TYPE))],
  ['the id of a placeholder in more bytes', 'files.img', where(ID, 3, long(ID))],
  ['the id inside in more bytes', 'files.img', where(ID, 3, inside(EXT, long(EXT_ID)))],
  ['the id of a split placeholder in more bytes', 'files.img', where(ID, 78, long(ID))],
  ['a type before the type', 'files.img', where(ID, 3, twice(TYPE, 1))],
  [
    'an ext in two parts',
    'files.img',
    where(
      ID,
      3,
      field(EXT, (value, whole) => Buffer.concat([whole, encodeField(EXT, value.subarray(0, 2))])),
    ),
  ],
  [
    'the entry as it was beside ext',
    'files.img',
    where(ID, 3, (record) => Buffer.concat([record, encodeField(3, REGULAR)])),
  ],
  [
    'the same bytes in another field',
    'files.img',
    where(
      ID,
      3,
      field(EXT, (value) => encodeField(99, value)),
    ),
  ],
  ['a placeholder that is none', 'files.img', where(ID, 3, set(TYPE, 1))],
  [
    'a split placeholder twice',
    'files.img',
    same,
    [encodeMessage('file_entry', { type: 'EXT', id: 78, ext: { id: 78, fown: NO_OWNER } })],
  ],
  ['a descriptor of another entry', 'fdinfo-1.img', where(FD, 3, set(FD_ID, 2))],
  ['a descriptor of another placeholder', 'fdinfo-1.img', where(FD, 6, set(FD_ID, 78))],
  ['flags of a descriptor', 'fdinfo-1.img', where(FD, 3, set(2, 1))],
  [
    'a label of a descriptor',
    'fdinfo-1.img',
    where(FD, 3, (record) => Buffer.concat([record, encodeField(5, Buffer.from('x'))])),
  ],
  ['the type of a descriptor in more bytes', 'fdinfo-1.img', where(FD, 3, long(FD_TYPE))],
  ['the id of a moved descriptor in more bytes', 'fdinfo-1.img', where(FD, 2, long(FD_ID))],
  ['a type before the type of a descriptor', 'fdinfo-1.img', where(FD, 3, twice(FD_TYPE, 2))],
  ['a field that no schema knows, in a descriptor', 'fdinfo-1.img', where(FD, 3, withMore(77, 1))],
  ['a descriptor that goes', 'fdinfo-1.img', where(FD, 3, () => undefined)],
  ['a remap of something else that goes', 'remap-fpath.img', () => undefined],
];

for (const [what, image, change, more] of TAMPERED) {
  test(`${what} in OUT is not explained`, async (t) => {
    const directories = await rewritten(t);
    edit(directories.out, image, change, more);
    const { unexplained, digests } = await prove(directories);
    t.true(unexplained > 0);
    t.is(digests, 1);
  });
}

/** The numbers of rights are packed or not as an encoder wrote them. */
const rightsTo = (from: number, to: number) =>
  field(RIGHTS, (value, whole) => ((value as never) === from ? encodeField(RIGHTS, to) : whole));

const RIGHTS_TAMPERED: readonly (readonly [what: string, change: Edit])[] = [
  ['a right of another placeholder', (record, i) => (i === 0 ? inside(SCM, rightsTo(79, 78))(record) : record)],
  ['a right of another entry', (record, i) => (i === 1 ? inside(SCM, rightsTo(1, 79))(record) : record)],
  [
    'numbers in a message that has no rights',
    (record, i) => (i === 0 ? inside(SCM, (scm) => rightsTo(2, 79)(scm))(record) : record),
  ],
  ['a message of rights in more bytes', (record, i) => (i === 0 ? field(SCM, withLongLength)(record) : record)],
  ['the type of a message in more bytes', (record, i) => (i === 0 ? inside(SCM, long(SCM_TYPE))(record) : record)],
  ['a field that no schema knows, in a packet', (record, i) => (i === 0 ? withMore(99, 1)(record) : record)],
  [
    'a field that no schema knows, in a message',
    (record, i) => (i === 0 ? inside(SCM, withMore(99, 1))(record) : record),
  ],
  ['one right more', (record, i) => (i === 0 ? inside(SCM, withMore(RIGHTS, 79))(record) : record)],
  ['the socket of a packet', (record, i) => (i === 0 ? set(1, 8)(record) : record)],
];

/** A field of bytes whose length has a byte more than it needs. */
function withLongLength(value: Uint8Array): Uint8Array {
  return Buffer.concat([varint(BigInt(SCM * 8 + 2)), varint(BigInt(value.length), 1), value]);
}

for (const [what, change] of RIGHTS_TAMPERED) {
  test(`${what} of a queue in OUT is not explained`, async (t) => {
    const directories = await rewritten(t);
    edit(directories.out, 'sk-queues.img', change);
    const { unexplained, digests } = await prove(directories);
    t.true(unexplained > 0);
    t.is(digests, 1);
  });
}

test('rights that were not moved are told', async (t) => {
  const directories = await rewritten(t);
  fs.copyFileSync(path.join(directories.source, 'sk-queues.img'), path.join(directories.out, 'sk-queues.img'));
  const { unexplained, misfits } = await prove(directories);
  t.is(unexplained, 0);
  t.deepEqual(misfits, ['sk-queues.img, entry 0, of pipe:[4711]: to be inherited from fd[7], and it is not']);
});

/** The checkpoint that the plan was not made of. */
const ANOTHER_SOURCE: readonly (readonly [what: string, image: string, change: Edit])[] = [
  ['a descriptor of another type', 'fdinfo-1.img', where(FD, 3, set(FD_TYPE, 2))],
  ['a descriptor of another entry', 'fdinfo-1.img', where(FD, 2, set(FD_ID, 1))],
  ['an entry of another type', 'files.img', where(ID, 3, set(TYPE, 3))],
  ['an owner of an entry', 'files.img', where(ID, 4, inside(3, inside(5, set(1, 1000))))],
];

for (const [what, image, change] of ANOTHER_SOURCE) {
  test(`${what} in what the plan was made of is not explained`, async (t) => {
    const directories = await rewritten(t);
    edit(directories.source, image, change);
    const { unexplained, digests } = await prove(directories);
    t.true(unexplained > 0);
    t.is(digests, 1);
  });
}

test('owners that are kept are those of the entries, unknown fields included', async (t) => {
  const top = temporaryDirectory(t);
  const source = writeCheckpoint(top, checkpoint());
  // An owner with a field that no schema knows, and numbers in more bytes than they need.
  const odd = inside(5, (owner) => withMore(19, 1)(long(1)(owner)));
  edit(source, 'files.img', where(ID, 3, inside(3, odd)));
  const pipe = inside(4, (owner) => withMore(19, 1)(long(1)(owner)));
  edit(source, 'files.img', where(ID, 2, inside(18, pipe)));
  const out = path.join(top, 'out');
  const specs = [...(SPECS ?? []).slice(0, 3), { inherit: 'fd[8]:/var/log/app.log', apply: 'reopen' }] as never;
  await rewrite(await openSource(source), { specs, out, link: 'copy' });
  const { unexplained, misfits, digests } = await prove({ source, out });
  t.deepEqual([unexplained, misfits, digests], [0, [], 0]);
  for (const [id, tamper] of [
    [3, inside(FOWN, set(19, 2))],
    [78, inside(FOWN, set(19, 2))],
    [79, inside(FOWN, (owner) => set(1, 0)(owner))],
  ] as const) {
    const other = `${out}-${id}`;
    fs.cpSync(out, other, { recursive: true });
    edit(other, 'files.img', where(ID, id, inside(EXT, tamper)));
    t.is((await prove({ source, out: other })).unexplained, 1, `${id}`);
  }
});

test('records of OUT are what is edited here', async (t) => {
  const { out } = await rewritten(t);
  const packets = readImage(out, 'sk-queues.img').records.map(({ fields }) => fields.scm);
  t.deepEqual(packets, [
    [
      { type: 1, rights: [1, 79] },
      { type: 2, rights: [2] },
    ],
    [{ type: 1, rights: [1] }],
  ]);
});
