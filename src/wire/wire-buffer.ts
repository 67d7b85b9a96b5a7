import { lengthOfVarint, MAX_VARINT_BYTES } from './varint-length';

/** Most records are shorter, and an image with millions of odd ones has a buffer for each. */
const FIRST_BYTES = 1 << 9;

/** Bytes of records that are being encoded; grows as it is written. */
export class WireBuffer {
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  length = 0;

  /** A varint, from its unsigned halves, in its shortest form. */
  varint(low: number, high: number): void {
    if (this.length + MAX_VARINT_BYTES > this.bytes.length) this.ensure(MAX_VARINT_BYTES);
    const { bytes } = this;
    if (high === 0 && low < 0x80) {
      bytes[this.length++] = low;
      return;
    }
    let at = this.length;
    let l = low;
    let h = high;
    while (h > 0 || l > 0x7f) {
      bytes[at++] = (l & 0x7f) | 0x80;
      l = ((l >>> 7) | (h << 25)) >>> 0;
      h >>>= 7;
    }
    bytes[at++] = l;
    this.length = at;
  }

  /** Numbers of 32 bits, little-endian. */
  fixed32(value: number): void {
    this.ensure(4);
    this.length = this.bytes.writeUInt32LE(value, this.length);
  }

  copy(from: Uint8Array, start = 0, end = from.length): void {
    const length = end - start;
    this.ensure(length);
    const { bytes, length: to } = this;
    if (length > 32) bytes.set(from.subarray(start, end), to);
    else for (let i = 0; i < length; i += 1) bytes[to + i] = from[start + i] as number;
    this.length = to + length;
  }

  /** Leaves room for a length that is not known yet, and says where; `endLength` fills it. */
  beginLength(): number {
    this.ensure(1);
    this.length += 1;
    return this.length;
  }

  /** Puts the length of what was written since `beginLength` gave `start` before it. */
  endLength(start: number): void {
    const length = this.length - start;
    const room = lengthOfVarint(length, 0);
    if (room > 1) {
      this.ensure(room - 1);
      this.bytes.copyWithin(start + room - 1, start, this.length);
    }
    this.length = start - 1;
    this.varint(length, 0);
    this.length = start - 1 + room + length;
  }

  /** What was written from `start` on. Valid until more is written. */
  since(start: number): Buffer {
    return this.bytes.subarray(start, this.length);
  }

  /** Puts other bytes in place of what was written from `start` on. */
  replace(start: number, by: Uint8Array): void {
    const copy = by.buffer === this.bytes.buffer ? Uint8Array.from(by) : by;
    this.length = start;
    this.copy(copy);
  }

  /** Makes room for so many bytes more. */
  ensure(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, this.length + more));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
