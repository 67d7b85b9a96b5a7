import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { decode } from '../../src';
import { archiveOf } from '../support/archives';
import { smallCheckpoint, temporaryDirectory, writeCheckpoint } from '../support/directories';
import { checkpointWith, isSame, opened, TIB } from '../support/holes';
import { encodeImage } from '../support/images';
import { build } from '../support/native';

/** A command that would have to read terabytes of little disk refuses the source, after a gigabyte. */

const MIB = 1 << 20;
const GIB = 2 ** 30;

test.before(() => {
  build();
});

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

test('a large file with very many names is not read under each', async (t) => {
  const write = (byte: string) => {
    const directory = writeCheckpoint(temporaryDirectory(t), smallCheckpoint());
    fs.writeFileSync(path.join(directory, 'pages-10.img'), Buffer.alloc(16 * MIB, byte));
    for (let i = 11; i < 200; i += 1) {
      const name = path.join(directory, `pages-${i}.img`);
      if (i % 2 === 0) fs.linkSync(path.join(directory, 'pages-10.img'), name);
      else fs.symlinkSync('pages-10.img', name);
    }
    return directory;
  };
  const error = await t.throwsAsync(isSame(write('a'), write('b')), {
    message: /is one of many names of the same files/,
  });
  t.like(error, { code: 'SOURCE_UNUSABLE', exitCode: 2 });
});
