import type { Random } from '../../support/random-messages';
import { BLOCK, recordOf } from '../../support/tar-blocks';
import { BYTE_MUTATORS } from './bytes';
import { type Mutator, oneOf, splice } from './mutate';

/** Fields of a header: where they begin, and how long they are. */
const FIELDS: readonly (readonly [at: number, length: number])[] = [
  ...([
    [0, 100],
    [100, 8],
    [108, 8],
    [116, 8],
    [124, 12],
    [124, 12],
    [136, 12],
  ] as const),
  ...([
    [156, 1],
    [156, 1],
    [157, 100],
    [257, 8],
    [329, 8],
    [345, 155],
    [386, 24],
    [482, 1],
    [483, 12],
  ] as const),
];
const NAMES = [
  '../x',
  '/etc/x',
  'checkpoint/files.img',
  'files.img',
  'inventory.img',
  './inventory.img',
  'a/../b',
  '',
  '.',
  '\n',
];
const NUMBERS = [
  '7777777777',
  '00000000000',
  '0000001000',
  '-1',
  '12x',
  ' 1 \0',
  '9',
  '\x80\0\0\0\0\0\0\0\0\0\x10\0',
  '\xff\xff\xff\xff',
];
const TYPES = ['0', '\0', '1', '2', '3', '5', '6', '7', 'L', 'K', 'x', 'g', 'S', 'V', 'Z'];
const MAGICS = ['ustar\x0000', 'ustar  \0', '\0\0\0\0\0\0\0\0', 'ustar'];
const PAX = [
  'path',
  'linkpath',
  'size',
  'mtime',
  'uid',
  'GNU.sparse.map',
  'GNU.sparse.size',
  'GNU.sparse.major',
  'hdrcharset',
];

/** Headers lie at these blocks, as far as the sizes in them say. */
function headersOf(tar: Buffer): number[] {
  const found: number[] = [];
  for (let at = 0; at + BLOCK <= tar.length && found.length < 500; ) {
    if (tar[at] === 0 && tar[at + 156] === 0) {
      at += BLOCK;
      continue;
    }
    found.push(at);
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 135), 8);
    at += BLOCK * (1 + (size > 0 && size < tar.length ? Math.ceil(size / BLOCK) : 0));
  }
  return found;
}

/** Writes the checksum that the header should have. */
function summed(tar: Buffer, at: number): void {
  if (at + BLOCK > tar.length) return;
  tar.fill(' ', at + 148, at + 156);
  const sum = tar.subarray(at, at + BLOCK).reduce((total, byte) => total + byte, 0);
  tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148, 'latin1');
}

function valueFor(at: number, length: number, random: Random): Buffer {
  if (at === 156) return Buffer.from(oneOf(TYPES, random), 'latin1');
  if (at === 257) return Buffer.from(oneOf(MAGICS, random), 'latin1');
  if (length >= 100) return Buffer.from(oneOf(NAMES, random), 'latin1');
  return random.chance(70) ? Buffer.from(oneOf(NUMBERS, random), 'latin1') : random.bytes(length);
}

const editHeader: Mutator = (tar, random) => {
  const headers = headersOf(tar);
  if (headers.length === 0) return tar;
  const result = Buffer.from(tar);
  const at = oneOf(headers, random);
  const [field, length] = oneOf(FIELDS, random);
  result.fill(0, at + field, at + field + length);
  valueFor(field, length, random).copy(result, at + field, 0, length);
  if (random.chance(90)) summed(result, at);
  return result;
};

const extended: Mutator = (tar, random) => {
  const headers = headersOf(tar);
  if (headers.length === 0) return tar;
  const value = oneOf([...NAMES, '0', '512', '99999999999999999999', '0,512', '-1', '1,1,0,9'], random);
  const record = random.chance(80) ? recordOf(oneOf(PAX, random), value) : Buffer.from(`9 ${value}`);
  const blocks = Buffer.alloc(BLOCK * (1 + Math.ceil(record.length / BLOCK)));
  blocks.write('PaxHeaders/x', 'latin1');
  blocks.write(`${record.length.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
  blocks.write(oneOf(['x', 'x', 'g', 'L', 'K'], random), 156, 'latin1');
  blocks.write('ustar\x0000', 257, 'latin1');
  record.copy(blocks, BLOCK);
  summed(blocks, 0);
  const at = oneOf(headers, random);
  return splice(tar, at, at, blocks);
};

/** Whole members, or blocks, twice or away or from another archive. */
const members: Mutator = (tar, random, other) => {
  const headers = [...headersOf(tar), tar.length];
  const from = random.chance(70) ? tar : other();
  const others = [...headersOf(from), from.length];
  const place = random.below(others.length);
  const chunk = from.subarray(others[place], others[place + 1]);
  const at = random.below(headers.length);
  return splice(tar, headers[at] as number, (random.chance(50) ? headers[at] : headers[at + 1]) ?? tar.length, chunk);
};

const cutBlocks: Mutator = (tar, random) => tar.subarray(0, BLOCK * random.below(tar.length / BLOCK + 1));
const raw: Mutator = (tar, random, other) => oneOf(BYTE_MUTATORS, random)(tar, random, other);

/** Changes of tar archives: of fields of headers with a new checksum, of extended headers, of members, and of bytes. */
export const TAR_MUTATORS: readonly Mutator[] = [editHeader, editHeader, editHeader, extended, members, cutBlocks, raw];
