import { parseSpec } from '../../../src/specs/parse-spec';
import { parseSpecs } from '../../../src/specs/parse-specs';
import { parseSpecFile } from '../../../src/specs/spec-file';
import { JSON_MUTATORS } from '../mutate/json';
import { mutated } from '../mutate/mutate';
import { kindOf, outcomeOf, roughly } from '../outcome';
import { expect, type Target } from '../target';

const SEEDS = [
  { version: 1, specs: [{ inherit: 'fd[5]:/proc/14716/fd/1', only: true }] },
  { version: 1, specs: [{ inherit: 'fd[7]:/var/log/app.log', apply: 'reopen', position: 'saved', truncate: true }] },
  { version: 1, specs: [{ inherit: 'fd[8]:pipe:[22653]', inFlight: 'drop' }, { inherit: 'debug[2]:x' }] },
  { version: 1, specs: [{ inherit: 'fd[8]:socket:[1]', nonblock: true, peer: 'hangup' }] },
];

/** Files of specs: what the schema takes are specs, and they say in JSON what the file says. */
export function specFilesTarget(parse: typeof parseSpecFile = parseSpecFile): Target {
  return {
    name: 'spec-files',
    share: 20,
    seeds: () => SEEDS.map((seed) => ({ json: Buffer.from(JSON.stringify(seed)) })),
    make: (random, pick) => ({
      json: mutated(pick().json as Buffer, JSON_MUTATORS, random, () => pick().json as Buffer),
    }),
    check: async ({ json = Buffer.alloc(0) }) => {
      const text = json.toString('utf8');
      const outcome = await outcomeOf('a file of specs', () => parse('specs.json', text));
      if (outcome.value === undefined) {
        expect(outcome.error.code === 'SPEC_FILE', () => `a file of specs fails with ${outcome.error?.code}`);
        return kindOf(outcome, () => '');
      }
      const given = (JSON.parse(text.replace(/^\ufeff/, '')) as { specs: unknown }).specs;
      expect(JSON.stringify(outcome.value) === JSON.stringify(given), 'other specs than the file has');
      const specs = outcome.value;
      const parsed = await outcomeOf('its specs', () => parseSpecs(specs, parseSpec));
      return kindOf(parsed, (all) => `${roughly(all.length)} specs`);
    },
  };
}
