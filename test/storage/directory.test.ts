import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { decode, FdgraftError, openSource, type RewriteOptions, rewrite } from '../../src';
import { PLAN_FORMAT } from '../../src/plan/plan';
import { retargetLink } from '../../src/storage/byte-path';
import { register } from '../support/command';
import { smallCheckpoint, temporaryDirectory, writeCheckpoint } from '../support/directories';

const PIPE = 'fd[5]:pipe:[4711]';
const isRoot = process.getuid?.() === 0;

async function rewriteDirectory(source: string, out: string, options: Partial<RewriteOptions> = {}) {
  return rewrite(await openSource(source), { specs: [PIPE], out, ...options });
}

function checkpoint(t: ExecutionContext): { top: string; source: string; out: string } {
  const top = temporaryDirectory(t);
  return { top, source: writeCheckpoint(top, smallCheckpoint()), out: path.join(top, 'out') };
}

test('links keep leading to the same place', async (t) => {
  const { top, source } = checkpoint(t);
  fs.mkdirSync(path.join(top, 'first'));
  fs.mkdirSync(path.join(top, 'deep/er'), { recursive: true });
  fs.symlinkSync('../first', path.join(source, 'parent'));
  fs.symlinkSync('/usr', path.join(source, 'elsewhere'));
  const out = path.join(top, 'deep/er/out');
  await rewriteDirectory(source, out);
  t.is(fs.realpathSync(path.join(out, 'parent')), fs.realpathSync(path.join(top, 'first')));
  t.is(fs.readlinkSync(path.join(out, 'elsewhere')), '/usr');
});

test('a parent that leads to nothing stays, with a note, and leads to the same nothing', async (t) => {
  const { top, source } = checkpoint(t);
  fs.symlinkSync('../gone', path.join(source, 'parent'));
  fs.mkdirSync(path.join(top, 'deep'));
  const out = path.join(top, 'deep/out');
  const { notices } = await rewriteDirectory(source, out, { link: 'copy' });
  t.deepEqual(notices, [{ code: 'PARENT_MISSING', member: 'parent' }]);
  t.is(fs.readlinkSync(path.join(out, 'parent')), '../../gone');
});

test('pages of a previous dump in a subdirectory are linked as well', async (t) => {
  const { source, out } = checkpoint(t);
  fs.mkdirSync(path.join(source, 'parent'));
  fs.writeFileSync(path.join(source, 'parent/pages-1.img'), 'pages');
  const { notices } = await rewriteDirectory(source, out, { link: 'hard' });
  t.true(sameInode(path.join(source, 'parent/pages-1.img'), path.join(out, 'parent/pages-1.img')));
  t.true(notices.some(({ member }) => member === 'parent/pages-1.img'));
});

test('a link is moved by bytes', (t) => {
  const move = (target: string, from: string, to: string) =>
    retargetLink(Buffer.from(target, 'latin1'), Buffer.from(from), Buffer.from(to)).toString('latin1');
  t.is(move('../a\xff', '/x/y', '/x/z/w'), '../../a\xff');
  t.is(move('a/../b', '/x/y', '/x/z/w'), '../../y/a/../b', 'a may be a link');
  t.is(move('.././../b', '/x/y', '/x/z/w'), '../../../b');
  t.is(move('../../../b', '/x', '/z'), '../b');
  t.is(move('b', '/x', '/x'), 'b');
  t.is(move('..', '/x/y', '/'), 'x');
  t.is(move('..', '/x/y', '/x'), '.');
  t.is(move('../1', '/x/y', '/x/z'), '../1');
});

test('modes and owners are kept, of the directory too', async (t) => {
  const { source, out } = checkpoint(t);
  fs.chmodSync(source, 0o750);
  fs.chmodSync(path.join(source, 'files.img'), 0o640);
  fs.chmodSync(path.join(source, 'pages-1.img'), 0o604);
  if (isRoot)
    for (const name of ['.', 'files.img', 'pages-1.img', 'fs-7.img']) fs.chownSync(path.join(source, name), 1234, 4321);
  await rewriteDirectory(source, out, { link: 'copy' });
  for (const name of ['.', 'files.img', 'pages-1.img', 'fs-7.img', 'pstree.img']) {
    const was = fs.statSync(path.join(source, name));
    const is = fs.statSync(path.join(out, name));
    t.deepEqual([is.mode, is.uid, is.gid], [was.mode, was.uid, was.gid], name);
  }
  const plan = fs.statSync(path.join(out, 'inherit-plan.img'));
  t.is(plan.mode & 0o777, 0o640);
});

const sameInode = (a: string, b: string) => fs.statSync(a).ino === fs.statSync(b).ino;

test('auto links pages where it cannot clone, and copies the rest', async (t) => {
  const { source, out } = checkpoint(t);
  fs.writeFileSync(path.join(source, 'dump.log'), 'log');
  fs.writeFileSync(path.join(source, 'stats-dump'), 'stats');
  const { notices } = await rewriteDirectory(source, out);
  const pagesLinked = sameInode(path.join(source, 'pages-1.img'), path.join(out, 'pages-1.img'));
  t.is(
    pagesLinked,
    notices.some(({ code }) => code === 'PAGES_LINKED'),
  );
  for (const name of ['pstree.img', 'dump.log', 'stats-dump'])
    t.false(sameInode(path.join(source, name), path.join(out, name)), name);
});

test('hard and symlink link images, but never what a restore writes', async (t) => {
  for (const link of ['hard', 'symlink'] as const) {
    const { source, out } = checkpoint(t);
    for (const name of ['restore.log', 'stats-restore', 'descriptors.json'])
      fs.writeFileSync(path.join(source, name), name);
    await rewriteDirectory(source, out, { link });
    for (const name of ['pstree.img', 'pages-1.img', 'mm-7.img']) {
      t.true(sameInode(path.join(source, name), path.join(out, name)), name);
      t.is(fs.lstatSync(path.join(out, name)).isSymbolicLink(), link === 'symlink');
    }
    for (const name of ['files.img', 'fdinfo-1.img', 'restore.log', 'stats-restore', 'descriptors.json']) {
      t.false(sameInode(path.join(source, name), path.join(out, name)), name);
    }
  }
});

test('symbolic links are relative: a task with a root of its own opens images through them', async (t) => {
  const { source, out } = checkpoint(t);
  await rewriteDirectory(source, out, { link: 'symlink' });
  const link = fs.readlinkSync(path.join(out, 'pages-1.img'));
  t.is(link, path.join(path.relative(fs.realpathSync(out), fs.realpathSync(source)), 'pages-1.img'));
});

test('a directory of links that we made can be read again', async (t) => {
  const { source, out } = checkpoint(t);
  await rewriteDirectory(source, out, { link: 'symlink' });
  fs.rmSync(path.join(out, 'inherit-plan.img'));
  const again = await rewriteDirectory(out, `${out}-again`, { specs: ['fd[7]:/var/log/app.log'] });
  t.is(again.plan.placeholders.length, 1);
});

test('OUT is never touched where it exists, and never inside the source', async (t) => {
  const { source, out } = checkpoint(t);
  fs.mkdirSync(out);
  await t.throwsAsync(rewriteDirectory(source, out), { instanceOf: FdgraftError, message: /exists already/ });
  t.deepEqual(fs.readdirSync(out), []);
  await t.throwsAsync(rewriteDirectory(source, path.join(source, 'below')), {
    instanceOf: FdgraftError,
    message: /inside the source/,
  });
  fs.symlinkSync('nowhere', `${out}-link`);
  await t.throwsAsync(rewriteDirectory(source, `${out}-link`), { instanceOf: FdgraftError, message: /exists already/ });
  await t.throwsAsync(rewriteDirectory(source, path.join(source, '../no/such/out')), {
    instanceOf: FdgraftError,
    message: /the directory .*\/no\/such, which it is to be in, does not exist/,
  });
});

test('OUT that is the source is told so, by any path', async (t) => {
  const { source, out } = checkpoint(t);
  fs.symlinkSync(source, out);
  fs.symlinkSync(`${out}-loop`, `${out}-loop`);
  const refused = (place: string, message: RegExp) =>
    t.throwsAsync(rewriteDirectory(source, place), { instanceOf: FdgraftError, code: 'OUT_UNUSABLE', message });
  for (const place of [source, `${source}/`, path.join(source, '../', path.basename(source)), out]) {
    const error = await refused(place, /: is the source itself$/);
    t.regex(String((error as FdgraftError | undefined)?.hint), /only fdgraft rewrite --in-place replaces its source$/);
  }
  await refused(`${out}-loop`, /: exists already$/);
  const archive = `${out}.tar`;
  await rewriteDirectory(source, archive);
  const again = await openSource(archive);
  await t.throwsAsync(decode(again, { out: archive }), { code: 'OUT_UNUSABLE', message: /: is the source itself$/ });
  await again.close();
});

test('subdirectories come along; sockets, FIFOs and devices do not, and are named', async (t) => {
  const { source, out } = checkpoint(t);
  fs.mkdirSync(path.join(source, 'work/deep'), { recursive: true });
  fs.chmodSync(path.join(source, 'work'), 0o711);
  fs.writeFileSync(path.join(source, 'work/deep/files.img'), 'no image here');
  fs.symlinkSync('../../pstree.img', path.join(source, 'work/deep/link'));
  const { execFileSync } = await import('node:child_process');
  execFileSync('mkfifo', [path.join(source, 'lazy.fifo')]);
  const { notices } = await rewriteDirectory(source, out);
  t.is(fs.readFileSync(path.join(out, 'work/deep/files.img'), 'utf8'), 'no image here');
  t.is(fs.statSync(path.join(out, 'work')).mode & 0o777, 0o711);
  t.deepEqual(fs.readFileSync(path.join(out, 'work/deep/link')), fs.readFileSync(path.join(source, 'pstree.img')));
  t.false(fs.existsSync(path.join(out, 'lazy.fifo')));
  t.true(notices.some(({ code, member }) => code === 'SPECIAL_FILE_LEFT_OUT' && member === 'lazy.fifo'));
});

test('names that are not UTF-8 come along', async (t) => {
  const { source, out } = checkpoint(t);
  const name = Buffer.from('odd-\xff\n', 'latin1');
  fs.writeFileSync(Buffer.concat([Buffer.from(`${source}/`), name]), 'odd');
  await rewriteDirectory(source, out);
  t.true(fs.readdirSync(out, { encoding: 'buffer' }).some((found) => found.equals(name)));
});

test('an image that is a directory, a device or a link to somebody else is refused, not waited for', async (t) => {
  const replace = async (make: (place: string) => void) => {
    const { source, out } = checkpoint(t);
    const place = path.join(source, 'fdinfo-1.img');
    fs.rmSync(place);
    make(place);
    const error = await t.throwsAsync(rewriteDirectory(source, out), { instanceOf: FdgraftError });
    t.false(fs.existsSync(out));
    return error;
  };
  t.regex((await replace((place) => fs.symlinkSync('/dev/zero', place)))?.message ?? '', /not a regular file/);
  t.regex((await replace((place) => fs.symlinkSync('gone', place)))?.message ?? '', /does not exist/);
  if (!isRoot) return;
  const foreign = await replace((place) => {
    const other = path.join(path.dirname(path.dirname(place)), 'secret');
    fs.writeFileSync(other, 'secret', { mode: 0o600 });
    fs.symlinkSync(other, place);
    fs.lchownSync(place, 1234, 1234);
  });
  t.regex(foreign?.message ?? '', /belongs to somebody else/);
});

test('a plan is saved as JSON, and only where the rewrite succeeds', async (t) => {
  const { top, source, out } = checkpoint(t);
  const savePlan = path.join(top, 'plan.json');
  fs.writeFileSync(savePlan, 'old');
  await t.throwsAsync(rewriteDirectory(source, source, { savePlan }));
  t.is(fs.readFileSync(savePlan, 'utf8'), 'old');
  await rewriteDirectory(source, out, { savePlan });
  t.like(JSON.parse(fs.readFileSync(savePlan, 'utf8')), { format: 'fdgraft.plan', version: PLAN_FORMAT });
  t.deepEqual(
    fs.readdirSync(top).filter((name) => name.startsWith('.')),
    [],
  );
});

test('a plan is never saved over the source, OUT or a directory, and goes through what is no file', async (t) => {
  const { top, source, out } = checkpoint(t);
  const leadsBack = path.join(top, 'leads-back');
  fs.symlinkSync(path.join(source, 'files.img'), leadsBack);
  for (const savePlan of [path.join(source, 'files.img'), path.join(source, 'new.json'), leadsBack, out, top]) {
    await t.throwsAsync(rewriteDirectory(source, out, { savePlan }), { instanceOf: FdgraftError });
    t.false(fs.existsSync(out));
  }
  const link = path.join(top, 'link');
  fs.symlinkSync('target.json', link);
  await rewriteDirectory(source, out, { savePlan: link });
  t.true(fs.lstatSync(link).isSymbolicLink());
  t.like(JSON.parse(fs.readFileSync(path.join(top, 'target.json'), 'utf8')), { format: 'fdgraft.plan' });
});

test('a link that a restore could write through becomes a file', async (t) => {
  const { source, out } = checkpoint(t);
  fs.writeFileSync(path.join(source, 'real.log'), 'real');
  fs.symlinkSync('real.log', path.join(source, 'restore.log'));
  fs.symlinkSync('nowhere', path.join(source, 'stats-restore'));
  const { notices } = await rewriteDirectory(source, out);
  t.true(fs.lstatSync(path.join(out, 'restore.log')).isFile());
  t.is(fs.readFileSync(path.join(out, 'restore.log'), 'utf8'), 'real');
  t.false(fs.existsSync(path.join(out, 'stats-restore')));
  t.true(notices.some(({ code, member }) => code === 'DANGLING_LINK_LEFT_OUT' && member === 'stats-restore'));
});

test('a link through another link and back up keeps its place', async (t) => {
  const { top, source } = checkpoint(t);
  for (const directory of ['far/dir', 'far/prev', 'prev', 'sub'])
    fs.mkdirSync(path.join(top, directory), { recursive: true });
  fs.symlinkSync('far/dir', path.join(top, 'lnk'));
  fs.symlinkSync('../lnk/../prev', path.join(source, 'parent'));
  const out = path.join(top, 'sub/out');
  await rewriteDirectory(source, out);
  t.is(fs.realpathSync.native(path.join(out, 'parent')), fs.realpathSync(path.join(top, 'far/prev')));
});

test('another user than the owner gets files of their own, and is told', async (t) => {
  if (!isRoot) {
    t.pass();
    return;
  }
  // A process of another user: what it may not give away it keeps.
  const { source, top } = checkpoint(t);
  for (const place of [top, source]) fs.chmodSync(place, 0o777);
  for (const name of fs.readdirSync(source)) fs.chmodSync(path.join(source, name), 0o644);
  const script = `
    require(${JSON.stringify(register)});
    process.setgroups([]); process.setgid(1234); process.setuid(1234);
    const { openSource, rewrite } = require(${JSON.stringify(path.join(__dirname, '../../src'))});
    openSource(${JSON.stringify(source)})
      .then((source) => rewrite(source, { specs: ['${PIPE}'], out: ${JSON.stringify(path.join(top, 'out'))}, link: 'copy' }))
      .then(({ notices }) => console.log(JSON.stringify(notices)));`;
  const { execFileSync } = await import('node:child_process');
  const notices = JSON.parse(
    execFileSync(process.execPath, ['-e', script], { encoding: 'utf8', cwd: path.join(__dirname, '../..') }),
  );
  t.true(notices.some(({ code }: { code: string }) => code === 'OWNER_NOT_KEPT'));
  t.is(fs.statSync(path.join(top, 'out/files.img')).uid, 1234);
});
