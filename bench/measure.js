// Whole processes, timed from outside.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const PRINT_PEAK = path.join(__dirname, 'print-peak.js');

/** Runs a command; seconds that passed, and the peak of resident memory (MiB) where it is a node program. */
function runOnce([command, ...args], cwd) {
  const env = { ...process.env, NODE_OPTIONS: `--require ${PRINT_PEAK}` };
  // It makes every node process read certificates, some 45 ms.
  delete env.NODE_EXTRA_CA_CERTS;
  const start = process.hrtime.bigint();
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    maxBuffer: 1 << 30,
  });
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stdout}${stderr}`);
  const peak = /^peak resident (\d+) KiB$/m.exec(stderr)?.[1];
  return { seconds, peak: peak === undefined ? undefined : Number(peak) / 1024 };
}

/**
 * Runs several commands in turn, A B A B …, after a warm-up each; gives the best time and the largest peak of each.
 * `prepare` is called before each run, outside the time.
 */
function compare(commands, runs, prepare = () => {}) {
  const results = commands.map(() => ({ best: Number.POSITIVE_INFINITY, peak: 0 }));
  for (let run = 0; run <= runs; run += 1) {
    commands.forEach((command, i) => {
      prepare();
      const { seconds, peak } = runOnce(command);
      if (run === 0) return;
      results[i].best = Math.min(results[i].best, seconds);
      results[i].peak = Math.max(results[i].peak, peak ?? 0);
    });
  }
  return results;
}

function remove(folder) {
  fs.rmSync(folder, { recursive: true, force: true });
}

module.exports = { compare, remove };
