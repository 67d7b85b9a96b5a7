import { once } from 'node:events';
import { BLOCK_BYTES, setBytes, setChecksum } from './blocks';

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

const TYPES = { file: 'file', link: 'symlink', folder: 'directory' } as const;
const MAX_OCTAL_ID = 0o7777777;
const MAX_SECONDS = 2 ** 31 - 1;

/** The headers of a member; undefined where a name or a target is no UTF-8 and too long to stand there as it is. */
export async function makeHeaders(member: NewMember): Promise<Buffer | undefined> {
  const { pack } = await import('tar-stream');
  const fits = (bytes: Buffer) => isUtf8(bytes) || bytes.length <= 100;
  const target = member.target ?? Buffer.alloc(0);
  if (!fits(member.name) || !fits(target)) return undefined;
  const text = (bytes: Buffer) => (isUtf8(bytes) ? bytes.toString('utf8') : '-'.repeat(bytes.length));
  const archive = pack();
  const { uid, gid, mtime } = member;
  // The library writes octal digits, and small times.
  const pax = {
    ...(uid > MAX_OCTAL_ID ? { uid } : {}),
    ...(gid > MAX_OCTAL_ID ? { gid } : {}),
    ...(mtime > MAX_SECONDS || mtime < 0 ? { mtime } : {}),
  };
  archive.entry({
    name: text(member.name),
    type: TYPES[member.kind],
    mode: member.mode,
    uid: uid > MAX_OCTAL_ID ? 0 : uid,
    gid: gid > MAX_OCTAL_ID ? 0 : gid,
    mtime: new Date(Math.min(Math.max(mtime, 0), MAX_SECONDS) * 1000),
    size: member.size,
    ...(member.target === undefined ? {} : { linkname: text(target) }),
    ...(Object.keys(pax).length === 0 ? {} : { pax }),
  });
  await once(archive, 'readable');
  const pieces: Buffer[] = [];
  for (let piece = archive.read(); piece !== null; piece = archive.read())
    pieces.push(Buffer.from(piece as Uint8Array));
  archive.on('error', () => {});
  archive.destroy();
  const headers = Buffer.concat(pieces);
  const main = headers.subarray(-BLOCK_BYTES);
  if (!isUtf8(member.name)) setBytes(main, 'name', member.name);
  if (!isUtf8(target)) setBytes(main, 'target', target);
  setChecksum(main);
  return headers;
}

function isUtf8(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString('utf8')).equals(bytes);
}
