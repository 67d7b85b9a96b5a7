import type {
  Change,
  Counterpart,
  FileDifference,
  FormDifference,
  ImageDifference,
  MemoryDifference,
  Sides,
} from './difference';
import type { Entry } from './image-entries';
import type { ValueChange } from './wire/value-change';

/** An entry of one image. */
export interface FoundEntry {
  readonly entry: Entry;
  /** Of those that are named alike: which, from 1 on. */
  readonly time: number;
  /** How messages name the image. */
  readonly file: string;
}

/** An entry that differs, as values on the wire: valid until the next difference is asked for. */
export interface EntryFound {
  readonly what: 'entry';
  readonly image: string;
  readonly counterpart?: Pick<Counterpart, 'image'>;
  readonly change: Change;
  /** Undefined where that side does not have it; one of them is there. */
  readonly before: FoundEntry | undefined;
  readonly after: FoundEntry | undefined;
  /** Of a changed one. */
  readonly changes: readonly ValueChange[];
  /** What follows the entry, where that differs. */
  readonly payload?: Sides;
}

/** A difference before it is put into words. */
export type Found = EntryFound | ImageDifference | FormDifference | FileDifference | MemoryDifference;
