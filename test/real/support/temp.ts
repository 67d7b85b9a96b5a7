import * as fs from 'node:fs';
import * as os from 'node:os';
import * as path from 'node:path';

const PREFIX = 'fdgraft-';
const pattern = new RegExp(`^${PREFIX}(\\d+)-\\w+$`);
const open = new Set<string>();
let prepared = false;

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

function prepare(): void {
  if (prepared) return;
  prepared = true;
  process.on('exit', () => {
    for (const directory of open) fs.rmSync(directory, { recursive: true, force: true });
  });
  sweep();
}

/** Removes what killed processes left behind: their directories carry their pid. */
export function sweep(): void {
  for (const name of fs.readdirSync(os.tmpdir())) {
    const pid = pattern.exec(name)?.[1];
    if (pid && !alive(Number(pid))) fs.rmSync(path.join(os.tmpdir(), name), { recursive: true, force: true });
  }
}

/** A fresh directory that is gone when the test is, or the process, or at the latest when the next one starts. */
export function makeTemp(): string {
  prepare();
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), `${PREFIX}${process.pid}-`));
  open.add(directory);
  return directory;
}

export function removeTemp(directory: string): void {
  fs.rmSync(directory, { recursive: true, force: true });
  open.delete(directory);
}
