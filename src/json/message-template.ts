import { MAX_VARINT_BYTES } from '../wire/varint-length';
import type { WireBuffer } from '../wire/wire-buffer';
import type { JsonScanner } from './json-scanner';

const [NUMBER, STRING, BEGIN, END, LAST] = [0, 1, 2, 3, 4];
/** Numbers of a step: its kind, and where its literal text and its literal record end. */
const STEP = 3;
/** Of a message with more steps than this no template is made. */
const MAX_STEPS = 256;
const [QUOTE, BACKSLASH, ZERO, NINE] = [0x22, 0x5c, 0x30, 0x39];
const TWO_32 = 2 ** 32;
/** A string of fewer bytes has a length of one byte. */
const MAX_SHORT = 0x80;
const MAX_GAP = MAX_VARINT_BYTES + MAX_SHORT;
/** Numbers with more digits than this may be past 2^53. */
const MAX_DIGITS = 15;

/**
 * A message that was read before, as literal text with gaps: the numbers and plain strings of its fields. Most messages
 * of an image differ in these alone. The text between them has been checked once and is compared from then on.
 */
class MessageTemplate {
  private readonly starts: number[] = [];
  /** Positions in the text and in the record, while a message is read. */
  private at = 0;
  private to = 0;

  constructor(
    private readonly text: Uint8Array,
    private readonly record: Uint8Array,
    private readonly steps: Int32Array,
    /** Of each step that is a number: what is too large. */
    private readonly limits: Float64Array,
    /** Messages in messages: the most levels in it. */
    readonly depth: number,
  ) {}

  /**
   * Reads the message that begins where the scanner stands, and appends its record to `out`. False, and nothing
   * changed, if its literal text is another one, if a gap holds something unusual, or if the buffer ends.
   */
  read(scanner: JsonScanner, out: WireBuffer): boolean {
    const { steps, limits, starts } = this;
    const begun = out.length;
    this.at = scanner.at;
    this.to = begun;
    let [open, textAt, recordAt] = [0, 0, 0];
    for (let i = 0; ; i += STEP) {
      const textEnd = steps[i + 1] as number;
      const recordEnd = steps[i + 2] as number;
      if (!this.passText(scanner, textAt, textEnd)) return back(out, begun);
      this.addRecord(out, recordAt, recordEnd);
      textAt = textEnd;
      recordAt = recordEnd;
      const kind = steps[i];
      if (kind === NUMBER) {
        if (!this.passNumber(scanner, out, limits[i / STEP] as number)) return back(out, begun);
      } else if (kind === STRING) {
        if (!this.passString(scanner, out)) return back(out, begun);
      } else if (kind === BEGIN) {
        this.to += 1;
        starts[open++] = this.to;
      } else if (kind === END) this.endMessage(out, starts[--open] as number);
      else break;
    }
    scanner.at = this.at;
    out.length = this.to;
    return true;
  }

  /** Steps over literal text. False where another one stands there. */
  private passText({ bytes, end }: JsonScanner, from: number, to: number): boolean {
    const { text } = this;
    let { at } = this;
    if (at + to - from > end) return false;
    for (let i = from; i < to; i += 1, at += 1) if (bytes[at] !== text[i]) return false;
    this.at = at;
    return true;
  }

  /** Adds a literal part of the record, and makes room for the gap behind it. */
  private addRecord(out: WireBuffer, from: number, end: number): void {
    const { record } = this;
    let { to } = this;
    if (to + end - from + MAX_GAP > out.bytes.length) {
      out.length = to;
      out.ensure(end - from + MAX_GAP);
    }
    const { bytes } = out;
    for (let i = from; i < end; i += 1, to += 1) bytes[to] = record[i] as number;
    this.to = to;
  }

  /** Takes a number below `limit` over as a varint. */
  private passNumber({ bytes, end }: JsonScanner, out: WireBuffer, limit: number): boolean {
    const from = this.at;
    let at = from;
    let value = 0;
    let byte = at < end ? (bytes[at] as number) : 0;
    while (byte >= ZERO && byte <= NINE) {
      value = value * 10 + (byte - ZERO);
      at += 1;
      byte = at < end ? (bytes[at] as number) : 0;
    }
    const digits = at - from;
    if (digits === 0 || digits > MAX_DIGITS || (digits > 1 && bytes[from] === ZERO) || value >= limit) return false;
    this.at = at;
    if (value >= TWO_32) {
      out.length = this.to;
      out.varint(value >>> 0, Math.floor(value / TWO_32));
      this.to = out.length;
      return true;
    }
    const { bytes: target } = out;
    let { to } = this;
    while (value > 0x7f) {
      target[to++] = (value & 0x7f) | 0x80;
      value = value >>> 7;
    }
    target[to++] = value;
    this.to = to;
    return true;
  }

  /** Takes a plain string over, with its length. */
  private passString({ bytes, end }: JsonScanner, out: WireBuffer): boolean {
    if (this.at >= end || bytes[this.at] !== QUOTE) return false;
    const { bytes: target } = out;
    const { to } = this;
    const from = this.at + 1;
    const most = Math.min(end, from + MAX_SHORT);
    let at = from;
    let byte = QUOTE;
    for (; at < most; at += 1) {
      byte = bytes[at] as number;
      if (byte === QUOTE || byte < 0x20 || byte >= 0x80 || byte === BACKSLASH) break;
      target[to + 1 + at - from] = byte;
    }
    if (at < most) {
      if (byte !== QUOTE) return false;
      target[to] = at - from;
      this.to = to + 1 + at - from;
    } else {
      at = endOfPlain(bytes, at, end);
      if (at === -1) return false;
      out.length = to;
      out.varint(at - from, 0);
      out.copy(bytes, from, at);
      this.to = out.length;
    }
    this.at = at + 1;
    return true;
  }

  /** Fills in the length of the message that began at `start`. */
  private endMessage(out: WireBuffer, start: number): void {
    const { to } = this;
    if (to - start < MAX_SHORT) {
      out.bytes[start - 1] = to - start;
      return;
    }
    out.length = to;
    out.endLength(start);
    this.to = out.length;
  }
}

/** The end of the plain string that goes on at a place; -1 if it holds something else, or if the buffer ends. */
function endOfPlain(bytes: Uint8Array, from: number, end: number): number {
  for (let at = from; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) return at;
    if (byte < 0x20 || byte >= 0x80 || byte === BACKSLASH) return -1;
  }
  return -1;
}

function back(out: WireBuffer, length: number): false {
  out.length = length;
  return false;
}

/** Notes where the gaps of a message are while it is read in full. */
export class TemplateRecorder {
  private readonly texts: Buffer[] = [];
  private readonly records: Buffer[] = [];
  private readonly steps: number[] = [];
  private readonly limits: number[] = [];
  private textAt = 0;
  private recordAt = 0;
  private textEnd = 0;
  private recordEnd = 0;
  private depth = 0;
  private deepest = 0;
  private lists = 0;
  private isUsable = true;

  constructor(
    private readonly text: Buffer,
    private readonly out: WireBuffer,
  ) {}

  /** A number below `limit`, from a place of the text to another one; its varint begins at `record`. */
  number(from: number, to: number, record: number, limit: number): void {
    this.gap(NUMBER, from, to, record, limit);
    this.written();
  }

  /** A plain string, from quote to quote; its length begins at `record`. */
  string(from: number, to: number, record: number): void {
    this.gap(STRING, from, to, record, 0);
    this.written();
  }

  /** A message begins, and with it a length. */
  begin(at: number): void {
    this.gap(BEGIN, at, at, this.out.length, 0);
  }

  /** There is room for the length of a message. */
  hasRoom(): void {
    this.written();
    this.depth += 1;
    this.deepest = Math.max(this.deepest, this.depth);
  }

  /** A message ends, and its length is still to be written. */
  end(at: number): void {
    this.gap(END, at, at, this.out.length, 0);
    this.depth -= 1;
  }

  /** The length of a message is there. */
  ended(): void {
    this.written();
  }

  /** A list has as many values as it has: what is in it is literal. */
  beginList(): void {
    this.lists += 1;
  }

  endList(): void {
    this.lists -= 1;
  }

  /** There is something that depends on more than its own text. */
  spoil(): void {
    this.isUsable = false;
  }

  /** The next literal begins behind all that `out` has now. */
  private written(): void {
    if (this.lists === 0) this.recordAt = this.out.length;
  }

  private gap(kind: number, from: number, to: number, record: number, limit: number): void {
    if (this.lists > 0) return;
    this.texts.push(this.text.subarray(this.textAt, from));
    this.records.push(Buffer.from(this.out.bytes.subarray(this.recordAt, record)));
    this.textEnd += from - this.textAt;
    this.recordEnd += record - this.recordAt;
    this.steps.push(kind, this.textEnd, this.recordEnd);
    this.limits.push(limit);
    this.textAt = to;
  }

  /** The template of the message, which has been read to its end. */
  template(): MessageTemplate | undefined {
    this.gap(LAST, this.text.length, this.text.length, this.out.length, 0);
    if (!this.isUsable || this.limits.length > MAX_STEPS) return undefined;
    return new MessageTemplate(
      Buffer.concat(this.texts),
      Buffer.concat(this.records),
      Int32Array.from(this.steps),
      Float64Array.from(this.limits),
      this.deepest,
    );
  }
}

/** Templates of one kind of message at most, and how long its text is at most. */
const MAX_TEMPLATES = 8;
const MAX_TEXT = 4096;
/** With as many templates as there may be, one is exchanged after so many messages that none of them read. */
const EXCHANGE_AFTER = 64;
/** After so many messages of which most were read by no template, none is tried any more. */
const TRIED = 4096;

/** The templates of one kind of message. */
export class Templates {
  private readonly list: MessageTemplate[] = [];
  private next = 0;
  private hits = 0;
  private misses = 0;

  /** Reads the message that begins where the scanner stands by one of the templates; false if none fits. */
  read(scanner: JsonScanner, out: WireBuffer, mayNest: number): boolean {
    const { list } = this;
    for (let i = 0; i < list.length; i += 1) {
      const template = list[i] as MessageTemplate;
      if (template.depth > mayNest || !template.read(scanner, out)) continue;
      this.hits += 1;
      return true;
    }
    return false;
  }

  /** Says that a message of so many bytes was read in full, and tells whether to make a template of it. */
  missed(textBytes: number): boolean {
    this.misses += 1;
    if (this.hits + this.misses > TRIED && this.misses > this.hits) {
      this.list.length = 0;
      return false;
    }
    if (textBytes > MAX_TEXT) return false;
    // One message alone is not worth the trouble.
    return this.list.length < MAX_TEMPLATES ? this.misses > 1 : this.misses % EXCHANGE_AFTER === 0;
  }

  add(template: MessageTemplate): void {
    this.list[this.next] = template;
    this.next = (this.next + 1) % MAX_TEMPLATES;
  }
}
