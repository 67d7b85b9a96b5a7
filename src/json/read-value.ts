import { decodeBase64 } from '../bytes/base64';
import type { FieldShape, MessageShape } from '../schema/shape';
import { WIRE_TYPE } from '../wire/field-cursor';
import { WireBuffer } from '../wire/wire-buffer';
import { nameableValues, parseInteger, parseWords } from './display';
import { CLOSE_ARRAY, type JsonScanner, quoted } from './json-scanner';
import type { TemplateRecorder } from './message-template';
import { allowedNames } from './nearest';
import { decodeQuotedPrintable } from './quoted-printable';
import { withArticle } from './with-article';

const [ZERO, NINE, QUOTE] = [0x30, 0x39, 0x22];
const TWO_32 = 2 ** 32;

/** Up to these, a number is written as it is. */
const LIMITS: { readonly [type in FieldShape['type']]: number } = {
  uint32: TWO_32,
  int32: TWO_32 / 2,
  enum: TWO_32 / 2,
  uint64: 2 ** 53,
  int64: 2 ** 53,
  sint32: 0,
  sint64: 0,
  fixed32: 0,
  fixed64: 0,
  bool: 0,
  string: 0,
  bytes: 0,
  message: 0,
};

/** The least and the greatest value of each type of integers. */
const RANGES: { readonly [type: string]: readonly [least: bigint, most: bigint] } = {
  uint32: [0n, 2n ** 32n - 1n],
  fixed32: [0n, 2n ** 32n - 1n],
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  sint32: [-(2n ** 31n), 2n ** 31n - 1n],
  enum: [-(2n ** 31n), 2n ** 31n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
  fixed64: [0n, 2n ** 64n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  sint64: [-(2n ** 63n), 2n ** 63n - 1n],
};
const WIDE_TYPES: ReadonlySet<string> = new Set(['uint64', 'int64', 'sint64', 'fixed64']);

/**
 * Reads the JSON of values, as crit and go-criu write it and as people edit it, and writes them as they are on the wire.
 * A value that is none of its field's is an error with the path of the place.
 */
export abstract class ValueReader {
  readonly out = new WireBuffer();
  /** go-criu writes 64-bit numbers as strings, and then the names of sockets as base64. */
  readsGoNames = false;
  /** Whether such a number and such a name were seen since these were reset. */
  sawNumberText = false;
  sawName = false;
  /** A name that is not crit's. Wrong unless a number as a string, which may come behind it, tells that it is go-criu's. */
  nameFault: Error | undefined;

  protected recorder: TemplateRecorder | undefined;

  constructor(protected readonly scanner: JsonScanner) {}

  /** Reads an object; its record is what `out` has more afterwards. */
  abstract message(shape: MessageShape, depth?: number): void;

  /** Reads a list, the value of a repeated field. */
  protected row(field: FieldShape, depth: number): void {
    const { scanner, out } = this;
    if (scanner.type() !== 'array') throw this.wrongType(`a list of ${describe(field)}`);
    scanner.at += 1;
    if (scanner.accept(CLOSE_ARRAY)) return;
    let start = 0;
    if (field.packed) {
      out.varint(field.number * 8 + WIRE_TYPE.BYTES, 0);
      start = out.beginLength();
    }
    let index = 0;
    this.recorder?.beginList();
    do {
      scanner.path.push(index);
      scanner.peek();
      if (!(field.display.ipadd && this.address(field))) {
        if (field.packed) this.value(field, depth);
        else this.tagged(field, depth);
      }
      scanner.path.pop();
      index += 1;
    } while (scanner.hasAnother(CLOSE_ARRAY));
    this.recorder?.endList();
    if (field.packed) out.endLength(start);
  }

  /** Reads an address that is written as text, and writes its words. False where there is none. */
  private address(field: FieldShape): boolean {
    const { scanner } = this;
    if (scanner.peek() !== QUOTE) return false;
    const from = scanner.at;
    const words = parseWords(scanner.takeText());
    if (words === undefined) {
      scanner.at = from;
      return false;
    }
    for (const word of words) {
      this.out.varint(field.tag, 0);
      this.out.varint(word, 0);
    }
    return true;
  }

  /** Reads a value, and writes it with its tag. */
  protected tagged(field: FieldShape, depth: number): void {
    this.out.varint(field.tag, 0);
    this.value(field, depth);
  }

  /** Reads a value that begins where the scanner stands. */
  private value(field: FieldShape, depth: number): void {
    const { scanner, out } = this;
    switch (field.type) {
      case 'message': {
        this.nested(field.message, depth + 1);
        return;
      }
      case 'string':
        this.string(field);
        return;
      case 'bytes':
        this.sized(this.bytes(field));
        return;
      case 'bool': {
        const type = scanner.type();
        if (type !== 'true' && type !== 'false') throw this.wrongType('true or false');
        scanner.word(type);
        out.varint(type === 'true' ? 1 : 0, 0);
        return;
      }
      default:
        this.integer(field);
    }
  }

  private nested(shape: MessageShape, depth: number): void {
    const { scanner, out, recorder } = this;
    recorder?.begin(scanner.at);
    const start = out.beginLength();
    recorder?.hasRoom();
    this.message(shape, depth);
    recorder?.end(scanner.at);
    out.endLength(start);
    recorder?.ended();
  }

  private string(field: FieldShape): void {
    const { scanner } = this;
    if (scanner.peek() !== QUOTE) throw this.wrongType(describe(field));
    scanner.string();
    if (scanner.isPlain) {
      const record = this.out.length;
      this.sized(scanner.bytes, scanner.start, scanner.stop);
      this.recorder?.string(scanner.start - 1, scanner.at, record);
      return;
    }
    const text = scanner.text();
    if (/\p{Surrogate}/u.test(text)) throw this.halfPair();
    this.sized(Buffer.from(text, 'utf8'));
  }

  private halfPair(): Error {
    const { scanner } = this;
    return scanner.fault('half of a surrogate pair is no character', undefined, scanner.start - 1);
  }

  private sized(bytes: Uint8Array, start = 0, end = bytes.length): void {
    this.out.varint(end - start, 0);
    this.out.copy(bytes, start, end);
  }

  private bytes(field: FieldShape): Buffer {
    const { scanner } = this;
    if (field.display.conv !== 'unix_name') return this.base64();
    this.sawName = true;
    if (this.readsGoNames) return this.base64();
    if (scanner.type() !== 'string') throw this.wrongType('a string, quoted-printable');
    const text = scanner.takeText();
    if (/\p{Surrogate}/u.test(text)) throw this.halfPair();
    const bytes = decodeQuotedPrintable(text);
    if (bytes !== undefined) return bytes;
    this.nameFault ??= scanner.fault('the text is not quoted-printable', '= is written =3D', scanner.start);
    return Buffer.alloc(0);
  }

  protected base64(): Buffer {
    const { scanner } = this;
    if (scanner.type() !== 'string') throw this.wrongType('a string, base64');
    const bytes = decodeBase64(scanner.takeText());
    if (bytes === undefined) throw scanner.fault('the string is not base64', undefined, scanner.start);
    return bytes;
  }

  private integer(field: FieldShape): void {
    const { scanner, out } = this;
    const byte = scanner.peek();
    const from = scanner.at;
    if (byte === QUOTE && field.values !== undefined) {
      const named = field.values.values.get(scanner.takeText());
      if (named === undefined) throw this.notAValue(field, scanner.text());
      out.varint(named, 0);
      return;
    }
    const value = byte >= ZERO && byte <= NINE ? scanner.smallNumber() : -1;
    // The usual kinds, without a bigint.
    if (value >= 0 && value < LIMITS[field.type]) {
      const record = out.length;
      out.varint(value >>> 0, Math.floor(value / TWO_32));
      this.recorder?.number(from, scanner.at, record, LIMITS[field.type]);
      return;
    }
    const exact = value >= 0 ? BigInt(value) : this.exactInteger(field);
    const [least, most] = RANGES[field.type] as readonly [bigint, bigint];
    if (exact < least || exact > most) throw this.outOfRange(field, exact, from);
    this.write(field, exact);
  }

  private exactInteger(field: FieldShape): bigint {
    const { scanner } = this;
    const type = scanner.type();
    if (type === 'number') {
      const text = scanner.number();
      if (/[.eE]/.test(text)) {
        const hint = 'jq before 1.7 and many languages round numbers past 2^53: write all digits, or a string of them';
        throw scanner.fault(`${text} is not a whole number`, hint, scanner.at - text.length);
      }
      return BigInt(text);
    }
    if (type !== 'string') throw this.wrongType(describe(field));
    const text = scanner.takeText();
    const value = parseInteger(field, text);
    if (value === undefined) throw this.notAValue(field, text);
    if (/^-?\d/.test(text) && WIDE_TYPES.has(field.type) && !text.startsWith('0x')) this.sawNumberText = true;
    return value;
  }

  private write(field: FieldShape, value: bigint): void {
    const { out } = this;
    const encoded = field.type === 'sint32' || field.type === 'sint64' ? zigzag(value) : BigInt.asUintN(64, value);
    const [low, high] = [Number(encoded & 0xffffffffn), Number(encoded >> 32n)];
    if (field.wireType === WIRE_TYPE.VARINT) out.varint(low, high);
    else {
      out.fixed32(low);
      if (field.wireType === WIRE_TYPE.FIXED64) out.fixed32(high);
    }
  }

  protected wrongType(wanted: string): Error {
    const { scanner } = this;
    return scanner.fault(`${scanner.shown()} where ${wanted} belongs`);
  }

  private outOfRange(field: FieldShape, value: bigint, at: number): Error {
    const [least, most] = RANGES[field.type] as readonly [bigint, bigint];
    return this.scanner.fault(`${value} does not fit`, `a ${field.type} is ${least} to ${most}`, at);
  }

  private notAValue(field: FieldShape, text: string): Error {
    const names = nameableValues(field);
    const [least, most] = RANGES[field.type] as readonly [bigint, bigint];
    const hint =
      names === undefined ? `a number from ${least} to ${most} belongs here` : allowedNames(text, names.keys());
    const { scanner } = this;
    return scanner.fault(`${quoted(text)} is no ${field.values?.name ?? field.type}`, hint, scanner.start - 1);
  }
}

function zigzag(value: bigint): bigint {
  return value >= 0n ? value << 1n : (-value << 1n) - 1n;
}

function describe(field: FieldShape): string {
  const { type, values } = field;
  if (type === 'string') return 'a string';
  if (type === 'message') return `an object, ${withArticle(field.message.name)}`;
  return values === undefined ? `a number, ${type}` : `a name or number of ${values.name}`;
}
