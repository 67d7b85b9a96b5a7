import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { realCriu } from './criu';

/** Copies the real CRIU with its libraries to a place where every user may run it; returns its argv. */
export function copyCriu(directory: string): string[] {
  const real = realCriu();
  if (!real.available) throw new Error(real.missing);
  const [loader, option, libraries, criu] = real.criu as [string, string, string, string];
  const { status, stdout, stderr } = spawnSync(loader, [option, libraries, '--list', criu], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the libraries of ${criu}: ${stderr}`);
  const needed = [...stdout.matchAll(/=> (\/\S+)/g)].map((match) => match[1] as string);
  for (const file of [loader, criu, ...needed]) {
    const copy = path.join(directory, path.basename(file));
    fs.copyFileSync(file, copy);
    fs.chmodSync(copy, 0o755);
  }
  fs.chmodSync(directory, 0o755);
  const there = (file: string) => path.join(directory, path.basename(file));
  return [there(loader), option, directory, there(criu)];
}
