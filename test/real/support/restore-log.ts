import fs from 'node:fs';
import path from 'node:path';

export const RESTORED = 'Restore finished successfully';

/** The restore.log of a directory; "" before criu makes it. */
export function restoreLog(directory: string): string {
  const log = path.join(directory, 'restore.log');
  return fs.existsSync(log) ? fs.readFileSync(log, 'latin1') : '';
}
