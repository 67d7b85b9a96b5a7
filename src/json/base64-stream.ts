import { decodeBase64 } from '../bytes/base64';

/** Decodes base64 whose characters come in chunks, with the escapes of a JSON string. */
export class Base64Stream {
  /** Characters that are no whole escape, and none that are four, yet. */
  private escape = '';
  private rest = '';
  private isOver = false;

  constructor(private readonly emit: (bytes: Uint8Array) => void) {}

  /** False where these are not base64. */
  push(characters: Buffer): boolean {
    const text = this.escape + characters.toString('latin1');
    const cut = endOfEscapes(text);
    this.escape = text.slice(cut);
    const unescaped = unescapeJson(text.slice(0, cut));
    return unescaped !== undefined && this.take(unescaped);
  }

  /** To be called when all have come; false where the last are not base64. */
  end(): boolean {
    return this.escape === '' && this.rest === '';
  }

  private take(text: string): boolean {
    const flat = this.rest + text.replace(/[\t-\r ]+/g, '');
    const whole = flat.length - (flat.length % 4);
    this.rest = flat.slice(whole);
    if (flat === '') return true;
    if (this.isOver) return false;
    const bytes = decodeBase64(flat.slice(0, whole));
    if (bytes === undefined) return false;
    this.isOver = flat[whole - 1] === '=';
    this.emit(bytes);
    return !(this.isOver && this.rest !== '');
  }
}

/** Where an escape that is not complete begins. */
function endOfEscapes(text: string): number {
  const at = text.lastIndexOf('\\');
  if (at === -1) return text.length;
  const length = text[at + 1] === 'u' ? 6 : 2;
  return text.length - at < length ? at : text.length;
}

function unescapeJson(text: string): string | undefined {
  if (!text.includes('\\')) return text;
  try {
    return JSON.parse(`"${text}"`) as string;
  } catch {
    return undefined;
  }
}
