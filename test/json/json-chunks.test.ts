import test from 'ava';
import fc from 'fast-check';
import { Mapped } from '../../src/bytes/mapped';
import { jsonChunks } from '../../src/json/json-chunks';
import { safeJson } from '../../src/json/safe-json';
import { holds } from '../support/properties';

const joined = (value: unknown) => [...jsonChunks(value)].join('');

test('chunks are what the whole is', async (t) => {
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.integer(), fc.boolean(), fc.constant(null)),
      fc.array(tie('value'), { maxLength: 5 }),
      fc
        .tuple(fc.oneof(fc.string(), fc.nat()), fc.constantFrom(0, 1, 255, 256, 300))
        .map(([one, times]) => Array(times).fill(one)),
      fc.dictionary(fc.string(), fc.oneof(tie('value'), fc.constant(undefined)), { maxKeys: 5, noNullPrototype: true }),
    ),
  }));
  const property = fc.asyncProperty(value, async (one) => {
    t.is(joined(one), safeJson(one, 2));
  });
  await holds(t, property, 300);
});

test('a list can come from anything that gives its values', (t) => {
  const numbers = Array.from({ length: 5000 }, (_none, i) => i);
  for (const list of [numbers, []]) {
    const value = { a: 1, list: new Mapped(list, (one) => ({ one })), z: [] };
    t.is(joined(value), JSON.stringify({ a: 1, list: list.map((one) => ({ one })), z: [] }, null, 2));
  }
});

test('no chunk is long where values are short', (t) => {
  const value = { list: Array.from({ length: 20_000 }, (_none, fd) => ({ table: 1, pids: [7], fd })) };
  for (const chunk of jsonChunks(value)) t.true(chunk.length < 1 << 15);
});
