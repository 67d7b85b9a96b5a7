import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ByteReader, ByteWriter } from '../bytes/byte-stream';
import { messages } from '../errors/messages';
import { yieldToEventLoop } from './yield-to-event-loop';

/** What is kept in memory; more goes to a file. */
const MEMORY_BYTES = 1 << 20;
const CHUNK_BYTES = 1 << 18;

/**
 * Bytes that have to wait, of any number, in a little memory: the first in it, all of them in a file of the temporary
 * directory (TMPDIR) when they become many. The file has no name, so that nothing is left behind.
 */
export class Spool {
  /** Bytes so far. */
  length = 0;
  private chunks: Buffer[] = [];
  private inMemory = 0;
  private fd: number | undefined;

  push(bytes: Uint8Array): void {
    this.length += bytes.length;
    this.chunks.push(Buffer.from(bytes));
    this.inMemory += bytes.length;
    if (this.inMemory > MEMORY_BYTES) this.toFile();
  }

  /** Gives all bytes to a writer. */
  async writeTo(writer: ByteWriter): Promise<void> {
    const reader = this.reader();
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, this.length));
    for (let left = this.length; left > 0; ) {
      const got = await reader.read(chunk, 0, Math.min(chunk.length, left));
      await writer.write(chunk.subarray(0, got));
      left -= got;
    }
  }

  /** Reads the bytes from a place on, up to another. */
  reader(from = 0, to = this.length): ByteReader {
    let at = from;
    return {
      read: async (into, start, length) => {
        await yieldToEventLoop();
        const got = this.copy(into, start, Math.min(length, to - at), at);
        at += got;
        return got;
      },
    };
  }

  private copy(into: Uint8Array, start: number, length: number, at: number): number {
    const { fd } = this;
    if (fd === undefined) {
      if (this.chunks.length > 1) this.chunks = [Buffer.concat(this.chunks)];
      return this.chunks[0]?.copy(into, start, at, at + length) ?? 0;
    }
    this.toFile();
    return attempt(() => fs.readSync(fd, into, start, length, at));
  }

  close(): void {
    if (this.fd !== undefined) fs.closeSync(this.fd);
    this.fd = undefined;
    this.chunks = [];
  }

  private toFile(): void {
    this.fd ??= attempt(openUnnamed);
    const { fd } = this;
    if (this.chunks.length === 0) return;
    const all = Buffer.concat(this.chunks);
    for (let at = 0; at < all.length; ) at += attempt(() => fs.writeSync(fd, all, at));
    this.chunks = [];
    this.inMemory = 0;
  }
}

function openUnnamed(): number {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-'));
  const file = path.join(directory, 'spool');
  try {
    const fd = fs.openSync(file, 'wx+', 0o600);
    fs.unlinkSync(file);
    return fd;
  } finally {
    fs.rmdirSync(directory);
  }
}

function attempt<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw messages.cannotSpool(os.tmpdir(), error);
  }
}
