import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { exec, type Variant } from '../support/native';
import { complaints, file, O, planned } from './support';

/** --check warns of what the next dump of a container with mounts of its own fails at. */

const PLACEHOLDERS = [5, 6, 7, 8, 11].map((callerFd, i) => ({ fileId: i + 1, callerFd, flags: O.WRONLY }));
const OWN = 'OWN_MOUNT_NAMESPACE';

for (const variant of ['plain', 'sanitized'] as Variant[])
  test(`${variant}: a file, a named FIFO and /dev/null are warnings, a pipe and a terminal are none`, async (t) => {
    const { directory, plan } = planned(t, { placeholders: PLACEHOLDERS, warnings: [OWN] });
    const [log, fifo] = [join(directory, 'log'), join(directory, 'fifo')];
    writeFileSync(log, '');
    execFileSync('mkfifo', [fifo]);
    const give = [file(5, O.WRONLY | O.APPEND, log), file(6, O.RDWR, fifo), '9=pipe:7', '8=pty:10'];
    give.push(file(11, O.WRONLY, '/dev/null'));
    const { code, stderr } = await exec(['--plan', plan, '--check'], { give, variant });
    t.is(code, 0, stderr);
    const said = complaints(t, stderr).filter((line) => line.includes('dumped again'));
    const why =
      'the dump has a mount namespace of its own, so the next dump of the restored tasks fails with "Can\'t lookup mount"';
    const way = 'if they are to be dumped again, give a pipe, such as';
    t.deepEqual(said, [
      `warning: caller fd 5 is a file, ${log} (spec fd[5]:file-5): ${why}; ${way} 5> >(cat >>${log}) in bash`,
      `warning: caller fd 6 is a FIFO, ${fifo} (spec fd[6]:file-6): ${why}; ${way} 6> >(cat >>${fifo}) in bash`,
      `warning: caller fd 11 is a character device or terminal, /dev/null (spec fd[11]:file-11): ${why}; ${way} 11> >(cat >>/dev/null) in bash`,
    ]);
  });

test('the pipe that is proposed has the access that the entries need', async (t) => {
  const needs: [number, number][] = [
    [5, O.RDONLY],
    [6, O.WRONLY],
    [7, O.RDWR],
    [8, O.RDONLY],
    [8, O.WRONLY],
  ];
  const { directory, plan } = planned(t, {
    placeholders: needs.map(([callerFd, flags], i) => ({ fileId: i + 1, callerFd, flags })),
    warnings: [OWN],
  });
  const log = join(directory, 'log');
  writeFileSync(log, '');
  const give = [5, 6, 7, 8].map((fd) => file(fd, O.RDWR, log));
  const { code, stderr } = await exec(['--plan', plan, '--check'], { give });
  t.is(code, 0, stderr);
  t.deepEqual(
    complaints(t, stderr)
      .filter((said) => said.includes('dumped again'))
      .map((said) => said.replace(/^.*dumped again, /, '')),
    [
      `give a pipe, such as 5< <(cat ${log}) in bash`,
      `give a pipe, such as 6> >(cat >>${log}) in bash`,
      'give a pipe that is open for reading and writing',
      'give a pipe that is open for reading and writing',
    ],
  );
});

test('a path that a shell would take apart is in no command', async (t) => {
  const { directory, plan } = planned(t, { placeholders: PLACEHOLDERS.slice(0, 1), warnings: [OWN] });
  for (const name of ['a b', '$(touch x)', "it's", 'a;b', 'a\nb']) {
    const log = join(directory, name);
    writeFileSync(log, '');
    const { stderr } = await exec(['--plan', plan, '--check'], { give: [file(5, O.WRONLY, log)] });
    t.regex(stderr, /give a pipe, such as 5> >\(cat >>FILE\) in bash\n$/, name);
  }
});

test('nothing is said at the start, nor of a dump without mounts of its own', async (t) => {
  const own = planned(t, { placeholders: PLACEHOLDERS.slice(0, 1), warnings: [OWN] });
  const log = join(own.directory, 'log');
  writeFileSync(log, '');
  const give = [file(5, O.WRONLY, log)];
  const started = await exec(['--plan', own.plan, '--', 'true'], { give });
  t.deepEqual([started.code, started.stderr], [0, '']);
  const { plan } = planned(t, { placeholders: PLACEHOLDERS.slice(0, 1) });
  const checked = await exec(['--plan', plan, '--check'], { give });
  t.deepEqual([checked.code, checked.stderr], [0, '']);
});
