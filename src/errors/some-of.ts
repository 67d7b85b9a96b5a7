/** More than so many are counted. */
const MAX_NAMED = 10;

/** The first of a list, and how many more there are. */
export function someOf(texts: Iterable<string | number>): string {
  return someAndCount(texts).some;
}

/** The same, with the count of all. Holds none but the first, since there can be millions. */
export function someAndCount(texts: Iterable<string | number>): { some: string; count: number } {
  const first: (string | number)[] = [];
  let count = 0;
  for (const text of texts) {
    if (count < MAX_NAMED) first.push(text);
    count += 1;
  }
  const more = count > MAX_NAMED ? ` and ${count - MAX_NAMED} more` : '';
  return { some: first.join(', ') + more, count };
}
