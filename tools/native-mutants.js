// npm run mutants:native -- PART [--sample N] [--seed S] [--lines L,L…]: changes each comparison, operator, return, call
// and assignment of a file of native/src that decides, one at a time, in a copy of the project, and shows the changes
// that its tests do not notice (docs/RELIABILITY.md).

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { parseArgs } = require('node:util');
const { ensureNativeTools, ensureNodeModules, Missing, runMain, top } = require('./ensure');
const { sampleOf } = require('./mutation/sample');
const { Tester } = require('./mutation/tester-child');

/** The files that decide, and the tests of each. */
const PARTS = {
  'access-check': ['access'],
  choose: ['fit', 'kinds', 'nonblock', 'task', 'mappings'],
  credentials: ['access', 'plan'],
  cuts: ['cuts', 'plan'],
  kind: ['kinds', 'terminals', 'plan'],
  'own-key': ['plan', 'mappings', 'terminals', 'pty'],
  'offset-check': ['task', 'cuts'],
  'plan-check': ['plan'],
  plan: ['plan', 'usage'],
  reopen: ['task', 'fit', 'cuts'],
};
const COPIED = [
  'native',
  'test',
  'tools',
  'src',
  'schemas',
  'fixtures',
  'dist',
  'bin',
  'package.json',
  'tsconfig.json',
];
const LONGEST_MS = 300_000;
/** All tests of a part take less. */
const LONGEST_NOTICE_MS = 60_000;
/** Warnings are no errors: a mutant may leave a variable unused. */
const BUILD = ['-s', '-C', 'native', 'VARIANT_FLAGS=-O1 -Wno-error', 'all'];

/** Each pattern with its replacements. Longer operators come first: a place is changed by the first that fits it. */
const CHANGES = [
  [/ == /g, [' != ']],
  [/ != /g, [' == ']],
  [/ <= /g, [' < ', ' > ']],
  [/ >= /g, [' > ', ' < ']],
  [/ < /g, [' <= ', ' >= ']],
  [/ > /g, [' >= ', ' <= ']],
  [/ && /g, [' || ']],
  [/ \|\| /g, [' && ']],
  [/ \+ /g, [' - ']],
  [/ - /g, [' + ']],
  [/ & /g, [' | ']],
  [/([ (])!(?=[a-z(])/g, ['$1']],
  [/return 0;/g, ['return -1;']],
  [/return -1;/g, ['return 0;']],
  [/return true;/g, ['return false;']],
  [/return false;/g, ['return true;']],
  [/return NULL;/g, ['return "";']],
  [/continue;/g, [';']],
  [/ = true;/g, [' = false;']],
  [/ = false;/g, [' = true;']],
  [/ \| /g, [' & ']],
  [/ \? /g, [' && 0 ? ', ' || 1 ? ']],
  [/break;/g, [';']],
  // A call or assignment of one line.
  [/(?<=^\t+)[a-z_]\w*(?:->\w+|\.\w+|\[[^\]]*\])*(?: [|&+-]?= |\().*;$/gm, [';']],
];

/** Comments, texts and lines of the preprocessor as spaces, so that nothing in them is changed. */
function codeOf(text) {
  const blank = (part) => part.replaceAll(/[^\n]/g, ' ');
  return text.replaceAll(/\/\*[\s\S]*?\*\/|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|^#.*$|^_Static_assert.*$/gm, blank);
}

function mutantsOf(text) {
  const code = codeOf(text);
  return CHANGES.flatMap(([pattern, replacements]) =>
    [...code.matchAll(pattern)].flatMap(({ 0: found, 1: group = '', index }) =>
      replacements.map((replacement) => {
        const by = replacement.replace('$1', group);
        const end = index + found.length;
        return { index, found: text.slice(index, end), by, text: text.slice(0, index) + by + text.slice(end) };
      }),
    ),
  );
}

/** A copy that the mutants are built in. Its tests take the usual build for the one with sanitizers, for speed. */
function copyProject() {
  const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-mutants-'));
  for (const name of COPIED)
    fs.cpSync(path.join(top, name), path.join(copy, name), { recursive: true, preserveTimestamps: true });
  fs.symlinkSync(path.join(top, 'node_modules'), path.join(copy, 'node_modules'));
  const support = path.join(copy, 'test/support/native.ts');
  const text = fs.readFileSync(support, 'utf8');
  const plain = text.replace("'build/sanitize'", "'build'").replace("sanitized: 'sanitize'", "sanitized: 'all'");
  if (plain === text) throw new Error('test/support/native.ts has other builds');
  fs.writeFileSync(support, plain);
  return copy;
}

const isBuilt = (copy) =>
  spawnSync('make', BUILD, { cwd: copy, timeout: LONGEST_MS, killSignal: 'SIGKILL', stdio: 'ignore' }).status === 0;

/** The tests of a part, in a process that loads them once; those that noticed most come first, then the quickest. */
class Tests {
  constructor(copy, names) {
    const testFiles = names.map((name) => path.join(copy, `test/native/${name}.test.ts`));
    this.tester = new Tester({ top: copy, sources: {}, testFiles, seed: 1 });
  }

  async start() {
    const loaded = await this.tester.start();
    if (loaded?.answer === undefined) throw new Error(loaded?.failure ?? 'the tests could not be loaded');
  }

  async measure() {
    await this.start();
    const { answer, failure } = (await this.tester.tell({ order: 'measure' }, LONGEST_MS)) ?? {};
    if (answer === undefined) throw new Error(failure ?? 'the tests did not end');
    for (const { name, failure: why } of answer.tests)
      if (why !== undefined) console.log(`left out, since it fails here: ${name}: ${why.slice(0, 200)}`);
    // Here, those of the build with sanitizers are the same as those of the usual one.
    const usable = answer.tests.filter(({ name, failure: why }) => why === undefined && !name.includes('sanitized'));
    this.order = usable.sort((a, b) => a.ms - b.ms).map(({ name }) => name);
  }

  async notice() {
    if (this.tester.child === undefined) await this.start();
    const order = { order: 'attack', names: this.order, isBuilt: true };
    const { answer, failure } = (await this.tester.tell(order, LONGEST_NOTICE_MS)) ?? {
      answer: { killedBy: this.order[0] },
    };
    if (failure !== undefined) throw new Error(failure);
    if (answer.killedBy === undefined) return false;
    this.order = [answer.killedBy, ...this.order.filter((name) => name !== answer.killedBy)];
    return true;
  }
}

const lineAt = (text, index) => text.slice(0, index + 1).split('\n').length;

function show(part, text, { index, found, by }) {
  const number = lineAt(text, index);
  const line = text.split('\n')[number - 1].trim();
  console.log(`native/src/${part}.c:${number}: ${found.trim()} -> ${by.trim()} in: ${line}`);
}

async function main() {
  const options = { sample: { type: 'string' }, seed: { type: 'string', default: '1' }, lines: { type: 'string' } };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [part] = positionals;
  if (positionals.length !== 1 || PARTS[part] === undefined)
    throw new Missing(`name one of ${Object.keys(PARTS).join(', ')}`);
  ensureNodeModules();
  ensureNativeTools();
  const copy = copyProject();
  const tests = new Tests(copy, PARTS[part]);
  try {
    const file = path.join(copy, 'native/src', `${part}.c`);
    const text = fs.readFileSync(file, 'utf8');
    const lines = values.lines?.split(',').map(Number);
    const all = mutantsOf(text).filter(({ index }) => lines?.includes(lineAt(text, index)) ?? true);
    const seed = Number(values.seed);
    const chosen = values.sample === undefined ? all : sampleOf(all, Number(values.sample), seed);
    console.log(`${part}: ${chosen.length} of ${all.length} mutants, seed ${seed}`);
    if (!isBuilt(copy)) throw new Error('the copy cannot be built');
    await tests.measure();
    const counts = { killed: 0, survived: 0, 'not built': 0 };
    for (const mutant of chosen) {
      fs.writeFileSync(file, mutant.text);
      const outcome = !isBuilt(copy) ? 'not built' : (await tests.notice()) ? 'killed' : 'survived';
      counts[outcome] += 1;
      if (outcome === 'survived') show(part, text, mutant);
    }
    console.log(`${counts.killed} killed, ${counts.survived} survived, ${counts['not built']} that no compiler takes`);
  } finally {
    tests.tester.end();
    fs.rmSync(copy, { recursive: true, force: true });
  }
}

runMain(main);
