import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { temporaryDirectory } from '../support/directories';
import { build, helper } from '../support/native';

/** The command fdgraft-exec of the npm package. */

const native = path.join(__dirname, '../../native');

/** A link to it, as npm makes one, with the programs beside it or without. */
function installed(directory: string, isBuilt: boolean): string {
  const own = path.join(directory, "it's here/native");
  fs.mkdirSync(own, { recursive: true });
  fs.copyFileSync(path.join(native, 'fdgraft-exec.sh'), path.join(own, 'fdgraft-exec.sh'));
  if (isBuilt) fs.symlinkSync(build(), path.join(own, 'build'));
  const link = path.join(directory, 'fdgraft-exec');
  fs.symlinkSync(path.relative(directory, path.join(own, 'fdgraft-exec.sh')), link);
  return link;
}

test('it is the program: with its arguments, descriptors and exit code', (t) => {
  const command = installed(temporaryDirectory(t), true);
  const run = (...args: string[]) => spawnSync(command, args, { encoding: 'utf8' });
  t.regex(run('--version').stdout, /^fdgraft-exec \d/);
  t.is(run('--no such option').status, 100);
  // The numbers that a shell takes for itself, too.
  const give = ['10=file:0:/dev/null', '5=file:0:/etc/passwd', '255=file:0:/dev/null'];
  const script = 'for fd in 5 10 255; do readlink /proc/$$/fd/$fd; done';
  const shown = spawnSync(helper('give'), [...give, '--', command, '--version'], { encoding: 'utf8' });
  t.is(shown.status, 0, shown.stderr);
  const direct = spawnSync(helper('give'), [...give, '--', 'sh', '-c', script], { encoding: 'utf8' });
  t.is(direct.stdout, '/etc/passwd\n/dev/null\n/dev/null\n');
});

test('without the program it says how to build it', (t) => {
  const { status, stderr } = spawnSync(installed(temporaryDirectory(t), false), ['--version'], { encoding: 'utf8' });
  t.is(status, 111);
  t.regex(stderr, /^fdgraft-exec: .*it's here\/native\/build\/fdgraft-exec is not built; run: make -C .*\/native\n/);
});
