/** Base64 as crit writes it: lines of 76 characters, each with a line end, the last one too. */
const LINE_BYTES = 57;
const LINE_CHARACTERS = 76;
/** Lines that are made at once. */
const LINES = 1024;
const LINE_END = Buffer.from('\\n', 'latin1');

/** Writes bytes that come in chunks as the inside of a JSON string. */
export class Base64Lines {
  private readonly rest = Buffer.allocUnsafe(LINE_BYTES);
  private restBytes = 0;

  constructor(private readonly emit: (text: Uint8Array) => void) {}

  push(bytes: Uint8Array): void {
    let from = 0;
    if (this.restBytes > 0) {
      from = Math.min(LINE_BYTES - this.restBytes, bytes.length);
      this.rest.set(bytes.subarray(0, from), this.restBytes);
      this.restBytes += from;
      if (this.restBytes < LINE_BYTES) return;
      this.emit(linesOf(this.rest));
      this.restBytes = 0;
    }
    const whole = from + Math.floor((bytes.length - from) / LINE_BYTES) * LINE_BYTES;
    for (let at = from; at < whole; at += LINES * LINE_BYTES) {
      this.emit(linesOf(bytes.subarray(at, Math.min(whole, at + LINES * LINE_BYTES))));
    }
    this.rest.set(bytes.subarray(whole));
    this.restBytes = bytes.length - whole;
  }

  /** To be called when all has been pushed. */
  end(): void {
    if (this.restBytes > 0) this.emit(linesOf(this.rest.subarray(0, this.restBytes)));
    this.restBytes = 0;
  }
}

/** Whole lines, and at the end one that may be shorter. */
function linesOf(bytes: Uint8Array): Buffer {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
  if (text.length <= LINE_CHARACTERS) return Buffer.from(`${text}\\n`, 'latin1');
  const flat = Buffer.from(text, 'latin1');
  const lines = Math.ceil(flat.length / LINE_CHARACTERS);
  const broken = Buffer.allocUnsafe(flat.length + lines * LINE_END.length);
  let to = 0;
  for (let from = 0; from < flat.length; from += LINE_CHARACTERS) {
    to += flat.copy(broken, to, from, from + LINE_CHARACTERS);
    to += LINE_END.copy(broken, to);
  }
  return broken;
}
