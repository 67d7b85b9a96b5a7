/** fdgraft-exec --pty: programs of a terminal come back in another window, in which they are used by keys. */
import fs from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { command as ownCommand } from '../support/command';
import { until } from '../support/until';
import type { Window } from '../support/window';
import type { Box } from './support/box';
import { checkedBuild } from './support/checked-build';
import type { Lab } from './support/lab';
import { realTest } from './support/real-test';
import { RESTORED, restoreLog } from './support/restore-log';
import {
  criu,
  dump,
  findRelay,
  LOCK,
  openWindow,
  type Place,
  pidOf,
  type Shell,
  started,
  startShell,
} from './support/shell';

const { ensurePrograms } = require('../../tools/ensure-programs.js') as {
  ensurePrograms(names: string[]): Record<string, string>;
};

interface Restored {
  window: Window;
  box: Box;
  before: string;
}

/** Restores it in a new window. */
async function restore(
  t: ExecutionContext,
  lab: Lab,
  { directory, out }: Place,
  { extra = [], rows = 30 }: { extra?: string[]; rows?: number } = {},
): Promise<Restored> {
  const box = await lab.box();
  const words = ['restore', '-D', out, '-o', 'restore.log', '-v4', ...extra];
  const executor = [path.join(checkedBuild(), 'fdgraft-exec'), '--plan', out, '--pty', '--'];
  const all = box.argv([...executor, ...LOCK, ...criu(), ...words]);
  return start(t, all, directory, out, box, rows);
}

async function start(
  t: ExecutionContext,
  command: readonly string[],
  directory: string,
  out: string,
  box: Box,
  rows: number,
): Promise<Restored> {
  const window = openWindow(t, ['sh', '-c', 'read go; exec "$@"', 'sh', ...command], directory, rows);
  const before = await window.settings();
  await window.type('\n');
  await until('the restore', () => window.hasEnded || restoreLog(out).includes(RESTORED));
  return { window, box, before };
}

async function settled(t: ExecutionContext, { window, before }: Restored): Promise<void> {
  t.is(await window.settings(), before);
}

for (const extra of [[], ['-d']])
  realTest(`an interactive bash with its jobs: criu restore ${extra.join(' ')}`, async (t, lab) => {
    const shell = await startShell(t, lab);
    const pid = await pidOf(shell);
    await started(shell.window, 'sleep 1000 &\r', /\[1\] \d+\r\nready> $/);
    await started(shell.window, 'X=kept\r', /ready> $/);
    await started(shell.window, 'cat\r', /cat\r\n$/);
    await started(shell.window, 'before\r', /before\r\nbefore\r\n$/);
    const place = await dump(lab, shell, pid);
    const restored = await restore(t, lab, place, { extra });
    const { window } = restored;
    await started(window, 'after\r', /after\r\nafter\r\n$/);
    await started(window, '\u001a', /\^Z\r\n\[2\]\+\s+Stopped\s+cat\r\nready> $/);
    await started(window, 'jobs\r', /\[1\]-\s+Running\s+sleep 1000 &\r\n\[2\]\+\s+Stopped\s+cat\r\nready> $/);
    await started(window, 'fg\r', /fg\r\ncat\r\n$/);
    await started(window, 'again\r', /again\r\nagain\r\n$/);
    await started(window, '\u0003', /\^C\r\nready> $/);
    await started(window, 'stty size; echo $X\r', /\r\n30 80\r\nkept\r\nready> $/);
    await window.resize(44, 111);
    await started(window, 'stty size; echo $LINES $COLUMNS\r', /\r\n44 111\r\n44 111\r\nready> $/);
    // A job that is new, in the background and from there in the foreground.
    await started(window, 'sleep 500 &\r', /\[2\] \d+\r\nready> $/);
    await started(window, 'fg %2\r', /sleep 500\r\n$/);
    await started(window, '\u0003', /\^C\r\nready> $/);
    await started(window, 'kill %1; wait; exit 3\r', /exit\r\n$/);
    // criu's own.
    t.is(await window.ended(), 'exit 0');
    await settled(t, restored);
  });

realTest('a job that is left keeps the window from nothing', async (t, lab) => {
  const shell = await startShell(t, lab);
  await started(shell.window, 'sleep 1000 &\r', /\[1\] \d+\r\nready> $/);
  const place = await dump(lab, shell, await pidOf(shell));
  const restored = await restore(t, lab, place, { extra: ['-d'] });
  await started(restored.window, 'disown -a; exit\r', /exit\r\n$/);
  t.is(await restored.window.ended(), 'exit 0');
  await settled(t, restored);
});

realTest('a paste of a MiB into a restored program', async (t, lab) => {
  const shell = await startShell(t, lab);
  const pid = await pidOf(shell);
  await started(shell.window, 'stty raw -echo; echo now; head -c 1048576 | md5sum; stty sane\r', /now\s*$/);
  const place = await dump(lab, shell, pid);
  const restored = await restore(t, lab, place, { extra: ['-d'] });
  const bytes = Buffer.from(Array.from({ length: 1 << 20 }, (_, i) => (i * 7 + (i >> 8)) & 0xff));
  await restored.window.type(bytes.toString('latin1'));
  const digest = (await import('node:crypto')).createHash('md5').update(bytes).digest('hex');
  await restored.window.until(new RegExp(`${digest} .*\\s+ready> $`));
  await started(restored.window, 'exit 4\r', /exit\r\n$/);
  t.is(await restored.window.ended(), 'exit 0');
  await settled(t, restored);
});

realTest('a restore that fails leaves the window as it was', async (t, lab) => {
  const shell = await startShell(t, lab);
  const place = await dump(lab, shell, await pidOf(shell));
  fs.rmSync(path.join(place.out, `fs-${await firstOf(place.out, 'fs')}`));
  const restored = await restore(t, lab, place);
  t.is(await restored.window.ended(), 'exit 1');
  await settled(t, restored);
});

async function firstOf(directory: string, kind: string): Promise<string> {
  const name = fs.readdirSync(directory).find((one) => one.startsWith(`${kind}-`)) ?? '';
  return name.slice(kind.length + 1);
}

for (const signal of ['SIGTERM', 'SIGKILL'] as const)
  realTest(`${signal} to the process that shows it is a closed window`, async (t, lab) => {
    const shell = await startShell(t, lab);
    const pid = await pidOf(shell);
    await becomeHearer(shell);
    const place = await dump(lab, shell, pid);
    const { window, before } = await restore(t, lab, place, { extra: ['-d'] });
    await window.resize(31, 90);
    await window.until(/31 90\r\n/);
    const relay = findRelay(place.out);
    process.kill(relay, signal);
    await window.ended();
    await until('the settings of the window', async () => (await window.settings()) === before);
    await until('the end of the shell', () => fs.existsSync(path.join(place.directory, 'hup')));
    t.pass();
  });

/** The shell becomes a program that makes a file when it gets SIGHUP. */
async function becomeHearer({ window, directory }: Shell): Promise<void> {
  const hear = `trap "echo hup >${directory}/hup; exit" HUP; trap "stty size" WINCH; echo up`;
  await started(window, `exec sh -c '${hear}; while :; do sleep 1000 & wait; done'\r`, /up\r\n$/);
}

realTest('a closed window is a SIGHUP for the shell', async (t, lab) => {
  const shell = await startShell(t, lab);
  const pid = await pidOf(shell);
  await becomeHearer(shell);
  const place = await dump(lab, shell, pid);
  const { window } = await restore(t, lab, place);
  await window.resize(31, 90);
  await window.until(/31 90\r\n/);
  await window.close();
  await until('the end of the shell', () => fs.existsSync(path.join(place.directory, 'hup')));
  t.pass();
});

for (const extra of [[], ['-d']])
  realTest(
    `a shell job has the new terminal as controlling terminal: criu restore --shell-job ${extra.join(' ')}`,
    async (t, lab) => {
      const shell = await startShell(t, lab);
      const job =
        'bash -c \'echo "job $$."; trap "echo int" INT; while :; do read x && echo "got $x"; [ "$x" = end ] && exit; done\'';
      const [, pid] = await started(shell.window, `${job}\r`, /job (\d+)\.\r\n$/);
      const place = await dump(lab, shell, Number(pid));
      const restored = await restore(t, lab, place, { extra: ['--shell-job', ...extra] });
      const { window } = restored;
      await started(window, 'one\r', /one\r\ngot one\r\n$/);
      await started(window, '\u0003', /\^Cint\r\n$/);
      // No shell is there to go on with it.
      await started(window, '\u001atwo\r', /got .*two\r\n$/);
      await started(window, 'end\r', /got end\r\n$/);
      t.is(await window.ended(), 'exit 0');
      await settled(t, restored);
    },
  );

for (const extra of [[], ['-d']])
  realTest(`a full-screen program draws its screen again: criu restore ${extra.join(' ')}`, async (t, lab) => {
    const [missing] = Object.values(ensurePrograms(['less']));
    if (missing !== undefined) throw new Error(missing);
    const shell = await startShell(t, lab);
    const pid = await pidOf(shell);
    await started(shell.window, 'seq 1000 1999 | less\r', /1022\r\n/);
    const place = await dump(lab, shell, pid);
    // The same size: a program that is not told draws nothing.
    const restored = await restore(t, lab, place, { extra, rows: 24 });
    const { window } = restored;
    await window.until(/1000\r\n[\s\S]*1022\r\n/);
    await started(window, 'G', /1999\r\n/);
    const since = window.output.length;
    await window.resize(10, 80);
    await window.until(/1977\r\n[\s\S]*1985\r\n:/, since);
    t.false(window.output.slice(since).includes('1986'));
    await started(window, 'q', /ready> $/);
    await started(window, 'exit\r', /exit\r\n$/);
    t.is(await window.ended(), 'exit 0');
    await settled(t, restored);
  });

realTest('fdgraft restore --pty', async (t, lab) => {
  const shell = await startShell(t, lab);
  const pid = await pidOf(shell);
  const { directory, images, tty } = await dump(lab, shell, pid);
  const box = await lab.box();
  const bin = path.join(lab.directory(), 'criu');
  fs.writeFileSync(bin, `#!/bin/sh\nexec ${LOCK.join(' ')} ${criu().join(' ')} "$@"\n`, { mode: 0o755 });
  const search = `PATH=${path.dirname(bin)}:${checkedBuild()}:${process.env.PATH}`;
  const words = ['restore', '-D', images, '-o', 'restore.log', '-v4', '--pty', '--inherit-fd', `fd[5]:${tty}`];
  const command = box.argv(['env', search, ...ownCommand, ...words]);
  const restored = await start(t, command, directory, images, box, 33);
  await started(restored.window, 'stty size\r', /33 80\r\nready> $/);
  await started(restored.window, 'cat\r', /cat\r\n$/);
  // Until cat reads, it is the shell that gets a ^Z or ^C.
  await started(restored.window, 'first\r', /first\r\nfirst\r\n$/);
  await started(restored.window, '\u001a', /Stopped\s+cat\r\nready> $/);
  await started(restored.window, 'fg\r', /cat\r\n$/);
  await started(restored.window, 'second\r', /second\r\nsecond\r\n$/);
  await started(restored.window, '\u0003', /ready> $/);
  await started(restored.window, 'exit\r', /exit\r\n$/);
  t.is(await restored.window.ended(), 'exit 0');
  await settled(t, restored);
});
