/** One record of a pax extended header. */
export interface PaxRecord {
  readonly key: string;
  readonly value: Buffer;
  /** All of it, with its length and its line end. */
  readonly bytes: Buffer;
}

const ZERO = 0x30;
const BLANK = 0x20;
const EQUALS = 0x3d;
const LINE_END = 0x0a;
const MAX_LENGTH_DIGITS = 15;

/**
 * The records of an extended header, as bytes: neither names nor attributes need be text. Undefined where it has other
 * bytes. `isWanted`: whether a key is of interest; others are passed over, since a header may have hundreds of thousands.
 */
export function paxRecords(
  body: Buffer,
  isWanted: (body: Buffer, keyStart: number, keyEnd: number) => boolean = () => true,
): PaxRecord[] | undefined {
  const records: PaxRecord[] = [];
  for (let at = 0; at < body.length; ) {
    let [digits, length] = [0, 0];
    while (digits < MAX_LENGTH_DIGITS && isDigit(body[at + digits])) {
      length = length * 10 + (body[at + digits] as number) - ZERO;
      digits += 1;
    }
    const [key, end] = [at + digits + 1, at + length];
    // The last byte of a record is its line end.
    if (digits === 0 || body[key - 1] !== BLANK || !(end <= body.length && body[end - 1] === LINE_END))
      return undefined;
    let equals = key;
    while (equals < end && body[equals] !== EQUALS) equals += 1;
    if (equals >= end) return undefined;
    if (isWanted(body, key, equals)) {
      records.push({
        key: body.toString('utf8', key, equals),
        value: body.subarray(equals + 1, end - 1),
        bytes: body.subarray(at, end),
      });
    }
    at = end;
  }
  return records;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= ZERO && byte <= ZERO + 9;
}

/** A number in a record: decimal digits, no more than any size has. NaN for anything else. */
export function decimalOf(text: string): number {
  return /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
}

export function makePaxRecord(key: string, value: Uint8Array): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  // The length counts its own digits.
  while (`${length}`.length + rest.length !== length) length = `${length}`.length + rest.length;
  return Buffer.concat([Buffer.from(`${length}`), rest]);
}
