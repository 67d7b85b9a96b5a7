import type { ByteReader } from '../../src/bytes/byte-stream';
import { expect } from './target';

/**
 * Counts work: bytes and calls that go through readers and writers, files that are open, and bytes of buffers. An input
 * may cost so much as its size says, and no machine is too slow for that.
 */
export class Meter {
  reads = 0;
  bytesRead = 0;
  bytesWritten = 0;
  opened = 0;
  closed = 0;
  private readonly allocatedBefore = allocated;

  /** Bytes of buffers that were made since. */
  get allocated(): number {
    return allocated - this.allocatedBefore;
  }

  /** Gives bytes in chunks of at most `most`. */
  reader(bytes: Uint8Array, most = Number.POSITIVE_INFINITY): ByteReader {
    let at = 0;
    return {
      read: async (into, start, length) => {
        this.reads += 1;
        expect(
          length > 0 && start >= 0 && start + length <= into.length,
          () => `a read of ${length} bytes at ${start}`,
        );
        const size = Math.min(length, most, bytes.length - at);
        into.set(bytes.subarray(at, at + size), start);
        at += size;
        this.bytesRead += size;
        return size;
      },
    };
  }

  /** Throws a Finding where more was done than `size` bytes of input can cost, each read `passes` times. */
  check(what: string, size: number, limits: WorkLimits): void {
    const { passes, allocatedTo } = limits;
    expect(this.bytesRead <= passes * size, () => `${what}: ${this.bytesRead} bytes read of ${size}`);
    const most = allocatedTo.base + allocatedTo.perByte * size;
    expect(this.allocated <= most, () => `${what}: buffers of ${this.allocated} bytes for an input of ${size}`);
    expect(this.opened === this.closed, () => `${what}: ${this.opened} files opened and ${this.closed} closed`);
  }
}

export interface WorkLimits {
  /** How often each byte may be read. */
  readonly passes: number;
  /** Bytes of buffers: so many, and so many more for each byte of the input. */
  readonly allocatedTo: { readonly base: number; readonly perByte: number };
}

let allocated = 0;

/** From here on every buffer counts. It is never undone: it belongs into a process or thread that does nothing else. */
export function countBuffers(): void {
  if (isCounting) return;
  isCounting = true;
  for (const name of ['alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const) {
    const original = Buffer[name] as (size: number, ...rest: unknown[]) => Buffer<ArrayBuffer>;
    Buffer[name] = (size: number, ...rest: unknown[]) => {
      allocated += size;
      return original(size, ...rest);
    };
  }
}

let isCounting = false;
