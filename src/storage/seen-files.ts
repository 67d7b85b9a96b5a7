import fs, { type Stats } from 'node:fs';
import { escapeBytes } from '../bytes/escape';
import { messages } from '../errors/messages';
import { orAborted } from './or-aborted';
import { isPages } from './pages';

/** What has to stay as it is while a checkpoint is read: images, their JSON and the list of descriptors. Logs may grow. */
const STEADY = /\.img(\.json)?$|(^|\/)descriptors\.json$/;

/** Two ticks of the coarsest clock that a kernel of today stamps files with (100 Hz). */
const TICKS_MS = 20;
/** File systems that store whole seconds only; FAT stores every other one. */
const WHOLE_SECONDS_MS = 2_000;
const MS_PER_SECOND = 1_000;
/** Stamps from a clock that is ahead of ours could make each file wait. */
const LONGEST_WAIT_MS = 3_000;

/** A file or a directory of a source. */
export interface SeenPlace {
  /** Absolute path, one character a byte. */
  readonly key: string;
  /** How messages name it, and the source; empty for that itself. */
  readonly name: Buffer;
  readonly label: string;
}

/** Whether a member has to stay as it is while its source is read. */
export function isSteady(name: Buffer): boolean {
  return STEADY.test(name.toString('latin1'));
}

/** The numbers that tell whether a file is another one by now, or was written to. */
const scratch = new Float64Array(6);
const scratchBytes = Buffer.from(scratch.buffer);
const CONTENT_BYTES = 4 * 8;
const CHANGE_BYTES = 5 * 8;

/**
 * Which file it is and when it was written to, one character a byte: a checkpoint can have 100,000 of them. Times are
 * exact to a quarter of a microsecond, in which nobody changes a file twice.
 */
function pack({ dev, ino, size, mtimeMs, ctimeMs, nlink }: Stats): string {
  scratch[0] = dev;
  scratch[1] = ino;
  scratch[2] = size;
  scratch[3] = mtimeMs;
  scratch[4] = ctimeMs;
  scratch[5] = nlink;
  return scratchBytes.toString('latin1');
}

/**
 * True where two looks met one file with one content. The time of the last change counts for a file that was read, since
 * the one of the last write can be set; but not where the number of links tells why it changed: others, other runs of
 * fdgraft among them, may link to an image.
 */
function areSame(one: string, other: string, wasRead: boolean): boolean {
  if (one === other) return true;
  const [content, change] = [one.slice(0, CONTENT_BYTES), one.slice(0, CHANGE_BYTES)];
  if (!other.startsWith(content)) return false;
  return !wasRead || other.startsWith(change) || one.slice(CHANGE_BYTES) !== other.slice(CHANGE_BYTES);
}

/**
 * What the files of a source were when they were first looked at. All that is read twice, or first read and then linked
 * to, is the same both times, or an FdgraftError (SOURCE_UNUSABLE) says that it was changed. Some 200 bytes a file.
 */
export class SeenFiles {
  /** By key; empty for those that were listed and not looked at. */
  private readonly files = new Map<string, string>();
  /** By key: those that were opened. */
  private readonly opened = new Set<string>();
  /** By the keys of directories that were listed: how many of their names count. */
  private readonly counts = new Map<string, number>();
  /** How much the clock of the file system is ahead of ours at least. */
  private aheadMs = 0;
  /** Whether the file system has shown that it stores parts of seconds. */
  private hasFractions = false;
  private waitedMs = 0;

  /** `isReadOnce`: no file is read a second time, so that nothing waits for a young one. */
  constructor(
    private readonly signal?: AbortSignal | undefined,
    private readonly isReadOnce = false,
  ) {}

  /**
   * Takes the names of a directory that have to stay. Throws FdgraftError where they are not those of the first time.
   */
  list(directory: SeenPlace, names: readonly Buffer[]): void {
    const steady = names.filter(isSteady);
    const keyOf = (name: Buffer) => `${directory.key}/${name.toString('latin1')}`;
    const count = this.counts.get(directory.key);
    if (count === undefined) {
      for (const name of steady) this.files.set(keyOf(name), '');
      this.counts.set(directory.key, steady.length);
      return;
    }
    const added = steady.find((name) => !this.files.has(keyOf(name)));
    if (added !== undefined) throw messages.sourceMemberChanged(directory.label, nameIn(directory, added), 'was added');
    if (steady.length === count) return;
    const there = new Set(steady.map(keyOf));
    const begin = `${directory.key}/`;
    for (const key of this.files.keys()) {
      if (there.has(key) || !key.startsWith(begin) || key.includes('/', begin.length)) continue;
      const name = Buffer.from(key.slice(begin.length), 'latin1');
      throw messages.sourceMemberChanged(directory.label, nameIn(directory, name), 'was removed');
    }
  }

  /**
   * What a file is that is read without a list of its directory, such as an archive. `path`: absolute, free of links.
   */
  async seeAlone(path: Buffer, label: string): Promise<Stats> {
    const place = placeOfAlone(path, label);
    if (!this.files.has(place.key)) this.files.set(place.key, '');
    const look = () => {
      try {
        return fs.statSync(path);
      } catch (error) {
        throw messages.cannotRead(label, error);
      }
    };
    return this.see(place, look(), look);
  }

  isListed(directory: SeenPlace): boolean {
    return this.counts.has(directory.key);
  }

  /** Takes that there is no file of this name. Throws FdgraftError where there was one. */
  miss({ key, label, name }: SeenPlace): void {
    if (this.files.has(key)) throw messages.sourceMemberChanged(label, escapeBytes(name), 'was removed');
  }

  /** Takes that there is something else of this name. Throws FdgraftError where it was a file. */
  seeOther(file: SeenPlace): void {
    if (!this.isNew(file)) this.check(file, undefined);
  }

  /** Whether a file that was listed was not looked at yet. */
  isNew({ key }: SeenPlace): boolean {
    return this.files.get(key) === '';
  }

  /**
   * Takes what a look at a file has given. The first one is to be repeated if a file is so young that another write could
   * leave the same times: false then, and nothing is taken. All later ones have to find the same file. Throws FdgraftError.
   */
  seeAtOnce(file: SeenPlace, stats: Stats): boolean {
    const now = pack(stats);
    const known = this.files.get(file.key);
    // A second look at a file that nobody has changed has nothing to wait for.
    if (known === now) return true;
    if (this.millisecondsYoung(stats) > 0) return false;
    if (known === '') this.files.set(file.key, now);
    else this.check(file, stats);
    return true;
  }

  /** The same, waiting until a look can be repeated. Resolves to what the last look gave. */
  async see(file: SeenPlace, stats: Stats, look: () => Stats): Promise<Stats> {
    if (this.seeAtOnce(file, stats)) return stats;
    await this.outlast(stats);
    const settled = look();
    if (!areSame(pack(stats), pack(settled), !isPages(file.name))) throw changed(file);
    // Another reader may have been first meanwhile.
    if (this.isNew(file)) this.files.set(file.key, pack(settled));
    else this.check(file, settled);
    return settled;
  }

  /** Takes that a file is read: from here on, the time of its last change counts. */
  noteOpened(file: SeenPlace): void {
    this.opened.add(file.key);
  }

  /** `check`, and `noteOpened`. */
  checkOpened(file: SeenPlace, stats: Stats): void {
    this.check(file, stats);
    this.noteOpened(file);
  }

  /** Throws FdgraftError where these are not of the file that was seen; undefined where there is none. */
  check(file: SeenPlace, stats: Stats | undefined): void {
    const known = this.files.get(file.key);
    if (known === undefined) throw messages.sourceMemberChanged(file.label, escapeBytes(file.name), 'was added');
    // A link that led nowhere from the first look on.
    if (known === '' && stats === undefined) return;
    const now = stats && pack(stats);
    if (known === '' || now === undefined || !areSame(known, now, this.countsChanges(file))) throw changed(file);
    if (now !== known) this.files.set(file.key, now);
  }

  /** Other runs link to pages and remove their links again, which changes nothing of them but the time. */
  private countsChanges({ key, name }: SeenPlace): boolean {
    return this.opened.has(key) && !isPages(name);
  }

  /** How long it takes until a change of the file would be stamped with another time than it has; 0 if we waited enough. */
  private millisecondsYoung({ ctimeMs }: Stats): number {
    this.hasFractions ||= ctimeMs % MS_PER_SECOND !== 0;
    const now = Date.now();
    this.aheadMs = Math.max(this.aheadMs, ctimeMs - now);
    if (this.isReadOnce || this.waitedMs >= LONGEST_WAIT_MS) return 0;
    return Math.max(0, ctimeMs + (this.hasFractions ? TICKS_MS : WHOLE_SECONDS_MS) - (now + this.aheadMs));
  }

  private async outlast(stats: Stats): Promise<void> {
    const leftMs = this.millisecondsYoung(stats);
    this.waitedMs += leftMs;
    await orAborted(new Promise((resolve) => setTimeout(resolve, leftMs)), this.signal);
  }
}

/** The place of a file that is read without a list of its directory. */
export function placeOfAlone(path: Buffer, label: string): SeenPlace {
  return { key: path.toString('latin1'), name: Buffer.alloc(0), label };
}

function changed({ label, name }: SeenPlace) {
  if (name.length === 0) return messages.archiveChanged(label);
  return messages.sourceMemberChanged(label, escapeBytes(name), 'was changed');
}

function nameIn(directory: SeenPlace, name: Buffer): string {
  return escapeBytes(directory.name.length === 0 ? name : Buffer.concat([directory.name, Buffer.from('/'), name]));
}
