import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { joinPath } from './byte-path';
import { fingerprint, readFingerprint } from './fingerprint';
import { type HeldFolder, holdFolder } from './held-folder';
import { removeTree } from './remove-tree';

/** Longer names are cut, so that what is put around them still fits (255 bytes). */
const MAX_NAME_BYTES = 120;
const OWNER = /^(\d+)\.(\d+)-[A-Za-z0-9]{6}$/;

/** A file that shows a work folder to be one: only who may write into it can have put it there. Holds its inode. */
const MARK = 'work-folder';
/** What is being built, and after an exchange what was there before. */
const CONTENT = 'folder';
/** What CONTENT may be without a word: see `expect`. */
const EXPECTED = 'expected';

/**
 * A folder that is ours alone (mode 0700) beside the place where a result is to appear, on the same file system. Its
 * name tells for what and by which process, `.NAME.fdgraft-PID.START-XXXXXX`, so that a later run can remove what one
 * that was killed has left. It and the folder around it are held open: whoever may rename things there cannot lead us
 * elsewhere.
 */
export class WorkFolder {
  /** Where the result is built. */
  readonly content: Buffer;
  /** Paths of folders that earlier runs left, and that could not be removed. */
  readonly unremovable: Buffer[] = [];
  /** Paths of such folders with something in it that came in from elsewhere: that is not ours to remove. */
  readonly strange: Buffer[] = [];
  private isKept = false;

  private constructor(
    readonly parent: HeldFolder,
    readonly self: HeldFolder,
    private readonly parentPath: Buffer,
    private readonly name: Buffer,
  ) {
    this.content = joinPath(self.path, Buffer.from(CONTENT));
  }

  /** Makes one in `parent` for what is called `name` there. Removes those of processes that are gone. */
  static async create(parent: Buffer, name: Buffer): Promise<WorkFolder> {
    const around = holdFolder(parent);
    const begin = prefix(name);
    const start = startOf(process.pid) ?? '0';
    const template = Buffer.concat([joinPath(around.path, begin), Buffer.from(`${process.pid}.${start}-`)]);
    let work: WorkFolder | undefined;
    try {
      // The types of Node 20 do not know that the prefix may be bytes.
      const made = (await mkdtemp(template as unknown as string, 'buffer')) as unknown as Buffer;
      work = new WorkFolder(around, holdFolder(made), parent, made.subarray(made.lastIndexOf('/') + 1));
      work.markAsOurs();
      await work.takeLeftovers(begin);
      fs.mkdirSync(work.content, { mode: 0o700 });
      return work;
    } catch (error) {
      if (work === undefined) around.close();
      else await work.remove().catch(() => {});
      throw error;
    }
  }

  private markAsOurs(): void {
    const { ino, uid, mode } = fs.statSync(this.self.path);
    if (uid !== process.geteuid?.() || (process.platform !== 'win32' && (mode & 0o777) !== 0o700)) {
      this.keep();
      throw new Error('someone put another folder in the place of the one that was made');
    }
    fs.writeFileSync(joinPath(this.self.path, Buffer.from(MARK)), String(ino), { flag: 'wx' });
  }

  /** How messages name it. */
  get shown(): Buffer {
    return joinPath(this.parentPath, this.name);
  }

  /** The path of something beside it. */
  beside(name: Buffer): Buffer {
    return joinPath(this.parent.path, name);
  }

  /**
   * Writes down, before it is exchanged, what the folder may hold: should this run be killed before it has seen that
   * nothing else has come in, the next one looks.
   */
  expect(fingerprints: readonly ReadonlyMap<string, string>[]): void {
    const text = JSON.stringify(fingerprints.map((files) => [...files]));
    fs.writeFileSync(joinPath(this.self.path, Buffer.from(EXPECTED)), text);
  }

  /** To be called when it was seen. */
  expectAnything(): void {
    fs.rmSync(joinPath(this.self.path, Buffer.from(EXPECTED)), { force: true });
  }

  /** `remove` leaves it where it is: it holds something that is not ours. */
  keep(): void {
    this.isKept = true;
  }

  async remove(): Promise<void> {
    if (!this.isKept) {
      await empty(this.self.path);
      fs.rmdirSync(this.beside(this.name));
    }
    this.self.close();
    this.parent.close();
  }

  /**
   * They are moved into this one before they are looked at and removed: nobody else can reach them there. And should
   * the process that made one live on, where its number cannot be looked up from here, then it fails, and does not put
   * a folder that is half removed in its place.
   */
  private async takeLeftovers(begin: Buffer): Promise<void> {
    for (const name of leftovers(this.parent.path, begin)) {
      const taken = joinPath(this.self.path, Buffer.from('left'));
      try {
        fs.renameSync(this.beside(name), taken);
      } catch {
        // Another run was first, or it is not ours to move.
        continue;
      }
      const verdict = await this.clear(taken);
      if (verdict === 'removed') continue;
      fs.renameSync(taken, this.beside(name));
      if (verdict !== 'foreign') this[verdict].push(joinPath(this.parentPath, name));
    }
  }

  private async clear(taken: Buffer): Promise<'removed' | 'foreign' | 'unremovable' | 'strange'> {
    try {
      const held = holdFolder(taken);
      try {
        if (!isWorkFolder(held.path)) return 'foreign';
        if (!isAsExpected(held.path)) return 'strange';
        await empty(held.path);
      } finally {
        held.close();
      }
      fs.rmdirSync(taken);
      return 'removed';
    } catch {
      return 'unremovable';
    }
  }
}

/** Removes the work folders of processes that are gone. Resolves to the paths of those that hold something strange. */
export async function removeLeftovers(parent: Buffer, name: Buffer): Promise<readonly Buffer[]> {
  if (leftovers(parent, prefix(name)).length === 0) return [];
  const work = await WorkFolder.create(parent, name);
  await work.remove();
  return work.strange;
}

/** The mark goes last: what is left of a work folder is known as one. */
async function empty(folder: Buffer): Promise<void> {
  for (const name of fs.readdirSync(folder, { encoding: 'buffer' })) {
    if (name.toString('latin1') !== MARK) await removeTree(joinPath(folder, name));
  }
  fs.rmSync(joinPath(folder, Buffer.from(MARK)), { force: true });
}

function isWorkFolder(folder: Buffer): boolean {
  if (fs.readdirSync(folder).length === 0) return true;
  try {
    return fs.readFileSync(joinPath(folder, Buffer.from(MARK)), 'latin1') === String(fs.statSync(folder).ino);
  } catch {
    return false;
  }
}

/** False where a run was killed after an exchange, and something has come into the old folder meanwhile. */
function isAsExpected(folder: Buffer): boolean {
  let text: string;
  try {
    text = fs.readFileSync(joinPath(folder, Buffer.from(EXPECTED)), 'utf8');
  } catch {
    return true;
  }
  let expected: [string, string][][];
  try {
    expected = JSON.parse(text);
  } catch {
    // Killed while it was written, so before anything was exchanged.
    return true;
  }
  const found = fingerprint(joinPath(folder, Buffer.from(CONTENT)));
  return expected.some((files) => readFingerprint(files).differsFrom(found) === undefined);
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
