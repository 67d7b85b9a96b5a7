import fs from 'node:fs';
import path from 'node:path';

/** The directory of this package, whether its code runs as it was written, translated, or in one file. */
export function ownDirectory(): string {
  let directory = __dirname;
  while (!fs.existsSync(path.join(directory, 'package.json'))) {
    const above = path.dirname(directory);
    if (above === directory) throw new Error('package.json of fdgraft is missing');
    directory = above;
  }
  return directory;
}
