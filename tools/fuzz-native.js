// npm run fuzz:native -- [--runs N] [--seed S] [--only NAME] [--jobs N]: runs the programs of native/fuzz, N times in all.
// First come the findings of earlier runs (native/fuzz/corpus/NAME), then what is made of the fixtures. An input that shows a
// fault is written to that directory, and stays there when the fault is mended.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { ensureFuzzTools, ensureNativeTools, Missing, run, runMain, top } = require('./ensure');
const { HARNESSES, writeSeeds } = require('./fuzz-seeds');

const CORPUS = path.join(top, 'native/fuzz/corpus');
const PROGRAMS = path.join(top, 'native/build/fuzz');
/** Inputs that are worth keeping are written as files, and some programs make files of their inputs: the disk was the limit. */
const MEMORY = '/dev/shm';
/** Of each program: how large a part of the runs is its own, and how many bytes an input has at most. */
const PROGRAM = {
  archive: { share: 6, longest: 12288 },
  choose: { share: 10, longest: 8192 },
  'config-lines': { share: 4, longest: 512 },
  unread: { share: 8, longest: 8192 },
  fetch: { share: 5, longest: 1024 },
  give: { share: 3, longest: 256 },
  'hash-images': { share: 6, longest: 4096 },
  'image-records': { share: 10, longest: 4096 },
  plan: { share: 24, longest: 8192 },
  'receive-master': { share: 4, longest: 128 },
  'socket-variable': { share: 20, longest: 5120 },
};
/** MiB of one process and of one allocation, and seconds of one run: a shorter one is no finding, however slow. */
const LIMITS = ['-rss_limit_mb=1024', '-malloc_limit_mb=256', '-timeout=60', '-report_slow_units=60'];

function build() {
  ensureNativeTools();
  ensureFuzzTools();
  run('flock', [path.join(top, 'native/Makefile'), 'make', '-s', '-C', 'native', 'fuzz']);
}

/** The runs of each program; together at least `runs`. */
function divide(runs, harnesses) {
  const shares = harnesses.reduce((sum, name) => sum + PROGRAM[name].share, 0);
  return new Map(harnesses.map((name) => [name, Math.ceil((runs * PROGRAM[name].share) / shares)]));
}

/** Runs a command to its end: its exit code, and what it said on stderr. */
function said(program, args, env) {
  const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const chunks = [];
  child.stderr.on('data', (chunk) => chunks.push(chunk));
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Missing(`${program} could not be started: ${error.message}`)));
    child.once('close', (code) => resolve({ code, stderr: Buffer.concat(chunks).toString() }));
  });
}

/** Copies the inputs that a program left; returns where they are then. */
function keep(found, findings) {
  fs.mkdirSync(findings, { recursive: true });
  return fs.readdirSync(found).map((input) => {
    fs.copyFileSync(path.join(found, input), path.join(findings, input));
    return path.join(findings, input);
  });
}

/**
 * Runs one program; tells how often it ran, and what it said if it found a fault. `findings`: the directory of inputs
 * that come first, and where one that shows a fault goes.
 */
async function fuzz(
  name,
  runs,
  seed,
  { program = path.join(PROGRAMS, name), findings = path.join(CORPUS, name) } = {},
) {
  const work = fs.mkdtempSync(path.join(fs.existsSync(MEMORY) ? MEMORY : os.tmpdir(), 'fuzz-native-'));
  const [made, seeds, found, scratch] = ['made', 'seeds', 'found', 'scratch'].map((part) => path.join(work, part));
  try {
    for (const directory of [made, found, scratch]) fs.mkdirSync(directory);
    await writeSeeds(name, seeds);
    const known = fs.existsSync(findings) ? [findings] : [];
    const args = [
      `-runs=${runs}`,
      `-seed=${seed}`,
      `-max_len=${PROGRAM[name].longest}`,
      ...LIMITS,
      '-print_final_stats=1',
    ];
    const { code, stderr } = await said(program, [...args, `-artifact_prefix=${found}/`, made, ...known, seeds], {
      ...process.env,
      TMPDIR: scratch,
    });
    const inputs = code === 0 ? [] : keep(found, findings);
    const executed = Number(/number_of_executed_units: (\d+)/.exec(stderr)?.[1] ?? 0);
    return { name, executed, failed: code !== 0, isInterrupted: code === INTERRUPTED, inputs, said: stderr };
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

/** How libFuzzer ends when it is interrupted: no fault was found till then. */
const INTERRUPTED = 72;

/** What the program said from the fault on. */
function faultIn(said) {
  const at = said.search(/^(fault: |.*runtime error: |==\d+== ?ERROR: )/m);
  return at < 0 ? said.split('\n').slice(-40).join('\n') : said.slice(at).split('\n').slice(0, 40).join('\n');
}

function show({ name, executed, failed, isInterrupted, inputs, said }) {
  console.log(`${name}: ${executed} runs${isInterrupted ? ', interrupted' : failed ? ', A FAULT' : ''}`);
  if (!failed) return;
  process.exitCode = 1;
  if (isInterrupted) return;
  console.log(faultIn(said));
  for (const file of inputs) console.log(`the input is in ${path.relative(top, file)}`);
}

function wholeNumber(text, name) {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Missing(`--${name}: ${text} is not a whole number from 1 to 999999999`);
  return Number(text);
}

async function main(argv) {
  const { values } = parseArgs({
    args: argv,
    options: {
      runs: { type: 'string', default: '100000' },
      seed: { type: 'string' },
      only: { type: 'string' },
      jobs: { type: 'string', default: '1' },
    },
  });
  const seed = wholeNumber(values.seed ?? String(1 + (Date.now() % 999999999)), 'seed');
  const runs = wholeNumber(values.runs, 'runs');
  const harnesses = values.only === undefined ? HARNESSES : [values.only];
  if (!harnesses.every((name) => HARNESSES.includes(name))) {
    throw new Missing(`--only: no program ${values.only}: there are ${HARNESSES.join(', ')}`);
  }
  build();
  console.log(`seed ${seed}`);
  const waiting = [...divide(runs, harnesses)];
  let total = 0;
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const result = await fuzz(...next, seed);
      total += result.executed;
      show(result);
    }
  };
  await Promise.all(Array.from({ length: wholeNumber(values.jobs, 'jobs') }, work));
  console.log(`${total} runs in all`);
}

if (require.main === module) runMain(() => main(process.argv.slice(2)));

module.exports = { build, CORPUS, divide, fuzz, HARNESSES };
