// npm run fuzz:native -- [--runs N] [--seed S] [--only NAME]: runs the programs of native/fuzz, N times in all. First come the findings of earlier runs
// (native/fuzz/corpus/NAME), then what is made of the fixtures. An input that shows a fault is written to that folder, and
// stays there when the fault is mended.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { ensureFuzzTools, ensureNativeTools, Missing, run, runMain, top } = require('./ensure');
const { HARNESSES, writeSeeds } = require('./fuzz-seeds');

const CORPUS = path.join(top, 'native/fuzz/corpus');
const PROGRAMS = path.join(top, 'native/build/fuzz');
/** Those that are cheap and reach much get more of the runs. */
const SHARES = {
  archive: 2,
  choose: 3,
  'config-lines': 1,
  delivery: 3,
  fetch: 2,
  give: 1,
  'hash-images': 1,
  'image-records': 1,
  plan: 4,
  'receive-master': 1,
  'socket-variable': 1,
};
/** Of one input, in bytes; of one process and of one allocation, in MiB; and of one run, in seconds. */
const LIMITS = ['-max_len=16384', '-rss_limit_mb=1024', '-malloc_limit_mb=256', '-timeout=60'];

function build() {
  ensureNativeTools();
  ensureFuzzTools();
  run('flock', [path.join(top, 'native/Makefile'), 'make', '-s', '-C', 'native', 'fuzz']);
}

/** The runs of each program; together at least `runs`. */
function divide(runs, harnesses) {
  const shares = harnesses.reduce((sum, name) => sum + SHARES[name], 0);
  return new Map(harnesses.map((name) => [name, Math.ceil((runs * SHARES[name]) / shares)]));
}

/** Runs one program; returns how often it ran, and what it said if it found a fault. */
async function fuzz(
  harness,
  runs,
  seed,
  { program = path.join(PROGRAMS, harness), findings = path.join(CORPUS, harness) } = {},
) {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'fuzz-native-'));
  try {
    const [made, seeds] = ['made', 'seeds'].map((name) => path.join(work, name));
    fs.mkdirSync(made);
    await writeSeeds(harness, seeds);
    const known = fs.existsSync(findings) ? [findings] : [];
    fs.mkdirSync(path.join(work, 'found'));
    const args = [`-runs=${runs}`, `-seed=${seed}`, ...LIMITS, '-print_final_stats=1', '-close_fd_mask=1'];
    const { status, error, stderr } = spawnSync(
      program,
      [...args, `-artifact_prefix=${work}/found/`, made, ...known, seeds],
      {
        encoding: 'utf8',
        maxBuffer: 1 << 30,
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, TMPDIR: work },
      },
    );
    if (error) throw new Missing(`${program} could not be started: ${error.message}`);
    const executed = Number(/number_of_executed_units: (\d+)/.exec(stderr)?.[1] ?? 0);
    const found = fs.readdirSync(path.join(work, 'found')).map((name) => {
      fs.mkdirSync(findings, { recursive: true });
      fs.copyFileSync(path.join(work, 'found', name), path.join(findings, name));
      return path.join(findings, name);
    });
    return { harness, executed, failed: status !== 0, found, said: stderr };
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

/** What the program said from the fault on. */
function faultIn(said) {
  const at = said.search(/^(fault: |.*runtime error: |==\d+== ?ERROR: )/m);
  return at < 0 ? said.split('\n').slice(-40).join('\n') : said.slice(at).split('\n').slice(0, 40).join('\n');
}

function wholeNumber(text, name) {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Missing(`--${name}: ${text} is not a whole number from 1 to 999999999`);
  return Number(text);
}

async function main(argv) {
  const { values } = parseArgs({
    args: argv,
    options: { runs: { type: 'string', default: '100000' }, seed: { type: 'string' }, only: { type: 'string' } },
  });
  const seed = wholeNumber(values.seed ?? String(1 + (Date.now() % 999999999)), 'seed');
  const runs = wholeNumber(values.runs, 'runs');
  const harnesses = values.only === undefined ? HARNESSES : [values.only];
  if (!harnesses.every((name) => HARNESSES.includes(name))) {
    throw new Missing(`--only: no program ${values.only}: there are ${HARNESSES.join(', ')}`);
  }
  build();
  console.log(`seed ${seed}`);
  let total = 0;
  for (const [harness, share] of divide(runs, harnesses)) {
    const result = await fuzz(harness, share, seed);
    total += result.executed;
    console.log(`${harness}: ${result.executed} runs${result.failed ? ', A FAULT' : ''}`);
    if (!result.failed) continue;
    process.exitCode = 1;
    console.log(faultIn(result.said));
    for (const file of result.found) console.log(`the input is in ${path.relative(top, file)}`);
  }
  console.log(`${total} runs in all`);
}

if (require.main === module) runMain(() => main(process.argv.slice(2)));

module.exports = { build, divide, fuzz, HARNESSES };
