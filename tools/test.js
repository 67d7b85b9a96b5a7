// npm test: the tests of every part, and those of a real CRIU that show the main jobs.
// npm run test:all: all tests, with every repetition of those that repeat, and the main ones with the newest CRIU where
// it can be had. npm run test:newer: these alone; they fail where it cannot.
// Those of a real CRIU run beside the others, one file after the other, since only one dump can run at a time.
// The last line is `N passed, N failed`.

const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');
const { build } = require('./build');
const { ensureFuzzTools, run, runMain, top } = require('./ensure');

const ava = path.join('node_modules', 'ava', 'entrypoints', 'cli.mjs');
const PROGRESS_MS = 15_000;

/** Those of a real CRIU that show the main jobs. */
const CORE = ['credentials', 'criu-restore', 'in-flight', 'memfds', 'restore', 'sockets', 'terminals', 'tour'].map(
  (name) => `test/real/${name}.test.ts`,
);

/** Tests without CRIU that take long: sizes, memory, kills, races, planted faults, shells, systemd, compilers, types. */
const LONG = [
  'batch/archives',
  'batch/at-once',
  'batch/killed',
  'batch/many',
  'browser/*',
  'checkpoint/limits',
  'cli/completion',
  'cli/descriptor-limit',
  'cli/extremes',
  'cli/hostile-places',
  'cli/killed-restore',
  'cli/systemd-unit',
  'fuzz/faults',
  'json/memory',
  'native/compilers',
  'native/fuzz',
  'package/deb',
  'package/installed',
  'package/tarball',
  'plan/limits',
  'storage/archive/memory',
  'storage/archive/traps',
  'storage/changing-directory',
  'storage/reading-limit',
  'storage/killed',
  'storage/killed-archive',
  'types',
].map((name) => `!test/${name}.test.ts`);

const WITHOUT_CRIU = ['!test/real/**', '!test/newer/**', 'test/**/*.test.ts'];

/** The suite of Debian with the newest CRIU. */
const NEWEST = process.env.FDGRAFT_CRIU_SUITE || 'experimental';

/** Suites by name: what they are, what ava is told, and what the tests find in their environment. */
const SUITES = {
  plain: { title: 'tests without CRIU', args: [...sideBySide(), ...LONG, ...WITHOUT_CRIU] },
  long: { title: 'tests without CRIU', args: [...sideBySide(), ...WITHOUT_CRIU] },
  core: { title: 'main tests with a real CRIU', args: [...oneByOne(), ...CORE] },
  real: { title: 'tests with a real CRIU', args: [...oneByOne(), 'test/real/**/*.test.ts'] },
  // A newer CRIU than the one of Debian's stable release. What the stable one cannot dump is in test/newer.
  newer: {
    title: 'tests with the newest CRIU of Debian',
    args: [...oneByOne(), ...CORE, 'test/newer/**/*.test.ts'],
    env: { FDGRAFT_CRIU_SUITE: NEWEST },
  },
};

/**
 * What is run by the name that `node tools/test.js` is given: a suite without CRIU, one with a real CRIU, and one for the
 * newest CRIU where that can be had.
 */
const RUNS = {
  usual: { plain: 'plain', real: 'core' },
  all: { plain: 'long', real: 'real', ifThere: 'newer', env: { FDGRAFT_TESTS: 'all' } },
  newer: { real: 'newer' },
};

function oneByOne() {
  return ['--serial', '--concurrency=1'];
}

/** More files at once than processors, since many tests wait for a disk or for a process. */
function sideBySide() {
  return [`--concurrency=${2 * os.availableParallelism()}`];
}

/**
 * In front of the tests without CRIU as root: a /run/fdgraft and terminals of their own, since those of a real CRIU
 * look at what is left there, and restore a terminal only where its number is free. Their temporary files are in
 * memory: each rewrite flushes what it writes. Empty where a mount is not allowed: then the suites run one after the
 * other, and on the disk.
 */
function ownPlaces(temporary) {
  const script = [
    'mkdir -p -m 700 /run/fdgraft',
    'mount -t tmpfs -o mode=700 fdgraft /run/fdgraft',
    'mount -t devpts -o mode=620,ptmxmode=666,gid=5 devpts /dev/pts',
    'mount -t tmpfs -o mode=1777 fdgraft "$0"',
    'TMPDIR=$0 exec "$@"',
  ].join(' && ');
  const prefix = ['unshare', '--mount', 'sh', '-c', script, temporary];
  return spawnSync(prefix[0], [...prefix.slice(1), 'true'], { stdio: 'ignore' }).status === 0 ? prefix : [];
}

/** Shows now and then how far it is: on a terminal in one line, elsewhere a line each time. */
function showProgress(total) {
  const started = Date.now();
  const show = () => {
    const seconds = Math.round((Date.now() - started) / 1000);
    const line = `  ${total.passed} passed, ${total.failed} failed after ${seconds} s`;
    process.stdout.write(process.stdout.isTTY ? `\r${line}` : `${line}\n`);
  };
  const timer = setInterval(show, process.stdout.isTTY ? 1000 : PROGRESS_MS);
  return () => {
    clearInterval(timer);
    if (process.stdout.isTTY) process.stdout.write('\r\x1b[K');
  };
}

/** Runs ava and shows what did not pass; resolves when it ended. `prefix`: a command in front of it. Adds to `total`. */
function runSuite(name, { env, total, prefix = [] }) {
  const { title, args, env: own } = SUITES[name];
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const count = (what) => {
    counts[what] += 1;
    total[what] += 1;
  };
  const [command, ...words] = [...prefix, process.execPath, ava, '--tap', ...args];
  const child = spawn(command, words, {
    cwd: top,
    env: { ...process.env, ...env, ...own },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  // The lines of a failure are printed at once: another suite may run.
  let failure = [];
  const showFailure = () => {
    if (failure.length > 0) console.log(failure.join('\n'));
    failure = [];
  };
  readline.createInterface({ input: child.stdout }).on('line', (line) => {
    const result = /^(not )?ok \d+/.exec(line);
    if (result === null) {
      if (failure.length > 0) failure.push(line);
      return;
    }
    showFailure();
    if (/# SKIP/.test(line)) {
      count('skipped');
      console.log(line);
    } else if (result[1] !== undefined) {
      count('failed');
      failure.push(line);
    } else {
      count('passed');
    }
  });
  return new Promise((resolve) => {
    child.on('close', (code) => {
      showFailure();
      // ava can fail without a test that does: a file that cannot be loaded, or that has no tests.
      if (code !== 0 && counts.failed === 0) count('failed');
      console.log(`${title}: ${counts.passed} of ${counts.passed + counts.failed + counts.skipped} passed`);
      resolve();
    });
  });
}

/** Whether the newest CRIU can be had. Debian's experimental suite can lack it for some days, and no mirror must have it. */
function canHaveNewest() {
  const child = spawn(process.execPath, [path.join(__dirname, 'criu-root.js'), NEWEST], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return new Promise((resolve) => child.on('close', (code) => resolve(code === 0)));
}

/** Runs suites, that without CRIU beside the others where it can; resolves to the counts. */
async function runSuites({ plain, real, ifThere, env }) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const temporary = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-tests-'));
  const prefix = plain === undefined ? [] : ownPlaces(temporary);
  const endProgress = showProgress(total);
  const withoutCriu = plain === undefined ? Promise.resolve() : runSuite(plain, { env, total, prefix });
  if (prefix.length === 0) await withoutCriu;
  await runSuite(real, { env, total });
  if (ifThere !== undefined && (await canHaveNewest())) await runSuite(ifThere, { env, total });
  else if (ifThere !== undefined) console.log(`${SUITES[ifThere].title}: not run, for want of the criu of ${NEWEST}`);
  await withoutCriu;
  endProgress();
  fs.rmdirSync(temporary);
  return total;
}

async function main([wanted = 'usual']) {
  if (RUNS[wanted] === undefined && wanted !== 'golden')
    throw new Error(`no tests ${wanted}: there are ${Object.keys(RUNS).join(', ')} and golden`);
  await build();
  if (wanted === 'golden') {
    run(process.execPath, [ava, 'test/golden/**/*.test.ts'], { env: { ...process.env, FDGRAFT_GOLDEN: 'renew' } });
    return;
  }
  // Ahead of the tests: two that install packages at once would wait for a lock in vain.
  if (RUNS[wanted].plain === 'long') ensureFuzzTools();
  const total = await runSuites(RUNS[wanted]);
  const skipped = total.skipped === 0 ? '' : `, ${total.skipped} skipped`;
  console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
  if (total.failed > 0 || total.passed === 0) process.exitCode = 1;
}

runMain(() => main(process.argv.slice(2)));
