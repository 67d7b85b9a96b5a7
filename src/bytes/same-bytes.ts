/** Bytes in a buffer. */
export interface BytesAt {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Whether two stretches are equal, without a view of either: they are compared by the million. */
export function sameBytes(a: BytesAt, b: BytesAt): boolean {
  if (a.end - a.start !== b.end - b.start) return false;
  return (a.bytes as Buffer).compare(b.bytes, b.start, b.end, a.start, a.end) === 0;
}
