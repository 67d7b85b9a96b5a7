import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { putCheckpoint, SPEC } from '../support/batch';
import { bin, top } from '../support/command';
import { temporaryDirectory } from '../support/directories';
import { smallWith } from '../support/rewriting';

/** A directory with checkpoints a and b, which differ, and a text that is no image. */
function arrange(t: ExecutionContext): string {
  const directory = temporaryDirectory(t);
  for (const name of ['a', 'b']) putCheckpoint(path.join(directory, name));
  fs.truncateSync(path.join(directory, 'b/pages-1.img'), 3);
  fs.writeFileSync(path.join(directory, 'text'), 'neither an image nor JSON');
  return directory;
}

/** Runs the command as a shell does, with redirections. */
function shell(cwd: string, words: readonly string[], redirections: string, before = '') {
  const quoted = [process.execPath, bin, ...words].map((word) => `'${word}'`).join(' ');
  const { status, stdout, stderr } = spawnSync('sh', ['-c', `${before} ${quoted} ${redirections}`], {
    cwd,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

const rewrite = ['rewrite', 'a', '--inherit-fd', SPEC];

/** Words, the exit code, and whether there is an answer on stdout. */
const RUNS: readonly (readonly [words: readonly string[], status: number, answers: boolean])[] = [
  [['--help'], 0, true],
  [['--version'], 0, true],
  [['ls', 'a'], 0, true],
  [['ls', 'a', '--json'], 0, true],
  [['ls', 'a', '--inherit-fd', 'fd[5]:/none'], 1, false],
  [['ls', 'nowhere'], 2, false],
  [[...rewrite, '-o', 'out'], 0, true],
  [[...rewrite, '--dry-run'], 0, true],
  [[...rewrite, '-o', 'out', '--quiet'], 0, false],
  [[...rewrite, '-o', 'out', '--json'], 0, true],
  [['diff', 'a', 'b'], 1, true],
  [['diff', 'a', 'b', '-o', 'differences'], 1, false],
  [['decode', 'a/files.img'], 0, true],
  [['decode', 'a', '-o', 'out'], 0, false],
  [['show', 'a/files.img'], 0, true],
  [['info', 'a/files.img'], 0, true],
  [['encode', 'text'], 2, false],
  [['x', 'a', 'ps'], 0, true],
  [['batch', 'ls', '*', '-o', 'out'], 0, false],
  [['batch', 'ls', '*', '-o', 'out', '--json'], 0, true],
  [['batch', 'rewrite', '*', '-o', 'out', '--inherit-fd', SPEC, '--dry-run'], 0, true],
  [['batch', 'ls', 'a', 'text', '-o', 'out'], 2, false],
];

for (const [words, status, answers] of RUNS) {
  test(`no note decides the exit code: ${words.join(' ')}`, (t) => {
    const states = [
      ['2>/dev/full', status],
      ['>/dev/full', answers ? 2 : status],
      ['0<&- >&- 2>&-', status],
    ] as const;
    for (const [redirections, wanted] of states) {
      const ran = shell(arrange(t), words, redirections);
      t.is(ran.status, wanted, `${redirections}: ${ran.stderr}`);
      if (answers && redirections === '>/dev/full') t.regex(ran.stderr, /stdout: .*ENOSPC/, redirections);
    }
  });
}

test('who cannot be told of a rewrite hears that it is done', (t) => {
  const directory = arrange(t);
  const { status, stderr } = shell(directory, [...rewrite, '-o', 'out'], '>/dev/full');
  t.is(status, 2);
  t.regex(stderr, /\nfdgraft: stdout: cannot be written: .*\n {2}the rewrite itself is done, and out is complete/);
  t.true(fs.existsSync(path.join(directory, 'out/inherit-plan.img')));
});

test('a batch goes on to its end, whatever becomes of what it tells', (t) => {
  for (const [redirections, status] of [
    ['2>/dev/full', 0],
    ['>/dev/full', 2],
    ['>/dev/full 2>&-', 2],
  ] as const) {
    const directory = arrange(t);
    for (let i = 0; i < 28; i += 1) putCheckpoint(path.join(directory, `more-${i}`));
    const ran = shell(directory, ['batch', 'ls', '*', '-o', 'out', '--json'], redirections);
    t.is(ran.status, status, redirections);
    const lists = fs.readdirSync(path.join(directory, 'out')).filter((name) => name.endsWith('.json'));
    t.is(lists.length, 30, redirections);
  }
});

test('an answer of which only a part went into a file is not complete', (t) => {
  const directory = arrange(t);
  // In blocks of 512 bytes: the file takes the first of them, and nothing of the rest.
  const { status, stderr } = shell(directory, ['ls', '--help'], '> answer', 'ulimit -f 1;');
  t.is(fs.statSync(path.join(directory, 'answer')).size, 512);
  t.is(status, 2);
  t.regex(stderr, /stdout: /);
});

test('no note gets into a file that is opened where a closed stream was', (t) => {
  const directory = arrange(t);
  shell(directory, ['decode', 'a', '-o', 'wanted'], '');
  const { status } = shell(directory, ['decode', 'a', '-o', 'out'], '0<&- >&- 2>&-');
  t.is(status, 0);
  for (const name of fs.readdirSync(path.join(directory, 'wanted'))) {
    const [made, wanted] = ['out', 'wanted'].map((top) => fs.readFileSync(path.join(directory, top, name), 'latin1'));
    t.is(made, wanted, name);
  }
});

// script(1) of util-linux gives a command a terminal.
const hasTerminals = spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') === true;

(hasTerminals ? test : test.skip)('a batch goes on when the terminal of its progress is gone', (t) => {
  const directory = arrange(t);
  const words = `"${process.execPath}" "${bin}" batch ls "*" -o out`;
  // In a session of its own, which no hang-up ends, it waits until the terminal takes nothing more.
  const later = `setsid sh -c 'touch started; while echo >&2; do sleep 0.1; done; ${words}; echo $? > status.new; mv status.new status' &`;
  const started = 'while [ ! -e started ]; do sleep 0.1; done';
  const env = { ...process.env, TERM: 'xterm', SHELL: '/bin/sh' };
  spawnSync('script', ['-qec', `${later} ${started}`, '/dev/null'], { cwd: directory, env });
  const status = path.join(directory, 'status');
  for (let waited = 0; waited < 600 && !fs.existsSync(status); waited += 1) spawnSync('sleep', ['0.1']);
  t.is(fs.readFileSync(status, 'utf8'), '0\n');
  t.is(fs.readdirSync(path.join(directory, 'out')).filter((name) => name.endsWith('.txt')).length, 2);
});

test('an archive from a pipe is refused with the way out', (t) => {
  const directory = temporaryDirectory(t);
  putCheckpoint(path.join(directory, 'ck'));
  const packed = spawnSync('tar', ['-c', '-C', directory, 'ck']).stdout;
  for (const args of [
    ['ls', '-'],
    ['ls', '/dev/stdin'],
    ['rewrite', '-', '-o', 'out', '--allow-unmatched'],
  ]) {
    const { status, stderr } = spawnSync('sh', ['-c', 'cat | "$@"', 'sh', process.execPath, bin, ...args], {
      cwd: directory,
      encoding: 'utf8',
      input: packed,
    });
    t.is(status, 2, stderr);
    t.regex(stderr, /^fdgraft: \/dev\/stdin: is a pipe, and an archive is read more than once\n/);
    t.regex(stderr, /\n {2}write it to a file first: cat >ckpt\.tar\n$/);
  }
  t.deepEqual(fs.readdirSync(directory), ['ck']);
});

test('OUT of a directory is an archive if it is named so', (t) => {
  const directory = temporaryDirectory(t);
  putCheckpoint(path.join(directory, 'ck'));
  const made = (...args: string[]) => {
    const { status, stderr } = spawnSync(process.execPath, [bin, ...args, '--quiet'], {
      cwd: directory,
      encoding: 'utf8',
    });
    t.is(status, 0, stderr);
    const out = path.join(directory, args[args.indexOf('-o') + 1] as string);
    return fs.statSync(out).isDirectory() ? 'dir' : fs.readFileSync(out).subarray(0, 2).toString('hex');
  };
  const rewrite = (...words: string[]) => made('rewrite', 'ck', '--inherit-fd', SPEC, ...words);
  t.is(rewrite('-o', 'out.tar.gz'), '1f8b');
  t.is(rewrite('-o', 'out.tgz'), '1f8b');
  t.is(rewrite('-o', 'out.tar.zst'), '28b5');
  t.is(rewrite('-o', 'tar'), 'dir');
  t.is(rewrite('-o', 'dir.tar', '--to', 'dir'), 'dir');
  t.is(made('decode', 'ck', '-o', 'json.tar.gz'), '1f8b');
  t.is(made('encode', 'json.tar.gz', '-o', 'again.tar'), '1f8b', 'an archive keeps its compression');
  // A name of a directory among the inputs of a batch is no wish.
  fs.renameSync(path.join(directory, 'ck'), path.join(directory, 'ck.tar'));
  const words = ['batch', 'decode', 'ck.tar', '-o', 'outs', '--quiet'];
  t.is(spawnSync(process.execPath, [bin, ...words], { cwd: directory }).status, 0);
  t.true(fs.statSync(path.join(directory, 'outs/ck.tar')).isDirectory());
});

test('a path with several open files is told, with a key that takes one', (t) => {
  const ls = (name: string) => {
    const { status, stderr } = spawnSync(process.execPath, [bin, 'ls', path.join(top, 'fixtures/images', name)]);
    t.is(status, 0);
    return String(stderr);
  };
  t.is(
    ls('two_logs'),
    '/srv/fdgraft/log is open more than once here: its key takes all open files of it; /proc/14716/fd/6 takes one\n',
  );
  t.is(ls('two_paths'), '');
});

test('an empty list says why, on stderr', (t) => {
  const directory = temporaryDirectory(t);
  putCheckpoint(path.join(directory, 'ck'), smallWith({}));
  const ls = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [bin, 'ls', ...args], {
      cwd: directory,
      encoding: 'utf8',
    });
    t.is(status, 0, stderr);
    return { stdout, stderr };
  };
  t.deepEqual(ls('ck', '--path', '/nope'), { stdout: '', stderr: 'note: no open file has such a path\n' });
  t.deepEqual(ls('ck', '--path', '/nope', '--quiet'), { stdout: '', stderr: '' });
  const logs = ls(path.join(top, 'fixtures/images/two_logs'), '--external');
  t.is(logs.stdout, '');
  t.regex(logs.stderr, /^note: nothing here needs an fd of the caller/);
});

// Opening a FIFO waits for its other end.
for (const args of [
  ['diff', 'ck', 'ck', '--plan', 'fifo'],
  ['rewrite', 'ck', '-o', 'out', '--specs', 'fifo'],
  ['batch', 'rewrite', 'ck', '-o', 'out', '--specs', 'fifo'],
  ['decode', '-i', 'fifo'],
  ['encode', '-i', 'fifo'],
  ['show', 'fifo'],
]) {
  test(`a signal ends ${args.join(' ')} while nobody writes`, (t) => {
    const directory = temporaryDirectory(t);
    putCheckpoint(path.join(directory, 'ck'));
    spawnSync('mkfifo', [path.join(directory, 'fifo')]);
    const command = ['--kill-after=60', '2', process.execPath, bin, ...args];
    const { status, stderr } = spawnSync('timeout', command, { cwd: directory, encoding: 'utf8' });
    // Of timeout(1): ended by SIGTERM; 137 would be by SIGKILL.
    t.is(status, 124, stderr);
    t.false(fs.existsSync(path.join(directory, 'out')));
  });
}

test('--specs - reads the specs from stdin', (t) => {
  const directory = temporaryDirectory(t);
  const source = path.join(top, 'fixtures/images/two_logs');
  const given = JSON.stringify({ version: 1, specs: [{ inherit: 'fd[5]:/srv/fdgraft/log' }] });
  const run = (input: string, ...args: string[]) =>
    spawnSync(process.execPath, [bin, ...args, '--specs', '-'], { cwd: directory, encoding: 'utf8', input });
  for (const words of [
    ['rewrite', source, '-o', 'out'],
    ['batch', 'rewrite', source, '-o', 'outputs', '--base', path.dirname(source)],
  ]) {
    const { status, stderr } = run(given, ...words);
    t.is(status, 0, stderr);
  }
  const plans = ['out', 'outputs/two_logs'].map((out) =>
    fs.readFileSync(path.join(directory, out, 'inherit-plan.img')),
  );
  t.deepEqual(plans[0], plans[1]);
  t.regex(run('', 'rewrite', source, '--dry-run').stderr, /^fdgraft: stdin: is not JSON/);
});
