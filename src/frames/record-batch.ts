import { locate } from '../errors/locate';
import { WireFault } from '../errors/wire-fault';

/** Reads the record `bytes[start, end)`, which is entry number `entry` of its image. */
export type VisitRecord<T = void> = (bytes: Uint8Array, start: number, end: number, entry: number) => T;

/**
 * Some records of an image, as positions in one buffer. Record i is `bytes[starts[i], ends[i])`; its u32 size stands
 * before it. Valid until the next batch is asked for. What a visitor throws as WireFault leaves the batch as
 * FdgraftError, with the file, the entry and the offset.
 */
export class RecordBatch {
  constructor(
    /** Name of the image, as messages show it. */
    readonly file: string,
    readonly bytes: Uint8Array,
    readonly starts: Int32Array,
    readonly ends: Int32Array,
    readonly count: number,
    /** Number in the image of record 0 of the batch. */
    readonly firstEntry: number,
    /** The end of the batch: behind the last record, and behind its extra if the buffer holds all of it. */
    readonly end: number,
    /** Offset in the file of bytes[0]. */
    readonly base: number,
  ) {}

  /** Visits each record. */
  each(visit: VisitRecord<unknown>): void {
    const { bytes, starts, ends, count, firstEntry } = this;
    let i = 0;
    try {
      for (; i < count; i += 1) visit(bytes, starts[i] as number, ends[i] as number, firstEntry + i);
    } catch (error) {
      throw this.located(error, i);
    }
  }

  /** Visits record `i`. */
  at<T>(i: number, visit: VisitRecord<T>): T {
    try {
      return visit(this.bytes, this.starts[i] as number, this.ends[i] as number, this.firstEntry + i);
    } catch (error) {
      throw this.located(error, i);
    }
  }

  /** Record 0 alone. */
  first(): RecordBatch {
    const { file, bytes, starts, ends, firstEntry, end, base } = this;
    return new RecordBatch(file, bytes, starts, ends, 1, firstEntry, end, base);
  }

  /** The batch in chunks of so many records, for those who make something of each: it need not all be there at once. */
  *chunks(records: number): Generator<RecordBatch, void, undefined> {
    const { file, bytes, starts, ends, count, firstEntry, end, base } = this;
    for (let from = 0; from < count; from += records) {
      const to = Math.min(count, from + records);
      const [firsts, lasts] = [starts.subarray(from, to), ends.subarray(from, to)];
      yield new RecordBatch(file, bytes, firsts, lasts, to - from, firstEntry + from, end, base);
    }
  }

  /** The error to throw for record `i`, with its place. */
  located(error: unknown, i: number): unknown {
    return error instanceof WireFault ? locate(error, this.file, this.firstEntry + i, this.base) : error;
  }
}
