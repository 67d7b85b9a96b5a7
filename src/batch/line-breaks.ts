/**
 * `**` of fast-glob and micromatch passes over names with a line break: their regular expressions take it for no
 * character. They get a character in its place that no text has, in names and in patterns. If a name has that one all the
 * same, it becomes a lone half of a surrogate pair, which Node.js reads in no name.
 */
const SHOWN = ['\n', '\r', '\u2028', '\u2029', '\ufdd0', '\ufdd1', '\ufdd2', '\ufdd3'];
const HIDDEN = ['\ufdd0', '\ufdd1', '\ufdd2', '\ufdd3', '\udc00', '\udc01', '\udc02', '\udc03'];

/** For a matcher. */
export function hideLineBreaks(text: string): string {
  return text.replace(/[\n\r\u2028\u2029\ufdd0-\ufdd3]/g, (one) => HIDDEN[SHOWN.indexOf(one)] as string);
}

/** What hideLineBreaks() had. */
export function showLineBreaks(text: string): string {
  return text.replace(
    /[\ufdd0-\ufdd3]|(?<![\ud800-\udbff])[\udc00-\udc03]/g,
    (one) => SHOWN[HIDDEN.indexOf(one)] as string,
  );
}
