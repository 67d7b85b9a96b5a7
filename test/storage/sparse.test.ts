import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { openSource, type RewriteOptions, rewrite } from '../../src';
import { copySparse } from '../../src/storage/sparse-file';
import { smallCheckpoint, temporaryDirectory, writeCheckpoint } from '../support/directories';
import { build } from '../support/native';
import { holds } from '../support/properties';

/** Files with holes keep them, wherever a rewrite copies them, and nobody reads the holes. */

const MIB = 1 << 20;
const TIB = 2 ** 40;
const LOG = 'app.log';
const PAGES = 'pages-9.img';
/** With the map of an archive and the blocks around what is written. */
const MOST_ON_DISK = MIB;

test.before(() => {
  build();
});

type Stretch = readonly [at: number, bytes: Buffer];

function writeSparse(file: string, size: number, stretches: readonly Stretch[]): void {
  const fd = fs.openSync(file, 'wx');
  for (const [at, bytes] of stretches) fs.writeSync(fd, bytes, 0, bytes.length, at);
  fs.ftruncateSync(fd, size);
  fs.closeSync(fd);
}

/** A log of 1.5 GB with 208 KB on disk, and pages of 1 TiB with two chunks of data. */
const LOG_BYTES = 1_500_000_000;
const logData: Stretch[] = [
  [0, Buffer.alloc(100_000, 'first ')],
  [LOG_BYTES - 108_000, Buffer.alloc(108_000, 'last ')],
];
const pagesData: Stretch[] = [
  [5_000_000_000, Buffer.from('in the middle')],
  [TIB - 4096, Buffer.alloc(4096, 'end')],
];

function sparseCheckpoint(t: ExecutionContext): string {
  const directory = writeCheckpoint(temporaryDirectory(t), smallCheckpoint());
  writeSparse(path.join(directory, LOG), LOG_BYTES, logData);
  writeSparse(path.join(directory, PAGES), TIB, pagesData);
  return directory;
}

async function rewriteInto(t: ExecutionContext, place: string, name: string, more: Partial<RewriteOptions> = {}) {
  const out = path.join(temporaryDirectory(t), name);
  const source = await openSource(place);
  try {
    await rewrite(source, { specs: ['fd[5]:pipe:[4711]'], out, ...more });
  } finally {
    await source.close();
  }
  return out;
}

function checkSparse(t: ExecutionContext, directory: string): void {
  for (const [name, size, stretches] of [
    [LOG, LOG_BYTES, logData],
    [PAGES, TIB, pagesData],
  ] as const) {
    const file = path.join(directory, name);
    const stats = fs.statSync(file);
    t.is(stats.size, size, name);
    t.true(stats.blocks * 512 < MOST_ON_DISK, `${name} has ${stats.blocks} blocks`);
    const fd = fs.openSync(file, 'r');
    for (const [at, bytes] of stretches) {
      const got = Buffer.alloc(bytes.length);
      fs.readSync(fd, got, 0, got.length, at);
      t.true(got.equals(bytes), `${name} at ${at}`);
    }
    fs.closeSync(fd);
  }
}

for (const link of ['copy', 'auto'] as const) {
  test(`a directory into a directory, --link ${link}`, async (t) => {
    checkSparse(t, await rewriteInto(t, sparseCheckpoint(t), 'out', { link }));
  });
}

for (const to of ['tar', 'tar.gz', 'tar.zst'] as const) {
  test(`a directory into ${to}, which GNU tar unpacks, and into a directory again`, async (t) => {
    const archive = await rewriteInto(t, sparseCheckpoint(t), `out.${to}`, { to });
    t.true(fs.statSync(archive).size < MOST_ON_DISK);
    const unpacked = temporaryDirectory(t);
    execFileSync('tar', ['-xf', archive, '-C', unpacked]);
    checkSparse(t, unpacked);
    // What was rewritten before is not again: its plan goes.
    fs.rmSync(path.join(unpacked, 'inherit-plan.img'));
    const again = await rewriteInto(t, unpacked, 'again.tar', { to: 'tar', specs: ['fd[7]:/var/log/app.log'] });
    const directory = temporaryDirectory(t);
    execFileSync('tar', ['-xf', again, '-C', directory]);
    checkSparse(t, directory);
  });

  test(`an archive of GNU tar (${to}) into a directory, and into an archive`, async (t) => {
    const archive = path.join(temporaryDirectory(t), `ckpt.${to}`);
    const compress = { tar: [], 'tar.gz': ['-z'], 'tar.zst': ['--zstd'] }[to];
    execFileSync('tar', ['-S', '-c', ...compress, '-f', archive, '-C', sparseCheckpoint(t), '.']);
    checkSparse(t, await rewriteInto(t, archive, 'out', { to: 'dir' }));
    const copied = await rewriteInto(t, archive, `out.${to}`);
    const unpacked = temporaryDirectory(t);
    execFileSync('tar', ['-xf', copied, '-C', unpacked]);
    checkSparse(t, unpacked);
  });
}

const stretches = fc.array(
  fc.tuple(fc.nat(8 * MIB), fc.integer({ min: 1, max: 200_000 }), fc.integer({ min: 1, max: 255 })),
  {
    maxLength: 8,
  },
);

test.serial('any file comes back with the same bytes, through a directory and through archives', async (t) => {
  const property = fc.asyncProperty(stretches, fc.nat(9 * MIB), async (parts, least) => {
    const size = Math.max(least, ...parts.map(([at, bytes]) => at + bytes));
    const directory = writeCheckpoint(temporaryDirectory(t), smallCheckpoint());
    writeSparse(
      path.join(directory, LOG),
      size,
      parts.map(([at, bytes, value]) => [at, Buffer.alloc(bytes, value)]),
    );
    const expected = fs.readFileSync(path.join(directory, LOG));
    const copied = await rewriteInto(t, directory, 'out', { link: 'copy' });
    const archive = await rewriteInto(t, directory, 'out.tar', { to: 'tar' });
    const unpacked = temporaryDirectory(t);
    execFileSync('tar', ['-xf', archive, '-C', unpacked]);
    const packed = path.join(temporaryDirectory(t), 'ckpt.tar');
    execFileSync('tar', ['-S', '-c', '-f', packed, '-C', directory, '.']);
    const fromArchive = await rewriteInto(t, packed, 'dir', { to: 'dir' });
    return [copied, unpacked, fromArchive].every((place) => fs.readFileSync(path.join(place, LOG)).equals(expected));
  });
  await holds(t, property, 25);
});

for (const variant of ['plain', 'sanitized'] as const) {
  test(`fdgraft-sparse tells stretches, and what it cannot do (${variant})`, (t) => {
    const program = path.join(build(variant), 'fdgraft-sparse');
    const directory = temporaryDirectory(t);
    const file = path.join(directory, 'file');
    writeSparse(file, 10 * MIB, [[4 * MIB, Buffer.alloc(4096, 1)]]);
    const run = (words: readonly string[], place: string) => {
      const fd = fs.openSync(place, 'r');
      try {
        return execFileSync(program, words, { stdio: ['ignore', 'pipe', 'pipe', fd], encoding: 'utf8' });
      } finally {
        fs.closeSync(fd);
      }
    };
    t.is(run(['map'], file), `${4 * MIB} 4096\n`);
    const empty = path.join(directory, 'empty');
    writeSparse(empty, 10 * MIB, []);
    t.is(run(['map'], empty), '');
    for (const [words, place] of [
      [['map'], directory],
      [['other'], file],
      [[], file],
      [['copy'], file],
    ] as const) {
      const error = t.throws(() => run(words, place)) as Error & { status: number; stderr: string };
      t.true(error.status > 0 && error.status < 128, words.join(' '));
      t.regex(error.stderr, /^fdgraft-sparse: .*\n$/);
    }
  });
}

test.serial('a copy that is told to stop ends its program', async (t) => {
  const directory = temporaryDirectory(t);
  const [from, to] = [path.join(directory, 'from'), path.join(directory, 'to')];
  fs.writeFileSync(from, 'data');
  fs.truncateSync(from, 1 << 30);
  const fd = fs.openSync(from, 'r');
  const stop = new AbortController();
  try {
    const copied = copySparse(fd, Buffer.from(to), stop.signal);
    stop.abort(new Error('stopped'));
    await t.throwsAsync(copied, { message: 'stopped' });
    await t.throwsAsync(copySparse(fd, Buffer.from(`${to}2`), stop.signal), { message: 'stopped' });
  } finally {
    fs.closeSync(fd);
  }
});
