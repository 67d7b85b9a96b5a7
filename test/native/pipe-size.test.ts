import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { build, exec, type Helper, helper, run, type Variant } from '../support/native';
import type { Placeholder } from '../support/planfile';
import { file, O, planned } from './support';

/** The capacity that a pipe had at the dump: the caller's pipe grows to it. */

const most = Number(readFileSync('/proc/sys/fs/pipe-max-size', 'utf8'));

function pipe(change: Partial<Placeholder> = {}): Placeholder {
  return { fileId: 7, callerFd: 5, type: 'PIPE', key: 'pipe:[77]', pipeId: 77, pipeSize: 1 << 18, ...change };
}

interface Options {
  host?: Helper;
  variant?: Variant;
  /** Before fdgraft-exec. */
  prefix?: string[];
}

/** What the pipe at 9 holds when CRIU has loaded the plugin; 5 and 6 as given. */
async function sized(
  t: ExecutionContext,
  placeholders: Placeholder[],
  give: string[],
  { host = 'host', variant = 'plain', prefix = [] }: Options = {},
) {
  const { directory, plan } = planned(t, { placeholders });
  const command = [helper(host, variant), join(build(variant), 'fdgraft.so'), directory, '2', 'count=9'];
  const start = [...prefix, join(build(variant), 'fdgraft-exec'), '--plan', plan];
  const check = await run([...start, '--check'], { give });
  t.is(check.code, 0, check.stderr);
  const started = await run([...start, '--', ...command], { give });
  t.is(started.code, 0, started.stderr + started.stdout);
  t.is(check.stderr, started.stderr, '--check says what the start says');
  const logged = started.stdout.split('\n').filter((line) => line.startsWith('log '));
  const size = Number(/^9 has \d+ of (\d+)/m.exec(started.stdout)?.[1]);
  return { size, warnings: started.stderr, logged };
}

for (const variant of ['plain', 'sanitized'] as const)
  for (const host of ['host', 'host-options'] as const)
    test(`${variant}, ${host}: it grows to the size at the dump, whichever end is given`, async (t) => {
      const quiet = { size: 1 << 18, warnings: '', logged: [] };
      t.deepEqual(await sized(t, [pipe()], ['5=pipe:9'], { host, variant }), quiet);
      t.deepEqual(await sized(t, [pipe({ flags: O.WRONLY })], ['9=pipe:5'], { host, variant }), quiet);
    });

test('a larger pipe, and one of the same size, stay as they are', async (t) => {
  t.is((await sized(t, [pipe()], ['5=pipe:9', `9=size:${1 << 19}`])).size, 1 << 19);
  t.is((await sized(t, [pipe({ pipeSize: 4096 })], ['5=pipe:9'])).size, 65_536);
  t.is((await sized(t, [pipe({ pipeSize: 65_536 })], ['5=pipe:9'])).size, 65_536);
});

test('several entries on one pipe: the largest, under one number or two', async (t) => {
  const two = [pipe(), pipe({ fileId: 8, pipeSize: 1 << 19 })];
  t.is((await sized(t, two, ['5=pipe:9'])).size, 1 << 19);
  const others = [pipe({ pipeSize: 1 << 19 }), pipe({ fileId: 8, callerFd: 6, flags: O.WRONLY })];
  t.is((await sized(t, others, ['5=pipe:9', '6=dup:9'])).size, 1 << 19);
});

test('a FIFO grows too, and what is no pipe has no size', async (t) => {
  const { directory } = planned(t, {});
  const fifo = join(directory, 'fifo');
  await run(['mkfifo', fifo]);
  const both = pipe({ flags: O.RDWR, type: 'FIFO', key: 'a/fifo' });
  t.is((await sized(t, [both], [file(5, O.RDWR, fifo), '9=dup:5'])).size, 1 << 18);
  for (const give of ['5=socket', '5=memfd', file(5, O.RDWR, '/dev/null')]) {
    const { warnings, logged } = await sized(t, [both], [give]);
    t.deepEqual([warnings, logged], ['', []]);
  }
});

/** As root, but without the right to make pipes as large as one likes. */
const prefix = ['setpriv', '--bounding-set', '-sys_resource', '--inh-caps', '-sys_resource'];

test('one that may not grow is a warning with both sizes and the way out', async (t) => {
  const { size, warnings, logged } = await sized(t, [pipe({ pipeSize: most + 1 })], ['5=pipe:9'], { prefix });
  t.is(size, 65_536);
  const expected = `caller fd 5 (spec fd[5]:file-5): its pipe holds 65536 bytes, the one of file id 7 held ${most + 1} at the dump, and it cannot grow to that: Operation not permitted; raise /proc/sys/fs/pipe-max-size to ${most + 1}, or give a pipe that is large enough`;
  t.is(warnings, `fdgraft-exec: warning: ${expected}\n`);
  t.deepEqual(logged, [`log 2 Warn  (fdgraft): ${expected}`]);
});

test('a hundred warnings are enough', async (t) => {
  const fds = Array.from({ length: 103 }, (_, index) => 10 + index);
  const placeholders = fds.map((callerFd) => pipe({ fileId: callerFd, callerFd, pipeSize: most + 1 }));
  const give = fds.map((fd) => `${fd}=pipe:${fd + 200}`);
  const { plan } = planned(t, { placeholders });
  const argv = [...prefix, join(build(), 'fdgraft-exec'), '--plan', plan, '--check'];
  const { code, stderr } = await run(argv, { give: [...give, '1024=limit'] });
  t.is(code, 0);
  t.is(stderr.match(/warning: caller fd/g)?.length, 100);
  t.regex(stderr, /^fdgraft-exec: 3 more warnings are not shown$/m);
});

test('--task: those of the task alone, before COMMAND runs', async (t) => {
  const { directory, plan } = planned(t, {
    placeholders: [
      pipe({ descriptors: [{ fd: 0, pids: [3] }] }),
      pipe({ fileId: 8, callerFd: 6, descriptors: [{ fd: 0, pids: [4] }] }),
    ],
  });
  const count = [helper('host'), join(build(), 'fdgraft.so'), directory, '0', 'count=9', 'count=10'];
  const words = ['--plan', plan, '--task', '3'];
  const give = ['5=pipe:9', '6=pipe:10'];
  const { stdout } = await exec([...words, '--', ...count], { give });
  t.regex(stdout, /^9 has 0 of 262144.*\n10 has 0 of 65536/m);
  t.is((await exec([...words, '--check'], { give })).stderr, '');
});
