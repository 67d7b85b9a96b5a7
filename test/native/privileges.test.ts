import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { copyPackage } from '../support/command';
import { helper, run, shown } from '../support/native';
import { asOther, OTHER, twoUsersTest } from '../support/other-user';
import { file, gone, O, planned } from './support';

/** What docs/PRIVILEGES.md says of the executor: no capability is needed, and files alone that one can read. */

twoUsersTest('--check, --task and a start need no capability', async (t) => {
  const { directory } = planned(t, {
    placeholders: [{ fileId: 1, callerFd: 5, descriptors: [{ fd: 7, pids: [4711] }] }],
  });
  chmodSync(directory, 0o755);
  const runtime = join(directory, 'runtime');
  mkdirSync(runtime, { mode: 0o700 });
  chownSync(runtime, OTHER, OTHER);
  const program = join(dirname(dirname(dirname(copyPackage(join(directory, 'package'))))), 'native/build/fdgraft-exec');
  const show = join(directory, 'show');
  writeFileSync(show, readFileSync(helper('show')), { mode: 0o755 });
  const options = { give: [file(5, O.RDONLY, '/dev/null')], env: { XDG_RUNTIME_DIR: runtime } };
  const other = (...words: string[]) => run([...asOther, program, '--plan', directory, ...words], options);
  const checked = await other('--check');
  t.is(checked.code, 0, checked.stderr);
  const task = shown(await other('--task', '4711', '--', show));
  t.is(task.fds[7]?.link, '/dev/null');
  const started = shown(await other('--', show));
  t.true(started.socket?.includes(`${runtime}/fdgraft/`));
  await gone(t, dirname(started.socket?.split(':')[1] ?? ''));
  t.true(existsSync(join(runtime, 'fdgraft')));
});
