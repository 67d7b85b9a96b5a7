/** How much of what a test repeats is done: a part in `npm test`, more in `npm run test:all`, which sets FDGRAFT_TESTS. */

const isThorough = process.env.FDGRAFT_TESTS === 'all';

/** The first in `npm test`, the second in `npm run test:all`. */
export function atDepth<T>(usual: T, thorough: T): T {
  return isThorough ? thorough : usual;
}

/** The numbers from 1 to `count`, or `most` of them, spread evenly from the first to the last. */
export function numbersTo(count: number, most: number): number[] {
  if (count <= most) return Array.from({ length: count }, (_, i) => i + 1);
  return Array.from({ length: most }, (_, i) => 1 + Math.round((i * (count - 1)) / (most - 1)));
}
