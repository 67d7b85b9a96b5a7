/** Tar archives are made of blocks; headers have a block or several, contents are filled up to whole ones. */
export const BLOCK_BYTES = 512;

/** tar writes records of 20 blocks unless it is told otherwise. */
export const RECORD_BYTES = 20 * BLOCK_BYTES;

/** Where fields of a header block lie (POSIX.1-1988, ustar; the older format has those up to the target). */
export const FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  target: [157, 100],
  magic: [257, 8],
  userName: [265, 32],
  groupName: [297, 32],
  prefix: [345, 155],
} as const;

type Field = keyof typeof FIELDS;

/** What stands in `magic`, the version included. */
const USTAR = Buffer.from('ustar\x0000', 'latin1');

/** The largest number that octal digits have room for in a field of 8 bytes. */
export const MAX_OCTAL_ID = 0o7777777;

export function fieldOf(block: Buffer, field: Field): Buffer {
  const [start, length] = FIELDS[field];
  return block.subarray(start, start + length);
}

/** Text of a field up to its first zero byte, one character a byte. */
export function textOf(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString('latin1', 0, end === -1 ? field.length : end);
}

/** True where a name too long for its field may go on in `prefix`: other formats have other things there. */
export function hasPrefix(block: Buffer): boolean {
  return fieldOf(block, 'magic').subarray(0, 6).equals(USTAR.subarray(0, 6));
}

/**
 * A number as archives have it: octal digits, which blanks or zero bytes end, or base 256. NaN where it is none, or
 * below zero.
 */
export function numberOf(field: Buffer): number {
  const first = field[0] as number;
  // The highest bit says base 256, the next one that it is below zero.
  if (first >= 0x80) return first >= 0xc0 ? Number.NaN : base256(field);
  const digits = field.toString('latin1').replace(/^[ \0]+|[ \0].*$/gs, '');
  return /^[0-7]*$/.test(digits) ? Number.parseInt(digits || '0', 8) : Number.NaN;
}

function base256(field: Buffer): number {
  let value = (field[0] as number) & 0x3f;
  for (const byte of field.subarray(1)) value = value * 256 + byte;
  return value;
}

/** Writes a number, in base 256 where its digits do not fit, as GNU tar, bsdtar and Go do. */
export function setNumber(block: Buffer, field: Field, value: number): void {
  const into = fieldOf(block, field);
  const digits = value.toString(8);
  into.fill(0);
  if (digits.length < into.length) {
    into.write(digits.padStart(into.length - 1, '0'), 'latin1');
    return;
  }
  let rest = BigInt(value);
  for (let i = into.length - 1; i > 0; i -= 1, rest >>= 8n) into[i] = Number(rest & 0xffn);
  into[0] = 0x80;
}

/** Fills a field with bytes, as many as it has room for. */
export function setBytes(block: Buffer, field: Field, bytes: Uint8Array): void {
  const into = fieldOf(block, field);
  into.fill(0);
  into.set(bytes.subarray(0, into.length));
}

export function setChecksum(block: Buffer): void {
  fieldOf(block, 'checksum').write(`${checksumsOf(block).unsigned.toString(8).padStart(6, '0')}\0 `, 'latin1');
}

/** True for a block with the checksum of a header. */
export function hasChecksum(block: Buffer): boolean {
  if (isZeroBlock(block)) return false;
  const { unsigned, signed } = checksumsOf(block);
  const written = numberOf(fieldOf(block, 'checksum'));
  return written === unsigned || written === signed;
}

/** Some old programs took bytes for signed ones. */
function checksumsOf(block: Buffer): { unsigned: number; signed: number } {
  const [start, length] = FIELDS.checksum;
  let unsigned = length * 0x20;
  let high = 0;
  for (let i = 0; i < BLOCK_BYTES; i += 1) {
    if (i >= start && i < start + length) continue;
    const byte = block[i] as number;
    unsigned += byte;
    if (byte >= 0x80) high += 1;
  }
  return { unsigned, signed: unsigned - 256 * high };
}

const ZEROS = Buffer.alloc(BLOCK_BYTES);

export function isZeroBlock(block: Buffer): boolean {
  return block.equals(ZEROS);
}

/** How many bytes fill up content to whole blocks. */
export function paddingOf(bytes: number): number {
  return (BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES;
}
