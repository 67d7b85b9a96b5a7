/** Faults that are put in on purpose: each oracle has to see those of its target. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import { decodeImage, diff, diffImages, encodeImage, FdgraftError, inspect, rewrite } from '../../src';
import { encodePlan } from '../../src/plan/encode-plan';
import { readPlan } from '../../src/plan/read-plan';
import { Glob } from '../../src/specs/glob';
import { parseSpec } from '../../src/specs/parse-spec';
import { parseSpecFile } from '../../src/specs/spec-file';
import { editFields, patchRecord } from '../../src/wire/patch';
import { keepInput, keptInputs } from './corpus';
import { countBuffers } from './meter';
import { minimised, problemOf } from './minimise';
import { runStretch } from './run';
import type { Target } from './target';
import { archivesTarget } from './targets/archives';
import { CONVERSIONS, decodeTarget } from './targets/decode';
import { diffCheckpointsTarget } from './targets/diff-checkpoints';
import { diffImagesTarget } from './targets/diff-images';
import { dryRunTarget } from './targets/dry-run';
import { encodeTarget } from './targets/encode';
import { framesTarget } from './targets/frames';
import { globTarget } from './targets/glob';
import { listingTarget } from './targets/listing';
import { plansTarget } from './targets/plans';
import { rewriteTarget } from './targets/rewrite';
import { sequenceTarget } from './targets/sequence';
import { specFilesTarget } from './targets/spec-files';
import { specsTarget } from './targets/specs';
import { wireTarget } from './targets/wire';

countBuffers();

/** Something to be read by hand: only what an oracle looks at is in it. */
const after =
  <Args extends unknown[], T>(
    call: (...args: Args) => Promise<T>,
    change: (value: T, ...args: Args) => T | Promise<T>,
  ) =>
  async (...args: Args): Promise<T> =>
    change(await call(...args), ...args);

/** Leaves something behind in OUT, behind the back of the plan. */
const spoiled = (spoil: (out: string) => void): typeof rewrite =>
  after(rewrite, (result, _source, { out }) => {
    if (out !== undefined) spoil(out);
    return result;
  });

const addFile = (out: string) => fs.writeFileSync(path.join(out, 'notes'), 'nobody asked for it');

const FAULTS: [what: string, make: () => Target, problem: RegExp][] = [
  [
    'an edit of a field goes to the end',
    () =>
      wireTarget({
        edit: editFields,
        patch: (bytes, start, end, [edit]) => {
          const rest = patchRecord(bytes, start, end, [{ ...edit, replacement: Buffer.alloc(0) } as never]);
          return Buffer.concat([rest, edit?.replacement ?? Buffer.alloc(0)]);
        },
      }),
    /is patched to/,
  ],
  [
    'an edit drops unknown fields',
    () =>
      wireTarget({
        patch: patchRecord,
        edit: (bytes, start, end) =>
          editFields(bytes, start, end, ({ number }) => (number > 30 ? Buffer.alloc(0) : undefined)),
      }),
    /an edit of nothing changes/,
  ],
  [
    'a reader that loses the last record',
    () => framesTarget(async (image) => ({ records: 0, bytes: image.subarray(0, 8) })),
    /not the image/,
  ],
  [
    'a reader that reads all of it twice',
    () =>
      framesTarget(async (image, most, meter) => {
        for (let i = 0; i < 2; i += 1) {
          const reader = meter.reader(image, most);
          const into = Buffer.alloc(image.length + 1);
          while ((await reader.read(into, 0, into.length)) > 0);
        }
        return { records: 0, bytes: image };
      }),
    /bytes read of/,
  ],
  [
    'a reader with a buffer as large as a size that is claimed',
    () =>
      framesTarget(async (image) => {
        if (image.length >= 12) Buffer.alloc(Math.min(image.readUInt32LE(8), 1 << 26));
        return { records: 0, bytes: image };
      }),
    /buffers of/,
  ],
  [
    'a TypeError',
    () =>
      framesTarget(async (image) => {
        if (image.length < 8) return (undefined as unknown as { frames: never }).frames;
        return { records: 0, bytes: image };
      }),
    /throws TypeError/,
  ],
  [
    'an exit code that is none of bad input',
    () =>
      framesTarget(async () => {
        throw new FdgraftError({ code: 'IMAGE_TRUNCATED', problem: 'is cut off', hint: 'dump again', exitCode: 1 });
      }),
    /exit code/,
  ],
  [
    'an error without a hint',
    () =>
      framesTarget(async () => {
        throw new FdgraftError({ code: 'IMAGE_TRUNCATED', problem: 'is cut off' });
      }),
    /no message or hint/,
  ],
  [
    'decode without fields that no schema knows',
    () =>
      decodeTarget({
        ...CONVERSIONS,
        decode: (image, json, options) => {
          const chunks: Buffer[] = [];
          const write = async (bytes: Uint8Array) => void chunks.push(Buffer.from(bytes));
          return decodeImage(image, { write }, options).then(() =>
            json.write(
              Buffer.from(
                Buffer.concat(chunks)
                  .toString()
                  .replace(/, "_wire": "[^"]*"/g, ''),
              ),
            ),
          );
        },
      }),
    /does not give the image back/,
  ],
  [
    'encode that ends each image with a byte more',
    () =>
      encodeTarget({
        ...CONVERSIONS,
        encode: async (json, image, options) => {
          await encodeImage(json, image, options);
          await image.write(Buffer.from([0]));
        },
      }),
    /not the same image again/,
  ],
  [
    'specs without their last character',
    () =>
      specsTarget((given) => {
        const spec = parseSpec(given);
        return { ...spec, text: spec.text.slice(0, -1) };
      }),
    /the text is/,
  ],
  [
    'a glob in which a star crosses slashes',
    () => globTarget((pattern) => new Glob(pattern.replaceAll('*', '**'))),
    /matches/,
  ],
  [
    'a file of specs of which the last is lost',
    () => specFilesTarget((file, text) => parseSpecFile(file, text).slice(0, -1)),
    /other specs/,
  ],
  [
    'a plan that loses its warnings',
    () =>
      plansTarget({
        read: readPlan,
        encode: (plan) => encodePlan({ ...plan, warnings: [] }),
      }),
    /another plan/,
  ],
  [
    'a diff of images that sees what is added alone',
    () =>
      diffImagesTarget(
        after(diffImages, (result) => ({
          ...result,
          differences: async function* () {
            for await (const one of result.differences()) if ('change' in one && one.change === 'added') yield one;
          },
        })),
      ),
    /disagree|from|A to B/i,
  ],
  [
    'a diff of checkpoints that says that all is the same',
    () => diffCheckpointsTarget(after(diff, (result) => ({ ...result, isSame: true }))),
    /isSame is true/,
  ],
  [
    'keys that take something else',
    () =>
      listingTarget({
        inspect: (source) => inspect(source),
        rewrite: (source) =>
          rewrite(source, { specs: ['fd[5]:/proc/*/fd/0'], allowUnmatched: true, dropInFlight: true }),
      }),
    /takes/,
  ],
  [
    'a list that says something twice',
    () =>
      listingTarget({
        rewrite,
        inspect: async function* (source) {
          for await (const line of inspect(source)) yield* [line, line];
        },
      }),
    /listed twice/,
  ],
  [
    'a plan that depends on the run',
    () => {
      let runs = 0;
      return dryRunTarget(
        after(rewrite, (result) => {
          runs += 1;
          return { ...result, plan: { ...result.plan, tool: `run ${runs}` } };
        }),
      );
    },
    /another plan again/,
  ],
  ['a file that the plan does not know', () => rewriteTarget({ diff, rewrite: spoiled(addFile) }), /unexplained/],
  [
    'the same, and a diff that sees nothing',
    () =>
      rewriteTarget({
        rewrite: spoiled(addFile),
        diff: after(diff, (result) => ({ ...result, unexplained: 0, misfits: [] })),
      }),
    /the second opinion/,
  ],
  [
    'a change of the source',
    () =>
      rewriteTarget({
        diff,
        rewrite: after(rewrite, (result, source) => {
          fs.appendFileSync(path.join(String(source.directory), 'inventory.img'), 'x');
          return result;
        }),
      }),
    /source was changed/,
  ],
  [
    'something half-made that stays',
    () =>
      rewriteTarget({
        diff,
        rewrite: spoiled((out) => fs.writeFileSync(path.join(path.dirname(out), '.half'), '')),
      }),
    /left behind/,
  ],
  [
    'an archive with another time of a member',
    () =>
      archivesTarget(
        spoiled((out) => {
          const bytes = fs.readFileSync(out);
          if (bytes[0] === 0x1f) return;
          // Two digits of its time, so that the checksum stays right.
          [bytes[137], bytes[138]] = [bytes[138] as number, bytes[137] as number];
          fs.writeFileSync(out, bytes);
        }),
      ),
    /was changed/,
  ],
  ['an executor that is killed', () => sequenceTarget(() => ({ status: null, stderr: '' })), /status null/],
  [
    'an executor that cannot read the plan',
    () =>
      sequenceTarget(() => ({
        status: 100,
        stderr: 'fdgraft-exec: the plan inherit-plan.img is damaged\n',
      })),
    /damaged/,
  ],
];

const SEED = 1;
/** A fault of anything shows itself in so many inputs. */
const ENOUGH = 600;
const AT_ONCE = 600;

for (const [what, make, problem] of FAULTS) {
  test.serial(`${what} is found`, async (t) => {
    const target = make();
    try {
      let found: string[] = [];
      for (let from = 0; from < ENOUGH && !found.some((one) => problem.test(one)); from += target.share) {
        const { findings } = await runStretch(target, { seed: SEED, from, runs: Math.min(target.share, AT_ONCE) });
        found = findings.map((finding) => finding.problem);
      }
      t.true(
        found.some((one) => problem.test(one)),
        found.join('\n'),
      );
    } finally {
      target.close?.();
    }
  });
}

test.serial('what is found is made smaller, is kept, and is found again', async (t) => {
  const corpus = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-corpus-'));
  t.teardown(() => fs.rmSync(corpus, { recursive: true }));
  const fault = (image: Buffer) => image.includes('FUZZ');
  const target: Target = {
    name: 'small',
    share: 10,
    seeds: () => [
      { image: Buffer.from(`${'before '.repeat(20)}FUZZ${' behind'.repeat(20)}`), other: Buffer.from('x') },
    ],
    make: (_random, pick) => pick(),
    check: async ({ image = Buffer.alloc(0) }) => {
      if (fault(image)) throw new TypeError('a fault');
      return '';
    },
  };
  const { findings } = await runStretch(target, { seed: SEED, from: 0, runs: 10 });
  const [finding, ...others] = findings;
  t.deepEqual(others, []);
  const smaller = await minimised(target, finding?.input ?? {}, finding?.problem ?? '');
  t.deepEqual(smaller, { image: Buffer.from('FUZZ') });
  keepInput(corpus, target.name, smaller, 'a fault');
  const [kept, ...more] = keptInputs(corpus, target.name);
  t.deepEqual([kept?.input, more], [{ image: Buffer.from('FUZZ') }, []]);
  t.regex((await problemOf(target, kept?.input ?? {})) ?? '', /a fault/);
});

test.serial('a stretch gives the same inputs whoever runs it', async (t) => {
  const inputsOf = async (from: number, runs: number) => {
    const seen: string[] = [];
    const { check, ...rest } = specsTarget();
    const target = {
      ...rest,
      share: 50,
      check: async (input: { [part: string]: Buffer }) => {
        seen.push(String(input.spec));
        return check(input);
      },
    };
    await runStretch(target, { seed: SEED, from, runs });
    return seen;
  };
  const whole = await inputsOf(50, 50);
  t.deepEqual(await inputsOf(50, 50), whole);
  // One of them: those before it in the round are run, too.
  t.is((await inputsOf(80, 1)).at(-1), whole.at(whole.length - 50 + 30));
});
