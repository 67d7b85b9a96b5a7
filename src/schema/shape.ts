import { WIRE_TYPE } from '../wire/field-cursor';
import all from './generated/messages.json';

/** Scalar types that the images use, beside enums and messages. */
export type ScalarType =
  | 'uint32'
  | 'int32'
  | 'sint32'
  | 'uint64'
  | 'int64'
  | 'sint64'
  | 'fixed32'
  | 'fixed64'
  | 'bool'
  | 'string'
  | 'bytes';

/** How `--pretty` shows a field, in CRIU's words (schemas/images/options.proto). */
export interface Display {
  readonly hex?: boolean;
  readonly ipadd?: boolean;
  readonly flags?: string;
  readonly dev?: boolean;
  readonly odev?: boolean;
  readonly dict?: string;
  readonly conv?: string;
  readonly earlier?: string;
  readonly packed?: boolean;
}

export interface EnumShape {
  readonly name: string;
  readonly names: ReadonlyMap<number, string>;
  readonly values: ReadonlyMap<string, number>;
}

/** A field, as the code sees it that treats all messages alike. */
export interface FieldShape {
  readonly number: number;
  readonly name: string;
  /** The name as a JSON key, with its quotes; and with what is between it and a value. */
  readonly quotedName: Uint8Array;
  readonly key: Uint8Array;
  readonly label: 'required' | 'optional' | 'repeated';
  readonly type: ScalarType | 'enum' | 'message';
  /** One of WIRE_TYPE: that of a single value, not of a packed row. */
  readonly wireType: number;
  /** Repeated values stand in one row without tags. */
  readonly packed: boolean;
  readonly display: Display;
  readonly values: EnumShape | undefined;
  /** The message inside. */
  readonly message: MessageShape | undefined;
}

/** A message: its fields by number and by name, in ascending order of numbers. */
export class MessageShape {
  readonly requiredCount: number;
  /** The field that has an earlier name, and the one that has that name now. */
  readonly renamed: { readonly field: FieldShape; readonly now: FieldShape } | undefined;
  private readonly byNumber: (FieldShape | undefined)[] = [];
  private readonly after: number[] = [];
  private readonly byName = new Map<string, FieldShape>();

  constructor(
    readonly name: string,
    readonly fields: readonly FieldShape[],
  ) {
    for (const field of fields) {
      this.byNumber[field.number] = field;
      this.byName.set(field.name, field);
    }
    const highest = fields.at(-1)?.number ?? 0;
    for (let number = 0; number < highest; number += 1) {
      this.after.push(fields.findIndex((field) => field.number > number));
    }
    this.requiredCount = fields.filter(({ label }) => label === 'required').length;
    const field = fields.find(({ display }) => display.earlier !== undefined);
    const now = field && this.byName.get(field.display.earlier as string);
    this.renamed = field !== undefined && now !== undefined ? { field, now } : undefined;
  }

  /** The field of this number; undefined where the schema knows none. */
  numbered(number: number): FieldShape | undefined {
    return number < this.byNumber.length ? this.byNumber[number] : undefined;
  }

  /** Index in `fields` of the first with a higher number. */
  indexAfter(number: number): number {
    return number < this.after.length ? (this.after[number] as number) : this.fields.length;
  }

  named(name: string): FieldShape | undefined {
    return this.byName.get(name);
  }
}

type DescribedField = readonly [number: number, name: string, label: string, type: string, options?: Display];
const described = all.messages as unknown as { readonly [message: string]: readonly DescribedField[] };
const enums = all.enums as { readonly [name: string]: { readonly [value: string]: number } };

const shapes = new Map<string, MessageShape>();
const enumShapes = new Map<string, EnumShape>();

/** The shape of a message of schemas/images, by its name there. */
export function shapeOf(message: string): MessageShape {
  const known = shapes.get(message);
  if (known !== undefined) return known;
  const fields = described[message];
  if (fields === undefined) throw new TypeError(`no schema has the message ${message}`);
  const shape = new MessageShape(message, fields.map(shapeOfField));
  shapes.set(message, shape);
  return shape;
}

function shapeOfField([number, name, label, typeName, options]: DescribedField): FieldShape {
  const type: FieldShape['type'] = described[typeName]
    ? 'message'
    : enums[typeName]
      ? 'enum'
      : (typeName as ScalarType);
  const field = {
    number,
    name,
    quotedName: Buffer.from(`"${name}"`),
    key: Buffer.from(`"${name}": `),
    label: label as FieldShape['label'],
    type,
    wireType: WIRE_TYPES[type] ?? WIRE_TYPE.VARINT,
    packed: options?.packed === true,
    display: options ?? {},
    values: type === 'enum' ? enumShape(typeName) : undefined,
    message: undefined,
  };
  // Made when it is asked for: most images need few of the messages, and aa_namespace holds itself.
  if (type === 'message') Object.defineProperty(field, 'message', { get: () => shapeOf(typeName) });
  return field;
}

const WIRE_TYPES: { readonly [type: string]: number } = {
  message: WIRE_TYPE.BYTES,
  string: WIRE_TYPE.BYTES,
  bytes: WIRE_TYPE.BYTES,
  fixed32: WIRE_TYPE.FIXED32,
  fixed64: WIRE_TYPE.FIXED64,
};

function enumShape(name: string): EnumShape {
  const known = enumShapes.get(name);
  if (known !== undefined) return known;
  const values = Object.entries(enums[name] ?? {});
  const shape = { name, values: new Map(values), names: new Map(values.map(([value, number]) => [number, value])) };
  enumShapes.set(name, shape);
  return shape;
}
