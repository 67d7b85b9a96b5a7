import fs from 'node:fs';
import path from 'node:path';
import type { Pass } from './pass-progress';

/** A file that a pass is at. Sizes are in bytes. */
export interface PassedFile {
  readonly bytesRead: number;
  /** 0 where nobody knows. */
  sizeIfKnown(): number;
}

/** How far a pass over a directory is, in the sizes of the files that it has passed. */
export class DirectoryProgress implements Pass {
  private passed = 0;
  private file: PassedFile | undefined;

  constructor(
    readonly label: string,
    private readonly directory: Buffer,
  ) {}

  /** The pass goes on to another file. */
  moveTo(file: PassedFile | undefined): void {
    this.passed += this.file?.sizeIfKnown() ?? 0;
    this.file = file;
  }

  done(): number {
    return this.passed + (this.file?.bytesRead ?? 0);
  }

  total(): number {
    return sizeBelow(this.directory.toString('latin1'));
  }
}

/** Of regular files; links are not followed. `directory` has one character a byte. */
function sizeBelow(directory: string): number {
  let sum = 0;
  const entries = fs.readdirSync(Buffer.from(directory, 'latin1'), { encoding: 'buffer', withFileTypes: true });
  for (const entry of entries) {
    const inner = path.posix.join(directory, entry.name.toString('latin1'));
    if (entry.isDirectory()) sum += sizeBelow(inner);
    else if (entry.isFile()) sum += fs.lstatSync(Buffer.from(inner, 'latin1')).size;
  }
  return sum;
}
