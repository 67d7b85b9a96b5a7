import test from 'ava';
import fc from 'fast-check';
import { equalBytes, sameBytes } from '../../src/bytes/same-bytes';
import { holds } from '../support/properties';

/** Two stretches that are equal up to a byte, each with other bytes around it in its buffer. */
const pairs = fc.record({
  equal: fc.integer({ min: 0, max: 5000 }),
  rests: fc.tuple(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 300 })),
  around: fc.tuple(fc.nat(200), fc.nat(200), fc.nat(200), fc.nat(200)),
  fill: fc.nat(255),
});

test('the bytes that two stretches have in common end where the first one differs', async (t) => {
  await holds(
    t,
    fc.asyncProperty(pairs, async ({ equal, rests, around, fill }) => {
      const [a, b] = rests.map((rest, i) => {
        const [before, after] = [around[2 * i] as number, around[2 * i + 1] as number];
        const bytes = Buffer.alloc(before + equal + rest.length + after, fill);
        bytes.set(rest, before + equal);
        return { bytes, start: before, end: before + equal + rest.length };
      }) as unknown as [Parameters<typeof equalBytes>[0], Parameters<typeof equalBytes>[0]];
      const [x, y] = [a, b].map(({ bytes, start, end }) => [...bytes.subarray(start, end)]) as [number[], number[]];
      const first = x.findIndex((byte, i) => byte !== y[i]);
      const expected = first === -1 ? x.length : Math.min(first, y.length);
      return equalBytes(a, b) === expected && sameBytes(a, b) === (expected === x.length && x.length === y.length);
    }),
    500,
  );
});
