import type { FileReference } from './named-file';

/** All mappings of a task, in a few bytes each. */
export class MappingTable {
  length = 0;
  private starts = new BigUint64Array(64);
  private ends = new BigUint64Array(64);
  /** File id and type; type 0 where none is mapped. */
  private ids = new Float64Array(64);
  private types = new Uint8Array(64);

  add(start: bigint, end: bigint, file: FileReference | undefined): void {
    if (this.length === this.starts.length) this.grow();
    this.starts[this.length] = start;
    this.ends[this.length] = end;
    this.ids[this.length] = file?.id ?? 0;
    this.types[this.length] = file?.type ?? 0;
    this.length += 1;
  }

  startOf(index: number): bigint {
    return this.starts[index] as bigint;
  }

  endOf(index: number): bigint {
    return this.ends[index] as bigint;
  }

  fileOf(index: number): FileReference | undefined {
    const type = this.types[index] as number;
    return type === 0 ? undefined : { id: this.ids[index] as number, type };
  }

  private grow(): void {
    const { starts, ends, ids, types } = this;
    this.starts = new BigUint64Array(2 * starts.length);
    this.ends = new BigUint64Array(2 * ends.length);
    this.ids = new Float64Array(2 * ids.length);
    this.types = new Uint8Array(2 * types.length);
    this.starts.set(starts);
    this.ends.set(ends);
    this.ids.set(ids);
    this.types.set(types);
  }
}
