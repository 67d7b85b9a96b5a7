/** A varint below 2^28 takes no more than four bytes, and its value fits into a number without a sign. */
const LAST_SHIFT = 21;

/** Reads numbers as CRIU writes most of them. Reusable, so that a scan of a million records makes no garbage. */
export class SmallVarint {
  value = 0;

  /** Reads a varint into `value`. Returns the position after it, -1 if it has more than four bytes. Checks no end. */
  read(bytes: Uint8Array, start: number): number {
    let at = start;
    let byte = bytes[at] as number;
    let value = byte & 0x7f;
    for (let shift = 7; byte > 0x7f; shift += 7) {
      if (shift > LAST_SHIFT) return -1;
      at += 1;
      byte = bytes[at] as number;
      value |= (byte & 0x7f) << shift;
    }
    this.value = value;
    return at + 1;
  }
}
