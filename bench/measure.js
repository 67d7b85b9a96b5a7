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

/** Processor time (user and system, children included) of one run whose output goes nowhere, in seconds. */
function processorTime([command, ...args]) {
  const env = { ...process.env, TIMEFORMAT: '%3U %3S' };
  delete env.NODE_EXTRA_CA_CERTS;
  const words = ['-c', 'time "$@" >/dev/null 2>&1', 'bash', command, ...args];
  const { status, stderr } = spawnSync('bash', words, { env, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr}`);
  return stderr
    .trim()
    .split(' ')
    .map(Number)
    .reduce((a, b) => a + b);
}

/**
 * Runs several commands in turn, A B A B …, after a warm-up each; of each the processor time as a multiple of that of
 * the first one in the same turn: median and quartiles. `prepare` is called before each run.
 */
function compareProcessorTime(commands, runs, prepare = () => {}) {
  const ratios = commands.map(() => []);
  for (let run = 0; run <= runs; run += 1) {
    const times = commands.map((command) => {
      prepare();
      return processorTime(command);
    });
    for (const [i, time] of run === 0 ? [] : times.entries()) ratios[i].push(time / times[0]);
  }
  return ratios.map((each) => {
    const sorted = each.sort((a, b) => a - b);
    const at = (part) => sorted[Math.floor(part * (sorted.length - 1))];
    return { median: at(0.5), low: at(0.25), high: at(0.75) };
  });
}

function remove(folder) {
  fs.rmSync(folder, { recursive: true, force: true });
}

module.exports = { compare, compareProcessorTime, remove };
