import type { ByteWriter } from './byte-stream';

const BYTES = 1 << 16;
const SIZE_BYTES = 4;
/** Up to so many bytes are copied one by one. */
const LOOPED = 128;

/** Gathers small chunks, so that a writer gets few large ones. */
export class BufferedWriter {
  private readonly bytes = Buffer.allocUnsafeSlow(2 * BYTES);
  private length = 0;

  constructor(private readonly writer: ByteWriter) {}

  /** True where `flush` is due: what is added after that may take long. */
  get isFull(): boolean {
    return this.length >= BYTES;
  }

  /** Adds a small record, the first `length` bytes, behind its size; false, and nothing added, where there is no room. */
  addRecord(record: Uint8Array, length: number): boolean {
    const { bytes, length: to } = this;
    const from = to + SIZE_BYTES;
    if (from + length > bytes.length) return false;
    bytes.writeUInt32LE(length, to);
    // A call into V8 costs more than this.
    if (length <= LOOPED) for (let i = 0; i < length; i += 1) bytes[from + i] = record[i] as number;
    else bytes.set(record.subarray(0, length), from);
    this.length = from + length;
    return true;
  }

  /** Adds a chunk. Resolves at once where it is small. */
  async write(chunk: Uint8Array): Promise<void> {
    if (!this.add(chunk)) {
      await this.flush();
      await this.writer.write(chunk);
    }
  }

  /** Adds small chunks; false, and none added, where there is no room for them. */
  add(...chunks: readonly Uint8Array[]): boolean {
    let { length } = this;
    for (const chunk of chunks) length += chunk.length;
    if (length > this.bytes.length) return false;
    for (const chunk of chunks) {
      this.bytes.set(chunk, this.length);
      this.length += chunk.length;
    }
    return true;
  }

  async flush(): Promise<void> {
    if (this.length === 0) return;
    const { length } = this;
    this.length = 0;
    await this.writer.write(this.bytes.subarray(0, length));
  }
}
