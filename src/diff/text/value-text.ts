import { digestText } from '../../json/digest-text';
import { JsonText } from '../../json/json-text';
import { MessageWriter } from '../../json/write-message';
import type { FieldShape, MessageShape } from '../../schema/shape';
import { FieldCursor, WIRE_TYPE } from '../../wire/field-cursor';
import type { Range } from '../wire/fields';

/** What takes more on the wire is told by its size and digest: nobody reads it, and it need not fit into memory twice. */
const MAX_SHOWN_BYTES = 1 << 16;
/** The same where bytes are asked for. */
const MAX_SHOWN_PAYLOAD = 1 << 20;

/** Values and messages as text on one line, as `fdgraft show` writes them, but for bytes, which may be secrets. */
export class ValueText {
  private readonly text = new JsonText({ write: async () => {} }, true);
  private readonly writer: MessageWriter;
  private readonly most: number;

  /** `showsBytes`: as base64; else how many they are and their digest. */
  constructor(readonly showsBytes: boolean) {
    this.most = showsBytes ? MAX_SHOWN_PAYLOAD : MAX_SHOWN_BYTES;
    this.writer = new MessageWriter(this.text, showsBytes);
  }

  /** One occurrence of a field, tag included. Throws WireFault. */
  field(field: FieldShape, bytes: Uint8Array, start: number, end: number, hex: boolean): string {
    if (end - start > this.most) return digestText([bytes.subarray(start, end)]);
    return this.taken(() => this.writer.writeField(field, bytes, start, end, hex));
  }

  /** All values of a repeated field, as a list. Throws WireFault. */
  row(field: FieldShape, bytes: Uint8Array, occurrences: readonly Range[], hex: boolean): string {
    const [first, last] = [occurrences[0], occurrences.at(-1)];
    if (first !== undefined && last !== undefined && last.end - first.start > this.most) {
      return digestText(occurrences.map(({ start, end }) => bytes.subarray(start, end)));
    }
    return this.taken(() => this.writer.writeRow(field, bytes, occurrences, hex));
  }

  /** Throws WireFault. */
  message(shape: MessageShape, bytes: Uint8Array, start: number, end: number): string {
    if (end - start > this.most) return digestText([bytes.subarray(start, end)]);
    return this.taken(() => this.writer.write(shape, bytes, start, end));
  }

  /** A field that no schema knows, tag included: a number, or bytes. */
  unknown(bytes: Uint8Array, start: number, end: number): string {
    const cursor = new FieldCursor().over(bytes, start, end);
    cursor.next();
    const value = Buffer.from(bytes.subarray(cursor.valueStart, cursor.end));
    if (cursor.wireType === WIRE_TYPE.VARINT) return cursor.uint64().toString();
    if (this.showsBytes || cursor.wireType !== WIRE_TYPE.BYTES) return value.toString('hex');
    return digestText([value]);
  }

  private taken(write: () => void): string {
    const mark = this.text.mark();
    try {
      write();
      // Line ends inside strings are escapes.
      return this.text
        .since(mark)
        .toString('latin1')
        .replace(/\n */g, ' ')
        .replace(/^([[{]) | ([\]}])$/g, '$1$2');
    } finally {
      this.text.backTo(mark);
    }
  }
}
