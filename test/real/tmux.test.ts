/** fdgraft-exec --pty in a pane of tmux: a terminal of another program, which others use afterwards. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { until } from '../support/until';
import { checkedBuild } from './support/checked-build';
import type { Lab } from './support/lab';
import { realTest } from './support/real-test';
import { criu, dump, findRelay, LOCK, pidOf, started, startShell } from './support/shell';

const { ensurePrograms } = require('../../tools/ensure-programs.js') as {
  ensurePrograms(names: string[]): Record<string, string>;
};

/** A pane with a shell. */
class Pane {
  private constructor(private readonly socket: string) {}

  static async open(t: ExecutionContext, lab: Lab): Promise<Pane> {
    const pane = new Pane(path.join(lab.directory(), 'tmux'));
    t.teardown(() => {
      pane.tmux('kill-server');
    });
    const shell = "env PS1='outer> ' bash --noprofile --norc";
    pane.tmux('-f', '/dev/null', 'new-session', '-d', '-x', '90', '-y', '28', shell);
    await pane.until(/^outer> $/m);
    return pane;
  }

  tmux(...words: string[]): string {
    return spawnSync('tmux', ['-S', this.socket, ...words], { encoding: 'utf8' }).stdout;
  }

  /** What the pane shows. */
  get screen(): string {
    return this.tmux('capture-pane', '-p', '-N');
  }

  type(keys: string): void {
    this.tmux('send-keys', '-l', keys);
  }

  press(key: string): void {
    this.tmux('send-keys', key);
  }

  async until(pattern: RegExp): Promise<void> {
    await until(
      `${pattern} on the screen`,
      () => pattern.test(this.screen),
      () => this.screen,
    );
  }

  /** Runs a command of the shell on an empty screen, and waits for what it shows. */
  async run(line: string, pattern: RegExp): Promise<void> {
    this.type(`clear; ${line}`);
    this.press('Enter');
    await this.until(pattern);
  }

  /** The settings of the terminal, but for its size. */
  async settings(lab: Lab): Promise<string> {
    const file = path.join(lab.directory(), 'settings');
    await this.run(`stty -a >${file}; echo all "right"`, /^all right/m);
    return fs.readFileSync(file, 'latin1').replace(/rows \d+; columns \d+/, '');
  }
}

const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(' ');

realTest('in tmux: the program is used, and the pane is as before, whatever happens', async (t, lab) => {
  const [missing] = Object.values(ensurePrograms(['tmux', 'less']));
  if (missing !== undefined) throw new Error(missing);
  const shell = await startShell(t, lab);
  const pid = await pidOf(shell);
  await started(shell.window, 'seq 1000 1999 | less\r', /1022\r\n/);
  const { out } = await dump(lab, shell, pid);
  const pane = await Pane.open(t, lab);
  const before = await pane.settings(lab);

  const line = async (...extra: string[]) => {
    const box = await lab.box();
    const executor = [path.join(checkedBuild(), 'fdgraft-exec'), '--plan', out, '--pty', '--', ...LOCK];
    // A script, since a long line would fill the screen.
    const script = path.join(lab.directory(), 'again');
    const words = [...executor, ...criu(), 'restore', '-D', out, '-o', 'restore.log', ...extra];
    fs.writeFileSync(script, `exec ${quoted(box.argv(words))}\n`);
    return `sh ${script}`;
  };

  // A restore that fails.
  await pane.run(`${await line('--no-such-option')}; echo "ended $?"`, /ended [1-9]\d*\s+outer>/);
  t.is(await pane.settings(lab), before);

  // It draws its screen at the size of the pane, and again at another one.
  await pane.run(await line('-d'), /^1000\s[\s\S]*^1026\s+:/m);
  pane.tmux('resize-window', '-x', '70', '-y', '12');
  await pane.until(/^1000\s[\s\S]*^1010\s+:/m);
  pane.type('q');
  await pane.until(/ready> $/m);
  await pane.run('stty size', /^12 70\s+ready>/m);
  await pane.run('cat', /ready> |^$/m);
  pane.press('C-z');
  await pane.until(/Stopped\s+cat/);
  await pane.run('fg', /^cat/m);
  pane.press('C-c');
  await pane.until(/\^C\s+ready>/);
  await pane.run('exit', /^outer> $/m);
  t.is(await pane.settings(lab), before);

  // Killed, it leaves the pane to the shell.
  await pane.run(await line('-d'), /^1000\s[\s\S]*^1010\s+:/m);
  process.kill(findRelay(out), 'SIGKILL');
  await pane.until(/outer> $/m);
  t.is(await pane.settings(lab), before);
  await pane.run('echo sane', /^sane\s+outer>/m);
});
