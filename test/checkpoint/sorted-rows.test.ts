import test from 'ava';
import fc from 'fast-check';
import { InOrder, SortedKeys } from '../../src/checkpoint/listing/in-order';
import { MAX_KEY, SortedRows } from '../../src/checkpoint/sorted-rows';

function takeAll<T>(order: InOrder<T>, into: T[]): void {
  for (let one = order.take(() => true); one !== undefined; one = order.take(() => true)) into.push(one);
}

test('rows are found by their key, in the order in which they were added', (t) => {
  // Few keys, so that some are repeated; large ones, so that both halves count; numbers of one, two and four bytes.
  const key = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: MAX_KEY - 20, max: MAX_KEY - 1 }));
  const number = fc.oneof(fc.nat(255), fc.nat(65_535), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
  fc.assert(
    fc.property(fc.array(fc.tuple(key, number, number), { maxLength: 3000 }), fc.array(key), (rows, asked) => {
      const sorted = new SortedRows();
      for (const [at, a, b] of rows) sorted.add(at, a, b);
      sorted.finish();
      for (const wanted of [...asked, ...rows.slice(0, 20).map(([at]) => at)]) {
        const found: [number, number][] = [];
        sorted.visit(wanted, (a, b) => found.push([a, b]));
        t.deepEqual(
          found,
          rows.flatMap(([at, a, b]) => (at === wanted ? [[a, b]] : [])),
        );
      }
      t.deepEqual([...new Set(sorted.allKeys())].sort(), [...new Set(rows.map(([at]) => at))].sort());
    }),
    { numRuns: 40 },
  );
});

test('rows past the first chunk are found as well', (t) => {
  const sorted = new SortedRows();
  const count = 200_000;
  for (let i = 0; i < count; i += 1) sorted.add((i * 7919) % 1000, i, i % 3);
  sorted.finish();
  for (const wanted of [0, 999, 500, 501]) {
    const found: number[] = [];
    sorted.visit(wanted, (a) => found.push(a));
    t.is(found.length, count / 1000);
    t.true(found.every((a) => (a * 7919) % 1000 === wanted));
    t.deepEqual(
      found,
      [...found].sort((x, y) => x - y),
    );
  }
});

test('values come in the order of their keys, whatever order they are put in', (t) => {
  const keys = fc.uniqueArray(fc.nat(200), { minLength: 1, maxLength: 100 });
  fc.assert(
    fc.property(keys, fc.integer({ min: 1, max: 7 }), (given, atOnce) => {
      const sorted = new SortedKeys();
      for (const key of given) sorted.add(key);
      sorted.finish();
      const order = new InOrder<[number, number]>(sorted);
      const came: [number, number][] = [];
      given.forEach((key, i) => {
        order.put(key, [key, i]);
        if (i % atOnce === 0) takeAll(order, came);
      });
      takeAll(order, came);
      const expected = given.map((key, i): [number, number] => [key, i]).sort(([a], [b]) => a - b);
      t.deepEqual(came, expected);
      for (const key of given) t.true(sorted.has(key));
      t.false(sorted.has(201));
      t.is(sorted.firstRepeated(), undefined);
    }),
  );
});

test('a key that is there twice is told', (t) => {
  const sorted = new SortedKeys();
  for (const key of [5, 3, 9, 3]) sorted.add(key);
  sorted.finish();
  t.is(sorted.firstRepeated(), 3);
});

test('keys in any number are sorted where they are not', (t) => {
  const sorted = new SortedKeys();
  for (let i = 0; i < 100_000; i += 1) sorted.add((i * 7919) % 100_003);
  sorted.finish();
  for (let i = 1; i < sorted.length; i += 1) if (sorted.at(i) <= sorted.at(i - 1)) t.fail(`at ${i}`);
  t.is(sorted.length, 100_000);
});
