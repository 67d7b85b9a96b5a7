import test from 'ava';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { namesOf } from '../../src/checkpoint/message-rows';
import { compareMessages } from '../../src/diff/compare-messages';
import type { ValueChange } from '../../src/diff/wire/value-change';
import { shapeOf } from '../../src/schema/shape';
import { ALL_IMAGES, messageType } from '../support/images';
import { holds } from '../support/properties';
import { encode, fieldsByNumber, type Message, messagesOf, type Value } from '../support/random-messages';
import { encodeField, fieldsOf } from '../support/wire';

const TYPES = [...new Set(ALL_IMAGES.flatMap(({ message, first }) => [message, first]))];

/** A value in a message: fields, and the numbers of items in lists. */
type Place = readonly (string | number)[];

/** All values that stand in a message, at any depth; but for those that name an item of a list, which is another one then. */
function* placesIn(type: string, message: Message, inList = false, above: Place = []): Generator<Place> {
  const names = inList ? namesOf(type).map((name) => name.split('.')[0]) : [];
  for (const field of fieldsByNumber(messageType(type))) {
    const value = message[field.name];
    if (value === undefined || names.includes(field.name)) continue;
    const items: [Place, Value][] = Array.isArray(value)
      ? value.map((item, i) => [[...above, field.name, i], item])
      : [[[...above, field.name], value]];
    for (const [place, item] of items) {
      const { resolvedType } = field;
      if (resolvedType instanceof protobuf.Type)
        yield* placesIn(resolvedType.name, item as Message, field.repeated, place);
      else yield place;
    }
  }
}

/** Messages inside a message, and itself. */
function* messagesIn(type: string, message: Message, above: Place = []): Generator<Place> {
  yield above;
  for (const field of fieldsByNumber(messageType(type))) {
    const value = message[field.name];
    if (value === undefined || !(field.resolvedType instanceof protobuf.Type)) continue;
    const inner = field.resolvedType.name;
    if (!Array.isArray(value)) yield* messagesIn(inner, value as Message, [...above, field.name]);
    else for (const [i, item] of value.entries()) yield* messagesIn(inner, item as Message, [...above, field.name, i]);
  }
}

function other(value: Value): Value {
  if (typeof value === 'boolean') return !value;
  if (Buffer.isBuffer(value)) return Buffer.concat([value, Buffer.from('x')]);
  return (value as bigint) > 0n ? (value as bigint) - 1n : (value as bigint) + 1n;
}

/** A copy with another value in one place. */
function changedAt(message: Value, [step, ...rest]: Place): Value {
  if (step === undefined) return other(message);
  if (Array.isArray(message)) return message.map((item, i) => (i === step ? changedAt(item, rest) : item));
  return { ...(message as Message), [step]: changedAt((message as Message)[step] as Value, rest) };
}

function changes(type: string, before: Uint8Array, after: Uint8Array) {
  const whole = (bytes: Uint8Array) => ({ bytes, start: 0, end: bytes.length });
  return compareMessages(shapeOf(type), whole(before), whole(after));
}

/** The first and the last field of a path. */
function ends(change: ValueChange | undefined): [string, string] {
  const names = (change?.path ?? []).map(({ field, number }) => field?.name ?? `#${number}`);
  return [names[0] ?? '', names.at(-1) ?? ''];
}

const samples = fc
  .constantFrom(...TYPES)
  .chain((type) =>
    fc.record({ type: fc.constant(type), message: messagesOf(type, { anyBytes: true }), pick: fc.nat() }),
  );

test('one changed value, at any depth and in any list, is one change of its field', async (t) => {
  let nested = 0;
  let listed = 0;
  await holds(
    t,
    fc.asyncProperty(samples, async ({ type, message, pick }) => {
      const places = [...placesIn(type, message)];
      const place = places[pick % places.length];
      if (place === undefined) return;
      const [before, after] = [encode(type, message), encode(type, changedAt(message, place) as Message)];
      const found = changes(type, before, after);
      t.is(found.length, 1, `${type} ${place.join('.')}: ${found.map(ends).join(' ')}`);
      const fields = place.filter((step) => typeof step === 'string');
      if (fields.length > 1) nested += 1;
      if (fields.length < place.length) listed += 1;
      // A message of secrets is one value.
      const [first, last] = ends(found[0]);
      t.is(first, fields[0] as string);
      t.true(fields.includes(last), last);
      t.deepEqual(changes(type, after, before).length, 1);
      t.deepEqual(changes(type, before, before), []);
    }),
    1500,
  );
  t.true(nested > 100 && listed > 100, `${nested} nested, ${listed} in lists`);
});

test('a field that goes or comes is one change', async (t) => {
  await holds(
    t,
    fc.asyncProperty(samples, async ({ type, message, pick }) => {
      const names = Object.keys(message);
      const name = names[pick % names.length];
      if (name === undefined) return;
      const { [name]: value, ...rest } = message;
      const found = changes(type, encode(type, message), encode(type, rest));
      // Each message of a list is a difference of its own.
      const isList = Array.isArray(value) && typeof value[0] === 'object' && !Buffer.isBuffer(value[0]);
      t.is(found.length, isList ? (value as Value[]).length : 1, `${type}.${name}`);
      for (const { before, after } of found) t.true(before !== undefined && after === undefined);
    }),
    500,
  );
});

/** The bytes of a message with a field behind those of the message inside it at a place. */
function withField(type: string, bytes: Uint8Array, [step, ...rest]: Place, field: Uint8Array): Uint8Array {
  if (step === undefined) return Buffer.concat([bytes, field]);
  const known = messageType(type).fields[step] as protobuf.Field;
  const [index, below] = typeof rest[0] === 'number' ? [rest[0], rest.slice(1)] : [0, rest];
  let seen = -1;
  const chunks = fieldsOf(bytes).map(({ number, start, end, value }) => {
    if (number === known.id) seen += 1;
    if (number !== known.id || seen !== index) return bytes.subarray(start, end);
    const inner = (known.resolvedType as protobuf.Type).name;
    return encodeField(number, withField(inner, value as Uint8Array, below, field));
  });
  return Buffer.concat(chunks);
}

test('a field that no schema knows, at any depth, is one change', async (t) => {
  await holds(
    t,
    fc.asyncProperty(samples, fc.nat(), fc.boolean(), async ({ type, message, pick }, value, isBytes) => {
      const places = [...messagesIn(type, message)];
      const place = places[pick % places.length] as Place;
      const plain = encode(type, message);
      const field = (number: number) => encodeField(19_999, isBytes ? Buffer.from(`${number}`) : number);
      const [one, another] = [value, value + 1].map((number) => withField(type, plain, place, field(number)));
      const fields = place.filter((step) => typeof step === 'string');
      for (const [before, after] of [
        [plain, one],
        [one, another],
      ] as [Uint8Array, Uint8Array][]) {
        const found = changes(type, before, after);
        t.is(found.length, 1, `${type} ${place.join('.')}: ${found.map(ends).join(' ')}`);
        const [first, last] = ends(found[0]);
        t.is(first, (fields[0] ?? '#19999') as string);
        t.true([...fields, '#19999'].includes(last), last);
      }
      t.deepEqual(changes(type, one as Uint8Array, one as Uint8Array), []);
    }),
    1000,
  );
});
