import fs from 'node:fs';
import path from 'node:path';
import type { Lab } from './lab';

export interface CallerFile {
  file: string;
  fd: number;
  text(): string;
}

/** A file with content, open in this process as the caller's would be. */
export function callerFile(lab: Lab, flags: string, content = ''): CallerFile {
  const file = path.join(lab.directory(), 'caller');
  fs.writeFileSync(file, content);
  return { file, fd: lab.open(file, flags), text: () => fs.readFileSync(file, 'utf8') };
}
