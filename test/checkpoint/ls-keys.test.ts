import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { FdgraftError, inspect, openSource, rewrite, type Source } from '../../src';
import { allOf } from '../support/all-of';
import { atDepth } from '../support/depth';
import {
  descriptor,
  fileEntry,
  type Images,
  NO_OWNER,
  pipeEntry,
  smallCheckpoint,
  temporaryDirectory,
  writeCheckpoint,
} from '../support/directories';
import { encodeMessage, type Record } from '../support/images';
import { holds } from '../support/properties';

const fixtures = path.join(__dirname, '../../fixtures/images');

/** What a rewrite refuses, once it has found the entry. */
const FOUND_AND_REFUSED = ['DESCRIPTOR_TIED'];

/**
 * Every key of the list, used alone, takes the line that it stands in, whole, and no line that another key stands in.
 * Returns what it does otherwise.
 */
async function wrongKeys(source: Source): Promise<string[]> {
  const lines = await allOf(inspect(source));
  const keyOf = new Map(lines.flatMap(({ id, facts }) => (facts === undefined ? [] : [[id, facts.key] as const])));
  const wrong: string[] = [];
  for (const key of new Set(keyOf.values())) {
    const expected = [...keyOf].filter(([, one]) => one === key).map(([id]) => id);
    try {
      const { plan } = await rewrite(source, { specs: [`fd[5]:${key}`] });
      // A memfd takes its mappings along.
      const placeholders = plan.placeholders.filter(({ mapping }) => mapping === undefined);
      const taken = placeholders.map(({ file_id, split_from }) => split_from ?? file_id);
      if (String(taken.sort((a, b) => a - b)) !== String(expected.sort((a, b) => a - b))) {
        wrong.push(`${key}: takes ${taken}, not ${expected}`);
      }
      for (const { file_id, split_from, references } of placeholders) {
        const line = lines.find(({ id }) => id === (split_from ?? file_id));
        const count = [...references].filter((one) => 'descriptor' in one).length;
        if (count !== line?.descriptors.length) wrong.push(`${key}: takes ${count} descriptors of ${line?.id}`);
      }
    } catch (error) {
      if (!(error instanceof FdgraftError)) throw error;
      if (!FOUND_AND_REFUSED.includes(error.code)) wrong.push(`${key}: ${error.message}`);
    }
  }
  return wrong;
}

const check = async (t: ExecutionContext, images: Images) =>
  wrongKeys(await openSource(writeCheckpoint(temporaryDirectory(t), images)));

for (const name of fs.readdirSync(fixtures).filter((one) => !/^old_(per_type|ids_in_core|by_pid)$/.test(one))) {
  test(`${name}: every key that ls prints takes its line and no other`, async (t) => {
    t.deepEqual(await wrongKeys(await openSource(path.join(fixtures, name))), []);
  });
}

/** The small checkpoint with other entries, each with a descriptor; what has no `type` here is a regular file. */
function withEntries(entries: readonly Record[], more: Images = {}): Images {
  const fields = entries as readonly { id: number; type: string }[];
  const table = fields.map(({ id, type }, fd) => descriptor(id, fd, type));
  const rest = { 'fdinfo-2.img': [], 'fs-7.img': [], 'mm-7.img': [] };
  return { ...smallCheckpoint(), ...rest, 'files.img': entries, 'fdinfo-1.img': table, ...more };
}

const NAMES: readonly string[] = [
  'plain',
  '/plain',
  '//plain',
  'file[1f:2b]',
  'file[01:2b]',
  'file[1F:2b]',
  '/file[1f:2b]',
  'pipe:[1]',
  '/pipe:[1]',
  'pipe[1]',
  'tty[1:2]',
  'socket:[3]',
  '/memfd:x',
  'memfd:x',
  '/proc/7/fd/1',
  'proc/7/fd/1',
  '/proc/7/fd',
  '/proc/*/fd/1',
  'extRootNetNS',
  '*',
  '/a*b?[c]{d,e}',
  '/a\\b',
  '/a\\x41',
  'a\\',
  '/a\\*',
  '',
  '/',
  '.',
  '/.',
  './plain',
  '//',
  '/\u00e9\u202e',
  '/line\nend\u001b[2J',
  '/nul\0byte',
  '@abstract',
  '/@abstract',
  'tcp:127.0.0.1:80',
  '/udp:[::]:53',
  './tcp:1.2.3.4:5',
  '/a/',
  'a/',
];
const LATIN = ['/\xff\xfe', '/a\xff*', '\xc3', '/\\\xff'];

for (const name of [...NAMES.map((one) => Buffer.from(one)), ...LATIN.map((one) => Buffer.from(one, 'latin1'))]) {
  for (const ext of [false, true]) {
    test(`a file named ${JSON.stringify(name.toString('latin1'))}${ext ? ', external' : ''}`, async (t) => {
      t.deepEqual(await check(t, withEntries([namedFile(1, name, ext)])), []);
    });
  }
}

/** A regular entry whose name need not be UTF-8; `records` as bytes, for protobufjs takes text alone. */
function namedFile(id: number, name: Buffer, ext: boolean, mode = 0o100644): Record & { id: number; type: string } {
  const mark = '@'.repeat(name.length);
  const bytes = encodeMessage('file_entry', fileEntry(id, mark, 2, { ext, mode }));
  name.copy(bytes, name.length === 0 ? 0 : bytes.indexOf(mark));
  return Object.assign(bytes, { id, type: 'REG' });
}

test('names that only a leading slash, a dot or ext tells apart', async (t) => {
  const names = ['plain', '/plain', '//plain', '', '/', '.', 'file[1:2]', '/file[1:2]'];
  const entries = names.flatMap((name, i) => [
    namedFile(2 * i + 1, Buffer.from(name), false),
    namedFile(2 * i + 2, Buffer.from(name), true),
  ]);
  t.deepEqual(await check(t, withEntries(entries)), []);
});

test('a file that has the name of an open directory is taken without it', async (t) => {
  const entries = [namedFile(1, Buffer.from('/x'), false, 0o040755), namedFile(2, Buffer.from('/x'), false)];
  t.deepEqual(await check(t, withEntries(entries)), []);
});

test('the ends of pipes, also those of both kinds and those that only SCM rights hold', async (t) => {
  for (const flags of [[0, 1], [1], [0, 0, 1], [0, 2], [0, 1, 2], [2], [0, 1, 0o10000000], [0o4000, 1, 0o4001]]) {
    const entries = flags.map((one, i) => pipeEntry(i + 1, 4711, one));
    t.deepEqual(await check(t, withEntries([...entries, pipeEntry(9, 4712, 1)])), [], String(flags));
  }
  const rights = { 'sk-queues.img': [{ id_for: 9, length: 0, scm: [{ type: 1, rights: [1, 2] }] }] };
  const images = withEntries([pipeEntry(1, 4711, 0), pipeEntry(2, 4711, 1)], { ...rights, 'fdinfo-1.img': [] });
  t.deepEqual(await check(t, images), []);
  const lines = await allOf(inspect(await openSource(writeCheckpoint(temporaryDirectory(t), images))));
  t.deepEqual(
    lines.map(({ facts }) => facts?.key),
    ['pipe:[4711]:read', 'pipe:[4711]:write'],
  );
});

const byte = fc.constantFrom(...Buffer.from('a/\\x[*?{.:1]\xff\n', 'latin1'));
const anyName = fc.oneof(
  fc.constantFrom(...NAMES).map((one) => Buffer.from(one)),
  fc.array(byte, { maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
  fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
);
/** No file has the path of the root. */
function isRoot(name: Buffer): boolean {
  return ['', '/', '.'].includes(name.toString('latin1'));
}

const anyFile = fc.record({
  name: anyName,
  ext: fc.boolean(),
  mode: fc.constantFrom(0o100644, 0o020600, 0o040755),
});
const anyPipe = fc.record({ pipe: fc.integer({ min: 1, max: 3 }), flags: fc.constantFrom(0, 1, 2, 3, 0o10000000) });
const anyFifo = fc.record({
  path: anyName.filter((name) => !isRoot(name)),
  ext: fc.boolean(),
  flags: fc.constantFrom(0, 1, 2),
});

const DIRECTORY = 0o040755;

test('whatever the names are, each key of the list takes its line and no other', async (t) => {
  const top = temporaryDirectory(t);
  const property = fc.asyncProperty(
    fc.array(anyFile, { maxLength: 6 }),
    fc.array(anyPipe, { maxLength: 5 }),
    fc.array(anyFifo, { maxLength: 2 }),
    async (files, pipes, fifos) => {
      let id = 0;
      const next = () => {
        id += 1;
        return id;
      };
      const open = [
        ...files.map(({ name, ext, mode }) =>
          isRoot(name) ? namedFile(next(), name, false, DIRECTORY) : namedFile(next(), name, ext, mode),
        ),
        ...pipes.map(({ pipe, flags }) => pipeEntry(next(), pipe, flags)),
      ];
      const paths: Record[] = [];
      const ends = fifos.map(({ path: name, ext }) => {
        const [own, regf] = [next(), next()];
        paths.push(namedFile(regf, name, ext, 0o010644));
        return { type: 'FIFO', id: own, fifo: { id: own, pipe_id: 7, regf_id: regf, fown: NO_OWNER } };
      });
      const { 'fdinfo-1.img': table } = withEntries([...open, ...ends]);
      const images = { ...withEntries([...open, ...ends, ...paths]), 'fdinfo-1.img': table as Record[] };
      const directory = writeCheckpoint(top, images);
      const wrong = await wrongKeys(await openSource(directory));
      fs.rmSync(directory, { recursive: true });
      if (wrong.length > 0) throw new Error(wrong.join('\n'));
    },
  );
  await holds(t, property, atDepth(50, 150));
});
