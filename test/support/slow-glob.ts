/** What globs mean, by the regular expressions of the language, without a line of src/. */

/** All that the braces of a pattern stand for, written out. */
export function expand(pattern: string): string[] {
  const open = pattern.indexOf('{');
  if (open === -1) return [pattern];
  const choices: string[] = [''];
  let depth = 0;
  for (let at = open + 1; ; at += 1) {
    const character = pattern[at] as string;
    if (depth === 0 && character === '}') {
      const [before, after] = [pattern.slice(0, open), pattern.slice(at + 1)];
      return choices.flatMap((choice) => expand(before + choice + after));
    }
    if (character === '{') depth += 1;
    if (character === '}') depth -= 1;
    if (depth === 0 && character === ',') choices.push('');
    else choices[choices.length - 1] += character;
  }
}

/** The same meaning, by the regular expressions of the language. */
function toRegExp(pattern: string): RegExp {
  const source = pattern.replace(/(^|\/)\*{2,}\/|\*+|[?]|\[[^\]]*\]|[^*?[]/g, (piece, slash) => {
    if (slash !== undefined) return `${slash}§`;
    if (piece[0] === '*') return piece.length > 1 ? '[^]*' : '[^/]*';
    if (piece === '?') return '[^/]';
    return piece.startsWith('[!') ? `[^/${piece.slice(2)}` : piece;
  });
  // What begins right behind a double star between slashes has a slash before it, too.
  const whole = source.replaceAll('§', '(?:[^]*/)?');
  return new RegExp(`^(?:${whole})$`);
}

/**
 * Whether a path matches. A double star between slashes that follows another one shares their slash, which one
 * replacement cannot take twice.
 */
export function matchesSlowly(pattern: string, path: string): boolean {
  return expand(pattern).some((one) => toRegExp(one.replace(/(^|\/)(\*{2,}\/)+/g, '$1**/')).test(path));
}
