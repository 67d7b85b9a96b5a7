import { closest, distance } from 'fastest-levenshtein';

/** The name that was meant, most likely; undefined where none comes close. */
export function nearest(word: string, all: readonly string[]): string | undefined {
  if (all.length === 0 || word.length > 64) return undefined;
  const found = closest(
    word.toLowerCase(),
    all.map((name) => name.toLowerCase()),
  );
  const best = all.find((name) => name.toLowerCase() === found) as string;
  return distance(word.toLowerCase(), found) <= Math.max(2, Math.floor(best.length / 2)) ? best : undefined;
}

/** Advice that names the nearest of the allowed names, or, where none is near, some of them. */
export function allowedNames(word: string, names: Iterable<string>): string {
  const all = [...names];
  const near = nearest(word, all);
  const listed = all.length > 12 ? `${all.slice(0, 12).join(', ')}, …` : all.join(', ');
  return near === undefined ? `there are: ${listed}` : `did you mean "${near}"? There are: ${listed}`;
}
