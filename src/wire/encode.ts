import { WIRE_TYPE } from './field-cursor';

/** A number below 2^53 as varint, in its shortest form. */
export function encodeVarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

export function encodeVarintField(number: number, value: number): Buffer {
  return Buffer.concat([encodeVarint(number * 8 + WIRE_TYPE.VARINT), encodeVarint(value)]);
}

export function encodeBytesField(number: number, payload: Uint8Array): Buffer {
  return Buffer.concat([encodeVarint(number * 8 + WIRE_TYPE.BYTES), encodeVarint(payload.length), payload]);
}
