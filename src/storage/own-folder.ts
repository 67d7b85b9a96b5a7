import fs from 'node:fs';
import path from 'node:path';

/** The folder of this package, whether its code runs as it was written, translated, or in one file. */
export function ownFolder(): string {
  let folder = __dirname;
  while (!fs.existsSync(path.join(folder, 'package.json'))) {
    const above = path.dirname(folder);
    if (above === folder) throw new Error('package.json of fdgraft is missing');
    folder = above;
  }
  return folder;
}
