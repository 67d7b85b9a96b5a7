import type { Context } from './context';

/** What is printed at once, in characters. */
const PIECE = 1 << 14;

/** Prints text that comes in pieces, as long as anyone reads it. */
export async function printPieces(context: Context, pieces: Iterable<string>): Promise<boolean> {
  let text = '';
  for (const piece of pieces) {
    text += piece;
    if (text.length < PIECE) continue;
    if (!(await context.print(text))) return false;
    text = '';
  }
  return text === '' || context.print(text);
}
