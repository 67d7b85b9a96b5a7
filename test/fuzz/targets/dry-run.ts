import { isDeepStrictEqual } from 'node:util';
import { planToJson, rewrite } from '../../../src';
import { encodePlan } from '../../../src/plan/encode-plan';
import { readPlan } from '../../../src/plan/read-plan';
import { askedIn, inputOf, mutatedAsked } from '../checkpoints';
import { memorySource, sizeOf } from '../memory-source';
import { Meter } from '../meter';
import { kindOf, outcomeOf, roughly } from '../outcome';
import { freshCheckpoint, knownCheckpoints } from '../seeds';
import { expect, type Target } from '../target';

const LIMITS = { passes: 12, allocatedTo: { base: 16 << 20, perByte: 1000 } };

/** Rewrites that write nothing: the same plan each time, which can be written and read. */
export function dryRunTarget(run: typeof rewrite = rewrite): Target {
  return {
    name: 'dry-run',
    share: 120,
    seeds: () => knownCheckpoints().map(inputOf),
    make: (random, pick) => mutatedAsked(random.chance(10) ? inputOf(freshCheckpoint(random)) : pick(), random, pick),
    check: async (input) => {
      const { files, specs } = askedIn(input);
      const size = sizeOf(input);
      const once = async () => {
        const meter = new Meter();
        const source = memorySource(files, meter);
        const allowUnmatched = size % 2 === 0;
        const outcome = await outcomeOf('a dry run', () =>
          run(source, { specs, allowUnmatched, dropInFlight: size % 3 === 0 }),
        );
        meter.check('a dry run', size, LIMITS);
        return outcome;
      };
      const first = await once();
      const second = await once();
      expect(first.error?.message === second.error?.message, () => `another error again: ${second.error?.message}`);
      if (first.value === undefined || second.value === undefined) return kindOf(first, () => '');
      const { plan } = first.value;
      const bytes = Buffer.concat(encodePlan(plan));
      expect(bytes.equals(Buffer.concat(encodePlan(second.value.plan))), 'another plan again');
      const read = await readPlan(new Meter().reader(bytes), 'inherit-plan.img');
      const asJson = (value: typeof plan) => JSON.parse(JSON.stringify(planToJson(value)));
      expect(isDeepStrictEqual(asJson(read), asJson(plan)), 'the plan says something else when it is read');
      const about = [...plan.warnings.map(({ code }) => code), ...plan.placeholders.map(({ was }) => was.type)];
      return `${roughly(plan.placeholders.length)} ${[...new Set(about)].sort().join(' ')}`;
    },
  };
}
