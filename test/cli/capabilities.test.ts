import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { bin, top } from '../support/command';
import { temporaryDirectory } from '../support/directories';
import { OTHER, twoUsersTest } from '../support/other-user';

/** Root with few capabilities: docs/PRIVILEGES.md says which of them keep the owners of OUT. */

const SPEC = 'fd[5]:pipe:[126920]';

/** A checkpoint of another user with a closed directory in it, and some of the modes that matter. */
function othersCheckpoint(t: ExecutionContext, mode: number): { directory: string; source: string } {
  const directory = temporaryDirectory(t);
  const source = path.join(directory, 'ckpt');
  fs.cpSync(path.join(top, 'fixtures/images/pipe_outside'), source, { recursive: true });
  fs.mkdirSync(path.join(source, 'logs'));
  fs.writeFileSync(path.join(source, 'logs/dump.log'), 'log');
  fs.chmodSync(path.join(source, 'files.img'), 0o640);
  fs.chmodSync(path.join(source, 'logs'), 0o755);
  fs.chmodSync(source, mode);
  for (const name of ['.', ...fs.readdirSync(source), 'logs/dump.log'])
    fs.lchownSync(path.join(source, name), OTHER, OTHER);
  // Readable for root by its group.
  fs.chownSync(path.join(source, 'files.img'), OTHER, 0);
  return { directory, source };
}

function runWith(capabilities: readonly string[], words: readonly string[]) {
  const sets = ['-all', ...capabilities.map((name) => `+${name}`)].join(',');
  const argv = [`--bounding-set=${sets}`, `--inh-caps=${sets}`, '--', process.execPath, bin, ...words];
  const { status, stderr } = spawnSync('setpriv', argv, { encoding: 'utf8', cwd: '/' });
  return { status, stderr };
}

/** Owner, group and mode of each file, by name. */
function ownersIn(directory: string): { [name: string]: string } {
  const names = ['.', ...fs.readdirSync(directory, { recursive: true, encoding: 'utf8' })].sort();
  return Object.fromEntries(
    names.map((name) => {
      const { uid, gid, mode } = fs.lstatSync(path.join(directory, name));
      return [name, `${uid}:${gid} ${(mode & 0o7777).toString(8)}`];
    }),
  );
}

for (const mode of [0o755, 0o2755]) {
  for (const capabilities of [['chown'], ['chown', 'fowner'], ['chown', 'fowner', 'dac_override']]) {
    twoUsersTest(`${capabilities.join(', ')} keep the owners of a directory of mode ${mode.toString(8)}`, (t) => {
      const { directory, source } = othersCheckpoint(t, mode);
      const out = path.join(directory, 'out');
      const { status, stderr } = runWith(capabilities, ['rewrite', source, '-o', out, '--inherit-fd', SPEC]);
      t.is(status, 0, stderr);
      t.notRegex(stderr, /belongs to you now|was left by a rewrite/);
      const owners = ownersIn(out);
      delete owners['inherit-plan.img'];
      t.deepEqual(owners, ownersIn(source));
      t.deepEqual(fs.readdirSync(directory).sort(), ['ckpt', 'out']);
    });
  }
}

twoUsersTest('CAP_CHOWN alone: an archive keeps its owner, and what fails leaves nothing', (t) => {
  const { directory, source } = othersCheckpoint(t, 0o755);
  const out = path.join(directory, 'out.tar');
  const { status, stderr } = runWith(['chown'], ['rewrite', source, '-o', out, '--to', 'tar', '--inherit-fd', SPEC]);
  t.is(status, 0, stderr);
  t.is(fs.statSync(out).uid, OTHER);
  const failed = runWith(['chown'], ['rewrite', source, '-o', path.join(directory, 'none/out'), '--inherit-fd', SPEC]);
  t.is(failed.status, 2);
  t.deepEqual(fs.readdirSync(directory).sort(), ['ckpt', 'out.tar']);
});

/** The set-user-id bit takes CAP_FOWNER; the set-group-id bit of a group that is not the caller's CAP_FSETID too. */
const SET_ID: readonly [capabilities: readonly string[], last: number][] = [
  [['chown'], 0o755],
  [['chown', 'fowner'], 0o4755],
  [['chown', 'fowner', 'fsetid'], 0o6755],
];
for (const [capabilities, last] of SET_ID) {
  twoUsersTest(`${capabilities.join(', ')}: the set-id bits of images`, (t) => {
    const { directory, source } = othersCheckpoint(t, 0o755);
    for (const name of ['core-14716.img', 'files.img']) {
      fs.chownSync(path.join(source, name), OTHER, OTHER);
      fs.chmodSync(path.join(source, name), 0o6755);
    }
    const out = path.join(directory, 'out');
    const { status, stderr } = runWith(capabilities, ['rewrite', source, '-o', out, '--inherit-fd', SPEC]);
    t.is(status, 0, stderr);
    t.is(/^note: \S+ \(and 1 more\) has no set-user-id or set-group-id bit now/m.test(stderr), last !== 0o6755, stderr);
    const owners = ownersIn(out);
    t.is(owners['inherit-plan.img'], `${OTHER}:${OTHER} 755`);
    for (const name of ['core-14716.img', 'files.img'])
      t.is(owners[name], `${OTHER}:${OTHER} ${last.toString(8)}`, name);
  });
}

twoUsersTest('CAP_CHOWN alone: a file that is replaced keeps its owner', (t) => {
  const { directory, source } = othersCheckpoint(t, 0o755);
  const file = path.join(directory, 'report');
  fs.writeFileSync(file, 'old', { mode: 0o644 });
  fs.chownSync(file, OTHER, OTHER);
  const { status, stderr } = runWith(['chown'], ['diff', source, source, '-o', file]);
  t.is(status, 0, stderr);
  const { uid, gid, mode } = fs.statSync(file);
  // Who may not read files.img may not read what is told of it.
  t.deepEqual([uid, gid, mode & 0o7777], [OTHER, OTHER, 0o600]);
  t.not(fs.readFileSync(file, 'utf8'), 'old');
});

twoUsersTest('without CAP_CHOWN the files are the caller\u2019s, and a note says so', (t) => {
  const { directory, source } = othersCheckpoint(t, 0o755);
  const out = path.join(directory, 'out');
  const { status, stderr } = runWith([], ['rewrite', source, '-o', out, '--inherit-fd', SPEC]);
  t.is(status, 0, stderr);
  t.regex(stderr, /^note: \S+ \(and \d+ more\) belongs to you now: it takes root with CAP_CHOWN to give files away$/m);
  for (const [name, owner] of Object.entries(ownersIn(out))) t.regex(owner, /^0:0 /, name);
});
