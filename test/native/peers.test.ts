import test, { type ExecutionContext } from 'ava';
import { exec } from '../support/native';
import type { Placeholder } from '../support/planfile';
import { complaints, file, O, planned } from './support';

// Caller fds whose other end is closed: the first write of a restored task would end it.

async function warned(t: ExecutionContext, give: string[], change: Partial<Placeholder> = {}) {
  const placeholders = [{ fileId: 7, callerFd: 5, flags: O.WRONLY, type: 'PIPE', ...change }];
  const { code, stderr } = await exec(['--plan', planned(t, { placeholders }).plan, '--check'], { give });
  t.is(code, 0, stderr);
  return complaints(t, stderr).filter((line) => line.includes('other end'));
}

test('a pipe that nobody reads', async (t) => {
  const lone = ['9=pipe:5', '9=closed'];
  t.deepEqual(await warned(t, lone), [
    'warning: caller fd 5 is a pipe whose other end is closed, and file id 7 writes to it (spec fd[5]:file-5): the restored task gets SIGPIPE; start what reads it before the restore',
  ]);
  t.is((await warned(t, lone, { type: 'REG', offset: 3 })).length, 1);
  t.deepEqual(await warned(t, ['9=pipe:5']), []);
});

test('a socket that is shut down for writing, or whose other end is closed', async (t) => {
  const kind = { name: 'socket', socket: { domain: 1, type: 1, state: 2 } };
  const port = 20_000 + (process.pid % 10_000);
  for (const change of [{ flags: O.WRONLY }, { flags: O.RDWR, type: 'UNIXSK', kind }]) {
    for (const give of [
      ['5=socket', '5=shut:write'],
      [`7=inet:listen:${port}`, `5=inet:connect:${port}`, '5=shut:write'],
    ]) {
      t.regex(
        (await warned(t, give, change)).join(),
        /^warning: caller fd 5 is a socket whose .* is shut down for writing/,
      );
    }
    t.deepEqual(await warned(t, ['5=socket'], change), []);
    t.deepEqual(await warned(t, ['5=socket', '5=shut:read'], change), []);
  }
  t.deepEqual(await warned(t, ['5=socket', '5=shut:write'], { flags: O.RDONLY }), []);
});

test('a terminal that was hung up', async (t) => {
  t.regex((await warned(t, ['5=pty:9', '9=closed'])).join(), /is a .* whose other end is closed.*EIO/);
  t.deepEqual(await warned(t, ['5=pty:9']), []);
});

test('nothing is said of what reads, has no other end, or was never connected', async (t) => {
  t.deepEqual(await warned(t, ['5=pipe:9', '9=closed'], { flags: O.RDONLY }), []);
  t.deepEqual(await warned(t, ['5=socket'], { flags: O.RDWR }), []);
  for (const path of ['/dev/null', '/dev/full']) t.deepEqual(await warned(t, [file(5, O.WRONLY, path)]), []);
});
