// npm test: all tests. Those of a real CRIU run after the others, one file after the other, since only one
// dump can run at a time. The last line is `N passed, N failed`.

const { spawn } = require('node:child_process');
const path = require('node:path');
const readline = require('node:readline');
const { build } = require('./build');
const { run, runMain, top } = require('./ensure');

const ava = path.join('node_modules', 'ava', 'entrypoints', 'cli.mjs');

/** Suites by name: what they are, what ava is told, and what the tests find in their environment. */
const SUITES = {
  plain: { title: 'tests without CRIU', args: ['!test/real/**', '!test/newer/**', 'test/**/*.test.ts'] },
  real: { title: 'tests with a real CRIU', args: ['--serial', '--concurrency=1', 'test/real/**/*.test.ts'] },
  // A newer CRIU than the one of Debian's stable release, where it can be had. What the stable one cannot dump is in test/newer.
  newer: {
    title: 'tests with the newest CRIU of Debian',
    args: ['--serial', '--concurrency=1', 'test/real/**/*.test.ts', 'test/newer/**/*.test.ts'],
    env: { FDGRAFT_CRIU_SUITE: process.env.FDGRAFT_CRIU_SUITE || 'experimental' },
  },
};

/** Runs ava and shows what did not pass; resolves to the counts. */
function runSuite(name) {
  const { title, args, env } = SUITES[name];
  console.log(title);
  const child = spawn(process.execPath, [ava, '--tap', ...args], {
    cwd: top,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const counts = { passed: 0, failed: 0, skipped: 0 };
  let failing = false;
  readline.createInterface({ input: child.stdout }).on('line', (line) => {
    const result = /^(not )?ok \d+/.exec(line);
    if (result === null) {
      if (failing) console.log(line);
      return;
    }
    failing = result[1] !== undefined;
    if (/# SKIP/.test(line)) {
      counts.skipped += 1;
      console.log(line);
    } else if (failing) {
      counts.failed += 1;
      console.log(line);
    } else {
      counts.passed += 1;
    }
  });
  return new Promise((resolve) => {
    child.on('close', (code) => {
      // ava can fail without a test that does: a file that cannot be loaded, or that has no tests.
      if (code !== 0 && counts.failed === 0) counts.failed = 1;
      console.log(`  ${counts.passed} of ${counts.passed + counts.failed + counts.skipped} passed`);
      resolve(counts);
    });
  });
}

async function main([wanted]) {
  build();
  if (wanted === 'golden') {
    run(process.execPath, [ava, 'test/golden/**/*.test.ts'], { env: { ...process.env, FDGRAFT_GOLDEN: 'renew' } });
    return;
  }
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const name of wanted === undefined ? ['plain', 'real'] : [wanted]) {
    if (SUITES[name] === undefined) throw new Error(`no suite ${name}: there are ${Object.keys(SUITES).join(', ')}`);
    const counts = await runSuite(name);
    for (const key of Object.keys(total)) total[key] += counts[key];
  }
  const skipped = total.skipped === 0 ? '' : `, ${total.skipped} skipped`;
  console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
  if (total.failed > 0 || total.passed === 0) process.exitCode = 1;
}

runMain(() => main(process.argv.slice(2)));
