import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { archiveOf, membersOf } from '../support/archives';
import { command, top } from '../support/command';
import { smallCheckpoint, temporaryDirectory, writeCheckpoint } from '../support/directories';

/** Files made for the user: nobody may read them who may not read what they come from. The umask applies as well. */

const SPEC = ['--inherit-fd', 'fd[5]:pipe:[4711]'];

function fdgraft(t: ExecutionContext, args: readonly string[], { umask = '0', status = 0, input = '/dev/null' } = {}) {
  const words = [...command, ...args];
  const script = `umask ${umask}; exec "$@" < '${input}'`;
  const ran = spawnSync('sh', ['-c', script, 'sh', ...words], { encoding: 'utf8', cwd: top });
  t.is(ran.status, status, ran.stderr);
}

const modeOf = (...file: string[]) => (fs.statSync(path.join(...file)).mode & 0o7777).toString(8);

/** A checkpoint whose files have these modes, and all others 0644. */
function checkpoint(t: ExecutionContext, modes: { [name: string]: number } = {}) {
  const parent = temporaryDirectory(t);
  const directory = writeCheckpoint(parent, smallCheckpoint());
  for (const name of fs.readdirSync(directory)) fs.chmodSync(path.join(directory, name), modes[name] ?? 0o644);
  fs.chmodSync(directory, 0o755);
  return { parent, directory };
}

test('--save-plan: the mode of files.img', (t) => {
  const { parent, directory } = checkpoint(t, { 'files.img': 0o640 });
  const plan = path.join(parent, 'plan.json');
  const save = (name: string, options = {}) =>
    fdgraft(t, ['rewrite', directory, '-o', path.join(parent, name), ...SPEC, '--save-plan', plan], options);
  save('a');
  t.is(modeOf(plan), '640');
  fs.rmSync(plan);
  save('b', { umask: '077' });
  t.is(modeOf(plan), '600');
  // One that is there keeps its mode, but for rights that files.img does not give; a link to it stays one.
  fs.chmodSync(plan, 0o604);
  save('c');
  t.is(modeOf(plan), '600');
  const link = path.join(parent, 'link');
  fs.symlinkSync('plan.json', link);
  fs.chmodSync(plan, 0o666);
  fdgraft(t, ['rewrite', directory, '-o', path.join(parent, 'd'), ...SPEC, '--save-plan', link]);
  t.is(modeOf(plan), '640');
  t.true(fs.lstatSync(link).isSymbolicLink());
  fs.rmSync(plan);
  fdgraft(t, ['rewrite', directory, '-o', path.join(parent, 'e'), ...SPEC, '--save-plan', link]);
  t.is(modeOf(plan), '640');
  t.true(fs.lstatSync(link).isSymbolicLink());
});

test('--save-plan of an archive: what both the archive and its files.img allow', (t) => {
  const { parent, directory } = checkpoint(t);
  const archive = path.join(parent, 'archive');
  fs.writeFileSync(archive, archiveOf(...membersOf(directory)));
  fs.chmodSync(archive, 0o600);
  const plan = path.join(parent, 'plan.json');
  fdgraft(t, ['rewrite', archive, '-o', path.join(parent, 'out'), ...SPEC, '--save-plan', plan]);
  t.is(modeOf(plan), '600');
});

test('decode and encode of one image: its mode', (t) => {
  const { parent, directory } = checkpoint(t);
  const [image, json, back] = [path.join(directory, 'files.img'), path.join(parent, 'json'), path.join(parent, 'back')];
  for (const mode of ['600', '640', '644', '400']) {
    fs.chmodSync(image, Number.parseInt(mode, 8));
    for (const file of [json, back]) fs.rmSync(file, { force: true });
    fdgraft(t, ['decode', image, '-o', json]);
    t.is(modeOf(json), mode);
    fdgraft(t, ['encode', json, '-o', back]);
    t.is(modeOf(back), mode);
  }
  fs.chmodSync(image, 0o640);
  for (const [umask, there, expected] of [
    ['0', undefined, '640'],
    ['027', undefined, '640'],
    ['077', undefined, '600'],
    ['0', 0o666, '640'],
    ['0', 0o604, '600'],
    ['0', 0o755, '751'],
  ] as const) {
    fs.rmSync(json, { force: true });
    if (there !== undefined) fs.writeFileSync(json, '');
    if (there !== undefined) fs.chmodSync(json, there);
    fdgraft(t, ['decode', image, '-o', json], { umask });
    t.is(modeOf(json), expected);
  }
  // From a file that the shell opened.
  fs.rmSync(json);
  fdgraft(t, ['decode', '-', '-o', json], { input: image });
  t.is(modeOf(json), '640');
});

test('decode of a directory: each file the mode of its image', (t) => {
  const { parent, directory } = checkpoint(t, { 'files.img': 0o600, 'fdinfo-1.img': 0o640 });
  const out = path.join(parent, 'out');
  fdgraft(t, ['decode', directory, '-o', out]);
  t.is(modeOf(out, 'files.img.json'), '600');
  t.is(modeOf(out, 'fdinfo-1.img.json'), '640');
  t.is(modeOf(out, 'fdinfo-2.img.json'), '644');
});

test('diff: what all that was compared allows', (t) => {
  const { parent, directory } = checkpoint(t, { 'files.img': 0o640 });
  const other = writeCheckpoint(parent, smallCheckpoint());
  for (const name of fs.readdirSync(other)) fs.chmodSync(path.join(other, name), 0o644);
  const out = path.join(parent, 'diff');
  const compared = (...args: string[]) => {
    fs.rmSync(out, { force: true });
    fdgraft(t, ['diff', ...args, '-o', out]);
    return modeOf(out);
  };
  t.is(compared(directory, other), '640');
  t.is(compared(other, directory), '640');
  fs.chmodSync(path.join(other, 'pages-1.img'), 0o604);
  t.is(compared(directory, other), '600');
  const images = [path.join(directory, 'files.img'), path.join(other, 'files.img')] as const;
  t.is(compared(...images), '640');
  t.is(compared(images[1], images[1]), '644');
  const archive = path.join(parent, 'archive');
  fs.writeFileSync(archive, archiveOf(...membersOf(other)));
  fs.chmodSync(archive, 0o640);
  fs.chmodSync(path.join(other, 'pages-1.img'), 0o644);
  t.is(compared(archive, other), '640');
});

test('batch: lists, differences and records', (t) => {
  const { parent, directory } = checkpoint(t, { 'files.img': 0o640 });
  const [jobs, root] = [path.join(parent, 'jobs'), path.join(parent, 'root')];
  fs.mkdirSync(jobs);
  fs.cpSync(directory, path.join(jobs, 'one'), { recursive: true });
  fs.chmodSync(path.join(jobs, 'one', 'files.img'), 0o640);
  const batch = (...args: string[]) => fdgraft(t, ['batch', ...args, '--base', jobs, '--out', root, '--jobs', '1']);
  batch('ls', path.join(jobs, 'one'));
  t.is(modeOf(root, 'one.ls.txt'), '640');
  batch('diff', path.join(jobs, 'one'), '--against', jobs);
  t.is(modeOf(root, 'one.diff.txt'), '640');
  const records = fs
    .readdirSync(path.join(root, '.fdgraft-batch'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .map((name) => path.join(root, '.fdgraft-batch', name));
  t.is(records.length, 2);
  for (const record of records) t.is(modeOf(record), '640');
  // Made again of images that fewer may read, also where the record is there and wider.
  for (const record of records) fs.chmodSync(record, 0o666);
  fs.appendFileSync(path.join(jobs, 'one', 'pages-1.img'), 'more');
  fs.chmodSync(path.join(jobs, 'one', 'files.img'), 0o400);
  batch('ls', path.join(jobs, 'one'));
  t.is(modeOf(root, 'one.ls.txt'), '400');
  batch('diff', path.join(jobs, 'one'), '--against', jobs);
  for (const record of records) t.is(modeOf(record), '600');
});

test('an archive of a directory: what the directory and all of its files allow', (t) => {
  const { parent, directory } = checkpoint(t);
  const made = (name: string) => {
    const out = path.join(parent, name);
    fdgraft(t, ['rewrite', directory, '--to', 'tar', '-o', out, ...SPEC], { umask: '022' });
    return modeOf(out);
  };
  t.is(made('a'), '644');
  fs.chmodSync(path.join(directory, 'pages-1.img'), 0o640);
  t.is(made('b'), '640');
  fs.writeFileSync(path.join(directory, 'dump.log'), '');
  fs.chmodSync(path.join(directory, 'dump.log'), 0o400);
  t.is(made('c'), '600');
});

test('a directory of an archive: who may not read the archive gets nothing of it', (t) => {
  const { parent, directory } = checkpoint(t);
  const archive = path.join(parent, 'archive');
  for (const [mode, withTop, expected] of [
    [0o600, true, '700'],
    [0o640, true, '750'],
    [0o644, true, '755'],
    [0o640, false, '750'],
  ] as const) {
    const members = withTop ? [{ name: './', type: '5', mode: 0o755 }, ...membersOf(directory)] : membersOf(directory);
    fs.writeFileSync(archive, archiveOf(...members));
    fs.chmodSync(archive, mode);
    const out = path.join(parent, `${mode}-${withTop}`);
    fdgraft(t, ['rewrite', archive, '--to', 'dir', '-o', out, ...SPEC]);
    t.is(modeOf(out), expected);
  }
});

const asRoot = process.getuid?.() === 0 ? test : test.skip;

asRoot('rights of a group do not pass to another group', (t) => {
  const { parent, directory } = checkpoint(t);
  const [image, json] = [path.join(directory, 'files.img'), path.join(parent, 'json')];
  fs.chownSync(image, 1234, 4321);
  fs.chmodSync(image, 0o640);
  fdgraft(t, ['decode', image, '-o', json]);
  t.like(fs.statSync(json), { uid: 0, gid: process.getegid?.() });
  t.is(modeOf(json), '600');
  fs.rmSync(json);
  // Others have them too.
  fs.chmodSync(image, 0o644);
  fdgraft(t, ['decode', image, '-o', json]);
  t.is(modeOf(json), '644');
  // A directory that gives its group to what is made in it.
  fs.rmSync(json);
  fs.chmodSync(image, 0o660);
  const shared = path.join(parent, 'shared');
  fs.mkdirSync(shared);
  fs.chownSync(shared, 0, 4321);
  fs.chmodSync(shared, 0o2775);
  fdgraft(t, ['decode', image, '-o', path.join(shared, 'json')]);
  t.is(modeOf(shared, 'json'), '660');
  t.is(fs.statSync(path.join(shared, 'json')).gid, 4321);
});
