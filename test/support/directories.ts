import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { encodeImage, type ImageOptions, type Record } from './images';

/** A directory that is gone when the test is over. */
export function temporaryDirectory(t: ExecutionContext): string {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-test-'));
  t.teardown(() => fs.rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** No one gets a signal on I/O. */
export const NO_OWNER = { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: 0 };

export const pipeEntry = (id: number, pipeId: number, flags: number, more: object = {}) => ({
  type: 'PIPE',
  id,
  pipe: { id, pipe_id: pipeId, flags, fown: NO_OWNER, ...more },
});

export const fileEntry = (id: number, name: string, flags: number, more: object = {}) => ({
  type: 'REG',
  id,
  reg: { id, flags, pos: 0, fown: NO_OWNER, name, ...more },
});

export const descriptor = (id: number, fd: number, type: string, flags = 0) => ({ id, flags, type, fd });

/** Images of a checkpoint by name: records, or the whole file as bytes. */
export type Images = { [name: string]: readonly Record[] | Buffer };

/** Two tasks: 7 with table 1, 8 with table 2. Table 1 has a pipe twice and a log, table 2 the pipe once. */
export function smallCheckpoint(): Images {
  const ids = (files: number) => [{ vm_id: 1, files_id: files, fs_id: 1, sighand_id: 1 }];
  return {
    'inventory.img': [{ img_version: 2, fdinfo_per_id: true }],
    'pstree.img': [
      { pid: 7, ppid: 0, pgid: 7, sid: 7, threads: [7] },
      { pid: 8, ppid: 7, pgid: 7, sid: 7, threads: [8] },
    ],
    'ids-7.img': ids(1),
    'ids-8.img': ids(2),
    'files.img': [
      fileEntry(1, '/usr/bin/program', 0),
      pipeEntry(2, 4711, 1),
      fileEntry(3, '/var/log/app.log', 0o2001, { pos: 162, size: 162, mode: 0o100644 }),
      fileEntry(4, '/', 0o200000),
    ],
    'fdinfo-1.img': [
      descriptor(2, 1, 'PIPE'),
      descriptor(3, 3, 'REG'),
      descriptor(2, 6, 'PIPE', 1),
      descriptor(4, 9, 'REG'),
    ],
    'fdinfo-2.img': [descriptor(2, 1, 'PIPE')],
    'fs-7.img': [{ cwd_id: 4, root_id: 4, umask: 18 }],
    'mm-7.img': [mmEntry(1)],
    'pages-1.img': Buffer.from('not read by anyone'),
  };
}

export function mmEntry(exe: number, vmas: object[] = []): object {
  const addresses = ['start_code', 'end_code', 'start_data', 'end_data', 'start_stack', 'start_brk', 'brk'];
  const more = ['arg_start', 'arg_end', 'env_start', 'env_end'];
  const fields = Object.fromEntries([...addresses, ...more].map((name) => [`mm_${name}`, 4096]));
  return { ...fields, exe_file_id: exe, vmas };
}

export const mapping = (shmid: number, status: number) => ({
  start: 4096,
  end: 8192,
  pgoff: 0,
  shmid,
  prot: 1,
  flags: 2,
  status,
  fd: -1,
});

/** Writes the images into a new directory below `parent`. */
export function writeCheckpoint(parent: string, images: Images, options: ImageOptions = {}): string {
  const directory = fs.mkdtempSync(path.join(parent, 'checkpoint-'));
  for (const [name, content] of Object.entries(images)) {
    const bytes = Buffer.isBuffer(content) ? content : encodeImage(name, content as readonly Record[], options);
    fs.writeFileSync(path.join(directory, name), bytes);
  }
  return directory;
}

/** Every file of a directory with the digest of its content; links with their text. */
export function snapshot(directory: string): { [name: string]: string } {
  const files: { [name: string]: string } = {};
  for (const name of fs.readdirSync(directory).sort()) {
    const full = path.join(directory, name);
    const stats = fs.lstatSync(full);
    if (stats.isSymbolicLink()) files[name] = `-> ${fs.readlinkSync(full)}`;
    else if (stats.isDirectory())
      for (const [below, value] of Object.entries(snapshot(full))) files[`${name}/${below}`] = value;
    else
      files[name] =
        `${(stats.mode & 0o7777).toString(8)} ${createHash('sha256').update(fs.readFileSync(full)).digest('hex')}`;
  }
  return files;
}
