import test from 'ava';
import fc from 'fast-check';
import { NumberMap } from '../../src/diff/ids/number-map';

/** Many of the same, and the ends of what a number can be. */
const number = fc.oneof(fc.nat(40), fc.constantFrom(2 ** 31, 2 ** 32 - 1), fc.nat(2 ** 32 - 1));
const step = fc.record({
  how: fc.constantFrom('set', 'add'),
  key: number,
  value: fc.oneof(number, fc.constant(2 ** 32)),
});

test('it is a Map of numbers', (t) => {
  const isMap = fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
    const map = new NumberMap();
    const model = new Map<number, number>();
    for (const { how, key, value } of steps) {
      if (how === 'set') map.set(key, value);
      else t.is(map.add(key, value), !model.has(key));
      if (how === 'set' || !model.has(key)) model.set(key, value);
    }
    t.is(map.size, model.size);
    for (const { key } of steps) t.is(map.get(key), model.get(key));
    const byKey = (a: readonly number[], b: readonly number[]) => (a[0] as number) - (b[0] as number);
    t.deepEqual([...map.entries()].sort(byKey), [...model].sort(byKey));
    t.is(
      map.isIdentity,
      [...model].every(([key, value]) => key === value),
    );
  });
  fc.assert(isMap, { numRuns: 200 });
});

test('each key is its own value', (t) => {
  const map = new NumberMap();
  t.true(map.isIdentity);
  for (let key = 0; key < 100; key += 1) map.set(key, key);
  t.true(map.isIdentity);
  map.set(50, 51);
  t.false(map.isIdentity);
});
