import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { FdgraftError, openSource } from '../../../src';
import { ArchiveIndex } from '../../../src/storage/archive/archive-index';
import type { TarEntry } from '../../../src/storage/archive/read-headers';
import { archiveOf, blocksOf, membersOf, recordOf } from '../../support/archives';
import { smallCheckpoint, temporaryDirectory, writeCheckpoint } from '../../support/directories';
import { holds } from '../../support/properties';

/** Work is bounded by the bytes of the archive, whatever its names and targets are. Steps are counted, not seconds. */

const entry = (name: string, kind: TarEntry['kind'] = 'file', target = ''): TarEntry => ({
  name,
  kind,
  target,
  mode: 0o755,
  uid: 0,
  gid: 0,
  stored: 0,
  sparse: undefined,
});

/** An index, and how many bytes of names and targets it was given. */
function indexOf(entries: readonly TarEntry[]) {
  const index = new ArchiveIndex('archive');
  for (const [at, one] of entries.entries()) index.add(one, at, at, undefined);
  return { index, bytes: entries.reduce((sum, { name, target }) => sum + name.length + target.length, 0) };
}

test('links to a chain of links are followed once each', (t) => {
  const chain = Array.from({ length: 38 }, (_, i) => entry(`c${i}`, 'link', `${'./'.repeat(2000)}c${i + 1}`));
  const links = Array.from({ length: 4000 }, (_, i) => entry(`l${i}.img`, 'link', 'c0'));
  const { index, bytes } = indexOf([entry('d/', 'directory'), ...chain, entry('c38', 'link', 'd'), ...links]);
  for (const member of index.members) {
    if (member.kind === 'link') t.true(index.leadsToDirectory(member));
    t.is(index.targetOf(member), index.members[0]);
  }
  t.true(index.steps <= 4 * bytes, `${index.steps} steps for ${bytes} bytes`);
});

test('chains and cycles of links, as long as the archive', (t) => {
  const count = 20_000;
  for (const [last, resolves] of [
    ['file', 40],
    ['l0', 0],
  ] as const) {
    const links = Array.from({ length: count }, (_, i) => entry(`l${i}`, 'link', i + 1 === count ? last : `l${i + 1}`));
    const { index, bytes } = indexOf([entry('file'), ...links]);
    const found = index.members.filter((member) => member.kind === 'link' && index.targetOf(member) !== undefined);
    // As many as Linux follows.
    t.is(found.length, resolves);
    t.true(index.steps <= 4 * bytes, `${index.steps} steps for ${bytes} bytes`);
  }
});

test('a chain of hard links leads to its file in one step', (t) => {
  const links = Array.from({ length: 20_000 }, (_, i) => entry(`h${i + 1}`, 'hard link', `h${i}`));
  const { index, bytes } = indexOf([entry('h0'), ...links]);
  for (const member of index.members) t.is(index.targetOf(member)?.name, 'h0');
  t.true(index.steps <= 4 * bytes, `${index.steps} steps for ${bytes} bytes`);
});

test('directories that only paths have count with their paths', (t) => {
  const index = new ArchiveIndex('archive');
  let [added, bytes] = [0, 0];
  const error = t.throws(
    () => {
      for (; added < 450; added += 1) {
        const name = `${added}/${'d/'.repeat(1989)}x`;
        bytes += name.length;
        index.add(entry(name), added, added, undefined);
      }
    },
    { instanceOf: FdgraftError, message: /names and maps are too long/ },
  );
  t.true(added > 0 && index.steps <= bytes, `${index.steps} steps for ${bytes} bytes`);
  t.true((error?.message.length ?? 0) < 1000, error?.message);
  const kept = [...index.directoriesWithout()].reduce((sum, path) => sum + path.length, 0);
  t.true(kept < 64 << 20, `${kept} bytes`);
});

test('many members in one deep directory cost their own bytes', (t) => {
  const deep = 'd/'.repeat(1000);
  const { index, bytes } = indexOf(Array.from({ length: 2000 }, (_, i) => entry(`${deep}${i}`)));
  t.true(index.steps <= bytes, `${index.steps} steps for ${bytes} bytes`);
  t.is([...index.directoriesWithout()].length, 1000);
});

test('links lead where Linux follows them to', async (t) => {
  const part = fc.constantFrom('a', 'b', 'c', 'd', '.', '');
  const target = fc
    .array(part, { minLength: 1, maxLength: 4 })
    .map((parts) => parts.join('/').replace(/^\/+/, '') || '.');
  const name = fc.constantFrom('a', 'b', 'c', 'd', 'a/a', 'a/b', 'a/c', 'b/a', 'b/d');
  const up = fc.tuple(fc.constantFrom('', '../'), target).map(([dots, rest]) => `${dots}${rest}`);
  const one = fc.oneof(
    fc.record({ name, kind: fc.constantFrom<TarEntry['kind']>('file', 'directory'), target: fc.constant('') }),
    fc.record({ name, kind: fc.constant<TarEntry['kind']>('link'), target: up }),
  );
  await holds(
    t,
    fc.asyncProperty(fc.array(one, { maxLength: 9 }), async (wanted) => {
      const top = temporaryDirectory(t);
      const index = new ArchiveIndex('archive');
      for (const [at, { name, kind, target }] of wanted.entries()) {
        try {
          index.add(entry(name, kind, target), at, at, undefined);
        } catch (error) {
          if (error instanceof FdgraftError) continue;
          throw error;
        }
        const file = path.join(top, name);
        fs.mkdirSync(path.dirname(file), { recursive: true });
        if (kind === 'directory') fs.mkdirSync(file, { recursive: true });
        else if (kind === 'file') fs.writeFileSync(file, name);
        else fs.symlinkSync(target, file);
      }
      for (const member of index.members) {
        if (member.kind !== 'link') continue;
        const file = path.join(top, member.name);
        // Without an error for a cycle.
        const found = fs.existsSync(file) ? fs.statSync(file) : undefined;
        t.is(index.leadsToDirectory(member), found?.isDirectory() ?? false, JSON.stringify(wanted));
        const behind = index.targetOf(member);
        if (found?.isFile()) t.is(fs.statSync(path.join(top, behind?.path ?? '')).ino, found.ino);
        if (behind === undefined) t.false(found?.isFile() ?? false, JSON.stringify(wanted));
      }
      fs.rmSync(top, { recursive: true });
    }),
    200,
  );
});

test.serial('a sparse map of single records is read once', async (t) => {
  const parent = temporaryDirectory(t);
  const images = membersOf(writeCheckpoint(parent, smallCheckpoint()));
  const stretches = 5000;
  const offsets = Array.from({ length: stretches }, (_, i) =>
    Buffer.concat([recordOf('GNU.sparse.offset', `${i}`), recordOf('GNU.sparse.numbytes', '0')]),
  );
  const content = Buffer.concat([recordOf('GNU.sparse.size', `${stretches}`), ...offsets]);
  const file = path.join(parent, 'archive');
  fs.writeFileSync(file, archiveOf(...images, blocksOf({ name: 'x', type: 'x', content }), { name: 'pages-9.img' }));
  const { filter } = Array.prototype;
  let filtered = 0;
  Array.prototype.filter = function (this: unknown[], ...args: Parameters<typeof filter>) {
    filtered += this.length;
    return filter.apply(this, args);
  } as typeof filter;
  try {
    await (await openSource(file)).close();
  } finally {
    Array.prototype.filter = filter;
  }
  t.true(filtered < 100 * stretches, `${filtered}`);
});
