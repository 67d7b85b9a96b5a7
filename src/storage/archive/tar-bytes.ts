import fs from 'node:fs';
import { pipeline, type Readable } from 'node:stream';
import { builtins } from '../../bytes/builtins';
import type { ByteReader } from '../../bytes/byte-stream';
import { FdgraftError } from '../../errors/fdgraft-error';
import { messages } from '../../errors/messages';
import { closeRead } from '../close';
import { beginPass } from '../pass-progress';
import { type ReadingGuard, ReadingLimit } from '../reading-limit';
import { readStream } from '../single-file';
import { isTrap } from '../trap';
import { yieldToEventLoop } from '../yield-to-event-loop';
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
const AHEAD_BYTES = 1 << 14;
/** Of zeros behind compressed bytes. */
const MAX_ZEROS = 1 << 20;

/** Throws FdgraftError where an archive of so many bytes unpacks to suspiciously many. */
export function refuseBomb(label: string, packed: number, unpacked: number): void {
  if (isTrap(packed, unpacked)) throw messages.archiveIsBomb(label, packed, unpacked);
}

/** Opens the bytes of a tar. Throws FdgraftError; so does reading them. */
export function openTarBytes(file: ArchiveFile, signal: AbortSignal | undefined): TarBytes {
  return file.form === 'tar' ? new PlainBytes(file, signal) : new UnpackedBytes(file, signal);
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
  private readonly guard: ReadingGuard | undefined;
  private isOpen = true;
  private buffer: Buffer | undefined;
  /** What was read last, and where that lies. */
  private ahead: Buffer = Buffer.alloc(0);
  private aheadAt = 0;

  constructor(
    private readonly file: ArchiveFile,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.fd = file.open();
    this.guard = new ReadingLimit().guard(this.fd, file.stats);
    beginPass({ label: file.label, done: () => this.position, total: () => file.bytes });
  }

  async read(into: Uint8Array, start: number, length: number): Promise<number> {
    await yieldToEventLoop();
    this.signal?.throwIfAborted();
    try {
      if (this.guard?.isDue(true)) await this.guard.check(this.file.label);
      const got =
        length > AHEAD_BYTES / 2
          ? fs.readSync(this.fd, into, start, length, this.position)
          : this.readAhead(into, start, length);
      this.position += got;
      this.guard?.count(got);
      this.file.count(got);
      return got;
    } catch (error) {
      throw error instanceof FdgraftError ? error : messages.cannotRead(this.file.label, error);
    }
  }

  /** Headers of small members lie close together: one read gives many of them. */
  private readAhead(into: Uint8Array, start: number, length: number): number {
    let from = this.position - this.aheadAt;
    if (from < 0 || from >= this.ahead.length) {
      this.buffer ??= Buffer.allocUnsafe(AHEAD_BYTES);
      const got = fs.readSync(this.fd, this.buffer, 0, AHEAD_BYTES, this.position);
      this.ahead = this.buffer.subarray(0, got);
      this.aheadAt = this.position;
      from = 0;
    }
    return this.ahead.copy(into, start, from, from + length);
  }

  async skipTo(position: number): Promise<void> {
    if (position > this.file.bytes) throw messages.archiveCutOff(this.file.label, this.file.bytes);
    this.position = position;
  }

  async close(): Promise<void> {
    if (this.isOpen) closeRead(this.fd);
    this.isOpen = false;
  }
}

class UnpackedBytes implements TarBytes {
  position = 0;
  private readonly unpacking: Unpacking;
  private readonly reader: ByteReader & { close(): Promise<void> };

  constructor(
    private readonly file: ArchiveFile,
    private readonly signal: AbortSignal | undefined,
  ) {
    this.unpacking = file.form === 'tar.gz' ? gunzip(file) : unzstd(file);
    this.reader = readStream(this.unpacking.output, file.label);
    beginPass({ label: file.label, done: () => this.unpacking.consumed(), total: () => file.bytes });
  }

  async read(into: Uint8Array, start: number, length: number): Promise<number> {
    this.signal?.throwIfAborted();
    const got = await this.readAny(into, start, length).catch((error) => {
      // What the system or the program says stands behind our own words for it.
      const { cause } = error as Error;
      if (error instanceof FdgraftError && cause === undefined) throw error;
      throw messages.archiveDamaged(this.file.label, this.position, cause ?? error);
    });
    this.position += got;
    refuseBomb(this.file.label, this.file.bytes, this.position);
    this.file.count(got);
    return got;
  }

  private async readAny(into: Uint8Array, start: number, length: number): Promise<number> {
    try {
      const got = await this.reader.read(into, start, length);
      if (got === 0 && length > 0) await this.unpacking.ended();
      return got;
    } catch (error) {
      // What unpacks says better what is wrong than its output that came to an end.
      await this.unpacking.failed();
      throw error;
    }
  }

  async skipTo(position: number): Promise<void> {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, position - this.position));
    while (this.position < position) {
      const got = await this.read(chunk, 0, Math.min(chunk.length, position - this.position));
      if (got === 0) throw messages.archiveCutOff(this.file.label, this.position);
    }
  }

  async close(): Promise<void> {
    await this.reader.close();
    await this.unpacking.stop();
  }
}

interface Unpacking {
  readonly output: Readable;
  /** Of the archive, in bytes. Throws when all is over. */
  consumed(): number;
  /** To be called at the end of the output: throws where that came too early. */
  ended(): Promise<void>;
  /** To be called where the output failed: throws what says more of it. */
  failed(): Promise<void>;
  stop(): Promise<void>;
}

function gunzip(file: ArchiveFile): Unpacking {
  const output = builtins.zlib.createGunzip({ chunkSize: CHUNK_BYTES });
  const input = fs.createReadStream('', { fd: file.open(), start: 0, highWaterMark: CHUNK_BYTES });
  const closed = new Promise<void>((resolve) => input.once('close', () => resolve()));
  pipeline(input, output, () => {});
  return {
    output,
    consumed: () => output.bytesWritten,
    // At zeros it stops, whatever comes behind them.
    ended: async () => refuseMore(file, output.bytesWritten),
    failed: async () => {},
    stop: async () => {
      output.destroy();
      await closed;
    },
  };
}

/** Behind what was unpacked there may be zeros, as on tapes. Something else would be lost. */
function refuseMore(file: ArchiveFile, from: number): void {
  const fd = file.open();
  try {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    for (let at = from; at < file.bytes; ) {
      const got = fs.readSync(fd, chunk, 0, chunk.length, at);
      const isZero = !chunk.subarray(0, got).some((byte) => byte !== 0);
      if (got === 0 || (isZero && at - from <= MAX_ZEROS)) at += got || file.bytes;
      else throw messages.archiveHasMore(file.label, at);
    }
  } finally {
    closeRead(fd);
  }
}

function unzstd(file: ArchiveFile): Unpacking {
  const fd = file.open();
  try {
    const { child, done, stop } = spawnZstd(['-d'], [fd, 'pipe', 'pipe'], file.label);
    let isOpen = true;
    return {
      output: child.stdout as Readable,
      consumed: () => (isOpen ? offsetOf(fd) : file.bytes),
      ended: () => done,
      failed: () => done,
      stop: async () => {
        if (isOpen) closeRead(fd);
        isOpen = false;
        await stop();
      },
    };
  } catch (error) {
    closeRead(fd);
    throw error;
  }
}

/** The offset that the next read of a descriptor has, which all processes with a copy of it share. */
function offsetOf(fd: number): number {
  const [, offset] = /^pos:\s*(\d+)$/m.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')) ?? [];
  return Number(offset ?? 0);
}
