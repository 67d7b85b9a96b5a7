import { messages } from '../../errors/messages';
import type { ArchiveForm } from '../form';
import { SeenFiles } from '../seen-files';
import { Spool } from '../spool';
import { ArchiveFile } from './archive-file';
import { ArchiveIndex } from './archive-index';
import { paddingOf, RECORD_BYTES } from './blocks';
import { HeaderReader, type TarEntry } from './read-headers';
import { openTarBytes, type TarBytes } from './tar-bytes';

/** What one pass over an archive gives. */
export interface ScannedArchive {
  readonly file: ArchiveFile;
  readonly index: ArchiveIndex;
  /** Of a compressed archive: the content of what is kept. */
  readonly spool: Spool | undefined;
  readonly hasRecords: boolean;
}

const CHUNK_BYTES = 1 << 16;
/** What fills up the largest records that anybody writes. */
const MAX_END_BYTES = 1 << 20;

export interface ScanOptions {
  /**
   * By the last part of its path, whether a member's content is to be kept, where it cannot be read without unpacking all
   * before it.
   */
  readonly isKept: (name: string) => boolean;
  readonly seen?: SeenFiles | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Reads an archive once and checks all of its members. Throws FdgraftError. */
export async function scanArchive(
  label: string,
  form: ArchiveForm,
  { isKept, signal, seen = new SeenFiles(signal) }: ScanOptions,
): Promise<ScannedArchive> {
  const file = await ArchiveFile.find(label, form, seen);
  const index = new ArchiveIndex(label);
  const spool = form === 'tar' ? undefined : new Spool();
  const bytes = openTarBytes(file, signal);
  const headers = new HeaderReader(bytes, label);
  try {
    for (let at = 0; ; at = bytes.position) {
      const entry = await headers.next();
      if (entry === undefined) break;
      const contentAt = bytes.position;
      const spooledAt = spool && isKeptEntry(entry, isKept) ? spool.length : undefined;
      index.add(entry, at, contentAt, spooledAt);
      if (spool !== undefined && spooledAt !== undefined) await copyTo(spool, bytes, entry.stored, label);
      await bytes.skipTo(contentAt + entry.stored + paddingOf(entry.stored));
    }
    await checkEnd(bytes, label);
    return { file, index, spool, hasRecords: bytes.position % RECORD_BYTES === 0 };
  } catch (error) {
    spool?.close();
    throw error;
  } finally {
    await bytes.close();
  }
}

function isKeptEntry({ kind, name }: TarEntry, isKept: (name: string) => boolean): boolean {
  return kind === 'file' && isKept(name.slice(name.lastIndexOf('/') + 1));
}

async function copyTo(spool: Spool, bytes: TarBytes, stored: number, label: string): Promise<void> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let left = stored; left > 0; ) {
    const got = await bytes.read(chunk, 0, Math.min(chunk.length, left));
    if (got === 0) throw messages.archiveCutOff(label, bytes.position);
    spool.push(chunk.subarray(0, got));
    left -= got;
  }
}

/** Behind the end mark there are zeros at most. What else were there would be lost, or tar -i would read it. */
async function checkEnd(bytes: TarBytes, label: string): Promise<void> {
  const begin = bytes.position;
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  for (;;) {
    const got = await bytes.read(chunk, 0, chunk.length);
    if (got === 0) return;
    if (chunk.subarray(0, got).some((byte) => byte !== 0)) {
      throw messages.archiveUnusable(label, begin, 'has bytes behind the end of the archive');
    }
    if (bytes.position - begin > MAX_END_BYTES) {
      throw messages.archiveUnusable(
        label,
        begin,
        `has over ${MAX_END_BYTES} zero bytes behind the end of the archive`,
      );
    }
  }
}
