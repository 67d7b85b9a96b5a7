import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { decode, diff, explore, inspect, openImages, openSource, rewrite } from '../../src';
import { mapping, mmEntry, temporaryDirectory, writeCheckpoint } from '../support/directories';
import { refusal, rewriteImages, smallWith } from '../support/rewriting';

const PIPE = 'fd[5]:pipe:[4711]';

/** A checkpoint of this version. From 3 on its pages lie in blocks, as `crit compress` of CRIU 4.3 makes them. */
const checkpointOf = (version: number) =>
  smallWith({
    'inventory.img': [{ img_version: version, fdinfo_per_id: true, compress: 1, compress_block_size: 4096 }],
    'mm-7.img': [mmEntry(1, [mapping(0, 0)])],
    'pagemap-7.img': [
      { pages_id: 1 },
      { vaddr: 4096, compat_nr_pages: 0, flags: 4, nr_pages: 1, blocks: BLOCKS },
      { vaddr: 12288, compat_nr_pages: 0, flags: 4, nr_pages: 2 },
    ],
  });
const BLOCKS = { block_sizes: [26], total_payload_size: 26, pages_per_block: 1 };

test('a checkpoint with compressed pages is rewritten, and its pages are left alone', async (t) => {
  const { source, out, plan } = await rewriteImages(t, checkpointOf(3), { specs: [PIPE] });
  t.is(plan.placeholders.length, 1);
  for (const name of ['inventory.img', 'pagemap-7.img', 'pages-1.img', 'mm-7.img']) {
    t.deepEqual(fs.readFileSync(path.join(out, name)), fs.readFileSync(path.join(source, name)), name);
  }
});

/** Everything that only reads. */
async function readsAll(t: ExecutionContext, version: number): Promise<void> {
  const top = temporaryDirectory(t);
  const [source, other] = [writeCheckpoint(top, checkpointOf(version)), writeCheckpoint(top, checkpointOf(2))];
  const keys: (string | undefined)[] = [];
  for await (const { facts } of inspect(await openSource(source))) keys.push(facts?.key);
  t.true(keys.includes('pipe:[4711]'));
  const pages: bigint[] = [];
  for await (const row of explore(await openSource(source), 'rss')) if (row.kind === 'run') pages.push(row.pages);
  t.deepEqual(pages, [1n, 2n]);
  const result = await diff(await openSource(other), await openSource(source));
  t.false(result.isSame);
  result.close();
  const { converted } = await decode(await openImages(source), { out: path.join(top, 'json') });
  t.true(converted > 5);
}

for (const version of [3, 4, 1000]) {
  test(`version ${version} is listed, explored, compared and decoded`, (t) => readsAll(t, version));
}

test('a version that is not known yet is not rewritten, also in place and without output', async (t) => {
  const error = await refusal(t, checkpointOf(4), { specs: [PIPE] });
  t.like(error, {
    code: 'LAYOUT_UNSUPPORTED',
    exitCode: 2,
    file: 'inventory.img',
    field: 'inventory_entry.img_version',
  });
  t.regex(error.message, /img_version 4 is newer than 3, the last one known: a rewrite could miss/);
  t.regex(error.hint ?? '', /use a newer fdgraft; ls, decode, diff and x read/);
  const source = writeCheckpoint(temporaryDirectory(t), checkpointOf(4));
  for (const options of [{}, { inPlace: true }]) {
    await t.throwsAsync(async () => rewrite(await openSource(source), { specs: [PIPE], ...options }), {
      message: /img_version 4/,
    });
  }
});

test('all images of version 3 begin with IMG_COMMON', async (t) => {
  const error = await refusal(t, checkpointOf(3), { specs: [PIPE] }, { firstMagic: false });
  t.regex(error.message, /does not begin with IMG_COMMON, but inventory\.img says img_version 3/);
});
