import { WIRE_TYPE } from '../wire/field-cursor';
import all from './generated/messages.json';
import type { FieldType, ScalarType } from './message';

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
  readonly secret?: boolean;
  readonly packed?: boolean;
}

export interface EnumShape {
  readonly name: string;
  /** Names in JSON, with their quotes. */
  readonly quotedNames: ReadonlyMap<number, Uint8Array>;
  readonly values: ReadonlyMap<string, number>;
}

/** A field, as the code sees it that treats all messages alike. */
export class FieldShape {
  readonly type: FieldType;
  /** One of WIRE_TYPE: that of a single value, not of a packed row. */
  readonly wireType: number;
  /** Number and wire type, as a varint has them. */
  readonly tag: number;
  /** Repeated values stand in one row without tags. */
  readonly packed: boolean;
  private inner: MessageShape | undefined;
  private quoted: Uint8Array | undefined;
  private quotedKey: Uint8Array | undefined;

  constructor(
    readonly number: number,
    readonly name: string,
    readonly label: 'required' | 'optional' | 'repeated',
    private readonly typeName: string,
    readonly display: Display,
  ) {
    this.type = described[typeName] ? 'message' : enums[typeName] ? 'enum' : (typeName as ScalarType);
    this.wireType = WIRE_TYPES[this.type] ?? WIRE_TYPE.VARINT;
    this.tag = number * 8 + this.wireType;
    this.packed = display.packed === true;
  }

  /** The name as a JSON key, with its quotes. */
  get quotedName(): Uint8Array {
    this.quoted ??= Buffer.from(`"${this.name}"`);
    return this.quoted;
  }

  /** The same with what is between it and a value. */
  get key(): Uint8Array {
    this.quotedKey ??= Buffer.from(`"${this.name}": `);
    return this.quotedKey;
  }

  /** The values of an enum. */
  get values(): EnumShape | undefined {
    return this.type === 'enum' ? enumShape(this.typeName) : undefined;
  }

  /** The message inside. Made when it is asked for: most images need few, and aa_namespace holds itself. */
  get message(): MessageShape {
    this.inner ??= shapeOf(this.typeName);
    return this.inner;
  }
}

/** A message: its fields by number and by name, in ascending order of numbers. */
export class MessageShape {
  readonly requiredCount: number;
  /** The field that has an earlier name, and the one that has that name now. */
  readonly renamed: { readonly field: FieldShape; readonly now: FieldShape } | undefined;
  private readonly byNumber: (FieldShape | undefined)[] = [];
  private after: number[] | undefined;
  private readonly byName = new Map<string, FieldShape>();

  constructor(
    readonly name: string,
    readonly fields: readonly FieldShape[],
  ) {
    for (const field of fields) {
      this.byNumber[field.number] = field;
      this.byName.set(field.name, field);
    }
    this.requiredCount = fields.filter(({ label }) => label === 'required').length;
    const field = fields.find(({ display }) => display.earlier !== undefined);
    this.renamed = field && { field, now: this.fieldNamed(field.display.earlier as string) };
  }

  /** The field of this number; undefined where the schema knows none. */
  numbered(number: number): FieldShape | undefined {
    return number < this.byNumber.length ? this.byNumber[number] : undefined;
  }

  /** Index in `fields` of the first with a higher number. */
  indexAfter(number: number): number {
    this.after ??= this.findAfter();
    return number < this.after.length ? (this.after[number] as number) : this.fields.length;
  }

  private findAfter(): number[] {
    const highest = this.fields.at(-1)?.number ?? 0;
    return Array.from({ length: highest }, (_each, number) => this.fields.findIndex((field) => field.number > number));
  }

  named(name: string): FieldShape | undefined {
    return this.byName.get(name);
  }

  /** A field that code names. Throws TypeError if the schema has none of this name. */
  fieldNamed(name: string): FieldShape {
    const field = this.byName.get(name);
    if (field === undefined) throw new TypeError(`${this.name} has no field ${name}`);
    return field;
  }
}

type DescribedField = readonly [
  number: number,
  name: string,
  label: FieldShape['label'],
  type: string,
  options?: Display,
];
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
  const shape = new MessageShape(
    message,
    fields.map(([number, name, label, type, options]) => new FieldShape(number, name, label, type, options ?? {})),
  );
  shapes.set(message, shape);
  return shape;
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
  const shape = {
    name,
    values: new Map(values),
    quotedNames: new Map(values.map(([value, number]) => [number, Buffer.from(`"${value}"`)])),
  };
  enumShapes.set(name, shape);
  return shape;
}
