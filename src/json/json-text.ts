import { isUtf8 } from 'node:buffer';
import type { ByteWriter } from '../bytes/byte-stream';
import { escapedChunks } from '../bytes/escape';
import { WireFault } from '../errors/wire-fault';

/** Characters that room is made for at once, since each can become six. */
const ESCAPED_AT_ONCE = 1 << 14;

const FIRST_BYTES = 1 << 16;
/** What is written at once. */
const CHUNK_BYTES = 1 << 16;
const MAX_DIGITS = 20;
const [QUOTE, BACKSLASH, NEWLINE, SPACE, COMMA] = [0x22, 0x5c, 0x0a, 0x20, 0x2c];
const DEPTH = 128;
/** Escapes of one character, as Python's json writes them. */
const SHORT_ESCAPES: { readonly [code: number]: number } = {
  8: 0x62,
  9: 0x74,
  10: 0x6e,
  12: 0x66,
  13: 0x72,
  [QUOTE]: QUOTE,
  [BACKSLASH]: BACKSLASH,
};

/** Where the text stands: to go back to, as long as nothing was written since. */
export interface TextMark {
  readonly at: number;
  readonly depth: number;
  readonly isFirst: boolean;
}

/**
 * JSON text, byte for byte as Python's json.dump writes it: pure ASCII, ", " and ": " on one line, or with an indent
 * of four. Grows in memory until `flush`, so that a part can be taken back.
 */
export class JsonText {
  private bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  private at = 0;
  private depth = 0;
  /** Whether nothing stands yet in the object or array, at each depth. */
  private readonly first: boolean[] = new Array<boolean>(DEPTH).fill(true);

  constructor(
    private readonly writer: ByteWriter,
    readonly pretty: boolean,
    /** What it can have in memory where strings need escapes. */
    private readonly maxEscaped = Number.POSITIVE_INFINITY,
  ) {}

  mark(): TextMark {
    return { at: this.at, depth: this.depth, isFirst: this.first[this.depth] as boolean };
  }

  backTo({ at, depth, isFirst }: TextMark): void {
    this.at = at;
    this.depth = depth;
    this.first[depth] = isFirst;
  }

  /** The text since then. Valid until more is written. */
  since({ at }: TextMark): Buffer {
    return this.bytes.subarray(at, this.at);
  }

  /** Begins an object or an array: `{` or `[`. */
  begin(bracket: '{' | '['): void {
    this.ensure(1);
    this.bytes[this.at++] = bracket.charCodeAt(0);
    this.depth += 1;
    this.first[this.depth] = true;
  }

  end(bracket: '}' | ']'): void {
    const isEmpty = this.first[this.depth];
    this.depth -= 1;
    if (this.pretty && !isEmpty) this.newLine();
    this.ensure(1);
    this.bytes[this.at++] = bracket.charCodeAt(0);
  }

  /** What stands between this value or key and the one before it. */
  item(): void {
    if (this.first[this.depth]) {
      this.first[this.depth] = false;
      if (this.pretty) this.newLine();
      return;
    }
    this.ensure(2);
    this.bytes[this.at++] = COMMA;
    if (this.pretty) this.newLine();
    else this.bytes[this.at++] = SPACE;
  }

  /** A key that needs no escapes, given as `"name": `. */
  key(quoted: Uint8Array): void {
    this.item();
    const { length } = quoted;
    this.ensure(length);
    const { bytes, at } = this;
    for (let i = 0; i < length; i += 1) bytes[at + i] = quoted[i] as number;
    this.at = at + length;
  }

  /** Characters that stand in the text as they are. */
  ascii(text: string): void {
    this.ensure(text.length);
    this.at += this.bytes.write(text, this.at, 'latin1');
  }

  /** Bytes that stand in the text as they are. */
  raw(bytes: Uint8Array): void {
    this.ensure(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** An unsigned number of 64 bits, from its halves. */
  unsigned(low: number, high: number): void {
    if (high === 0) this.integer(low);
    else if (high < 2 ** 21) this.integer(high * 2 ** 32 + low);
    else this.ascii(((BigInt(high) << 32n) | BigInt(low)).toString());
  }

  /** A whole number that a double holds exactly. */
  integer(value: number): void {
    this.ensure(MAX_DIGITS + 1);
    let rest = value;
    if (rest < 0) {
      this.bytes[this.at++] = 0x2d;
      rest = -rest;
    }
    if (rest < 10) {
      this.bytes[this.at++] = 0x30 + rest;
      return;
    }
    let digits = 1;
    for (let power = 10; power <= rest; power *= 10) digits += 1;
    const end = this.at + digits;
    let at = end;
    while (rest > 0x7fffffff) {
      const quotient = Math.floor(rest / 10);
      this.bytes[--at] = 0x30 + (rest - quotient * 10);
      rest = quotient;
    }
    while (at > this.at) {
      const quotient = (rest / 10) | 0;
      this.bytes[--at] = 0x30 + (rest - quotient * 10);
      rest = quotient;
    }
    this.at = end;
  }

  /** A string, given as valid UTF-8. Throws WireFault where escapes make it too long. */
  string(from: Uint8Array, start: number, end: number): void {
    this.ensure(end - start + 2);
    const { bytes } = this;
    let at = this.at;
    bytes[at++] = QUOTE;
    for (let i = start; i < end; i += 1) {
      const byte = from[i] as number;
      if (byte < 0x20 || byte > 0x7e || byte === QUOTE || byte === BACKSLASH) {
        this.at = at;
        this.escapedUtf8(from, i, end);
        return;
      }
      bytes[at++] = byte;
    }
    bytes[at++] = QUOTE;
    this.at = at;
  }

  /** A string of bytes that are no valid UTF-8, with \xHH for these. Throws WireFault where it gets too long. */
  escapedBytes(from: Uint8Array, start: number, end: number): void {
    this.ensure(1);
    this.bytes[this.at++] = QUOTE;
    for (const chunk of escapedChunks(from.subarray(start, end))) this.escaped(chunk, start);
    this.endString();
  }

  /** The text of a string, in quotes. `start`: where it stands in the record. Throws WireFault where it gets too long. */
  quoted(text: string, start = 0): void {
    this.ensure(1);
    this.bytes[this.at++] = QUOTE;
    this.escaped(text, start);
    this.endString();
  }

  private endString(): void {
    this.ensure(1);
    this.bytes[this.at++] = QUOTE;
  }

  /** The rest of a string and its closing quote. */
  private escapedUtf8(from: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; ) {
      let to = Math.min(end, at + ESCAPED_AT_ONCE);
      while (to < end && ((from[to] as number) & 0xc0) === 0x80) to -= 1;
      this.escaped(Buffer.from(from.buffer, from.byteOffset + at, to - at).toString('utf8'), start);
      at = to;
    }
    this.endString();
  }

  private escaped(text: string, start: number): void {
    for (let from = 0; from < text.length; from += ESCAPED_AT_ONCE) {
      this.escapedChunk(text, from, Math.min(text.length, from + ESCAPED_AT_ONCE));
      if (this.at <= this.maxEscaped) continue;
      const problem = `escapes make the entry more than ${this.maxEscaped} characters of JSON, the most that fdgraft writes`;
      throw new WireFault(
        problem,
        start,
        undefined,
        undefined,
        'no path of Linux is so long: look where the image comes from',
      );
    }
  }

  private escapedChunk(text: string, from: number, to: number): void {
    this.ensure(6 * (to - from));
    const { bytes } = this;
    let at = this.at;
    for (let i = from; i < to; i += 1) {
      const code = text.charCodeAt(i);
      const short = SHORT_ESCAPES[code];
      if (short !== undefined) {
        bytes[at++] = BACKSLASH;
        bytes[at++] = short;
      } else if (code < 0x20 || code > 0x7e) {
        at += bytes.write(`\\u${code.toString(16).padStart(4, '0')}`, at, 'latin1');
      } else bytes[at++] = code;
    }
    this.at = at;
  }

  /** Whether so much has gathered that it should be written. */
  get isFull(): boolean {
    return this.at >= CHUNK_BYTES;
  }

  /** Writes what there is. */
  async flush(): Promise<void> {
    if (this.at === 0) return;
    await this.writer.write(this.bytes.subarray(0, this.at));
    this.at = 0;
    // One large record must not keep its room for good.
    if (this.bytes.length > 16 * FIRST_BYTES) this.bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  private newLine(): void {
    const spaces = 4 * this.depth;
    this.ensure(spaces + 1);
    this.bytes[this.at] = NEWLINE;
    this.bytes.fill(SPACE, this.at + 1, this.at + 1 + spaces);
    this.at += spaces + 1;
  }

  private ensure(more: number): void {
    if (this.at + more <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, this.at + more));
    grown.set(this.bytes.subarray(0, this.at));
    this.bytes = grown;
  }
}

/** Whether these bytes are a text. */
export function isText(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i += 1) {
    if ((bytes[i] as number) >= 0x80) return isUtf8(bytes.subarray(i, end));
  }
  return true;
}
