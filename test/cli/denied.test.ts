import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { archiveOf, membersOf } from '../support/archives';
import { putCheckpoint, SPEC } from '../support/batch';
import { copyPackage } from '../support/command';
import { temporaryDirectory } from '../support/directories';

/** What someone who is not root is told of directories that are not theirs, and gets from an archive of root's. */

const installed = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-denied-'));
const bin = copyPackage(installed);
test.after.always(() => fs.rmSync(installed, { recursive: true }));
const isRoot = process.geteuid?.() === 0;

const USER = 1000;

/** Another user than root, who is in no group of root's. */
function fdgraft(args: readonly string[], cwd: string) {
  const words = [process.execPath, bin, ...args];
  const asUser = ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups', ...words];
  const [program, ...rest] = isRoot ? asUser : words;
  const { status, stdout, stderr } = spawnSync(program as string, rest, { cwd, encoding: 'utf8' });
  return { status, stdout, stderr };
}

/** For root: it alone can make what belongs to others. */
function rootTest(title: string, body: (t: ExecutionContext, top: string) => void): void {
  const canRun = isRoot && spawnSync('setpriv', ['--version']).status === 0;
  (canRun ? test : test.skip)(title, (t) => {
    const top = fs.realpathSync(temporaryDirectory(t));
    fs.chmodSync(top, 0o777);
    body(t, top);
  });
}

rootTest('the directory that denies access is named, wherever it is on the way', (t, top) => {
  const directory = path.join(top, 'private/dumps/one');
  putCheckpoint(directory);
  fs.symlinkSync('private/dumps', path.join(top, 'link'));
  const commands = (place: string) => [
    ['ls', place],
    ['rewrite', place, '-o', 'out', '--inherit-fd', SPEC],
    ['decode', place, '-o', 'out'],
    ['diff', place, place],
    ['x', place, 'ps'],
    ['batch', 'ls', place, '--base', '.', '--out', 'lists'],
  ];
  const told = (place: string, pattern: RegExp) => {
    for (const words of commands(place)) {
      const { status, stderr } = fdgraft(words, top);
      t.is(status, 2, words.join(' '));
      t.regex(stderr, pattern, words.join(' '));
      t.regex(stderr, /\n +run fdgraft as root\n/, words.join(' '));
      t.notRegex(stderr, /criu dump wrote|\/proc\/self|does not exist/, words.join(' '));
    }
  };
  fs.chmodSync(path.join(top, 'private'), 0o700);
  told('private/dumps/one', /you may not search the directory \/.*\/private \(uid 0, mode 0700\)/);
  told('link/one', /you may not search the directory \/.*\/private \(uid 0, mode 0700\)/);
  fs.chmodSync(path.join(top, 'private'), 0o755);
  fs.chmodSync(directory, 0o700);
  told('private/dumps/one', /you may not read the directory \/.*\/private\/dumps\/one \(uid 0, mode 0700\)/);
  fs.chmodSync(directory, 0o744);
  told('private/dumps/one', /you may not search the directory \/.*\/private\/dumps\/one \(uid 0, mode 0744\)/);
  fs.chmodSync(directory, 0o755);
  fs.chownSync(path.join(top, 'private'), 4321, 0);
  fs.chmodSync(path.join(top, 'private'), 0o700);
  const { stderr } = fdgraft(['ls', 'private/dumps/one'], top);
  t.regex(stderr, /\(uid 4321, mode 0700\)\n +run fdgraft as uid 4321, its owner, or as root\n/);
  fs.chownSync(path.join(top, 'private'), USER, 0);
  fs.chmodSync(path.join(top, 'private'), 0o600);
  t.regex(fdgraft(['ls', 'private/dumps/one'], top).stderr, /\n +it is yours: chmod u\+rx \/.*\/private\n/);
});

rootTest('a subdirectory, an archive and an image that may not be read are named', (t, top) => {
  const directory = path.join(top, 'one');
  putCheckpoint(directory);
  fs.mkdirSync(path.join(directory, 'sub'), { mode: 0o700 });
  const rewrite = ['rewrite', 'one', '-o', 'out', '--inherit-fd', SPEC];
  t.regex(fdgraft(rewrite, top).stderr, /you may not read the directory \/.*\/one\/sub \(uid 0, mode 0700\)/);
  fs.rmdirSync(path.join(directory, 'sub'));
  fs.chmodSync(path.join(directory, 'files.img'), 0o600);
  const image = fdgraft(rewrite, top);
  t.regex(image.stderr, /files\.img: cannot be read: .*EACCES.*\n +run fdgraft as the owner of the file, or as root/);
  fs.writeFileSync(path.join(top, 'archive'), archiveOf(...membersOf(directory)), { mode: 0o600 });
  const archive = fdgraft(['ls', 'archive'], top);
  t.regex(archive.stderr, /you may not read the file \/.*\/archive \(uid 0, mode 0600\)\n +run fdgraft as root/);
  t.deepEqual([image.status, archive.status], [2, 2]);
});

rootTest('links to what this user may not see are left out, and not said to be links to nothing', (t, top) => {
  const directory = path.join(top, 'one');
  putCheckpoint(directory);
  fs.mkdirSync(path.join(top, 'theirs/previous'), { recursive: true });
  fs.chmodSync(path.join(top, 'theirs'), 0o700);
  fs.writeFileSync(path.join(top, 'theirs/log'), '');
  fs.symlinkSync(path.join(top, 'theirs/log'), path.join(directory, 'restore.log'));
  fs.symlinkSync(path.join(top, 'theirs/previous'), path.join(directory, 'parent'));
  const { status, stderr } = fdgraft(['rewrite', 'one', '-o', 'out', '--inherit-fd', SPEC], top);
  t.is(status, 0);
  t.regex(
    stderr,
    /^note: restore\.log is a link to no regular file or directory that this user can see, and no image;/m,
  );
  t.regex(stderr, /^note: parent leads to no directory that this user can see: a restore needs the previous dump/m);
  t.false(fs.readdirSync(path.join(top, 'out')).includes('restore.log'));
});

rootTest('a place that may not be written into is named', (t, top) => {
  putCheckpoint(path.join(top, 'one'));
  fs.mkdirSync(path.join(top, 'theirs'), { mode: 0o755 });
  const { status, stderr } = fdgraft(['rewrite', 'one', '-o', 'theirs/out', '--inherit-fd', SPEC], top);
  t.is(status, 2);
  t.regex(stderr, /theirs\/out: cannot be written: .*EACCES.*\n +give a path in a directory that you may write into/);
});

rootTest('directories of an archive can be used by who unpacks them', (t, top) => {
  const images = path.join(top, 'images');
  putCheckpoint(images);
  const directory = (name: string, mode: number) => ({ name, type: '5', mode });
  const members = [
    directory('./', 0o600),
    directory('checkpoint/', 0o600),
    ...membersOf(images, 'checkpoint/'),
    directory('volumes/', 0o040),
    { name: 'volumes/deep/file', content: 'x' },
    directory('volumes/deep', 0),
  ];
  fs.writeFileSync(path.join(top, 'archive'), archiveOf(...members), { mode: 0o644 });
  const words = ['rewrite', 'archive', '--to', 'dir', '-o', 'out', '--inherit-fd', SPEC];
  const { status, stderr } = fdgraft(words, top);
  t.is(status, 0, stderr);
  const mode = (name: string) => (fs.statSync(path.join(top, 'out', name)).mode & 0o7777).toString(8);
  const modes = () => ['.', 'checkpoint', 'volumes', 'volumes/deep'].map(mode);
  t.deepEqual(modes(), ['700', '700', '740', '700']);
  t.is(fdgraft(['ls', 'out'], top).status, 0);
  t.is(fdgraft(['decode', 'archive', '--to', 'dir', '-o', 'json'], top).status, 0);
  t.is((fs.statSync(path.join(top, 'json/checkpoint')).mode & 0o777).toString(8), '700');
  // Root keeps what the archive says.
  fs.rmSync(path.join(top, 'out'), { recursive: true });
  t.is(spawnSync(process.execPath, [bin, ...words], { cwd: top }).status, 0);
  t.deepEqual(modes(), ['600', '600', '40', '0']);
});

rootTest('a system without /proc is told as what it is', (t, top) => {
  putCheckpoint(path.join(top, 'ck'));
  const script = 'umount -l /proc && exec "$@"';
  const words = ['-m', 'sh', '-c', script, 'sh', process.execPath, bin, 'ls', 'ck'];
  const { status, stderr } = spawnSync('unshare', words, { cwd: top, encoding: 'utf8' });
  t.is(status, 2);
  t.regex(
    stderr,
    /^fdgraft: ck: cannot be read: \/proc is not mounted, and fdgraft needs it; mount -t proc proc \/proc\n/,
  );
});
