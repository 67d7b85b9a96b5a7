import fs from 'node:fs';
import { builtins } from '../../bytes/builtins';
import { escapeBytes } from '../../bytes/escape';
import { messages } from '../../errors/messages';
import { closeRead } from '../close';
import type { ArchiveForm } from '../form';
import { openRegular } from '../open-flags';
import { BLOCK_BYTES, hasChecksum, isZeroBlock } from './blocks';

/** Compressions by what such files begin with; without a form where fdgraft does not read them. */
const MAGICS: readonly { readonly bytes: readonly number[]; readonly name: string; readonly form?: ArchiveForm }[] = [
  { bytes: [0x1f, 0x8b], name: 'gzip', form: 'tar.gz' },
  { bytes: [0x28, 0xb5, 0x2f, 0xfd], name: 'zstd', form: 'tar.zst' },
  { bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], name: 'xz' },
  { bytes: [0x42, 0x5a, 0x68], name: 'bzip2' },
  { bytes: [0x04, 0x22, 0x4d, 0x18], name: 'lz4' },
  { bytes: [0x50, 0x4b, 0x03, 0x04], name: 'zip' },
];

/**
 * What kind of archive a file is, by its content; undefined where it is none, or no regular file. Throws FdgraftError
 * (SYSTEM) where it cannot be read.
 */
export function archiveForm(file: string | Buffer): ArchiveForm | undefined {
  const begin = firstBlock(file);
  if (begin === undefined) return undefined;
  const magic = MAGICS.find(({ bytes }) => bytes.every((byte, i) => begin[i] === byte));
  // pzstd begins with a frame that is to be skipped; the number in its magic is free.
  const isSkippable = begin.length >= 4 && (begin.readUInt32LE(0) & 0xfffffff0) >>> 0 === 0x184d2a50;
  if (magic !== undefined || isSkippable) return isSkippable ? 'tar.zst' : magic?.form;
  return begin.length === BLOCK_BYTES && hasChecksum(begin) ? 'tar' : undefined;
}

/** True for a regular file that is an archive by its content. */
export function isArchive(file: string | Buffer): boolean {
  return archiveForm(file) !== undefined;
}

/** The name of a compression that such archives do not have; undefined for all else. */
export function foreignCompression(file: string | Buffer): string | undefined {
  const begin = firstBlock(file);
  return MAGICS.find(({ bytes, form }) => form === undefined && bytes.every((byte, i) => begin?.[i] === byte))?.name;
}

/** Even of zeros, this is a few megabytes. */
const HEAD_BYTES = 1 << 12;

/**
 * The same for files that nobody has named one by one: what gzip compresses may be a log, so its first block is looked
 * at. What is damaged counts, since whoever reads it says so.
 */
export function looksLikeArchive(file: string): boolean {
  const form = archiveForm(file);
  if (form !== 'tar.gz') return form !== undefined;
  const { gunzipSync, constants } = builtins.zlib;
  const head = firstBytesOf(file, HEAD_BYTES) ?? Buffer.alloc(0);
  try {
    const begin = gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, BLOCK_BYTES);
    if (begin.length === BLOCK_BYTES) return hasChecksum(begin) || isZeroBlock(begin);
    // Too short for a tar, if that is all of it: else this throws.
    gunzipSync(head);
    return false;
  } catch {
    return true;
  }
}

const firstBlock = (file: string | Buffer) => firstBytesOf(file, BLOCK_BYTES);

/** The bytes that a file begins with. Undefined if it is no regular file: opening a FIFO would wait. */
export function firstBytesOf(file: string | Buffer, most: number): Buffer | undefined {
  try {
    if (fs.statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
    const opened = openRegular(file);
    if (opened === undefined) return undefined;
    try {
      const bytes = Buffer.alloc(most);
      return bytes.subarray(0, fs.readSync(opened.fd, bytes, 0, most, 0));
    } finally {
      closeRead(opened.fd);
    }
  } catch (error) {
    throw messages.cannotRead(typeof file === 'string' ? file : escapeBytes(file), error);
  }
}
