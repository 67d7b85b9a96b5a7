import fs from 'node:fs';
import path from 'node:path';
import { FdgraftError, openSource, rewrite } from '../../src';
import { until } from '../support/until';
import { checkpointRunc, containerPid, makeBundle, startRunc } from './support/containers';
import type { Pipe } from './support/pipe';
import { realTest } from './support/real-test';
import { RuntimeRoom } from './support/runtime-room';

/** A container that got caller fds at its restore is dumped, rewritten and restored again. */

const EXEC = '/tmp/native/fdgraft-exec';

realTest('runc: the second and third dump of a container name the caller fds of the restore before', async (t, lab) => {
  const room = await RuntimeRoom.open(lab);
  await makeBundle(room);
  const { input } = await startRunc(room, lab, 'c0');
  input.fill(Buffer.from('unread\n'));
  let specs = ['fd[5]:/proc/1/fd/1', 'fd[6]:/proc/1/fd/0', 'fd[7]:/app.log', 'fd[8]:/proc/1/fd/2'];
  let names: readonly [string, string] = ['', ''];
  for (const generation of [1, 2]) {
    await checkpointRunc(room, `c${generation - 1}`);
    const dump = path.join(room.directory, 'dump');
    const out = path.join(room.directory, `out${generation}`);
    if (generation > 1) {
      // runc lists what it was started with itself.
      const options = { specs: [], fromDescriptors: true };
      const error = await t.throwsAsync(rewrite(await openSource(dump), options), { instanceOf: FdgraftError });
      t.true(error?.message.includes(`1/1 is ${names[1]}: --inherit-fd 'fd[1]:/proc/1/fd/1'`), error?.message);
    }
    await rewrite(await openSource(dump), { specs, out });
    const [output, log, errors, stdin] = [await lab.pipe(), await lab.pipe(), await lab.pipe(), await lab.pipe()];
    const words = [
      '--image-path',
      `/tmp/work/out${generation}`,
      '--work-path',
      '/tmp/work/log',
      '--bundle',
      '/tmp/work',
    ];
    await room.run(
      [EXEC, '--plan', `/tmp/work/out${generation}`, '--', 'runc', 'restore', '-d', ...words, `c${generation}`],
      { 5: output.writeEnd, 6: stdin.readEnd, 7: log.writeEnd, 8: errors.writeEnd },
    );
    const pid = await containerPid(room, 'runc', `c${generation}`);
    process.kill(pid, 'SIGUSR1');
    const seen: string[] = [];
    const drain = (pipe: Pipe) => pipe.drain().toString();
    await until('lines', () => {
      seen.push(drain(output), drain(log), drain(errors));
      return seen.join('').split('\n').length === 4;
    });
    t.deepEqual(seen.filter(Boolean).sort(), ['task 1\n', 'task 2\n', 'task 5\n']);
    stdin.fill(Buffer.from(`generation ${generation}\n`));
    names = [stdin.name, output.name];
    specs = [`fd[5]:${output.name}`, `fd[6]:${stdin.name}`, `fd[7]:${log.name}`, `fd[8]:${errors.name}`];
    fs.rmSync(dump, { recursive: true });
  }
  const pid = await containerPid(room, 'runc', 'c2');
  process.kill(pid, 'SIGUSR2');
  const file = `/proc/${pid}/root/read.1.0`;
  await until('input', () => fs.existsSync(file) && fs.readFileSync(file, 'utf8').includes('2'));
  t.is(fs.readFileSync(file, 'utf8'), 'unread\ngeneration 1\ngeneration 2\n');
});
