/** A word of a line, and what is known of its end. */
export interface ShellWord {
  readonly value: string;
  readonly isEmpty: boolean;
  /** The quote that is open at the end. */
  readonly quote: '' | "'" | '"';
  /** The offset in `value` of the part that readline replaces. */
  readonly cut: number;
}

/**
 * The words of a line as a shell reads it up to the cursor; the last one is that at the cursor. ~ and variables of the
 * environment are replaced. Nothing is ever run: a command substitution stays as it is written.
 */
export function splitLine(line: string, breaks = ''): ShellWord[] {
  const words: ShellWord[] = [];
  let value = '';
  let isEmpty = true;
  let quote: ShellWord['quote'] = '';
  let cut = 0;
  const end = () => {
    words.push({ value, isEmpty, quote, cut });
    value = '';
    isEmpty = true;
    cut = 0;
  };
  for (let at = 0; at < line.length; at += 1) {
    const letter = line[at] as string;
    if (quote === '' && /\s/.test(letter)) {
      if (!isEmpty) end();
      continue;
    }
    const first = isEmpty;
    isEmpty = false;
    if (letter === quote) quote = '';
    else if (quote === '' && (letter === "'" || letter === '"')) {
      quote = letter;
      cut = value.length;
    } else if (letter === '\\' && quote !== "'") {
      const next = line[at + 1] ?? '';
      value += quote === '"' && !/[$`"\\]/.test(next) ? `\\${next}` : next;
      at += 1;
    } else if (letter === '$' && quote !== "'") {
      const [whole = letter, braced, plain] = /^\$(?:\{(\w+)\}|(\w+))/.exec(line.slice(at)) ?? [];
      const name = braced ?? plain;
      value += name === undefined ? whole : (process.env[name] ?? '');
      at += whole.length - 1;
    } else if (letter === '~' && first && /^~(?:\/|\s|$)/.test(line.slice(at))) value += process.env.HOME ?? letter;
    else {
      value += letter;
      if (quote === '' && breaks.includes(letter)) cut = value.length;
    }
  }
  end();
  return words;
}
