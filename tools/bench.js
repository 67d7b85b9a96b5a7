// npm run bench [-- [--runs N] [--start | --entries MOST | --json | --batch]]: the budgets as ratios within one run,
// medians with quartiles: of start-up, of directories with up to MOST entries (10,000,000), of decode and encode, of batches; all, or one of them. Nothing fails on a time.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { build } = require('./build');
const { runMain, top } = require('./ensure');

const data = path.join(top, 'bench', 'data');
const bin = path.join(top, 'dist', 'cli', 'bin.js');

function ratio(a, b) {
  return (a / b).toFixed(2);
}

/** "1.30 (1.25 to 1.41)" */
function withSpread({ median, low, high }) {
  return `${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
}

/** Entries and tables of the directories, and how often the commands run at most on each. */
const SIZES = [
  { entries: 10_000, tables: 20, most: Number.POSITIVE_INFINITY },
  { entries: 100_000, tables: 200, most: Number.POSITIVE_INFINITY },
  { entries: 1_000_000, tables: 2_000, most: Number.POSITIVE_INFINITY },
  { entries: 10_000_000, tables: 20_000, most: 2 },
];
/** Nobody reads a longer list, and it takes minutes. */
const LISTED = 1_000_000;

/** Commands on a large directory, in turn with a copy of it to the disk. */
function benchSize({ compare, OUT, RESULTS }, { makeDirectory, NAMED_PATH }, { entries, tables, most }, runs) {
  const source = path.join(data, `entries-${entries}`);
  const done = path.join(RESULTS, `done-${entries}`);
  console.log(`${entries.toLocaleString('en')} entries in ${tables.toLocaleString('en')} tables (kept in bench/data)`);
  fs.mkdirSync(RESULTS, { recursive: true });
  makeDirectory(source, entries, tables);
  const fdgraft = (...words) => [process.execPath, bin, ...words];
  const specs = ['--inherit-fd', `fd[5]:${NAMED_PATH}`];
  const unmatched = ['--inherit-fd', 'fd[5]:/no/such/file'];
  compare([fdgraft('rewrite', source, '-o', done, '--quiet', ...specs)], 0);
  const rows = [
    { name: 'cp -r and sync -f', words: ['sh', '-c', 'cp -r "$1" "$2" && sync -f "$2"', 'sh', source, OUT] },
    {
      name: 'rewrite',
      words: fdgraft('rewrite', source, '-o', OUT, '--quiet', ...specs),
      budget: 'budget 1.3 ×, 96 MiB',
    },
    { name: 'dry run', words: fdgraft('rewrite', source, '--dry-run', '--quiet', ...specs), budget: 'no budget' },
    {
      name: 'spec without a match',
      words: fdgraft('rewrite', source, '-o', OUT, ...unmatched),
      exits: [1],
      budget: 'budget 1.5 × the rewrite',
    },
    ...(entries > LISTED ? [] : [{ name: 'ls', words: fdgraft('ls', source), budget: 'no budget' }]),
    { name: 'diff --plan', words: fdgraft('diff', source, done, '--plan', done), budget: 'budget 8 ×, 512 MiB' },
    {
      name: 'diff --ignore-ids',
      words: fdgraft('diff', '--ignore-ids', source, done),
      exits: [1],
      budget: 'budget 8 ×, 512 MiB',
    },
  ];
  const results = compare(rows, Math.min(runs, most));
  results.forEach(({ seconds, cpu, secondsRatio, cpuRatio, peak }, i) => {
    const { name, budget } = rows[i];
    if (i === 0) console.log(`  ${name}: ${withSpread(seconds)} s, ${withSpread(cpu)} s of processor time`);
    else {
      console.log(
        `  ${name}: ${withSpread(secondsRatio)} ×, processor time ${withSpread(cpuRatio)} ×, ` +
          `${withSpread(cpu)} s; ${peak.toFixed(0)} MiB resident (${budget})`,
      );
    }
  });
  return results[1];
}

function benchSizes(measure, maker, most, runs) {
  const sizes = SIZES.filter(({ entries }) => entries <= most);
  const rewritten = sizes.map((size) => benchSize(measure, maker, size, runs));
  rewritten.slice(1).forEach((large, i) => {
    const small = rewritten[i];
    console.log(
      `rewrite of ${sizes[i + 1].entries.toLocaleString('en')} entries, ten times as many: ` +
        `time × ${ratio(large.seconds.median, small.seconds.median)} (budget 10), ` +
        `resident × ${ratio(large.peak, small.peak)} (budget 1.10)`,
    );
  });
}

/** The other tools that turn images into JSON, or a line that says why one is left out. */
function otherCrits() {
  const crits = [];
  const { ensureGoCrit } = require('../bench/go-crit');
  const go = ensureGoCrit();
  if (go.missing === undefined) crits.push({ name: "go-criu's crit", argv: [go.path], budget: 3 });
  else console.log(`  ${go.missing}`);
  try {
    const { critCommand, ensureCriuRoot } = require('./criu-root');
    const { root, version } = ensureCriuRoot();
    crits.push({ name: `crit ${version}`, argv: critCommand(root), budget: 10 });
  } catch (error) {
    console.log(`  crit is left out: ${error.message.split('\n')[0]}`);
  }
  return crits;
}

/** files.img to JSON and back, each tool with the JSON that it made itself. */
function benchConversions({ compare }, entries, crits, runs) {
  const image = path.join(data, `entries-${entries}`, 'files.img');
  const tools = [{ argv: [process.execPath, bin], name: 'fdgraft' }, ...crits];
  console.log(`files.img of ${entries.toLocaleString('en')} entries, ${mebibytes(image)} MiB`);
  const results = {};
  for (const command of ['decode', 'encode']) {
    const files = tools.map((_tool, i) => [path.join(data, `${i}.json`), path.join(data, `${i}.img`)]);
    const commands = tools.map(({ argv }, i) => {
      const [json, back] = files[i];
      return [...argv, command, ...(command === 'decode' ? ['-i', image, '-o', json] : ['-i', json, '-o', back])];
    });
    const [own, ...others] = compare(commands, runs);
    console.log(`  ${command}: ${own.best.toFixed(2)} s, ${own.peak.toFixed(0)} MiB resident`);
    others.forEach(({ best }, i) => {
      const { name, budget } = crits[i];
      console.log(`    ${ratio(best, own.best)} × as fast as ${name}, ${best.toFixed(2)} s (budget ${budget})`);
    });
    results[command] = own;
    if (command === 'encode') for (const pair of files) for (const file of pair) fs.rmSync(file, { force: true });
  }
  return results;
}

function mebibytes(file) {
  return (fs.statSync(file).size / 2 ** 20).toFixed(1);
}

function benchJson(measure, { makeDirectory }, runs) {
  fs.mkdirSync(data, { recursive: true });
  makeDirectory(path.join(data, 'entries-100000'), 100_000, 200);
  makeDirectory(path.join(data, 'entries-1000000'), 1_000_000, 2_000);
  const few = benchConversions(measure, 100_000, otherCrits(), Math.min(runs, 5));
  const many = benchConversions(measure, 1_000_000, [], Math.min(runs, 3));
  for (const command of ['decode', 'encode']) {
    console.log(
      `  ${command}, ten times the entries: time × ${ratio(many[command].best, few[command].best)} (budget 10), ` +
        `resident × ${ratio(many[command].peak, few[command].peak)} (budget 1.10)`,
    );
  }
}

/** Commands on a directory of a few files, beside a node process that does nothing, by processor time. */
function benchStartUp({ compare, OUT }, runs) {
  const source = path.join(top, 'fixtures', 'images', 'pipe_outside');
  const rewrite = ['rewrite', source, '--inherit-fd', 'fd[5]:/dev/null'];
  const lines = [
    { words: ['--version'], budget: 'budget 1.3' },
    { words: ['--help'], budget: 'no budget' },
    { words: ['ls', source], budget: 'budget 2' },
    { words: [...rewrite, '--dry-run'], budget: 'no budget' },
    { words: [...rewrite, '-o', OUT], budget: 'budget 2' },
  ];
  const commands = lines.map(({ words }) => [process.execPath, bin, ...words]);
  const [, ...results] = compare([[process.execPath, '-e', '0'], ...commands], runs);
  console.log('start-up, of a small dump, beside an empty node process, by processor time: median (quartiles)');
  results.forEach(({ cpuRatio }, i) => {
    const { words, budget } = lines[i];
    const name = words.filter((word) => word === words[0] || word === '--dry-run').join(' ');
    console.log(`  ${name}: ${withSpread(cpuRatio)} × (${budget})`);
  });
}

const CHECKPOINTS = 2000;
const SAMPLE = 20;

/** Many small checkpoints in one command, beside a shell loop that has crit decode and encode files.img of each. */
function benchBatch({ compare, OUT, RESULTS }) {
  const many = path.join(data, `checkpoints-${CHECKPOINTS}`);
  const one = path.join(top, 'fixtures', 'images', 'two_paths');
  console.log(`${CHECKPOINTS.toLocaleString('en')} checkpoints of ${fs.readdirSync(one).length} images`);
  for (let i = 0; i < CHECKPOINTS; i += 1) {
    const copy = path.join(many, String(i));
    if (!fs.existsSync(copy)) fs.cpSync(one, copy, { recursive: true });
  }
  const words = [
    'batch',
    'rewrite',
    path.join(many, '*'),
    '--base',
    many,
    '--quiet',
    '--inherit-fd',
    'fd[5]:/dev/null',
  ];
  const command = (jobs, out) => [process.execPath, bin, ...words, '--jobs', jobs, '-o', out];
  const jobs = String(os.availableParallelism());
  const [alone, shared] = compare([command('1', OUT), command(jobs, OUT)], 1);
  // The warm-up does it all, and what is measured finds that.
  const [again] = compare([command(jobs, path.join(RESULTS, 'all'))], 1);
  const rate = (seconds, count = CHECKPOINTS) => `${(count / seconds).toFixed(0)}/s`;
  console.log(
    `  batch rewrite: ${rate(shared.best)} with --jobs ${jobs}, ${rate(alone.best)} with --jobs 1 ` +
      `(${alone.peak.toFixed(0)} MiB resident); again, all done: ${rate(again.best)}`,
  );
  let crit;
  try {
    const { critCommand, ensureCriuRoot } = require('./criu-root');
    crit = critCommand(ensureCriuRoot().root);
  } catch (error) {
    console.log(`  crit is left out: ${error.message.split('\n')[0]}`);
    return;
  }
  const loop = 'for d in "$0"/? "$0"/1?; do "$@" decode -i "$d/files.img" | "$@" encode -o "$OUT"; done';
  const file = path.join(data, 'out.img');
  const [looped] = compare([['env', `OUT=${file}`, 'sh', '-c', loop, many, ...crit]], 1);
  fs.rmSync(file, { force: true });
  console.log(
    `  a shell loop over crit decode | crit encode of files.img alone: ${(SAMPLE / looped.best).toFixed(1)}/s, ` +
      `from ${SAMPLE} of them; batch is ${ratio(CHECKPOINTS / shared.best, SAMPLE / looped.best)} × as fast`,
  );
}

async function main(args) {
  await build();
  const number = (option, otherwise) => (args.includes(option) ? Number(args[args.indexOf(option) + 1]) : otherwise);
  const runs = number('--runs', 7);
  const most = number('--entries', 10_000_000);
  const measure = require('../bench/measure');
  measure.removeResults();
  process.on('exit', measure.removeResults);
  const maker = require('../bench/make-directory');
  if (args.includes('--json')) return benchJson(measure, maker, runs);
  if (args.includes('--batch')) return benchBatch(measure);
  if (args.includes('--start')) return benchStartUp(measure, 3 * runs);
  if (args.includes('--entries')) return benchSizes(measure, maker, most, runs);
  benchStartUp(measure, 3 * runs);
  benchSizes(measure, maker, most, runs);
  benchJson(measure, maker, runs);
  benchBatch(measure);
}

runMain(() => main(process.argv.slice(2)));
