import path from 'node:path';
import { messages } from '../errors/messages';
import { checkPattern } from './check-pattern';
import { hideLineBreaks } from './line-breaks';

/** True for words that take away from the others; `!(a|b)/c` is a pattern of its own. */
export function isExclusion(word: string): boolean {
  return word.startsWith('!') && word[1] !== '(';
}

interface Exclusion {
  readonly word: string;
  readonly matches: (full: string) => boolean;
  isUsed: boolean;
}

/** What `!PATTERN`s take away, whatever the others are: words, and patterns that are relative or absolute. */
export class Exclusions {
  private constructor(private readonly all: readonly Exclusion[]) {}

  /**
   * Patterns are relative to the current directory, `here`; those that begin with `**` mean what lies anywhere below
   * that, or for what lies elsewhere, anywhere below `base`, and else `/`.
   */
  static async of(words: readonly string[], here: string, base: string | undefined): Promise<Exclusions> {
    if (words.length === 0) return new Exclusions([]);
    const tops = [here, base === undefined ? '/' : path.resolve(base), '/'];
    const [{ default: fastGlob }, { default: micromatch }] = await Promise.all([
      // Loaded only here: words alone need none of it.
      import('fast-glob'),
      import('micromatch'),
    ]);
    const writeOut = (pattern: string) =>
      micromatch.braces(pattern, { expand: true, nodupes: true, keepEscaping: true });
    const compile = (pattern: string) => {
      const all = writeOut(hideLineBreaks(pattern)).map((one) => micromatch.makeRe(one, { dot: true }));
      return (text: string) => all.some((expression) => expression.test(hideLineBreaks(text)));
    };
    const matcher = (word: string): Exclusion['matches'] => {
      const pattern = word.slice(1);
      if (pattern === '') throw messages.patternEmpty();
      checkPattern(word, pattern, writeOut);
      if (!pattern.startsWith('**')) {
        const matches = compile(path.resolve(fastGlob.escapePath(here), pattern));
        return (full) => withParents(full, '/').some(matches);
      }
      const matches = compile(pattern.replace(/\/+$/, ''));
      return (full) => {
        const top = tops.find((directory) => isBelow(full, directory)) ?? '/';
        return withParents(full, top).some((place) => matches(path.relative(top, place)));
      };
    };
    return new Exclusions(words.map((word) => ({ word, matches: matcher(word), isUsed: false })));
  }

  /** Whether one of them takes this absolute path away, or a directory around it. */
  has(full: string): boolean {
    let has = false;
    for (const exclusion of this.all) {
      // Each that takes something away is to be known.
      if ((has && exclusion.isUsed) || !exclusion.matches(full)) continue;
      exclusion.isUsed = true;
      has = true;
    }
    return has;
  }

  /** Those that took nothing away. */
  unused(): string[] {
    return this.all.filter(({ isUsed }) => !isUsed).map(({ word }) => word);
  }
}

function isBelow(full: string, directory: string): boolean {
  return full.startsWith(directory === '/' ? directory : `${directory}/`);
}

/** The path and all around it, up to `top`, which is not among them. */
function withParents(full: string, top: string): string[] {
  const all: string[] = [];
  for (let place = full; place !== top && place !== '/'; place = path.dirname(place)) all.push(place);
  return all;
}
