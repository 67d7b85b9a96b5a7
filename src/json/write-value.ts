import type { FieldShape, MessageShape } from '../schema/shape';
import { type FieldCursor, WIRE_TYPE } from '../wire/field-cursor';
import { lengthOfVarint } from '../wire/varint-length';
import { Base64Lines } from './base64-lines';
import { digestText } from './digest-text';
import { showInteger } from './display';
import { isText, type JsonText } from './json-text';
import { decodeQuotedPrintable, encodeQuotedPrintable } from './quoted-printable';

const [TRUE, FALSE, EMPTY_STRING, QUOTE] = ['true', 'false', '""', '"'].map((text) => Buffer.from(text)) as [
  Buffer,
  Buffer,
  Buffer,
  Buffer,
];

/** Writes values as JSON, and notices where that does not say their bytes. */
export abstract class ValueWriter {
  /** Whether the message that is being written needs `_wire`. */
  protected isOdd = false;

  constructor(
    protected readonly text: JsonText,
    /** False: of bytes, only how many they are and their digest is shown, and there is no `_wire`. */
    protected readonly showsBytes = true,
  ) {}

  /** Writes an embedded message as an object that is left open. Throws WireFault. */
  protected abstract message(
    shape: MessageShape,
    bytes: Uint8Array,
    start: number,
    end: number,
    hex: boolean,
    depth: number,
  ): void;

  /** Notices a tag or a length that is longer than it need be. */
  protected tag(cursor: FieldCursor): void {
    let length = lengthOfVarint(cursor.number * 8, 0);
    if (cursor.wireType === WIRE_TYPE.BYTES) length += lengthOfVarint(cursor.end - cursor.valueStart, 0);
    if (cursor.valueStart - cursor.start !== length) this.isOdd = true;
  }

  protected value(field: FieldShape, cursor: FieldCursor, hex: boolean, depth: number): void {
    const { text } = this;
    switch (field.type) {
      case 'uint32':
      case 'uint64':
      case 'fixed32':
      case 'fixed64':
        this.unsigned(field, cursor, hex);
        return;
      case 'enum': {
        const name = field.values?.quotedNames.get(cursor.low | 0);
        this.signed32(cursor);
        if (name === undefined) text.integer(cursor.low | 0);
        else text.raw(name);
        return;
      }
      case 'int32':
        this.signed32(cursor);
        this.integer(field, BigInt(cursor.low | 0), hex);
        return;
      case 'sint32': {
        const { low, high } = cursor;
        if (high !== 0) this.isOdd = true;
        this.varint(cursor);
        this.integer(field, BigInt((low >>> 1) ^ -(low & 1)), hex);
        return;
      }
      case 'int64':
        this.varint(cursor);
        this.integer(field, BigInt.asIntN(64, cursor.uint64()), hex);
        return;
      case 'sint64': {
        this.varint(cursor);
        const value = cursor.uint64();
        this.integer(field, (value >> 1n) ^ -(value & 1n), hex);
        return;
      }
      case 'bool':
        this.varint(cursor);
        if (cursor.high !== 0 || cursor.low > 1) this.isOdd = true;
        text.raw((cursor.low | cursor.high) === 0 ? FALSE : TRUE);
        return;
      case 'string':
        this.string(cursor);
        return;
      case 'bytes':
        this.bytes(field, cursor);
        return;
      case 'message': {
        const shape = field.message;
        const { bytes, valueStart, end } = cursor;
        if (field.display.secret && !this.showsBytes) {
          text.quoted(digestText([bytes.subarray(valueStart, end)]));
          return;
        }
        this.message(shape, bytes, valueStart, end, hex || field.display.hex === true, depth + 1);
        text.end('}');
        return;
      }
    }
  }

  private unsigned(field: FieldShape, cursor: FieldCursor, hex: boolean): void {
    const { text } = this;
    let { low, high } = cursor;
    if (field.wireType === WIRE_TYPE.VARINT) {
      this.varint(cursor);
      if (field.type === 'uint32' && high !== 0) {
        this.isOdd = true;
        high = 0;
      }
    } else if (field.type === 'fixed32') {
      low = cursor.fixed32();
      high = 0;
    } else {
      const value = cursor.fixed64();
      low = Number(value & 0xffffffffn);
      high = Number(value >> 32n);
    }
    const shown = text.pretty ? showInteger(field, low, high, hex) : undefined;
    if (shown === undefined) text.unsigned(low, high);
    else text.quoted(shown);
  }

  private integer(field: FieldShape, value: bigint, hex: boolean): void {
    const { text } = this;
    const isHex = text.pretty && (hex || field.display.hex === true);
    if (isHex) text.quoted(value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`);
    else text.ascii(value.toString());
  }

  /** A negative number of 32 bits is written as one of 64. */
  private signed32(cursor: FieldCursor): void {
    this.varint(cursor);
    if (cursor.high !== ((cursor.low | 0) < 0 ? 0xffffffff : 0)) this.isOdd = true;
  }

  /** The tenth byte has one bit that counts; a decoder passes over the others. */
  private varint({ bytes, low, high, valueStart, end }: FieldCursor): void {
    const length = end - valueStart;
    if (length !== lengthOfVarint(low, high) || (length === 10 && bytes[end - 1] !== 1)) this.isOdd = true;
  }

  private string({ bytes, valueStart, end }: FieldCursor): void {
    if (isText(bytes, valueStart, end)) this.text.string(bytes, valueStart, end);
    else {
      this.isOdd = true;
      this.text.escapedBytes(bytes, valueStart, end);
    }
  }

  private bytes(field: FieldShape, { bytes, valueStart, end }: FieldCursor): void {
    const { text } = this;
    const value = bytes.subarray(valueStart, end);
    if (value.length === 0) text.raw(EMPTY_STRING);
    else if (field.display.conv === 'unix_name') {
      const shown = encodeQuotedPrintable(value);
      if (decodeQuotedPrintable(shown)?.equals(value) !== true) this.isOdd = true;
      text.quoted(shown, valueStart);
    } else if (!this.showsBytes) {
      text.quoted(digestText([value]));
    } else {
      this.base64(value);
    }
  }

  /** A string that holds bytes. */
  base64(bytes: Uint8Array): void {
    const { text } = this;
    text.raw(QUOTE);
    const lines = new Base64Lines((chunk) => text.raw(chunk));
    lines.push(bytes);
    lines.end();
    text.raw(QUOTE);
  }
}
