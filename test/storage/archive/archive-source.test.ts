import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { diff, inspect, openSource, rewrite } from '../../../src';
import { digest, picture, podmanTree } from '../../support/archive-tree';
import {
  archiveOf,
  archiveTest,
  BLOCK,
  blocksOf,
  chunksOf,
  END,
  goProgram,
  longName,
  membersOf,
  recordsOf,
  run,
  unpacked,
} from '../../support/archives';
import { smallCheckpoint, temporaryDirectory, writeCheckpoint } from '../../support/directories';

/** Whoever wrote an archive, it is read as the directory that it was made from. */

const SPECS = ['fd[5]:pipe:[4711]', 'fd[7]:/var/log/app.log'];
const CHANGED = ['files.img', 'fdinfo-1.img', 'fdinfo-2.img'];

/** Lists, compares and rewrites an archive of a tree, and sees that it is as with the directory. */
async function readsAlike(t: ExecutionContext, archive: string, tree: string): Promise<void> {
  const directory = await openSource(path.join(tree, 'checkpoint'));
  const source = await openSource(archive);
  t.deepEqual(await listed(source), await listed(directory));
  const compared = await diff(directory, source, {});
  const differences: unknown[] = [];
  for await (const difference of compared.differences()) differences.push(difference);
  compared.close();
  t.deepEqual(differences, []);
  t.true(compared.isSame);

  const top = temporaryDirectory(t);
  const [asDirectory, asArchive] = [path.join(top, 'out'), path.join(top, 'out.tar')];
  const expected = await rewrite(directory, { specs: SPECS, out: asDirectory });
  const found = await rewrite(source, { specs: SPECS, out: asArchive });
  await source.close();
  t.deepEqual(found.plan, expected.plan);
  const [before, after] = [untar(t, archive), untar(t, asArchive)];
  const [filesMode] = (before['checkpoint/files.img'] as string).split(' ');
  for (const name of [...CHANGED, 'inherit-plan.img']) {
    const place = `checkpoint/${name}`;
    const [mode] = before[place]?.split(' ') ?? [filesMode];
    t.is(after[place], `${mode} ${digest(fs.readFileSync(path.join(asDirectory, name)))}`, name);
    delete before[place];
    delete after[place];
  }
  t.deepEqual(after, before);
  t.is(chunksOf(unpacked(t, asArchive)).at(-1)?.name.split('/').pop(), 'inherit-plan.img');
}

async function listed(source: Parameters<typeof inspect>[0]): Promise<unknown[]> {
  const entries: unknown[] = [];
  for await (const { facts, descriptors } of inspect(source)) entries.push({ facts, descriptors });
  return entries;
}

function untar(t: ExecutionContext, archive: string): { [name: string]: string } {
  const directory = temporaryDirectory(t);
  run(t, ['tar', '--same-permissions', '-xf', archive, '-C', directory]);
  const seen = picture(directory);
  delete seen['./'];
  return seen;
}

function packed(argv: (tree: string, archive: string) => string[], isPlain = false) {
  return async (t: ExecutionContext) => {
    const top = temporaryDirectory(t);
    const tree = podmanTree(top, isPlain);
    const archive = path.join(top, 'archive');
    run(t, argv(tree, archive));
    await readsAlike(t, archive, tree);
  };
}

const gnu =
  (...options: string[]) =>
  (tree: string, archive: string) => ['tar', '-C', tree, ...options, '-cf', archive, '.'];
const bsd =
  (...options: string[]) =>
  (tree: string, archive: string) => ['bsdtar', '-C', tree, ...options, '-cf', archive, '.'];

for (const format of ['gnu', 'oldgnu', 'posix']) {
  archiveTest(`GNU tar, ${format}`, ['tar'], packed(gnu(`--format=${format}`)));
  archiveTest(
    `GNU tar, ${format}, numbers for owners, no ./`,
    ['tar'],
    packed((tree, archive) => [
      'sh',
      '-c',
      'cd "$0" && tar --numeric-owner --format="$2" -cf "$1" *',
      tree,
      archive,
      format,
    ]),
  );
}
for (const format of ['ustar', 'v7'])
  archiveTest(`GNU tar, ${format}`, ['tar'], packed(gnu(`--format=${format}`), true));
for (const format of ['gnu', 'oldgnu'])
  archiveTest(`GNU tar, ${format}, sparse`, ['tar'], packed(gnu(`--format=${format}`, '--sparse')));
for (const version of ['0.0', '0.1', '1.0']) {
  archiveTest(
    `GNU tar, posix, sparse ${version}`,
    ['tar'],
    packed(gnu('--format=posix', '--sparse', `--sparse-version=${version}`)),
  );
}
archiveTest('GNU tar, compressed by gzip', ['tar'], packed(gnu('-z')));
archiveTest('GNU tar, compressed by zstd', ['tar', 'zstd'], packed(gnu('--zstd')));
archiveTest(
  'GNU tar, compressed by zstd in many frames',
  ['tar', 'zstd'],
  packed((tree, archive) => [
    'sh',
    '-c',
    'tar -C "$0" -c . | split -b 5000 --filter "zstd -qc" - > "$1"',
    tree,
    archive,
  ]),
);
archiveTest(
  'GNU tar, compressed by gzip in many members',
  ['tar'],
  packed((tree, archive) => [
    'sh',
    '-c',
    'tar -C "$0" -c . | split -b 5000 --filter "gzip -c" - > "$1"',
    tree,
    archive,
  ]),
);
archiveTest('GNU tar, a volume with the name of the directory', ['tar'], packed(gnu('-V', 'checkpoint')));
archiveTest('GNU tar, a volume with a path for a name', ['tar'], packed(gnu('-V', '/backup')));
archiveTest('GNU tar, large records', ['tar'], packed(gnu('-b', '2048')));
archiveTest('GNU tar, no records', ['tar'], packed(gnu('-b', '1')));
archiveTest(
  'GNU tar, no members for directories',
  ['tar'],
  packed((tree, archive) => [
    'sh',
    '-c',
    'cd "$0" && find . ! -type d -print0 | tar --null --no-recursion -T - -cf "$1"',
    tree,
    archive,
  ]),
);
archiveTest(
  'GNU tar, directories behind what is in them',
  ['tar'],
  packed((tree, archive) => [
    'sh',
    '-c',
    'cd "$0" && find . -depth -print0 | tar --null --no-recursion -T - -cf "$1"',
    tree,
    archive,
  ]),
);
for (const [title, sort] of [
  ['files.img and its other name', 'sort -z'],
  ['files.img as a hard link', 'sort -zr'],
])
  archiveTest(`GNU tar, attributes of ${title}`, ['tar', 'setfattr'], async (t) => {
    const top = temporaryDirectory(t);
    const tree = podmanTree(top);
    const archive = path.join(top, 'archive');
    run(t, ['setfattr', '-n', 'user.note', '-v', '0xff000a3d', path.join(tree, 'checkpoint/files.img')]);
    const pack = `cd "$0" && find . -print0 | ${sort} | tar --xattrs --null --no-recursion -T - -cf "$1"`;
    run(t, ['sh', '-c', pack, tree, archive]);
    await readsAlike(t, archive, tree);
    const out = path.join(top, 'out.tar');
    const source = await openSource(archive);
    await rewrite(source, { specs: SPECS, out });
    await source.close();
    const directory = temporaryDirectory(t);
    run(t, ['tar', '--xattrs', '-xf', out, '-C', directory]);
    const [shown] = run(t, [
      'getfattr',
      '--only-values',
      '-n',
      'user.note',
      path.join(directory, 'checkpoint/files.img'),
    ])
      .toString('latin1')
      .split('\n\n');
    t.is(shown, '\xff\0\n=');
  });
for (const format of ['pax', 'gnutar'])
  archiveTest(`bsdtar, ${format}`, ['tar', 'bsdtar'], packed(bsd(`--format=${format}`)));
archiveTest('bsdtar, pax, sparse', ['tar', 'bsdtar'], packed(bsd('--format=pax', '--read-sparse')));
archiveTest('bsdtar, ustar', ['tar', 'bsdtar'], packed(bsd('--format=ustar'), true));
for (const format of ['pax', 'gnu']) {
  archiveTest(
    `Go, ${format}`,
    ['tar', 'go'],
    packed((tree, archive) => [goProgram('write-tar.go'), format, tree, archive]),
  );
}
archiveTest(
  'Python',
  ['tar', 'python3'],
  packed((tree, archive) => [
    'python3',
    '-c',
    'import sys, tarfile\nwith tarfile.open(sys.argv[2], "w:gz") as archive: archive.add(sys.argv[1], arcname=".")',
    tree,
    archive,
  ]),
);

/** Bytes as a file of a test. */
function fileOf(t: ExecutionContext, bytes: Buffer): string {
  const file = path.join(temporaryDirectory(t), 'archive');
  fs.writeFileSync(file, bytes);
  return file;
}

async function membersIn(t: ExecutionContext, bytes: Buffer): Promise<{ [name: string]: string }> {
  const source = await openSource(fileOf(t, bytes));
  const seen: { [name: string]: string } = {};
  try {
    for await (const { name, kind, mode, uid, gid } of source.members()) {
      seen[name.toString('latin1')] = `${kind} ${mode.toString(8)} ${uid}:${gid}`;
    }
  } finally {
    await source.close();
  }
  return seen;
}

const inventory = { name: 'inventory.img', content: 'i' };

test('numbers and names in every way that archives have', async (t) => {
  const base256 = (length: number, value: number) => {
    const field = Buffer.alloc(length);
    field.writeUIntBE(value, length - 6, 6);
    field[0] = 0x80;
    return field;
  };
  const seen = await membersIn(
    t,
    archiveOf(
      inventory,
      { name: 'a', raw: { 108: base256(8, 3_000_000_000), 116: base256(8, 4_294_967_295) } },
      {
        name: 'b',
        raw: { 100: Buffer.from('   640 \0'), 108: Buffer.from('       \0'), 124: Buffer.from('          1 ') },
        content: 'x',
      },
      { name: 'c', pax: { uid: '3000000000', gid: '7', mtime: '-1.5', size: '2' }, size: 0, content: 'xy' },
      { name: 'd'.repeat(100), prefix: 'p' },
      { name: 'e', prefix: 'x'.repeat(155), magic: 'ustar  ' },
      { name: 'f', prefix: 'junk', magic: '' },
      { name: 'g', mode: 0o100600, mtime: 8 ** 11 - 1 },
      { name: './/h/./i//', type: '5' },
      { name: 'j/', type: '\0' },
      { name: 'k', pax: { path: 'really k\xff' } },
      longName(Buffer.from(`long\xff${'l'.repeat(300)}`, 'latin1')),
      { name: 'cut off', magic: 'ustar  ' },
      { name: 'm', prefix: `${'s'.repeat(130)}\0`, raw: { 508: Buffer.from('tar\0') } },
      { name: 'n', type: '7' },
      {
        name: 'o',
        raw: { 136: Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe]) },
      },
      blocksOf({ name: 'g', type: 'g', content: recordsOf({ uid: '77', comment: 'c'.repeat(600) }) }),
      { name: 'pp' },
      { name: 'q', pax: { uid: '78' } },
      { name: 'r', pax: { uid: '' }, uid: 5 },
    ),
  );
  t.deepEqual(seen, {
    'inventory.img': 'file 644 0:0',
    a: 'file 644 3000000000:4294967295',
    b: 'file 640 0:0',
    c: 'file 644 3000000000:7',
    p: 'directory 755 0:0',
    [`p/${'d'.repeat(100)}`]: 'file 644 0:0',
    e: 'file 644 0:0',
    f: 'file 644 0:0',
    g: 'file 600 0:0',
    h: 'directory 755 0:0',
    'h/i': 'directory 644 0:0',
    j: 'directory 644 0:0',
    [Buffer.from('really k\xff').toString('latin1')]: 'file 644 0:0',
    [`long\xff${'l'.repeat(300)}`]: 'file 644 0:0',
    ['s'.repeat(130)]: 'directory 755 0:0',
    [`${'s'.repeat(130)}/m`]: 'file 644 0:0',
    n: 'file 644 0:0',
    o: 'file 644 0:0',
    pp: 'file 644 77:0',
    q: 'file 644 78:0',
    r: 'file 644 5:0',
  });
});

test('names are one to one: none is taken for another', async (t) => {
  const seen = await membersIn(
    t,
    archiveOf(
      inventory,
      { name: 'A' },
      { name: 'a' },
      { name: ' a' },
      { name: 'a ' },
      { name: '...' },
      { name: '..a' },
      { name: 'a\\b' },
    ),
  );
  t.deepEqual(Object.keys(seen).sort(), [' a', '...', '..a', 'A', 'a', 'a ', 'a\\b', 'inventory.img']);
});

test('links lead to members, through others and through directories that are links', async (t) => {
  const file = fileOf(
    t,
    archiveOf(
      { name: 'checkpoint/inventory.img', content: 'i' },
      { name: 'real/files.img', content: 'content' },
      { name: 'checkpoint/directory', type: '2', target: '../real' },
      { name: 'checkpoint/one', type: '2', target: 'directory/files.img' },
      { name: 'checkpoint/two', type: '2', target: './/one' },
      { name: 'checkpoint/hard', type: '1', target: './real//files.img' },
      { name: 'checkpoint/hard2', type: '1', target: 'checkpoint/hard' },
      { name: 'checkpoint/round', type: '2', target: 'round' },
      { name: 'checkpoint/there', type: '2', target: 'back' },
      { name: 'checkpoint/back', type: '2', target: 'there' },
      { name: 'checkpoint/none', type: '2', target: 'nothing' },
      { name: 'checkpoint/parent', type: '2', target: '/elsewhere' },
    ),
  );
  const source = await openSource(file);
  const seen: { [name: string]: string } = {};
  for await (const member of source.members()) {
    let content = '';
    if (member.kind === 'file' || member.leadsTo === 'file') {
      const reader = await member.open();
      const into = Buffer.alloc(100);
      content = into.toString('latin1', 0, await reader.read(into, 0, 100));
      await reader.close();
    }
    seen[member.name.toString()] = `${member.kind} ${member.leadsTo ?? ''} ${content}`.trim();
  }
  await source.close();
  t.deepEqual(seen, {
    'inventory.img': 'file  i',
    directory: 'link directory',
    one: 'link file content',
    two: 'link file content',
    hard: 'file  content',
    hard2: 'file  content',
    round: 'link nothing',
    there: 'link nothing',
    back: 'link nothing',
    none: 'link nothing',
    parent: 'link nothing',
  });
});

test('the image directory is where inventory.img is; of several the one called checkpoint', async (t) => {
  const inside = async (...names: string[]) => {
    const source = await openSource(fileOf(t, archiveOf(...names.map((name) => ({ name, content: 'i' })))));
    const { archive } = source;
    await source.close();
    return archive?.inside.toString();
  };
  t.is(await inside('inventory.img'), '');
  t.is(await inside('a/b/inventory.img'), 'a/b');
  t.is(await inside('pre/inventory.img', './checkpoint/inventory.img'), 'checkpoint');
  await t.throwsAsync(inside('a/inventory.img', 'b/inventory.img'), {
    code: 'ARCHIVE_UNUSABLE',
    message: /several image directories: a, b/,
  });
  await t.throwsAsync(inside('a/files.img'), { code: 'SOURCE_UNUSABLE', message: /no inventory.img/ });
});

test('a member of more than 8 GiB is passed over, in whatever way its size stands there', async (t) => {
  const size = 9 * 2 ** 30;
  const base256 = Buffer.alloc(12);
  base256.writeUIntBE(size, 6, 6);
  base256[0] = 0x80;
  for (const header of [
    blocksOf({ name: 'pages-1.img', pax: { size: `${size}` } }),
    blocksOf({ name: 'pages-1.img', magic: 'ustar  ', raw: { 124: base256 } }),
  ]) {
    const file = path.join(temporaryDirectory(t), 'archive');
    const fd = fs.openSync(file, 'wx');
    fs.writeSync(fd, header);
    fs.writeSync(fd, Buffer.concat([blocksOf(inventory), END]), 0, null, header.length + size);
    fs.closeSync(fd);
    const source = await openSource(file);
    t.is((await source.byName().member('inventory.img'))?.kind, 'file');
    await source.close();
  }
});

test('pages are read in any order from what is compressed', async (t) => {
  const directory = writeCheckpoint(temporaryDirectory(t), smallCheckpoint());
  const pages = [1, 2, 3, 4].map((n) => ({ name: `pages-${n}.img`, content: Buffer.alloc(300_000, `${n}`) }));
  const bytes = archiveOf(...membersOf(directory).filter(({ name }) => name !== 'pages-1.img'), ...pages);
  const source = await openSource(fileOf(t, require('node:zlib').gzipSync(bytes)));
  const members = source.byName();
  const into = Buffer.alloc(BLOCK);
  for (const n of [3, 1, 1, 4, 2]) {
    const reader = await (await members.member(`pages-${n}.img`))?.open();
    t.is(await reader?.read(into, 0, 10), 10);
    t.is(into.toString('latin1', 0, 10), `${n}`.repeat(10));
    await reader?.close();
  }
  await source.close();
});
