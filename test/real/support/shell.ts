/** An interactive shell in a window, dumped and rewritten: what tests of --pty restore. */
import fs from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { openSource, rewrite } from '../../../src';
import { Window } from '../../support/window';
import type { Box } from './box';
import { criuLock, realCriu } from './criu';
import type { Lab } from './lab';

const FIRST_PID = 14716;
/** One restore at a time. */
export const LOCK = ['flock', '-o', '-w', '300', '-E', '124', criuLock()];

/** The argv of criu. */
export function criu(): readonly string[] {
  const real = realCriu();
  if (!real.available) throw new Error(real.missing);
  return real.criu;
}

export interface Place {
  directory: string;
  images: string;
  /** The terminal of the program. */
  tty: string;
  /** The rewritten images: fd[5] is the terminal. */
  out: string;
}

export interface Shell {
  window: Window;
  box: Box;
  directory: string;
  /** Its terminal. */
  tty: string;
}

/** A window that goes away with the test. */
export function openWindow(t: ExecutionContext, command: readonly string[], cwd: string, rows = 24): Window {
  const window = Window.open(command, { rows, cwd, env: { ...process.env, TERM: 'xterm', HOME: cwd, HISTFILE: '' } });
  t.teardown(() => window.kill());
  return window;
}

const BASH = ['bash', '--noprofile', '--norc', '-i'];

/** An interactive bash that leads the session of a window. */
export async function startShell(t: ExecutionContext, lab: Lab): Promise<Shell> {
  const directory = lab.directory();
  const box = await lab.box(FIRST_PID);
  const window = openWindow(t, box.argv(['setsid', '-c', ...BASH]), directory);
  await window.type("bind 'set enable-bracketed-paste off'; PS1='ready> '; cd .\r");
  await window.until(/[\r\n]ready> $/);
  const [, tty = ''] = await started(window, 'tty\r', /(\/dev\/pts\/\d+)\r\nready> $/);
  return { window, box, directory, tty };
}

/** Dumps the tree of a process of the shell's box, and rewrites the images. */
export async function dump(lab: Lab, { window, box, directory, tty }: Shell, pid: number): Promise<Place> {
  const images = lab.directory();
  const said = lab.scratch();
  const words = ['dump', '-t', String(pid), '-D', images, '-o', 'dump.log', '-v4', '--shell-job'];
  const child = box.spawn([...criu(), ...words], { messages: said.fd, fds: { 1: said.fd, 2: said.fd }, wrap: LOCK });
  const code = await new Promise((resolve) => child.once('exit', resolve));
  if (code !== 0)
    throw new Error(`${said.read()}${fs.readFileSync(path.join(images, 'dump.log'), 'utf8').slice(-3000)}`);
  await box.end();
  window.kill();
  const out = path.join(lab.directory(), 'out');
  await rewrite(await openSource(images), { specs: [`fd[5]:${tty}`], out });
  return { directory, images, tty, out };
}

/** The pid of the shell is the one that its prompt tells. */
export async function pidOf({ window }: Shell): Promise<number> {
  const since = window.output.length;
  await window.type('echo "pid $$."\r');
  const [, pid] = await window.until(/pid (\d+)\./, since);
  return Number(pid);
}

/** Types, and waits until what is shown from then on matches. */
export const started = async (window: Window, line: string, expected: RegExp) => {
  const since = window.output.length;
  await window.type(line);
  return window.until(expected, since);
};

/** The process whose child the guard of the window is. */
export function findRelay(out: string): number {
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (fs.readFileSync(`/proc/${pid}/comm`, 'latin1') !== 'fdgraft-window\n') continue;
      if (!fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(out)) continue;
      const [, parent] = /^PPid:\s+(\d+)$/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
      return Number(parent);
    } catch {
      // It has ended.
    }
  }
  throw new Error('no process shows it');
}
