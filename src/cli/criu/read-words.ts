import { messages } from '../../errors/messages';
import { LONG_OPTIONS, SHORT_OPTIONS, type Value } from './options';

/** An option of a line. */
export interface CriuOption {
  /** The full name of the long option that means this. */
  readonly name: string;
  /** Undefined where none was given. */
  readonly value: string | undefined;
  /** The words that say it, for the options alone that are passed on: as they were given, or one of several in a word. */
  readonly words: readonly string[];
}

export interface CriuLine {
  readonly options: readonly CriuOption[];
  /** Words that are no options, in their order. */
  readonly operands: readonly string[];
  /** The words behind `--`; undefined if there is none. */
  readonly behind: readonly string[] | undefined;
}

/** Options that a program has beside criu's: by their full names alone, so that criu's abbreviations mean the same. */
export type OwnOptions = ReadonlyMap<string, Value>;

/**
 * Reads words as criu does, by getopt_long: short options in one word, values in the same word or the next one, long
 * options cut short where that is not ambiguous, operands anywhere. `where`: how messages name the line. Throws
 * FdgraftError (USAGE).
 */
export function readCriuWords(words: readonly string[], where: string, own: OwnOptions = new Map()): CriuLine {
  const options: CriuOption[] = [];
  const operands: string[] = [];
  const isPosix = process.env.POSIXLY_CORRECT !== undefined;
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') return { options, operands, behind: rest };
    if (word.startsWith('--')) options.push(readLong(word, rest, where, own));
    else if (word.startsWith('-') && word !== '-') options.push(...readShort(word, rest, where));
    else {
      operands.push(word);
      // getopt_long of glibc stops there then.
      if (isPosix) operands.push(...rest.splice(0));
    }
  }
  return { options, operands, behind: undefined };
}

function readLong(word: string, rest: string[], where: string, own: OwnOptions): CriuOption {
  const [, given = '', attached] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
  const [name, kind] = findLong(given, where, own);
  if (kind === 'none' && attached !== undefined) throw messages.criuOptionHasValue(where, `--${name}`, attached);
  if (kind !== 'required' || attached !== undefined) return { name, value: attached, words: [word] };
  const value = rest.shift();
  if (value === undefined) throw messages.criuOptionNeedsValue(where, `--${name}`);
  return { name, value, words: [word, value] };
}

function findLong(given: string, where: string, own: OwnOptions): [string, Value] {
  const exact = LONG_OPTIONS.get(given) ?? own.get(given);
  if (exact !== undefined) return [given, exact];
  const longer = [...LONG_OPTIONS].filter(([name]) => name.startsWith(given));
  const [first, ...others] = longer;
  if (first === undefined) throw messages.criuOptionUnknown(where, `--${given}`);
  if (others.length > 0) {
    throw messages.criuOptionAmbiguous(
      where,
      `--${given}`,
      longer.map(([name]) => `--${name}`),
    );
  }
  return first;
}

function readShort(word: string, rest: string[], where: string): CriuOption[] {
  const options: CriuOption[] = [];
  for (let at = 1; at < word.length; at += 1) {
    const letter = word[at] as string;
    const known = Object.hasOwn(SHORT_OPTIONS, letter) ? SHORT_OPTIONS[letter] : undefined;
    if (known === undefined) throw messages.criuOptionUnknown(where, `-${letter}`);
    const { name, value: kind } = known;
    if (kind === 'none') {
      options.push({ name, value: undefined, words: [`-${letter}`] });
      continue;
    }
    const attached = word.slice(at + 1);
    if (attached !== '' || kind === 'optional') {
      options.push({ name, value: attached === '' ? undefined : attached, words: [`-${letter}${attached}`] });
      return options;
    }
    const value = rest.shift();
    if (value === undefined) throw messages.criuOptionNeedsValue(where, `-${letter}`);
    options.push({ name, value, words: [`-${letter}`, value] });
  }
  return options;
}
