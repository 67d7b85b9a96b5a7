import { escapeControls } from '../../bytes/escape';

const ENTITIES: { readonly [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * Text for the content of an element and for an attribute in quotes. All text of a page goes through this: names in
 * images are those of whoever made the processes. Characters that turn the reading direction are written as \xHH.
 */
export function escapeHtml(text: string): string {
  return escapeControls(text).replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
}

/** The first of a text, and how much there is of the rest: a page has an end. */
export function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  const left = text.length - most;
  return `${wholeCharacters(text.slice(0, most))}… and ${left} ${left === 1 ? 'character' : 'characters'} more`;
}

/** A text in so many columns at most, without its middle where that is too little: the ends of paths tell more. */
export function toColumns(text: string, columns: number): string {
  const characters = [...escapeControls(text)];
  if (columnsOf(characters) <= columns) return characters.join('');
  const [head, tail]: [string[], string[]] = [[], []];
  let room = columns - 1;
  for (let i = 0; room > 0; i += 1) {
    // Two of the end for each of the beginning.
    const fromHead = i % 3 === 0;
    const next = (fromHead ? characters.shift() : characters.pop()) as string;
    room -= columnsOf([next]);
    if (room < 0) break;
    if (fromHead) head.push(next);
    else tail.unshift(next);
  }
  return `${head.join('')}…${tail.join('')}`;
}

/** What East Asian scripts and pictures take in a font of one width. */
function columnsOf(characters: readonly string[]): number {
  return characters.reduce((sum, character) => sum + ((character.codePointAt(0) ?? 0) >= 0x1100 ? 2 : 1), 0);
}

/** A character of two halves that was cut in between would be none. */
function wholeCharacters(text: string): string {
  return text.replace(/[\ud800-\udbff]$/, '');
}
