/** The name of a message in a sentence. Those in u begin as "unix" does. */
export function withArticle(name: string): string {
  return `${/^[aeio]/.test(name) ? 'an' : 'a'} ${name}`;
}
