import type { IdField } from '../../checkpoint/message-rows';
import type { FieldShape } from '../../schema/shape';
import { numbersIn, type Range } from './fields';

/** The ids that a field of one message holds. */
export interface IdsInField {
  readonly ranges: readonly Range[];
  readonly numbers: readonly number[];
  /** Undefined where they are none, by what another field says. */
  readonly kind: IdField['kind'] | undefined;
}

/** `fields`: those of the message. Throws WireFault. */
export function idsInField(
  field: FieldShape,
  rows: readonly IdField[],
  bytes: Uint8Array,
  fields: ReadonlyMap<number, readonly Range[]>,
): IdsInField {
  const ranges = fields.get(field.number) ?? [];
  const numbers = field.type === 'string' ? [] : numbersIn(bytes, ranges);
  return { ranges, numbers, kind: kindOfIds(rows, bytes, fields, numbers) };
}

/** What kind of ids a field holds, where another field may say it. */
export function kindOfIds(
  rows: readonly IdField[],
  bytes: Uint8Array,
  fields: ReadonlyMap<number, readonly Range[]>,
  numbers: readonly number[],
): IdField['kind'] | undefined {
  return rows.find(({ when }) => {
    if (when === undefined) return true;
    const value = numbersIn(bytes, fields.get(when.field) ?? []).at(-1);
    return numbers.every((id) => when.holds(value, id));
  })?.kind;
}
