import { diff } from '../../../src';
import { filesIn, mutatedFiles, partsOf } from '../checkpoints';
import { memorySource, sizeOf } from '../memory-source';
import { Meter } from '../meter';
import { kindOf, type Outcome, outcomeOf, roughly } from '../outcome';
import { freshCheckpoint, knownCheckpoints } from '../seeds';
import { expect, type Input, type Target } from '../target';
import { mirrored, type Told, toldOf } from './told';

const LIMITS = { passes: 30, allocatedTo: { base: 32 << 20, perByte: 2000 } };

function sameFiles(a: Input, b: Input): boolean {
  const names = Object.keys(a);
  if (names.length !== Object.keys(b).length) return false;
  return names.every((name) => b[name] !== undefined && (a[name] as Buffer).equals(b[name]));
}

/** Pairs of checkpoints: one is the same as itself, and from B to A all is the other way round. */
export function diffCheckpointsTarget(compare: typeof diff = diff): Target {
  return {
    name: 'diff-checkpoints',
    share: 50,
    seeds: () => knownCheckpoints().map(({ files }) => ({ ...partsOf('a', files), ...partsOf('b', files) })),
    make: (random, pick) => {
      const fresh = random.chance(5) ? freshCheckpoint(random).files : undefined;
      const picked = fresh === undefined ? pick() : {};
      const other = () => filesIn(random.chance(50) ? 'a' : 'b', pick());
      const a = fresh ?? filesIn('a', picked);
      const b = fresh ?? filesIn('b', picked);
      const changed = random.chance(20) ? mutatedFiles(a, random, other) : a;
      return { ...partsOf('a', changed), ...partsOf('b', mutatedFiles(b, random, other)) };
    },
    check: async (input) => {
      const [a, b] = [filesIn('a', input), filesIn('b', input)];
      const ignoreIds = sizeOf(input) % 3 === 0;
      const graph = sizeOf(input) % 2 === 0;
      const told = async (before: Input, after: Input): Promise<Outcome<Told>> => {
        const meter = new Meter();
        const options = { ignoreIds, graph };
        const outcome = await outcomeOf('diff', () =>
          toldOf(compare(memorySource(before, meter), memorySource(after, meter), options)),
        );
        meter.check('diff', sizeOf(before) + sizeOf(after), LIMITS);
        return outcome;
      };
      const there = await told(a, b);
      const back = await told(b, a);
      const self = await told(a, a);
      expect(self.value?.isSame !== false, 'a checkpoint differs from itself');
      expect((there.error === undefined) === (back.error === undefined), () => `from B to A: ${back.error?.message}`);
      if (there.value === undefined || back.value === undefined) return kindOf(there, () => '');
      if (!ignoreIds) expect(there.value.isSame === sameFiles(a, b), () => `isSame is ${there.value?.isSame}`);
      const [forth, turned] = [there.value.lines, mirrored(back.value)];
      expect(
        String(forth) === String(turned),
        () => `A to B:\n${forth.join('\n')}\nB to A, turned:\n${turned.join('\n')}`,
      );
      const kinds = new Set(there.value.differences.map((one) => `${one.what} ${'change' in one ? one.change : ''}`));
      return `${ignoreIds} ${[...kinds].sort().join(', ')} ${roughly(forth.length)}`;
    },
  };
}
