/** How much of what a test repeats is done: a part in `npm test`, all in `npm run test:all`, which sets FDGRAFT_TESTS. */

const isThorough = process.env.FDGRAFT_TESTS === 'all';

/** The first in `npm test`, the second in `npm run test:all`. */
export function atDepth<T>(usual: T, thorough: T): T {
  return isThorough ? thorough : usual;
}

/** The numbers from 1 to `count`: all of them in `npm run test:all`, else `usual` of them, spread evenly to the last. */
export function numbersTo(count: number, usual: number): number[] {
  const numbers = Array.from({ length: count }, (_, i) => i + 1);
  return isThorough || count <= usual ? numbers : spread(count, usual);
}

function spread(count: number, usual: number): number[] {
  return Array.from({ length: usual }, (_, i) => 1 + Math.round((i * (count - 1)) / (usual - 1)));
}
