import { isUtf8 } from 'node:buffer';

/**
 * Bytes as text, reversibly. Bytes that are not valid UTF-8 and control characters become \xHH, and so
 * does a backslash that stands before an x. U+FFFD and the characters that turn the reading direction,
 * break lines or show nothing are written that way too: the first is what Node makes of invalid bytes in
 * an argument, the others can make a terminal or a review show something else than what is there.
 */

const NOT_SHOWN =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffd]|\udb40[\udc00-\udc7f]/g;
const BACKSLASH_BEFORE_X = /\\(?=x)/g;

/** Text that stands for exactly these bytes; `unescapeText` is the way back. */
export function escapeBytes(bytes: Uint8Array): string {
  if (isPlain(bytes)) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  const whole = decodeStrictly(bytes);
  if (whole !== undefined) return escapeControls(whole.replace(BACKSLASH_BEFORE_X, '\\x5c'));
  return [...escapedChunks(bytes)].join('');
}

/** The same text in chunks, so that one of millions of bytes need not be there as a whole. */
export function* escapedChunks(bytes: Uint8Array): Generator<string, void, undefined> {
  // Joined now and then: a string for each of millions of bytes would take more than the text.
  let few: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const run = at;
    let isBroken = false;
    while (at < bytes.length && !(at - run >= MOST_RUN && bytes[at - 1] !== BACKSLASH)) {
      const length = validSequenceLength(bytes, at);
      isBroken = length === 0;
      if (isBroken) break;
      at += length;
    }
    // A backslash that ends one run cannot meet an x: what follows such a run is always a \xHH.
    if (at > run) few.push(escapeBytes(bytes.subarray(run, at)));
    if (isBroken) {
      few.push(hex(bytes[at] as number));
      at += 1;
    } else if (at < bytes.length) {
      yield few.join('');
      few = [];
    }
    if (few.length < MOST_CHUNKS) continue;
    yield few.join('');
    few = [];
  }
  yield few.join('');
}

/** So many bytes of a text are escaped at once. */
const MOST_RUN = 1 << 14;
const BACKSLASH = 0x5c;
const MOST_CHUNKS = 1 << 14;

/** A text has a \x that is no escape. */
export class EscapeFault extends Error {
  constructor(piece: string) {
    super(`"${piece}" is not \\x and two hexadecimal digits`);
  }
}

/** The bytes that a text of `escapeBytes` stands for. A backslash that is not before an x is itself. */
export function unescapeText(text: string): Buffer {
  const chunks: Buffer[] = [];
  let run = 0;
  let at = text.indexOf('\\x');
  while (at !== -1) {
    const digits = text.slice(at + 2, at + 4);
    if (!/^[0-9a-fA-F]{2}$/.test(digits)) {
      throw new EscapeFault(text.slice(at, at + 4));
    }
    chunks.push(Buffer.from(text.slice(run, at), 'utf8'), Buffer.from(digits, 'hex'));
    run = at + 4;
    at = text.indexOf('\\x', run);
  }
  chunks.push(Buffer.from(text.slice(run), 'utf8'));
  return Buffer.concat(chunks);
}

/** True for printable ASCII without a backslash, which nearly all paths are. */
function isPlain(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i += 1) {
    const byte = bytes[i] as number;
    if (byte < 0x20 || byte > 0x7e || byte === BACKSLASH) return false;
  }
  return true;
}

function decodeStrictly(bytes: Uint8Array): string | undefined {
  return isUtf8(bytes) ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8') : undefined;
}

/** Text that is escaped already, or was never bytes, without characters that a terminal acts on. */
export function escapeControls(text: string): string {
  return text.replace(NOT_SHOWN, (character) => [...Buffer.from(character, 'utf8')].map(hex).join(''));
}

/** JSON with these characters, but for line ends, as the \uXXXX of JSON. They can only stand in its strings. */
export function escapeControlsInJson(json: string): string {
  return json.replace(NOT_SHOWN, (character) => (character === '\n' ? character : codeUnits(character).join('')));
}

function codeUnits(character: string): string[] {
  return character.split('').map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Length of the valid UTF-8 sequence at `at`, 0 where there is none. */
function validSequenceLength(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4 || ((bytes[at + 1] ?? 0) & 0xc0) !== 0x80) return 0;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  return isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}

const HEX = Array.from({ length: 256 }, (_none, byte) => `\\x${byte.toString(16).padStart(2, '0')}`);

function hex(byte: number): string {
  return HEX[byte] as string;
}
