import { FD_TYPES } from '../schema/generated/images';
import { type MessageShape, shapeOf } from '../schema/shape';
import type { IdKind } from './id-kinds';
import type { Inheritance } from './inheritance';
import { idFieldsOf } from './message-rows';
import { TYPE_ROWS, type TypeName, type TypeRow } from './type-rows';

/** A type of entries, its fields by number. */
export interface EntryType {
  /** Name and number in CRIU's fd_types. */
  readonly name: TypeName;
  readonly number: number;
  /** Field of file_entry that holds an entry of this type, and the message that it is. */
  readonly member: number;
  readonly message: MessageShape;
  readonly what: string;
  readonly names: readonly number[];
  readonly flags: number | undefined;
  /** The number of what it opens, and which ids that is one of. */
  readonly numbered: { readonly field: number; readonly kind: IdKind } | undefined;
  readonly inherit: Inheritance | undefined;
  /** Why it cannot be inherited, where there is more to say than that it is not supported. */
  readonly refused: string | undefined;
}

/** A type of entries that can become placeholders. */
export interface InheritableType extends EntryType, Inheritance {
  /** Field of the entry that holds its owner; undefined where that is in another entry. */
  readonly ownerField: number | undefined;
}

const FILE_ENTRY = shapeOf('file_entry');

function describeType(
  name: TypeName,
  { member, what, names = [], flags, numbered, inherit, refused }: TypeRow,
): EntryType {
  const { number: memberNumber, message } = FILE_ENTRY.fieldNamed(member);
  const numberOf = (field: string) => message.fieldNamed(field).number;
  return {
    name,
    number: FD_TYPES[name],
    member: memberNumber,
    message,
    what,
    names: names.map(numberOf),
    flags: flags === undefined ? undefined : numberOf(flags),
    numbered: numbered === undefined ? undefined : idField(message, numberOf(numbered)),
    inherit,
    refused,
  };
}

function idField({ name }: MessageShape, field: number): EntryType['numbered'] {
  const kind = idFieldsOf(name).get(field)?.[0]?.kind;
  return kind === undefined || kind === 'any' ? undefined : { field, kind };
}

const ENTRY_TYPES: readonly EntryType[] = Object.entries(TYPE_ROWS).map(([name, row]) =>
  describeType(name as TypeName, row),
);

/** The types that can be inherited. */
export const INHERITABLE_TYPES: readonly InheritableType[] = ENTRY_TYPES.flatMap((type) => {
  const { inherit, message } = type;
  if (inherit === undefined) return [];
  return [
    {
      ...type,
      ...inherit,
      ownerField: inherit.owner === undefined ? undefined : message.fieldNamed(inherit.owner).number,
    },
  ];
});

const BY_NUMBER = new Map(ENTRY_TYPES.map((type) => [type.number, type]));
const BY_MEMBER = new Map(ENTRY_TYPES.map((type) => [type.member, type]));
const INHERITABLE = new Map(INHERITABLE_TYPES.map((type) => [type.number, type]));
const NAMES = new Map<number, string>(Object.entries(FD_TYPES).map(([name, number]) => [number, name]));

/** By its number in fd_types; undefined where no entry can be of it. */
export function entryType(number: number): EntryType | undefined {
  return BY_NUMBER.get(number);
}

/** By the field of file_entry that holds an entry of it. */
export function entryTypeOfMember(member: number): EntryType | undefined {
  return BY_MEMBER.get(member);
}

/** The field of file_entry that holds entries of a type; undefined where the type is not known. */
export function memberOfType(number: number): number | undefined {
  return BY_NUMBER.get(number)?.member;
}

/** The type of an entry, with the way in which it is inherited. Undefined if it cannot be inherited or has no member. */
export function inheritableType({ type, member }: { type: number; member: number }): InheritableType | undefined {
  return member === 0 ? undefined : INHERITABLE.get(type);
}

/** CRIU's name of a type of entries; the number where it is not known. */
export function typeName(number: number): string {
  return NAMES.get(number) ?? `type ${number}`;
}
