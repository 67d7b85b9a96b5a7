import type { Header } from 'tar-stream';
import { messages } from '../../errors/messages';
import { BLOCK_BYTES, fieldOf, hasChecksum, isZeroBlock, numberOf, paddingOf, textOf } from './blocks';
import { type ExtendedHeader, type HeaderBlocks, isExtending, typeOf } from './headers';
import { decimalOf, type PaxRecord, paxRecords } from './pax';
import { hasMoreMap, type SparseFile, sparseFileOf } from './sparse';
import { readFully, type TarBytes } from './tar-bytes';
import { HEADER_NUMBERS, HeaderDecoder } from './tar-stream';

/** What the headers of a member say. Names have one character a byte, since they need not be UTF-8. */
export interface TarEntry {
  /** As it stands there. */
  readonly name: string;
  /** 'label': no member at all, but the name of the volume. */
  readonly kind: 'file' | 'hard link' | 'link' | 'directory' | 'special' | 'label';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of a link of either kind: what it leads to. */
  readonly target: string;
  /** Bytes of content in the archive, without what fills them up to blocks. */
  readonly stored: number;
  /** Where the archive keeps less than the whole content. */
  readonly sparse: SparseFile | undefined;
}

/** Extended headers have names, attributes and maps of sparse files; those of a hostile archive could have anything. */
const MAX_HEADER_BYTES = 1 << 20;
/** They are kept as long as the archive is read. */
const MAX_GLOBAL_BYTES = 1 << 20;

const KINDS: { readonly [type: string]: TarEntry['kind'] | undefined } = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'hard link',
  '2': 'link',
  '3': 'special',
  '4': 'special',
  '5': 'directory',
  '6': 'special',
  V: 'label',
};

const WRONG_CHECKSUM = 'a header that is damaged: its checksum is wrong';

/** Keys of records that say something here. */
const TELLING_KEYS = ['path', 'linkpath', 'size', 'uid', 'gid'].map((key) => Buffer.from(key));
const SPARSE_KEYS = Buffer.from('GNU.sparse.');
/** Of these and of global ones in a whole archive: 16 a member, of as many members as there may be. */
const MAX_RECORDS = 1 << 22;

/** What a value of a global header takes beside its bytes, roughly. */
const VALUE_BYTES = 64;

/** What makes sense of a single member only. */
const OF_ONE_MEMBER = /^(path|linkpath|size|GNU\.sparse\..*)$/;

/** Reads the headers of an archive, one member's after the other's. */
export class HeaderReader {
  /** Values that count for all members from here on, by their keys. */
  private readonly globals = new Map<string, string>();
  private globalBytes = 0;
  private records = 0;
  private readonly decoder = new HeaderDecoder();

  constructor(
    private readonly bytes: TarBytes,
    private readonly label: string,
  ) {}

  /** The member whose headers begin at the position; undefined at the end of the archive. Throws FdgraftError. */
  async next(): Promise<TarEntry | undefined> {
    const offset = this.bytes.position;
    try {
      const headers = await this.read();
      if (headers === undefined) return undefined;
      for (const extending of headers.extended) if (extending.type === 'g') this.takeGlobals(extending);
      const records = headers.extended.flatMap(({ type, body }) => (type === 'x' ? recordsOf(body, isTelling) : []));
      this.count(records);
      return describe(headers, await this.decode(headers.main), records, this.globals);
    } catch (error) {
      if (!(error instanceof BadHeader)) throw error;
      throw messages.archiveUnusable(this.label, offset, `has ${error.message}`);
    }
  }

  private async read(): Promise<HeaderBlocks | undefined> {
    const extended: ExtendedHeader[] = [];
    let taken = 0;
    const take = async (bytes: number) => {
      taken += bytes;
      if (!(taken <= MAX_HEADER_BYTES)) throw new BadHeader(`headers of over ${MAX_HEADER_BYTES} bytes for one member`);
      return readFully(this.bytes, bytes, this.label);
    };
    for (;;) {
      const header = await take(BLOCK_BYTES);
      if (isZeroBlock(header)) {
        if (extended.length > 0) throw new BadHeader('an extended header with no member behind it');
        return undefined;
      }
      if (!hasChecksum(header)) {
        // A plain file without a header in front was not taken for an archive.
        const isFirst = this.bytes.position === BLOCK_BYTES;
        throw new BadHeader(isFirst ? 'no tar in it: what is compressed is something else' : WRONG_CHECKSUM);
      }
      const type = typeOf(header);
      if (!isExtending(type)) return { extended, main: header, behind: await takeMap(header, take) };
      const size = numberOf(fieldOf(header, 'size'));
      if (Number.isNaN(size)) throw new BadHeader('an extended header whose size is no number');
      const body = await take(size + paddingOf(size));
      extended.push({ type, header, body: body.subarray(0, size) });
    }
  }

  private async decode(main: Buffer): Promise<Header> {
    // Of others the decoder would want to see more.
    kindOf(typeOf(main));
    let header: Header;
    try {
      header = await this.decoder.decode(main);
    } catch (error) {
      throw new BadHeader(`a header that cannot be read: ${(error as Error).message}`);
    }
    for (const key of HEADER_NUMBERS) if (Number.isNaN(header[key])) throw new BadHeader(`a ${key} that is no number`);
    return header;
  }

  private count(records: readonly PaxRecord[]): void {
    this.records += records.length;
    if (this.records > MAX_RECORDS) throw new BadHeader(`over ${MAX_RECORDS} records in its extended headers`);
  }

  private takeGlobals({ body }: ExtendedHeader): void {
    const records = recordsOf(body);
    this.count(records);
    for (const { key, value } of records) {
      if (OF_ONE_MEMBER.test(key)) throw new BadHeader(`a global header with the ${key.slice(0, 20)} of a member`);
      if (!this.globals.has(key)) this.globalBytes += key.length + VALUE_BYTES;
      this.globalBytes += value.length - (this.globals.get(key)?.length ?? 0);
      this.globals.set(key, value.toString('latin1'));
    }
    if (this.globalBytes > MAX_GLOBAL_BYTES) throw new BadHeader(`global headers of over ${MAX_GLOBAL_BYTES} bytes`);
  }
}

/** What is wrong with a header, as what the archive has. */
class BadHeader extends Error {}

/** Of a sparse file in GNU tar's old format: blocks with more of its map. */
async function takeMap(main: Buffer, take: (bytes: number) => Promise<Buffer>): Promise<Buffer> {
  const blocks: Buffer[] = [];
  if (typeOf(main) !== 'S') return Buffer.alloc(0);
  for (let more = hasMoreMap(main, 'header'); more; more = hasMoreMap(blocks.at(-1) as Buffer, 'map')) {
    blocks.push(await take(BLOCK_BYTES));
  }
  return Buffer.concat(blocks);
}

/** Without a copy of the key: a header may have hundreds of thousands of records. */
function isTelling(body: Buffer, start: number, end: number): boolean {
  const begins = (text: Buffer) =>
    text[0] === body[start] && body.compare(text, 0, text.length, start, start + text.length) === 0;
  return TELLING_KEYS.some((key) => key.length === end - start && begins(key)) || begins(SPARSE_KEYS);
}

function describe(
  headers: HeaderBlocks,
  decoded: Header,
  records: readonly PaxRecord[],
  globals: ReadonlyMap<string, string>,
): TarEntry {
  const { main, extended } = headers;
  const type = typeOf(main);
  const plain = kindOf(type);
  const valueFor = (key: string) => {
    const own = records.findLast((record) => record.key === key)?.value.toString('latin1');
    // An empty one takes back what a global header said.
    return (own ?? globals.get(key)) || undefined;
  };
  const number = (key: 'uid' | 'gid' | 'size', most: number, what: string) => {
    const decimal = valueFor(key);
    const value = decimal === undefined ? decoded[key] : decimalOf(decimal);
    if (!(value <= most)) throw new BadHeader(`a ${key} that is no ${what}`);
    return value;
  };
  const long = (which: 'L' | 'K') => {
    const body = extended.findLast((extending) => extending.type === which)?.body;
    return body === undefined ? undefined : textOf(body);
  };
  const name = valueFor('GNU.sparse.name') ?? valueFor('path') ?? long('L') ?? decoded.name;
  // A file whose name ends with a slash is a directory of the oldest format.
  const kind = plain === 'file' && name.endsWith('/') ? 'directory' : plain;
  const stored = number('size', Number.MAX_SAFE_INTEGER, 'number of bytes');
  if (kind !== 'file' && stored !== 0) throw new BadHeader('content in a member that is no file');
  return {
    name,
    kind,
    mode: decoded.mode & 0o7777,
    uid: number('uid', 2 ** 32 - 1, 'number of a user'),
    gid: number('gid', 2 ** 32 - 1, 'number of a group'),
    target:
      kind === 'link' || kind === 'hard link' ? (valueFor('linkpath') ?? long('K') ?? decoded.linkname ?? '') : '',
    stored,
    sparse: kind === 'file' ? sparseOf(headers, records, type === 'S') : undefined,
  };
}

function kindOf(type: string): TarEntry['kind'] {
  const kind = KINDS[type];
  if (kind === undefined) throw new BadHeader(`a member of type ${JSON.stringify(type)}, which no checkpoint needs`);
  return kind;
}

function recordsOf(body: Buffer, isWanted?: (body: Buffer, start: number, end: number) => boolean): PaxRecord[] {
  const records = paxRecords(body, isWanted);
  if (records === undefined) throw new BadHeader('an extended header that is no list of records');
  return records;
}

function sparseOf(headers: HeaderBlocks, records: readonly PaxRecord[], isOld: boolean): SparseFile | undefined {
  try {
    return sparseFileOf(headers, records, isOld);
  } catch (error) {
    throw new BadHeader((error as Error).message);
  }
}
