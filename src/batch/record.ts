import fs, { constants } from 'node:fs';
import path from 'node:path';
import { messages } from '../errors/messages';
import { holdDirectoryBelow } from '../storage/below-root';
import { closeRead } from '../storage/close';
import { modeLike, modeOfReplaced } from '../storage/file-mode';
import type { HeldDirectory } from '../storage/held-directory';
import { NEVER_WAIT_OR_FOLLOW } from '../storage/open-flags';
import type { FixedDirectory } from '../storage/trusted-path';
import { pathDigest } from './path-digest';
import { Shelf } from './shelf';

/** A record is written again, also that of an output which may not be. */
const OWN = 0o600;

const { O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;
/** A FIFO that somebody has put there fails, and is not waited for. */
const WRITE_RECORD = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK;

/** A path of 4096 bytes, each escaped, and what stands beside it. */
const MAX_RECORD_BYTES = 64 * 1024;

/** The directory for outputs, as given and absolute without links: data alone, so that another process can have it. */
export interface JobRoot {
  readonly given: string;
  readonly real: string;
  /** The bytes of `real`, as latin1: each job goes there without following links. */
  readonly bytes: string;
}

/** What a batch keeps in ROOT about what it made there. */
export const STATE_DIRECTORY = '.fdgraft-batch';

/** What made an output: the same again makes the same. */
export interface JobRecord {
  readonly version: 1;
  /** The output's path below ROOT. */
  readonly output: string;
  /** What was done: another command's output is not replaced. */
  readonly command: string;
  /** Digest of what was to be done: the command, its options, the version of the tool. */
  readonly task: string;
  readonly input: string;
  readonly content: string;
  /** False where the job was done and the answer is no. */
  readonly isFine: boolean;
}

/**
 * One output's place, its record, and what is put aside for it. All is reached through directories that are held open
 * until `close`: others may be able to rename things in ROOT. The state is named by the output's path alone, which may
 * be of any length.
 */
export class JobState {
  /** The output itself. */
  readonly made: string;
  /** On ROOT's file system, for this output alone: what is made to be compared. */
  readonly aside: Shelf;
  /** And what was there before, until what takes its place is made. */
  readonly old: Shelf;
  /** ROOT: whoever makes an output there follows no link below it. */
  readonly fixed: FixedDirectory;
  /** The output and the directory of `aside` by their names, which by now may lead elsewhere. */
  readonly madePath: string;
  readonly asidePath: string;
  private readonly record: string;
  /** The record as messages name it. */
  private readonly shown: string;

  /** Of the output, also when it is put aside. */
  private owner: number | undefined;

  private constructor(
    private readonly around: HeldDirectory,
    private readonly directory: HeldDirectory,
    root: JobRoot,
    private readonly output: string,
    { above, name }: StatePlace,
  ) {
    this.fixed = { given: [root.given, root.real], real: Buffer.from(root.bytes, 'latin1') };
    this.made = `${around.path}/${path.basename(output)}`;
    this.record = `${directory.path}/${name}.json`;
    const shelf = (ending: string) =>
      new Shelf(`${directory.path}/${name}.${ending}`, path.join(root.given, above, `${name}.${ending}`));
    this.aside = shelf('aside');
    this.old = shelf('old');
    this.madePath = path.join(root.real, output);
    this.asidePath = path.join(root.real, above, `${name}.aside`);
    this.shown = path.join(root.given, above, `${name}.json`);
  }

  /** Makes the directories that are missing. None may be a link, which would lead out of ROOT. Throws FdgraftError. */
  static open(root: JobRoot, output: string): JobState {
    const real = Buffer.from(root.bytes, 'latin1');
    const place = statePlace(output);
    const around = holdDirectoryBelow(real, path.dirname(output), root.given);
    try {
      return new JobState(around, holdDirectoryBelow(real, place.above, root.given), root, output, place);
    } catch (error) {
      around.close();
      throw error;
    }
  }

  close(): void {
    this.around.close();
    this.directory.close();
  }

  /** Undefined where there is none that is whole: who was killed while writing it is taken for one who had not begun. */
  read(): JobRecord | undefined {
    try {
      const record = JSON.parse(this.readRecord()) as JobRecord;
      return record.version === 1 && record.output === this.output ? record : undefined;
    } catch {
      return undefined;
    }
  }

  /** True where the output, a file, has not been changed since its record was written: it need not be read to know. */
  isNewer(): boolean {
    const [file, record] = [this.made, this.record].map((name) => fs.lstatSync(name, { bigint: true })) as [
      fs.BigIntStats,
      fs.BigIntStats,
    ];
    // Nobody sets these times; a copy of ROOT has other ones, and is read.
    return file.isFile() && file.ctimeNs <= record.ctimeNs;
  }

  write(record: Omit<JobRecord, 'version' | 'output'>): void {
    try {
      const made = fs.lstatSync(this.made, { throwIfNoEntry: false });
      const sources = made === undefined ? [] : [made];
      const fd = fs.openSync(this.record, WRITE_RECORD, OWN | modeLike(sources, this.directory.path));
      try {
        // One that is there may tell of an output that others could read.
        const there = fs.fstatSync(fd);
        // Somebody may have put another file there, whose content is not the batch's to replace.
        if (!there.isFile() || there.nlink > 1) throw new Error('something else is there');
        const mode = OWN | modeOfReplaced(there, sources);
        const isOurs = there.uid === process.geteuid?.();
        if (isOurs && mode !== (there.mode & 0o7777)) fs.fchmodSync(fd, mode);
        fs.ftruncateSync(fd);
        fs.writeSync(fd, `${JSON.stringify({ version: 1, output: this.output, ...record })}\n`);
      } finally {
        fs.closeSync(fd);
      }
    } catch (error) {
      throw messages.stateUnusable(this.shown, error);
    }
  }

  /**
   * A record lets a batch remove the output, so it counts only if it belongs to who asks, to root, or to the owner of the
   * output: in a ROOT like /tmp, others may have put it there.
   */
  private isTrusted({ uid }: fs.Stats): boolean {
    const own = process.geteuid?.();
    if (own === undefined || uid === own || uid === 0) return true;
    this.owner = fs.lstatSync(this.made, { throwIfNoEntry: false })?.uid ?? this.owner;
    return uid === this.owner;
  }

  /** Its text. Throws where it is no file, or larger than any record. */
  private readRecord(): string {
    const fd = fs.openSync(this.record, NEVER_WAIT_OR_FOLLOW);
    try {
      const stats = fs.fstatSync(fd);
      if (!stats.isFile() || stats.size > MAX_RECORD_BYTES) throw new Error('it is no record');
      if (!this.isTrusted(stats)) throw new Error('somebody else wrote it');
      return fs.readFileSync(fd, 'utf8');
    } finally {
      closeRead(fd);
    }
  }
}

/** Below ROOT. */
interface StatePlace {
  readonly above: string;
  readonly name: string;
}

function statePlace(output: string): StatePlace {
  const name = pathDigest(output).toString('hex', 0, 16);
  return { above: path.join(STATE_DIRECTORY, name.slice(0, 2)), name };
}
