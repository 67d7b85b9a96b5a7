import test from 'ava';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { fieldsOf, writeFields } from '../../src/plan/plan-message';
import descriptor from '../../src/schema/generated/plan.json';
import { WireBuffer } from '../../src/wire/wire-buffer';
import { holds } from '../support/properties';

/** Messages of the plan are written without protobufjs, which takes milliseconds to load: the bytes are the same. */

const root = protobuf.Root.fromJSON(descriptor as protobuf.INamespace);
const messages = root.lookup('fdgraft') as protobuf.Namespace;
const types = messages.nestedArray.filter((one): one is protobuf.Type => one instanceof protobuf.Type);

const numbers = fc.oneof(fc.nat(200), fc.constantFrom(127, 128, 2 ** 31, 2 ** 32 - 1));
const longs = fc.oneof(fc.bigInt(0n, 300n), fc.bigInt(0n, 2n ** 64n - 1n));
const text = fc.string({ unit: 'binary', maxLength: 200 }).map((one) => Buffer.from(one).toString());

/** A value for our writer beside the same for protobufjs. */
type Both = readonly [ours: unknown, theirs: unknown];

function valuesOf(field: protobuf.Field): fc.Arbitrary<Both> {
  const { type, resolvedType } = field.resolve();
  const same = <T>(values: fc.Arbitrary<T>) => values.map((value): Both => [value, value]);
  if (resolvedType instanceof protobuf.Enum) {
    const prefix = `${resolvedType.name.replace('plan_', '').toUpperCase()}_`;
    return fc.constantFrom(...Object.keys(resolvedType.values)).map((name): Both => [name.replace(prefix, ''), name]);
  }
  if (resolvedType instanceof protobuf.Type) return messagesOf(resolvedType);
  if (type === 'uint32') return same(numbers);
  if (type === 'uint64') {
    return longs.map((value): Both => {
      const [low, high] = [Number(value & 0xffffffffn) | 0, Number(value >> 32n) | 0];
      return [value, { low, high, unsigned: true }];
    });
  }
  if (type === 'bool') return same(fc.boolean());
  if (type === 'string') return same(text);
  return same(fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)));
}

function messagesOf(type: protobuf.Type): fc.Arbitrary<Both> {
  const fields = type.fieldsArray.map((field) => {
    const one = valuesOf(field);
    const many = fc.array(one, { maxLength: 4 }).map((list): Both => [list.map(([a]) => a), list.map(([, b]) => b)]);
    const value = field.repeated ? many : one;
    const present = field.required || field.repeated ? value : fc.option(value, { nil: undefined });
    return present.map((both) => [field.name, both] as const);
  });
  return fc.tuple(...fields).map((named): Both => {
    const present = named.flatMap(([name, both]) => (both === undefined ? [] : [[name, both] as const]));
    // Only one member of a oneof is written.
    const kept = type.oneofsArray.length === 0 ? present : present.slice(0, 1);
    return [
      Object.fromEntries(kept.map(([name, [ours]]) => [name, ours])),
      Object.fromEntries(kept.map(([name, [, theirs]]) => [name, theirs])),
    ];
  });
}

for (const type of types) {
  test(`${type.name} is written as protobufjs writes it`, async (t) => {
    const check = async ([ours, theirs]: Both) => {
      const buffer = new WireBuffer();
      writeFields(buffer, fieldsOf(type.name), ours as object);
      const expected = Buffer.from(type.encode(type.fromObject(theirs as object)).finish());
      if (!buffer.since(0).equals(expected)) {
        throw new Error(`${buffer.since(0).toString('hex')} where ${expected.toString('hex')} belongs`);
      }
    };
    await holds(t, fc.asyncProperty(messagesOf(type), check), 200);
  });
}
