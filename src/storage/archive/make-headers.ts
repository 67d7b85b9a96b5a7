import { BLOCK_BYTES, fieldOf, MAX_OCTAL_ID, paddingOf, setBytes, setChecksum, setNumber, USTAR } from './blocks';
import { makePaxRecord } from './pax';

/** A member that comes from elsewhere than an archive. */
export interface NewMember {
  /** A folder's ends with a slash. */
  readonly name: Buffer;
  readonly kind: 'file' | 'link' | 'folder';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** In seconds since 1970. */
  readonly mtime: number;
  readonly size: number;
  /** Of a link. */
  readonly target?: Buffer;
}

const TYPES = { file: '0', link: '2', folder: '5' } as const;
/** What 11 octal digits have room for. */
const MAX_OCTAL = 8 ** 11 - 1;

/** The headers of a member: ustar, and pax for what has no room there. */
export function makeHeaders(member: NewMember): Buffer {
  const main = Buffer.alloc(BLOCK_BYTES);
  const records: Buffer[] = [];
  const text = (field: 'name' | 'target', key: string, bytes: Buffer) => {
    if (bytes.length > fieldOf(main, field).length) records.push(makePaxRecord(key, bytes));
    setBytes(main, field, bytes);
  };
  const number = (field: 'uid' | 'gid' | 'size' | 'mtime', value: number, most: number) => {
    const fits = value >= 0 && value <= most;
    if (!fits) records.push(makePaxRecord(field, Buffer.from(`${value}`)));
    setNumber(main, field, fits ? value : 0);
  };
  text('name', 'path', member.name);
  text('target', 'linkpath', member.target ?? Buffer.alloc(0));
  setNumber(main, 'mode', member.mode);
  number('uid', member.uid, MAX_OCTAL_ID);
  number('gid', member.gid, MAX_OCTAL_ID);
  number('size', member.size, MAX_OCTAL);
  number('mtime', member.mtime, MAX_OCTAL);
  setBytes(main, 'type', Buffer.from(TYPES[member.kind]));
  setBytes(main, 'magic', USTAR);
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
