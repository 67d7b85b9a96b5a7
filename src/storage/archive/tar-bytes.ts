import fs from 'node:fs';
import { pipeline, type Readable } from 'node:stream';
import { builtins } from '../../bytes/builtins';
import type { ByteReader } from '../../bytes/byte-stream';
import { messages } from '../../errors/messages';
import { breathe } from '../breath';
import { readStream } from '../single-file';
import type { ArchiveFile } from './archive-file';
import { spawnZstd } from './zstd';

/** The bytes of a tar, without the compression around it, from some place on. */
export interface TarBytes extends ByteReader {
  /** Where the next byte lies. */
  readonly position: number;
  /** Goes on to a later place. Throws FdgraftError where the archive ends before. */
  skipTo(position: number): Promise<void>;
  close(): Promise<void>;
}

const CHUNK_BYTES = 1 << 18;

/** Below it, no archive is called a bomb. */
const HARMLESS_BYTES = 2 ** 30;
/** Memory of programs is compressed to a third, or where it is mostly empty to a fiftieth. */
const MAX_RATIO = 200;

/** Throws FdgraftError where an archive of so many bytes unpacks to suspiciously many. */
export function refuseBomb(label: string, packed: number, unpacked: number): void {
  if (unpacked > HARMLESS_BYTES && unpacked > packed * MAX_RATIO) throw messages.archiveIsBomb(label, packed, unpacked);
}

/** Opens the bytes of a tar. Throws FdgraftError; so does reading them. */
export function openTarBytes(file: ArchiveFile): TarBytes {
  return file.form === 'tar' ? new PlainBytes(file) : new UnpackedBytes(file);
}

/** Reads all that was asked for. Throws FdgraftError where the archive ends before. */
export async function readFully(bytes: TarBytes, length: number, label: string): Promise<Buffer> {
  const into = Buffer.alloc(length);
  for (let done = 0; done < length; ) {
    const got = await bytes.read(into, done, length - done);
    if (got === 0) throw messages.archiveCutOff(label, bytes.position);
    done += got;
  }
  return into;
}

class PlainBytes implements TarBytes {
  position = 0;
  private readonly fd: number;
  private isOpen = true;

  constructor(private readonly file: ArchiveFile) {
    this.fd = file.open();
  }

  async read(into: Uint8Array, start: number, length: number): Promise<number> {
    await breathe();
    try {
      const got = fs.readSync(this.fd, into, start, length, this.position);
      this.position += got;
      return got;
    } catch (error) {
      throw messages.cannotRead(this.file.label, error);
    }
  }

  async skipTo(position: number): Promise<void> {
    if (position > this.file.bytes) throw messages.archiveCutOff(this.file.label, this.file.bytes);
    this.position = position;
  }

  async close(): Promise<void> {
    if (this.isOpen) fs.closeSync(this.fd);
    this.isOpen = false;
  }
}

class UnpackedBytes implements TarBytes {
  position = 0;
  private readonly reader: ByteReader & { close(): Promise<void> };
  private readonly finish: () => Promise<void>;

  constructor(private readonly file: ArchiveFile) {
    const { label } = file;
    const fd = file.open();
    try {
      const { output, finish } = file.form === 'tar.gz' ? gunzip(fd) : unzstd(fd, label);
      this.reader = readStream(output, label);
      this.finish = finish;
    } catch (error) {
      fs.closeSync(fd);
      throw error;
    }
  }

  async read(into: Uint8Array, start: number, length: number): Promise<number> {
    const got = await this.readAny(into, start, length).catch((error) => {
      throw messages.archiveDamaged(this.file.label, this.position, error);
    });
    this.position += got;
    refuseBomb(this.file.label, this.file.bytes, this.position);
    return got;
  }

  private async readAny(into: Uint8Array, start: number, length: number): Promise<number> {
    try {
      const got = await this.reader.read(into, start, length);
      if (got === 0) await this.finish();
      return got;
    } catch (error) {
      // What unpacks says better what is wrong than its output that came to an end.
      await this.finish();
      throw error;
    }
  }

  async skipTo(position: number): Promise<void> {
    const piece = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, position - this.position));
    while (this.position < position) {
      const got = await this.read(piece, 0, Math.min(piece.length, position - this.position));
      if (got === 0) throw messages.archiveCutOff(this.file.label, this.position);
    }
  }

  async close(): Promise<void> {
    await this.reader.close();
  }
}

interface Unpacking {
  readonly output: Readable;
  /** To be called at the end of the output: throws where that came too early. */
  readonly finish: () => Promise<void>;
}

function gunzip(fd: number): Unpacking {
  const output = builtins.zlib.createGunzip({ chunkSize: CHUNK_BYTES });
  const input = fs.createReadStream('', { fd, start: 0, highWaterMark: CHUNK_BYTES });
  pipeline(input, output, () => {});
  return { output, finish: async () => {} };
}

function unzstd(fd: number, label: string): Unpacking {
  const { child, done } = spawnZstd(['-d'], [fd, 'pipe', 'pipe'], label);
  fs.closeSync(fd);
  const output = child.stdout as Readable;
  output.once('close', () => child.kill());
  return { output, finish: () => done };
}
