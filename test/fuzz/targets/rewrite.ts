import fs from 'node:fs';
import path from 'node:path';
import { diff, inspect, openSource, readPlanOf, rewrite } from '../../../src';
import { allOf } from '../../support/all-of';
import { checkRewritten } from '../../support/independent';
import { askedIn, inputOf, mutatedAsked } from '../checkpoints';
import { sizeOf } from '../memory-source';
import { kindOf, outcomeOf, roughly } from '../outcome';
import { freshCheckpoint, knownCheckpoints } from '../seeds';
import { expect, Finding, type Input, type Target } from '../target';
import { expectEntries, expectUnchanged, WorkRoom, writeFiles } from '../work-room';

export interface RewriteSubject {
  readonly rewrite: typeof rewrite;
  readonly diff: typeof diff;
}

/**
 * What the second opinion cannot judge: records that protobufjs refuses and CRIU's library does not, or the reverse, and
 * descriptors that had another type than their entry in the source.
 */
const CANNOT_SAY = /cannot be checked|: type \w+ for a \w+ entry$/;

/** Rewrites into directories: OUT is explained by its plan, and whole or absent; the source stays as it was. */
export function rewriteTarget(subject: RewriteSubject = { rewrite, diff }): Target {
  const room = new WorkRoom();
  return {
    name: 'rewrite',
    share: 20,
    seeds: () => knownCheckpoints().map(inputOf),
    make: (random, pick) => {
      if (random.chance(30)) return inputOf(freshCheckpoint(random));
      return mutatedAsked(pick(), random, pick);
    },
    check: async (input) => {
      const place = room.enter();
      try {
        return await checkIn(place, input, subject);
      } finally {
        room.leave(place);
      }
    },
    close: () => room.close(),
  };
}

/** What is wrong with a source for who reads each of its images: a diff of it with a copy (with itself, it reads none), and ls. */
async function faultsOfSource(source: string, { diff }: RewriteSubject): Promise<readonly string[]> {
  const copy = `${source}-copy`;
  fs.cpSync(source, copy, { recursive: true });
  const compared = await outcomeOf('diff with a copy', async () =>
    diff(await openSource(source), await openSource(copy)),
  );
  compared.value?.close();
  const listed = await outcomeOf('ls', async () => allOf(inspect(await openSource(source))));
  return [compared.error, listed.error].flatMap((error) => error?.message ?? []);
}

async function checkIn(place: string, input: Input, subject: RewriteSubject): Promise<string> {
  const { files, specs } = askedIn(input);
  const [source, out] = [path.join(place, 'source'), path.join(place, 'out')];
  writeFiles(source, files);
  const size = sizeOf(input);
  const rewritten = await outcomeOf('rewrite', async () =>
    subject.rewrite(await openSource(source), {
      ...{ specs, out, allowUnmatched: size % 3 > 0, dropInFlight: size % 2 === 0 },
      link: size % 5 === 0 ? 'symlink' : 'copy',
    }),
  );
  expectUnchanged(source, files);
  expectEntries(place, rewritten.error === undefined ? ['source', 'out'] : ['source']);
  if (rewritten.value === undefined) return kindOf(rewritten, () => '');
  const { plan } = rewritten.value;
  const result = await outcomeOf('diff with the plan', async () =>
    subject.diff(await openSource(source), await openSource(out), { plan: await readPlanOf(out) }),
  );
  result.value?.close();
  if (result.error !== undefined) {
    // A rewrite passes over what it need not read; a diff reads all that is not one file on both sides.
    const isOfSource = (await faultsOfSource(source, subject)).includes(result.error.message);
    expect(isOfSource, () => `diff with the plan fails\n${result.error?.message}`);
    return `rewritten, and ${kindOf(result, () => '')}`;
  }
  const { unexplained, misfits } = result.value;
  expect(unexplained === 0 && misfits.length === 0, () => `${unexplained} unexplained; ${misfits.join('; ')}`);
  // The second opinion reads names as text.
  const hasTextNames = Object.keys(files).every((name) => /^[ -~]*$/.test(name));
  const problems = hasTextNames ? checkRewritten(source, out) : [];
  const told = problems.filter((line) => !CANNOT_SAY.test(line));
  if (told.length > 0 && told.length === problems.length) throw new Finding(`the second opinion: ${told.join('; ')}`);
  const about = [...plan.warnings.map(({ code }) => code), ...plan.placeholders.map(({ was }) => was.type)];
  const left = fs.readdirSync(out).length;
  return `${problems.length > 0} ${roughly(left)} ${roughly(plan.placeholders.length)} ${[...new Set(about)].sort().join(' ')}`;
}
