import type { ExecutionContext } from 'ava';
import protobuf from 'protobufjs';
import { allSchemas } from '../support/images';
import { realCriu } from './support/criu';
import { type ForeignField, type ForeignSchemas, readPycriu } from './support/pycriu';
import { realTest } from './support/real-test';

/** Of these only the fields that are needed are declared. */
const PARTIAL: { [message: string]: string[] } = { core_entry: ['ids'] };

/** Messages and fields that came after CRIU 4.1.1, and with what: exactly these are missing in an older one. */
const NEWER: { [messageOrField: string]: string } = {
  'inventory_entry.allow_uprobes': '4.2',
  'inventory_entry.compress': '4.3',
  'inventory_entry.compress_block_size': '4.3',
  'inet_sk_entry.uid': '4.3',
  'fifo_entry.wait_writer': '4.3',
  'pipe_entry.uid': '4.3',
  'pipe_entry.gid': '4.3',
  'sk_packet_entry.ucred': '4.3',
  sk_ucred_entry: '4.3',
};

function own(): { types: protobuf.Type[]; enums: protobuf.Enum[] } {
  const top = allSchemas().nestedArray;
  return {
    types: top.filter((item): item is protobuf.Type => item instanceof protobuf.Type),
    enums: top.filter((item): item is protobuf.Enum => item instanceof protobuf.Enum),
  };
}

/** Compares version numbers part by part. */
function atLeast(version: string, wanted: string): boolean {
  const [a = [], b = []] = [version, wanted].map((text) => text.split('.').map(Number));
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) if (a[i] !== b[i]) return (a[i] ?? 0) > (b[i] ?? 0);
  return true;
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
  for (const field of type.fieldsArray) {
    const name = `${type.name}.${field.name}`;
    const wanted = isExpected(name, version) ? asForeign(field) : undefined;
    t.deepEqual(theirs[field.name], wanted, `${name} in CRIU ${version}`);
  }
  const declared = type.fieldsArray.map(({ name }) => name).sort();
  if (PARTIAL[type.name] !== undefined) return void t.deepEqual(declared, PARTIAL[type.name], type.name);
  const lacking = Object.keys(theirs).filter((name) => !declared.includes(name));
  t.deepEqual(lacking, [], `CRIU ${version} has more in ${type.name} than the schemas`);
}

realTest('the schemas are those of CRIU, field by field', async (t) => {
  const real = realCriu();
  if (!real.available) throw new Error(real.missing);
  const foreign = readPycriu(real.root);
  const { types, enums } = own();
  t.true(types.length > 40);
  t.true(enums.length > 4);
  for (const type of types) compareMessage(t, type, foreign, real.version);
  for (const { name, values } of enums) t.deepEqual({ ...values }, foreign.enums[name], name);
  for (const name of Object.keys(NEWER)) {
    const [message = '', field] = name.split('.');
    const type = types.find((candidate) => candidate.name === message);
    t.truthy(field === undefined ? type : type?.fields[field], `${name} is not in the schemas`);
  }
});
