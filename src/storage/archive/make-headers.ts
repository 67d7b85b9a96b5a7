import { fieldOf, MAX_OCTAL_ID, paddingOf, setBytes, setChecksum, setNumber } from './blocks';
import { makePaxRecord } from './pax';
import { encodeHeader } from './tar-stream';

/** A member that comes from elsewhere than an archive. */
export interface NewMember {
  /** A directory's ends with a slash. */
  readonly name: Buffer;
  readonly kind: 'file' | 'link' | 'directory';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** In seconds since 1970. */
  readonly mtime: number;
  readonly size: number;
  /** Bytes of a sparse file with its holes; `size` is what the archive keeps of it. */
  readonly sparseSize?: number;
  /** Of a link. */
  readonly target?: Buffer;
}

const TYPES = { file: 'file', link: 'symlink', directory: 'directory' } as const;
/** What 11 octal digits have room for. */
const MAX_OCTAL = 8 ** 11 - 1;
/** tar-stream writes times as signed numbers of 32 bits. */
const MAX_TIME = 2 ** 31 - 1;

/** The headers of a member: ustar, and pax for what has no room there. */
export async function makeHeaders(member: NewMember): Promise<Buffer> {
  const records: Buffer[] = [];
  const number = (key: 'uid' | 'gid' | 'size' | 'mtime', most: number) => {
    const value = member[key];
    if (value >= 0 && value <= most) return value;
    records.push(makePaxRecord(key, Buffer.from(`${value}`)));
    return 0;
  };
  const main = await encodeHeader({
    // Bytes, which need be no text, take its place.
    name: '-',
    linkname: '-',
    type: TYPES[member.kind],
    mode: member.mode,
    uid: number('uid', MAX_OCTAL_ID),
    gid: number('gid', MAX_OCTAL_ID),
    size: number('size', MAX_OCTAL),
    mtime: new Date(number('mtime', MAX_TIME) * 1000),
    uname: '',
    gname: '',
    devmajor: 0,
    devminor: 0,
  });
  const text = (field: 'name' | 'target', key: string, bytes: Buffer) => {
    if (bytes.length > fieldOf(main, field).length) records.push(makePaxRecord(key, bytes));
    setBytes(main, field, bytes);
  };
  // To it, no mode is one of its own.
  setNumber(main, 'mode', member.mode);
  text('name', 'path', member.name);
  if (member.sparseSize !== undefined) {
    const sparse = { major: '1', minor: '0', realsize: `${member.sparseSize}` };
    for (const [key, value] of Object.entries(sparse))
      records.push(makePaxRecord(`GNU.sparse.${key}`, Buffer.from(value)));
    records.push(makePaxRecord('GNU.sparse.name', member.name));
  }
  text('target', 'linkpath', member.target ?? Buffer.alloc(0));
  setChecksum(main);
  return records.length === 0 ? main : Buffer.concat([makePaxHeader(Buffer.concat(records), main), main]);
}

/** A pax header with these records. `like`: the header whose field it takes over. */
export function makePaxHeader(body: Buffer, like: Buffer): Buffer {
  const header = Buffer.from(like);
  setBytes(header, 'type', Buffer.from('x'));
  setBytes(header, 'name', Buffer.from('PaxHeaders/member'));
  setBytes(header, 'target', Buffer.alloc(0));
  setNumber(header, 'size', body.length);
  setChecksum(header);
  return Buffer.concat([header, body, Buffer.alloc(paddingOf(body.length))]);
}
