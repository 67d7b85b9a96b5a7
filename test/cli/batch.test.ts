import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { outputsIn, putCheckpoint, runBin, SPEC, sendSignal } from '../support/batch';
import { bin, copyPackage } from '../support/command';
import { snapshot, temporaryDirectory } from '../support/directories';

function arrange(t: ExecutionContext, names: readonly string[] = ['a', 'b']): string {
  const directory = fs.realpathSync(temporaryDirectory(t));
  for (const name of names) putCheckpoint(path.join(directory, 'ck', name));
  return directory;
}

const run = (cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  runBin(bin, ['batch', ...args], { cwd, env });

const rewriteTo = (out: string, ...more: string[]) => ['rewrite', 'ck/**', '-o', out, '--inherit-fd', SPEC, ...more];

test('a line a job, a summary with each failure, and the worst of all as the exit code', async (t) => {
  const directory = arrange(t);
  const fine = await run(directory, rewriteTo('out'));
  t.is(fine.status, 0);
  t.is(fine.stdout, '');
  t.regex(fine.stderr, /^ck\/a: done$/m);
  t.regex(fine.stderr, /^2 checkpoints: 2 done; [\d.]+ s, [\d.]+\/s$/m);
  // What is to be said of each is said once.
  t.is(fine.stderr.match(/pages-1\.img is linked to the source/g)?.length, 2);
  t.regex(fine.stderr, /^1 more: note: pages-1\.img is linked/m);

  const again = await run(directory, rewriteTo('out', '--resume'));
  t.is(again.status, 0);
  t.regex(again.stderr, /^ck\/b: done by an earlier run$/m);
  t.regex(again.stderr, /^2 checkpoints: 2 done \(2 by an earlier run\)/m);

  const no = await run(directory, ['rewrite', 'ck/*', '-o', 'no', '--inherit-fd', 'fd[5]:/none']);
  t.is(no.status, 1);
  t.regex(no.stderr, /^ck\/a: no: spec 'fd\[5\]:\/none' matches nothing$/m);
  t.regex(
    no.stderr,
    /^2 checkpoints: 0 done, 2 with the answer no; .*\n {2}ck\/a and 1 more: spec .*\n {6}fdgraft ls .*ck\/a shows .*--allow-unmatched/m,
  );

  fs.truncateSync(path.join(directory, 'ck/b/files.img'), 11);
  fs.writeFileSync(path.join(directory, 'ck/damaged.tar.gz'), Buffer.from([0x1f, 0x8b, 0, 0]));
  const failed = await run(directory, ['rewrite', 'ck/*', '-o', 'no', '--inherit-fd', 'fd[5]:/none']);
  t.is(failed.status, 2);
  t.regex(failed.stderr, /^3 checkpoints: 0 done, 1 with the answer no, 2 failed; /m);
  // A path is in each line once.
  t.regex(failed.stderr, /\n {2}ck\/b: files\.img, .*\n.*\n {2}ck\/damaged\.tar\.gz: offset 0: cannot be unpacked/);
  t.regex(failed.stderr, /^ck\/damaged\.tar\.gz: failed: offset 0: cannot be unpacked/m);
  t.notRegex(failed.stderr, /\n {4}at /);

  const quiet = await run(directory, rewriteTo('out', '--quiet', '!ck/{b,damaged.tar.gz}'));
  t.deepEqual([quiet.status, quiet.stdout, quiet.stderr], [0, '', '']);
});

test('a file that cannot be read is a failure of its own where a pattern finds it, and the rest goes on', async (t) => {
  if (process.geteuid?.() === 0 && spawnSync('setpriv', ['--version']).status !== 0) {
    return t.pass('root reads all, and setpriv is not here');
  }
  const directory = arrange(t);
  fs.writeFileSync(path.join(directory, 'ck/dump.log'), 'said', { mode: 0o000 });
  fs.writeFileSync(Buffer.from(path.join(directory, 'ck/log\xff'), 'latin1'), 'said', { mode: 0o000 });
  fs.chmodSync(directory, 0o777);
  const installed = copyPackage(path.join(directory, 'installed'));
  const words = [process.execPath, installed, 'batch', 'ls', 'ck/**', '-o', 'lists'];
  const [program, ...args] =
    process.geteuid?.() === 0 ? ['setpriv', '--reuid=1000', '--regid=1000', '--clear-groups', ...words] : words;
  const { status, stderr } = spawnSync(program as string, args, { cwd: directory, encoding: 'utf8' });
  t.is(status, 2, stderr);
  t.regex(stderr, /^ck\/dump\.log: failed: .*cannot be read, so nobody knows.*EACCES/m);
  t.regex(stderr, /log\\xff: has a name that is not UTF-8/);
  t.regex(stderr, /^4 checkpoints: 2 done, 2 failed/m);
});

test('--json is a line a job and one for all', async (t) => {
  const directory = arrange(t);
  fs.truncateSync(path.join(directory, 'ck/b/files.img'), 11);
  const { stdout, status } = await run(directory, rewriteTo('out', '--json', '--quiet'));
  t.is(status, 2);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  for (const line of lines) t.like(line, { format: 'fdgraft.batch', version: 1 });
  const [a, b, last] = lines;
  t.like(a, { job: 'ck/a', source: path.join(directory, 'ck/a'), out: 'out/ck/a', status: 'done', earlier: false });
  t.deepEqual(a.notices, [{ code: 'PAGES_LINKED', member: 'pages-1.img' }]);
  t.like(b, { job: 'ck/b', status: 'failed', error: { code: 'IMAGE_TRUNCATED', exit_code: 2, file: 'files.img' } });
  t.like(last.summary, { shard: { index: 0, count: 1 }, total: 2, done: 1, earlier: 0, no: 0, failed: 1, left: 0 });
});

test('a ROOT that is a file or leads nowhere, and names that are too long, are told as what they are', async (t) => {
  const directory = arrange(t);
  fs.writeFileSync(path.join(directory, 'file'), '');
  fs.symlinkSync('gone', path.join(directory, 'dangling'));
  const file = await run(directory, rewriteTo('file'));
  t.is(file.status, 2);
  t.regex(file.stderr, /^fdgraft: file: is no directory/m);
  const dangling = await run(directory, rewriteTo('dangling'));
  t.is(dangling.status, 2);
  t.regex(dangling.stderr, /^fdgraft: dangling: is a symbolic link to something that does not exist/m);
  fs.renameSync(path.join(directory, 'ck/b'), path.join(directory, 'ck', 'b'.repeat(253)));
  const long = await run(directory, ['ls', 'ck/*', '-o', 'lists']);
  t.is(long.status, 2);
  t.regex(long.stderr, /b\.ls\.txt: cannot be written: name too long.*\n.*rename the input/);
  fs.writeFileSync(path.join(directory, 'ck/x.tar.xz'), Buffer.from('fd377a585a0000', 'hex'));
  const foreign = await run(directory, ['ls', 'ck/x.tar.xz', 'file', '-o', 'lists']);
  t.regex(foreign.stderr, /^ck\/x\.tar\.xz: failed: .*is compressed by xz/m);
  t.notRegex(foreign.stderr, /\/\*\*/);
});

test('a dry run writes nothing and needs no place', async (t) => {
  const directory = arrange(t);
  const before = snapshot(directory);
  const { stdout, status } = await run(directory, ['rewrite', 'ck/*', '--dry-run', '--inherit-fd', SPEC]);
  t.is(status, 0);
  t.regex(stdout, /^ck\/a:\n {2}fd\[5\] <- PIPE pipe:\[4711\].*\n {6}for 7\/1/m);
  const json = await run(directory, rewriteTo('out', '--dry-run', '--json', '--quiet'));
  const [a] = json.stdout.split('\n').map((line) => (line === '' ? undefined : JSON.parse(line)));
  t.like(a, { job: 'ck/a', out: null, plan: { format: 'fdgraft.plan' } });
  t.deepEqual(snapshot(directory), before);
});

test('what does not go is refused before anything is made, with the way out', async (t) => {
  const directory = arrange(t);
  const specs = ['--inherit-fd', SPEC];
  const cases: [string[], RegExp][] = [
    [['rewrite', 'ck/*', ...specs], /--out ROOT/],
    [['rewrite', 'ck/*', '-o', 'out'], /no spec was given/],
    [rewriteTo('out', '--in-place'), /--in-place does not go with batch[\s\S]*--out ROOT/],
    [rewriteTo('out', '--save-plan', 'x'), /--save-plan does not go with batch/],
    [rewriteTo('out', '--jobs', '0'), /--jobs 0/],
    [rewriteTo('out', '--jobs', 'many'), /--jobs many/],
    [rewriteTo('out', '--no-resume'), /give another --out/],
    [rewriteTo('out', '--shard', '2/2'), /there are 0 to 1/],
    [rewriteTo('out', '--shard', 'auto'), /SLURM_ARRAY_TASK_ID/],
    [rewriteTo('out', '--base', 'ck/a'), /--base/],
    [rewriteTo('ck/a/out'), /lies inside the checkpoint/],
    [['rewrite', 'nothing/*', '-o', 'out', ...specs], /pattern 'nothing\/\*' matches no checkpoint/],
    [rewriteTo('ck'), /pattern 'ck\/\*\*' matches nothing outside of ck, which --out names\n {2}give another --out/],
    [['rewrite', '../*', '-o', 'out', ...specs], /outside of the base|matches no checkpoint/],
    [['diff', 'ck/*', '-o', 'out'], /--against ROOT2/],
    [['rewrite', 'ck/*', '-o', 'out', '--inherit-fd', 'fd[5]:pipe[3]'], /^fdgraft: spec 'fd\[5\]:pipe\[3\]'/],
    [['ls', 'ck/*', '-o', 'out', '--inherit-fd', 'debug[5]:x'], /debug\[5\]:x/],
    [['diff', 'ck/*', '-o', 'out', '--against', 'none'], /none: cannot be what --against names: it does not exist/],
    [['diff', 'ck/*', '-o', 'out', '--against', 'ck', '--plan', 'ck/a/files.img'], /--plan names: it is no directory/],
    [rewriteTo('ck/a/files.img'), /ck\/a\/files\.img/],
    [['decode', 'ck/*', '-o', 'out', '--inherit-fd', SPEC], /inherit-fd/],
    [['rewrite', '-o', 'out', ...specs], /PATTERNS is missing/],
    [['upgrade', 'ck/*'], /upgrade/],
    [[], /rewrite, decode, diff or ls/],
  ];
  for (const [args, says] of cases) {
    const { status, stderr, stdout } = await run(directory, args);
    t.is(status, 2, `${args.join(' ')}: ${stderr}`);
    t.is(stdout, '');
    t.regex(stderr, says, args.join(' '));
    t.deepEqual(fs.readdirSync(directory), ['ck'], args.join(' '));
  }
});

test('tasks of an array and indexed pods divide the work, and each says what it did', async (t) => {
  const directory = arrange(t, ['a', 'b', 'c', 'd', 'e']);
  t.is((await run(directory, rewriteTo('whole'))).status, 0);
  const slurm = (id: number) => ({
    SLURM_ARRAY_TASK_ID: String(id),
    SLURM_ARRAY_TASK_MIN: '1',
    SLURM_ARRAY_TASK_MAX: '2',
    SLURM_ARRAY_TASK_COUNT: '2',
  });
  const tasks = [1, 2].map((id) => run(directory, rewriteTo('slurm', '--shard', 'auto'), slurm(id)));
  const pods = ['0', '1', '2'].map((index) =>
    run(directory, rewriteTo('pods', '--shard', 'auto/3'), { JOB_COMPLETION_INDEX: index }),
  );
  const hands = ['0/2', '1/2'].map((shard) => run(directory, rewriteTo('hands', '--shard', shard)));
  for (const ended of await Promise.all([...tasks, ...pods, ...hands])) {
    t.is(ended.status, 0, ended.stderr);
    t.regex(ended.stderr, /checkpoints? in shard \d of \d: /);
  }
  for (const root of ['slurm', 'pods', 'hands']) {
    t.deepEqual(snapshot(path.join(directory, root)), snapshot(path.join(directory, 'whole')), root);
  }
  const all = await run(directory, rewriteTo('slurm'), slurm(1));
  t.regex(all.stderr, /^note: .*--shard auto/m);
  t.regex(all.stderr, /5 done \(5 by an earlier run\)/);
});

test('paths are relative to the current directory, or to / where they are absolute, or to --base', async (t) => {
  const directory = arrange(t, ['a']);
  const absolute = path.join(directory, 'ck/a');
  const specs = ['--inherit-fd', SPEC];
  t.is((await run(path.join(directory, 'ck'), ['rewrite', './a', '-o', '../one', ...specs])).status, 0);
  t.is((await run(directory, ['rewrite', absolute, '-o', 'two', ...specs])).status, 0);
  t.is((await run(directory, ['rewrite', absolute, '--base', 'ck', '-o', 'three', ...specs])).status, 0);
  t.true(fs.existsSync(path.join(directory, 'one/a/inherit-plan.img')));
  t.true(fs.existsSync(path.join(directory, 'two', absolute, 'inherit-plan.img')));
  t.true(fs.existsSync(path.join(directory, 'three/a/inherit-plan.img')));
});

test('--json makes lists and comparisons JSON too', async (t) => {
  const directory = arrange(t);
  await run(directory, rewriteTo('out'));
  t.is((await run(directory, ['ls', 'ck/*', '-o', 'lists', '--json'])).status, 0);
  t.is((await run(directory, ['ls', 'ck/*', '-o', 'lists'])).status, 0);
  t.is((await run(directory, ['diff', 'ck/*', '--against', 'out', '-o', 'diffs', '--json'])).status, 1);
  t.is((await run(directory, ['diff', 'ck/*', '--against', 'out', '--plan', 'out', '-o', 'diffs'])).status, 0);
  const files = (root: string) => outputsIn(path.join(directory, root)).filter((name) => name.startsWith('ck/'));
  t.deepEqual(files('lists'), ['ck/a.ls.json', 'ck/a.ls.txt', 'ck/b.ls.json', 'ck/b.ls.txt']);
  t.deepEqual(files('diffs'), ['ck/a.diff.json', 'ck/a.diff.txt', 'ck/b.diff.json', 'ck/b.diff.txt']);
  const list = fs.readFileSync(path.join(directory, 'lists/ck/a.ls.txt'), 'utf8');
  t.regex(list, /^--inherit-fd 'fd\[N\]:pipe:\[4711\]'/);
  t.is(JSON.parse(fs.readFileSync(path.join(directory, 'diffs/ck/a.diff.json'), 'utf8')).before, 'ck/a');
});

test('a worker that dies is the failure of its job, and the next run does that one', async (t) => {
  t.timeout(120_000);
  const count = 150;
  const directory = arrange(
    t,
    Array.from({ length: count }, (_, i) => String(i)),
  );
  let killed = 0;
  const killWorker = (pid: number) => {
    const timer = setInterval(() => {
      const file = `/proc/${pid}/task/${pid}/children`;
      const children = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split(' ').filter(Boolean) : [];
      const workers = children.filter((child) => {
        try {
          return fs.readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('worker.js');
        } catch {
          return false;
        }
      });
      // When it has begun to work: one that never came to life is told otherwise.
      const made = path.join(directory, 'out/ck');
      if (workers.length < 2 || !fs.existsSync(made) || fs.readdirSync(made).length < 40) return;
      clearInterval(timer);
      if (sendSignal(Number(workers[0]), 'SIGKILL')) killed += 1;
    }, 5);
    timer.unref();
  };
  const options = { cwd: directory, onStart: killWorker };
  const { stderr, status } = await runBin(bin, ['batch', ...rewriteTo('out', '--jobs', '2')], options);
  // Where it was at no job when it died, nothing failed.
  if (killed === 1 && status !== 0) {
    t.is(status, 2, stderr);
    t.regex(stderr, /^150 checkpoints: 149 done, 1 failed; /m);
    t.regex(stderr, /the process that did this ended \(SIGKILL\)\n.*fewer --jobs/);
  }
  const again = await run(directory, rewriteTo('out'));
  t.is(again.status, 0, again.stderr);
  t.deepEqual(
    outputsIn(path.join(directory, 'out')).filter((name) => name.includes('.fdgraft-')),
    [],
  );
  t.is(fs.readdirSync(path.join(directory, 'out/ck')).length, count);
});

/** False for a native program that a job has started, and for what has ended. */
function isWorker(pid: string): boolean {
  try {
    return pid !== '' && fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('worker');
  } catch {
    return false;
  }
}

test('no more work at the same time than --jobs says, while the first job takes long too', async (t) => {
  const directory = arrange(
    t,
    Array.from({ length: 60 }, (_, i) => String(i)),
  );
  fs.truncateSync(path.join(directory, 'ck/0/pages-1.img'), 300_000_000);
  const first = path.join(directory, 'out/ck/0');
  let most = 0;
  let timer: NodeJS.Timeout | undefined;
  const count = (pid: number) => {
    timer = setInterval(() => {
      const file = `/proc/${pid}/task/${pid}/children`;
      const children = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').split(' ').filter(isWorker) : [];
      // While it is not there, the process itself is at it.
      if (!fs.existsSync(first)) most = Math.max(most, children.length);
    }, 5);
  };
  const words = ['batch', ...rewriteTo('out', '--jobs', '2', '--to', 'tar', '--quiet')];
  const { status, stderr } = await runBin(bin, words, { cwd: directory, onStart: count });
  clearInterval(timer);
  t.is(status, 0, stderr);
  t.true(most <= 1, `${most} workers beside it`);
});

test('on a terminal there is a line that is redrawn, with failures above it', async (t) => {
  if (spawnSync('script', ['--version']).status !== 0) return t.pass('util-linux is not here');
  const directory = arrange(t);
  fs.truncateSync(path.join(directory, 'ck/b/files.img'), 11);
  const line = [process.execPath, bin, 'batch', ...rewriteTo('out')].map((word) => `'${word}'`).join(' ');
  const typescript = (env: object) =>
    spawnSync('script', ['-qec', line, '/dev/null'], {
      cwd: directory,
      encoding: 'utf8',
      env: { ...process.env, TERM: 'xterm', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    }).stdout;
  const shown = typescript({});
  t.true(shown.includes('\r\u001b[K[--------------------]  0/2'), shown);
  t.true(shown.includes('\r\u001b[Kck/b: failed: files.img'), shown);
  t.false(shown.includes('ck/a: done'), shown);
  t.regex(shown, /\r\u001b\[K2 checkpoints: 1 done, 1 failed; /);
  t.notRegex(shown, /\u001b\[\d*m/, 'no colours in it');
  const dumb = typescript({ TERM: 'dumb' });
  t.false(dumb.includes('\u001b'), dumb);
  t.regex(dumb, /ck\/a: done by an earlier run/);
});

test('help has examples and exit codes', async (t) => {
  const directory = arrange(t, ['a']);
  for (const what of ['rewrite', 'decode', 'diff', 'ls']) {
    const { stdout, status } = await run(directory, [what, '--help']);
    t.is(status, 0);
    t.regex(stdout, /Examples:\n {2}# /, what);
    t.regex(stdout, /Exit codes:\n {2}0 {2}every job is done/, what);
    t.regex(stdout, /--shard/, what);
  }
});
