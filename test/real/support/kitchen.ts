import fs from 'node:fs';
import path from 'node:path';
import { until } from '../../support/until';
import type { Box } from './box';
import { makeCommands } from './commands';
import type { Block, Recipe } from './cookbook';
import type { Lab, Program } from './lab';
import { pathWith, type Running, startBlock } from './run-block';
import type { Tasks } from './tasks';

/**
 * A place where one recipe is tried: a directory with the dump as ckpt and the recipe's files, a box with free pids,
 * and the recipe's sh blocks, which are run as they stand, in their order.
 */
export class Kitchen {
  readonly directory: string;
  /** What the recipe finds in its environment beside PATH. */
  readonly env: NodeJS.ProcessEnv = {};
  /** What the shell is started with: options of place.c, and argv. */
  place: readonly string[] = [];
  prefix: readonly string[] = [];
  private readonly bin: string;
  private readonly waiting: Block[];

  private constructor(
    private readonly lab: Lab,
    readonly box: Box,
    readonly program: Program,
    private readonly treeSize: number,
    recipe: Recipe,
  ) {
    this.directory = lab.directory();
    this.bin = lab.directory();
    makeCommands(this.bin);
    for (const { name, text } of recipe.blocks) {
      if (name !== undefined) fs.writeFileSync(path.join(this.directory, name), text);
    }
    this.waiting = recipe.blocks.filter(({ language }) => language === 'sh');
  }

  /** Dumps a program, and lays all out for the recipe. */
  static async open(lab: Lab, program: Program, recipe: Recipe): Promise<Kitchen> {
    const treeSize = program.tasks.pids().size;
    const kitchen = new Kitchen(lab, await lab.box(), program, treeSize, recipe);
    const dir = path.join(kitchen.directory, 'ckpt');
    fs.mkdirSync(dir);
    await lab.dump(program, { dir });
    return kitchen;
  }

  get tasks(): Tasks {
    return this.box.tasks;
  }

  get path(): string {
    return pathWith(this.bin);
  }

  file(name: string): string {
    return path.join(this.directory, name);
  }

  read(name: string): string {
    return fs.readFileSync(this.file(name), 'utf8');
  }

  write(name: string, content: string): void {
    fs.writeFileSync(this.file(name), content);
  }

  /** What a restored task has open at a descriptor, as /proc names it. */
  target(pid: number, fd: number): string | undefined {
    return this.tasks.fds(pid).get(fd)?.target;
  }

  /** The sh blocks that nobody has run yet. */
  get left(): readonly Block[] {
    return this.waiting;
  }

  /** Starts the next block. */
  start(): Running {
    const block = this.waiting.shift();
    if (block === undefined) throw new Error('the recipe has no further sh block');
    const { directory, path, env, place, prefix } = this;
    return startBlock(this.lab, this.box, block, { directory, path, env, place, prefix, log: () => this.log() });
  }

  /** Runs the next block to its end. */
  run(): Promise<string> {
    return this.start().finish();
  }

  /** Waits until a block that is running has restored the tree. */
  async restored(running: Running): Promise<void> {
    let failed: unknown;
    running.finish().catch((error: unknown) => {
      failed = error;
    });
    await this.until('the restored tree', () => {
      if (failed !== undefined) throw failed;
      return this.isRestored();
    });
  }

  /** Waits until something holds. */
  until(what: string, holds: () => boolean): Promise<void> {
    return until(what, holds, () => this.log());
  }

  /** Ends the restored tree. */
  async endTree(): Promise<void> {
    for (const pid of this.tree().reverse()) await this.tasks.signal(pid, 'SIGKILL');
  }

  private tree(): number[] {
    return [...this.tasks.pids().keys()].filter((pid) => pid >= this.program.pid);
  }

  /** criu lets go of all tasks at its end: then each waits for a signal, and nobody traces it. */
  private isRestored(): boolean {
    const pids = this.tasks.pids();
    const tree = this.tree();
    return tree.length === this.treeSize && tree.every((pid) => waitsForSignal(pids.get(pid)));
  }

  /** The end of each log of criu, for messages. */
  private log(): string {
    let text = '';
    for (const name of fs.readdirSync(this.directory)) {
      const file = this.file(`${name}/restore.log`);
      if (fs.existsSync(file)) text += `${name}: …${fs.readFileSync(file, 'utf8').slice(-2000)}\n`;
    }
    return text;
  }
}

const RT_SIGTIMEDWAIT = '128';

function waitsForSignal(hostPid: number | undefined): boolean {
  try {
    const [call] = fs.readFileSync(`/proc/${hostPid}/syscall`, 'utf8').split(' ');
    return call === RT_SIGTIMEDWAIT && /^TracerPid:\s*0$/m.test(fs.readFileSync(`/proc/${hostPid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
