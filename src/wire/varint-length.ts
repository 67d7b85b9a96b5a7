/** A varint of 64 bits has no more bytes. */
export const MAX_VARINT_BYTES = 10;

/** How many bytes the shortest varint of a number has, given its unsigned halves. */
export function lengthOfVarint(low: number, high: number): number {
  if (high === 0) {
    if (low < 0x80) return 1;
    if (low < 0x4000) return 2;
    if (low < 0x200000) return 3;
    return low < 0x10000000 ? 4 : 5;
  }
  if (high < 0x8) return 5;
  if (high < 0x400) return 6;
  if (high < 0x20000) return 7;
  if (high < 0x1000000) return 8;
  return high < 0x80000000 ? 9 : 10;
}
