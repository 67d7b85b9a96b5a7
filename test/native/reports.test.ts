import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { run } from '../support/native';
import { scratch } from './support';

/** A report of a sanitizer fails the run, also from a process whose stderr leads nowhere. */

const SOURCE = `#include <stdlib.h>
int main(int argc, char **argv) { (void)argv; char *bytes = malloc(1); return bytes[argc]; }
`;

test('a report of a process that nobody hears', async (t) => {
  const own = scratch(t);
  writeFileSync(join(own, 'fault.c'), SOURCE);
  const program = join(own, 'fault');
  execFileSync('cc', ['-fsanitize=address,undefined', '-o', program, join(own, 'fault.c')]);
  const command = ['sh', '-c', '"$0" 2>/dev/null; exit 0', program];
  await t.throwsAsync(run(command, { variant: 'sanitized' }), { message: /AddressSanitizer: heap-buffer-overflow/ });
  t.is((await run(['true'], { variant: 'sanitized' })).code, 0);
});
