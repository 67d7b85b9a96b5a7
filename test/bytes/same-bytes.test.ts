import test from 'ava';
import fc from 'fast-check';
import { type BytesAt, equalBytes, sameBytes } from '../../src/bytes/same-bytes';
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
      const stretch = (rest: Uint8Array, before: number, after: number): BytesAt => {
        const bytes = Buffer.alloc(before + equal + rest.length + after, fill);
        bytes.set(rest, before + equal);
        return { bytes, start: before, end: before + equal + rest.length };
      };
      const [a, b] = [stretch(rests[0], around[0], around[1]), stretch(rests[1], around[2], around[3])];
      const inBytes = ({ bytes, start, end }: BytesAt) => [...bytes.subarray(start, end)];
      const [x, y] = [inBytes(a), inBytes(b)];
      const first = x.findIndex((byte, i) => byte !== y[i]);
      const expected = first === -1 ? x.length : Math.min(first, y.length);
      return equalBytes(a, b) === expected && sameBytes(a, b) === (expected === x.length && x.length === y.length);
    }),
    500,
  );
});
