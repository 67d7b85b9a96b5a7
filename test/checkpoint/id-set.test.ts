import test from 'ava';
import fc from 'fast-check';
import { IdSet } from '../../src/checkpoint/id-set';
import { holds } from '../support/properties';

/** Ids so far apart that each would need a page of its own. */
const SPREAD = 2 ** 32 / (1 << 17);

test('ids that lie far apart are told from all others', (t) => {
  const ids = new IdSet();
  for (let i = 0; i < 1 << 17; i += 1) if (!ids.add(i * SPREAD)) t.fail(`${i * SPREAD} was there`);
  for (let i = 0; i < 1 << 17; i += 1) {
    if (ids.add(i * SPREAD) || !ids.has(i * SPREAD)) t.fail(`${i * SPREAD} was not there`);
    if (ids.has(i * SPREAD + 1)) t.fail(`${i * SPREAD + 1} is there`);
  }
  t.pass();
});

test('a set of ids is a set', async (t) => {
  const id = fc.oneof(fc.nat(3000), fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.constantFrom(0, 2 ** 32 - 1));
  const full = new IdSet();
  // So many pages that ids of other ones are kept one by one.
  for (let i = 0; i < 1 << 15; i += 1) full.add(i << 10);
  const property = fc.asyncProperty(fc.array(id, { maxLength: 100 }), async (all) => {
    const ids = new IdSet();
    const known = new Set<number>();
    for (const one of all) {
      t.is(ids.has(one), known.has(one));
      t.is(ids.add(one), !known.has(one));
      known.add(one);
      full.add(one);
      t.true(full.has(one));
    }
  });
  await holds(t, property, 200);
});
