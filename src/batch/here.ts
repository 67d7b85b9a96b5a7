import fs from 'node:fs';
import path from 'node:path';

/** What Node.js makes of bytes that are not UTF-8. */
export const REPLACEMENT = '\ufffd';

/**
 * The current directory. Node.js has its path as text, and that leads elsewhere if a name in it is not UTF-8. Such text
 * tells paths apart; what is opened goes through `reach`.
 */
export class Here {
  readonly text = process.cwd();
  private readonly leadsHere = !this.text.includes(REPLACEMENT) || leadsHere(this.text);

  /** A path that leads to what `full` means, a path that was resolved against `text`. */
  reach(full: string): string {
    return this.leadsHere ? full : path.relative(this.text, full) || '.';
  }
}

/** False for text that lost the bytes of a name, whatever has that text as its name. */
function leadsHere(text: string): boolean {
  return fs.realpathSync.native('.', 'buffer').equals(Buffer.from(text));
}
