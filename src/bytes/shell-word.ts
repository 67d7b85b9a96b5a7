import { escapeControls } from './escape';

/** Quoted so that a shell passes it on as it is. */
export function shellQuote(text: string): string {
  return `'${text.includes("'") ? text.replaceAll("'", "'\\''") : text}'`;
}

/** The same, without quotes where none are needed. Control characters are written the way of bash and zsh. */
export function shellWord(text: string): string {
  if (escapeControls(text) !== text) return `$'${escapeForAnsiQuotes(text)}'`;
  return /^[\w./:@%+,-][\w./:=@%+,-]*$/.test(text) ? text : shellQuote(text);
}

function escapeForAnsiQuotes(text: string): string {
  return escapeControls(text.replace(/[\\']/g, '\\$&'));
}
