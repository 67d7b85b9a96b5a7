import type { BytesAt } from '../../bytes/same-bytes';
import type { IdKind } from '../../checkpoint/id-kinds';
import type { FieldShape, MessageShape } from '../../schema/shape';
import type { Range } from './fields';

/** A step from a message into it. */
export interface Step {
  /** Field number. */
  readonly number: number;
  /** Undefined for a field that no schema knows. */
  readonly field: FieldShape | undefined;
  /** Which message of a list. */
  readonly item?: Item;
}

/** A message of a list, by what it is called there. */
export interface Item {
  readonly shape: MessageShape;
  readonly message: BytesAt;
  /** Its place in the list, which names it where no field does. */
  readonly place: number;
  /** Of those of one name: which, from 1 on. */
  readonly time: number;
  /** What pairs it with the one of the other side, and no other of its list. */
  readonly key: string;
}

/** What a field has on one side, as it lies on the wire: positions in a buffer, valid until the next difference is asked for. */
export type FieldValue =
  | {
      readonly is: 'field';
      readonly field: FieldShape;
      readonly bytes: Uint8Array;
      readonly at: readonly Range[];
      /** Shown in hexadecimal, as a message around it asks for. */
      readonly hex: boolean;
    }
  | { readonly is: 'message'; readonly shape: MessageShape; readonly message: BytesAt }
  | { readonly is: 'unknown'; readonly bytes: Uint8Array; readonly at: readonly Range[] }
  | { readonly is: 'ids'; readonly kind: IdKind; readonly numbers: readonly number[]; readonly isRow: boolean }
  | { readonly is: 'encoding'; readonly bytes: number };

/** One difference inside an entry: where, and what is there on both sides. */
export interface ValueChange {
  /** Into the entry; of another encoding, to the message that has it. */
  readonly path: readonly Step[];
  /** Undefined where it is not there. */
  readonly before: FieldValue | undefined;
  readonly after: FieldValue | undefined;
}

/** Whether a change is that of one field of the entry itself, as a whole. */
export function isOfField({ path, before, after }: ValueChange, number: number): boolean {
  const [step, ...inner] = path;
  if (before?.is === 'encoding' || after?.is === 'encoding') return false;
  return step?.number === number && step.item === undefined && inner.length === 0;
}
