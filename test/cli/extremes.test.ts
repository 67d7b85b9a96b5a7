import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  descriptor,
  fileEntry,
  type Images,
  NO_OWNER,
  smallCheckpoint,
  temporaryDirectory,
  writeCheckpoint,
} from '../support/directories';
import { encodeMessage } from '../support/images';
import { measured, type Ran } from '../support/measured';
import { writePlan } from '../support/planfile';

/** Checkpoints that no program makes: what a command keeps of each thing, and writes for it, is bounded. */

/** A run that reads a few bytes takes some 60 MiB. */
const MOST_KIB = 160 << 10;

function made(t: ExecutionContext, changes: Images): string {
  return writeCheckpoint(temporaryDirectory(t), { ...smallCheckpoint(), ...changes });
}

function stays(t: ExecutionContext, ran: Ran, what: string, status = 0): void {
  t.is(ran.status, status, `${what}: ${ran.said}`);
  t.true(ran.peakKib < MOST_KIB, `${what}: ${ran.peakKib} KiB`);
}

const DESCRIPTORS = 200_000;
const manyDescriptors = (count = DESCRIPTORS) => ({
  'fdinfo-1.img': Array.from({ length: count }, (_none, fd) => descriptor(3, fd, 'REG', fd & 1)),
});

/** Runs the command, and gives all that it wrote. */
async function textOf(args: readonly string[]): Promise<[Ran, string]> {
  const chunks: Buffer[] = [];
  const ran = await measured(args, { take: (chunk) => chunks.push(chunk) });
  return [ran, Buffer.concat(chunks).toString()];
}

test.serial('many descriptors of one entry are listed in little memory', async (t) => {
  const source = made(t, manyDescriptors());
  const [ran, json] = await textOf(['ls', '--json', source]);
  stays(t, ran, 'ls --json');
  const { entries } = JSON.parse(json);
  const { descriptors } = entries.find(({ file_id }: { file_id: number }) => file_id === 3);
  t.is(descriptors.length, DESCRIPTORS);
  for (const fd of [0, 1, 1023, 1024, DESCRIPTORS - 1]) {
    t.deepEqual(descriptors[fd], { table: 1, pids: [7], names: [''], fd, close_on_exec: (fd & 1) === 1 });
  }
  // The text is what JSON.stringify makes of it.
  t.true(json === `${JSON.stringify(JSON.parse(json), null, 2)}\n`);

  const text = await measured(['ls', source]);
  stays(t, text, 'ls');
  t.true(text.bytes < 20_000, `${text.bytes}`);
  t.regex(text.first, / 7\/998 7\/999 and 199000 more/);

  for (const args of [
    ['x', source, 'fds'],
    ['x', '--json', source, 'fds'],
  ])
    stays(t, await measured(args), args.join(' '));
});

test.serial('many descriptors of one entry are rewritten in little memory', async (t) => {
  const source = made(t, manyDescriptors());
  const out = path.join(temporaryDirectory(t), 'out');
  const saved = path.join(temporaryDirectory(t), 'plan.json');
  const spec = ['--inherit-fd', 'fd[5]:/var/log/app.log'];
  const [ran, json] = await textOf(['rewrite', '--json', source, '-o', out, '--save-plan', saved, ...spec]);
  stays(t, ran, 'rewrite --json');
  const { plan } = JSON.parse(json);
  t.is(plan.placeholders[0].references.length, DESCRIPTORS);
  t.true(fs.readFileSync(saved, 'utf8') === `${JSON.stringify(plan, null, 2)}\n`);
  const text = await measured(['rewrite', source, '--dry-run', ...spec]);
  stays(t, text, 'rewrite');
  t.true(text.bytes < 20_000, `${text.bytes}`);
  t.regex(text.first, /7\/999 \(close-on-exec\), 199000 more/);
});

test.serial('a plan of many references is proved and shown in little memory', async (t) => {
  const source = made(t, manyDescriptors());
  const out = path.join(temporaryDirectory(t), 'out');
  await measured(['rewrite', source, '-o', out, '--inherit-fd', 'fd[5]:/var/log/app.log']);
  const [ran, json] = await textOf(['show', path.join(out, 'inherit-plan.img')]);
  stays(t, ran, 'show');
  const plan = JSON.parse(json);
  t.true(json === `${JSON.stringify(plan, null, 4)}\n`);
  const { references } = plan.placeholders[0];
  t.is(references.length, DESCRIPTORS);
  const last = { table: 1, pids: [7], fd: DESCRIPTORS - 1, close_on_exec: true };
  t.deepEqual(references[DESCRIPTORS - 1], { descriptor: last });
  for (const format of ['text', 'html']) {
    stays(t, await measured(['diff', '--format', format, source, out, '--plan', out]), format);
  }
  const [unmet, told] = await textOf(['diff', source, source, '--plan', out]);
  stays(t, unmet, 'diff of what was not done', 1);
  t.regex(told, /! 199001 more descriptors: to be inherited, and they are not\n/);
});

test.serial('more placeholders than diff reads of a plan are refused, by the limit', async (t) => {
  const count = (1 << 18) + 1;
  const plan = temporaryDirectory(t);
  writePlan(plan, { count, placeholders: [{ fileId: 3, callerFd: 5 }] });
  const image = path.join(plan, 'inherit-plan.img');
  const bytes = fs.readFileSync(image);
  const record = bytes.subarray(12 + bytes.readUint32LE(8));
  fs.appendFileSync(image, Buffer.alloc((count - 1) * record.length, record));
  const source = made(t, {});
  const ran = await measured(['diff', source, source, '--plan', plan]);
  stays(t, ran, 'diff', 2);
  t.regex(ran.said, /^fdgraft: .*: has more than 262144 placeholders, the most that fdgraft reads of a plan\n/);
});

test.serial('many placeholders are told on stderr where the plan goes to stdout', async (t) => {
  const count = 80_000;
  const source = made(t, {
    'files.img': [...Array.from({ length: count }, (_none, i) => fileEntry(i + 3, `/log/${i}`, 1))],
    'fdinfo-1.img': Array.from({ length: count }, (_none, i) => descriptor(i + 3, i, 'REG')),
  });
  const args = ['rewrite', source, '--dry-run', '--inherit-fd', 'fd[5]:/log/*'];
  const [ran, told] = await textOf(args);
  t.is(ran.status, 0, ran.said.slice(0, 500));
  const saved = await measured([...args, '--save-plan', '-']);
  t.is(saved.status, 0, saved.said.slice(-500));
  t.true(saved.said.endsWith(told));
});

const IMAGES = 150_000;

/** A plan that names as many images, and a diff of a checkpoint with itself that is to explain it. */
async function diffWithImages(t: ExecutionContext, nameOf: (i: number) => string): Promise<Ran> {
  const plan = temporaryDirectory(t);
  const digest = Buffer.alloc(32);
  const images = Array.from({ length: IMAGES }, (_none, i) => ({ name: nameOf(i), before: digest, after: digest }));
  writePlan(plan, { images, placeholders: [] });
  const source = made(t, { 'big.img': Buffer.alloc(4 << 20) });
  return measured(['diff', source, source, '--plan', plan]);
}

test.serial('a plan that names an image again and again is refused before that is hashed', async (t) => {
  const ran = await diffWithImages(t, () => 'big.img');
  t.is(ran.status, 2);
  t.regex(ran.said, /is no plan of fdgraft: it names the image big\.img twice, or not in the order of names\n/);
});

test.serial('a plan can name any number of images', async (t) => {
  const ran = await diffWithImages(t, (i) => `a${String(i).padStart(6, '0')}.img`);
  t.is(ran.status, 1, ran.said.slice(0, 500));
  t.regex(ran.last, /a149999\.img of .*: not what the rewrite wrote/);
});

test.serial('many watches of an epoll that many tables have are not put together', async (t) => {
  const [tables, watches] = [500, 20_000];
  const epoll = { type: 'EVENTPOLL', id: 9, epfd: { id: 9, flags: 2, fown: NO_OWNER, tfd: many(watches) } };
  const inTable = (fd: number) => [descriptor(3, fd, 'REG'), descriptor(9, watches, 'EVENTPOLL')];
  const source = made(t, {
    'files.img': [fileEntry(3, '/var/log/app.log', 1), epoll],
    ...Object.fromEntries(Array.from({ length: tables }, (_none, i) => [`fdinfo-${i + 1}.img`, inTable(i)])),
  });
  stays(t, await measured(['ls', source]), 'ls');
  stays(t, await measured(['rewrite', '--dry-run', source, '--inherit-fd', 'fd[5]:/var/log/app.log']), 'rewrite');
});

const many = (watches: number) => Array.from({ length: watches }, (_none, tfd) => ({ id: 9, tfd, events: 1, data: 0 }));

test.serial('many descriptors that one side has are compared in little memory', async (t) => {
  const [before, after] = [made(t, {}), made(t, manyDescriptors(100_000))];
  for (const format of ['text', 'json', 'markdown', 'html']) {
    stays(t, await measured(['diff', '--format', format, before, after]), format, 1);
  }
  stays(t, await measured(['diff', after, before]), 'the other way', 1);
});

test.serial('many tasks take little memory', async (t) => {
  const tasks = Array.from({ length: 400_000 }, (_none, i) => ({ pid: 7 + i, ppid: i === 0 ? 0 : 7, pgid: 7, sid: 7 }));
  const source = made(t, { 'pstree.img': tasks });
  for (const args of [['ls'], ['ls', '--json'], ['rewrite', '--dry-run', '--inherit-fd', 'fd[5]:/proc/7/fd/3']]) {
    stays(t, await measured([...args, source]), args.join(' '));
  }
});

/** A field of one byte, as often. */
const repeated = (tag: number, count: number) => Buffer.alloc(2 * count, Buffer.from([tag, 1]));

test.serial('more threads than Linux has are refused, by the limit', async (t) => {
  const task = encodeMessage('pstree_entry', { pid: 7, ppid: 0, pgid: 7, sid: 7 });
  const source = made(t, { 'pstree.img': [Buffer.concat([task, repeated(0x28, (1 << 22) + 1)])] });
  for (const args of [
    ['ls', source],
    ['ls', '--json', source],
    ['x', source, 'ps'],
    ['x', '--json', source, 'fds'],
    ['rewrite', '--dry-run', source, '--inherit-fd', 'fd[5]:/var/log/app.log'],
  ]) {
    const ran = await measured(args);
    stays(t, ran, args.join(' '), 2);
    t.regex(ran.said, /^fdgraft: pstree\.img: has more than 4194304 threads, the most that fdgraft takes\n {2}/);
  }
});

test.serial('a chain of tasks is drawn in lines of bounded length', async (t) => {
  const chain = (length: number) =>
    made(t, {
      'pstree.img': Array.from({ length }, (_none, i) => ({ pid: 7 + i, ppid: i === 0 ? 0 : 6 + i, pgid: 7, sid: 7 })),
    });
  const ran = await measured(['x', chain(3000), 'ps']);
  stays(t, ran, 'x ps');
  t.true(ran.bytes < 3000 * 320, `${ran.bytes}`);
  t.regex(ran.last, / {3}( {4}){64}\[depth 2999\] \?\n$/);
  t.regex((await measured(['x', chain(65), 'ps'])).last, / {3}( {4}){64}\?\n$/);
});

const NAME_BYTES = 8 << 20;

for (const [what, byte] of [
  ['text', 'a'],
  ['no text', '\xff'],
] as const) {
  test.serial(`a name of 8 MiB that is ${what} is not printed`, async (t) => {
    const name = `/${byte.repeat(NAME_BYTES - 1)}`;
    const member = encodeMessage('reg_file_entry', fileEntry(3, '', 1).reg);
    const length = Buffer.from([0x80, 0x80, 0x80, 0x04]);
    // The last of two names counts.
    const long = Buffer.concat([member, Buffer.from([0x32]), length, Buffer.from(name, 'latin1')]);
    const entry = Buffer.concat([Buffer.from([0x08, 1, 0x10, 3, 0x1a]), varint(long.length), long]);
    const [source, other] = [made(t, { 'files.img': [entry] }), made(t, { 'files.img': [fileEntry(3, '/x', 1)] })];
    const shown = byte === 'a' ? 'a{511}' : '(\\\\xff){511}';
    const text = await measured(['ls', source]);
    stays(t, text, 'ls');
    t.regex(text.first, new RegExp(`^/${shown}… \\(8388608 bytes\\)`.replace('…', 'â\x80¦')));
    t.true(text.bytes < 4000);
    const [ran, json] = await textOf(['ls', '--json', source]);
    stays(t, ran, 'ls --json');
    const listed = JSON.parse(json).entries.find(({ file_id }: { file_id: number }) => file_id === 3);
    t.is(listed.name_bytes, NAME_BYTES);
    t.false('key' in listed);
    for (const args of [
      ['x', source, 'fds'],
      ['x', '--json', source, 'fds'],
    ]) {
      const explored = await measured(args);
      stays(t, explored, args.join(' '));
      t.true(explored.bytes < 8000);
    }
    const refused = await measured(['rewrite', '--dry-run', source, '--inherit-fd', 'fd[5]:/proc/7/fd/3']);
    stays(t, refused, 'rewrite', 2);
    t.regex(
      refused.said,
      /^fdgraft: files\.img, entry 0: the name of file id 3 has 8388608 bytes, more than the 65536/,
    );
    const unmatched = await measured(['rewrite', '--dry-run', source, '--inherit-fd', 'fd[5]:/nowhere']);
    stays(t, unmatched, 'rewrite', 1);
    for (const format of ['text', 'json', 'markdown', 'html']) {
      const compared = await measured(['diff', '--format', format, source, other]);
      stays(t, compared, format, 1);
      t.true(compared.bytes < 100_000, `${compared.bytes}`);
    }
  });
}

const MOST_IN_ALL_KIB = 256 << 10;

/** An image with one file entry: its fields and those of its member. */
function oneEntry(member: Buffer, ...more: Buffer[]): Buffer {
  return Buffer.concat([Buffer.from([0x08, 1, 0x10, 3, 0x1a]), varint(member.length), member, ...more]);
}

/** A field of bytes. */
const bytesField = (tag: number, bytes: Buffer) => Buffer.concat([varint(tag), varint(bytes.length), bytes]);

const plainMember = (name = '') => encodeMessage('reg_file_entry', fileEntry(3, name, 1).reg);

test.serial('two names of 60 MiB that differ are compared in 256 MiB', async (t) => {
  const side = (byte: string) =>
    made(t, {
      'files.img': [oneEntry(Buffer.concat([plainMember(), bytesField(0x32, Buffer.alloc(60 << 20, byte))]))],
    });
  const [source, other] = [side('a'), side('b')];
  for (const format of ['text', 'json', 'markdown', 'html']) {
    const ran = await measured(['diff', '--format', format, source, other]);
    t.is(ran.status, 1, ran.said);
    t.true(ran.peakKib < MOST_IN_ALL_KIB, `${format}: ${ran.peakKib} KiB`);
    t.true(ran.bytes < 100_000, `${ran.bytes}`);
  }
});

test.serial('60 MiB that no schema knows, beside a field that differs, are compared in 256 MiB', async (t) => {
  const unknown = bytesField((99 << 3) | 2, Buffer.alloc(60 << 20));
  const side = (name: string) => made(t, { 'files.img': [oneEntry(plainMember(name), unknown)] });
  const ran = await measured(['diff', side('/a'), side('/b')]);
  t.is(ran.status, 1, ran.said);
  t.true(ran.peakKib < MOST_IN_ALL_KIB, `${ran.peakKib} KiB`);
});

test.serial('a message of 60 MiB in two parts is refused by diff, by the limit', async (t) => {
  const part = (byte: string) =>
    bytesField(0x1a, Buffer.concat([plainMember(), bytesField(0x32, Buffer.alloc(30 << 20, byte))]));
  const side = (byte: string) =>
    made(t, { 'files.img': [Buffer.concat([Buffer.from([8, 1, 16, 3]), part(byte), part(byte)])] });
  const ran = await measured(['diff', side('a'), side('b')]);
  t.is(ran.status, 2);
  t.true(ran.peakKib < MOST_IN_ALL_KIB, `${ran.peakKib} KiB`);
  t.regex(
    ran.said,
    /^fdgraft: files\.img \(before\), entry 0, offset 16: the parts of the message have \d+ bytes, more than the 16777216 that diff joins\n/,
  );
});

test.serial('a message of millions of fields is refused by diff, by the limit', async (t) => {
  const side = (count: number) => made(t, { 'files.img': [oneEntry(plainMember(), repeated(0x08, count))] });
  const ran = await measured(['diff', side(5_000_000), side(5_000_001)]);
  stays(t, ran, 'diff', 2);
  t.regex(
    ran.said,
    /^fdgraft: files\.img \(before\), entry 0, offset 12: the message has more than 262144 fields, the most that diff takes\n/,
  );
});

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 127) | 128);
  }
}

/** Each is a name whose JSON has more than 64 MiB, while the image has some 22 MiB at most. */
for (const [what, name] of [
  ['no text', Buffer.alloc(13 << 20, 0xff)],
  ['control characters', Buffer.alloc(11 << 20, 1)],
  ['no ASCII', Buffer.from('\u00e4'.repeat(11 << 20))],
] as const) {
  test.serial(`a name whose escapes do not fit into memory is refused by decode: ${what}`, async (t) => {
    const member = encodeMessage('reg_file_entry', fileEntry(3, '', 1).reg);
    const long = Buffer.concat([member, Buffer.from([0x32]), varint(name.length), name]);
    const entry = Buffer.concat([Buffer.from([0x08, 1, 0x10, 3, 0x1a]), varint(long.length), long]);
    const source = made(t, { 'files.img': [entry] });
    const ran = await measured(['decode', '-i', path.join(source, 'files.img')]);
    t.is(ran.status, 2);
    t.true(ran.peakKib < 2 * MOST_KIB, `${ran.peakKib} KiB`);
    t.regex(
      ran.said,
      /files\.img, entry 0, offset \d+, field reg_file_entry\.name: escapes make the entry more than 67108864 characters of JSON, the most that fdgraft writes\n {2}no path/,
    );
  });
}

test.serial('one long name does not widen the lines of all others', async (t) => {
  const entries = Array.from({ length: 100 }, (_none, i) =>
    fileEntry(i + 1, i === 0 ? `/${'n'.repeat(60_000)}` : `/${i}`, 1),
  );
  const table = entries.map(({ id }) => descriptor(id, id, 'REG'));
  const source = made(t, { 'files.img': entries, 'fdinfo-1.img': table, 'fdinfo-2.img': [] });
  const ran = await measured(['ls', source]);
  stays(t, ran, 'ls');
  t.true(ran.bytes < 60_000 + 100 * 600, `${ran.bytes}`);
});

test('a message never repeats a long argument', async (t) => {
  const ran = await measured(['ls', `/${'a/'.repeat(50_000)}`]);
  t.is(ran.status, 2);
  t.true(ran.said.length < 3000, `${ran.said.length}`);
  t.regex(ran.said, /… \(100\d+ characters\) …/);
});
