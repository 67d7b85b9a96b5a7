/** Tar archives are made of blocks; headers have a block or several, contents are filled up to whole ones. */
export const BLOCK_BYTES = 512;

/** Where fields of a header block lie (POSIX.1-1988, ustar; the older format has the first seven of them). */
export const FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  checksum: [148, 8],
  type: [156, 1],
  target: [157, 100],
  magic: [257, 6],
  prefix: [345, 155],
} as const;

type Field = keyof typeof FIELDS;

export function fieldOf(block: Buffer, field: Field): Buffer {
  const [start, length] = FIELDS[field];
  return block.subarray(start, start + length);
}

/** A number as archives have it: octal digits, which blanks or zero bytes end, or base 256. NaN where it is none. */
export function numberOf(field: Buffer): number {
  if (field[0] === 0x80) return Number(BigInt(`0x${field.toString('hex', 1)}`));
  const text = field.toString('latin1').replace(/^[ \0]+|[ \0].*$/gs, '');
  return /^[0-7]*$/.test(text) ? Number.parseInt(text || '0', 8) : Number.NaN;
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

export function setBytes(block: Buffer, field: Field, bytes: Uint8Array): void {
  const into = fieldOf(block, field);
  into.fill(0);
  into.set(bytes);
}

export function setChecksum(block: Buffer): void {
  fieldOf(block, 'checksum').write(`${checksumOf(block).toString(8).padStart(6, '0')}\0 `, 'latin1');
}

/** True for a block with the checksum of a header. */
export function hasChecksum(block: Buffer): boolean {
  return !isZeroBlock(block) && numberOf(fieldOf(block, 'checksum')) === checksumOf(block);
}

function checksumOf(block: Buffer): number {
  const [start, length] = FIELDS.checksum;
  let sum = length * 0x20;
  for (let i = 0; i < BLOCK_BYTES; i += 1) if (i < start || i >= start + length) sum += block[i] as number;
  return sum;
}

const ZEROS = Buffer.alloc(BLOCK_BYTES);

export function isZeroBlock(block: Buffer): boolean {
  return block.equals(ZEROS);
}

/** How many bytes fill up content to whole blocks. */
export function paddingOf(bytes: number): number {
  return (BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES;
}
