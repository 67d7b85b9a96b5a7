import type { BytesAt } from '../../bytes/same-bytes';
import { digestText } from '../../json/digest-text';
import type { MessageShape } from '../../schema/shape';
import type { Difference, FieldChange } from '../difference';
import type { EntryFound, Found, FoundEntry } from '../found';
import type { IdPairs, Side } from '../ids/id-pairs';
import { located } from '../located';
import { joinedPayload } from '../wire/fields';
import { nameParts } from '../wire/message-name';
import type { FieldValue, Step, ValueChange } from '../wire/value-change';
import { ValueText } from './value-text';

const ENCODING = '(encoding)';

/** Puts differences into words: the one place where values become text. */
export class DifferenceText {
  private readonly values: ValueText;

  /** `showsBytes`: bytes are shown; else how many they are and their digest. `ids`: what ids stand for, where they are told apart. */
  constructor(
    showsBytes: boolean,
    private readonly ids: IdPairs | undefined,
  ) {
    this.values = new ValueText(showsBytes);
  }

  /** Throws FdgraftError (IMAGE_MALFORMED) where an entry is not what its schema says. */
  tell(found: Found): Difference {
    return found.what === 'entry' ? this.entry(found) : found;
  }

  /** The last step to what changed. */
  lastStep({ path, before, after }: ValueChange): string {
    const step = path.at(-1);
    return step === undefined || isEncoding(before ?? after) ? ENCODING : this.step(step);
  }

  private entry({ image, counterpart, change, before, after, changes, payload }: EntryFound): Difference {
    const one = (before ?? after) as FoundEntry;
    const name = located(one, () => this.nameOf(one));
    const other = before !== undefined && after !== undefined ? located(after, () => this.nameOf(after)) : name;
    const names = { ...counterpart, ...(other === name ? {} : { entry: other }) };
    const { shape } = one.entry;
    return {
      what: 'entry',
      image,
      entry: name,
      ...(Object.keys(names).length === 0 ? {} : { counterpart: names }),
      change,
      fields: changes.map((field) => this.field(field, before, after)),
      ...(change === 'changed' ? {} : { text: located(one, () => this.message(shape, one.entry)) }),
      ...(payload === undefined ? {} : { payload }),
    };
  }

  /** What names an entry, such as `id 3`, or # and its place. */
  private nameOf({ entry, time }: FoundEntry): string {
    return this.name(entry.shape, entry, time) ?? `#${entry.index}`;
  }

  private name(shape: MessageShape, message: BytesAt, time: number): string | undefined {
    const parts = nameParts(shape, message);
    if (parts.length === 0) return undefined;
    const words = parts.map(({ name, field, bytes, at }) => {
      const value = at === undefined ? 'none' : this.values.field(field, bytes, at.start, at.end, false);
      return `${name} ${value.replace(/^"|"$/g, '')}`;
    });
    return `${words.join(', ')}${time === 1 ? '' : ` (${time})`}`;
  }

  private field(change: ValueChange, before: FoundEntry | undefined, after: FoundEntry | undefined): FieldChange {
    const path = located((before ?? after) as FoundEntry, () => change.path.map((step) => this.step(step)));
    if (isEncoding(change.before ?? change.after)) path.push(ENCODING);
    const old = before && located(before, () => this.value('before', change.before));
    const fresh = after && located(after, () => this.value('after', change.after));
    if (old !== fresh || isEncoding(change.before)) return { path: path.join('.'), before: old, after: fresh };
    // Values that differ and look alike: bytes that are no text beside a text of their escapes, unknown fields inside.
    const told = (text: string | undefined, value: FieldValue | undefined) => `${text} ${digestOf(value)}`;
    return { path: path.join('.'), before: told(old, change.before), after: told(fresh, change.after) };
  }

  private step({ number, field, item }: Step): string {
    if (field === undefined) return `#${number}`;
    if (item === undefined) return field.name;
    return `${field.name}[${this.name(item.shape, item.message, item.time) ?? item.place}]`;
  }

  private value(side: Side, value: FieldValue | undefined): string | undefined {
    switch (value?.is) {
      case 'field':
        return this.fieldValue(value);
      case 'message':
        return this.message(value.shape, value.message);
      case 'unknown':
        return value.at.map(({ start, end }) => this.values.unknown(value.bytes, start, end)).join(' ');
      case 'ids': {
        const all = value.numbers.map((id) => this.ids?.show(value.kind, side, id) ?? `${id}`).join(', ');
        return value.isRow ? `[${all}]` : all;
      }
      case 'encoding':
        return `${value.bytes} bytes, encoded otherwise`;
      default:
        return undefined;
    }
  }

  private fieldValue({ field, bytes, at, hex }: Extract<FieldValue, { is: 'field' }>): string | undefined {
    const last = at.at(-1);
    if (last === undefined) return undefined;
    if (field.label === 'repeated') return this.values.row(field, bytes, at, hex);
    if (field.type !== 'message' || at.length === 1) return this.values.field(field, bytes, last.start, last.end, hex);
    return this.message(field.message, joinedPayload(bytes, at));
  }

  private message(shape: MessageShape, { bytes, start, end }: BytesAt): string {
    return this.values.message(shape, bytes, start, end);
  }
}

function isEncoding(value: FieldValue | undefined): boolean {
  return value?.is === 'encoding';
}

/** The bytes of a value, as a digest. */
function digestOf(value: FieldValue | undefined): string {
  switch (value?.is) {
    case 'field':
    case 'unknown':
      return digestText(value.at.map(({ start, end }) => value.bytes.subarray(start, end)));
    case 'message': {
      const { bytes, start, end } = value.message;
      return digestText([bytes.subarray(start, end)]);
    }
    default:
      return '';
  }
}
