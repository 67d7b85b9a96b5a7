import { readUint32 } from '../bytes/little-endian';
import { IMG_COMMON, IMG_SERVICE, kindOfMagic, PLAN_MAGIC } from './image-kinds';

/** How many bytes tell what a file is. */
export const TELLING_BYTES = 4;

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

/** What a file that begins with these bytes is: an image of CRIU or our plan, JSON of one, or undefined for neither. */
export function whatBegins(bytes: Uint8Array): 'image' | 'json' | undefined {
  if (bytes.length < TELLING_BYTES) return undefined;
  const first = readUint32(bytes, 0);
  // Those of the oldest format begin with the magic of their kind.
  if ([IMG_COMMON, IMG_SERVICE, PLAN_MAGIC].includes(first) || kindOfMagic(first) !== undefined) return 'image';
  return isJson(bytes) ? 'json' : undefined;
}

function isJson(bytes: Uint8Array): boolean {
  const marked = BYTE_ORDER_MARK.every((byte, i) => bytes[i] === byte);
  const text = String.fromCharCode(...bytes.subarray(marked ? BYTE_ORDER_MARK.length : 0, TELLING_BYTES));
  return /^\s*\{\s*("|$)/.test(text);
}
