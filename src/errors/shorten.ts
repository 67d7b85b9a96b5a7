/** Longer than any path of Linux; what is longer is no help to a reader. */
const SHOWN_CHARACTERS = 8192;
const SHOWN_OF_LONG = 512;

/** Text for people: what is longer than SHOWN_CHARACTERS becomes its beginning, its end and its length. */
export function shortenText(text: string): string {
  const { length } = text;
  if (length <= SHOWN_CHARACTERS) return text;
  const [start, end] = [text.slice(0, SHOWN_OF_LONG), text.slice(-SHOWN_OF_LONG)];
  return `${start.replace(/[\ud800-\udbff]$/, '')}… (${length} characters) …${end.replace(/^[\udc00-\udfff]/, '')}`;
}

/** The same for each line. */
export function shortenLines(text: string): string {
  if (text.length <= SHOWN_CHARACTERS) return text;
  return text.split('\n').map(shortenText).join('\n');
}
