// Turns schemas/ into what the code loads: src/schema/generated/images.ts (field numbers, types and
// decoder tables), src/schema/generated/plan.json (for protobufjs) and specs.json (for ajv). Run by `npm run schema`.

const fs = require('node:fs');
const path = require('node:path');
const protobuf = require('protobufjs');

const top = path.join(__dirname, '..');
const imagesDir = path.join(top, 'schemas', 'images');
const outDir = path.join(top, 'src', 'schema', 'generated');

const INTEGERS = ['int32', 'uint32', 'sint32', 'fixed32', 'sfixed32'];
const WIDE_INTEGERS = ['int64', 'uint64', 'sint64', 'fixed64', 'sfixed64'];

function loadRoot(files) {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => path.resolve(imagesDir, target);
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

function renderMessage(type) {
  const fields = [...type.fieldsArray].sort((a, b) => a.id - b.id);
  const members = fields.map((field) => {
    const optional = label(field) === 'optional' ? '?' : '';
    return `  ${field.name}${optional}: ${valueType(field)}${field.repeated ? '[]' : ''};`;
  });
  return [
    `export interface ${pascal(type.name)} {`,
    ...members,
    '}',
    `export const ${constant(type.name)}_FIELDS = { ${fields.map((f) => `${f.name}: ${f.id}`).join(', ')} } as const;`,
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

/** The generated files as { path: content }. */
function generate() {
  const sources = fs
    .readdirSync(imagesDir)
    .filter((name) => name.endsWith('.proto'))
    .sort();
  const root = loadRoot(sources);
  const types = root.nestedArray.filter((item) => item instanceof protobuf.Type);
  const enums = root.nestedArray.filter((item) => item instanceof protobuf.Enum);
  const images = [
    '// Generated from schemas/images by `npm run schema`. Do not edit.',
    "import type { MessageSchema } from '../message';",
    '',
    ...enums.flatMap(renderEnum),
    ...types.flatMap(renderMessage),
  ];
  const plan = loadRoot([path.join(top, 'schemas', 'plan.proto')]);
  const specs = JSON.parse(fs.readFileSync(path.join(top, 'schemas', 'specs.schema.json'), 'utf8'));
  return {
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
