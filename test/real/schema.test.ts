import type { ExecutionContext } from 'ava';
import protobuf from 'protobufjs';
import { allSchemas } from '../support/images';
import { realCriu } from './support/criu';
import { atLeast, NEWER, RENAMED } from './support/newer-fields';
import { type ForeignField, type ForeignSchemas, readPycriu } from './support/pycriu';
import { realTest } from './support/real-test';

/** Of their schemas: says how fields are displayed. */
const NOT_OF_IMAGES = new Set(['CRIU_Opts']);

function own(): { types: protobuf.Type[]; enums: protobuf.Enum[] } {
  const top = allSchemas().nestedArray;
  const types = top.filter((item): item is protobuf.Type => item instanceof protobuf.Type);
  return {
    types: types.filter(({ name }) => name !== 'field_display'),
    enums: [...top, ...types.flatMap(({ nestedArray }) => nestedArray)].filter(
      (item): item is protobuf.Enum => item instanceof protobuf.Enum,
    ),
  };
}

const isExpected = (name: string, version: string) => atLeast(version, NEWER[name] ?? '0');

/** A field in the words of pycriu's descriptors. */
const asForeign = (field: protobuf.Field): ForeignField => ({
  number: field.id,
  label: field.repeated ? 'repeated' : field.required ? 'required' : 'optional',
  type: field.type,
});

function compareMessage(t: ExecutionContext, type: protobuf.Type, foreign: ForeignSchemas, version: string): void {
  const theirs = foreign.messages[type.name];
  t.is(theirs !== undefined, isExpected(type.name, version), `message ${type.name} in CRIU ${version}`);
  if (theirs === undefined) return;
  const renamed = type.fieldsArray.flatMap((field) => {
    const { earlier, since } = RENAMED[`${type.name}.${field.name}`] ?? {};
    return earlier === undefined || atLeast(version, since ?? '') ? [] : [{ field, earlier }];
  });
  for (const { field, earlier } of renamed) t.deepEqual(theirs[earlier], asForeign(field), `${type.name}.${earlier}`);
  for (const field of type.fieldsArray) {
    if (renamed.some((other) => other.field === field || other.earlier === field.name)) continue;
    const name = `${type.name}.${field.name}`;
    const wanted = isExpected(name, version) ? asForeign(field) : undefined;
    t.deepEqual(theirs[field.name], wanted, `${name} in CRIU ${version}`);
  }
  const declared = type.fieldsArray.map(({ name }) => name).sort();
  const lacking = Object.keys(theirs).filter((name) => !declared.includes(name));
  t.deepEqual(lacking, [], `CRIU ${version} has more in ${type.name} than the schemas`);
}

realTest('the schemas are those of CRIU, field by field', async (t) => {
  const real = realCriu();
  if (!real.available) throw new Error(real.missing);
  const foreign = readPycriu(real.root);
  const { types, enums } = own();
  const names = types.map(({ name }) => name);
  t.deepEqual(
    Object.keys(foreign.messages).filter((name) => !names.includes(name) && !NOT_OF_IMAGES.has(name)),
    [],
    'messages that the schemas lack',
  );
  for (const type of types) compareMessage(t, type, foreign, real.version);
  for (const { name, values } of enums) t.deepEqual({ ...values }, foreign.enums[name], name);
  for (const name of Object.keys(NEWER)) {
    const [message = '', field] = name.split('.');
    const type = types.find((candidate) => candidate.name === message);
    t.truthy(field === undefined ? type : type?.fields[field], `${name} is not in the schemas`);
  }
});
