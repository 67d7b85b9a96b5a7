import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { archiveTest } from '../support/archives';
import { putCheckpoint } from '../support/batch';
import { command } from '../support/command';
import { smallCheckpoint, snapshot, temporaryDirectory } from '../support/directories';
import { build } from '../support/native';

/** File systems that are full, read-only, or hold what nobody may change: nothing is lost, and nothing half-written stays. */

const isRoot = process.geteuid?.() === 0;
const canMount = isRoot && process.platform === 'linux';

/** For root alone: others may not mount. */
function rootTest(title: string, body: (t: ExecutionContext) => void): void {
  if (canMount) archiveTest(title, ['mkfs.ext4'], body);
  else test.skip(title, body);
}
const KIB = 1 << 10;
const SPEC = "--inherit-fd 'fd[5]:pipe:[4711]'";

test.before(() => void build());

function checkpointAt(directory: string, pagesKib: number): void {
  putCheckpoint(directory, { ...smallCheckpoint(), 'pages-1.img': Buffer.alloc(pagesKib * KIB, 7) });
}

interface Ended {
  readonly status: number;
  readonly said: string;
  /** What is in the directory `m` afterwards. */
  readonly left: readonly string[];
}

/** Runs lines of the shell in `directory`, one by one, with `m` mounted by `mount`; says how each ended. */
function runOn(t: ExecutionContext, directory: string, mount: string, lines: readonly string[]): Ended[] {
  const quoted = command.map((word) => `'${word}'`).join(' ');
  const runs = lines.map(
    (line, i) => `{ ${line}; } > said-${i} 2>&1; echo $? > status-${i}; find m -mindepth 1 > left-${i}`,
  );
  const script = `fdgraft() { ${quoted} "$@"; }\nmkdir -p m && ${mount} || exit 99\n${runs.join('\n')}`;
  const { status, stderr } = spawnSync('unshare', ['-m', 'sh', '-c', script], { cwd: directory, encoding: 'utf8' });
  t.is(status, 0, stderr);
  const read = (name: string) => fs.readFileSync(path.join(directory, name), 'utf8');
  return lines.map((_line, i) => ({
    status: Number(read(`status-${i}`)),
    said: read(`said-${i}`),
    left: read(`left-${i}`)
      .split('\n')
      .filter((name) => name !== '' && !name.endsWith('/lost+found')),
  }));
}

const FULL: readonly (readonly [title: string, mount: string, prepare: (directory: string) => void])[] = [
  ['tmpfs', 'mount -t tmpfs -o size=256k none m', () => {}],
  [
    'ext4',
    'mount -o loop ext4.image m',
    (directory) => {
      fs.writeFileSync(path.join(directory, 'ext4.image'), Buffer.alloc(2048 * KIB));
      execFileSync('mkfs.ext4', ['-q', '-F', path.join(directory, 'ext4.image')], {
        env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` },
      });
    },
  ],
];

for (const [title, mount, prepare] of FULL) {
  rootTest(`${title} without room for the result: it is refused, and nothing stays`, (t) => {
    const directory = temporaryDirectory(t);
    prepare(directory);
    checkpointAt(path.join(directory, 'ck'), 4096);
    const before = snapshot(path.join(directory, 'ck'));
    const ended = runOn(t, directory, mount, [
      `fdgraft rewrite ck -o m/out --link copy ${SPEC}`,
      `fdgraft rewrite ck -o m/out.tar --to tar ${SPEC}`,
      'fdgraft decode ck -o m/json',
    ]);
    for (const { status, said, left } of ended) {
      t.is(status, 2, said);
      t.regex(said, /^fdgraft: m\/\S+: cannot be written.*: the disk is full \(ENOSPC\)\n/m);
      t.deepEqual(left, []);
    }
    t.deepEqual(snapshot(path.join(directory, 'ck')), before);
  });

  rootTest(`${title} that is full: a rewrite in place leaves the images as they were`, (t) => {
    const directory = temporaryDirectory(t);
    prepare(directory);
    checkpointAt(path.join(directory, 'ck'), 16);
    const [copied, filled, refused, same] = runOn(t, directory, mount, [
      'cp -r ck m/ck',
      'head -c 8M /dev/zero > m/fill',
      `fdgraft rewrite m/ck --in-place ${SPEC}`,
      'diff -r ck m/ck',
    ]);
    t.is(copied?.status, 0, copied?.said);
    t.not(filled?.status, 0, 'it is not full');
    t.is(refused?.status, 2, refused?.said);
    t.regex(refused?.said ?? '', /the disk is full \(ENOSPC\)/);
    t.deepEqual([same?.status, same?.said], [0, '']);
    t.deepEqual([...(refused?.left ?? [])].sort(), [...(copied?.left ?? []), 'm/fill'].sort());
  });
}

rootTest('a read-only file system is read, and not written to', (t) => {
  const directory = temporaryDirectory(t);
  checkpointAt(path.join(directory, 'real/ck'), 16);
  const before = snapshot(path.join(directory, 'real'));
  const mount = 'mount --bind real m && mount -o remount,bind,ro m';
  const [listed, out, inPlace, elsewhere] = runOn(t, directory, mount, [
    'fdgraft ls m/ck',
    `fdgraft rewrite m/ck -o m/out ${SPEC}`,
    `fdgraft rewrite m/ck --in-place ${SPEC}`,
    `fdgraft rewrite m/ck -o out ${SPEC}`,
  ]);
  t.deepEqual([listed?.status, elsewhere?.status], [0, 0], `${listed?.said}${elsewhere?.said}`);
  for (const ended of [out, inPlace]) {
    t.is(ended?.status, 2, ended?.said);
    t.regex(ended?.said ?? '', /^fdgraft: m\/\w+: .*(EROFS|read-only|may not be written)/);
  }
  t.deepEqual(snapshot(path.join(directory, 'real')), before);
});

rootTest('immutable directories and images are read, and left alone', (t) => {
  const directory = temporaryDirectory(t);
  checkpointAt(path.join(directory, 'real/ck'), 16);
  const freeze = (sign: string) => execFileSync('chattr', ['-R', `${sign}i`, path.join(directory, 'real')]);
  const before = snapshot(path.join(directory, 'real'));
  freeze('+');
  try {
    const [listed, out, inPlace, elsewhere] = runOn(t, directory, 'mount --bind real m', [
      'fdgraft ls m/ck',
      `fdgraft rewrite m/ck -o m/out ${SPEC}`,
      `fdgraft rewrite m/ck --in-place ${SPEC}`,
      `fdgraft rewrite m/ck -o out --link hard ${SPEC}`,
    ]);
    t.is(listed?.status, 0, listed?.said);
    for (const ended of [out, inPlace, elsewhere]) {
      t.is(ended?.status, 2, ended?.said);
      t.notRegex(ended?.said ?? '', /unforeseen|^ {4}at /m);
    }
    t.false(fs.existsSync(path.join(directory, 'out')));
    t.deepEqual(snapshot(path.join(directory, 'real')), before);
  } finally {
    freeze('-');
  }
});

/** As containers have it. A link to a file of a lower layer first copies the file up, and it is another file then. */
const LAYERS =
  'mkdir upper && mount -t tmpfs none upper && mkdir upper/u upper/w && ' +
  'mount -t overlay -o lowerdir=lower,upperdir=upper/u,workdir=upper/w none m';

rootTest('a checkpoint in the lower layer of an overlay, with the upper one on another file system', (t) => {
  const directory = temporaryDirectory(t);
  checkpointAt(path.join(directory, 'lower/ck'), 8);
  const before = snapshot(path.join(directory, 'lower/ck'));
  const ended = runOn(t, directory, LAYERS, [
    `fdgraft rewrite m/ck -o m/out ${SPEC}`,
    'fdgraft diff m/ck m/out --plan m/out',
    `fdgraft rewrite m/ck -o m/linked --link symlink ${SPEC}`,
    'fdgraft decode m/ck -o m/json',
    `fdgraft batch rewrite m/ck --out m/root ${SPEC}`,
    `fdgraft batch rewrite m/ck --out m/root ${SPEC}`,
    `fdgraft rewrite m/ck -o m/hard --link hard ${SPEC}`,
    `fdgraft rewrite m/ck --in-place ${SPEC}`,
  ]);
  t.deepEqual(
    ended.map(({ status }) => status),
    [0, 0, 0, 0, 0, 0, 2, 2],
    ended.map(({ said }) => said).join('\n'),
  );
  t.regex((ended[5] as Ended).said, /by an earlier run/);
  t.regex((ended[6] as Ended).said, /the file system cannot make a hard link/);
  t.regex((ended[7] as Ended).said, /cannot be rewritten in place: .* cannot be hard-linked here/);
  t.false(ended.at(-1)?.left.some((name) => name.startsWith('m/hard')));
  t.deepEqual(snapshot(path.join(directory, 'lower/ck')), before);
});

rootTest('a checkpoint in the upper layer of such an overlay is linked', (t) => {
  const directory = temporaryDirectory(t);
  checkpointAt(path.join(directory, 'lower/ck'), 8);
  const ended = runOn(t, directory, LAYERS, [
    'cp -r m/ck m/new',
    `fdgraft rewrite m/new -o m/hard --link hard ${SPEC}`,
    'test m/new/pages-1.img -ef m/hard/pages-1.img',
    `fdgraft rewrite m/new --in-place ${SPEC}`,
    'fdgraft diff m/ck m/new --plan m/new',
  ]);
  t.deepEqual(
    ended.map(({ status }) => status),
    [0, 0, 0, 0, 0],
    ended.map(({ said }) => said).join('\n'),
  );
});
