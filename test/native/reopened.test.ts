import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { build, helper, run } from '../support/native';
import { O, planned } from './support';

/** Numbers that are closed and opened again while others count on them. */

const program = () => join(build(), 'fdgraft-exec');

/** A shell that has file `a` open at 5 for reading and writing; EXEC, HOST and PLUGIN are the programs. */
function shell(directory: string, script: string) {
  for (const name of ['a', 'b']) writeFileSync(join(directory, name), name);
  const env = { EXEC: program(), HOST: helper('host'), PLUGIN: join(build(), 'fdgraft.so'), IMAGES: directory };
  return run(['bash', '-c', `exec 5<>a; ${script}`], { cwd: directory, env });
}

const plan = { placeholders: [{ fileId: 1, callerFd: 5, flags: O.RDWR, needsRead: true, needsWrite: true }] };
const START = '"$EXEC" --plan . -- sh -c "echo started"';

for (const [title, reopen, expected] of [
  ['closed', 'exec 5>&-', /caller fd 5 is not open/],
  ['opened again with less access', 'exec 5<a', /caller fd 5 .*(read|writ)/],
  ['opened again as one end of a pipe', 'exec 5> >(cat >/dev/null)', /caller fd 5 .*(read|writ)/],
  ['opened again as a directory', 'exec 5<.', /caller fd 5 is a directory/],
] as const)
  test(`a number that is ${title} after --check is checked again before the start`, async (t) => {
    const { directory } = planned(t, plan);
    const { code, stdout, stderr } = await shell(directory, `"$EXEC" --plan . --check || exit 9; ${reopen}; ${START}`);
    t.deepEqual([code, stdout], [100, ''], stderr);
    t.regex(stderr, expected);
  });

test('a number that is another fitting file at the start is that file', async (t) => {
  const { directory } = planned(t, plan);
  const script = '"$EXEC" --plan . --check || exit 9; exec 5<>b; "$EXEC" --plan . -- "$HOST" "$PLUGIN" "$IMAGES" 2 1';
  const { code, stdout, stderr } = await shell(directory, script);
  t.is(code, 0, stderr + stdout);
  t.regex(stdout, new RegExp(`^hook 1 .* ${join(directory, 'b')}`, 'm'));
});

test('after the check, nobody but the keeper has the file: COMMAND cannot put another in its place', async (t) => {
  const { directory } = planned(t, plan);
  const play = 'exec 5<>b 6<>b 7<>b; exec "$HOST" "$PLUGIN" "$IMAGES" 2 1';
  const { code, stdout, stderr } = await shell(directory, `"$EXEC" --plan . -- bash -c '${play}'`);
  t.is(code, 0, stderr + stdout);
  t.regex(stdout, new RegExp(`^hook 1 .* ${join(directory, 'a')}`, 'm'));
});
