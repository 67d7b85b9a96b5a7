import { fieldOf, hasPrefix, MAX_OCTAL_ID, numberOf, paddingOf, setBytes, setChecksum, setNumber } from './blocks';
import { type HeaderBlocks, splitHeaders, typeOf } from './headers';
import { makePaxHeader } from './make-headers';
import { makePaxRecord, type PaxRecord, paxRecords } from './pax';

/** A plain file that takes over the headers of another member: what they say otherwise is changed, all else is kept. */
export interface Remade {
  readonly size: number;
  /** As it is to stand there; as it was where undefined. */
  readonly name?: Buffer;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** Types of a plain file: POSIX has the oldest format's beside its own. */
const PLAIN = new Set(['0', '\0']);

/** Records that tell of the old content, and not of what the member is. */
const OF_CONTENT = /^(size$|linkpath$|GNU\.sparse\.)/;
const OLD_GNU_MAP = { start: 386, end: 495 };
const OWNERS = [
  { id: 'uid', name: 'userName', nameKey: 'uname' },
  { id: 'gid', name: 'groupName', nameKey: 'gname' },
] as const;

/**
 * Headers for a plain file like another member, whose headers `raw` are: its times, names of owners and attributes are
 * kept, and all of them where they say already what they are to say.
 */
export function remakeHeaders(raw: Buffer, remade: Remade): Buffer {
  const split = splitHeaders(raw);
  if (split === undefined) throw new TypeError('these headers were read before');
  const old = split.extended.filter(({ type }) => type === 'x').flatMap(({ body }) => paxRecords(body) ?? []);
  if (sayAlready(split.main, old, remade)) return raw;
  const main = Buffer.from(split.main);
  const records = new Map(old.filter(({ key }) => !OF_CONTENT.test(key)).map((record) => [record.key, record.bytes]));
  const set = (key: string, value: Uint8Array) => records.set(key, makePaxRecord(key, value));

  if (typeOf(main) === 'S') main.fill(0, OLD_GNU_MAP.start, OLD_GNU_MAP.end);
  if (!PLAIN.has(typeOf(main))) {
    setBytes(main, 'type', Buffer.from('0'));
    setBytes(main, 'target', Buffer.alloc(0));
  }
  if (numberOf(fieldOf(main, 'size')) !== remade.size) setNumber(main, 'size', remade.size);
  if ((numberOf(fieldOf(main, 'mode')) & 0o7777) !== remade.mode) setNumber(main, 'mode', remade.mode);
  for (const { id, name, nameKey } of OWNERS) {
    if (numberIn(main, old, id) === remade[id]) continue;
    // A name would count more than the number.
    for (const key of [id, nameKey]) records.delete(key);
    if (hasOwnerNames(main)) setBytes(main, name, Buffer.alloc(0));
    const fits = remade[id] <= MAX_OCTAL_ID;
    setNumber(main, id, fits ? remade[id] : 0);
    if (!fits) set(id, Buffer.from(`${remade[id]}`));
  }
  const name = remade.name ?? lastValue(old, 'GNU.sparse.name');
  if (name !== undefined) {
    records.delete('path');
    if (name.length > fieldOf(main, 'name').length) set('path', name);
    setBytes(main, 'name', name);
    if (hasPrefix(main)) setBytes(main, 'prefix', Buffer.alloc(0));
  }
  // With all else unchanged, the checksum keeps its form too.
  if (!main.equals(split.main)) setChecksum(main);
  return Buffer.concat([...keptBlocks(split, name !== undefined), paxHeader(split, [...records.values()], main), main]);
}

function sayAlready(main: Buffer, records: readonly PaxRecord[], { name, size, mode, uid, gid }: Remade): boolean {
  return (
    name === undefined &&
    PLAIN.has(typeOf(main)) &&
    !records.some(({ key }) => key.startsWith('GNU.sparse.')) &&
    numberIn(main, records, 'size') === size &&
    (numberOf(fieldOf(main, 'mode')) & 0o7777) === mode &&
    numberIn(main, records, 'uid') === uid &&
    numberIn(main, records, 'gid') === gid
  );
}

/** Global headers count for members that come later; a long name is still that of this one unless it is `renamed`. */
function keptBlocks({ extended }: HeaderBlocks, renamed: boolean): Buffer[] {
  return extended
    .filter(({ type }) => type === 'g' || (type === 'L' && !renamed))
    .flatMap(({ header, body }) => [header, body, Buffer.alloc(paddingOf(body.length))]);
}

function paxHeader({ extended }: HeaderBlocks, records: readonly Buffer[], main: Buffer): Buffer {
  if (records.length === 0) return Buffer.alloc(0);
  const body = Buffer.concat(records);
  const old = extended.find(({ type }) => type === 'x');
  if (old === undefined) return makePaxHeader(body, main);
  const header = Buffer.from(old.header);
  setNumber(header, 'size', body.length);
  setChecksum(header);
  return Buffer.concat([header, body, Buffer.alloc(paddingOf(body.length))]);
}

function numberIn(main: Buffer, records: readonly PaxRecord[], key: 'uid' | 'gid' | 'size'): number {
  const value = lastValue(records, key);
  return value === undefined ? numberOf(fieldOf(main, key)) : Number(value.toString('latin1'));
}

function lastValue(records: readonly PaxRecord[], key: string): Buffer | undefined {
  const value = records.findLast((record) => record.key === key)?.value;
  return value?.length === 0 ? undefined : value;
}

/** The oldest format has nothing behind the target. */
function hasOwnerNames(main: Buffer): boolean {
  return fieldOf(main, 'magic').toString('latin1', 0, 5) === 'ustar';
}
