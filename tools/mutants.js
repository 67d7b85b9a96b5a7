// npm run mutants -- PART [--sample N] [--seed S] [--files REGEX] [--tests REGEX] [--again LOG]: changes each expression
// of a part of src, one at a time, and shows the changes that no test notices (docs/RELIABILITY.md). The mutants are
// Stryker's. All of them are in one build, and a switch chooses one, so that a process loads the tests once and runs
// those that reach a mutant. LOG is the output of an earlier run: only the mutants that it lists are tried.

const fs = require('node:fs');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { ensureNodeModules, Missing, runMain, top } = require('./ensure');
const { filesOf, PARTS } = require('./mutation/parts');
const { sampleOf } = require('./mutation/sample');
const { Tester } = require('./mutation/tester-child');

const TESTERS = 2;
/** Tests that take longer are left out: each mutant would pay for them. */
const LONGEST_TEST_MS = 2000;
/** The first of the tests that reach a mutant have to notice it, those that take so long in sum. */
const MOST_MS = 15_000;
const LONGEST_MEASUREMENT_MS = 1_800_000;
const explained = path.join(__dirname, 'mutation', 'explained.json');

/** The sources with all mutants in them, as JavaScript by name, and the mutants. */
async function instrument(files) {
  const { Instrumenter } = await import('@stryker-mutator/instrumenter');
  const ts = require('typescript');
  const silent = new Proxy({}, { get: (_, key) => (String(key).startsWith('is') ? () => false : () => {}) });
  const inputs = files.map((name) => ({ name, mutate: true, content: fs.readFileSync(name, 'utf8') }));
  const options = { plugins: null, excludedMutations: [], ignorers: [], noHeader: false };
  const { files: outputs, mutants } = await new Instrumenter(silent).instrument(inputs, options);
  const { compilerOptions } = ts.parseConfigFileTextToJson(
    '',
    fs.readFileSync(path.join(top, 'tsconfig.json'), 'utf8'),
  ).config;
  const compile = (content) => ts.transpileModule(content, { compilerOptions }).outputText;
  return { sources: Object.fromEntries(outputs.map(({ name, content }) => [name, compile(content)])), mutants };
}

/**
 * The tests for a mutant: those that have noticed most others of its file, then the part's own that reach it, then
 * others, the quickest first.
 */
function testsFor(mutant, { part, tests, atLoad, noticed }) {
  const isOwn = (index) => tests[index].name.startsWith(`test/${part}/`);
  const noticedOf = noticed.get(mutant.fileName);
  const merits = (index) => noticedOf?.get(tests[index].name) ?? 0;
  const usable = [...tests.keys()].filter(
    (index) =>
      (atLoad.has(mutant.id) || tests[index].hits[mutant.id]) &&
      tests[index].failure === undefined &&
      tests[index].ms <= LONGEST_TEST_MS,
  );
  usable.sort((a, b) => merits(b) - merits(a) || isOwn(b) - isOwn(a) || tests[a].ms - tests[b].ms);
  let ms = 0;
  const order = usable.filter((index) => {
    ms += tests[index].ms;
    return ms <= MOST_MS;
  });
  const hits = Math.max(0, ...order.map((index) => tests[index].hits[mutant.id] ?? 0));
  return {
    names: order.map((index) => tests[index].name),
    hitLimit: atLoad.has(mutant.id) ? undefined : 1000 + hits * 100,
    ms: 10_000 + MOST_MS * 2,
  };
}

/**
 * Whether a test notices the mutant. A second look is in a fresh process: the first one may have spoiled its own, and
 * what an earlier test has made and kept does not have the mutant in it.
 */
async function isKilled(tester, mutant, baseline, isFresh = baseline.atLoad.has(mutant.id)) {
  const { names, hitLimit, ms } = testsFor(mutant, baseline);
  if (names.length === 0) return false;
  if (isFresh || tester.child === undefined) {
    const loaded = await tester.start(isFresh ? mutant.id : undefined);
    if (loaded?.answer === undefined) throw new Error(loaded?.failure ?? 'the tests could not be loaded');
  }
  const order = { order: 'attack', mutant: mutant.id, names, hitLimit, isFresh };
  const { answer, failure } = (await tester.tell(order, ms)) ?? {};
  if (failure !== undefined) throw new Error(failure);
  const isNoticed = answer === undefined || answer.killedBy !== undefined;
  if (isFresh || answer?.isStale) tester.stop();
  if (!isFresh && (answer?.isStale || !isNoticed)) return isKilled(tester, mutant, baseline, true);
  if (answer?.killedBy !== undefined) remember(baseline.noticed, mutant, answer.killedBy);
  return isNoticed;
}

function remember(noticed, { fileName }, test) {
  const counts = noticed.get(fileName) ?? new Map();
  counts.set(test, (counts.get(test) ?? 0) + 1);
  noticed.set(fileName, counts);
}

/** The code that a mutant replaces. */
function originalOf({ fileName, location: { start, end } }) {
  const lines = fs
    .readFileSync(fileName, 'utf8')
    .split('\n')
    .slice(start.line, end.line + 1);
  lines[lines.length - 1] = lines.at(-1).slice(0, end.column);
  lines[0] = lines[0].slice(start.column);
  return lines.join('\n');
}

const inOneLine = (text) => text.replaceAll(/\s+/g, ' ');

/** A mutant as it is listed: without its line, which moves. */
function describe(mutant) {
  return `${path.relative(top, mutant.fileName)}: ${inOneLine(originalOf(mutant))} -> ${inOneLine(mutant.replacement)}`;
}

/** The tests without a mutant: what each of them reaches, and how long it takes. */
async function measure(tester, part) {
  const loaded = await tester.start();
  if (loaded?.answer === undefined) throw new Error(loaded?.failure ?? 'the tests could not be loaded');
  const measured = await tester.tell({ order: 'measure' }, LONGEST_MEASUREMENT_MS);
  if (measured?.answer === undefined) throw new Error(measured?.failure ?? 'the tests did not end');
  const { tests, atLoad } = measured.answer;
  for (const { name, failure, ms } of tests) {
    if (failure !== undefined) console.log(`left out, since it fails here: ${name}: ${failure.slice(0, 200)}`);
    else if (ms > LONGEST_TEST_MS) console.log(`left out, since it takes ${(ms / 1000).toFixed(1)} s: ${name}`);
  }
  return { part, tests, atLoad: new Set(atLoad), noticed: new Map() };
}

/** The mutants that no test notices; `show` is called with each as it is found. */
async function attack(testers, mutants, baseline, show) {
  const queue = [...mutants];
  const survivors = [];
  const work = async (tester) => {
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      if (!(await isKilled(tester, mutant, baseline))) {
        survivors.push(mutant);
        show(mutant);
      }
      if (queue.length % 50 === 0) console.error(`  ${queue.length} left, ${survivors.length} survived`);
    }
  };
  await Promise.all(testers.map(work));
  return survivors;
}

/** A line of the output without its place and kind, as `describe` has it; undefined for any other line. */
function describedIn(line) {
  const [, file, change] = /^(\S+?):\d+:\d+: [A-Za-z ]+: (.*)$/.exec(line) ?? [];
  return file === undefined ? undefined : `${file}: ${change}`;
}

/** The mutants that the output of an earlier run lists. */
function listedAgain(mutants, log) {
  const listed = new Set(fs.readFileSync(log, 'utf8').split('\n').map(describedIn));
  return mutants.filter((mutant) => listed.has(describe(mutant)));
}

function show(mutant, baseline) {
  const { line, column } = mutant.location.start;
  const [file, ...change] = describe(mutant).split(': ');
  const kind = testsFor(mutant, baseline).names.length === 0 ? 'not reached' : mutant.mutatorName;
  console.log(`${file}:${line + 1}:${column + 1}: ${kind}: ${change.join(': ')}`);
}

async function main() {
  ensureNodeModules();
  const options = {
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    files: { type: 'string', default: '' },
    tests: { type: 'string', default: '' },
    again: { type: 'string' },
  };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [part] = positionals;
  if (positionals.length !== 1 || PARTS[part] === undefined)
    throw new Missing(`name one part: ${Object.keys(PARTS).join(', ')}`);
  const seed = Number(values.seed);
  const { sources: files, tests } = filesOf(part);
  const { sources, mutants: all } = await instrument(files.filter((name) => new RegExp(values.files).test(name)));
  const testFiles = tests.filter((name) => new RegExp(values.tests).test(name));
  const listed = values.again === undefined ? all : listedAgain(all, values.again);
  const chosen = values.sample === undefined ? listed : sampleOf(listed, Number(values.sample), seed);
  const testers = Array.from({ length: TESTERS }, () => new Tester({ top, sources, testFiles, seed }));
  try {
    const baseline = await measure(testers[0], part);
    console.log(`${part}: ${chosen.length} of ${all.length} mutants, ${baseline.tests.length} tests, seed ${seed}`);
    const reasons = JSON.parse(fs.readFileSync(explained, 'utf8'));
    const isOpen = (mutant) => reasons[describe(mutant)] === undefined;
    const survivors = await attack(testers, chosen, baseline, (mutant) => {
      if (isOpen(mutant)) show(mutant, baseline);
    });
    const open = survivors.filter(isOpen);
    const killed = chosen.length - survivors.length;
    const score = ((100 * killed) / Math.max(1, chosen.length)).toFixed(1);
    console.log(`${killed} killed (${score} %), ${survivors.length - open.length} explained, ${open.length} survived`);
    if (open.length > 0) process.exitCode = 1;
  } finally {
    for (const tester of testers) tester.end();
  }
}

runMain(main);
