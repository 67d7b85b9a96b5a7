import type { ExtraPart, RecordRole } from '../schema/record-grammar';
import { Base64Lines } from './base64-lines';
import type { JsonText } from './json-text';

const QUOTE = Buffer.from('"');

/** Writes what follows a record, as it comes. */
export interface ExtraWriter {
  take(bytes: Uint8Array): void;
  end(): void;
}

/** Writes the value of `extra` for a record that has one. */
export function extraWriter({ parts }: RecordRole, text: JsonText): ExtraWriter {
  const [part] = parts as readonly [ExtraPart];
  if (part.row.keys !== undefined) return new Named(parts, text);
  return part.row.itemBytes === undefined ? new Base64(part, text) : new Numbers(part, text);
}

/** One string. Bytes of the padding that are not zeros, which crit would pass over, make it longer than the record says. */
class Base64 implements ExtraWriter {
  private readonly lines: Base64Lines;
  private left: number;
  private readonly padding: number[] = [];

  constructor(
    part: ExtraPart,
    private readonly text: JsonText,
  ) {
    this.left = part.bytes;
    this.lines = new Base64Lines((chunk) => text.raw(chunk));
    text.raw(QUOTE);
  }

  take(bytes: Uint8Array): void {
    const own = bytes.subarray(0, Math.min(bytes.length, this.left));
    this.lines.push(own);
    this.left -= own.length;
    this.padding.push(...bytes.subarray(own.length));
  }

  end(): void {
    if (this.padding.some((byte) => byte !== 0)) this.lines.push(Uint8Array.from(this.padding));
    this.lines.end();
    this.text.raw(QUOTE);
  }
}

/** An object of strings, one for each part. */
class Named implements ExtraWriter {
  private index = -1;
  private left = 0;
  private current: Base64 | undefined;

  constructor(
    private readonly parts: readonly ExtraPart[],
    private readonly text: JsonText,
  ) {
    text.begin('{');
    this.next();
  }

  take(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      const chunk = bytes.subarray(at, at + this.left);
      this.current?.take(chunk);
      this.left -= chunk.length;
      at += chunk.length;
      if (this.left === 0 && this.index + 1 < this.parts.length) this.next();
      else if (chunk.length === 0) return;
    }
  }

  end(): void {
    while (this.index + 1 < this.parts.length) this.next();
    this.current?.end();
    this.text.end('}');
  }

  private next(): void {
    this.current?.end();
    this.index += 1;
    const part = this.parts[this.index] as ExtraPart;
    this.left = part.bytes;
    this.text.key(Buffer.from(`"${part.row.keys?.[0]}": `));
    this.current = new Base64(part, this.text);
  }
}

/** A list of 16-bit numbers. Those of the padding are in it where one of them is not zero. */
class Numbers implements ExtraWriter {
  private left: number;
  private half: number | undefined;
  private readonly padding: number[] = [];

  constructor(
    part: ExtraPart,
    private readonly text: JsonText,
  ) {
    this.left = part.bytes / 2;
    text.begin('[');
  }

  take(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (this.half === undefined) this.half = byte;
      else {
        this.number(this.half + 256 * byte);
        this.half = undefined;
      }
    }
  }

  end(): void {
    if (this.padding.some((number) => number !== 0)) for (const number of this.padding) this.write(number);
    this.text.end(']');
  }

  private number(value: number): void {
    if (this.left === 0) this.padding.push(value);
    else {
      this.left -= 1;
      this.write(value);
    }
  }

  private write(value: number): void {
    this.text.item();
    this.text.integer(value);
  }
}

/** What `--nopl` shows in place of an extra. */
export function describePayload({ parts }: RecordRole): string {
  return sizeText(parts.reduce((sum, { bytes }) => sum + bytes, 0));
}

export function sizeText(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `... <${Number.isInteger(size) ? size : size.toFixed(1)}${UNITS[unit]}B>`;
}

const UNITS = ['', 'K', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];
