import fs from 'node:fs';
import { builtins } from '../bytes/builtins';
import { escapeBytes } from '../bytes/escape';
import { codeOf } from '../errors/code-of';
import { joinPath } from './byte-path';
import { type Fingerprint, fingerprint, firstDifference } from './fingerprint';
import { flushEntries } from './flush';
import { type HeldDirectory, holdDirectory, holdToWrite } from './held-directory';
import { removeFile } from './remove-file';
import { removeTree } from './remove-tree';

/** Longer names are cut, so that what is put around them still fits (255 bytes). */
const MAX_NAME_BYTES = 120;
const OWNER = /^(\d+)\.(\d+)-[A-Za-z0-9]{6}$/;

/**
 * A link that shows a work directory to be one: only who may write into it can have put it there. Its text is the
 * inode.
 */
const MARK = 'work-directory';
/** What is being built, and after an exchange what was there before. */
const CONTENT = 'directory';
/** What CONTENT may be without a word: see `expect`. */
const EXPECTED = 'expected';
/** The beginning of the names of others, on their way to be removed. */
const LEFT = 'left-';

/**
 * A directory that is ours alone (mode 0700) beside the place where a result is to appear, on the same file system. Its
 * name tells for what and by which process, `.NAME.fdgraft-PID.START-XXXXXX`, so that a later run can remove what one
 * that was killed has left. It and the directory around it are held open: whoever may rename things there cannot lead
 * us elsewhere.
 */
export class WorkDirectory {
  /** Where the result is built. */
  readonly content: Buffer;
  /** Paths of directories that earlier runs left, and that could not be removed. */
  readonly unremovable: Buffer[] = [];
  /** Paths of such directories with something in it that came in from elsewhere: that is not ours to remove. */
  readonly strange: Buffer[] = [];
  private isKept = false;

  private constructor(
    readonly parent: HeldDirectory,
    readonly self: HeldDirectory,
    private readonly parentPath: Buffer,
    private readonly name: Buffer,
  ) {
    this.content = joinPath(self.path, Buffer.from(CONTENT));
  }

  /** Makes one in `parent` for what is called `name` there. Removes those of processes that are gone. */
  static async create(parent: Buffer, name: Buffer): Promise<WorkDirectory> {
    const around = holdToWrite(parent);
    const begin = prefix(name);
    ownStart ??= startOf(process.pid) ?? '0';
    const template = Buffer.concat([joinPath(around.path, begin), Buffer.from(`${process.pid}.${ownStart}-`)]);
    let work: WorkDirectory | undefined;
    let made: Buffer | undefined;
    try {
      // The types of Node 20 do not know that the prefix may be bytes.
      made = fs.mkdtempSync(template as unknown as string, 'buffer') as unknown as Buffer;
      work = new WorkDirectory(around, holdDirectory(made), parent, made.subarray(made.lastIndexOf('/') + 1));
      work.markAsOurs();
      await work.takeLeftovers(begin);
      fs.mkdirSync(work.content, { mode: 0o700 });
      return work;
    } catch (error) {
      if (work === undefined) {
        if (made !== undefined) tryToRemove(made);
        around.close();
      }
      await work?.remove().catch(() => {});
      throw error;
    }
  }

  private markAsOurs(): void {
    const { ino, uid } = fs.statSync(this.self.path);
    // What we have just made is ours and has nothing in it. Between that and now someone may have exchanged it.
    if (uid !== process.geteuid?.() || fs.readdirSync(this.self.path).length > 0) {
      this.keep();
      throw new Error(`${escapeBytes(this.shown)} is not the directory that was just made there`);
    }
    // Whatever the umask.
    fs.chmodSync(this.self.path, 0o700);
    fs.symlinkSync(String(ino), joinPath(this.self.path, Buffer.from(MARK)));
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
   * Writes down, before it is exchanged, what the directory may hold: should this run be killed before it has seen that
   * nothing else has come in, the next one looks.
   */
  expect(fingerprints: readonly Fingerprint[]): void {
    const text = JSON.stringify(fingerprints.map((files) => [...files]));
    fs.writeFileSync(joinPath(this.self.path, Buffer.from(EXPECTED)), text);
  }

  /** Waits until a rename around it is on disk, where the file system does that. Throws what the system says. */
  async flushParent(): Promise<void> {
    await flushEntries(this.parent.path);
  }

  /** To be called when it was seen. Never throws: what was written down may stay, since `remove` looks at none of it. */
  expectAnything(): void {
    try {
      removeFile(joinPath(this.self.path, Buffer.from(EXPECTED)));
    } catch {
      // All is done by now, and it would be told as not done.
    }
  }

  /** `remove` leaves it where it is: it holds something that is not ours. */
  keep(): void {
    this.isKept = true;
  }

  async remove(): Promise<void> {
    try {
      if (this.isKept) return;
      await empty(this.self.path);
      fs.rmdirSync(this.beside(this.name));
    } finally {
      this.self.close();
      this.parent.close();
    }
  }

  private async takeLeftovers(begin: Buffer): Promise<void> {
    for (const [i, name] of leftovers(this.parent.path, begin).entries()) {
      const verdict = await this.clear(name, joinPath(this.self.path, Buffer.from(`${LEFT}${i}`)));
      const place = joinPath(this.parentPath, name);
      if (verdict === 'unremovable') this.unremovable.push(place);
      if (verdict === 'strange') this.strange.push(place);
    }
  }

  /**
   * It is moved into this one before it is removed: nobody else can reach it there. And should the process that made
   * it live on, where its number cannot be looked up from here, then it fails, and does not put a directory that is
   * half removed in its place.
   */
  private async clear(name: Buffer, taken: Buffer): Promise<'removed' | 'foreign' | 'unremovable' | 'strange'> {
    const held = tryToHold(this.beside(name));
    if (held === undefined) return 'foreign';
    try {
      const before = judge(held.path);
      if (before !== 'ours') return before;
      // It fails where another run was first, or it is not ours to move.
      if (!tryToRename(this.beside(name), taken)) return 'foreign';
      const after = isSame(held.path, taken) ? judge(held.path) : 'foreign';
      if (after !== 'ours') {
        this.giveBack(taken, name);
        return after;
      }
      await empty(held.path);
      fs.rmdirSync(taken);
      return 'removed';
    } catch {
      this.giveBack(taken, name);
      return 'unremovable';
    } finally {
      held.close();
    }
  }

  /** Where its place is taken by now, it stays in here, and so does this. */
  private giveBack(taken: Buffer, name: Buffer): void {
    if (!fs.existsSync(taken) || tryToRename(taken, this.beside(name))) return;
    this.keep();
    this.strange.push(joinPath(this.shown, taken.subarray(taken.lastIndexOf('/') + 1)));
  }
}

/**
 * Removes the work directories of processes that are gone. Resolves to the paths of those that hold something strange.
 */
export async function removeLeftovers(parent: Buffer, name: Buffer): Promise<readonly Buffer[]> {
  if (leftovers(parent, prefix(name)).length === 0) return [];
  const work = await WorkDirectory.create(parent, name);
  await work.remove();
  return work.strange;
}

/**
 * What is expected goes first, since it is not true any more; the mark last: what is left is known as a work directory.
 */
async function empty(directory: Buffer): Promise<void> {
  const [mark, expected] = [MARK, EXPECTED].map((name) => joinPath(directory, Buffer.from(name))) as [Buffer, Buffer];
  removeFile(expected);
  for (const name of fs.readdirSync(directory, { encoding: 'buffer' })) {
    if (name.toString('latin1') !== MARK) await removeTree(joinPath(directory, name));
  }
  removeFile(mark);
}

function tryToHold(directory: Buffer): HeldDirectory | undefined {
  try {
    return holdDirectory(directory);
  } catch {
    return undefined;
  }
}

/** A directory that nothing is in yet. */
function tryToRemove(directory: Buffer): void {
  try {
    fs.rmdirSync(directory);
  } catch {
    // The next run for the same name removes it.
  }
}

function tryToRename(from: Buffer, to: Buffer): boolean {
  try {
    fs.renameSync(from, to);
    return true;
  } catch {
    return false;
  }
}

function isSame(a: Buffer, b: Buffer): boolean {
  const [one, other] = [fs.statSync(a, { bigint: true }), fs.lstatSync(b, { bigint: true })];
  return one.dev === other.dev && one.ino === other.ino;
}

/**
 * What a directory (held open) is: a work directory of ours with nothing else in it; one that something has come into,
 * or that has such a one in it; or anything else that has such a name. Nobody else can write into one of ours.
 */
function judge(directory: Buffer): 'ours' | 'strange' | 'foreign' {
  const stats = fs.statSync(directory);
  if (!isPrivate(stats)) return 'foreign';
  const names = fs.readdirSync(directory);
  // Made, and not marked yet.
  if (names.length === 0) return 'ours';
  if (readMark(directory) !== String(stats.ino)) return 'foreign';
  const isFine = names.filter((name) => name.startsWith(LEFT)).every((name) => isFineInside(directory, name));
  return isFine && isAsExpected(directory) ? 'ours' : 'strange';
}

function isFineInside(directory: Buffer, name: string): boolean {
  const held = tryToHold(joinPath(directory, Buffer.from(name)));
  if (held === undefined) return false;
  try {
    return judge(held.path) === 'ours';
  } finally {
    held.close();
  }
}

/** A link's text, since that is there at once or not at all. */
function readMark(directory: Buffer): string | undefined {
  try {
    return fs.readlinkSync(joinPath(directory, Buffer.from(MARK)));
  } catch {
    return undefined;
  }
}

function isPrivate({ uid, mode }: fs.Stats): boolean {
  return uid === process.geteuid?.() && (mode & 0o777) === 0o700;
}

/** False where a run was killed after an exchange, and something has come into the old directory meanwhile. */
function isAsExpected(directory: Buffer): boolean {
  const file = joinPath(directory, Buffer.from(EXPECTED));
  if (!fs.existsSync(file)) return true;
  let expected: [string, string][][];
  try {
    expected = JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch {
    // Killed while it was written, so before anything was exchanged.
    return true;
  }
  const found = fingerprint(joinPath(directory, Buffer.from(CONTENT)));
  return expected.some((files) => firstDifference(new Map(files), found) === undefined);
}

function prefix(name: Buffer): Buffer {
  const shortened =
    name.length <= MAX_NAME_BYTES
      ? name
      : Buffer.concat([name.subarray(0, MAX_NAME_BYTES - 17), Buffer.from(`~${digest(name)}`)]);
  return Buffer.concat([Buffer.from('.'), shortened, Buffer.from('.fdgraft-')]);
}

function digest(name: Buffer): string {
  return builtins.crypto.createHash('sha256').update(name).digest('hex').slice(0, 16);
}

/** By directory: the names in it that look like those of work directories; while someone asked to remember them. */
let remembered: Map<string, readonly Buffer[]> | undefined;
let rememberers = 0;
const MAX_REMEMBERED = 10_000;

/**
 * From now on, until what it returns is called, each directory is looked through for leftovers once only: who makes a
 * hundred thousand results in one directory cannot list it for each. What is left there meanwhile goes another time.
 */
export function rememberLeftovers(): () => void {
  rememberers += 1;
  remembered ??= new Map();
  return () => {
    rememberers -= 1;
    if (rememberers === 0) remembered = undefined;
  };
}

const LOOKS_LEFT = /^\..+\.fdgraft-\d+\.\d+-[A-Za-z0-9]{6}$/s;

function namesLikeOurs(parent: Buffer): readonly Buffer[] {
  const list = () =>
    fs.readdirSync(parent, { encoding: 'buffer' }).filter((name) => LOOKS_LEFT.test(name.toString('latin1')));
  if (remembered === undefined) return list();
  const { dev, ino } = fs.statSync(parent, { bigint: true });
  const key = `${dev}:${ino}`;
  const known = remembered.get(key);
  if (known !== undefined) return known;
  if (remembered.size >= MAX_REMEMBERED) remembered.clear();
  const names = list();
  remembered.set(key, names);
  return names;
}

/** Names of directories with this beginning that a process made which is gone. */
function leftovers(parent: Buffer, begin: Buffer): Buffer[] {
  return namesLikeOurs(parent).filter((name) => {
    if (!name.subarray(0, begin.length).equals(begin)) return false;
    const [, pid, start] = OWNER.exec(name.subarray(begin.length).toString('latin1')) ?? [];
    if (pid === undefined || isAlive(Number(pid), start as string)) return false;
    const stats = fs.lstatSync(joinPath(parent, name), { throwIfNoEntry: false });
    return stats?.isDirectory() === true && isPrivate(stats);
  });
}

function isAlive(pid: number, start: string): boolean {
  if (process.platform === 'linux') return startOf(pid) === start;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** When this process began. */
let ownStart: string | undefined;

/** When a process began, in ticks since the system did; undefined where there is none. */
function startOf(pid: number): string | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    // proc(5): fields 3 and 22, counted behind the name, which may hold anything.
    const [state = '', ...others] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // One that has ended stays there until its parent asks, which the first process of a container may never do.
    return 'ZX'.includes(state) ? undefined : others[18];
  } catch {
    return undefined;
  }
}
