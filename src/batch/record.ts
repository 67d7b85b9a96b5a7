import fs, { constants } from 'node:fs';
import path from 'node:path';
import { messages } from '../errors/messages';
import { modeLike, modeOfReplaced } from '../storage/file-mode';
import { pathDigest } from './path-digest';
import { Shelf } from './shelf';

/** A record is written again, also that of an output which may not be. */
const OWN = 0o600;

const { O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY } = constants;

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

/** Where one output's record stands, and what is put aside for it. Named by its path alone, which may be of any length. */
export class JobState {
  private readonly directory: string;
  private readonly record: string;
  /** The output itself. */
  private readonly made: string;
  /** On ROOT's file system, for this output alone: what is made to be compared. */
  readonly aside: Shelf;
  /** And what was there before, until what takes its place is made. */
  readonly old: Shelf;

  constructor(
    root: string,
    private readonly output: string,
  ) {
    this.made = path.join(root, output);
    const name = pathDigest(output).toString('hex', 0, 16);
    this.directory = path.join(root, STATE_DIRECTORY, name.slice(0, 2));
    this.record = path.join(this.directory, `${name}.json`);
    this.aside = new Shelf(path.join(this.directory, `${name}.aside`));
    this.old = new Shelf(path.join(this.directory, `${name}.old`));
  }

  /** Undefined where there is none that is whole: who was killed while writing it is taken for one who had not begun. */
  read(): JobRecord | undefined {
    try {
      const record = JSON.parse(fs.readFileSync(this.record, 'utf8')) as JobRecord;
      return record.version === 1 && record.output === this.output ? record : undefined;
    } catch {
      return undefined;
    }
  }

  /** True where the output, a file, has not been changed since its record was written: it need not be read to know. */
  isNewerThan(output: string): boolean {
    const [file, record] = [output, this.record].map((name) => fs.lstatSync(name, { bigint: true })) as [
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
      const fd = fs.openSync(
        this.record,
        O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW,
        OWN | modeLike(sources, this.directory),
      );
      try {
        // One that is there may tell of an output that others could read.
        const there = fs.fstatSync(fd);
        const mode = OWN | modeOfReplaced(there, sources);
        const isOurs = there.uid === process.geteuid?.();
        if (isOurs && mode !== (there.mode & 0o7777)) fs.fchmodSync(fd, mode);
        fs.writeSync(fd, `${JSON.stringify({ version: 1, output: this.output, ...record })}\n`);
      } finally {
        fs.closeSync(fd);
      }
    } catch (error) {
      throw messages.stateUnusable(this.record, error);
    }
  }

  /** Makes the directory of it, before all else; others may make it meanwhile. A link would lead out of ROOT. */
  prepare(): void {
    for (const directory of [path.dirname(this.directory), this.directory]) {
      try {
        fs.mkdirSync(directory, { recursive: true });
        if (!fs.lstatSync(directory).isDirectory()) throw new Error('it is no directory');
      } catch (error) {
        throw messages.stateUnusable(directory, error);
      }
    }
  }
}
