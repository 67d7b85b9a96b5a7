import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { openSource, rewrite } from '../../src';
import {
  descriptor,
  fileEntry,
  NO_OWNER,
  pipeEntry,
  smallCheckpoint,
  temporaryDirectory,
  writeCheckpoint,
} from '../support/directories';
import { encodeImage, encodeMessage, readImage } from '../support/images';
import { rewriteImages, smallWith } from '../support/rewriting';

const PIPE = 'fd[5]:pipe:[4711]';
const LOG = 'fd[7]:/var/log/app.log';

test('a pipe becomes a placeholder of the same id, and each of its descriptors follows', async (t) => {
  const { out } = await rewriteImages(t, smallCheckpoint(), { specs: [PIPE] });
  t.deepEqual(readImage(out, 'files.img').records[1]?.fields, { type: 'EXT', id: 2, ext: { id: 2, fown: NO_OWNER } });
  const types = (name: string) => readImage(out, name).records.map(({ fields }) => `${fields.fd} ${fields.type}`);
  t.deepEqual(types('fdinfo-1.img'), ['1 EXT', '3 REG', '6 EXT', '9 REG']);
  t.deepEqual(types('fdinfo-2.img'), ['1 EXT']);
});

test('all else is there byte for byte', async (t) => {
  const { source, out } = await rewriteImages(t, smallCheckpoint(), { specs: [PIPE] });
  const changed = new Set(['files.img', 'fdinfo-1.img', 'fdinfo-2.img', 'inherit-plan.img']);
  t.deepEqual(fs.readdirSync(out).sort(), [...fs.readdirSync(source), 'inherit-plan.img'].sort());
  for (const name of fs.readdirSync(source)) {
    const same = fs.readFileSync(path.join(source, name)).equals(fs.readFileSync(path.join(out, name)));
    t.is(same, !changed.has(name), name);
  }
  for (const index of [0, 2, 3]) {
    t.deepEqual(
      readImage(out, 'files.img').records[index]?.bytes,
      readImage(source, 'files.img').records[index]?.bytes,
    );
  }
});

test('the plan says what the caller has to bring, and for which descriptors', async (t) => {
  const { plan } = await rewriteImages(t, smallCheckpoint(), { specs: [PIPE, LOG] });
  t.deepEqual(plan.specs, [
    { text: PIPE, caller_fd: 5, matches: 1 },
    { text: LOG, caller_fd: 7, matches: 1 },
  ]);
  t.deepEqual(plan.placeholders, [
    {
      file_id: 2,
      caller_fd: 5,
      spec: 0,
      was: { type: 'PIPE', key: 'pipe:[4711]', flags: 1, pipe_id: 4711, owner: NO_OWNER },
      needs_read: false,
      needs_write: true,
      apply: 'AUTO',
      position: 'CALLER',
      references: [
        { descriptor: { table: 1, pids: [7], fd: 1, close_on_exec: false } },
        { descriptor: { table: 1, pids: [7], fd: 6, close_on_exec: true } },
        { descriptor: { table: 2, pids: [8], fd: 1, close_on_exec: false } },
      ],
      in_flight: [],
    },
    {
      file_id: 3,
      caller_fd: 7,
      spec: 1,
      was: { type: 'REG', key: '/var/log/app.log', flags: 0o2001, offset: 162n, owner: NO_OWNER },
      needs_read: false,
      needs_write: true,
      apply: 'AUTO',
      position: 'CALLER',
      references: [{ descriptor: { table: 1, pids: [7], fd: 3, close_on_exec: false } }],
      in_flight: [],
    },
  ]);
  t.deepEqual(
    plan.images.map(({ name }) => name),
    ['fdinfo-1.img', 'fdinfo-2.img', 'files.img'],
  );
});

test('the plan has the digests of the changed images, before and after', async (t) => {
  const { createHash } = await import('node:crypto');
  const { plan, source, out } = await rewriteImages(t, smallCheckpoint(), { specs: [PIPE] });
  const digest = (directory: string, name: string) =>
    createHash('sha256')
      .update(fs.readFileSync(path.join(directory, name)))
      .digest('hex');
  for (const { name, before, after } of plan.images) {
    t.is(before.toString('hex'), digest(source, name));
    t.is(after.toString('hex'), digest(out, name));
  }
});

test('the same input gives the same bytes, wherever it goes', async (t) => {
  const first = await rewriteImages(t, smallCheckpoint(), { specs: [PIPE, LOG] });
  const second = await rewriteImages(t, smallCheckpoint(), { specs: [PIPE, LOG] });
  for (const name of fs.readdirSync(first.out)) {
    t.deepEqual(fs.readFileSync(path.join(first.out, name)), fs.readFileSync(path.join(second.out, name)), name);
  }
});

test('a path matches with and without its leading slash', async (t) => {
  for (const specs of [['fd[7]:var/log/app.log'], [LOG]]) {
    const { plan } = await rewriteImages(t, smallCheckpoint(), { specs });
    t.deepEqual(
      plan.placeholders.map(({ file_id }) => file_id),
      [3],
    );
  }
});

test('two opens of one path both become placeholders', async (t) => {
  const files = [
    fileEntry(1, '/usr/bin/program', 0),
    fileEntry(2, '/log', 1),
    fileEntry(3, '/log', 0o2001),
    fileEntry(4, '/', 0),
  ];
  const tables = [descriptor(2, 3, 'REG'), descriptor(3, 4, 'REG')];
  const images = smallWith({ 'files.img': files, 'fdinfo-1.img': tables, 'fdinfo-2.img': [] });
  const { plan } = await rewriteImages(t, images, { specs: ['fd[7]:/log'] });
  t.deepEqual(
    plan.placeholders.map(({ file_id, caller_fd }) => [file_id, caller_fd]),
    [
      [2, 7],
      [3, 7],
    ],
  );
  t.is(plan.specs[0]?.matches, 2);
});

test('an external file matches by its whole name, and not as a path', async (t) => {
  const files = [
    fileEntry(1, '/usr/bin/program', 0),
    fileEntry(2, 'file[1f:2b]', 0, { ext: true }),
    fileEntry(3, '/file[1f:2b]', 0),
    fileEntry(4, '/', 0),
  ];
  const images = smallWith({
    'files.img': files,
    'fdinfo-1.img': [descriptor(2, 3, 'REG'), descriptor(3, 4, 'REG')],
    'fdinfo-2.img': [],
  });
  const { plan } = await rewriteImages(t, images, { specs: ['fd[7]:file[1f:2b]'] });
  t.deepEqual(
    plan.placeholders.map(({ file_id }) => file_id),
    [2],
  );
  const path = await rewriteImages(t, images, { specs: ['fd[7]:/file\\x5b1f:2b]'] });
  t.deepEqual(
    path.plan.placeholders.map(({ file_id, was }) => [file_id, was.key]),
    [[3, '/file\\x5b1f:2b]']],
  );
});

test('fields that no schema knows, odd order and odd encodings stay, in matched and unmatched entries', async (t) => {
  const unknown = Buffer.from([0xf8, 0x3f, 0x85, 0x80, 0x00, 0xc2, 0x3e, 0x02, 0x41, 0x42]); // field 1023: 5 in 3 bytes; field 1000: "AB"
  const pipe = encodeMessage('pipe_entry', { id: 2, pipe_id: 4711, flags: 1, fown: NO_OWNER });
  const member = Buffer.concat([Buffer.from([0x92, 0x01, pipe.length]), pipe]);
  const reversed = Buffer.concat([
    unknown,
    member,
    Buffer.from([0x10, 0x82, 0x00]),
    unknown,
    Buffer.from([0x08, 0x82, 0x00]),
  ]);
  const log = Buffer.concat([unknown, encodeMessage('file_entry', fileEntry(3, '/var/log/app.log', 1)), unknown]);
  const files = [fileEntry(1, '/usr/bin/program', 0), reversed, log, fileEntry(4, '/', 0)];
  const table = encodeMessage('fdinfo_entry', descriptor(2, 1, 'PIPE'));
  const images = smallWith({ 'files.img': files, 'fdinfo-2.img': [Buffer.concat([unknown, table, unknown])] });
  const { out } = await rewriteImages(t, images, { specs: [PIPE] });
  const ext = encodeMessage('ext_file_entry', { id: 2, fown: NO_OWNER });
  const placeholder = Buffer.concat([
    unknown,
    Buffer.from([0x7a, ext.length]),
    ext,
    Buffer.from([0x10, 0x82, 0x00]),
    unknown,
    Buffer.from([0x08, 0x10]),
  ]);
  const { records } = readImage(out, 'files.img');
  t.deepEqual(records[1]?.bytes, placeholder);
  t.deepEqual(records[2]?.bytes, log);
  const changed = Buffer.concat([unknown, encodeMessage('fdinfo_entry', descriptor(2, 1, 'EXT')), unknown]);
  t.deepEqual(readImage(out, 'fdinfo-2.img').records[0]?.bytes, changed);
});

test('the unknown fields of an owner go along with it', async (t) => {
  const fown = Buffer.concat([encodeMessage('fown_entry', NO_OWNER), Buffer.from([0xf8, 0x3f, 0x05])]);
  const fields = encodeMessage('reg_file_entry', { id: 3, flags: 1, pos: 0, fown: NO_OWNER, name: '/x' });
  // The encoder puts fown (field 5, 10 bytes) before the name.
  const at = fields.indexOf(Buffer.from([0x2a, 10]));
  const reg = Buffer.concat([fields.subarray(0, at), Buffer.from([0x2a, fown.length]), fown, fields.subarray(at + 12)]);
  const entry = Buffer.concat([Buffer.from([0x08, 0x01, 0x10, 0x03, 0x1a, reg.length]), reg]);
  const files = [fileEntry(1, '/usr/bin/program', 0), pipeEntry(2, 4711, 1), entry, fileEntry(4, '/', 0)];
  const { out } = await rewriteImages(t, smallWith({ 'files.img': files }), { specs: ['fd[7]:/x'] });
  t.true(readImage(out, 'files.img').records[2]?.bytes.includes(fown));
});

test('a path that is not UTF-8 is matched, kept and shown', async (t) => {
  const named = (id: number, name: Buffer) => {
    const marked = encodeMessage('file_entry', fileEntry(id, '/log-@', 1));
    marked.set(name, marked.indexOf('/log-@'));
    return marked;
  };
  const files = [
    fileEntry(1, '/usr/bin/program', 0),
    named(2, Buffer.from('/log-\xff', 'latin1')),
    named(3, Buffer.from('/log-\xfe', 'latin1')),
    fileEntry(4, '/', 0),
  ];
  const images = smallWith({
    'files.img': files,
    'fdinfo-1.img': [descriptor(2, 3, 'REG'), descriptor(3, 4, 'REG')],
    'fdinfo-2.img': [],
  });
  const { plan, out } = await rewriteImages(t, images, { specs: ['fd[7]:/log-\\xff'] });
  t.deepEqual(
    plan.placeholders.map(({ file_id, was }) => [file_id, was.key]),
    [[2, '/log-\\xff']],
  );
  t.deepEqual(readImage(out, 'files.img').records[2]?.bytes, files[2] as Buffer);
});

test('an owner is left out, with a warning, and is in the plan', async (t) => {
  const owner = { uid: 0, euid: 0, signum: 29, pid_type: 1, pid: 7 };
  const files = [
    fileEntry(1, '/usr/bin/program', 0),
    pipeEntry(2, 4711, 1, { fown: owner }),
    fileEntry(3, '/l', 0),
    fileEntry(4, '/', 0),
  ];
  const { plan, out } = await rewriteImages(t, smallWith({ 'files.img': files }), { specs: [PIPE] });
  t.deepEqual(readImage(out, 'files.img').records[1]?.fields.ext, { id: 2, fown: NO_OWNER });
  t.deepEqual(plan.placeholders[0]?.was.owner, owner);
  t.like(plan.warnings[0], { code: 'OWNER_DROPPED', file_id: 2 });
});

test('a pipe entry that is there in two parts is read as what its parts mean together', async (t) => {
  const part = (fields: Buffer) => Buffer.concat([Buffer.from([0x92, 0x01, fields.length]), fields]);
  const whole = encodeMessage('pipe_entry', { id: 2, pipe_id: 4711, flags: 1, fown: NO_OWNER });
  const entry = Buffer.concat([
    Buffer.from([0x08, 0x02, 0x10, 0x02]),
    part(whole.subarray(0, 2)),
    part(whole.subarray(2)),
  ]);
  const files = [fileEntry(1, '/usr/bin/program', 0), entry, fileEntry(3, '/l', 0), fileEntry(4, '/', 0)];
  const { out } = await rewriteImages(t, smallWith({ 'files.img': files }), { specs: [PIPE] });
  t.deepEqual(readImage(out, 'files.img').records[1]?.fields, { type: 'EXT', id: 2, ext: { id: 2, fown: NO_OWNER } });
});

test('the oldest format, without IMG_COMMON, is rewritten as such', async (t) => {
  const images = smallWith({ 'inventory.img': [{ img_version: 1, fdinfo_per_id: true }] });
  const { out, source } = await rewriteImages(t, images, { specs: [PIPE] }, { firstMagic: false });
  t.is(readImage(out, 'files.img').header.length, 4);
  t.deepEqual(readImage(out, 'files.img').records[0]?.bytes, readImage(source, 'files.img').records[0]?.bytes);
  t.is(readImage(out, 'files.img').records[1]?.fields.type, 'EXT');
});

test('with nothing to match every image comes out as it was', async (t) => {
  const { source, out, plan } = await rewriteImages(t, smallCheckpoint(), {
    specs: ['fd[5]:pipe:[1]'],
    allowUnmatched: true,
  });
  for (const name of fs.readdirSync(source)) {
    t.deepEqual(fs.readFileSync(path.join(out, name)), fs.readFileSync(path.join(source, name)), name);
  }
  t.like(plan, { placeholders: [], images: [] });
  t.like(plan.warnings[0], { code: 'SPEC_UNMATCHED' });
});

test('the first of several specs takes an entry, the others count as matched', async (t) => {
  const { plan } = await rewriteImages(t, smallWith({}), {
    specs: ['fd[5]:/var/log/app.log', 'fd[6]:var/log/app.log'],
  });
  t.deepEqual(
    plan.placeholders.map(({ caller_fd }) => caller_fd),
    [5],
  );
  t.deepEqual(
    plan.specs.map(({ matches }) => matches),
    [1, 1],
  );
  t.like(plan.warnings[0], { code: 'SPEC_SHADOWED' });
});

test('a glob names regular files by path, and leaves to an exact key what that names', async (t) => {
  const files = [
    fileEntry(1, '/usr/bin/program', 0),
    fileEntry(2, '/log/a.log', 1),
    fileEntry(3, '/log/b.log', 1),
    fileEntry(4, '/log/deep/c.log', 1),
    fileEntry(5, 'file[1:2]', 1, { ext: true }),
  ];
  const tables = [2, 3, 4, 5].map((id) => descriptor(id, id, 'REG'));
  const images = smallWith({ 'files.img': files, 'fdinfo-1.img': tables, 'fdinfo-2.img': [], 'fs-7.img': [] });
  const { plan } = await rewriteImages(t, images, { specs: ['fd[7]:/log/*.log', 'fd[8]:log/b.log'] });
  t.deepEqual(
    plan.placeholders.map(({ file_id, caller_fd }) => [file_id, caller_fd]),
    [
      [2, 7],
      [3, 8],
    ],
  );
  t.deepEqual(
    plan.specs.map(({ matches }) => matches),
    [2, 1],
  );
  t.like(plan.warnings[0], { code: 'SPEC_SHADOWED' });
  const all = await rewriteImages(t, images, { specs: ['fd[7]:**/*'] });
  t.deepEqual(
    all.plan.placeholders.map(({ file_id }) => file_id),
    [2, 3, 4],
  );
});

test('a pipe with both its ends in the checkpoint is named', async (t) => {
  const files = [
    fileEntry(1, '/usr/bin/program', 0),
    pipeEntry(2, 4711, 1),
    pipeEntry(3, 4711, 0),
    fileEntry(4, '/', 0),
  ];
  const images = smallWith({
    'files.img': files,
    'fdinfo-1.img': [descriptor(2, 1, 'PIPE'), descriptor(3, 3, 'PIPE')],
  });
  const { plan } = await rewriteImages(t, images, { specs: [PIPE] });
  t.is(plan.placeholders.length, 2);
  t.like(plan.warnings[0], { code: 'BOTH_ENDS' });
});

test('a pipe or FIFO that is opened once, to read and to write, has no end to name alone', async (t) => {
  const fifo = { type: 'FIFO', id: 5, fifo: { id: 5, pipe_id: 9, regf_id: 6 } };
  const files = [fileEntry(1, '/usr/bin/program', 0), pipeEntry(2, 4711, 2), fifo, fileEntry(6, '/srv/queue', 2)];
  const images = smallWith({
    'files.img': [...files, fileEntry(4, '/', 0)],
    'fdinfo-1.img': [descriptor(2, 1, 'PIPE'), descriptor(5, 3, 'FIFO')],
  });
  const { plan } = await rewriteImages(t, images, { specs: [PIPE, 'fd[6]:/srv/queue'] });
  t.is(plan.placeholders.length, 2);
  t.deepEqual(
    plan.warnings.filter(({ code }) => code === 'BOTH_ENDS'),
    [],
  );
});

test('descriptors in flight over a unix socket follow too', async (t) => {
  const packets = [
    { id_for: 9, length: 3, scm: [] },
    { id_for: 9, length: 1, scm: [{ type: 1, rights: [3, 4] }] },
  ];
  const queue = encodeImage('sk-queues.img', packets, { extras: [Buffer.from('abc'), Buffer.from('x')] });
  const images = smallWith({ 'sk-queues.img': queue, 'fdinfo-1.img': [descriptor(2, 1, 'PIPE')] });
  const { plan, out } = await rewriteImages(t, images, { specs: [LOG] });
  t.deepEqual(plan.placeholders[0]?.references, [{ scm_right: { packet: 1, socket_id: 9 } }]);
  t.deepEqual(fs.readFileSync(path.join(out, 'sk-queues.img')), queue);
});

test('rights in flight are listed behind any number of descriptors', async (t) => {
  for (const count of [1024, 1025, 1100]) {
    const fds = Array.from({ length: count }, (_, fd) => descriptor(3, fd, 'REG'));
    const packet = { id_for: 9, length: 0, scm: [{ type: 1, rights: [3] }] };
    const { plan } = await rewriteImages(t, smallWith({ 'sk-queues.img': [packet], 'fdinfo-1.img': fds }), {
      specs: [LOG],
    });
    const references = plan.placeholders[0]?.references ?? [];
    const held = references.map((one) => ('descriptor' in one ? one.descriptor.fd : one.scm_right));
    t.deepEqual(held, [...fds.keys(), { packet: 0, socket_id: 9 }]);
  }
});

test('unread bytes are dropped when the user says so, and the plan tells where they lie', async (t) => {
  const data = encodeImage(
    'pipes-data.img',
    [
      { pipe_id: 1, bytes: 2 },
      { pipe_id: 4711, bytes: 5, size: 65536 },
    ],
    {
      extras: [Buffer.from('no'), Buffer.from('hello')],
    },
  );
  const files = [
    fileEntry(1, '/usr/bin/program', 0),
    pipeEntry(2, 4711, 0),
    fileEntry(3, '/l', 0),
    fileEntry(4, '/', 0),
  ];
  const images = smallWith({ 'files.img': files, 'pipes-data.img': data });
  const { plan } = await rewriteImages(t, images, { specs: [PIPE], dropInFlight: true });
  const offset = data.indexOf('hello');
  t.deepEqual(plan.placeholders[0]?.in_flight, [
    { image: 'pipes-data.img', offset, bytes: 5, pipe_size: 65536, fate: 'DROP' },
  ]);
  t.like(plan.warnings[0], { code: 'BYTES_DROPPED', file_id: 2 });
});

test('debug texts are not looked for in the images, and keys of external namespaces in those of namespaces', async (t) => {
  const images = smallWith({ 'netns-9.img': [{ ext_key: 'extRootNetNS' }] });
  const { plan } = await rewriteImages(t, images, { specs: ['debug[2]:hello\\x0a', 'fd[9]:extRootNetNS'] });
  t.deepEqual(plan.debugs, [{ text: 'debug[2]:hello\\x0a', caller_fd: 2, output: Buffer.from('hello\n') }]);
  t.like(plan.warnings[0], { code: 'KEY_LEFT_TO_CRIU' });
});

test('a dry run gives the same plan and makes nothing', async (t) => {
  const top = temporaryDirectory(t);
  const source = await openSource(writeCheckpoint(top, smallCheckpoint()));
  const { plan } = await rewrite(source, { specs: [PIPE] });
  t.is(fs.readdirSync(top).length, 1);
  const real = await rewriteImages(t, smallCheckpoint(), { specs: [PIPE] });
  t.deepEqual(plan, real.plan);
});

test('the source may give its members in any order', async (t) => {
  const directory = writeCheckpoint(temporaryDirectory(t), smallCheckpoint());
  const source = await openSource(directory);
  const backwards = {
    ...source,
    members: async function* () {
      const members = [];
      for await (const member of source.members())
        members.push({ ...member, open: async () => reopen(directory, member.name) });
      yield* members.reverse();
    },
  };
  const { plan } = await rewrite(backwards, { specs: [PIPE, LOG] });
  const forwards = await rewrite(source, { specs: [PIPE, LOG] });
  t.deepEqual(plan, forwards.plan);
});

async function reopen(directory: string, name: Buffer) {
  const handle = await fs.promises.open(path.join(directory, name.toString()));
  return {
    read: async (into: Uint8Array, start: number, length: number) =>
      (await handle.read(into, start, length, null)).bytesRead,
    close: () => handle.close(),
  };
}

test('an aborted rewrite leaves nothing behind', async (t) => {
  const top = temporaryDirectory(t);
  const source = await openSource(writeCheckpoint(top, smallCheckpoint()));
  const controller = new AbortController();
  const onProgress = () => controller.abort(new Error('enough'));
  await t.throwsAsync(
    rewrite(source, { specs: [PIPE], out: path.join(top, 'out'), signal: controller.signal, onProgress }),
    { message: 'enough' },
  );
  t.is(fs.readdirSync(top).length, 1);
});

test('a character device has no offset, unless a spec asks for it', async (t) => {
  const images = smallWith({
    'files.img': [
      fileEntry(1, '/usr/bin/program', 0),
      fileEntry(2, '/', 0o200000),
      ...[0o020666, 0o060666, 0o100644, undefined].map((mode, i) =>
        fileEntry(3 + i, `/file${i}`, 2, { pos: 7, ...(mode === undefined ? {} : { mode }) }),
      ),
    ],
    'fdinfo-1.img': [3, 4, 5, 6].map((id) => descriptor(id, id, 'REG')),
    'fdinfo-2.img': [],
  });
  const offsets = async (position?: 'saved') => {
    const specs = [{ inherit: 'fd[9]:/file*', ...(position && { position }) }];
    const { plan } = await rewriteImages(t, images, { specs });
    return plan.placeholders.map(({ was }) => was.offset);
  };
  t.deepEqual(await offsets(), [undefined, 7n, 7n, 7n]);
  t.deepEqual(await offsets('saved'), [7n, 7n, 7n, 7n]);
});
