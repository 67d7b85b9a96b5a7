// Turns schemas/ into what the code loads, by `npm run schema`: src/schema/generated/images.ts (types, field numbers
// and decoder tables of the messages that code names), messages.json (all messages, for what treats them alike),
// plan.json (for protobufjs) and specs.json (for ajv).

const fs = require('node:fs');
const path = require('node:path');
const protobuf = require('protobufjs');

const top = path.join(__dirname, '..');
const imagesDir = path.join(top, 'schemas', 'images');
const outDir = path.join(top, 'src', 'schema', 'generated');

/** Files whose messages code names. The others are looked up by name in messages.json, so that `ls` need not load them. */
const NAMED = [
  'checkpoint',
  'descriptors',
  'files',
  'in-flight',
  'memory',
  'owner',
  'paths',
  'sockets',
  'tasks',
  'tcp',
  'ties',
  'ttys',
  'watches',
];
/** Messages of other files of which code names fields. */
const NUMBERED = [
  'bpfmap_data_entry',
  'core_entry',
  'creds_entry',
  'task_rlimits_entry',
  'rlimit_entry',
  'ghost_chunk_entry',
  'ghost_file_entry',
  'ipc_msg',
  'ipc_msg_entry',
  'ipc_sem_entry',
  'ipc_shm_entry',
  'mnt_entry',
  'netns_entry',
  'pagemap_entry',
  'task_core_entry',
  'pagemap_head',
  'pidns_entry',
  'thread_core_entry',
  'uid_gid_extent',
  'userns_entry',
];

const INTEGERS = ['int32', 'uint32', 'sint32', 'fixed32', 'sfixed32'];
const WIDE_INTEGERS = ['int64', 'uint64', 'sint64', 'fixed64', 'sfixed64'];

function loadRoot(files) {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) =>
    target.startsWith('google/') ? require.resolve(`protobufjs/${target}`) : path.resolve(imagesDir, target);
  root.loadSync(files, { keepCase: true });
  root.resolveAll();
  return root;
}

const pascal = (name) => name.replace(/(^|_)([a-z0-9])/g, (_all, _under, letter) => letter.toUpperCase());
const constant = (name) => name.toUpperCase();

function valueType(field) {
  if (field.resolvedType instanceof protobuf.Type) return pascal(field.resolvedType.name);
  if (field.resolvedType instanceof protobuf.Enum || INTEGERS.includes(field.type)) return 'number';
  if (WIDE_INTEGERS.includes(field.type)) return 'bigint';
  if (field.type === 'bool') return 'boolean';
  if (field.type === 'string' || field.type === 'bytes') return 'Buffer';
  throw new Error(`no TypeScript type for ${field.fullName}: ${field.type}`);
}

function label(field) {
  if (field.repeated) return 'repeated';
  return field.required ? 'required' : 'optional';
}

function renderField(field) {
  const parts = [`number: ${field.id}`, `name: '${field.name}'`, `label: '${label(field)}'`];
  if (field.resolvedType instanceof protobuf.Type) {
    parts.push(`type: 'message'`, `message: () => ${constant(field.resolvedType.name)}`);
  } else if (field.resolvedType instanceof protobuf.Enum) {
    parts.push(`type: 'enum'`);
  } else {
    parts.push(`type: '${field.type}'`);
  }
  return `    { ${parts.join(', ')} },`;
}

const byNumber = (type) => [...type.fieldsArray].sort((a, b) => a.id - b.id);

function renderNumbers(type) {
  const numbers = byNumber(type).map((field) => `${field.name}: ${field.id}`);
  return `export const ${constant(type.name)}_FIELDS = { ${numbers.join(', ')} } as const;`;
}

function renderMessage(type) {
  const fields = byNumber(type);
  const members = fields.map((field) => {
    const optional = label(field) === 'optional' ? '?' : '';
    return `  ${field.name}${optional}: ${valueType(field)}${field.repeated ? '[]' : ''};`;
  });
  return [
    `export interface ${pascal(type.name)} {`,
    ...members,
    '}',
    renderNumbers(type),
    `export const ${constant(type.name)}: MessageSchema<${pascal(type.name)}> = {`,
    `  name: '${type.name}',`,
    '  fields: [',
    ...fields.map(renderField),
    '  ],',
    '};',
    '',
  ];
}

function renderEnum(type) {
  const values = Object.entries(type.values).map(([name, number]) => `${name}: ${number}`);
  return [`export const ${constant(type.name)} = { ${values.join(', ')} } as const;`, ''];
}

/** How a field is displayed, without the words of the option: { hex: true }. */
function displayOf(field) {
  const prefix = '(criu).';
  const options = Object.entries(field.options ?? {}).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(options.map(([name, value]) => [name.slice(prefix.length), value]));
}

/** A field as [number, name, label, type], and where it has any, its options. */
function describeField(field) {
  const type = field.resolvedType === null ? field.type : field.resolvedType.name;
  const options = { ...(field.packed ? { packed: true } : {}), ...displayOf(field) };
  const described = [field.id, field.name, label(field), type];
  return Object.keys(options).length === 0 ? described : [...described, options];
}

/** All messages and enums, one a line. Enums inside messages are known by their last name, which no other has. */
function renderAll(types, enums) {
  const nested = types.flatMap((type) => type.nestedArray.filter((item) => item instanceof protobuf.Enum));
  const lines = (items, describe) =>
    items.map((item) => `    ${JSON.stringify(item.name)}: ${JSON.stringify(describe(item))}`).join(',\n');
  const shownEnums = lines([...enums, ...nested], ({ values }) => values);
  const shownMessages = lines(types, (type) => byNumber(type).map(describeField));
  return `{\n  "enums": {\n${shownEnums}\n  },\n  "messages": {\n${shownMessages}\n  }\n}\n`;
}

const isIn = (files) => (item) => files.some((name) => item.filename === path.join(imagesDir, `${name}.proto`));

/** The generated files as { path: content }. */
function generate() {
  const sources = fs
    .readdirSync(imagesDir)
    .filter((name) => name.endsWith('.proto') && name !== 'options.proto')
    .sort();
  const root = loadRoot(sources);
  const own = root.nestedArray.filter((item) => item.filename !== path.join(imagesDir, 'options.proto'));
  const types = own.filter((item) => item instanceof protobuf.Type);
  const enums = own.filter((item) => item instanceof protobuf.Enum);
  const images = [
    '// Generated from schemas/images by `npm run schema`. Do not edit.',
    "import type { MessageSchema } from '../message';",
    '',
    ...enums.filter(isIn(NAMED)).flatMap(renderEnum),
    ...types.filter((type) => NUMBERED.includes(type.name)).flatMap((type) => [renderNumbers(type), '']),
    ...types.filter(isIn(NAMED)).flatMap(renderMessage),
  ];
  const plan = loadRoot([path.join(top, 'schemas', 'plan.proto')]);
  const specs = JSON.parse(fs.readFileSync(path.join(top, 'schemas', 'specs.schema.json'), 'utf8'));
  return {
    [path.join(outDir, 'messages.json')]: renderAll(types, enums),
    [path.join(outDir, 'specs.json')]: `${JSON.stringify(specs, null, 1)}\n`,
    [path.join(outDir, 'images.ts')]: `${images.join('\n').trimEnd()}\n`,
    [path.join(outDir, 'plan.json')]: `${JSON.stringify(plan.toJSON(), null, 1)}\n`,
  };
}

if (require.main === module) {
  fs.mkdirSync(outDir, { recursive: true });
  for (const [file, content] of Object.entries(generate())) fs.writeFileSync(file, content);
}

module.exports = { generate };
