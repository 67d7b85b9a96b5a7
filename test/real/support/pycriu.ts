import { execFileSync } from 'node:child_process';

export interface ForeignField {
  number: number;
  label: string;
  type: string;
}
export interface ForeignSchemas {
  messages: { [message: string]: { [field: string]: ForeignField } };
  enums: { [name: string]: { [value: string]: number } };
}

/** Prints every message and enum of pycriu; types by their last name, as CRIU has no packages. */
const SCRIPT = `
import importlib, json, pkgutil
import pycriu.images as images
from google.protobuf import descriptor_pb2

LABELS = {1: 'optional', 2: 'required', 3: 'repeated'}
messages, enums = {}, {}

def add(known, name, value):
    if name in known and known[name] != value:
        raise SystemExit(name + ' has two meanings')
    known[name] = value

def type_of(field):
    if field.type_name:
        return field.type_name.split('.')[-1]
    return descriptor_pb2.FieldDescriptorProto.Type.Name(field.type)[len('TYPE_'):].lower()

def add_enum(enum):
    add(enums, enum.name, {value.name: value.number for value in enum.value})

def add_message(message):
    fields = {f.name: {'number': f.number, 'label': LABELS[f.label], 'type': type_of(f)} for f in message.field}
    add(messages, message.name, fields)
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

/** The schemas of the CRIU in `root`, from the pycriu beside it. Mounts nothing: python needs no /proc for this. */
export function readPycriu(root: string): ForeignSchemas {
  const output = execFileSync('chroot', [root, 'python3', '-B', '-c', SCRIPT], {
    encoding: 'utf8',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' },
    maxBuffer: 1 << 26,
  });
  return JSON.parse(output) as ForeignSchemas;
}
