import { isDeepStrictEqual } from 'node:util';
import { imageInfo, planToJson, rewrite } from '../../../src';
import { encodePlan } from '../../../src/plan/encode-plan';
import type { Plan } from '../../../src/plan/plan';
import { planChunks } from '../../../src/plan/plan-json';
import { readPlan } from '../../../src/plan/read-plan';
import { memorySource } from '../memory-source';
import { Meter } from '../meter';
import { IMAGE_MUTATORS } from '../mutate/frames';
import { mutated } from '../mutate/mutate';
import { kindOf, outcomeOf, roughly } from '../outcome';
import { knownCheckpoints } from '../seeds';
import { expect, type Target } from '../target';

export interface PlanSubject {
  readonly read: typeof readPlan;
  readonly encode: typeof encodePlan;
}

const LIMITS = { passes: 1, allocatedTo: { base: 4 << 20, perByte: 200 } };

/** Plans: read or refused; what is read says the same when it is written and read again. */
export function plansTarget({ read, encode }: PlanSubject = { read: readPlan, encode: encodePlan }): Target {
  return {
    name: 'plans',
    share: 100,
    seeds: async () => {
      const seeds = [];
      for (const { files, specs } of knownCheckpoints()) {
        const { value } = await outcomeOf('a dry run', () =>
          rewrite(memorySource(files, new Meter()), { specs, allowUnmatched: true, dropInFlight: true }),
        );
        if (value !== undefined) seeds.push({ plan: Buffer.concat(encodePlan(value.plan)) });
      }
      return seeds;
    },
    make: (random, pick) => ({
      plan: mutated(pick().plan as Buffer, IMAGE_MUTATORS, random, () => pick().plan as Buffer),
    }),
    check: async ({ plan: image = Buffer.alloc(0) }) => {
      const meter = new Meter();
      const outcome = await outcomeOf('reading a plan', () => read(meter.reader(image), 'inherit-plan.img'));
      meter.check('reading a plan', image.length, LIMITS);
      if (outcome.value === undefined) return kindOf(outcome, () => '');
      const plan = outcome.value;
      const json = asJson(plan);
      JSON.parse([...planChunks(plan)].join(''));
      const info = await outcomeOf('info of a plan', () => imageInfo(new Meter().reader(image), { name: 'x.img' }));
      expect(
        info.value !== undefined && 'count' in info.value && info.value.count === plan.placeholders.length,
        'info',
      );
      const written = await outcomeOf('writing a plan', () => Buffer.concat(encode(plan)));
      if (written.value === undefined) return `read, and ${kindOf(written, () => '')}`;
      const again = await read(new Meter().reader(written.value), 'inherit-plan.img');
      expect(isDeepStrictEqual(asJson(again), json), 'written and read again, it is another plan');
      return `${roughly(plan.placeholders.length)} placeholders, format ${plan.format}`;
    },
  };
}

/** Without what has no order, such as references that are made when they are asked for. */
function asJson(plan: Plan): unknown {
  return JSON.parse(JSON.stringify(planToJson(plan)));
}
