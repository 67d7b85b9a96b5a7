/** Archives made block by block, and taken apart by a reader that has nothing of the one in src. */
import fs from 'node:fs';
import path from 'node:path';

export const BLOCK = 512;

/** One member as an archive is to have it; what is not said is what GNU tar would write of a plain file. */
export interface RawMember {
  name: string | Buffer;
  /** A plain file by default. */
  type?: string;
  content?: Buffer | string;
  mode?: number;
  uid?: number;
  gid?: number;
  mtime?: number;
  target?: string | Buffer;
  userName?: string;
  groupName?: string;
  /** Without it, the magic of POSIX; empty for the oldest format. */
  magic?: string;
  prefix?: string;
  /** What the header says, where that is not the length of the content. */
  size?: number;
  /** Records of a pax header in front. */
  pax?: { [key: string]: string | Buffer };
  /** Bytes of fields as they are to be, by their offset. */
  raw?: { [offset: number]: Buffer };
  /** Bytes of a checksum that need not be right. */
  checksum?: string;
}

const bytesOf = (text: string | Buffer) => (typeof text === 'string' ? Buffer.from(text) : text);

/** The blocks of a member: its headers, and its content filled up. */
export function blocksOf(member: RawMember): Buffer {
  const content = bytesOf(member.content ?? '');
  const header = Buffer.alloc(BLOCK);
  const octal = (at: number, length: number, value: number) =>
    header.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, 'latin1');
  bytesOf(member.name).copy(header, 0, 0, 100);
  octal(100, 8, member.mode ?? 0o644);
  octal(108, 8, member.uid ?? 0);
  octal(116, 8, member.gid ?? 0);
  octal(124, 12, member.size ?? content.length);
  octal(136, 12, member.mtime ?? 1_700_000_000);
  header.write(member.type ?? '0', 156, 'latin1');
  bytesOf(member.target ?? '').copy(header, 157, 0, 100);
  header.write(member.magic ?? 'ustar\x0000', 257, 'latin1');
  header.write(member.userName ?? '', 265);
  header.write(member.groupName ?? '', 297);
  header.write(member.prefix ?? '', 345);
  for (const [offset, bytes] of Object.entries(member.raw ?? {})) bytes.copy(header, Number(offset));
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(member.checksum ?? `${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat([paxOf(member.pax), header, filled(content)]);
}

function paxOf(records: RawMember['pax']): Buffer {
  if (records === undefined) return Buffer.alloc(0);
  return blocksOf({ name: 'PaxHeaders/x', type: 'x', content: recordsOf(records) });
}

export function recordsOf(records: { [key: string]: string | Buffer }): Buffer {
  return Buffer.concat(Object.entries(records).map(([key, value]) => recordOf(key, value)));
}

export function recordOf(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), bytesOf(value), Buffer.from('\n')]);
  for (let length = rest.length + 1; ; length += 1) {
    if (`${length}`.length + rest.length === length) return Buffer.concat([Buffer.from(`${length}`), rest]);
  }
}

/** GNU tar's header for a name or a target that is long. */
export const longName = (name: string | Buffer, type: 'L' | 'K' = 'L') =>
  blocksOf({ name: '././@LongLink', type, content: Buffer.concat([bytesOf(name), Buffer.alloc(1)]), magic: 'ustar  ' });

export const filled = (content: Buffer) =>
  Buffer.concat([content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)]);

export const END = Buffer.alloc(2 * BLOCK);

/** A whole archive, of members and of blocks as they are. */
export const archiveOf = (...members: readonly (RawMember | Buffer)[]): Buffer =>
  Buffer.concat([...members.map((member) => (Buffer.isBuffer(member) ? member : blocksOf(member))), END]);

/** A directory's files as members, in the order of their names. */
export function membersOf(directory: string, prefix = ''): RawMember[] {
  return fs
    .readdirSync(directory)
    .sort()
    .map((name) => ({ name: `${prefix}${name}`, content: fs.readFileSync(path.join(directory, name)) }));
}

export interface Chunk {
  name: string;
  type: string;
  headers: Buffer;
  /** The last of them. */
  main: Buffer;
  pax: { [key: string]: string };
  content: Buffer;
}

/** Takes an archive to chunks; what is not as POSIX has it is an error. */
export function chunksOf(tar: Buffer): Chunk[] {
  const chunks: Chunk[] = [];
  let [at, begin] = [0, 0];
  let pax: { [key: string]: string } = {};
  let long: string | undefined;
  for (;;) {
    const main = tar.subarray(at, at + BLOCK);
    if (main.length < BLOCK) throw new Error('no end');
    if (main.every((byte) => byte === 0)) break;
    const type = String.fromCharCode(main[156] as number);
    let size = numberAt(main, 124, 12);
    at += BLOCK;
    if ('xgLK'.includes(type)) {
      const body = tar.subarray(at, at + size);
      if (type === 'x') pax = { ...pax, ...parseRecords(body) };
      if (type === 'L') long = body.toString('latin1').replace(/\0.*$/s, '');
      at += Math.ceil(size / BLOCK) * BLOCK;
      continue;
    }
    if (type === 'S') {
      for (let more = main[482] === 1; more; at += BLOCK) more = tar[at + 504] === 1;
    }
    if (pax.size !== undefined) size = Number(pax.size);
    const headers = tar.subarray(begin, at);
    const content = tar.subarray(at, at + size);
    at += Math.ceil(size / BLOCK) * BLOCK;
    begin = at;
    const name = pax['GNU.sparse.name'] ?? pax.path ?? long ?? plainName(main);
    chunks.push({ name, type, headers, main, pax, content });
    pax = {};
    long = undefined;
  }
  if (!tar.subarray(at).every((byte) => byte === 0) || tar.length - at < 2 * BLOCK) throw new Error('a strange end');
  return chunks;
}

function plainName(main: Buffer): string {
  const text = (at: number, length: number) => main.toString('latin1', at, at + length).replace(/\0.*$/s, '');
  const prefix = main.toString('latin1', 257, 263) === 'ustar\0' ? text(345, 155) : '';
  return prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`;
}

function numberAt(block: Buffer, at: number, length: number): number {
  if ((block[at] as number) & 0x80) return Number(BigInt(`0x${block.toString('hex', at + 1, at + length)}`));
  return Number.parseInt(
    block
      .toString('latin1', at, at + length)
      .replaceAll('\0', ' ')
      .trim() || '0',
    8,
  );
}

function parseRecords(body: Buffer): { [key: string]: string } {
  const records: { [key: string]: string } = {};
  for (let at = 0; at < body.length; ) {
    const blank = body.indexOf(' ', at);
    const length = Number(body.toString('latin1', at, blank));
    const record = body.toString('latin1', blank + 1, at + length - 1);
    records[record.slice(0, record.indexOf('='))] = record.slice(record.indexOf('=') + 1);
    at += length;
  }
  return records;
}

/** A name without what tar leaves out before and behind it. */
export const plain = (name: string) =>
  name
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
