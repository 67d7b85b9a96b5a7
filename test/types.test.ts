import { spawnSync } from 'node:child_process';
import path from 'node:path';
import test from 'ava';

test('the types are sound', (t) => {
  const args = ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'tsconfig.json'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: path.join(__dirname, '..'),
    encoding: 'utf8',
  });
  t.is(status, 0, stdout + stderr);
});
