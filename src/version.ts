import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ownDirectory } from './storage/own-directory';

let known: string | undefined;

/** Version of this package. */
export function version(): string {
  known ??= read();
  return known;
}

function read(): string {
  const text = readFileSync(path.join(ownDirectory(), 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
