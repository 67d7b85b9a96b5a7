import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { diff, openSource, rewrite } from '../../../src';
import { archiveOf, archiveTest, blocksOf, END } from '../../support/archives';
import { temporaryDirectory } from '../../support/directories';
import { good, images, noSpoolStays, refused, withMember } from '../../support/refused-archives';

/** Small archives of what takes much memory, disk or time: an error that says so, soon. */

const SPECS = ['fd[5]:pipe:[4711]'];

test.after.always(noSpoolStays);

archiveTest('zstd with a window that takes too much memory', ['zstd'], async (t) => {
  const pack = 'head -c 200M /dev/zero | zstd -q --long=30 -c';
  const { stdout } = spawnSync('bash', ['-c', pack], { maxBuffer: GIB });
  const error = await refused(t, stdout, { code: 'ARCHIVE_UNUSABLE', message: /too much memory to unpack/ });
  t.regex(error?.hint ?? '', /without --long/);
});

const GIB = 2 ** 30;

/** Ten gibibytes of zeros, of chunks of 64 MiB: what compresses them goes on where one chunk of its output ended. */
function zeros(pack: string): Buffer {
  const { stdout } = spawnSync('bash', ['-c', `head -c 64M /dev/zero | ${pack}`], { maxBuffer: GIB });
  return Buffer.concat(Array(160).fill(stdout));
}

const header = (name: string, size: number) => blocksOf({ name, pax: { size: `${size}` } });
const begin = good.subarray(0, -END.length);

async function refusesBombs(t: ExecutionContext, pack: string, names: string[]): Promise<void> {
  const ten = zeros(pack);
  const packed = (bytes: Buffer) => spawnSync('bash', ['-c', pack], { input: bytes }).stdout;
  await refused(t, ten, { message: /zero bytes behind the end|no tar in it/ });
  for (const name of names) {
    const begins = packed(Buffer.concat([begin, header(name, 10 * GIB)]));
    await refused(t, Buffer.concat([begins, ten, packed(END)]), { message: /looks like a trap/ });
  }
}

archiveTest('10 GiB of zeros in zstd: alone, as pages, as an image', ['zstd'], (t) =>
  refusesBombs(t, 'zstd -qc1', ['pages-9.img', 'checkpoint/core-9.img']),
);
test('10 GiB of zeros in gzip: alone, as pages', async (t) => {
  t.timeout(600_000);
  await refusesBombs(t, 'gzip -1', ['pages-9.img']);
});

test('a sparse file of petabytes in a small archive', async (t) => {
  const sparse = (map: string) =>
    withMember({ name: 'checkpoint/holes', pax: { 'GNU.sparse.size': `${2 ** 52}`, 'GNU.sparse.map': map } });
  const parent = temporaryDirectory(t);
  fs.writeFileSync(path.join(parent, 'archive'), sparse('0,0'));
  const source = await openSource(path.join(parent, 'archive'));
  // Unpacked it takes no room, unless the file system has no files of that size.
  const out = path.join(parent, 'out');
  const error = await rewrite(source, { specs: SPECS, out, to: 'dir' }).then(() => undefined, Object);
  if (error === undefined) t.like(fs.statSync(path.join(out, 'checkpoint/holes')), { size: 2 ** 52, blocks: 0 });
  else t.regex(error.message, /cannot be written: .*(EFBIG|EINVAL)/);
  t.is(fs.existsSync(out), error === undefined);
  fs.rmSync(out, { recursive: true, force: true });
  // As it is it can stay.
  await rewrite(source, { specs: SPECS, out });
  await source.close();
  // Who reads it would read petabytes.
  const image = { name: 'checkpoint/mm-9.img', pax: { 'GNU.sparse.size': `${2 ** 52}`, 'GNU.sparse.map': '0,0' } };
  fs.writeFileSync(path.join(parent, 'image'), archiveOf(...images, image));
  const other = await openSource(path.join(parent, 'image'));
  const reader = await (await other.byName().member('mm-9.img'))?.open();
  await t.throwsAsync(async () => reader?.read(Buffer.alloc(1), 0, 1), { message: /looks like a trap/ });
  await other.close();
});

test('very many members, long names and maps are too many at some time', async (t) => {
  const one = (i: number) => blocksOf({ name: `${i}` });
  const many = (count: number, make: (i: number) => Buffer) => (file: string) => {
    const fd = fs.openSync(file, 'wx');
    fs.writeSync(fd, begin);
    for (let i = 0; i < count; i += 1000)
      fs.writeSync(fd, Buffer.concat(Array.from({ length: Math.min(1000, count - i) }, (_, n) => make(i + n))));
    fs.writeSync(fd, END);
    fs.closeSync(fd);
  };
  await refused(t, many(263_000, one), { message: /comes after 262144 others/ });
  await refused(
    t,
    many(10_000, (i) => blocksOf({ name: 'x', pax: { path: `${i}/${'p/'.repeat(2000)}x` } })),
    { message: /names and maps are too long/ },
  );
  const map = Array.from({ length: 20_000 }, (_, i) => `${2 * i},0`).join(',');
  await refused(
    t,
    many(200, (i) => blocksOf({ name: `${i}`, pax: { 'GNU.sparse.size': '99999', 'GNU.sparse.map': map } })),
    { message: /names and maps are too long/ },
  );
});

test('many links to one file that compresses well are not read for long', async (t) => {
  const parent = temporaryDirectory(t);
  const write = (byte: number) => {
    const file = path.join(parent, `${byte}.tar.gz`);
    // Alone it is harmless.
    const pages = { name: 'checkpoint/pages-9.img', content: Buffer.alloc(32 << 20, byte) };
    const links = Array.from({ length: 200 }, (_, i) => ({
      name: `checkpoint/pages-${i + 10}.img`,
      type: '1',
      target: pages.name,
    }));
    fs.writeFileSync(file, gzipSync(archiveOf(...images, pages, ...links)));
    return openSource(file);
  };
  const [a, b] = [await write(1), await write(2)];
  await t.throwsAsync(async () => (await diff(a, b)).close(), { message: /looks like a trap/ });
  await a.close();
  await b.close();
});
