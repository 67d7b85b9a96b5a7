import { once } from 'node:events';
import type { Header } from 'tar-stream';
import { FdgraftError } from '../../errors/fdgraft-error';
import { messages } from '../../errors/messages';
import { BLOCK_BYTES, isZeroBlock } from './blocks';
import { type HeaderBlocks, splitHeaders, typeOf } from './headers';
import { type PaxRecord, paxRecords } from './pax';
import { hasMoreMap, type SparseFile, sparseFileOf } from './sparse';
import { readFully, type TarBytes } from './tar-bytes';

/** What the headers of a member say. */
export interface TarEntry {
  /** As it stands there. */
  readonly name: Buffer;
  readonly kind: 'file' | 'hard link' | 'link' | 'folder' | 'special';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of a link of either kind: what it leads to. */
  readonly target: Buffer;
  /** Bytes of content in the archive, without what fills them up to blocks. */
  readonly stored: number;
  /** Where the archive keeps less than the whole content. */
  readonly sparse: SparseFile | undefined;
}

/** Extended headers have names and attributes; those of a hostile archive could have anything. */
const MAX_HEADER_BYTES = 4 << 20;

const KINDS: { readonly [type: string]: TarEntry['kind'] | undefined } = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'hard link',
  '2': 'link',
  '3': 'special',
  '4': 'special',
  '5': 'folder',
  '6': 'special',
  // The name of a volume.
  V: 'special',
};

/** Reads the headers of an archive, one member's after the other's. */
export class HeaderReader {
  /** Extended headers that count for all members from here on. */
  private readonly globals: Buffer[] = [];

  constructor(
    private readonly bytes: TarBytes,
    private readonly label: string,
  ) {}

  /** The member whose headers begin at the position; undefined at the end of the archive. Throws FdgraftError. */
  async next(): Promise<TarEntry | undefined> {
    const offset = this.bytes.position;
    try {
      const blocks: Buffer[] = [];
      const take = async () => {
        if (blocks.length * BLOCK_BYTES >= MAX_HEADER_BYTES)
          throw new Error(`headers of over ${MAX_HEADER_BYTES} bytes`);
        blocks.push(await readFully(this.bytes, BLOCK_BYTES, this.label));
        return blocks.at(-1) as Buffer;
      };
      if (isZeroBlock(await take())) return undefined;
      const header = await this.decode(blocks[0] as Buffer, take);
      const split = splitHeaders(Buffer.concat(blocks));
      if (split === undefined || split.behind.length > 0) throw new Error('headers whose lengths do not fit');
      const headers = { ...split, behind: await takeMap(split.main, take) };
      for (const { type, header: extending, body } of split.extended) {
        const filled = Math.ceil(body.length / BLOCK_BYTES) * BLOCK_BYTES;
        if (type === 'g') this.globals.push(Buffer.concat([extending, body], BLOCK_BYTES + filled));
      }
      const globalBytes = this.globals.reduce((sum, { length }) => sum + length, 0);
      if (globalBytes > MAX_HEADER_BYTES) throw new Error(`global headers of over ${MAX_HEADER_BYTES} bytes`);
      return describe(header, headers, this.globals);
    } catch (error) {
      if (error instanceof FdgraftError) throw error;
      throw messages.archiveUnusable(this.label, offset, `has ${(error as Error).message}`);
    }
  }

  /** The decoding is tar-stream's: it is fed block by block until it knows the member. */
  private async decode(first: Buffer, take: () => Promise<Buffer>): Promise<Header> {
    // Loaded where there is an archive.
    const { extract } = await import('tar-stream');
    // One character a byte, since names need not be UTF-8. With a mark of one byte it says when it has worked off a block.
    const options = { filenameEncoding: 'latin1', allowUnknownFormat: true, highWaterMark: 1 };
    const decoder = extract(options as object);
    let header: Header | undefined;
    decoder.on('entry', (decoded) => {
      header = decoded;
    });
    decoder.on('error', () => {});
    const feed = async (block: Buffer) => {
      if (!decoder.write(block)) await once(decoder, 'drain');
    };
    try {
      for (const block of this.globals) await feed(block);
      for (let block = first; ; block = await take()) {
        await feed(block).catch(() => {
          throw new Error('a header that is damaged: its checksum or one of its numbers is wrong');
        });
        if (header !== undefined) return header;
      }
    } finally {
      decoder.destroy();
    }
  }
}

/** Of a sparse file in GNU tar's old format: blocks with more of its map. */
async function takeMap(main: Buffer, take: () => Promise<Buffer>): Promise<Buffer> {
  const blocks: Buffer[] = [];
  if (typeOf(main) !== 'S') return Buffer.alloc(0);
  for (let more = hasMoreMap(main, 'header'); more; more = hasMoreMap(blocks.at(-1) as Buffer, 'map')) {
    blocks.push(await take());
  }
  return Buffer.concat(blocks);
}

function describe(header: Header, headers: HeaderBlocks, globals: readonly Buffer[]): TarEntry {
  const type = typeOf(headers.main);
  // An old header of a file whose name ends with a slash is a folder's.
  const kind = (header.type as string) === 'directory' ? 'folder' : KINDS[type];
  const stored = header.size;
  if (kind === undefined) throw new Error(`a member of type ${JSON.stringify(type)}, which no checkpoint needs`);
  if (!Number.isSafeInteger(stored) || stored < 0) throw new Error('a size that is no number of bytes');
  if (kind !== 'file' && stored !== 0) throw new Error('content in a member that is no file');
  const records = recordsOf(headers, globals);
  const last = (...keys: string[]) => records.findLast(({ key }) => keys.includes(key))?.value;
  const id = (key: string, plain: number) => {
    const value = last(key)?.toString('latin1');
    const number = value === undefined ? plain : /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= 0 && number < 2 ** 32)) throw new Error(`a ${key} that is no number of a user or a group`);
    return number;
  };
  if (!(header.mode >= 0)) throw new Error('a mode that is no number');
  return {
    name: last('GNU.sparse.name') ?? last('path') ?? Buffer.from(header.name, 'latin1'),
    kind,
    mode: header.mode & 0o7777,
    uid: id('uid', header.uid),
    gid: id('gid', header.gid),
    target: last('linkpath') ?? Buffer.from(header.linkname ?? '', 'latin1'),
    stored,
    sparse: sparseFileOf(headers, records, type === 'S'),
  };
}

/** All that count for a member; later ones over earlier ones. */
function recordsOf({ extended }: HeaderBlocks, globals: readonly Buffer[]): PaxRecord[] {
  const global = globals.flatMap(
    (raw) => splitHeaders(Buffer.concat([raw, Buffer.alloc(BLOCK_BYTES)]))?.extended ?? [],
  );
  return [...global, ...extended].flatMap(({ type, body }) => {
    if (type !== 'x' && type !== 'g') return [];
    const records = paxRecords(body);
    if (records === undefined) throw new Error('an extended header that is no list of records');
    return records;
  });
}
