import { type IdKind, isIdKind } from '../../checkpoint/id-kinds';
import { idFieldsOf } from '../../checkpoint/message-rows';
import { identifyImage, rawFileOf } from '../../frames/image-kinds';
import type { MessageShape } from '../../schema/shape';
import type { IdPairs } from './id-pairs';

const withIds = new Map<MessageShape, boolean>();

/** Whether a message, or one inside it, has fields that hold ids. */
export function hasIds(shape: MessageShape): boolean {
  const known = withIds.get(shape);
  if (known !== undefined) return known;
  // A message that holds itself has none because of that.
  withIds.set(shape, false);
  const answer =
    idFieldsOf(shape.name).size > 0 || shape.fields.some((field) => field.type === 'message' && hasIds(field.message));
  withIds.set(shape, answer);
  return answer;
}

/** Whether messages of equal bytes are the same: ids in them may stand for something else. */
export function isSameByBytes(shape: MessageShape, ids: IdPairs | undefined): boolean {
  return ids === undefined || ids.areAllEqual || !hasIds(shape);
}

/** A file that is named for an id. */
export interface NamedById {
  readonly kind: IdKind;
  readonly id: number;
  /** The name of the same file for another id. */
  readonly named: (id: number) => string;
}

const RAW = /^(.+-)(\d{1,10})\.img$/;

/** The id that a file is named for; undefined for any other file. */
export function idInName(name: string): NamedById | undefined {
  const raw = rawFileOf(name);
  if (raw !== undefined) {
    const [, prefix = '', digits] = RAW.exec(name) ?? [];
    if (digits === undefined || !isIdKind(raw.numberOf)) return undefined;
    return { kind: raw.numberOf, id: Number(digits), named: (id) => `${prefix}${id}.img` };
  }
  const image = identifyImage(name);
  if (image === undefined || !isIdKind(image.numberOf)) return undefined;
  const pattern = image.kind.files[0] as string;
  const named = (id: number) => pattern.replace('%u', `${id}`).replace('%x', id.toString(16));
  return named(image.number) === name ? { kind: image.numberOf, id: image.number, named } : undefined;
}
