// Whole processes, timed from outside.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const PRINT_PEAK = path.join(__dirname, 'print-peak.js');
/**
 * Results of runs. All are removed at the very end: ext4 looks for inodes that were not freed a short time ago, and the
 * next 8,000 files then took some ten times the kernel time.
 */
const RESULTS = path.join(__dirname, 'data', 'results');
/** Stands for a path below these that no other run has. */
const OUT = Symbol('OUT');
let outs = 0;

function wordOf(word) {
  if (word !== OUT) return word;
  fs.mkdirSync(RESULTS, { recursive: true });
  outs += 1;
  return path.join(RESULTS, String(outs));
}

/**
 * Runs a command; seconds that passed, seconds of processor time (user and system, children included), and the peak of
 * resident memory (MiB) where it is a node program. `exits`: the codes that are no failure.
 */
function runOnce([command, ...args], exits = [0]) {
  const env = { ...process.env, NODE_OPTIONS: `--require ${PRINT_PEAK}`, TIMEFORMAT: 'time %3R %3U %3S' };
  // It makes every node process read certificates, some 45 ms.
  delete env.NODE_EXTRA_CA_CERTS;
  const words = ['-c', 'time "$@" >/dev/null', 'bash', command, ...args];
  const { status, stderr } = spawnSync('bash', words, { env, encoding: 'utf8', maxBuffer: 1 << 30 });
  if (!exits.includes(status)) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr}`);
  const [, seconds, user, system] = /^time (\S+) (\S+) (\S+)$/m.exec(stderr).map(Number);
  const peak = /^peak resident (\d+) KiB$/m.exec(stderr)?.[1];
  return { seconds, cpu: user + system, peak: peak === undefined ? 0 : Number(peak) / 1024 };
}

/** Median, quartiles and the least of some numbers. */
function spread(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = (part) => sorted[Math.floor(part * (sorted.length - 1))];
  return { best: sorted[0], median: at(0.5), low: at(0.25), high: at(0.75) };
}

/**
 * Runs several commands in turn, A B A B …, after a warm-up each. Of each: the spread of `seconds` and `cpu`, that of
 * both as multiples of the first command's in the same turn (`secondsRatio`, `cpuRatio`), the largest `peak`, and
 * `best`, the least seconds. Commands: words, or {words, exits}; OUT is one of them that writes something.
 */
function compare(commands, runs) {
  const results = commands.map(() => []);
  for (let run = 0; run <= runs; run += 1) {
    for (const [i, command] of commands.entries()) {
      const { words = command, exits } = command;
      const measured = runOnce(words.map(wordOf), exits);
      if (run > 0) results[i].push(measured);
    }
  }
  return results.map((each) => {
    const of = (name) => spread(each.map((one) => one[name]));
    const ratio = (name) => spread(each.map((one, run) => one[name] / results[0][run][name]));
    const seconds = of('seconds');
    return {
      seconds,
      cpu: of('cpu'),
      secondsRatio: ratio('seconds'),
      cpuRatio: ratio('cpu'),
      peak: Math.max(...each.map(({ peak }) => peak)),
      best: seconds.best,
    };
  });
}

function removeResults() {
  fs.rmSync(RESULTS, { recursive: true, force: true });
}

module.exports = { compare, OUT, removeResults, RESULTS };
