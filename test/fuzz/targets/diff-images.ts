import { diffImages } from '../../../src';
import { Meter } from '../meter';
import { IMAGE_MUTATORS } from '../mutate/frames';
import { mutated } from '../mutate/mutate';
import { kindOf, type Outcome, outcomeOf, roughly } from '../outcome';
import { freshImage, knownImages } from '../seeds';
import { expect, type Input, type Target } from '../target';
import { mirrored, type Told, toldOf } from './told';

export type DiffImages = typeof diffImages;

const LIMITS = { passes: 1, allocatedTo: { base: 8 << 20, perByte: 600 } };

/** Pairs of images: an image is the same as itself, and from B to A all is the other way round. */
export function diffImagesTarget(diff: DiffImages = diffImages): Target {
  return {
    name: 'diff-images',
    share: 400,
    seeds: () => knownImages().map(({ name, bytes }) => ({ name: Buffer.from(name), a: bytes, b: bytes })),
    make: (random, pick): Input => {
      const fresh = random.chance(3) ? freshImage(random) : undefined;
      const { name, a, b } = fresh ? { name: Buffer.from(fresh.name), a: fresh.bytes, b: fresh.bytes } : pick();
      const change = (bytes: Buffer) =>
        mutated(bytes, IMAGE_MUTATORS, random, () => (random.chance(50) ? pick().a : a) as Buffer);
      const [first, second] = [a as Buffer, b as Buffer];
      return { name: name as Buffer, a: random.chance(30) ? change(first) : first, b: change(second) };
    },
    check: async ({ name: given = Buffer.alloc(0), a = Buffer.alloc(0), b = Buffer.alloc(0) }) => {
      const name = given.toString('utf8');
      const ignoreIds = (a.length + b.length) % 3 === 0;
      const compare = async (before: Buffer, after: Buffer): Promise<Outcome<Told>> => {
        const meter = new Meter();
        const lone = (bytes: Buffer) => ({ name, reader: meter.reader(bytes) });
        const outcome = await outcomeOf('diff', () => toldOf(diff(lone(before), lone(after), { ignoreIds })));
        meter.check('diff', before.length + after.length, LIMITS);
        return outcome;
      };
      const there = await compare(a, b);
      const back = await compare(b, a);
      const self = await compare(a, a);
      expect(
        self.value?.isSame !== false && (self.value?.differences.length ?? 0) === 0,
        'an image differs from itself',
      );
      expect((there.error === undefined) === (back.error === undefined), () => `from B to A: ${back.error?.message}`);
      if (there.value === undefined || back.value === undefined) return kindOf(there, () => '');
      if (!ignoreIds) expect(there.value.isSame === a.equals(b), () => `isSame is ${there.value?.isSame}`);
      expect(there.value.isSame === (there.value.differences.length === 0), 'isSame and the differences disagree');
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
