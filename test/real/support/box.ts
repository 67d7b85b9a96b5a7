import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { until } from '../../support/until';
import { compileHelper } from './compile';
import { ended, type PlaceOptions, spawnWith } from './spawn';
import { Tasks } from './tasks';

/** A pid and a mount namespace of its own, which take all that runs inside with them when they end. */
export class Box {
  readonly tasks = new Tasks(() => this.roots());
  private readonly started = new Set<ChildProcess>();
  private readonly between = new Set<number>();

  private constructor(
    private readonly holder: ChildProcess,
    private readonly init: number,
  ) {}

  /** firstPid: pids in it begin there, so that those of a dump and those of a restore do not meet. */
  static async open(firstPid = 0): Promise<Box> {
    const holder = spawn(compileHelper('box'), [String(firstPid)], { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' });
    let said = '';
    let complaint = '';
    holder.stdout.on('data', (bytes) => {
      said += bytes;
    });
    holder.stderr.on('data', (bytes) => {
      complaint += bytes;
    });
    await Promise.race([once(holder.stdout, 'data'), once(holder, 'close')]);
    if (!/^\d+\n$/.test(said)) throw new Error(`no namespaces for a test: ${complaint.trim()}`);
    return new Box(holder, Number(said));
  }

  /** The processes between this one and the tasks. */
  private roots(): ReadonlySet<number> {
    return new Set([this.init, ...this.between, ...[...this.started].flatMap((child) => child.pid ?? [])]);
  }

  /** Says that a process inside (a host pid) only stands between others and is no task of the tree. */
  leaveOut(hostPid: number): void {
    this.between.add(hostPid);
  }

  /** Starts a command inside. */
  spawn(argv: readonly string[], options: PlaceOptions): ChildProcess {
    const child = spawnWith(argv, { ...options, place: ['--enter', String(this.init), ...(options.place ?? [])] });
    this.started.add(child);
    child.once('exit', () => this.started.delete(child));
    return child;
  }

  /** The argv of a command inside, with the 0, 1 and 2 that the caller of this argv has. */
  argv(argv: readonly string[]): string[] {
    return [compileHelper('place'), '--enter', String(this.init), '0=0', '1=1', '2=2', '--', ...argv];
  }

  /** Waits until the keepers inside have ended with their COMMAND: one that is killed before leaves its directory. */
  async keepersEnd(): Promise<void> {
    await until('the end of the keeper', () => this.tasks.named('fdgraft-keeper').length === 0);
  }

  /** Ends everything inside and waits until it is gone. */
  async end(): Promise<void> {
    if (this.holder.exitCode !== null || this.holder.signalCode !== null) return;
    const waiting = [...this.started].map((child) => ended(child, 20));
    try {
      process.kill(this.init, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
    await Promise.all([ended(this.holder, 20), ...waiting]);
  }
}
