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
    for (const folder of open) fs.rmSync(folder, { recursive: true, force: true });
  });
  sweep();
}

/** Removes what killed processes left behind: their folders carry their pid. */
export function sweep(): void {
  for (const name of fs.readdirSync(os.tmpdir())) {
    const pid = pattern.exec(name)?.[1];
    if (pid && !alive(Number(pid))) fs.rmSync(path.join(os.tmpdir(), name), { recursive: true, force: true });
  }
}

/** A fresh folder that is gone when the test is, or the process, or at the latest when the next one starts. */
export function makeTemp(): string {
  prepare();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), `${PREFIX}${process.pid}-`));
  open.add(folder);
  return folder;
}

export function removeTemp(folder: string): void {
  fs.rmSync(folder, { recursive: true, force: true });
  open.delete(folder);
}
