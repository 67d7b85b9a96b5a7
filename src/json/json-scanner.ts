import { isUtf8 } from 'node:buffer';
import type { ByteReader } from '../bytes/byte-stream';
import { escapeBytes } from '../bytes/escape';
import { messages } from '../errors/messages';

const FIRST_BYTES = 1 << 16;
/** Far above the text of any record of CRIU; so that a text that never ends is told. */
const MAX_VALUE_BYTES = 1 << 30;
export const CLOSE_OBJECT = 0x7d;
export const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;
const [QUOTE, BACKSLASH, MINUS, PLUS, DOT, ZERO, NINE] = [0x22, 0x5c, 0x2d, 0x2b, 0x2e, 0x30, 0x39];
/** Characters of a number. */
const MAX_NUMBER = 64;
/** How much of what is wrong a message shows. */
const SHOWN = 40;
const CONTROL_CHARACTER = 'a control character inside a string is no JSON';

/** Thrown where the buffer ends inside a value: read more (`more`) and try again from where it began. */
export const NEEDS_MORE = new Error('the buffer ends here');

/** What stands at a place of the text. */
export type JsonType = 'object' | 'array' | 'string' | 'number' | 'true' | 'false' | 'null';

/**
 * Walks over JSON text in a buffer. Numbers are exact to any length, strings are positions, so that neither is
 * taken apart twice; where the buffer ends inside a value NEEDS_MORE is thrown. Keeps the path of where it stands.
 */
export class JsonScanner {
  /** Where it stands. */
  at = 0;
  /** What comes before it may be given up. */
  keep = 0;
  /** Keys and indices, for messages. */
  readonly path: (string | number)[] = [];
  /** The string that was read last, without its quotes. */
  start = 0;
  stop = 0;
  /** Whether it is ASCII without escapes. */
  isPlain = true;

  /** The end of the buffer for now. */
  end = 0;

  private atEnd = false;

  constructor(
    private readonly source: ByteReader,
    readonly file: string,
    /** Offset of the first byte in the file. */
    private base = 0,
    public bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES),
  ) {}

  /** A scanner over text that is there as a whole. */
  static over(text: Buffer, file: string, base = 0): JsonScanner {
    const scanner = new JsonScanner({ read: async () => 0 }, file, base, text);
    scanner.end = text.length;
    scanner.atEnd = true;
    return scanner;
  }

  /** Reads more into the buffer: twice as much as is kept, so that trying again costs no more than reading. */
  async more(): Promise<void> {
    const kept = this.end - this.keep;
    if (kept > MAX_VALUE_BYTES) throw this.fault('the value is longer than any record of CRIU', undefined, this.keep);
    this.makeRoom();
    const wanted = this.end + Math.max(kept, 1);
    while (this.end < wanted && !this.atEnd) {
      const got = await this.source.read(this.bytes, this.end, this.bytes.length - this.end);
      if (got === 0) this.atEnd = true;
      this.end += got;
    }
  }

  private makeRoom(): void {
    const { keep, end } = this;
    const kept = end - keep;
    if (kept > this.bytes.length / 2) {
      const larger = Buffer.allocUnsafeSlow(2 * this.bytes.length);
      larger.set(this.bytes.subarray(keep, end));
      this.bytes = larger;
    } else this.bytes.copyWithin(0, keep, end);
    this.base += keep;
    this.at -= keep;
    this.end = kept;
    this.keep = 0;
  }

  /** Offset in the file of the place where it stands. */
  get offset(): number {
    return this.base + this.at;
  }

  /** Calls `read` until the buffer holds all that it needs. Nothing before the place where it stands is kept. */
  async whole<T>(read: () => T): Promise<T> {
    this.keep = this.at;
    for (;;) {
      const { length } = this.path;
      try {
        return read();
      } catch (error) {
        if (error !== NEEDS_MORE) throw error;
      }
      this.at = this.keep;
      this.path.length = length;
      await this.more();
    }
  }

  /** What comes next, as bytes: so many, or all that there are. */
  async ahead(length: number): Promise<Uint8Array> {
    this.keep = this.at;
    while (this.end - this.at < length && !this.atEnd) await this.more();
    return this.bytes.subarray(this.at, Math.min(this.end, this.at + length));
  }

  /** The next byte that is no white space, as it stands there. */
  peek(): number {
    const { bytes, end } = this;
    let { at } = this;
    while (at < end) {
      const byte = bytes[at] as number;
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) {
        this.at = at;
        return byte;
      }
      at += 1;
    }
    this.at = at;
    throw this.ended();
  }

  /** True where nothing but white space is left. */
  isAtEnd(): boolean {
    try {
      this.peek();
      return false;
    } catch (error) {
      if (error === NEEDS_MORE) throw error;
      return true;
    }
  }

  /** Steps over a character that has to be there. */
  expect(character: string): void {
    if (this.peek() !== character.charCodeAt(0)) throw this.fault(`${this.shown()} where ${character} belongs`);
    this.at += 1;
  }

  /** Steps over a character if it is there. */
  accept(character: number): boolean {
    if (this.peek() !== character) return false;
    this.at += 1;
    return true;
  }

  /** Steps over a comma, or over the end of an object or array: then false. */
  hasAnother(end: number): boolean {
    const byte = this.peek();
    if (byte !== COMMA && byte !== end) {
      throw this.fault(`${this.shown()} where , or ${String.fromCharCode(end)} belongs`);
    }
    this.at += 1;
    return byte === COMMA;
  }

  /** What kind of value begins here. */
  type(): JsonType {
    const byte = this.peek();
    if (byte === QUOTE) return 'string';
    if (byte === MINUS || (byte >= ZERO && byte <= NINE)) return 'number';
    if (byte === 0x7b) return 'object';
    if (byte === 0x5b) return 'array';
    const word = byte === 0x74 ? 'true' : byte === 0x66 ? 'false' : byte === 0x6e ? 'null' : undefined;
    if (word === undefined) throw this.fault(`${this.shown()} is no JSON value`);
    if (this.end - this.at < word.length && !this.atEnd) throw NEEDS_MORE;
    if (this.bytes.toString('latin1', this.at, this.at + word.length) !== word) {
      throw this.fault(`${this.shown()} is no JSON value`);
    }
    return word;
  }

  /** Steps over true, false or null. */
  word(word: 'true' | 'false' | 'null'): void {
    this.at += word.length;
  }

  /** Steps over a string and leaves where it is in start, stop and isPlain. */
  string(): void {
    if (this.peek() !== QUOTE) throw this.fault(`${this.shown()} where a string belongs`);
    const { bytes, end } = this;
    this.isPlain = true;
    let at = this.at + 1;
    while (at < end) {
      const byte = bytes[at] as number;
      if (byte === QUOTE) {
        this.start = this.at + 1;
        this.stop = at;
        this.at = at + 1;
        return;
      }
      if (byte < 0x20) throw this.fault(CONTROL_CHARACTER, undefined, at);
      if (byte >= 0x80) this.isPlain = false;
      else if (byte === BACKSLASH) {
        this.isPlain = false;
        at += 1;
      }
      at += 1;
    }
    throw this.ended();
  }

  /** The text of the string that was read last. */
  text(): string {
    const { bytes, start, stop } = this;
    if (this.isPlain) return bytes.toString('latin1', start, stop);
    if (!isUtf8(bytes.subarray(start, stop))) {
      throw this.fault(
        'the string is not valid UTF-8',
        'write bytes that are no text the way fdgraft decode does',
        start,
      );
    }
    const text = bytes.toString('utf8', start - 1, stop + 1);
    try {
      return JSON.parse(text) as string;
    } catch {
      throw this.fault(`${excerpt(text)} has an escape that is no JSON`, undefined, start - 1);
    }
  }

  /** Steps over a string and gives its text. */
  takeText(): string {
    this.string();
    return this.text();
  }

  /** Steps over a number and gives its text. */
  number(): string {
    const from = this.at;
    const { bytes, end } = this;
    let at = from;
    while (at < end && isOfNumber(bytes[at] as number)) at += 1;
    if (at === end && !this.atEnd) throw NEEDS_MORE;
    // A number of more digits fits nowhere, and would take long to read.
    if (at - from > MAX_NUMBER) throw this.fault(`${this.shown()} is longer than any number of an image`);
    const text = bytes.toString('latin1', from, at);
    if (!/^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/.test(text)) throw this.fault(`${excerpt(text)} is no JSON number`);
    this.at = at;
    return text;
  }

  /**
   * Steps over a whole number that is neither negative nor past 2^53, the usual kind; gives -1 and stays where it is
   * for any other.
   */
  smallNumber(): number {
    const { bytes, end } = this;
    const from = this.at;
    let at = from;
    let value = 0;
    let byte = 0;
    while (at < end) {
      byte = bytes[at] as number;
      if (byte < ZERO || byte > NINE) break;
      value = value * 10 + (byte - ZERO);
      at += 1;
    }
    if (at === end && !this.atEnd) throw NEEDS_MORE;
    const digits = at - from;
    const isOther = digits === 0 || digits > 15 || (digits > 1 && bytes[from] === ZERO);
    if (isOther || byte === DOT || byte === 0x65 || byte === 0x45) return -1;
    this.at = at;
    return value;
  }

  /** Whether the quoted key stands here, with its quotes; steps over it. */
  acceptKey(quoted: Uint8Array): boolean {
    const { bytes, at } = this;
    const { length } = quoted;
    if (at + length > this.end) return false;
    for (let i = 0; i < length; i += 1) if (bytes[at + i] !== quoted[i]) return false;
    this.at = at + length;
    return true;
  }

  /** Steps over an array of any length and gives its text to `take`, chunk by chunk, without a look at what is in it. */
  async copyArray(take: (bytes: Uint8Array) => void): Promise<void> {
    let depth = 0;
    let isInString = false;
    let isEscaped = false;
    this.keep = this.at;
    for (;;) {
      const { bytes, end, at: from } = this;
      for (let at = from; at < end; at += 1) {
        const byte = bytes[at] as number;
        if (isEscaped) isEscaped = false;
        else if (isInString) {
          if (byte === BACKSLASH) isEscaped = true;
          else if (byte === QUOTE) isInString = false;
        } else if (byte === QUOTE) isInString = true;
        else if (byte === 0x5b || byte === 0x7b) depth += 1;
        else if (byte === 0x5d || byte === 0x7d) {
          depth -= 1;
          if (depth === 0) {
            take(bytes.subarray(from, at + 1));
            this.at = at + 1;
            return;
          }
        }
      }
      take(bytes.subarray(from, end));
      this.at = end;
      this.keep = end;
      if (this.atEnd) throw this.ended();
      await this.more();
    }
  }

  /**
   * Steps over a string of any length and gives its characters to `take`, chunk by chunk, escapes as they stand. To be
   * called where a string begins.
   */
  async copyString(take: (characters: Buffer) => void): Promise<void> {
    await this.whole(() => this.type());
    this.at += 1;
    let isEscaped = false;
    for (;;) {
      const { bytes, end, at: from } = this;
      for (let at = from; at < end; at += 1) {
        const byte = bytes[at] as number;
        if (isEscaped) isEscaped = false;
        else if (byte === BACKSLASH) isEscaped = true;
        else if (byte === QUOTE) {
          take(bytes.subarray(from, at));
          this.at = at + 1;
          return;
        } else if (byte < 0x20) throw this.fault(CONTROL_CHARACTER, undefined, at);
      }
      take(bytes.subarray(from, end));
      this.at = end;
      this.keep = end;
      if (this.atEnd) throw this.ended();
      await this.more();
    }
  }

  /** The text from here on, as a message shows it. */
  shown(): string {
    return excerpt(escapeBytes(this.bytes.subarray(this.at, Math.min(this.end, this.at + SHOWN))));
  }

  /** What is wrong at the place where it stands, or at another one in the buffer. */
  fault(problem: string, hint?: string, at = this.at): Error {
    return messages.badJson({ file: this.file, offset: this.base + at, field: showPath(this.path) }, problem, hint);
  }

  private ended(): Error {
    return this.atEnd ? this.fault('the JSON ends here, before it is complete') : NEEDS_MORE;
  }
}

function isOfNumber(byte: number): boolean {
  if (byte >= ZERO && byte <= NINE) return true;
  return byte === MINUS || byte === PLUS || byte === DOT || byte === 0x65 || byte === 0x45;
}

/** A name as a message shows it. */
export function quoted(name: string): string {
  return JSON.stringify(excerpt(name));
}

function excerpt(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

/** A path as jq has it: .entries[3].reg.flags */
function showPath(path: readonly (string | number)[]): string | undefined {
  if (path.length === 0) return undefined;
  return path.map((step) => (typeof step === 'number' ? `[${step}]` : showKey(step))).join('');
}

function showKey(key: string): string {
  return /^[A-Za-z_]\w*$/.test(key) ? `.${key}` : `.${JSON.stringify(excerpt(key))}`;
}
