import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ownFolder } from './storage/own-folder';

/** Version of this package. */
export function version(): string {
  const text = readFileSync(path.join(ownFolder(), 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
