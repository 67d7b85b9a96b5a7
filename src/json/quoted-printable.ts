/**
 * Quoted-printable as Python's quopri writes it, in which crit shows the names of unix sockets. Line ends stay as they
 * are or become those of the first line, so not every name comes back from it.
 */

const MAX_LINE = 76;
const [TAB, LF, CR, SPACE, DOT, EQUALS] = [0x09, 0x0a, 0x0d, 0x20, 0x2e, 0x3d];

const hex = (byte: number) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;

export function encodeQuotedPrintable(bytes: Uint8Array): string {
  const lineEnd = usesCrLf(bytes) ? '\r\n' : '\n';
  let text = '';
  let line = 0;
  const softBreak = () => {
    text += `=${lineEnd}`;
    line = 0;
  };
  for (let i = 0; i < bytes.length; ) {
    const byte = bytes[i] as number;
    const next = bytes[i + 1];
    if (mustBeQuoted(byte, next, line === 0)) {
      if (line + 3 >= MAX_LINE) softBreak();
      text += hex(byte);
      line += 3;
      i += 1;
    } else if (byte === LF || (byte === CR && next === LF)) {
      const last = text.charCodeAt(text.length - 1);
      if (last === SPACE || last === TAB) text = text.slice(0, -1) + hex(last);
      text += lineEnd;
      line = 0;
      i += byte === CR ? 2 : 1;
    } else {
      if (next !== undefined && next !== LF && line + 1 >= MAX_LINE) softBreak();
      text += String.fromCharCode(byte);
      line += 1;
      i += 1;
    }
  }
  return text;
}

function usesCrLf(bytes: Uint8Array): boolean {
  const first = bytes.indexOf(LF);
  return first > 0 && bytes[first - 1] === CR;
}

function mustBeQuoted(byte: number, next: number | undefined, atLineStart: boolean): boolean {
  if (byte > 126 || byte === EQUALS) return true;
  if (byte === DOT) return atLineStart && (next === undefined || next === LF || next === CR || next === 0);
  if (byte === TAB || byte === SPACE) return next === undefined;
  return byte < 33 && byte !== CR && byte !== LF;
}

/** The bytes that a text stands for; undefined where an = is followed by neither two hexadecimal digits nor a line end. */
export function decodeQuotedPrintable(text: string): Buffer | undefined {
  let isValid = true;
  const flat = Buffer.from(text, 'utf8').toString('latin1');
  const decoded = flat.replace(/=(\r?\n|[\dA-Fa-f]{2}|)/g, (_all, after: string) => {
    if (after === '') isValid = false;
    return after.trim() === '' ? '' : String.fromCharCode(Number.parseInt(after, 16));
  });
  return isValid ? Buffer.from(decoded, 'latin1') : undefined;
}
