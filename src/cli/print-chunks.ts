import type { Context } from './context';

/** What is printed at once, in characters. */
const CHUNK = 1 << 14;

/** Prints text that comes in chunks, as long as anyone reads it. */
export async function printChunks(context: Context, chunks: Iterable<string>): Promise<boolean> {
  let text = '';
  for (const chunk of chunks) {
    text += chunk;
    if (text.length < CHUNK) continue;
    if (!(await context.print(text))) return false;
    text = '';
  }
  return text === '' || context.print(text);
}
