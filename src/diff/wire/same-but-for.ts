import { type BytesAt, sameBytes } from '../../bytes/same-bytes';
import { FieldCursor } from '../../wire/field-cursor';

/**
 * Whether two messages have the same bytes in the same order when the fields of these numbers are left out. Copies
 * nothing: a message can have 64 MiB. Throws WireFault.
 */
export function areSameButFor(numbers: ReadonlySet<number>, before: BytesAt, after: BytesAt): boolean {
  const [a, b] = [new Rest(before, numbers), new Rest(after, numbers)];
  // Each round takes a byte or more of both.
  for (;;) {
    const [left, right] = [a.left(), b.left()];
    if (left === 0 || right === 0) return left === right;
    const length = Math.min(left, right);
    if (!sameBytes(a.take(length), b.take(length))) return false;
  }
}

/** The bytes of a message without some of its fields, chunk by chunk. */
class Rest {
  private start = 0;
  private end = 0;
  private readonly cursor: FieldCursor;

  constructor(
    private readonly message: BytesAt,
    private readonly numbers: ReadonlySet<number>,
  ) {
    this.cursor = new FieldCursor().over(message.bytes, message.start, message.end);
  }

  /** How many bytes can be taken at once; 0 at the end. */
  left(): number {
    const { cursor, numbers } = this;
    while (this.start === this.end && cursor.next()) {
      if (!numbers.has(cursor.number)) [this.start, this.end] = [cursor.start, cursor.end];
    }
    return this.end - this.start;
  }

  take(length: number): BytesAt {
    const { start } = this;
    this.start += length;
    return { bytes: this.message.bytes, start, end: this.start };
  }
}
