/** Bytes in a buffer. */
export interface BytesAt {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Whether two stretches are equal, without a view of either: they are compared by the million. */
export function sameBytes(a: BytesAt, b: BytesAt): boolean {
  if (a.end - a.start !== b.end - b.start) return false;
  return areEqual(a, b, 0, a.end - a.start);
}

/** So few bytes are compared one by one: a call costs as much as they do. */
const SHORT_STRETCH = 1 << 7;

/** How many bytes two stretches have in common, from their first ones on. */
export function equalBytes(a: BytesAt, b: BytesAt): number {
  const length = Math.min(a.end - a.start, b.end - b.start);
  let equal = 0;
  // Each round adds to the equal bytes, or is the last.
  for (let width = SHORT_STRETCH; equal < length; width *= 2) {
    const end = Math.min(length, equal + width);
    if (!areEqual(a, b, equal, end)) return firstDifference(a, b, equal, end);
    equal = end;
  }
  return length;
}

/** The place of the first byte that differs: one between `from` and `to` does. Each round halves the bytes between them. */
function firstDifference(a: BytesAt, b: BytesAt, from: number, to: number): number {
  let [equal, end] = [from, to];
  while (end - equal > SHORT_STRETCH) {
    const middle = (equal + end) >>> 1;
    if (areEqual(a, b, equal, middle)) equal = middle;
    else end = middle;
  }
  while (a.bytes[a.start + equal] === b.bytes[b.start + equal]) equal += 1;
  return equal;
}

function areEqual(a: BytesAt, b: BytesAt, from: number, to: number): boolean {
  return (a.bytes as Buffer).compare(b.bytes, b.start + from, b.start + to, a.start + from, a.start + to) === 0;
}
