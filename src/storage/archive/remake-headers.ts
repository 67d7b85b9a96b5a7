import { fieldOf, paddingOf, setBytes, setChecksum, setNumber } from './blocks';
import { type ExtendedHeader, type HeaderBlocks, splitHeaders } from './headers';
import { makePaxRecord, paxRecords } from './pax';

/** What a member with new content has otherwise than the one whose headers it takes over. */
export interface Remade {
  readonly size: number;
  /** As it is to stand there; as it was where undefined. */
  readonly name?: Buffer;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

/** Records that tell of the old content, and not of what the member is. */
const OF_CONTENT = /^(size$|linkpath$|GNU\.sparse\.)/;
const OLD_GNU_MAP = { start: 386, end: 495 };
const MAX_OCTAL_ID = 0o7777777;

/**
 * Headers for a plain file like another member: its times, names of owners and attributes are kept. `raw`: the headers
 * of that one.
 */
export function remakeHeaders(raw: Buffer, remade: Remade): Buffer {
  const split = splitHeaders(raw);
  if (split === undefined) throw new TypeError('these headers were read before');
  const { main, name, isLong } = remakeMain(split, remade);
  const old = split.extended.find(({ type }) => type === 'x');
  const kept = (old === undefined ? [] : (paxRecords(old.body) ?? [])).filter(
    ({ key }) => !OF_CONTENT.test(key) && !(key === 'path' && name !== undefined) && !(key in remade),
  );
  const records = kept.map(({ bytes }) => bytes);
  if (isLong && name !== undefined) records.push(makePaxRecord('path', name));
  for (const key of ['uid', 'gid'] as const) {
    const id = remade[key] ?? 0;
    if (id > MAX_OCTAL_ID) records.push(makePaxRecord(key, Buffer.from(`${id}`)));
  }
  const isKept = ({ type }: ExtendedHeader) => type === 'g' || (type === 'L' && name === undefined);
  const blocks = split.extended.filter(isKept).flatMap(({ header, body }) => filled(header, body));
  if (records.length > 0) {
    const body = Buffer.concat(records);
    const header = Buffer.from(old?.header ?? paxHeaderLike(main));
    setNumber(header, 'size', body.length);
    setChecksum(header);
    blocks.push(...filled(header, body));
  }
  return Buffer.concat([...blocks, main]);
}

function remakeMain(split: HeaderBlocks, remade: Remade) {
  const main = Buffer.from(split.main);
  if (String.fromCharCode(main[156] as number) === 'S') main.fill(0, OLD_GNU_MAP.start, OLD_GNU_MAP.end);
  setBytes(main, 'type', Buffer.from('0'));
  setBytes(main, 'target', Buffer.alloc(0));
  setNumber(main, 'size', remade.size);
  if (remade.mode !== undefined) setNumber(main, 'mode', remade.mode);
  for (const key of ['uid', 'gid'] as const) {
    const id = remade[key];
    if (id !== undefined) setNumber(main, key, id > MAX_OCTAL_ID ? 0 : id);
  }
  const name = remade.name ?? nameBeforeSparse(split);
  const isLong = name !== undefined && name.length > fieldOf(main, 'name').length;
  if (name !== undefined) {
    setBytes(main, 'name', name.subarray(0, fieldOf(main, 'name').length));
    // GNU's format has other things there.
    if (fieldOf(main, 'magic').equals(Buffer.from('ustar\0'))) setBytes(main, 'prefix', Buffer.alloc(0));
  }
  setChecksum(main);
  return { main, name, isLong };
}

/** The own name of a sparse file in a pax archive, whose header has one that tells of that. */
function nameBeforeSparse({ extended }: HeaderBlocks): Buffer | undefined {
  const records = extended.flatMap(({ type, body }) => (type === 'x' ? (paxRecords(body) ?? []) : []));
  return records.findLast(({ key }) => key === 'GNU.sparse.name')?.value;
}

function paxHeaderLike(main: Buffer): Buffer {
  const header = Buffer.from(main);
  setBytes(header, 'type', Buffer.from('x'));
  setBytes(header, 'name', Buffer.from('PaxHeader'));
  return header;
}

function filled(header: Buffer, body: Buffer): Buffer[] {
  return [header, body, Buffer.alloc(paddingOf(body.length))];
}
