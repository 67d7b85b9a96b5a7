import { execFileSync } from 'node:child_process';
import { realCriu } from './criu';

export interface ForeignField {
  number: number;
  label: string;
  type: string;
}
export interface ForeignSchemas {
  messages: { [message: string]: { [field: string]: ForeignField } };
  enums: { [name: string]: { [value: string]: number } };
}

/** Prints every message and enum that the pycriu beside it was generated from. */
const SCRIPT = `
import importlib, json, os, pkgutil
import pycriu.images as images
from google.protobuf import descriptor_pool, descriptor_pb2
for module in pkgutil.iter_modules(images.__path__):
    if module.name.endswith('_pb2'):
        importlib.import_module('pycriu.images.' + module.name)
LABELS = {1: 'optional', 2: 'required', 3: 'repeated'}
messages, enums = {}, {}
def add_enum(enum):
    enums[enum.name] = {value.name: value.number for value in enum.value}
def type_of(field):
    if field.type_name:
        return field.type_name.split('.')[-1]
    return descriptor_pb2.FieldDescriptorProto.Type.Name(field.type)[len('TYPE_'):].lower()
def add_message(message):
    messages[message.name] = {f.name: {'number': f.number, 'label': LABELS[f.label], 'type': type_of(f)} for f in message.field}
    for nested in message.nested_type:
        add_message(nested)
    for enum in message.enum_type:
        add_enum(enum)
for module in pkgutil.iter_modules(images.__path__):
    if not module.name.endswith('_pb2'):
        continue
    proto = descriptor_pb2.FileDescriptorProto()
    importlib.import_module('pycriu.images.' + module.name).DESCRIPTOR.CopyToProto(proto)
    for message in proto.message_type:
        add_message(message)
    for enum in proto.enum_type:
        add_enum(enum)
print(json.dumps({'messages': messages, 'enums': enums}))
`;

/** The schemas of the CRIU that the tests use, from the pycriu that Debian ships with it. */
export function readPycriu(): ForeignSchemas {
  const real = realCriu();
  if (!real.available) throw new Error(real.missing);
  const output = execFileSync('chroot', [real.root, 'python3', '-c', SCRIPT], {
    encoding: 'utf8',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' },
    maxBuffer: 1 << 26,
  });
  return JSON.parse(output) as ForeignSchemas;
}
