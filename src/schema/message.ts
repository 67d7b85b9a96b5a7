/** So deep messages may be nested: far above what CRIU nests, far below what would exhaust the stack. */
export const MAX_DEPTH = 32;

/** Kinds of value that the images use, beside enums and messages. Strings are bytes here: paths on Linux need not be UTF-8. */
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
export type PlainType = ScalarType | 'enum';
export type FieldType = PlainType | 'message';

interface AnyField {
  readonly number: number;
  readonly name: string;
  readonly label: 'required' | 'optional' | 'repeated';
}

export interface PlainField extends AnyField {
  readonly type: PlainType;
}

export interface MessageField extends AnyField {
  readonly type: 'message';
  /** Schema of the embedded message; a function, since messages may refer to later ones. */
  readonly message: () => MessageSchema<unknown>;
}

export type FieldSchema = PlainField | MessageField;

/** A message of the images, named as CRIU names it. */
export interface MessageSchema<T> {
  readonly name: string;
  readonly fields: readonly FieldSchema[];
  /** Never set: ties the schema to the type that its decoded messages have. */
  readonly decodesTo?: T;
}
