import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { FdgraftError, openSource, type RewriteOptions, rewrite } from '../../src';
import { bin, command } from '../support/command';
import { smallCheckpoint, snapshot, temporaryDirectory, writeCheckpoint } from '../support/directories';
import { build } from '../support/native';

// test/storage/killed.test.ts kills it at every call; here it is left alone, and others get in its way.

const PIPE = 'fd[5]:pipe:[4711]';
const isRoot = process.getuid?.() === 0;

test.before(() => {
  build();
});

function checkpoint(t: ExecutionContext): { top: string; source: string } {
  const top = temporaryDirectory(t);
  return { top, source: writeCheckpoint(top, smallCheckpoint()) };
}

async function rewriteInPlace(source: string, options: Partial<RewriteOptions> = {}) {
  return rewrite(await openSource(source), { specs: [PIPE], inPlace: true, ...options });
}

async function refused(t: ExecutionContext, source: string, pattern: RegExp, options: Partial<RewriteOptions> = {}) {
  const before = snapshot(source);
  const error = await t.throwsAsync(rewriteInPlace(source, options), { instanceOf: FdgraftError });
  t.regex(`${error?.message}\n${(error as FdgraftError).hint}`, pattern);
  t.is((error as FdgraftError).exitCode, 2);
  t.deepEqual(snapshot(source), before);
  t.deepEqual(leftBeside(source), []);
}

const leftBeside = (source: string) =>
  fs.readdirSync(path.dirname(source)).filter((name) => name.startsWith(`.${path.basename(source)}.fdgraft-`));

const inodes = (directory: string) =>
  Object.fromEntries(fs.readdirSync(directory).map((name) => [name, fs.lstatSync(path.join(directory, name)).ino]));

test('the directory becomes what -o would have made, and what does not change stays the very file', async (t) => {
  const { top, source } = checkpoint(t);
  fs.chmodSync(source, 0o750);
  fs.chmodSync(path.join(source, 'files.img'), 0o640);
  fs.mkdirSync(path.join(source, 'below'), 0o710);
  fs.writeFileSync(path.join(source, 'below/notes'), 'kept');
  fs.writeFileSync(path.join(source, 'dump.log'), 'a log');
  fs.mkdirSync(path.join(top, 'first'));
  fs.symlinkSync('../first', path.join(source, 'parent'));
  fs.symlinkSync('nowhere', path.join(source, 'dangling'));
  execFileSync('mkfifo', [path.join(source, 'a-fifo')]);
  if (isRoot) for (const name of ['.', 'files.img', 'dump.log']) fs.chownSync(path.join(source, name), 1234, 4321);
  const out = path.join(top, 'out');
  await rewrite(await openSource(source), { specs: [PIPE], out, link: 'copy' });
  const before = inodes(source);
  const stats = fs.statSync(source);
  const { plan, notices, next } = await rewriteInPlace(source);

  t.deepEqual(notices, []);
  t.deepEqual(next?.words.slice(0, 3), ['fdgraft-exec', '--plan', source]);
  const { 'a-fifo': _fifo, dangling, ...after } = { ...inodes(source) };
  t.true(dangling !== undefined);
  const changed = [...plan.images.map(({ name }) => name), 'inherit-plan.img', 'below', 'parent'];
  for (const [name, inode] of Object.entries(after)) t.is(inode === before[name], !changed.includes(name), name);
  t.true(fs.lstatSync(path.join(source, 'a-fifo')).isFIFO());
  fs.unlinkSync(path.join(source, 'a-fifo'));
  fs.unlinkSync(path.join(source, 'dangling'));
  t.is(fs.readlinkSync(path.join(source, 'parent')), '../first');
  t.deepEqual(snapshot(source), snapshot(out));
  const now = fs.statSync(source);
  t.deepEqual([now.mode, now.uid, now.gid], [stats.mode, stats.uid, stats.gid]);
  t.is(fs.statSync(path.join(source, 'pages-1.img')).nlink, 1, 'the old directory is gone');
  t.deepEqual(leftBeside(source), []);
});

test('a directory that was rewritten is refused by name, whatever the spec', async (t) => {
  const { source } = checkpoint(t);
  await rewriteInPlace(source);
  await refused(t, source, new RegExp(`^${source}: holds an inherit-plan\\.img, so it has been rewritten before`));
  await refused(t, source, /rewritten before/, { specs: ['fd[5]:/proc/7/fd/1'] });
});

test('a plan that is left from before a new dump is named, and nothing else stands in the way', async (t) => {
  const { source } = checkpoint(t);
  const images = fs.readdirSync(source).filter((name) => name.endsWith('.img'));
  const dump = images.map((name) => [path.join(source, name), fs.readFileSync(path.join(source, name))] as const);
  await rewriteInPlace(source);
  for (const [image, bytes] of dump) fs.writeFileSync(image, bytes);
  const error = await t.throwsAsync(rewriteInPlace(source));
  t.regex((error as FdgraftError).hint ?? '', /dumped into it again since then, remove inherit-plan\.img first$/);
  fs.unlinkSync(path.join(source, 'inherit-plan.img'));
  await t.notThrowsAsync(rewriteInPlace(source));
});

test('a dry run and a spec that matches nothing leave all as it was', async (t) => {
  const { source } = checkpoint(t);
  const before = { files: snapshot(source), inodes: inodes(source) };
  const error = await t.throwsAsync(rewriteInPlace(source, { specs: ['fd[5]:pipe:[1]'] }));
  t.is((error as FdgraftError).exitCode, 1);
  t.deepEqual({ files: snapshot(source), inodes: inodes(source) }, before);
  t.deepEqual(leftBeside(source), []);
});

test('what others change meanwhile is not lost', async (t) => {
  const meddlings: ((source: string) => void)[] = [
    (source) => fs.writeFileSync(path.join(source, 'new-file'), 'of someone else'),
    (source) => fs.writeFileSync(path.join(source, 'core-99.img'), 'changed'),
    (source) => fs.rmSync(path.join(source, 'fs-7.img')),
    (source) => fs.appendFileSync(path.join(source, 'pages-1.img'), 'more'),
  ];
  for (const meddle of meddlings) {
    const { source } = checkpoint(t);
    fs.writeFileSync(path.join(source, 'core-99.img'), 'raw here');
    let expected: ReturnType<typeof snapshot> | undefined;
    const onProgress = ({ member }: { member: Buffer }) => {
      if (member.toString() !== 'pstree.img' || expected !== undefined) return;
      meddle(source);
      expected = snapshot(source);
    };
    const error = await t.throwsAsync(rewriteInPlace(source, { onProgress }), { instanceOf: FdgraftError });
    t.regex(
      String(error?.message),
      /changed, added or removed by someone else|was (changed|removed) while the image directory/,
    );
    t.deepEqual(snapshot(source), expected);
    t.deepEqual(leftBeside(source), []);
  }
});

test('a log that grows meanwhile goes on growing in the same file', async (t) => {
  const { source } = checkpoint(t);
  const log = path.join(source, 'dump.log');
  fs.writeFileSync(log, 'begin\n');
  const fd = fs.openSync(log, 'a');
  let wrote = false;
  const onProgress = () => {
    if (!wrote) fs.writeSync(fd, 'middle\n');
    wrote = true;
  };
  await rewriteInPlace(source, { onProgress });
  fs.writeSync(fd, 'end\n');
  fs.closeSync(fd);
  t.is(fs.readFileSync(log, 'utf8'), 'begin\nmiddle\nend\n');
});

test('leftovers of processes that are gone are removed, and nothing else', async (t) => {
  const { top, source } = checkpoint(t);
  const name = path.basename(source);
  const [gone, alive, mine, other] = [
    `.${name}.fdgraft-${2 ** 22 + 1}.77-abcdef`,
    `.${name}.fdgraft-1.${startOf(1)}-abcdef`,
    `.${name}.fdgraft-backup`,
    `.${name}x.fdgraft-${2 ** 22 + 1}.77-abcdef`,
  ];
  for (const directory of [gone, alive, mine, other]) {
    fs.mkdirSync(path.join(top, directory, 'directory'), { recursive: true });
    fs.chmodSync(path.join(top, directory), 0o700);
    fs.writeFileSync(path.join(top, directory, 'directory/pages-1.img'), 'old');
  }
  for (const directory of [gone, alive, other]) markAsWorkDirectory(path.join(top, directory));
  // One that has the name alone, and one that nobody has marked yet.
  const [renamed, empty] = [`.${name}.fdgraft-${2 ** 22 + 1}.78-abcdef`, `.${name}.fdgraft-${2 ** 22 + 1}.79-abcdef`];
  for (const directory of [renamed, empty]) fs.mkdirSync(path.join(top, directory), { mode: 0o700 });
  fs.writeFileSync(path.join(top, renamed, 'secret'), 'of another program');
  // A link in a leftover is removed, not followed.
  fs.writeFileSync(path.join(top, 'precious'), 'precious');
  fs.symlinkSync('../../precious', path.join(top, gone, 'directory/link'));
  fs.symlinkSync('..', path.join(top, gone, 'up'));
  fs.mkdirSync(path.join(top, gone, 'closed'), 0o000);
  await rewriteInPlace(source);
  t.deepEqual(fs.readdirSync(top).sort(), [alive, mine, other, renamed, name, 'precious'].sort());
  t.is(fs.readFileSync(path.join(top, mine, 'directory/pages-1.img'), 'utf8'), 'old');
});

function markAsWorkDirectory(directory: string): void {
  fs.symlinkSync(String(fs.statSync(directory).ino), path.join(directory, 'work-directory'));
}

test('what came in after an exchange, before the run was killed, is told and kept', async (t) => {
  const { top, source } = checkpoint(t);
  const left = path.join(top, `.${path.basename(source)}.fdgraft-${2 ** 22 + 1}.77-abcdef`);
  fs.mkdirSync(path.join(left, 'directory'), { recursive: true });
  fs.chmodSync(left, 0o700);
  markAsWorkDirectory(left);
  fs.writeFileSync(path.join(left, 'expected'), JSON.stringify([[], [['a.img', '1 2 3']]]));
  fs.writeFileSync(path.join(left, 'directory/somebodys-file'), 'precious');
  const error = await t.throwsAsync(rewriteInPlace(source), { instanceOf: FdgraftError });
  t.regex(String(error?.message), /holds something that came in meanwhile/);
  t.true(error?.message.includes(path.basename(left)));
  t.is(fs.readFileSync(path.join(left, 'directory/somebodys-file'), 'utf8'), 'precious');
  // The same, where a further run was killed when it had just taken it.
  const outer = left.replace('.77-', '.78-');
  fs.mkdirSync(outer, { mode: 0o700 });
  markAsWorkDirectory(outer);
  fs.renameSync(left, path.join(outer, 'left-0'));
  await t.throwsAsync(rewriteInPlace(source), { message: /holds something that came in meanwhile/ });
  t.is(fs.readFileSync(path.join(outer, 'left-0/directory/somebodys-file'), 'utf8'), 'precious');
  fs.renameSync(path.join(outer, 'left-0'), left);
  fs.rmSync(path.join(left, 'directory/somebodys-file'));
  await rewriteInPlace(source);
  t.deepEqual(leftBeside(source), []);
});

test('a directory around it that belongs to someone else leads nowhere', async (t) => {
  const { top, source } = checkpoint(t);
  const trap = path.join(top, 'trap');
  fs.mkdirSync(trap, { mode: 0o755 });
  const out = path.join(top, 'out');
  // As an attacker with rights on `top` would do it, in the midst of the rewrite.
  const swap = (name: string) => {
    const [work = ''] = fs.readdirSync(top).filter((entry) => entry.startsWith(`.${name}.fdgraft-`));
    fs.renameSync(path.join(top, work), path.join(top, 'stolen'));
    fs.mkdirSync(path.join(top, work));
    fs.symlinkSync(trap, path.join(top, work, 'directory'));
  };
  const before = snapshot(source);
  for (const options of [{ out }, { inPlace: true }]) {
    let isSwapped = false;
    const onProgress = () => {
      if (!isSwapped) swap(options.out === undefined ? path.basename(source) : 'out');
      isSwapped = true;
    };
    await rewrite(await openSource(source), { specs: [PIPE], ...options, onProgress });
    t.true(isSwapped);
    t.deepEqual(fs.readdirSync(trap), []);
    t.is(fs.statSync(trap).mode & 0o7777, 0o755);
    fs.rmSync(path.join(top, 'stolen'), { recursive: true, force: true });
  }
  t.true(fs.lstatSync(out).isDirectory());
  t.deepEqual(snapshot(source), snapshot(out));
  t.notDeepEqual(snapshot(source), before);
});

(isRoot ? test : test.skip)('a file that cannot be linked, and one that cannot be removed (needs root)', async (t) => {
  const { top, source } = checkpoint(t);
  const log = path.join(source, 'dump.log');
  fs.writeFileSync(log, 'immutable');
  if (spawnSync('chattr', ['+i', log]).status !== 0) return t.pass('this file system has no such attribute');
  try {
    await refused(t, source, /dump\.log cannot be hard-linked here/);
    await rewrite(await openSource(source), { specs: [PIPE], out: path.join(top, 'out') });
  } finally {
    spawnSync('chattr', ['-i', log]);
  }
  t.pass();
});

function startOf(pid: number): string | undefined {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

test('the current directory is not exchanged under the feet of who is in it', async (t) => {
  const { source } = checkpoint(t);
  const before = snapshot(source);
  const { status, stderr } = spawnSync(process.execPath, [bin, 'rewrite', '.', '--in-place', '--inherit-fd', PIPE], {
    cwd: source,
    encoding: 'utf8',
    env: { ...process.env, TS_NODE_PROJECT: path.join(__dirname, '../../tsconfig.json') },
  });
  t.is(status, 2, stderr);
  t.regex(stderr, /is the current directory or around it/);
  t.deepEqual(snapshot(source), before);
});

test('a long name, one that is not UTF-8 and a link to the directory', async (t) => {
  const { top, source } = checkpoint(t);
  const long = path.join(top, 'n'.repeat(255));
  fs.renameSync(source, long);
  await rewriteInPlace(long);
  t.true(fs.existsSync(path.join(long, 'inherit-plan.img')));

  const { top: other, source: second } = checkpoint(t);
  const odd = Buffer.concat([Buffer.from(`${other}/`), Buffer.from([0xff, 0x0a, 0x66])]);
  fs.renameSync(second, odd);
  fs.symlinkSync(odd, path.join(other, 'link'));
  await rewriteInPlace(path.join(other, 'link'));
  t.true(fs.lstatSync(path.join(other, 'link')).isSymbolicLink());
  t.true(fs.existsSync(Buffer.concat([odd, Buffer.from('/inherit-plan.img')])));
  t.is(fs.readdirSync(other).length, 2);
});

(isRoot ? test : test.skip)('a mount point is refused (needs root)', async (t) => {
  const { source } = checkpoint(t);
  const script = `mount --bind "$1" "$1" && exec "$2" "$3" rewrite "$1" --in-place --inherit-fd '${PIPE}'`;
  const top = path.join(__dirname, '../..');
  const words = [source, ...command];
  const before = snapshot(source);
  const { status, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', script, 'sh', ...words], {
    cwd: top,
    encoding: 'utf8',
  });
  t.is(status, 2, stderr);
  t.regex(stderr, /cannot be rewritten in place: .*(EBUSY|hard-linked)/);
  t.deepEqual(snapshot(source), before);
  t.deepEqual(leftBeside(source), []);
});

/** Where a link leads; empty for one that is gone by now. */
function linkOf(file: string): string {
  try {
    return fs.readlinkSync(file);
  } catch {
    return '';
  }
}

test.serial('no descriptor is left open, whatever became of a rewrite', async (t) => {
  const tops: string[] = [];
  const run = async () => {
    const { top, source } = checkpoint(t);
    tops.push(fs.realpathSync(top));
    await rewrite(await openSource(source), { specs: [PIPE], out: path.join(top, 'out') });
    await t.throwsAsync(rewriteInPlace(source, { specs: ['fd[5]:pipe:[1]'] }));
    await rewriteInPlace(source);
    await t.throwsAsync(rewriteInPlace(source));
  };
  for (let i = 0; i < 11; i += 1) await run();
  // Other tests of this process have theirs elsewhere.
  const targets = fs.readdirSync('/proc/self/fd').map((fd) => linkOf(`/proc/self/fd/${fd}`));
  t.deepEqual(
    targets.filter((target) => tops.some((top) => target.startsWith(top))),
    [],
  );
});

test('a umask that forbids everything', async (t) => {
  const { top, source } = checkpoint(t);
  const words = [...command, source, path.join(top, 'out'), PIPE];
  const script = 'umask 0777; exec "$1" "$2" rewrite "$3" -o "$4" --inherit-fd "$5"';
  const { status, stderr } = spawnSync('sh', ['-c', script, 'sh', ...words], {
    cwd: path.join(__dirname, '../..'),
    encoding: 'utf8',
  });
  t.is(status, isRoot ? 0 : status, stderr);
  t.deepEqual(
    fs.readdirSync(top).filter((name) => name.startsWith('.')),
    [],
  );
});

test('options that contradict it', async (t) => {
  const { source, top } = checkpoint(t);
  await refused(t, source, /one of them|given both/, { out: path.join(top, 'out') });
});

for (const variant of ['plain', 'sanitized'] as const) {
  test(`fdgraft-exchange takes two paths on stdin and nothing else (${variant})`, (t) => {
    const program = path.join(build(variant), 'fdgraft-exchange');
    const directory = temporaryDirectory(t);
    const [a, b] = [path.join(directory, 'a'), path.join(directory, 'b')];
    fs.mkdirSync(a);
    fs.mkdirSync(b);
    fs.writeFileSync(path.join(a, 'of-a'), '');
    const run = (input: string, ...args: string[]) => {
      const { status, stderr } = spawnSync(program, args, { input, encoding: 'utf8' });
      return { status, stderr };
    };
    t.deepEqual(run(`${a}\0${b}\0`), { status: 0, stderr: '' });
    t.deepEqual([fs.readdirSync(a), fs.readdirSync(b)], [[], ['of-a']]);
    t.is(run(`${a}\0${directory}/c\0`).status, 2, 'ENOENT');
    for (const wrong of ['', '\0', a, `${a}\0`, `${a}\0${b}`, `${a}\0${b}\0x`, `${a}\0${b}\0\0`, `${a}\0\0`]) {
      const { status, stderr } = run(wrong);
      t.true(status === 22 || status === 2, JSON.stringify(wrong));
      t.regex(stderr, /^fdgraft-exchange: .*\n$/);
    }
    t.is(run(`${'x'.repeat(9000)}\0`).status, 36, 'ENAMETOOLONG');
    t.is(run('', 'argument').status, 22);
    t.deepEqual(fs.readdirSync(b), ['of-a']);
  });
}
