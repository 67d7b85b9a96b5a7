import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, type Input } from './target';

const MEMORY = '/dev/shm';

/** A directory for what needs files, in memory where the system has one for that. What is left in it is told. */
export class WorkRoom {
  readonly top: string;
  private count = 0;

  constructor() {
    const parent = fs.existsSync(MEMORY) ? MEMORY : os.tmpdir();
    this.top = fs.mkdtempSync(path.join(parent, 'fdgraft-fuzz-'));
  }

  /** An empty directory for one input, to be removed by `leave`. */
  enter(): string {
    this.count += 1;
    const room = path.join(this.top, `${this.count}`);
    fs.mkdirSync(room);
    return room;
  }

  leave(room: string): void {
    fs.rmSync(room, { recursive: true, force: true });
  }

  close(): void {
    fs.rmSync(this.top, { recursive: true, force: true });
  }
}

/** Writes the files of a checkpoint. Those that no directory can have are left out. */
export function writeFiles(directory: string, files: Input): void {
  fs.mkdirSync(directory);
  for (const [name, bytes] of Object.entries(files)) {
    if (/[/\0]/.test(name) || ['', '.', '..'].includes(name) || name.length > 255) continue;
    fs.writeFileSync(Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(name, 'latin1')]), bytes);
  }
}

/** Throws a Finding unless the directory has just these entries. */
export function expectEntries(room: string, names: readonly string[]): void {
  const found = fs.readdirSync(room).sort();
  expect(String(found) === String([...names].sort()), () => `left behind: ${found.join(', ')}`);
}

/** Throws a Finding unless the files are as they were written. */
export function expectUnchanged(directory: string, files: Input): void {
  const names = fs.readdirSync(directory, { encoding: 'latin1' });
  for (const name of names) {
    const bytes = fs.readFileSync(Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(name, 'latin1')]));
    expect(files[name]?.equals(bytes) === true, () => `${JSON.stringify(name)} of the source was changed`);
  }
}
