/** More than so many are counted. */
const MAX_NAMED = 10;

/** The first of a list, and how many more there are. */
export function someOf(texts: readonly (string | number)[]): string {
  const more = texts.length > MAX_NAMED ? ` and ${texts.length - MAX_NAMED} more` : '';
  return texts.slice(0, MAX_NAMED).join(', ') + more;
}
