import test from 'ava';
import all from '../../src/schema/generated/messages.json';
import { FieldShape, MessageShape, shapeOf } from '../../src/schema/shape';

const NAMES = Object.keys(all.messages);
const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();

test('fields are found by number and by name, and none by others', (t) => {
  for (const name of NAMES) {
    const shape = shapeOf(name);
    const highest = Math.max(...shape.fields.map(({ number }) => number));
    for (let number = 0; number <= highest + 2; number += 1) {
      t.is(
        shape.numbered(number),
        shape.fields.find((field) => field.number === number),
      );
      const after = shape.fields.findIndex((field) => field.number > number);
      t.is(shape.indexAfter(number), after === -1 ? shape.fields.length : after, `${name} ${number}`);
    }
    t.is(shape.numbered(2 ** 29 - 1), undefined);
    for (const field of shape.fields) {
      t.is(shape.named(field.name), field);
      t.is(shape.fieldNamed(field.name), field);
    }
    t.is(shape.named('toString'), undefined);
    t.is(shapeOf(name), shape);
  }
});

test('a message or field that code names and no schema has is an error', (t) => {
  t.throws(() => shapeOf('no_entry'), { instanceOf: TypeError, message: 'no schema has the message no_entry' });
  const message = 'pipe_entry has no field fd';
  t.throws(() => shapeOf('pipe_entry').fieldNamed('fd'), { instanceOf: TypeError, message });
});

test('each type of field has its wire type, in its tag too', (t) => {
  const types = {
    bool: 0,
    uint32: 0,
    int64: 0,
    lsmtype: 0,
    fixed64: 1,
    string: 2,
    bytes: 2,
    fown_entry: 2,
    fixed32: 5,
  };
  for (const [type, wireType] of Object.entries(types)) {
    const field = new FieldShape(300, 'f', 'optional', type, {});
    t.like(field, { wireType, tag: 300 * 8 + wireType }, type);
    t.is(field.type, type === 'lsmtype' ? 'enum' : type === 'fown_entry' ? 'message' : (type as 'bool'));
  }
});

test('a field is packed if its schema says so', (t) => {
  const isPacked = (display: object) => new FieldShape(1, 'f', 'repeated', 'uint32', display).packed;
  t.true(isPacked({ packed: true }));
  t.false(isPacked({ packed: false }));
  t.false(isPacked({}));
});

test('one field of the images is packed, and one has an earlier name', (t) => {
  const shapes = NAMES.map(shapeOf);
  const packed = shapes.flatMap(({ fields }) => fields.filter((field) => field.packed));
  t.deepEqual(
    packed.map(({ name }) => name),
    ['block_sizes'],
  );
  const renamed = shapes.filter((shape) => shape.renamed !== undefined);
  t.deepEqual(
    renamed.map(({ name }) => name),
    ['pagemap_entry'],
  );
  t.is(renamed[0]?.renamed?.field.name, 'compat_nr_pages');
  t.is(renamed[0]?.renamed?.now.name, 'nr_pages');
});

test('names are JSON keys, those of enums too', (t) => {
  const field = shapeOf('core_entry').fieldNamed('mtype');
  t.is(text(field.quotedName), '"mtype"');
  t.is(text(field.key), '"mtype": ');
  t.is(field.values?.values.get('X86_64'), 1);
  t.is(text(field.values?.quotedNames.get(1)), '"X86_64"');
  t.is(field.values?.quotedNames.get(99), undefined);
  t.is(shapeOf('pipe_entry').fieldNamed('id').values, undefined);
  t.is(shapeOf('pipe_entry').fieldNamed('fown').message, shapeOf('fown_entry'));
});

test('required fields are counted', (t) => {
  t.is(shapeOf('fown_entry').requiredCount, 5);
  const none = new MessageShape('none', []);
  t.like(none, { requiredCount: 0, renamed: undefined });
  t.is(none.indexAfter(0), 0);
});
