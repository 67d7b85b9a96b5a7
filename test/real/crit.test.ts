import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import fc from 'fast-check';
import { decode, encode, openImages, openSource } from '../../src';
import { parseAddress, showAddress } from '../../src/bytes/ip-address';
import { identifyImage, kindOfMagic, rawFileOf } from '../../src/frames/image-kinds';
import { JsonText } from '../../src/json/json-text';
import { decodeQuotedPrintable, encodeQuotedPrintable } from '../../src/json/quoted-printable';
import { command as ownCommand } from '../support/command';
import { compareWithCrit, type NamedImage } from './support/compare-with-crit';
import { compileHelper, compileProgram } from './support/compile';
import { askPython, realVersion, writeCommands } from './support/crit';
import { dumpJson, isObject, type JsonObject, parseJson } from './support/crit-json';
import { realCriu } from './support/criu';
import type { Lab, Namespace } from './support/lab';
import { makeImages } from './support/made-images';
import { atLeast } from './support/newer-fields';
import { realTest } from './support/real-test';
import type { Tasks } from './support/tasks';

// fdgraft decode, encode, info and show beside the real crit of the CRIU under test.

const CRIT_SCRIPT = path.join(__dirname, 'support/crit-script.sh');
const FIXTURES = path.join(__dirname, '../../fixtures/images');

/** The images of a directory that have entries. */
function imagesIn(directory: string): NamedImage[] {
  return fs
    .readdirSync(directory)
    .filter((name) => identifyImage(name) !== undefined && rawFileOf(name) === undefined)
    .map((name) => ({
      name: `${path.basename(directory)}/${name}`,
      bytes: fs.readFileSync(path.join(directory, name)),
    }));
}

realTest('every image of every fixture: the text of crit, and back', async (t) => {
  const directories = fs.readdirSync(FIXTURES).map((name) => path.join(FIXTURES, name));
  await compareWithCrit(t, directories.flatMap(imagesIn), 'fixtures');
});

realTest('images of every kind with every field: the text of crit, and back', async (t) => {
  await compareWithCrit(t, makeImages(), 'made');
});

/** All that one process, its children and its namespaces can have; see support/pantry.c. */
const DUMPS: readonly { groups: string; namespaces?: readonly Namespace[]; extraArgs?: readonly string[] }[] = [
  { groups: 'files sockets watches signals children memory seccomp', extraArgs: ['--file-locks'] },
  {
    groups: `files sockets signals children ipc ${dumpsNetworks() ? 'net' : ''}`,
    namespaces: ['user', 'pid', 'mount', 'uts', 'ipc', 'net'],
    extraArgs: ['--file-locks', '--tcp-established', '--network-lock', 'skip'],
  },
  { groups: 'bytes' },
];

/** From Linux 6.16 on CRIU dumps sockets of the network with 4.2 or newer only. */
function dumpsNetworks(): boolean {
  return realCriu().available && atLeast(realVersion(), '4.2');
}

realTest('dumps of all kinds of things: the text of crit, and back', async (t, lab) => {
  const images: NamedImage[] = [];
  for (const { groups, namespaces, extraArgs } of DUMPS) {
    const args = groups.split(' ').filter(Boolean);
    const program = await lab.startProgram(compileHelper('pantry'), { args, namespaces: namespaces ?? [] });
    images.push(...imagesIn(await lab.dump(program, { extraArgs: extraArgs ?? [] })));
  }
  await compareWithCrit(t, images, 'dumps');
  const magics = new Set(images.map(({ bytes }) => kindOfMagic(bytes.readUInt32LE(4))?.name));
  for (const kind of ['IPCNS_SEM', 'IPCNS_MSG', 'IPCNS_SHM', 'SK_QUEUES', 'GHOST_FILE', 'SECCOMP', 'USERNS', 'NETNS']) {
    t.true(magics.has(kind as never), kind);
  }
  t.is(magics.has('TCP_STREAM'), dumpsNetworks());
});

realTest('a script that uses crit: the same with fdgraft in its place', async (t, lab) => {
  const outcomes = [undefined, ownCommand].map((crit) => {
    const [bin, directory] = [lab.directory(), lab.directory()];
    writeCommands(bin, crit);
    fs.cpSync(path.join(FIXTURES, 'many_types'), directory, { recursive: true });
    const { status, stdout, stderr } = spawnSync('sh', [CRIT_SCRIPT], {
      cwd: directory,
      env: { PATH: `${bin}:/usr/bin:/bin` },
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    t.is(status, 0, `${stdout}\n${stderr}`);
    return { stdout, files: new Map(fs.readdirSync(directory).map((name) => [name, readHex(directory, name)])) };
  });
  const [theirs, ours] = outcomes as [(typeof outcomes)[0], (typeof outcomes)[0]];
  t.is(ours.stdout, theirs.stdout);
  t.deepEqual(ours.files, theirs.files);
  t.true(theirs.files.has('core.new.img'));
});

const readHex = (directory: string, name: string) => fs.readFileSync(path.join(directory, name)).toString('hex');

/** Turns a dump into JSON and back, edited in between; all that is not in `edits` has to stay as it was. */
async function thereAndBack(
  t: ExecutionContext,
  lab: Lab,
  dump: string,
  edits: { readonly [image: string]: (entries: JsonObject[]) => void },
  pretty: boolean,
): Promise<string> {
  const [json, out] = [path.join(lab.directory(), 'json'), path.join(lab.directory(), 'out')];
  await decode(await openSource(dump), { out: json, pretty });
  for (const [name, edit] of Object.entries(edits)) {
    const file = path.join(json, `${name}.json`);
    const image = parseJson(fs.readFileSync(file, 'utf8'));
    edit(image.entries as JsonObject[]);
    fs.writeFileSync(file, dumpJson(image, pretty));
  }
  await encode(await openImages(json), { out });
  t.deepEqual(fs.readdirSync(out), fs.readdirSync(dump));
  for (const name of fs.readdirSync(dump)) {
    t.is(readHex(out, name) === readHex(dump, name), !(name in edits), name);
  }
  return out;
}

for (const pretty of [false, true]) {
  realTest(`a dump that was JSON${pretty ? ', pretty' : ''}, is restored as it was`, async (t, lab) => {
    const args = (DUMPS[0]?.groups ?? '').split(' ');
    const program = await lab.startProgram(compileHelper('pantry'), { args });
    const seen = (tasks: Tasks) =>
      [...tasks.fds(program.pid)].map(([fd, { pos, closeOnExec }]) => [fd, pos, closeOnExec] as const);
    const before = seen(program.tasks);
    const dump = await lab.dump(program, { extraArgs: ['--file-locks'] });
    const { tasks } = await lab.restore(await thereAndBack(t, lab, dump, {}, pretty), { extraArgs: ['--file-locks'] });
    t.deepEqual(seen(tasks), before);
    t.deepEqual([...tasks.pids().keys()], [program.pid, program.pid + 1, program.pid + 3]);
    await tasks.signal(program.pid, 'SIGUSR2');
    t.is(tasks.readBy(program.pid, 10).toString(), '456789');
    t.deepEqual(tasks.readBy(program.pid, 11), Buffer.from(Array.from({ length: 300 }, (_byte, i) => i % 256)));
    const open = (fd: number) => fs.readFileSync(`/proc/${tasks.hostPid(program.pid)}/fd/${fd}`);
    t.is(open(14).length, 300, 'the file without a name');
    t.is(open(15).length, 2 * 65536 + 300, 'that with holes');
    t.is(open(16).toString(), 'memory');
  });
}

realTest('what was edited in the JSON is what the restored process has', async (t, lab) => {
  const program = await lab.startProgram(compileProgram('many_types'));
  const dump = await lab.dump(program);
  const edits = {
    'files.img': (entries: JsonObject[]) => {
      const file = entries.map(({ reg }) => reg).find((reg) => isObject(reg) && reg.pos === 3) as JsonObject;
      file.pos = 6;
    },
    'pipes-data.img': ([entry]: JsonObject[]) => {
      const bytes = Buffer.from('edited, and longer than it was\n');
      Object.assign(entry as JsonObject, { bytes: bytes.length, extra: bytes.toString('base64') });
    },
    [`fs-${program.pid}.img`]: ([entry]: JsonObject[]) => {
      (entry as JsonObject).umask = 0o77;
    },
  };
  const { tasks } = await lab.restore(await thereAndBack(t, lab, dump, edits, false));
  t.is(tasks.fds(program.pid).get(10)?.pos, 6);
  t.regex(fs.readFileSync(`/proc/${tasks.hostPid(program.pid)}/status`, 'utf8'), /^Umask:\s*0077$/m);
  await tasks.signal(program.pid, 'SIGUSR2');
  t.is(tasks.readBy(program.pid, 10).toString(), '6789');
  t.is(tasks.readBy(program.pid, 14).toString(), 'edited, and longer than it was\n');
});

/** What Python's own modules make of values that come as base64 or text. */
const VALUES = `
import base64, ipaddress, json, quopri, sys

def address(text):
    try:
        return base64.b64encode(ipaddress.ip_address(text).packed).decode()
    except ValueError:
        return None

for line in sys.stdin:
    question = json.loads(line)
    if 'quote' in question:
        value = base64.b64decode(question['quote'])
        quoted = quopri.encodestring(value)
        answer = {'text': quoted.decode(), 'back': base64.b64encode(quopri.decodestring(quoted)).decode()}
    elif 'unquote' in question:
        answer = {'back': base64.b64encode(quopri.decodestring(question['unquote'])).decode()}
    elif 'dump' in question:
        answer = {'text': json.dumps(question['dump'])}
    elif 'show' in question:
        answer = {'text': ipaddress.ip_address(base64.b64decode(question['show'])).compressed}
    else:
        answer = {'back': address(question['parse'])}
    print(json.dumps(answer))
`;

interface Value {
  readonly text?: string;
  readonly back?: string | null;
}

realTest('quoted-printable as Python has it', async (t) => {
  const parts = ['\n', '\r\n', '\r', '.', '=', ' ', '\t', '\0', '\x7f', '\x80', '\xff', 'a', '~', '!', 'n'.repeat(74)];
  const nasty = fc
    .array(fc.constantFrom(...parts), { maxLength: 30 })
    .map((list) => Buffer.from(list.join(''), 'latin1'));
  const any = fc.uint8Array({ maxLength: 108 }).map((bytes) => Buffer.from(bytes));
  const values = fc.sample(fc.oneof(nasty, any), { numRuns: 4000, seed: 1 });
  const said = await askPython<Value>(
    VALUES,
    values.map((value) => ({ quote: value.toString('base64') })),
  );
  let kept = 0;
  for (const [i, value] of values.entries()) {
    const { text, back } = said[i] as Value;
    t.is(encodeQuotedPrintable(value), text ?? '', JSON.stringify(value.toString('latin1')));
    t.is(decodeQuotedPrintable(text ?? '')?.toString('base64'), back ?? '', JSON.stringify(text));
    if (back === value.toString('base64')) kept += 1;
  }
  t.true(kept > values.length / 4 && kept < values.length);
});

realTest('what people write as quoted-printable means the same to Python, or is refused', async (t) => {
  const parts = [
    '=41',
    '=4a',
    '=4A',
    '=\n',
    '=\r\n',
    '\n',
    '\r\n',
    'a',
    ' ',
    '\t',
    '=',
    '==',
    '=4',
    '=GG',
    '.',
    '\u00fc',
  ];
  const texts = fc.sample(
    fc.array(fc.constantFrom(...parts), { maxLength: 12 }).map((list) => list.join('')),
    { numRuns: 3000, seed: 2 },
  );
  const said = await askPython<Value>(
    VALUES,
    texts.map((unquote) => ({ unquote })).filter(({ unquote }) => isAscii(unquote)),
  );
  let refused = 0;
  for (const [i, text] of texts.filter(isAscii).entries()) {
    const ours = decodeQuotedPrintable(text);
    if (ours === undefined) refused += 1;
    else t.is(ours.toString('base64'), (said[i] as Value).back ?? '', JSON.stringify(text));
  }
  t.true(refused > 0 && refused < texts.length);
});

const isAscii = (text: string) => /^[\0-\x7f]*$/.test(text);

realTest('addresses as Python has them', async (t) => {
  const group = fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.constantFrom(1, 0xffff, 0xff), fc.nat(0xffff));
  const wide = fc.array(group, { minLength: 8, maxLength: 8 }).map((groups) => {
    const bytes = Buffer.alloc(16);
    for (const [i, value] of groups.entries()) bytes.writeUInt16BE(value, 2 * i);
    return bytes;
  });
  const narrow = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => Buffer.from(bytes));
  const values = fc.sample(fc.oneof({ weight: 4, arbitrary: wide }, narrow), { numRuns: 4000, seed: 3 });
  values.push(Buffer.from(`${'00'.repeat(10)}ffff7f000001`, 'hex'), Buffer.from(`${'00'.repeat(12)}7f000001`, 'hex'));
  const shown = await askPython<Value>(
    VALUES,
    values.map((value) => ({ show: value.toString('base64') })),
  );
  for (const [i, value] of values.entries()) {
    const { text } = shown[i] as Value;
    t.is(showAddress(value), text ?? '', value.toString('hex'));
    t.deepEqual(parseAddress(text ?? ''), value, text);
  }
});

realTest('what people write as an address means the same to Python', async (t) => {
  const parts = [
    '1',
    '0',
    'ffff',
    ':',
    '::',
    '.',
    '127.0.0.1',
    'A',
    '00ff',
    '256',
    '01',
    ':',
    'g',
    '/',
    '%',
    ' ',
    '12345',
  ];
  const made = fc.sample(
    fc.array(fc.constantFrom(...parts), { minLength: 1, maxLength: 15 }).map((list) => list.join('')),
    { numRuns: 6000, seed: 4 },
  );
  const texts = [
    ...made,
    '::',
    '::1',
    '1::',
    '::ffff:1.2.3.4',
    '1:2:3:4:5:6:1.2.3.4',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
  ]
    // An address with a scope would lose that, so it is refused.
    .filter((text) => !text.includes('%'));
  const said = await askPython<Value>(
    VALUES,
    texts.map((parse) => ({ parse })),
  );
  let good = 0;
  for (const [i, text] of texts.entries()) {
    const { back } = said[i] as Value;
    t.is(parseAddress(text)?.toString('base64') ?? null, back ?? null, JSON.stringify(text));
    if (back !== null) good += 1;
  }
  t.true(good > 20, String(good));
});

realTest('strings of JSON as Python writes them', async (t) => {
  const character = fc.oneof(
    fc.constantFrom(
      '"',
      '\\',
      '/',
      '\0',
      '\b',
      '\t',
      '\n',
      '\f',
      '\r',
      '\x1f',
      '\x7f',
      '\x80',
      '\u2028',
      '\ud7ff',
      '\ue000',
      '\uffff',
    ),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  );
  const texts = fc.sample(
    fc.array(character).map((list) => list.join('')),
    { numRuns: 4000, seed: 5 },
  );
  const said = await askPython<Value>(
    VALUES,
    texts.map((dump) => ({ dump })),
  );
  for (const [i, text] of texts.entries()) {
    const bytes = Buffer.from(text);
    for (const put of [
      (json: JsonText) => json.quoted(text),
      (json: JsonText) => json.string(bytes, 0, bytes.length),
    ]) {
      let written = '';
      const write = async (chunk: Uint8Array) => {
        written += Buffer.from(chunk).toString('latin1');
      };
      const json = new JsonText({ write }, false);
      put(json);
      await json.flush();
      t.is(written, (said[i] as Value).text ?? '');
      t.is(JSON.parse(written), text);
    }
  }
});
