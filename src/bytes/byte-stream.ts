/** Bytes that come one after the other. */
export interface ByteReader {
  /** Fills `into` from `start` on with up to `length` bytes; resolves to how many, 0 at the end. */
  read(into: Uint8Array, start: number, length: number): Promise<number>;
  /** The same at once, for who reads thousands of small files; undefined where it has to be waited for. */
  readNow?(into: Uint8Array, start: number, length: number): number | undefined;
  /** Passes over up to `length` bytes; gives how many, less at the end. Absent: they have to be read. */
  skip?(length: number): number;
}

/** Bytes that go one after the other. The bytes of a write may be reused once it has resolved. */
export interface ByteWriter {
  write(bytes: Uint8Array): Promise<void>;
}
