import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

/** Compiles the program that runs a command with no system calls but these; returns its path, in `directory`. */
export function filterOf(directory: string, calls: readonly string[]): string {
  const table = path.join(directory, 'calls.h');
  // A processor need not have each: aarch64 has no open.
  fs.writeFileSync(table, calls.map((name) => `#ifdef __NR_${name}\n__NR_${name},\n#endif\n`).join(''));
  const program = path.join(directory, 'filtered');
  const source = path.join(__dirname, 'filtered.c');
  execFileSync('cc', ['-Wall', '-Wextra', '-Werror', `-DCALLS="${table}"`, '-o', program, source], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return program;
}
