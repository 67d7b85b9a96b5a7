import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { joinPath } from './byte-path';
import { removeTree } from './remove-tree';

/** Longer names are cut, so that what is put around them still fits (255 bytes). */
const MAX_NAME_BYTES = 120;
const OWNER = /^(\d+)\.(\d+)-[A-Za-z0-9]{6}$/;

/**
 * A folder that is ours alone (mode 0700) beside the place where a result is to appear, on the same file system. Its
 * name tells for what and by which process, `.NAME.fdgraft-PID.START-XXXXXX`, so that a later run can remove what one
 * that was killed has left.
 */
export class WorkFolder {
  private constructor(readonly path: Buffer) {}

  /** Makes one in `parent` for what is called `name` there. Removes those of processes that are gone. */
  static async create(parent: Buffer, name: Buffer): Promise<WorkFolder> {
    const begin = prefix(name);
    const start = startOf(process.pid) ?? '0';
    const template = Buffer.concat([joinPath(parent, begin), Buffer.from(`${process.pid}.${start}-`)]);
    // The types of Node 20 do not know that the prefix may be bytes.
    const work = new WorkFolder((await mkdtemp(template as unknown as string, 'buffer')) as unknown as Buffer);
    try {
      await work.takeLeftovers(parent, begin);
      return work;
    } catch (error) {
      await work.remove();
      throw error;
    }
  }

  /** Removes the work folders of processes that are gone, and nothing else. */
  static async cleanUp(parent: Buffer, name: Buffer): Promise<void> {
    const begin = prefix(name);
    if (leftovers(parent, begin).length === 0) return;
    const work = await WorkFolder.create(parent, name);
    await work.remove();
  }

  /** The path of something in it. */
  place(name: string): Buffer {
    return joinPath(this.path, Buffer.from(name));
  }

  async remove(): Promise<void> {
    await removeTree(this.path);
  }

  /**
   * They are moved before they are removed: should the process that made one live on, where its number cannot be
   * looked up from here, then it fails, and does not put a folder that is half removed in its place.
   */
  private async takeLeftovers(parent: Buffer, begin: Buffer): Promise<void> {
    for (const [i, name] of leftovers(parent, begin).entries()) {
      const taken = this.place(`left-${i}`);
      try {
        fs.renameSync(joinPath(parent, name), taken);
      } catch {
        // Another run was first, or it is not ours to move.
        continue;
      }
      await removeTree(taken);
    }
  }
}

function prefix(name: Buffer): Buffer {
  const shortened =
    name.length <= MAX_NAME_BYTES
      ? name
      : Buffer.concat([name.subarray(0, MAX_NAME_BYTES - 17), Buffer.from(`~${digest(name)}`)]);
  return Buffer.concat([Buffer.from('.'), shortened, Buffer.from('.fdgraft-')]);
}

function digest(name: Buffer): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 16);
}

/** Names of folders with this beginning that a process made which is gone. */
function leftovers(parent: Buffer, begin: Buffer): Buffer[] {
  return fs.readdirSync(parent, { encoding: 'buffer' }).filter((name) => {
    if (!name.subarray(0, begin.length).equals(begin)) return false;
    const [, pid, start] = OWNER.exec(name.subarray(begin.length).toString('latin1')) ?? [];
    if (pid === undefined || isAlive(Number(pid), start as string)) return false;
    const stats = fs.lstatSync(joinPath(parent, name), { throwIfNoEntry: false });
    return stats?.isDirectory() === true && stats.uid === process.geteuid?.() && (stats.mode & 0o777) === 0o700;
  });
}

function isAlive(pid: number, start: string): boolean {
  if (process.platform === 'linux') return startOf(pid) === start;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** When a process began, in ticks since the system did; undefined where there is none. */
function startOf(pid: number): string | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    // proc(5): field 22, counted behind the name, which may hold anything.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
