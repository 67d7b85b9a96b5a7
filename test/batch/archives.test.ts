import fs from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import zlib from 'node:zlib';
import test from 'ava';
import { archiveOf, membersOf, type RawMember } from '../support/archives';
import { outputsIn, putCheckpoint, rewriteAll, SPEC } from '../support/batch';
import { snapshot, temporaryDirectory } from '../support/directories';

/** Archives of one checkpoint as nobody should make them, by name, and the code of the error that each is. */
function badArchives(members: readonly RawMember[]): { [name: string]: [bytes: Buffer, code: string] } {
  const good = archiveOf(...members);
  const gzip = zlib.gzipSync(good);
  const damaged = Buffer.from(gzip);
  damaged[damaged.length - 6] = (damaged[damaged.length - 6] as number) ^ 1;
  const withA = (member: RawMember) => archiveOf(...members, member);
  const refused = 'ARCHIVE_UNUSABLE';
  return {
    'cut-off.tar': [good.subarray(0, good.length - 2048), 'ARCHIVE_DAMAGED'],
    'cut-off.tar.gz': [gzip.subarray(0, gzip.length >> 1), 'ARCHIVE_DAMAGED'],
    'sum-of-gzip.tar.gz': [damaged, 'ARCHIVE_DAMAGED'],
    'sum-of-header.tar': [archiveOf(...members, { name: 'x', checksum: '123456\0 ' }), refused],
    'dots.tar': [withA({ name: '../outside', content: 'x' }), refused],
    'absolute.tar': [withA({ name: '/tmp/outside', content: 'x' }), refused],
    'link-out.tar': [withA({ name: 'link', type: '2', target: '../../outside' }), refused],
    'hard-link-out.tar': [withA({ name: 'link', type: '1', target: '/etc/passwd' }), refused],
    'through-a-link.tar': [
      archiveOf(...members, { name: 'sub', type: '2', target: '..' }, { name: 'sub/outside', content: 'x' }),
      refused,
    ],
    'twice.tar.gz': [zlib.gzipSync(withA({ name: 'files.img', content: 'x' })), refused],
  };
}

/** 10 GiB of zeros, compressed. */
async function bomb(file: string): Promise<void> {
  const zeros = Buffer.alloc(1 << 20);
  const many = Readable.from(
    (function* () {
      for (let i = 0; i < 10 << 10; i += 1) yield zeros;
    })(),
  );
  await pipeline(many, zlib.createGzip({ level: 1 }), fs.createWriteStream(file));
}

test('each bad archive is a named failure, nothing outside of ROOT is touched, and the rest is done', async (t) => {
  t.timeout(300_000);
  const directory = fs.realpathSync(temporaryDirectory(t));
  putCheckpoint(path.join(directory, 'ck/directory'));
  const members = membersOf(path.join(directory, 'ck/directory'));
  const good = { 'good.tar': archiveOf(...members), 'good.tar.gz': zlib.gzipSync(archiveOf(...members)) };
  for (const [name, bytes] of Object.entries(good)) fs.writeFileSync(path.join(directory, 'ck', name), bytes);
  const bad = badArchives(members);
  for (const [name, [bytes]] of Object.entries(bad)) fs.writeFileSync(path.join(directory, 'ck', name), bytes);
  await bomb(path.join(directory, 'ck/zeros.gz'));
  const before = snapshot(directory);

  const { summary, told, jobs } = await rewriteAll(directory, ['ck/*']);
  const failed = Object.fromEntries(Object.entries(bad).map(([name, [, code]]) => [`ck/${name}`, `failed ${code}`]));
  t.deepEqual(told, {
    'ck/directory': 'done',
    'ck/good.tar': 'done',
    'ck/good.tar.gz': 'done',
    ...failed,
    'ck/zeros.gz': 'failed ARCHIVE_UNUSABLE',
  });
  t.like(summary, { done: 3, failed: Object.keys(bad).length + 1, no: 0 });
  for (const { name, error } of jobs.filter(({ status }) => status === 'failed')) {
    t.true(error?.message.startsWith(path.join(directory, name)), error?.message);
    t.truthy(error?.hint, name);
  }
  t.deepEqual(
    outputsIn(path.join(directory, 'out')).filter((name) => !name.includes('/directory/')),
    ['ck', 'ck/directory', 'ck/good.tar', 'ck/good.tar.gz'],
  );
  const after = snapshot(directory);
  for (const [name, value] of Object.entries(before)) t.is(after[name], value, name);
  for (const name of Object.keys(after)) t.true(name in before || name === 'out' || name.startsWith('out/'), name);

  const again = await rewriteAll(directory, ['ck/*']);
  t.is(again.told['ck/good.tar.gz'], 'done EARLIER');
  t.like(again.summary, { done: 3, earlier: 3, failed: summary.failed });
});

test('archives become what the options of the single command say', async (t) => {
  const directory = fs.realpathSync(temporaryDirectory(t));
  putCheckpoint(path.join(directory, 'aside'));
  const members = membersOf(path.join(directory, 'aside'));
  fs.mkdirSync(path.join(directory, 'ck'));
  fs.writeFileSync(path.join(directory, 'ck/a.tgz'), zlib.gzipSync(archiveOf(...members)));
  const { told } = await rewriteAll(directory, ['ck/*'], {
    task: { what: 'rewrite', options: { specs: [SPEC], to: 'dir' } },
  });
  t.deepEqual(told, { 'ck/a.tgz': 'done' });
  t.true(fs.existsSync(path.join(directory, 'out/ck/a.tgz/inherit-plan.img')));
});
