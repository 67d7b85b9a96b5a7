import { spawn } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { archiveTest, blocksOf, END, membersOf, run } from '../../support/archives';
import { bin, top } from '../../support/command';
import { smallCheckpoint, temporaryDirectory, writeCheckpoint } from '../../support/directories';

/** Memory does not grow with pages, nor with what a hostile archive has in its headers. */

const MIB = 1 << 20;
const MOST_KIB = 160 << 10;
const PAGES_MIB = 300;

async function measured(args: readonly string[]): Promise<{ status: number | null; said: string; peakKib: number }> {
  const command = ['-r', path.join(top, 'bench/print-peak.js'), bin, ...args];
  const child = spawn(process.execPath, command, { cwd: top, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { status, said, peakKib: Number(/peak resident (\d+) KiB/.exec(said)?.[1]) };
}

for (const [form, pack] of Object.entries({ 'tar.gz': 'gzip -1c', 'tar.zst': 'zstd -1qc' })) {
  archiveTest(
    `${PAGES_MIB} MiB of pages in ${form}`,
    ['zstd'],
    async (t) => {
      const parent = temporaryDirectory(t);
      const plain = path.join(parent, 'plain');
      const fd = fs.openSync(plain, 'wx');
      const images = membersOf(writeCheckpoint(parent, smallCheckpoint()));
      fs.writeSync(
        fd,
        Buffer.concat([...images.map(blocksOf), blocksOf({ name: 'pages-9.img', size: PAGES_MIB * MIB })]),
      );
      // Half of each page is noise, the other half zeros.
      const noise = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16));
      for (let i = 0; i < PAGES_MIB; i += 1) {
        const chunk = Buffer.alloc(MIB);
        for (let at = 0; at < MIB; at += 4096) noise.update(Buffer.alloc(2048)).copy(chunk, at);
        fs.writeSync(fd, chunk);
      }
      fs.writeSync(fd, END);
      fs.closeSync(fd);
      const [archive, out] = [path.join(parent, 'archive'), path.join(parent, 'out')];
      run(t, ['sh', '-c', `${pack} < "$0" > "$1"`, plain, archive]);
      fs.rmSync(plain);
      const { status, said, peakKib } = await measured([
        'rewrite',
        archive,
        '-o',
        out,
        '--inherit-fd',
        'fd[5]:pipe:[4711]',
      ]);
      t.is(status, 0, said);
      t.true(peakKib < MOST_KIB, `${peakKib} KiB`);
    },
    test.serial,
  );
}

test.serial('very many members, each with long names', async (t) => {
  const archive = path.join(temporaryDirectory(t), 'archive');
  const fd = fs.openSync(archive, 'wx');
  const records = Array.from({ length: 40 }, (_, i) => [`k${i}`, 'v'.repeat(10_000)]);
  for (let i = 0; i < 300; i += 1) {
    fs.writeSync(
      fd,
      blocksOf({ name: 'x', pax: { ...Object.fromEntries(records), path: `${i}/${'p'.repeat(3000)}` } }),
    );
  }
  for (let i = 0; i < 200_000; i += 1000) {
    fs.writeSync(fd, Buffer.concat(Array.from({ length: 1000 }, (_, n) => blocksOf({ name: `m${i + n}` }))));
  }
  fs.writeSync(fd, END);
  fs.closeSync(fd);
  const { status, said, peakKib } = await measured(['ls', archive]);
  t.is(status, 2, said);
  t.regex(said, /no inventory.img/);
  t.true(peakKib < MOST_KIB + (128 << 10), `${peakKib} KiB`);
});

test.serial('members below very many directories of their own', async (t) => {
  const archive = path.join(temporaryDirectory(t), 'archive');
  const fd = fs.openSync(archive, 'wx');
  for (let i = 0; i < 450; i += 1) {
    fs.writeSync(fd, blocksOf({ name: 'x', pax: { path: `${i}/${'d/'.repeat(1989)}x` } }));
  }
  fs.writeSync(fd, END);
  fs.closeSync(fd);
  const { status, said, peakKib } = await measured(['ls', archive]);
  t.is(status, 2, said);
  t.regex(said, /names and maps are too long/);
  t.true(peakKib < MOST_KIB, `${peakKib} KiB`);
});

test.serial('a sparse member whose map has millions of numbers', async (t) => {
  const parent = temporaryDirectory(t);
  const images = membersOf(writeCheckpoint(parent, smallCheckpoint()));
  const map = Buffer.from(`2000000\n${'1\n0\n'.repeat(2_000_000)}`);
  const pax = {
    'GNU.sparse.major': '1',
    'GNU.sparse.minor': '0',
    'GNU.sparse.name': 'pages-9.img',
    'GNU.sparse.realsize': '9',
  };
  const sparse = blocksOf({ name: 'x', pax, content: Buffer.concat([map, Buffer.alloc(512 - (map.length % 512))]) });
  const [archive, out] = [path.join(parent, 'archive'), path.join(parent, 'out')];
  fs.writeFileSync(archive, Buffer.concat([...images.map(blocksOf), sparse, END]));
  const options = ['-o', out, '--to', 'dir', '--inherit-fd', 'fd[5]:pipe:[4711]'];
  const { status, said, peakKib } = await measured(['rewrite', archive, ...options]);
  t.is(status, 0, said);
  t.deepEqual(fs.readFileSync(path.join(out, 'pages-9.img')), Buffer.alloc(9));
  t.true(peakKib < MOST_KIB, `${peakKib} KiB`);
});
