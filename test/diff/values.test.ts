/** Differences are found by numbers and bytes: text that looks like a name, a path or a value is none. */
import test from 'ava';
import { diffImages, FdgraftError, type ToldDifference } from '../../src';
import { fileEntry } from '../support/directories';
import { encodeImage, encodeMessage } from '../support/images';
import { varint } from '../support/random-messages';
import { encodeField, fieldsOf } from '../support/wire';

function reader(bytes: Buffer) {
  let from = 0;
  return {
    read: async (into: Uint8Array, start: number, length: number) => {
      const copied = bytes.copy(into, start, from, from + length);
      from += copied;
      return copied;
    },
  };
}

async function compare(
  image: string,
  before: readonly (object | Uint8Array)[],
  after: readonly (object | Uint8Array)[],
) {
  const open = (side: string, records: readonly (object | Uint8Array)[]) => ({
    reader: reader(encodeImage(image, records as never)),
    name: `${side}/${image}`,
  });
  const result = await diffImages(open('a', before), open('b', after));
  const all: ToldDifference[] = [];
  for await (const difference of result.differences()) all.push(difference);
  result.close();
  return { meaning: result.meaning.map(({ text }) => text), all };
}

const fieldsIn = (all: readonly ToldDifference[]) =>
  all.flatMap((one) =>
    one.what === 'entry' ? one.fields.map(({ path, before, after }) => [path, before, after]) : [],
  );

const dirs = (...names: string[]) => ({
  cnames: ['cpu'],
  dirs: names.map((name, i) => ({
    dir_name: name,
    children: [],
    properties: [],
    dir_perms: { mode: i, uid: 0, gid: 0 },
  })),
});
const cgroup = (...controllers: object[]) => [{ sets: [], controllers }];

test('a name that ends like the number of a repeated name is another name', async (t) => {
  const before = cgroup(dirs('a', 'a', 'a (2)'));
  const [, second, third] = dirs('a', 'a', 'a (2)').dirs;
  // The mode of the second changes, and that of the third, which the report calls alike.
  const perms = (mode: number) => ({ mode, uid: 7, gid: 0 });
  const after = cgroup({
    cnames: ['cpu'],
    dirs: [dirs('a').dirs[0] as object, { ...second, dir_perms: perms(1) }, { ...third, dir_perms: perms(2) }],
  });
  const { all } = await compare('cgroup.img', before, after);
  t.deepEqual(fieldsIn(all), [
    ['controllers[0].dirs[dir_name a (2)].dir_perms.uid', '0', '7'],
    ['controllers[0].dirs[dir_name a (2)].dir_perms.uid', '0', '7'],
  ]);
});

test('the same entries of names that look like one another are the same', async (t) => {
  const entry = (name: string) => ({ name, enabled: true });
  const names = ['none', 'x', 'x', 'x (2)', '1: x', '"x"', 'x, name x'];
  const all = names.map(entry);
  t.deepEqual((await compare('binfmt-misc.img', all, all)).all, []);
  const { all: moved } = await compare('binfmt-misc.img', all, [...all].reverse());
  t.deepEqual(
    moved.map(({ what }) => what),
    ['order'],
  );
});

const withName = (name: Uint8Array) => {
  const record = encodeMessage('file_entry', fileEntry(1, 'NAME', 0));
  const at = record.indexOf('NAME');
  const inner = record.indexOf(3 * 8 + 2);
  const reg = Buffer.concat([record.subarray(inner + 2, at - 2), encodeField(6, name), record.subarray(at + 4)]);
  return Buffer.concat([record.subarray(0, inner), encodeField(3, reg)]);
};

test('bytes that are no text and the text of their escapes are told apart', async (t) => {
  const { all } = await compare('files.img', [withName(Buffer.from([0xff]))], [withName(Buffer.from('\\xff'))]);
  const [[path, before, after] = []] = fieldsIn(all);
  t.is(path, 'reg.name');
  t.regex(before ?? '', /^"\\\\xff" <3 bytes, SHA-256 [0-9a-f]{64}>$/);
  t.regex(after ?? '', /^"\\\\xff" <6 bytes, SHA-256 [0-9a-f]{64}>$/);
  t.is(fieldsIn(all).length, 1);
});

test('a number and four bytes that look like it are told apart', async (t) => {
  const record = encodeMessage('file_entry', fileEntry(1, '/x', 0));
  const number = Buffer.concat([varint(BigInt(99 * 8)), varint(12345678n)]);
  const bytes = Buffer.concat([varint(BigInt(99 * 8 + 5)), Buffer.from('12345678', 'hex')]);
  const [before, after] = [number, bytes].map((field) => Buffer.concat([record, field]));
  const { all } = await compare('files.img', [before as Buffer], [after as Buffer]);
  t.deepEqual(
    fieldsIn(all).map(([path, a]) => [path, a?.slice(0, 9)]),
    [['#99', '12345678 ']],
  );
});

test('another order of a list is told beside a change in it', async (t) => {
  const map = (start: number, flags: number) => ({
    start,
    end: start + 1,
    pgoff: 0,
    shmid: 0,
    prot: 0,
    flags,
    status: 0,
    fd: 0,
  });
  const addresses = ['start_code', 'end_code', 'start_data', 'end_data', 'start_stack', 'start_brk', 'brk'];
  const more = ['arg_start', 'arg_end', 'env_start', 'env_end'];
  const base = Object.fromEntries([...addresses, ...more].map((name) => [`mm_${name}`, 1]));
  const mm = (vmas: object[]) => [{ ...base, exe_file_id: 1, vmas }];
  const { all } = await compare(
    'mm-7.img',
    mm([map(1, 0), map(2, 0), map(3, 0)]),
    mm([map(1, 5), map(3, 0), map(2, 0)]),
  );
  t.deepEqual(
    fieldsIn(all).map(([path]) => path),
    ['vmas[start 0x1].flags', '(encoding)'],
  );
});

test('another encoding of the same values is told as that alone', async (t) => {
  const record = encodeMessage('file_entry', fileEntry(1, '/x', 0));
  const rest = Buffer.concat(
    fieldsOf(record)
      .slice(1)
      .map(({ start, end }) => record.subarray(start, end)),
  );
  const long = Buffer.concat([varint(8n), varint(1n, 3), rest]);
  t.deepEqual(
    fieldsIn((await compare('files.img', [record], [long])).all).map(([path]) => path),
    ['(encoding)'],
  );
});

test('a malformed entry is named with its own image and its place there', async (t) => {
  const good = encodeMessage('file_entry', fileEntry(1, '/x', 0));
  const other = encodeMessage('file_entry', fileEntry(2, '/y', 0));
  // A number where the member belongs.
  const bad = Buffer.concat(
    [fieldsOf(other)[0], fieldsOf(other)[1]]
      .map((one) => other.subarray(one?.start, one?.end))
      .concat(encodeField(3, 1) as Buffer),
  );
  const offset = 8 + 4 + good.length + 4;
  for (const [before, after, file] of [
    [[good, other], [good, bad], 'b/files.img'],
    [[good, bad], [good, other], 'a/files.img'],
  ] as const) {
    const error = await t.throwsAsync(compare('files.img', before, after), { instanceOf: FdgraftError });
    t.like(error, { code: 'IMAGE_MALFORMED', file, entry: 1, offset: offset + 4 });
  }
});
