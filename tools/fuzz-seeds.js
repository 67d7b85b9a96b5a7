// Inputs that the programs of native/fuzz start from, made from the fixtures: plans, images, and archives of both. Nothing
// binary is kept twice.

const fs = require('node:fs');
const path = require('node:path');
const protobuf = require('protobufjs');
const tar = require('tar-stream');
const { top } = require('./ensure');

const FIXTURES = path.join(top, 'fixtures');
const GOLDEN = path.join(top, 'test/golden/expected');
const PLAN_NAME = 'inherit-plan.img';
const MAGICS = [0x54564319, 0x50474446];
/** Caller fds of a plan get each of these in turn: the harness says what the numbers stand for. */
const CALLERS = Array.from({ length: 40 }, (_, at) => at);

const schema = protobuf.loadSync(path.join(top, 'schemas/plan.proto'));
const root = schema.nested.fdgraft;

function u32(value) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function frame(type, message) {
  const bytes = type.encode(message).finish();
  return Buffer.concat([u32(bytes.length), bytes]);
}

/** Bytes that a plan's JSON shows as text with \xHH, or as the digits of a digest. */
function bytesOf(text) {
  if (/^[0-9a-f]{64}$/.test(text)) return Buffer.from(text, 'hex');
  const parts = text.split(/\\x([0-9a-f]{2})/);
  return Buffer.concat(parts.map((part, at) => Buffer.from(part, at % 2 === 0 ? 'utf8' : 'hex')));
}

function fieldValue(field, value) {
  if (field.type === 'bytes') return bytesOf(value);
  if (field.resolvedType instanceof protobuf.Enum) {
    return Object.entries(field.resolvedType.values).find(([name]) => name.endsWith(`_${value.toUpperCase()}`))[1];
  }
  return field.resolvedType ? messageOf(field.resolvedType, value) : value;
}

/** The message that a plan's JSON shows. */
function messageOf(type, json) {
  const message = {};
  for (const field of type.fieldsArray) {
    const value = json[field.name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)];
    if (value === undefined) continue;
    message[field.name] = field.repeated ? value.map((one) => fieldValue(field, one)) : fieldValue(field, value);
  }
  return type.create(message);
}

function planOf(json) {
  const head = { ...json, format: json.version, placeholders: json.placeholders.length };
  const headType = root.lookupType('plan_head');
  const placeholderType = root.lookupType('plan_placeholder');
  return Buffer.concat([
    ...MAGICS.map(u32),
    frame(headType, messageOf(headType, head)),
    ...json.placeholders.map((one) => frame(placeholderType, messageOf(placeholderType, one))),
  ]);
}

/** The plans of the fixtures by name: those of earlier formats, and those that the tests expect of a rewrite. */
function plans() {
  const old = fs
    .readdirSync(path.join(FIXTURES, 'plans'))
    .map((name) => [path.parse(name).name, fs.readFileSync(path.join(FIXTURES, 'plans', name))]);
  const expected = fs.readdirSync(GOLDEN).flatMap((name) => {
    const file = path.join(GOLDEN, name, 'plan.json');
    // Empty where the rewrite is refused.
    const json = fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
    return json === '' ? [] : [[name, planOf(JSON.parse(json))]];
  });
  return [...old, ...expected];
}

/** An image of each fixture that has it. */
function images(name) {
  return fs.readdirSync(path.join(FIXTURES, 'images')).flatMap((fixture) => {
    const file = path.join(FIXTURES, 'images', fixture, name);
    return fs.existsSync(file) ? [[fixture, fs.readFileSync(file)]] : [];
  });
}

async function archive(members) {
  const pack = tar.pack();
  for (const [name, content] of members) pack.entry({ name }, content);
  pack.finalize();
  const chunks = [];
  for await (const chunk of pack) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Whole archives, and one with names that need extended headers. */
async function archives() {
  const pstree = new Map(images('pstree.img'));
  const inventory = new Map(images('inventory.img'));
  const made = [];
  for (const [name, plan] of plans().slice(0, 8)) {
    const beside = [
      ['pstree.img', pstree.get(name)],
      ['inventory.img', inventory.get(name)],
    ].filter(([, content]) => content !== undefined);
    for (const directory of ['', 'ckpt/', `${'long'.repeat(40)}/`]) {
      const members = [...beside, ['files.img', Buffer.alloc(700, 1)], [PLAN_NAME, plan]];
      made.push([
        `${name}-${directory.length}`,
        await archive(members.map(([member, content]) => [directory + member, content])),
      ]);
    }
  }
  return made;
}

/** `size` bytes of which those for the callers repeat `callers`. */
function control(size, callers, last) {
  const bytes = Buffer.alloc(size);
  for (let at = 0; at < size - 1; at++) bytes[at] = callers[at % callers.length];
  bytes[size - 1] = last;
  return bytes;
}

/** Every plan with each kind of caller fd alone, and with all of them. */
function withCallers(size) {
  const kinds = [...CALLERS.map((one) => [one]), CALLERS];
  return plans().flatMap(([name, plan]) =>
    kinds.map((callers, at) => [`${name}-${at}`, Buffer.concat([control(size, callers, at % 2), plan])]),
  );
}

/** Plans with unread bytes for a pipe of the caller's. */
function unreadBytes() {
  return plans()
    .filter(([name]) => /pipe|fifo|format/.test(name))
    .flatMap(([name, plan]) =>
      [1, 3, 5].flatMap((pipe) =>
        [0, 1, 5, 9].map((settings) => [
          `${name}-${pipe}-${settings}`,
          Buffer.concat([control(17, [pipe], settings), plan]),
        ]),
      ),
    );
}

/** What a well-behaved peer says, as the harness encodes it. */
const FETCHED = [
  ['all', [3, 0, 0, 1, 2]],
  ['with-dir', [3, 0, 0, 1, 3]],
  ['many', [7, 0x5a, 0, 1, 1, 1, 3]],
  ['refused', [3, 0, 7, 2]],
];
const GIVEN = [
  ['all', [3, 0, 0, 0, 1, 2]],
  ['with-debug', [3, 0, 3, 0, 1, 2]],
  ['with-plugins', [3, 0, 4, 0, 1, 2]],
  ['without-debug', [3, 0, 1, 0, 1, 2]],
  ['many', [7, 0x5a, 0, 0, 1, 1, 1, 2]],
];
const CONFIGS = [
  'auto-dedup\nlibdir /usr/lib\n',
  '# none\n"libdir" x\n\tL /x\n',
  'au\nlog-file x -L /x --auto-dedup\n',
];

/** The seeds of each program, by its name. */
const SEEDS = {
  archive: archives,
  choose: () => withCallers(33),
  'config-lines': () => CONFIGS.map((text, at) => [String(at), Buffer.from(`${String.fromCharCode(at % 2)}${text}`)]),
  unread: unreadBytes,
  fetch: () => FETCHED.map(([name, bytes]) => [name, Buffer.from(bytes)]),
  give: () => GIVEN.map(([name, bytes]) => [name, Buffer.from(bytes)]),
  'hash-images': plans,
  'image-records': () =>
    ['pstree.img', 'inventory.img'].flatMap((image, at) =>
      images(image).map(([name, bytes]) => [`${name}-${image}`, Buffer.concat([Buffer.from([at]), bytes])]),
    ),
  plan: plans,
  'receive-master': () => [['one', Buffer.from([1, 1, 0, ...Buffer.from('/dev/pts/7')])]],
  'socket-variable': () => [['one', Buffer.from(`${'0a'.repeat(32)}:/run/fdgraft/${'1b'.repeat(16)}/socket`)]],
};

/** Writes the seeds of one program into a directory. */
async function writeSeeds(harness, directory) {
  fs.mkdirSync(directory, { recursive: true });
  for (const [name, bytes] of await SEEDS[harness]()) fs.writeFileSync(path.join(directory, name), bytes);
}

const HARNESSES = Object.keys(SEEDS);

module.exports = { HARNESSES, writeSeeds };
