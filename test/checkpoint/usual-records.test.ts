import test from 'ava';
import fc from 'fast-check';
import { DescriptorView } from '../../src/checkpoint/descriptor-record';
import { FileEntryView } from '../../src/checkpoint/file-entry';
import { FD_TYPES, FILE_ENTRY_FIELDS } from '../../src/schema/generated/images';
import { parseInheritSpec } from '../../src/specs/parse-spec';
import { parseSpecs } from '../../src/specs/parse-specs';
import { SpecIndex } from '../../src/specs/spec-index';
import { holds } from '../support/properties';

const RUNS = 3000;

/** A field as it stands in a record: varints may be longer than they need to be. */
type Field = readonly [number: number, value: number | Buffer, padding: number];

function varint(value: number, padding = 0): Buffer {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest % 128) | 0x80);
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  for (let i = 0; i < padding && bytes.length < 10; i += 1) bytes.push(0x80);
  bytes[bytes.length - 1] = (bytes.at(-1) as number) & 0x7f;
  return Buffer.from(bytes);
}

function encode(fields: readonly Field[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([number, value, padding]) =>
      typeof value === 'number'
        ? [varint(number * 8), varint(value, padding)]
        : [varint(number * 8 + 2), varint(value.length, padding), value],
    ),
  );
}

const paddings = fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.nat(3));
const numbers = fc.oneof(
  fc.nat(200),
  fc.nat(2 ** 31 - 1),
  fc.constantFrom(127, 128, 2 ** 28 - 1, 2 ** 28, 2 ** 32 - 1),
);
/** Either of two, or one after the other. */
const mixed = (a: fc.Arbitrary<readonly Field[]>, b: fc.Arbitrary<readonly Field[]>): fc.Arbitrary<readonly Field[]> =>
  fc.oneof(
    a,
    b,
    fc.tuple(a, b).map(([first, second]) => [...first, ...second]),
  );
const numberField = (number: number, values = numbers): fc.Arbitrary<Field> =>
  fc.tuple(fc.constant(number), values, paddings);
const before = fc.nat(20).map((length) => Buffer.alloc(length, 0x08));

/** What the last field of each number says. */
function lastOf(fields: readonly Field[], number: number): number {
  const value = fields.findLast(([one]) => one === number)?.[1];
  return typeof value === 'number' ? value : -1;
}

test('descriptors are the same in whatever order and encoding their fields stand', async (t) => {
  const usual = fc.tuple(numberField(1), numberField(2, fc.nat(1)), numberField(3, fc.nat(20)), numberField(4));
  const any = fc.array(fc.oneof(...[1, 2, 3, 4, 9].map((number) => numberField(number))), { maxLength: 6 });
  const view = new DescriptorView();
  await holds(
    t,
    fc.asyncProperty(mixed(usual, any), before, before, async (fields, head, tail) => {
      const record = encode(fields);
      const { id, flags, type, fd } = view.read(
        Buffer.concat([head, record, tail]),
        head.length,
        head.length + record.length,
      );
      t.deepEqual(
        [id, flags, type, fd],
        [1, 2, 3, 4].map((number) => lastOf(fields, number)),
      );
    }),
    RUNS,
  );
});

const MEMBERS = new Map<number, number>([
  [FD_TYPES.REG, FILE_ENTRY_FIELDS.reg],
  [FD_TYPES.PIPE, FILE_ENTRY_FIELDS.pipe],
  [FD_TYPES.FIFO, FILE_ENTRY_FIELDS.fifo],
  [FD_TYPES.PIDFD, FILE_ENTRY_FIELDS.pidfd],
]);
const types = fc.constantFrom(...MEMBERS.keys());
const contents = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));

test('entries are the same in whatever order and encoding their fields stand', async (t) => {
  const member = (number: number): fc.Arbitrary<Field> => fc.tuple(fc.constant(number), contents, paddings);
  const usual = types.chain((type) =>
    fc.tuple(numberField(1, fc.constant(type)), numberField(2), member(MEMBERS.get(type) as number)),
  );
  const parts = fc.oneof(numberField(1, types), numberField(2), ...[...MEMBERS.values()].map(member));
  const any = fc.array(parts, { maxLength: 5 }).map((fields): Field[] => [[1, FD_TYPES.REG, 0], [2, 7, 0], ...fields]);
  const view = new FileEntryView();
  await holds(
    t,
    fc.asyncProperty(mixed(usual, any), before, before, async (fields, head, tail) => {
      const record = encode(fields);
      view.read(Buffer.concat([head, record, tail]), head.length, head.length + record.length);
      const type = lastOf(fields, 1);
      const wanted = MEMBERS.get(type);
      const found = fields.filter(([number]) => number === wanted).map(([, value]) => value as Buffer);
      t.deepEqual([view.type, view.id, view.member], [type, lastOf(fields, 2), found.length === 0 ? 0 : wanted]);
      if (found.length > 0) t.deepEqual(Buffer.from(view.bytes.subarray(view.start, view.end)), Buffer.concat(found));
    }),
    RUNS,
  );
});

test('no entry that a key names is passed over', async (t) => {
  const keys = ['/a', '/ab/c', '/ab/*', '/*b', '/{a,ab/c}', '/', 'pipe:[97]', 'file[1:61]', '/a\\x00b'];
  const names = fc.oneof(
    fc.constantFrom('/a', 'a', '/ab/c', 'ab/c', '.', '/', '', '/ab/', 'xb', 'file[1:61]', '/a\0b', '//a'),
    fc.stringMatching(/^[ab/]{0,5}$/),
  );
  const ofFile = fc.tuple(names, fc.boolean(), fc.boolean()).map(([name, isExternal, isFirst]) => {
    const path: Field = [6, Buffer.from(name), 0];
    const rest: Field[] = [[1, 97, 0], ...(isExternal ? [[9, 1, 0] as const] : [])];
    return encode(isFirst ? [path, ...rest] : [...rest, path]);
  });
  await holds(
    t,
    fc.asyncProperty(
      fc.subarray(keys, { minLength: 1 }),
      fc.array(ofFile, { minLength: 1, maxLength: 20 }),
      before,
      async (chosen, members, head) => {
        const index = new SpecIndex(
          parseSpecs(
            chosen.map((key, i) => `fd[${i + 3}]:${key}`),
            parseInheritSpec,
          ),
          new Map(),
          new Map(),
        );
        const bytes = Buffer.concat([head, ...members]);
        index.prepare(bytes, head.length, bytes.length, members.length);
        let start = head.length;
        for (const member of members) {
          const end = start + member.length;
          const found = index.lookUp(1, FD_TYPES.REG, FILE_ENTRY_FIELDS.reg, bytes, start, end);
          if (index.isOfNoKey(bytes, start, end))
            t.deepEqual(found, [], `${chosen.join(' ')} of ${member.toString('hex')}`);
          start = end;
        }
      },
    ),
    RUNS,
  );
});
