import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { decode, diff, encode, FdgraftError, openImages, openSource, type RewriteOptions, rewrite } from '../../../src';
import { FORMS } from '../../../src/storage/form';
import { picture, podmanTree } from '../../support/archive-tree';
import { archiveOf, archiveTest, blocksOf, chunksOf, END, membersOf, run, unpacked } from '../../support/archives';
import { bin, top as project } from '../../support/command';
import { smallCheckpoint, snapshot, temporaryDirectory, writeCheckpoint } from '../../support/directories';

/** Directories and archives of all forms, from each to each; and the commands with archives. */

const SPECS = ['fd[5]:pipe:[4711]'];
const MAGICS = { tar: /^.*/, 'tar.gz': /^1f8b/, 'tar.zst': /^28b52ffd/ } as const;

const command = (...args: string[]) => spawnSync(process.execPath, [bin, ...args], { cwd: project, encoding: 'utf8' });

async function rewriteOf(source: string, options: Partial<RewriteOptions>) {
  const opened = await openSource(source);
  try {
    return await rewrite(opened, { specs: SPECS, ...options });
  } finally {
    await opened.close();
  }
}

function archived(t: ExecutionContext, directory: string, form: string): string {
  const archive = `${directory}.of`;
  const pack = { tar: 'cat', 'tar.gz': 'gzip -nc', 'tar.zst': 'zstd -qc' }[form];
  run(t, ['sh', '-c', `tar -C "$0" -c . | ${pack} > "$1"`, directory, archive]);
  return archive;
}

for (const from of FORMS) {
  for (const to of FORMS) {
    archiveTest(`${from} to ${to}, whatever the name, and the same bytes each time`, ['tar', 'zstd'], async (t) => {
      const top = temporaryDirectory(t);
      const directory = writeCheckpoint(top, smallCheckpoint());
      fs.mkdirSync(path.join(directory, 'work'), { mode: 0o711 });
      fs.writeFileSync(path.join(directory, 'work/deep'), 'd');
      fs.chmodSync(path.join(directory, 'files.img'), 0o640);
      const source = from === 'dir' ? directory : archived(t, directory, from);
      fs.chmodSync(source, from === 'dir' ? 0o750 : 0o640);
      const expected = path.join(top, 'expected');
      await rewriteOf(directory, { out: expected, link: 'copy' });
      const [one, other] = [path.join(top, 'a.zip'), path.join(top, 'b')];
      const { next } = await rewriteOf(source, { out: one, to });
      await rewriteOf(source, { out: other, to });
      const unpackedTo = path.join(top, 'unpacked');
      if (to === 'dir') {
        t.deepEqual(picture(one), picture(expected));
        t.is(next?.unpack, undefined);
        return;
      }
      t.deepEqual(fs.readFileSync(one), fs.readFileSync(other));
      t.regex(fs.readFileSync(one).toString('hex', 0, 8), MAGICS[to]);
      t.is(fs.statSync(one).mode & 0o777, 0o640);
      t.deepEqual(next?.unpack?.slice(0, 2), ['tar', '-xf']);
      fs.mkdirSync(unpackedTo);
      run(t, ['tar', '--same-permissions', '-xf', one, '-C', unpackedTo]);
      t.deepEqual(picture(unpackedTo), picture(expected));
      const back = await openSource(one);
      t.is(back.form, to);
      const plain = await openSource(expected);
      t.true((await diff(plain, back, {})).isSame);
      await back.close();
    });
  }
}

test('a directory with long names, no UTF-8, large owners and odd times becomes an archive that others read', async (t) => {
  const top = temporaryDirectory(t);
  const tree = path.join(podmanTree(top), 'checkpoint');
  if (process.getuid?.() === 0) fs.chownSync(path.join(tree, 'pages-1.img'), 3_000_000_000, 3_000_000_001);
  fs.utimesSync(path.join(tree, 'inventory.img'), new Date(-5000), new Date(-5000));
  fs.utimesSync(path.join(tree, 'mm-7.img'), 2 ** 33 + 5, 2 ** 33 + 5);
  fs.symlinkSync('/elsewhere', path.join(tree, 'pages-6.img'));
  fs.symlinkSync('/tmp', path.join(tree, 'out-of-here'));
  fs.symlinkSync('../previous', path.join(tree, 'parent'));
  const out = path.join(top, 'out.tar');
  const { notices } = await rewriteOf(tree, { out, to: 'tar' });
  t.deepEqual(notices.map(({ code, member }) => `${code} ${member}`).sort(), [
    'DANGLING_LINK_LEFT_OUT work/config',
    'OUTER_LINK_LEFT_OUT out-of-here',
    'OUTER_LINK_LEFT_OUT pages-6.img',
    'PARENT_MISSING parent',
  ]);
  const list =
    'import sys, tarfile\nfor m in tarfile.open(sys.argv[1], errors="surrogateescape"): print(ascii(m.name), oct(m.mode), m.uid, m.gid, m.mtime, m.size, ascii(m.linkname))';
  const python = run(t, ['python3', '-c', list, out]).toString().split('\n');
  t.true(python.some((line) => line.includes(`'./${'n'.repeat(140)}'`)));
  t.regex(python.find((line) => line.includes('inventory.img')) ?? '', / -5(\.0)? /);
  t.regex(python.find((line) => line.includes('mm-7')) ?? '', / 8589934597(\.0)? /);
  if (process.getuid?.() === 0)
    t.regex(python.find((line) => line.includes('pages-1.img')) ?? '', /3000000000 3000000001/);
  const source = await openSource(out);
  const names: string[] = [];
  for await (const { name } of source.members()) names.push(name.toString('latin1'));
  await source.close();
  t.true(names.includes('\xe9t\xe9'));
  t.true(names.some((name) => name.endsWith(`${'e'.repeat(120)}/${'f'.repeat(100)}.img`)));
});

test('a directory that an archive names late, or not, has its mode; nothing but special files is left out', async (t) => {
  const top = temporaryDirectory(t);
  const images = membersOf(writeCheckpoint(top, smallCheckpoint()), 'a/checkpoint/');
  const file = path.join(top, 'archive');
  fs.writeFileSync(
    file,
    archiveOf(
      { name: 'label', type: 'V' },
      ...images,
      { name: 'a/', type: '5', mode: 0o500 },
      { name: 'a/checkpoint', type: '5', mode: 0o511 },
      { name: 'x/fifo', type: '6' },
      { name: 'a/z/deep/file', content: 'z', mode: 0o400 },
    ),
  );
  fs.chmodSync(file, 0o640);
  const out = path.join(top, 'out');
  const { notices } = await rewriteOf(file, { out, to: 'dir' });
  t.deepEqual(notices, [{ code: 'SPECIAL_FILE_LEFT_OUT', member: 'x/fifo' }]);
  const mode = (name: string) => (fs.statSync(path.join(out, name)).mode & 0o7777).toString(8);
  t.deepEqual(
    [mode('.'), mode('a'), mode('a/checkpoint'), mode('a/z'), mode('a/z/deep/file')],
    ['750', '500', '511', '750', '400'],
  );
  t.deepEqual(fs.readdirSync(out), ['a']);
});

for (const form of ['tar', 'tar.gz', 'tar.zst'] as const) {
  archiveTest(`decode and encode of ${form} give back every member, in its order`, ['tar', 'zstd'], async (t) => {
    const top = temporaryDirectory(t);
    const tree = podmanTree(top);
    const archive = archived(t, tree, form);
    const [json, back] = [path.join(top, 'json'), path.join(top, 'back')];
    let source = await openImages(archive);
    await decode(source, { out: json });
    await source.close();
    source = await openImages(json);
    await encode(source, { out: back });
    await source.close();
    const [before, after] = [chunksOf(unpacked(t, archive)), chunksOf(unpacked(t, back))];
    // The link to files.img has the content itself by then.
    const shape = ({ name, type, headers, content }: (typeof before)[0]) =>
      type === '1' ? { name } : { name, headers: headers.toString('latin1'), content: content.toString('latin1') };
    const links = new Set(before.filter(({ type }) => type === '1').map(({ name }) => name));
    t.deepEqual(
      after.map((chunk) => shape(links.has(chunk.name) ? { ...chunk, type: '1' } : chunk)),
      before.map(shape),
    );
  });
}

for (const form of ['tar', 'tar.gz', 'tar.zst'] as const) {
  archiveTest(`${form} in place: one step, mode and owner kept, the link to it too`, ['tar', 'zstd'], async (t) => {
    const top = temporaryDirectory(t);
    const directory = writeCheckpoint(top, smallCheckpoint());
    const archive = archived(t, directory, form);
    fs.chmodSync(archive, 0o604);
    if (process.getuid?.() === 0) fs.chownSync(archive, 1234, 4321);
    const link = path.join(top, 'link');
    fs.symlinkSync(path.basename(archive), link);
    const before = fs.statSync(archive);
    await rewriteOf(archive, { out: path.join(top, 'expected') });
    await rewriteOf(link, { inPlace: true });
    const after = fs.statSync(archive);
    t.deepEqual([after.mode, after.uid, after.gid], [before.mode, before.uid, before.gid]);
    t.true(fs.lstatSync(link).isSymbolicLink());
    t.deepEqual(fs.readFileSync(archive), fs.readFileSync(path.join(top, 'expected')));
    t.deepEqual(
      fs.readdirSync(top).filter((name) => name.startsWith('.')),
      [],
    );
  });
}

test('an archive that is written to, or exchanged, while it is read is not replaced, nor made a result of', async (t) => {
  for (const change of [
    (file: string) => fs.appendFileSync(file, Buffer.alloc(512)),
    (file: string) => {
      fs.copyFileSync(file, `${file}.new`);
      fs.renameSync(`${file}.new`, file);
    },
    (file: string) => fs.rmSync(file),
  ]) {
    const top = temporaryDirectory(t);
    const file = path.join(top, 'archive');
    fs.writeFileSync(file, archiveOf(...membersOf(writeCheckpoint(temporaryDirectory(t), smallCheckpoint()))));
    const source = await openSource(file);
    let isChanged = false;
    const onProgress = () => {
      if (!isChanged) change(file);
      isChanged = true;
    };
    const error = await t.throwsAsync(rewrite(source, { specs: SPECS, inPlace: true, onProgress }), {
      instanceOf: FdgraftError,
    });
    t.is((error as FdgraftError).code, 'SOURCE_UNUSABLE');
    await source.close();
    t.deepEqual(
      fs.readdirSync(top).filter((name) => name !== 'archive'),
      [],
    );
    if (fs.existsSync(file)) t.false(fs.readFileSync(file).includes('inherit-plan.img'));
  }
});

test('what does not go with archives is said', async (t) => {
  const top = temporaryDirectory(t);
  const directory = writeCheckpoint(top, smallCheckpoint());
  const file = path.join(top, 'archive');
  fs.writeFileSync(file, archiveOf(...membersOf(directory)));
  fs.symlinkSync('archive', path.join(top, 'link'));
  const before = snapshot(top);
  const out = path.join(top, 'out');
  const refusal = (source: string, options: Partial<RewriteOptions>, code: string, message: RegExp) =>
    t.throwsAsync(rewriteOf(source, options), { instanceOf: FdgraftError, code, message });
  await refusal(file, { out, link: 'hard' }, 'USAGE', /OUT is an archive/);
  await refusal(file, { out, link: 'hard', to: 'dir' }, 'USAGE', /SOURCE is an archive/);
  await refusal(directory, { out, link: 'hard', to: 'tar' }, 'USAGE', /OUT is an archive/);
  await refusal(file, { out: file }, 'OUT_UNUSABLE', /is the source itself/);
  await refusal(file, { out: directory }, 'OUT_UNUSABLE', /exists/);
  await refusal(directory, { out: path.join(directory, 'a.tar'), to: 'tar' }, 'OUT_UNUSABLE', /./);
  await refusal(file, { out: path.join(top, 'none/out') }, 'OUT_UNUSABLE', /the directory .*\/none, .* does not exist/);
  await refusal(file, { out: path.join(top, 'none/out'), to: 'dir' }, 'OUT_UNUSABLE', /the directory .*\/none, /);
  await refusal(file, { out, savePlan: path.join(top, 'link') }, 'OUT_UNUSABLE', /link: is the source/);
  await refusal(file, { out, savePlan: file }, 'OUT_UNUSABLE', /archive: is the source/);
  await refusal(file, { out, savePlan: out }, 'OUT_UNUSABLE', /./);
  t.is((await rewriteOf(file, {})).next, undefined);
  t.deepEqual(snapshot(top), before);
  await rewriteOf(file, { out });
  await t.throwsAsync(rewriteOf(out, { out: path.join(top, 'again') }), {
    instanceOf: FdgraftError,
    message: /\/out: holds an inherit-plan\.img/,
  });
});

test('descriptors.json of an archive', async (t) => {
  const top = temporaryDirectory(t);
  const file = path.join(top, 'archive');
  const images = membersOf(writeCheckpoint(temporaryDirectory(t), smallCheckpoint()), 'checkpoint/');
  fs.writeFileSync(
    file,
    archiveOf({ name: 'descriptors.json', content: '["no"]' }, ...images, {
      name: 'checkpoint/descriptors.json',
      content: '["/dev/null","pipe:[4711]","/dev/null"]',
    }),
  );
  const { plan } = await rewriteOf(file, { specs: [], fromDescriptors: true, out: path.join(top, 'out') });
  t.deepEqual(
    plan.placeholders.map(({ caller_fd }) => caller_fd),
    [1],
  );
});

archiveTest('commands take archives: ls, x, diff, rewrite with a plan to prove it', ['tar', 'zstd'], (t) => {
  const top = temporaryDirectory(t);
  const directory = writeCheckpoint(top, smallCheckpoint());
  const spec = ['--inherit-fd', 'fd[5]:pipe:[4711]'];
  for (const form of ['tar', 'tar.gz', 'tar.zst']) {
    const archive = archived(t, directory, form);
    const out = path.join(top, form);
    for (const args of [['ls'], ['ls', '--json'], ['x', 'fds'], ['x', 'ps', '--json'], ['x', 'mems']]) {
      const [word, ...rest] = args as [string, ...string[]];
      const [expected, found] = [command(word, directory, ...rest), command(word, archive, ...rest)];
      t.is(found.stdout, expected.stdout);
      t.is(found.status, 0, found.stderr);
    }
    t.is(command('rewrite', archive, '-o', out, ...spec).status, 0);
    t.is(command('diff', archive, out, '--plan', out).status, 0);
    t.is(command('diff', directory, out, '--plan', out).status, 0);
    t.is(command('diff', archive, out).status, 1);
    const dry = command('rewrite', archive, '--dry-run', ...spec);
    t.is(dry.status, 0);
  }
  const shuffled = path.join(top, 'shuffled');
  fs.writeFileSync(shuffled, archiveOf(...membersOf(directory, './pre/').reverse()));
  t.is(command('diff', directory, shuffled).status, 0);
  const bad = path.join(top, 'bad');
  fs.writeFileSync(bad, archiveOf(...membersOf(directory), { name: '../x' }));
  const { status, stderr } = command('ls', bad);
  t.is(status, 2);
  t.regex(
    stderr,
    /^fdgraft: .*bad, offset \d+: its member \.\.\/x leads out of the archive with \.\.\n {2}all members .*\n$/,
  );
});

/** A tar of a checkpoint with pages of zeros. A hundredth of them is on disk: with less it would look like a trap. */
function writeLargeTar(file: string, directory: string, size: number): void {
  const before = [...membersOf(directory).map(blocksOf), blocksOf({ name: 'pages-9.img', pax: { size: `${size}` } })];
  fs.writeFileSync(file, Buffer.concat([...before, Buffer.alloc(Math.floor(size / 100))]), { flag: 'wx' });
  const start = before.reduce((sum, { length }) => sum + length, 0);
  const fd = fs.openSync(file, 'r+');
  fs.writeSync(fd, END, 0, END.length, start + size);
  fs.closeSync(fd);
}

archiveTest('a signal ends it soon, with nothing left', ['zstd'], async (t) => {
  const top = temporaryDirectory(t);
  const directory = writeCheckpoint(temporaryDirectory(t), smallCheckpoint());
  const plain = path.join(top, 'plain');
  writeLargeTar(plain, directory, 6 * 2 ** 30);
  for (const to of ['tar.gz', 'tar.zst', 'dir']) {
    const args = [bin, 'rewrite', plain, '-o', path.join(top, 'out'), '--to', to, '--inherit-fd', 'fd[5]:pipe:[4711]'];
    const child = spawn(process.execPath, args, { cwd: project, stdio: 'ignore' });
    const ended = once(child, 'exit');
    while (!fs.readdirSync(top).some((name) => name.startsWith('.out')))
      await new Promise((resolve) => setTimeout(resolve, 20));
    await new Promise((resolve) => setTimeout(resolve, 100));
    child.kill('SIGINT');
    t.deepEqual(await ended, [null, 'SIGINT'], to);
    t.deepEqual(fs.readdirSync(top), ['plain'], to);
  }
});

archiveTest('what a killed run leaves goes with the next one', ['zstd'], async (t) => {
  const top = temporaryDirectory(t);
  const directory = writeCheckpoint(temporaryDirectory(t), smallCheckpoint());
  const [large, out] = [path.join(top, 'large'), path.join(top, 'out')];
  writeLargeTar(large, directory, 2 ** 32);
  for (const to of ['tar.gz', 'tar.zst']) {
    const args = ['rewrite', large, '-o', out, '--to', to, '--inherit-fd', 'fd[5]:pipe:[4711]'];
    const child = spawn(process.execPath, [bin, ...args], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    const left = () => fs.readdirSync(top).filter((name) => name.startsWith('.out'));
    while (left().length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGKILL');
    await ended;
    t.is(left().length, 1);
    await rewriteOf(directory, { out, to: 'tar' });
    t.deepEqual(fs.readdirSync(top).sort(), ['large', 'out']);
    fs.rmSync(out);
  }
});
