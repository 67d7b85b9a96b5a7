import { BYTE_MUTATORS } from './bytes';
import { type Mutator, oneOf, splice } from './mutate';

/** Changes of text that put in the words of its language. */
export function textMutators(words: readonly string[]): readonly Mutator[] {
  const insert: Mutator = (text, random) => {
    const at = random.below(text.length + 1);
    return splice(text, at, at, Buffer.from(oneOf(words, random)));
  };
  const replace: Mutator = (text, random) => {
    const at = random.below(text.length + 1);
    const end = Math.min(text.length, at + 1 + random.below(4));
    return splice(text, at, end, Buffer.from(oneOf(words, random)));
  };
  const otherNumber: Mutator = (text, random) => {
    const numbers = [...text.toString('latin1').matchAll(/\d+/g)];
    if (numbers.length === 0) return text;
    const { index, 0: digits } = oneOf(numbers, random);
    const to = oneOf(['0', '1', '7', '05', '2147483647', '2147483648', '4294967296', '1e3', `${digits}0`], random);
    return splice(text, index, index + digits.length, Buffer.from(to));
  };
  const raw: Mutator = (text, random, other) => oneOf(BYTE_MUTATORS, random)(text, random, other);
  return [insert, insert, replace, replace, otherNumber, raw];
}
