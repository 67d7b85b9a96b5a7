/** What became of something from the first checkpoint to the second. */
export type Change = 'added' | 'removed' | 'changed';

/** Bytes that are compared and not shown. */
export interface Digest {
  readonly bytes: number;
  /** SHA-256, hexadecimal. */
  readonly sha256: string;
  /** The first of them, escaped, where they were asked for. */
  readonly text?: string;
}

/** Two sides of something that is not shown value by value; a side is absent where there is nothing. */
export interface Sides {
  readonly before?: Digest;
  readonly after?: Digest;
}

/**
 * With ids ignored: what an image, a file or an entry is called in the second checkpoint, where that is not what it is
 * called in the first.
 */
export interface Counterpart {
  readonly image?: string;
  readonly file?: string;
  readonly entry?: string;
}

/** One difference inside an entry. */
export interface FieldChange {
  /** As jq has it, without the first dot: reg.pos, vmas[start 0x400000].flags; # and a number for a field that no schema knows. */
  readonly path: string;
  /** As `fdgraft show` writes it; undefined where it is not there. */
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** One entry of an image. */
export interface EntryDifference {
  readonly what: 'entry';
  readonly image: string;
  /** What names it, such as `id 3`, or # and its place. */
  readonly entry: string;
  readonly counterpart?: Counterpart;
  readonly change: Change;
  /** Of a changed one. */
  readonly fields: readonly FieldChange[];
  /** Of one that was added or removed: all of it, on one line. */
  readonly text?: string;
  /** What follows the entry, where that differs. */
  readonly payload?: Sides;
}

/** An image that only one of the two has. */
export interface ImageDifference {
  readonly what: 'image';
  readonly image: string;
  readonly change: 'added' | 'removed';
  readonly entries: number;
}

/** The same entries in another order, or other magics, or other bytes behind the last entry. */
export interface FormDifference {
  readonly what: 'order' | 'head' | 'tail';
  readonly image: string;
  readonly counterpart?: Counterpart;
  readonly sides: Sides;
}

/** A file that is no image: raw bytes, a log, a link. */
export interface FileDifference {
  readonly what: 'file';
  readonly file: string;
  readonly counterpart?: Counterpart;
  readonly change: Change;
  readonly sides: Sides;
  /** Where a link leads, on either side. */
  readonly targets?: { readonly before?: string; readonly after?: string };
}

/** Pages of a mapping of one task. */
export interface MemoryDifference {
  readonly what: 'memory';
  readonly pid: number;
  /** Its addresses. */
  readonly mapping: string;
  readonly change: Change;
  readonly sides: Sides;
}

/** One difference; `what` tells the kinds apart. */
export type Difference = EntryDifference | ImageDifference | FormDifference | FileDifference | MemoryDifference;
