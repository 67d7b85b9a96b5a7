import fs from 'node:fs';
import { NEVER_WAIT_OR_FOLLOW } from '../open-flags';

const GZIP = Buffer.from([0x1f, 0x8b]);
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const TAR_HEADER_BYTES = 512;
/** Where the header of a tar has its checksum, as octal digits. */
const CHECKSUM = { at: 148, length: 8 };

/** True for a regular file that begins as a tar does, plain or compressed with gzip or zstd. */
export function isArchive(path: string | Buffer): boolean {
  const head = readHead(path);
  return head !== undefined && (startsWith(head, GZIP) || startsWith(head, ZSTD) || isTarHeader(head));
}

function readHead(path: string | Buffer): Buffer | undefined {
  let fd: number | undefined;
  try {
    fd = fs.openSync(path, NEVER_WAIT_OR_FOLLOW);
    if (!fs.fstatSync(fd).isFile()) return undefined;
    const head = Buffer.alloc(TAR_HEADER_BYTES);
    return head.subarray(0, fs.readSync(fd, head, 0, head.length, 0));
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

function startsWith(head: Buffer, magic: Buffer): boolean {
  return head.subarray(0, magic.length).equals(magic);
}

/** The checksum counts its own field as spaces. */
function isTarHeader(head: Buffer): boolean {
  if (head.length < TAR_HEADER_BYTES) return false;
  const field = head.subarray(CHECKSUM.at, CHECKSUM.at + CHECKSUM.length);
  const told = /^[ \0]*([0-7]+)[ \0]*$/.exec(field.toString('latin1'))?.[1];
  if (told === undefined) return false;
  let sum = CHECKSUM.length * ' '.charCodeAt(0);
  for (const [at, byte] of head.entries()) {
    if (at < CHECKSUM.at || at >= CHECKSUM.at + CHECKSUM.length) sum += byte;
  }
  return Number.parseInt(told, 8) === sum;
}
