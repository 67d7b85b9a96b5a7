import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { exec } from '../support/native';
import type { Credentials, Placeholder } from '../support/planfile';
import { complaints, file, O, planned, scratch } from './support';

/** Tasks with a limit of the size of files (RLIMIT_FSIZE), which a pipe never met, and a longer file meets at once. */

const SIZE = 1000;
const log: Placeholder = {
  fileId: 3,
  callerFd: 5,
  flags: O.WRONLY,
  type: 'REG',
  offset: 10,
  descriptors: [{ fd: 1, pids: [7, 8] }],
};
const pipe = { ...log, type: 'PIPE', offset: undefined as never };
const WAY_OUT =
  'give a pipe to a program that writes the file, or run after the restore: prlimit --pid 8 --fsize=unlimited';

async function said(
  t: ExecutionContext,
  change: Partial<Placeholder>,
  fileSize: number | bigint | undefined,
  options: { flags?: number; seek?: number; words?: string[]; variant?: 'sanitized' } = {},
): Promise<string[]> {
  const path = join(scratch(t), 'file');
  writeFileSync(path, Buffer.alloc(SIZE));
  const { flags = O.WRONLY | O.APPEND, seek = 0, words = ['--check'] } = options;
  const credentials: Credentials[] = [{ pids: [7] }, { pids: [8], ...(fileSize === undefined ? {} : { fileSize }) }];
  const { plan } = planned(t, { placeholders: [{ ...log, ...change }], credentials });
  const give = [file(5, flags, path), `5=seek:${seek}`];
  const { code, stderr } = await exec(['--plan', plan, ...words], {
    give,
    ...(options.variant && { variant: 'sanitized' }),
  });
  t.is(code, 0, stderr);
  return complaints(t, stderr).filter((line) => line.includes('SIGXFSZ'));
}

const atOnce = (limit: number, at: number) =>
  `warning: caller fd 5: file id 3 goes on at byte ${at} of your file (spec fd[5]:file-5), and task 8 gets SIGXFSZ for a write at byte ${limit} or later (RLIMIT_FSIZE); ${WAY_OUT}`;
const later = (room: number) =>
  `warning: caller fd 5 is a file, and file id 3 was none (spec fd[5]:file-5): task 8 gets SIGXFSZ when it has written ${room} bytes (RLIMIT_FSIZE); ${WAY_OUT}`;

for (const variant of [undefined, 'sanitized'] as const)
  test(`a file that is as long as the limit: ${variant ?? 'plain'}`, async (t) => {
    const how = variant === undefined ? {} : { variant };
    for (const entry of [log, pipe]) {
      t.deepEqual(await said(t, entry, SIZE, how), [atOnce(SIZE, SIZE)]);
      t.deepEqual(await said(t, entry, 0, how), [atOnce(0, SIZE)]);
      t.deepEqual(await said(t, entry, undefined, how), []);
    }
    t.deepEqual(await said(t, log, SIZE + 1, how), [], 'the old file had the same limit');
    t.deepEqual(await said(t, pipe, SIZE + 1, how), [later(1)]);
    t.deepEqual(
      await said(t, pipe, 2n ** 63n - 1n, how),
      [later(Number.NaN)].map((line) => line.replace('NaN', '9223372036854774807')),
    );
  });

test('the place where the entry goes on counts', async (t) => {
  const plain = { flags: O.RDWR };
  t.deepEqual(await said(t, log, 600, { ...plain, seek: 599 }), []);
  t.deepEqual(await said(t, log, 600, { ...plain, seek: 600 }), [atOnce(600, 600)]);
  t.deepEqual(await said(t, { ...log, position: 'saved' }, 600, { ...plain, seek: 900 }), []);
  t.deepEqual(await said(t, { ...log, position: 'saved', offset: 700 }, 600, plain), [atOnce(600, 700)]);
  t.deepEqual(await said(t, { ...log, position: 'end' }, 600, plain), [atOnce(600, SIZE)]);
  t.deepEqual(await said(t, { ...log, position: 'end', truncateTo: 300 }, 600, plain), []);
  t.deepEqual(await said(t, { ...log, position: 'end', truncateTo: 800 }, 600, plain), [atOnce(600, 800)]);
  t.deepEqual(await said(t, { ...log, flags: O.RDWR, apply: 'dup' }, 600, { ...plain, seek: 800 }), [atOnce(600, 800)]);
});

test('who reads, and what is no file, has no limit', async (t) => {
  t.deepEqual(await said(t, { ...log, flags: O.RDONLY }, 0, { flags: O.RDWR }), []);
  t.deepEqual(await said(t, { ...log, descriptors: [{ fd: 1, pids: [7] }] }, 0), []);
  t.deepEqual(await said(t, { ...log, descriptors: [], scmRights: 1 }, 0), []);
  const credentials = [{ pids: [7, 8], fileSize: 0 }];
  const { plan } = planned(t, { placeholders: [pipe], credentials });
  for (const give of ['6=pipe:5', file(5, O.WRONLY, '/dev/null')]) {
    const { code, stderr } = await exec(['--plan', plan, '--check'], { give: [give] });
    t.deepEqual([code, stderr], [0, '']);
  }
  // COMMAND of --task has the limits of the caller.
  t.deepEqual(await said(t, log, 0, { words: ['--task', '8', '--', 'true'] }), []);
});
