import test from 'ava';
import fc from 'fast-check';
import { SortedPairs } from '../../src/bytes/pairs';
import { holds } from '../support/properties';

const uint32 = fc.oneof(fc.nat(5), fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.constantFrom(2 ** 31, 2 ** 32 - 1));

test('pairs stand by their first number, then by their second, and are found by the first', async (t) => {
  const property = fc.asyncProperty(
    fc.array(fc.tuple(uint32, uint32), { maxLength: 50 }),
    uint32,
    async (all, wanted) => {
      const pairs = SortedPairs.of(
        all.length,
        (place) => all[place]?.[0] as number,
        (place) => all[place]?.[1] as number,
      );
      const sorted = [...all].sort(([a, b], [c, d]) => a - c || b - d);
      t.deepEqual(
        sorted.map((_one, place) => [pairs.first(place), pairs.second(place)]),
        sorted,
      );
      const place = sorted.findIndex(([first]) => first >= wanted);
      t.is(pairs.seek(wanted), place === -1 ? all.length : place);
    },
  );
  await holds(t, property, 500);
});
