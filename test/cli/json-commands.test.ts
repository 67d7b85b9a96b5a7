import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { archiveOf } from '../support/archives';
import { command, top } from '../support/command';
import { descriptor, smallCheckpoint, snapshot, temporaryDirectory, writeCheckpoint } from '../support/directories';
import { encodeImage, encodeMessage, uint32 } from '../support/images';

function fdgraft(args: readonly string[], input: string | Buffer = '') {
  const [node, bin] = command;
  const { status, stdout, stderr } = spawnSync(node, [bin, ...args], { cwd: top, input });
  return { status, stdout, stderr: stderr.toString('utf8') };
}

/** Runs a line of the shell, in which `$F` is the command. */
function shell(line: string, cwd: string) {
  const script = line.replaceAll('$F', command.map((word) => `'${word}'`).join(' '));
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script], { cwd });
  return { status, stdout, stderr: stderr.toString('utf8') };
}

const IMAGE = encodeImage('fdinfo-2.img', [descriptor(2, 1, 'PIPE'), descriptor(3, 4, 'REG', 1)]);
const JSON_OF_IMAGE =
  '{"magic": "FDINFO", "entries": [{"id": 2, "flags": 0, "type": "PIPE", "fd": 1}, {"id": 3, "flags": 1, "type": "REG", "fd": 4}]}';

function files(t: ExecutionContext) {
  const directory = temporaryDirectory(t);
  const image = path.join(directory, 'fdinfo-2.img');
  const json = path.join(directory, 'x.json');
  fs.writeFileSync(image, IMAGE);
  fs.writeFileSync(json, JSON_OF_IMAGE);
  return { directory, image, json, out: path.join(directory, 'out') };
}

test('decode and encode take a file by -i, as a word or from stdin, and write stdout or -o', (t) => {
  const { image, json, out } = files(t);
  for (const args of [['-i', image], [image], ['-'], ['-i', '-'], []]) {
    const { status, stdout, stderr } = fdgraft(['decode', ...args], IMAGE);
    t.is(stdout.toString('utf8'), `${JSON_OF_IMAGE}\n`);
    t.is(stderr, '');
    t.is(status, 0);
  }
  for (const args of [['-i', json], [json], ['-'], ['-i', '-']]) {
    const { status, stdout, stderr } = fdgraft(['encode', ...args], JSON_OF_IMAGE);
    t.deepEqual(stdout, IMAGE);
    t.is(stderr, '');
    t.is(status, 0);
  }
  t.is(fdgraft(['decode', image, '-o', out, '--pretty']).stdout.length, 0);
  // A file has no line end, like crit's.
  t.regex(fs.readFileSync(out, 'utf8'), /^\{\n {4}"magic": "FDINFO",\n[\s\S]*\}$/);
  t.is(fdgraft(['encode', out, '-o', out]).status, 0);
  t.deepEqual(fs.readFileSync(out), IMAGE);
});

test('an archive where one image is wanted is called that', (t) => {
  const { directory } = files(t);
  const archive = path.join(directory, 'x.tar');
  fs.writeFileSync(archive, archiveOf({ name: 'checkpoint/fdinfo-2.img', content: IMAGE }));
  for (const command of ['info', 'show']) {
    const { status, stderr } = fdgraft([command, archive]);
    t.is(status, 2);
    t.regex(stderr, /x\.tar: is an archive, and this takes one image\n {2}decode ARCHIVE -o OUT/);
  }
  const { status, stderr } = fdgraft(['decode', '-i', archive]);
  t.is(status, 2);
  t.regex(stderr, /where the JSON of the checkpoint goes/);
});

test('the input is named once, and --link goes with directories', (t) => {
  const { image, json, out } = files(t);
  for (const args of [
    ['decode', image, '-i', image],
    ['encode', json, '-i', json],
    ['decode', image, '--link', 'copy'],
    ['encode', json, '--link', 'copy', '-o', out],
    ['decode', '-i', image, '-i', image],
    ['show'],
    ['decode', ''],
  ]) {
    t.is(fdgraft(args).status, 2, args.join(' '));
    t.false(fs.existsSync(out));
  }
});

test('-o over a file keeps its mode, a link stays one, and an error keeps the content', (t) => {
  const { directory, image, json, out } = files(t);
  fs.writeFileSync(out, 'old');
  fs.chmodSync(out, 0o604);
  const link = path.join(directory, 'link');
  fs.symlinkSync('out', link);
  t.is(fdgraft(['decode', image, '-o', link]).status, 0);
  t.true(fs.lstatSync(link).isSymbolicLink());
  t.is(fs.readFileSync(out, 'utf8'), JSON_OF_IMAGE);
  t.is(fs.statSync(out).mode & 0o7777, 0o604);
  fs.truncateSync(image, IMAGE.length - 1);
  fs.writeFileSync(json, JSON_OF_IMAGE.slice(0, -1));
  const there = snapshot(directory);
  const decoded = fdgraft(['decode', image, '-o', out]);
  t.is(decoded.status, 2);
  t.regex(decoded.stderr, /fdinfo-2\.img, entry 1, offset 20/);
  const encoded = fdgraft(['encode', json, '-o', out]);
  t.is(encoded.status, 2);
  t.regex(encoded.stderr, /x\.json, offset \d+: the JSON ends here/);
  t.deepEqual(snapshot(directory), there);
  if (process.getuid?.() === 0) {
    fs.chownSync(out, 1234, 4321);
    fs.writeFileSync(json, JSON_OF_IMAGE);
    t.is(fdgraft(['encode', json, '-o', out]).status, 0);
    t.like(fs.statSync(out), { uid: 1234, gid: 4321 });
    t.is(fs.statSync(out).mode & 0o7777, 0o604);
  }
});

test('a file can be its own output', (t) => {
  const { image } = files(t);
  t.is(fdgraft(['decode', image, '-o', image]).status, 0);
  t.is(fs.readFileSync(image, 'utf8'), JSON_OF_IMAGE);
  t.is(fdgraft(['encode', image, '-o', image]).status, 0);
  t.deepEqual(fs.readFileSync(image), IMAGE);
});

test('pipes, FIFOs and /dev/stdout are written as they are', (t) => {
  const { directory } = files(t);
  const piped = shell('$F decode < fdinfo-2.img | $F encode -o /dev/stdout | cmp - fdinfo-2.img', directory);
  t.is(piped.status, 0, piped.stderr);
  const fifo = shell(
    'mkfifo f && { cat f > got & $F decode -i fdinfo-2.img -o f; wait; } && test -p f && cat got',
    directory,
  );
  t.is(fifo.stdout.toString('utf8'), JSON_OF_IMAGE, fifo.stderr);
  const edited = shell('$F decode fdinfo-2.img | sed \'s/"fd": 4/"fd": 5/\' | $F encode > edited.img', directory);
  t.is(edited.status, 0, edited.stderr);
  const expected = Buffer.from(IMAGE);
  expected[IMAGE.length - 1] = 5;
  t.deepEqual(fs.readFileSync(path.join(directory, 'edited.img')), expected);
});

test('a reader that has seen enough is no error', (t) => {
  const { directory } = files(t);
  const record = Buffer.concat([
    uint32(13),
    encodeMessage('pipe_data_entry', { pipe_id: 2 ** 31, bytes: 2 ** 21, size: 99 }),
  ]);
  record.writeUInt32LE(record.length - 4);
  const head = encodeImage('pipes-data.img', []);
  fs.writeFileSync(path.join(directory, 'pipes-data.img'), Buffer.concat([head, record, Buffer.alloc(2 ** 21)]));
  const said = shell(
    'set -o pipefail; $F decode pipes-data.img | head -c 10; echo ":$?"; $F decode -o p.json pipes-data.img && $F encode p.json | head -c 4 >&2; echo "$?"',
    directory,
  );
  t.is(said.stdout.toString('utf8'), '{"magic": :0\n0\n');
  t.is(said.stderr, Buffer.from([0x19, 0x43, 0x56, 0x54]).toString('utf8'));
});

test('info says what an image is', (t) => {
  const { image } = files(t);
  t.is(fdgraft(['info', image]).stdout.toString('utf8'), '{\n    "magic": "FDINFO",\n    "count": 2\n}\n');
  t.deepEqual(JSON.parse(fdgraft(['info', '-', '--json'], IMAGE).stdout.toString('utf8')), {
    format: 'fdgraft.info',
    version: 1,
    magic: 'FDINFO',
    count: 2,
  });
  fs.truncateSync(image, IMAGE.length - 1);
  t.is(fdgraft(['info', image]).status, 2);
});

test('show --nopl has lengths in place of what follows entries', (t) => {
  const directory = temporaryDirectory(t);
  const extras = [Buffer.alloc(3), Buffer.alloc(0), Buffer.alloc(1536), Buffer.alloc(1 << 20)];
  const records = extras.map(({ length }, i) => ({ pipe_id: i, bytes: length }));
  const image = path.join(directory, 'pipes-data.img');
  fs.writeFileSync(image, encodeImage('pipes-data.img', records, { extras }));
  const { stdout, status } = fdgraft(['show', image, '--nopl']);
  t.is(status, 0);
  const { entries } = JSON.parse(stdout.toString('utf8')) as { entries: { extra: string }[] };
  t.deepEqual(
    entries.map(({ extra }) => extra),
    ['... <3B>', '... <0B>', '... <1.5KB>', '... <1MB>'],
  );
  const refused = fdgraft(['encode'], stdout);
  t.is(refused.status, 2);
  t.regex(refused.stderr, /--nopl/);
});

test('what is left behind the entries is a warning, unless --quiet', (t) => {
  const { directory, image } = files(t);
  fs.appendFileSync(image, 'xy');
  const { stdout, stderr, status } = fdgraft(['decode', image]);
  t.is(status, 0);
  t.regex(stderr, /^warning: .*fdinfo-2\.img: the bytes from offset \d+ on are no entry; _tail has them\n$/);
  t.is(fdgraft(['decode', image, '--quiet']).stderr, '');
  t.deepEqual(fdgraft(['encode'], stdout).stdout, fs.readFileSync(image));
  t.is(fdgraft(['show', image]).stderr, stderr);
  fs.writeFileSync(path.join(directory, 'pages-1.img'), 'raw');
  const raw = fdgraft(['decode', path.join(directory, 'pages-1.img')]);
  t.is(raw.status, 2);
  t.regex(raw.stderr, /pages of memory/);
});

test('directories need -o, and say what was converted', (t) => {
  const directory = temporaryDirectory(t);
  const source = writeCheckpoint(directory, smallCheckpoint());
  const [json, images] = [path.join(directory, 'json'), path.join(directory, 'images')];
  t.is(fdgraft(['decode', source]).status, 2);
  const decoded = fdgraft(['decode', source, '-o', json]);
  t.is(decoded.status, 0, decoded.stderr);
  t.regex(decoded.stderr, /9 images are JSON in /);
  t.is(decoded.stdout.length, 0);
  t.is(fdgraft(['encode', json]).status, 2);
  t.is(fdgraft(['encode', json, '-o', images, '--quiet']).stderr, '');
  t.deepEqual(snapshot(images), snapshot(source));
  fs.writeFileSync(path.join(json, 'files.img.json'), '{');
  const refused = fdgraft(['encode', json, '-o', path.join(directory, 'other')]);
  t.is(refused.status, 2);
  t.regex(refused.stderr, /files\.img\.json, offset 1: the JSON ends here/);
  t.deepEqual(fs.readdirSync(directory).sort(), [path.basename(source), 'images', 'json'].sort());
});

test('an interrupted run leaves the old file and nothing beside it', async (t) => {
  const { directory, out } = files(t);
  fs.writeFileSync(out, 'old');
  const there = fs.readdirSync(directory);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const child = spawn(command[0], [command[1], 'encode', '-o', out], {
      cwd: top,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    child.stdin.on('error', () => {});
    child.stdin.write('{"magic": "FDINFO", "entries": [');
    const entry = '{"id": 2, "flags": 0, "type": "PIPE", "fd": 1},'.repeat(10_000);
    const writes = setInterval(() => child.stdin.write(entry), 20);
    while (!fs.readdirSync(directory).some((name) => !there.includes(name)))
      await new Promise((done) => setTimeout(done, 20));
    child.kill(signal);
    const died = await new Promise((done) => child.on('close', (_code, by) => done(by)));
    clearInterval(writes);
    t.is(died, signal);
    t.deepEqual(fs.readdirSync(directory), there);
    t.is(fs.readFileSync(out, 'utf8'), 'old');
  }
});
