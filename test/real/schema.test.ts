import type { ExecutionContext } from 'ava';
import protobuf from 'protobufjs';
import { allSchemas } from '../support/images';
import { realCriu } from './support/criu';
import { type ForeignField, type ForeignSchemas, readPycriu } from './support/pycriu';
import { realTest } from './support/real-test';

/** Of these only the fields that are needed are declared. */
const PARTIAL = new Set(['core_entry']);

/** Fields that came after CRIU 4.1.1, and with what. */
const NEWER: { [field: string]: string } = {
  'inventory_entry.allow_uprobes': '4.2',
  'inventory_entry.compress': '4.3',
  'inventory_entry.compress_block_size': '4.3',
  'inet_sk_entry.uid': '4.3',
  'fifo_entry.wait_writer': '4.3',
  'pipe_entry.uid': '4.3',
  'pipe_entry.gid': '4.3',
  'sk_packet_entry.ucred': '4.3',
};

function own(): { types: protobuf.Type[]; enums: protobuf.Enum[] } {
  const top = allSchemas().nestedArray;
  return {
    types: top.filter((item): item is protobuf.Type => item instanceof protobuf.Type),
    enums: top.filter((item): item is protobuf.Enum => item instanceof protobuf.Enum),
  };
}

const label = (field: protobuf.Field) => (field.repeated ? 'repeated' : field.required ? 'required' : 'optional');

/** Compares version numbers part by part. */
function atLeast(version: string, wanted: string): boolean {
  const parts = (text: string) => text.split('.').map(Number);
  const [a, b] = [parts(version), parts(wanted)];
  for (let i = 0; i < Math.max(a.length, b.length); i += 1) if (a[i] !== b[i]) return (a[i] ?? 0) > (b[i] ?? 0);
  return true;
}

function compareMessage(t: ExecutionContext, type: protobuf.Type, foreign: ForeignSchemas, version: string): void {
  const theirs = foreign.messages[type.name];
  if (theirs === undefined) {
    const since = type.name === 'sk_ucred_entry' ? '4.3' : '0';
    t.false(atLeast(version, since), `CRIU ${version} has no message ${type.name}`);
    return;
  }
  for (const field of type.fieldsArray) {
    const name = `${type.name}.${field.name}`;
    const same: ForeignField | undefined = theirs[field.name];
    if (same === undefined) {
      const since = NEWER[name];
      t.true(since !== undefined && !atLeast(version, since), `CRIU ${version} has no field ${name}`);
    } else t.deepEqual({ number: field.id, label: label(field), type: field.type }, same, name);
  }
  if (PARTIAL.has(type.name)) return;
  for (const name of Object.keys(theirs)) t.truthy(type.fields[name], `the schemas lack ${type.name}.${name}`);
}

realTest('the schemas are those of CRIU, field by field', async (t) => {
  const real = realCriu();
  if (!real.available) throw new Error(real.missing);
  const foreign = readPycriu();
  const { types, enums } = own();
  t.true(types.length > 40);
  for (const type of types) compareMessage(t, type, foreign, real.version);
  for (const { name, values } of enums) t.deepEqual({ ...values }, foreign.enums[name], name);
});
