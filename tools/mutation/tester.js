// A process that holds one build of a part with all of its mutants in it, and the tests of the part. Told the number
// of a mutant, it switches this one on and runs the tests until one of them fails.

const Module = require('node:module');
const path = require('node:path');
const { gather, run } = require('./ava-in-process');

const stryker = { mutantCoverage: { static: {}, perTest: {} } };
globalThis.__stryker__ = stryker;

const tests = [];
/** The test that runs now: what is left of an earlier one may not fail it. */
let strayError;
process.on('unhandledRejection', (error) => (strayError ??= error));
process.on('uncaughtException', (error) => (strayError ??= error));

/** The error of a test, if it fails. */
async function failureOf({ title, act, args, shared }) {
  strayError = undefined;
  try {
    await run(title, act, args, shared);
  } catch (error) {
    return String(error?.message ?? error);
  }
  return strayError === undefined ? undefined : String(strayError);
}

/** What gathers the tests of the file that is loaded now. */
let ava;
let directory;
const loaded = new Set();

/** Loads the tests of a file, once. */
async function loadFile(file) {
  if (loaded.has(file)) return;
  loaded.add(file);
  const gathered = gather();
  ava = gathered.ava;
  require(path.join(directory, file));
  const shared = {};
  const { tests: ofFile, befores } = gathered.found;
  for (const before of befores) await run('before', before, [], shared);
  for (const one of ofFile) {
    const title = one.title ?? one.act.title?.(undefined, ...one.args);
    const act = typeof one.act === 'function' ? one.act : one.act.exec;
    tests.push({ ...one, act, title, shared, name: `${file}: ${title}` });
  }
}

/** With a mutant that is on from the start, each file waits until one of its tests is to run. */
async function load({ top, sources, testFiles, active, seed }) {
  directory = top;
  process.chdir(top);
  stryker.activeMutant = active;
  require('../register-typescript.js');
  const compile = Module._extensions['.ts'];
  Module._extensions['.ts'] = (module, file) =>
    sources[file] === undefined ? compile(module, file) : module._compile(sources[file], file);
  require('fast-check').configureGlobal({ seed });
  const load = Module._load;
  Module._load = function (request, ...more) {
    return request === 'ava' ? ava : load.call(this, request, ...more);
  };
  if (active !== undefined) return;
  for (const file of testFiles) await loadFile(path.relative(top, file));
}

/** Runs every test without a mutant; tells which mutants each reaches, how often, and how long it takes. */
async function measure() {
  const seen = [];
  for (const [index, one] of tests.entries()) {
    stryker.currentTestId = `${index}`;
    const before = process.cpuUsage();
    const failure = await failureOf(one);
    // Other work on the machine does not count.
    const { user, system } = process.cpuUsage(before);
    seen.push({
      name: one.name,
      failure,
      ms: (user + system) / 1000,
      hits: stryker.mutantCoverage.perTest[index] ?? {},
    });
  }
  stryker.currentTestId = undefined;
  return { tests: seen, atLoad: Object.keys(stryker.mutantCoverage.static) };
}

/**
 * The first of these tests that notices the mutant. `isStale` if that test fails without the mutant, too. In a fresh
 * process the mutant is on as the tests load, and may change what tests there are. One that `isBuilt` into a program
 * stays on.
 */
async function attack({ mutant, names, hitLimit, isFresh, isBuilt }) {
  for (const name of names) {
    try {
      if (isFresh) await loadFile(name.slice(0, name.indexOf(': ')));
    } catch {
      return { killedBy: name };
    }
    const one = tests.find((other) => other.name === name);
    if (one === undefined && isFresh) continue;
    if (one === undefined) throw new Error(`the tests were changed meanwhile: there is no ${name}`);
    stryker.activeMutant = mutant;
    stryker.hitCount = hitLimit === undefined ? undefined : 0;
    stryker.hitLimit = hitLimit;
    const failure = await failureOf(one);
    stryker.hitCount = undefined;
    if (failure === undefined) continue;
    if (isBuilt) return { killedBy: name };
    stryker.activeMutant = undefined;
    const isStale = (await failureOf(one)) !== undefined;
    return { killedBy: name, isStale };
  }
  stryker.activeMutant = undefined;
  return {};
}

const ORDERS = { load, measure, attack };

process.on('message', async ({ order, ...told }) => {
  try {
    process.send({ answer: (await ORDERS[order](told)) ?? {} });
  } catch (error) {
    process.send({ failure: error?.stack ?? String(error) });
  }
});
