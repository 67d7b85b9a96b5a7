import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { exec } from '../support/native';
import type { Placeholder } from '../support/planfile';
import { complaints, file, O, planned, scratch } from './support';

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

test('both ends in the place of one', async (t) => {
  const fifo = join(scratch(t), 'fifo');
  execFileSync('mkfifo', [fifo]);
  const said = async (mode: number, change: Partial<Placeholder>) => {
    const placeholders = [{ fileId: 7, callerFd: 5, type: 'PIPE', ...change }];
    const give = ['8=pipe:9', file(6, O.RDWR, fifo), file(5, mode, fifo)];
    const { code, stderr } = await exec(['--plan', planned(t, { placeholders }).plan, '--check'], { give });
    t.is(code, 0, stderr);
    return complaints(t, stderr);
  };
  const warning = (does: string, loss: string, open: string) =>
    `warning: caller fd 5 is a FIFO open for reading and writing, and file id 7 only ${does} it (spec fd[5]:file-5): the restored task keeps the other end open itself, and ${loss}; open it for ${open} alone, use apply reopen, or use apply dup if you mean it`;
  for (const other of [{ type: 'PIPE' }, { type: 'FIFO' }, { type: 'REG', offset: 0 }]) {
    t.deepEqual(await said(O.RDWR, { ...other, flags: O.RDONLY }), [
      warning('reads', 'never reads the end', 'reading'),
    ]);
    t.deepEqual(await said(O.RDWR, { ...other, flags: O.WRONLY }), [
      warning('writes', 'waits without SIGPIPE if nobody reads', 'writing'),
    ]);
  }
  t.deepEqual(await said(O.RDONLY, { flags: O.RDONLY }), []);
  t.deepEqual(await said(O.WRONLY, { flags: O.WRONLY }), []);
  t.deepEqual(await said(O.RDWR, { type: 'FIFO', flags: O.RDWR }), []);
  t.deepEqual(await said(O.RDWR, { flags: O.PATH, needsRead: false, needsWrite: false }), []);
  for (const apply of ['dup', 'reopen'] as const) t.deepEqual(await said(O.RDWR, { flags: O.RDONLY, apply }), []);
  // Other flags than the entry's: it is opened again, with the entry's access.
  t.deepEqual(await said(O.RDWR | O.NONBLOCK, { flags: O.RDONLY }), []);
});
