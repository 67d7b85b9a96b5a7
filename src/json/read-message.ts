import { EscapeFault } from '../bytes/escape';
import { WireFault } from '../errors/wire-fault';
import { MAX_DEPTH } from '../schema/message';
import type { FieldShape, MessageShape } from '../schema/shape';
import { WIRE_TYPE } from '../wire/field-cursor';
import { CLOSE_OBJECT, JsonScanner, quoted } from './json-scanner';
import { JsonText } from './json-text';
import { WIRE_KEY } from './keys';
import { type EncodedFields, mergeIntoWire } from './merge-into-wire';
import { TemplateRecorder, Templates } from './message-template';
import { allowedNames } from './nearest';
import { ValueReader } from './read-value';
import { withArticle } from './with-article';
import { MessageWriter } from './write-message';

const QUOTE = 0x22;

/** A message that is being read. */
interface Frame {
  shape: MessageShape;
  /** Where its bytes begin, and its part of the row of fields. */
  start: number;
  base: number;
  /** Number of the field that came last; fields so far that are required; whether the numbers ascend. */
  last: number;
  required: number;
  isInOrder: boolean;
  wire: Buffer | undefined;
}

/**
 * Reads JSON objects into records. An unknown or repeated key and a missing one are errors with the path of the
 * place.
 */
export class MessageReader extends ValueReader {
  private readonly frames: Frame[] = [];
  /** Fields that were read: number, start and end in `out`, three by three; nested ones behind those around them. */
  private readonly fields: number[] = [];
  private top = 0;

  private readonly templates = new Map<MessageShape, Templates>();

  constructor(
    scanner: JsonScanner,
    /** Writes messages again as they are on the wire; one for a message and those in it. */
    private again?: { readonly text: JsonText; readonly writer: MessageWriter },
  ) {
    super(scanner);
  }

  /** Reads an object; its record is what `out` has more afterwards. */
  message(shape: MessageShape, depth = 0): void {
    const { scanner } = this;
    scanner.peek();
    const templates = this.recorder === undefined ? this.templatesOf(shape) : undefined;
    if (templates?.read(scanner, this.out, MAX_DEPTH - depth)) return;
    const from = scanner.at;
    if (scanner.type() !== 'object') throw this.wrongType(`an object, ${withArticle(shape.name)}`);
    scanner.at += 1;
    this.begin(shape, depth);
    if (!scanner.accept(CLOSE_OBJECT)) {
      do {
        const name = this.member(depth);
        if (name !== undefined) throw this.unknownKey(shape, name);
      } while (scanner.hasAnother(CLOSE_OBJECT));
    }
    this.finish(depth);
    if (templates?.missed(scanner.at - from)) this.record(shape, scanner.bytes.subarray(from, scanner.at), templates);
  }

  private templatesOf(shape: MessageShape): Templates {
    let templates = this.templates.get(shape);
    if (templates === undefined) {
      templates = new Templates();
      this.templates.set(shape, templates);
    }
    return templates;
  }

  /** Reads a message again, for a template of it. */
  private record(shape: MessageShape, text: Buffer, templates: Templates): void {
    // In go-criu's JSON text has another meaning.
    if (this.readsGoNames) return;
    const reader = new MessageReader(JsonScanner.over(text, this.scanner.file), this.again);
    const recorder = new TemplateRecorder(text, reader.out);
    reader.recorder = recorder;
    reader.message(shape);
    if (reader.sawName || reader.sawNumberText) recorder.spoil();
    const template = recorder.template();
    if (template !== undefined) templates.add(template);
  }

  /** Begins a message whose members are read one by one. */
  begin(shape: MessageShape, depth = 0): void {
    if (depth > MAX_DEPTH) throw this.scanner.fault(`messages are nested deeper than ${MAX_DEPTH}`);
    const start = this.out.length;
    const frame = this.frames[depth];
    if (frame === undefined) {
      this.frames[depth] = { shape, start, base: this.top, last: 0, required: 0, isInOrder: true, wire: undefined };
      return;
    }
    frame.shape = shape;
    frame.start = start;
    frame.base = this.top;
    frame.last = 0;
    frame.required = 0;
    frame.isInOrder = true;
    frame.wire = undefined;
  }

  /** What there is so far, to go back to when NEEDS_MORE was thrown. */
  mark(): { length: number; top: number } {
    return { length: this.out.length, top: this.top };
  }

  backTo({ length, top }: { length: number; top: number }): void {
    this.out.length = length;
    this.top = top;
  }

  /** Reads a key and its value. Gives the key, and reads no value, where it is none of the message's. */
  member(depth = 0): string | undefined {
    const { scanner } = this;
    const frame = this.frames[depth] as Frame;
    const { shape } = frame;
    if (scanner.peek() !== QUOTE) throw scanner.fault(`${scanner.shown()} where a key belongs`);
    const keyAt = scanner.at;
    let field = this.expectedKey(frame);
    if (field === undefined) {
      const name = scanner.takeText();
      field = shape.named(name);
      if (field === undefined && name !== WIRE_KEY) return name;
    }
    scanner.path.push(field?.name ?? WIRE_KEY);
    scanner.expect(':');
    if (field === undefined) {
      if (frame.wire !== undefined) throw this.repeatedKey(keyAt);
      scanner.peek();
      frame.wire = this.base64();
    } else this.memberField(frame, field, depth, keyAt);
    scanner.path.pop();
    return undefined;
  }

  private memberField(frame: Frame, field: FieldShape, depth: number, keyAt: number): void {
    if (field.number <= frame.last) {
      frame.isInOrder = false;
      for (let i = frame.base; i < this.top; i += 3) {
        if (this.fields[i] === field.number) throw this.repeatedKey(keyAt);
      }
    }
    const start = this.out.length;
    const { top } = this;
    this.scanner.peek();
    if (field.label === 'repeated') this.row(field, depth);
    else this.tagged(field, depth);
    // What nested messages left behind goes.
    this.top = top + 3;
    this.fields[top] = field.number;
    this.fields[top + 1] = start;
    this.fields[top + 2] = this.out.length;
    if (field.label === 'required') frame.required += 1;
    if (field.number > frame.last) frame.last = field.number;
  }

  /** The field whose key stands here, if it is one of those that an encoder would write next. */
  private expectedKey({ shape, last }: Frame): FieldShape | undefined {
    const { fields } = shape;
    for (let i = shape.indexAfter(last); i < fields.length; i += 1) {
      const field = fields[i] as FieldShape;
      if (this.scanner.acceptKey(field.quotedName)) return field;
    }
    return undefined;
  }

  /** To be called when all members are read: checks them and brings them into the order of an encoder. */
  finish(depth = 0): void {
    const frame = this.frames[depth] as Frame;
    const { shape, base, start } = frame;
    if (shape.renamed !== undefined || frame.wire !== undefined || !frame.isInOrder) this.recorder?.spoil();
    if (shape.renamed !== undefined) this.useEarlierName(frame, shape.renamed);
    if (frame.required < shape.requiredCount) throw this.missingKey(frame);
    if (frame.wire !== undefined) this.out.replace(start, this.merged(frame, frame.wire));
    else if (!frame.isInOrder)
      this.out.replace(start, Buffer.concat([...this.encodedFields(base)].map(([, bytes]) => bytes)));
    this.top = base;
  }

  /** A key that is the earlier name of another field is read as that where the other one is not there. */
  private useEarlierName(frame: Frame, { field, now }: NonNullable<MessageShape['renamed']>): void {
    let at = -1;
    for (let i = frame.base; i < this.top; i += 3) {
      if (this.fields[i] === field.number) return;
      if (this.fields[i] === now.number) at = i;
    }
    if (at === -1) return;
    const [start, end] = [this.fields[at + 1] as number, this.fields[at + 2] as number];
    // Both are varints, and their tags are of one length. Five bytes hold 35 bits.
    const isLarge = end - start > 6 || (end - start === 6 && (this.out.bytes[end - 1] as number) > 0x0f);
    if (isLarge) throw this.scanner.fault(`"${now.name}" is past 2^32 - 1, and "${field.name}" is not there`);
    this.out.bytes[start] = field.number * 8 + WIRE_TYPE.VARINT;
    this.fields[at] = field.number;
    frame.isInOrder = false;
    frame.required += 1;
  }

  /** The fields that were read since `base`, in ascending order. */
  private encodedFields(base: number): Map<number, Buffer> {
    const found: [number, Buffer][] = [];
    for (let i = base; i < this.top; i += 3) {
      const [number, start, end] = [this.fields[i], this.fields[i + 1], this.fields[i + 2]] as [number, number, number];
      if (end > start) found.push([number, Buffer.from(this.out.bytes.subarray(start, end))]);
    }
    return new Map(found.sort(([a], [b]) => a - b));
  }

  /** The message as its `_wire` says, but where its other keys say otherwise. */
  private merged({ shape, base }: Frame, wire: Buffer): Buffer {
    try {
      return mergeIntoWire(shape, wire, this.fieldsOfWire(shape, wire), this.encodedFields(base));
    } catch (error) {
      if (error instanceof WireFault) throw this.scanner.fault(`"${WIRE_KEY}" is no ${shape.name}: ${error.message}`);
      if (error instanceof EscapeFault) throw this.scanner.fault(error.message);
      throw error;
    }
  }

  /** The fields that the JSON of a message says, without its `_wire`. */
  private fieldsOfWire(shape: MessageShape, wire: Buffer): EncodedFields {
    if (this.again === undefined) {
      const text = new JsonText({ write: async () => {} }, false);
      this.again = { text, writer: new MessageWriter(text) };
    }
    const { text, writer } = this.again;
    const mark = text.mark();
    writer.writeFields(shape, wire, 0, wire.length);
    const reader = new MessageReader(JsonScanner.over(Buffer.from(text.since(mark)), this.scanner.file), this.again);
    text.backTo(mark);
    return reader.fieldsOf(shape);
  }

  private fieldsOf(shape: MessageShape): EncodedFields {
    this.scanner.expect('{');
    this.begin(shape);
    if (!this.scanner.accept(CLOSE_OBJECT))
      while (this.member() === undefined && this.scanner.hasAnother(CLOSE_OBJECT));
    if (shape.renamed !== undefined) this.useEarlierName(this.frames[0] as Frame, shape.renamed);
    return this.encodedFields(0);
  }

  /** For a key that is none of the message's. */
  unknownKey(shape: MessageShape, name: string): Error {
    const { scanner } = this;
    const names = shape.fields.map((field) => field.name);
    const hint = names.length === 0 ? `${withArticle(shape.name)} has no keys` : allowedNames(name, names);
    return scanner.fault(`there is no key ${quoted(name)} in ${withArticle(shape.name)}`, hint, scanner.start - 1);
  }

  private repeatedKey(at: number): Error {
    return this.scanner.fault('the key is there twice', 'leave one of them', at);
  }

  private missingKey({ shape, base }: Frame): Error {
    const there = new Set<number>();
    for (let i = base; i < this.top; i += 3) there.add(this.fields[i] as number);
    const missing = shape.fields.filter(({ label, number }) => label === 'required' && !there.has(number));
    const names = missing.map(({ name }) => `"${name}"`).join(', ');
    return this.scanner.fault(
      `the ${shape.name} lacks ${names}`,
      'CRIU does not read a message without its required fields',
    );
  }
}
