import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { decode, diff, explore, inspect, openSource, rewrite } from '../../src';
import { openFile } from '../../src/storage/single-file';
import type { MemberReader } from '../../src/storage/source';
import { archiveOf } from '../support/archives';
import { descriptor, pipeEntry, smallCheckpoint, temporaryDirectory, writeCheckpoint } from '../support/directories';
import { encodeImage, encodeMessage, uint32 } from '../support/images';
import { build } from '../support/native';

/** Terabytes of holes take no disk: no command reads them for long, and those that need not read them work. */

const MIB = 1 << 20;
const GIB = 2 ** 30;
const TIB = 2 ** 40;
const SPEC = 'fd[5]:pipe:[4711]';

test.before(() => {
  build();
});

/** Unread bytes of 1,000 pipes, 4 GiB of holes each. */
function writePipeData(file: string): void {
  const fd = fs.openSync(file, 'w');
  let at = fs.writeSync(fd, encodeImage('pipes-data.img', []));
  const bytes = 4 * GIB - 4096;
  for (let i = 0; i < 1000; i += 1) {
    const record = encodeMessage('pipe_data_entry', { pipe_id: 5000 + i, bytes, size: 65_536 });
    at += fs.writeSync(fd, Buffer.concat([uint32(record.length), record]), 0, undefined, at) + bytes;
  }
  fs.ftruncateSync(fd, at);
  fs.closeSync(fd);
}

const HUGE = ['pipes-data.img', 'ghost-file-1.img', 'pages-1.img', 'app.log'] as const;
type Huge = (typeof HUGE)[number];

function checkpointWith(t: ExecutionContext, huge: Huge): string {
  const images = smallCheckpoint();
  const directory = writeCheckpoint(temporaryDirectory(t), {
    ...images,
    'files.img': [...(images['files.img'] as object[]), pipeEntry(9, 5000, 0)],
    'fdinfo-2.img': [descriptor(2, 1, 'PIPE'), descriptor(9, 2, 'PIPE')],
    'ghost-file-1.img': [encodeMessage('ghost_file_entry', { uid: 0, gid: 0, mode: 0o100644 })],
    'app.log': Buffer.from('a line'),
  });
  const file = path.join(directory, huge);
  if (huge === 'pipes-data.img') writePipeData(file);
  else fs.truncateSync(file, 4 * TIB);
  return directory;
}

async function opened<T>(place: string, work: (source: Awaited<ReturnType<typeof openSource>>) => Promise<T>) {
  const source = await openSource(place);
  try {
    return await work(source);
  } finally {
    await source.close();
  }
}

const isSame = (one: string, other: string) =>
  opened(one, (a) =>
    opened(other, async (b) => {
      const result = await diff(a, b);
      await result.close();
      return result.isSame;
    }),
  );

for (const huge of HUGE) {
  test(`${huge} with terabytes of holes: listed, rewritten, and equal to a copy`, async (t) => {
    const directory = checkpointWith(t, huge);
    await opened(directory, async (source) => {
      const keys: (string | undefined)[] = [];
      for await (const { facts } of inspect(source)) keys.push(facts?.key);
      t.true(keys.includes('pipe:[5000]'));
      for await (const row of explore(source, 'fds')) t.truthy(row);
      const parent = temporaryDirectory(t);
      await rewrite(source, { specs: [SPEC], out: path.join(parent, 'out'), link: 'copy' });
      await rewrite(source, { specs: [SPEC], out: path.join(parent, 'out.tar'), to: 'tar' });
      t.true(
        fs.statSync(path.join(parent, 'out.tar')).size <
          2 * MIB + 2 * fs.statSync(path.join(directory, huge)).blocks * 512,
      );
    });
    t.true(await isSame(directory, checkpointWith(t, huge)));
  });
}

const REFUSAL = {
  code: 'SOURCE_UNUSABLE',
  message: /has \d+ bytes on disk and holes up to \d+, which looks like a trap/,
};

for (const huge of ['pipes-data.img', 'app.log'] as const) {
  test(`${huge} with terabytes of holes, and another one: diff refuses to digest them`, async (t) => {
    const [one, other] = [checkpointWith(t, huge), checkpointWith(t, huge)];
    const fd = fs.openSync(path.join(other, huge), 'r+');
    fs.writeSync(fd, 'x', 2 * TIB);
    fs.closeSync(fd);
    const error = await t.throwsAsync(isSame(one, other), REFUSAL);
    t.is((error as Error & { file?: string }).file, huge);
  });
}

test('a ghost file with terabytes of holes is not decoded', async (t) => {
  const directory = checkpointWith(t, 'ghost-file-1.img');
  const out = path.join(temporaryDirectory(t), 'out');
  await t.throwsAsync(
    opened(directory, (source) => decode(source, { out })),
    REFUSAL,
  );
  t.false(fs.existsSync(out));
});

test('many sparse files, none of them huge, are refused at some time', async (t) => {
  const [one, other] = ['a', 'b'].map((byte) => {
    const directory = writeCheckpoint(temporaryDirectory(t), smallCheckpoint());
    for (let i = 10; i < 60; i += 1) {
      fs.writeFileSync(path.join(directory, `pages-${i}.img`), byte);
      fs.truncateSync(path.join(directory, `pages-${i}.img`), 64 * MIB);
    }
    return directory;
  });
  await t.throwsAsync(isSame(one as string, other as string), { message: /looks like a trap/ });
});

test('the same of sparse members of an archive', async (t) => {
  const archive = (byte: string) => {
    const file = path.join(temporaryDirectory(t), 'ckpt.tar');
    const images = Object.entries(smallCheckpoint()).map(([name, content]) => ({
      name,
      content: Buffer.isBuffer(content) ? content : encodeImage(name, content),
    }));
    const sparse = Array.from({ length: 50 }, (_, i) => ({
      name: `pages-${i + 10}.img`,
      content: Buffer.from(byte),
      pax: { 'GNU.sparse.size': `${64 * MIB}`, 'GNU.sparse.map': '0,1' },
    }));
    fs.writeFileSync(file, archiveOf(...images, ...sparse));
    return file;
  };
  await t.throwsAsync(isSame(archive('a'), archive('b')), { message: /looks like a trap/ });
});

test('files with some holes are read, however large', async (t) => {
  const write = (byte: string) => {
    const directory = writeCheckpoint(temporaryDirectory(t), smallCheckpoint());
    const fd = fs.openSync(path.join(directory, 'app.log'), 'w');
    for (let at = 0; at < 1.5 * GIB; at += 128 * MIB) fs.writeSync(fd, Buffer.alloc(2 * MIB, byte), 0, 2 * MIB, at);
    fs.closeSync(fd);
    return directory;
  };
  const [one, other] = [write('a'), write('b')];
  t.false(await isSame(one, other));
});

test('every reader of a file hears of a signal', async (t) => {
  const directory = writeCheckpoint(temporaryDirectory(t), smallCheckpoint());
  const pages = path.join(directory, 'pages-1.img');
  fs.symlinkSync('pages-1.img', path.join(directory, 'pages-2.img'));
  const stop = new AbortController();
  const { signal } = stop;
  const source = await openSource(directory, { signal });
  const members = source.byName();
  const readers: MemberReader[] = [openFile(pages, signal)];
  for (const name of ['pages-1.img', 'pages-2.img']) {
    readers.push((await (await members.member(name))?.open()) as MemberReader);
  }
  t.is(readers.length, 3);
  stop.abort(new Error('stopped'));
  for (const reader of readers) {
    await t.throwsAsync(async () => reader.read(Buffer.alloc(8), 0, 8), { message: 'stopped' });
    await reader.close();
  }
  await members.close();
});
