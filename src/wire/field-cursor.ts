import { WireFault } from '../errors/wire-fault';
import { MAX_VARINT_BYTES } from './varint-length';

/** Wire types of protobuf. Groups (3 and 4) are not among them: protobuf-c, which CRIU reads with, rejects them. */
export const WIRE_TYPE = {
  /** One varint. */
  VARINT: 0,
  /** Eight bytes. */
  FIXED64: 1,
  /** A varint n, then n bytes. */
  BYTES: 2,
  /** Four bytes. */
  FIXED32: 5,
} as const;

/** One for all cursors: an empty array costs more than the rest of one. */
const NO_BYTES = new Uint8Array(0);

/**
 * Walks over the fields of one record without decoding them. Reusable: `over` starts anew, so that a
 * scan of a million records makes no garbage. After `next()` the cursor's members describe the field.
 */
export class FieldCursor {
  bytes: Uint8Array = NO_BYTES;
  /** Field number. */
  number = 0;
  /** One of WIRE_TYPE. */
  wireType = 0;
  /** Where the field (its tag) begins. */
  start = 0;
  /** Where its value begins: the first byte of the payload for BYTES, of the number otherwise. */
  valueStart = 0;
  /** Where the field ends; the next one begins there. */
  end = 0;
  /** Low and high 32 bits of a varint, unsigned. */
  low = 0;
  high = 0;

  private limit = 0;

  over(bytes: Uint8Array, start: number, end: number): this {
    this.bytes = bytes;
    this.end = start;
    this.limit = end;
    return this;
  }

  /** Steps to the next field; false at the end of the record. Throws WireFault. */
  next(): boolean {
    const start = this.end;
    if (start >= this.limit) return false;
    this.start = start;
    const afterTag = this.varint(start);
    // The three lowest bits are the wire type.
    this.number = this.low >>> 3;
    if (this.high > 0 || this.number === 0) throw new WireFault('a field number is outside 1 to 2^29-1', start);
    this.wireType = this.low & 7;
    this.value(afterTag);
    return true;
  }

  /** Steps to the next value of a packed field, which are values without tags; false at the end. */
  nextPacked(wireType: number): boolean {
    if (this.end >= this.limit) return false;
    this.start = this.end;
    this.wireType = wireType;
    this.value(this.end);
    return true;
  }

  /** Value as fixed32. */
  fixed32(): number {
    this.expect(WIRE_TYPE.FIXED32);
    return new DataView(this.bytes.buffer, this.bytes.byteOffset).getUint32(this.valueStart, true);
  }

  /** Value as fixed64. */
  fixed64(): bigint {
    this.expect(WIRE_TYPE.FIXED64);
    return new DataView(this.bytes.buffer, this.bytes.byteOffset).getBigUint64(this.valueStart, true);
  }

  /** Payload of a BYTES field, as a view. */
  payload(): Uint8Array {
    this.expect(WIRE_TYPE.BYTES);
    return this.bytes.subarray(this.valueStart, this.end);
  }

  /** Value as uint32, the way CRIU reads it: the low 32 bits. */
  uint32(): number {
    this.expect(WIRE_TYPE.VARINT);
    return this.low;
  }

  /** Value as uint64, rounded where it is past 2^53. */
  uint64AsNumber(): number {
    this.expect(WIRE_TYPE.VARINT);
    return this.high * 2 ** 32 + this.low;
  }

  /** Value as uint64, exactly. */
  uint64(): bigint {
    this.expect(WIRE_TYPE.VARINT);
    return (BigInt(this.high) << 32n) | BigInt(this.low);
  }

  /** Fails where the field has another wire type than its schema says. */
  expect(wireType: number): void {
    if (this.wireType !== wireType) {
      throw new WireFault(`wire type ${this.wireType} where ${wireType} belongs`, this.start);
    }
  }

  /** Finds the end of the value that begins at `at`. */
  private value(at: number): void {
    this.valueStart = at;
    switch (this.wireType) {
      case WIRE_TYPE.VARINT:
        this.end = this.varint(at);
        break;
      case WIRE_TYPE.BYTES:
        this.valueStart = this.varint(at);
        this.end = this.valueStart + this.high * 2 ** 32 + this.low;
        break;
      case WIRE_TYPE.FIXED64:
        this.end = at + 8;
        break;
      case WIRE_TYPE.FIXED32:
        this.end = at + 4;
        break;
      default:
        throw new WireFault(`wire type ${this.wireType} is not one that CRIU reads`, this.start);
    }
    if (this.end > this.limit) {
      throw new WireFault('a value reaches past its record', this.valueStart, this.end - this.limit);
    }
  }

  /** Reads a varint into low and high; returns the position after it. */
  private varint(start: number): number {
    const { bytes, limit } = this;
    let low = 0;
    let high = 0;
    let at = start;
    for (let index = 0; index < MAX_VARINT_BYTES; index += 1) {
      if (at >= limit) throw new WireFault('a number is cut off at the end of its record', at, 1);
      const byte = bytes[at] as number;
      at += 1;
      const bits = byte & 0x7f;
      if (index < 4) low |= bits << (7 * index);
      else if (index === 4) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (7 * index - 32);
      if (byte < 0x80) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        return at;
      }
    }
    throw new WireFault('a number is longer than 10 bytes', start);
  }
}
