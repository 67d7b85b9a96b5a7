import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { atDepth } from '../support/depth';
import { scratch } from './support';

/** A short run of each program of native/fuzz, and that faults are found. */

interface Outcome {
  executed: number;
  failed: boolean;
  inputs: string[];
  said: string;
}

const { build, CORPUS, divide, fuzz, HARNESSES } = require('../../tools/fuzz-native.js') as {
  build(): void;
  CORPUS: string;
  divide(runs: number, names: readonly string[]): Map<string, number>;
  fuzz(name: string, runs: number, seed: number, options?: { program?: string; findings?: string }): Promise<Outcome>;
  HARNESSES: string[];
};

const native = join(__dirname, '../../native');
const RUNS = atDepth(20_000, 200_000);
const SEED = 20261129;

test.before(build);

test.serial('each program has a file, and each file a program', (t) => {
  const shared = ['mutate', 'repair', 'support', 'wire-edit'];
  const files = readdirSync(join(native, 'fuzz')).flatMap((name) => (name.endsWith('.c') ? [name.slice(0, -2)] : []));
  t.deepEqual(files.filter((name) => !shared.includes(name)).sort(), [...HARNESSES].sort());
  const known = existsSync(CORPUS) ? readdirSync(CORPUS) : [];
  t.deepEqual(
    known.filter((name) => !HARNESSES.includes(name)),
    [],
  );
});

for (const [name, runs] of divide(RUNS, HARNESSES))
  test.serial(`${name}: no fault in ${runs} runs with seed ${SEED}`, async (t) => {
    // What is found goes to a directory of the test: one that fails adds nothing to the tree.
    const findings = join(scratch(t), 'findings');
    mkdirSync(findings);
    const known = join(CORPUS, name);
    for (const file of existsSync(known) ? readdirSync(known) : [])
      writeFileSync(join(findings, file), readFileSync(join(known, file)));
    const { executed, failed, said } = await fuzz(name, runs, SEED, { findings });
    t.false(failed, said.slice(-4000));
    t.true(executed >= runs, `${executed} runs`);
  });

/** A program with one fault planted by an edit of its source, in a copy of native/. */
function planted(directory: string, name: string, source: string, right: string, wrong: string): string {
  const copy = (part: string) => {
    mkdirSync(dirname(join(directory, part)), { recursive: true });
    // With the times, so that what is compiled already is not compiled again.
    execFileSync('cp', ['-a', join(native, '..', part), join(directory, part)]);
  };
  for (const part of ['package.json', 'schemas', 'native/Makefile', 'native/src', 'native/fuzz']) copy(part);
  for (const part of ['native/build/proto', 'native/build/fuzz']) copy(part);
  const file = join(directory, 'native', source);
  const text = readFileSync(file, 'utf8');
  if (!text.includes(right)) throw new Error(`${source} has no ${right}`);
  writeFileSync(file, text.replace(right, wrong));
  execFileSync('make', ['-s', '-C', join(directory, 'native'), 'fuzz', `FUZZED=${name}`]);
  return join(directory, 'native/build/fuzz', name);
}

const FAULTS: [title: string, name: string, source: string, right: string, wrong: string, said: RegExp][] = [
  [
    'a read past the end of a list',
    'plan',
    'src/plan-check.c',
    'placeholder->spec >= plan->head->n_specs',
    'placeholder->spec > plan->head->n_specs',
    // Whichever input comes first: one of an empty list, or of one with members.
    /src\/plan-check\.c:\d+:\d+: runtime error|AddressSanitizer: heap-buffer-overflow/,
  ],
  [
    'a descriptor that stays open',
    'receive-master',
    'src/receive-master.c',
    'close_fds(&fd, count);',
    '',
    /fault: descriptor \d+ stays open/,
  ],
  [
    'bytes of another place',
    'unread',
    'src/unread-copies.c',
    'offset += (uint64_t)got;',
    'offset += (uint64_t)got;\n\t\tchunk[0] ^= 1;',
    /fault: fuzz\/unread\.c:\d+: .*memcmp/,
  ],
];

for (const [title, name, source, right, wrong, said] of FAULTS)
  test.serial(`found: ${title}`, async (t) => {
    const directory = scratch(t);
    const findings = join(directory, 'findings');
    const program = planted(directory, name, source, right, wrong);
    const result = await fuzz(name, 20_000, SEED, { program, findings });
    t.true(result.failed);
    t.regex(result.said, said);
    t.is(result.inputs.length, 1);
    // The input shows it again, as the first of a later run.
    const again = await fuzz(name, 1, SEED, { program, findings });
    t.true(again.failed);
  });
