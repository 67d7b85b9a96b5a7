import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { compileHelper } from './compile';

const O_CLOEXEC = 0o2000000;

export interface Descriptor {
  /** What /proc/PID/fd/N links to. */
  target: string;
  pos: number;
  /** Open flags without close-on-exec. */
  flags: number;
  closeOnExec: boolean;
  mntId: number;
  ino: number;
  /** The further lines of fdinfo: an eventfd's count, an epoll's watches and so on. */
  info: string[];
}

function status(pid: string): { name: string; parent: number; pids: number[] } | undefined {
  let text: string;
  try {
    text = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return undefined; // It ended while the list was read.
  }
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(text)?.[1] ?? '';
  if (field('State').startsWith('Z')) return undefined;
  return { name: field('Name'), parent: Number(field('PPid')), pids: field('NSpid').split(/\s+/).map(Number) };
}

/** The tasks inside a box, by the pids that they have there: those of pstree.img. Seen from outside, through /proc. */
export class Tasks {
  /** roots: host pids whose descendants are the tasks, and which are none themselves. */
  constructor(private readonly roots: () => ReadonlySet<number>) {}

  /** Each task's pid, in its innermost namespace, with its host pid. */
  pids(): Map<number, number> {
    const all = new Map<number, { parent: number; pids: number[] }>();
    for (const name of fs.readdirSync('/proc')) {
      const found = /^\d+$/.test(name) ? status(name) : undefined;
      if (found) all.set(Number(name), found);
    }
    const roots = this.roots();
    const tasks: [number, number][] = [];
    for (const [hostPid, { parent, pids }] of all) {
      if (roots.has(hostPid)) continue;
      let ancestor: number | undefined = parent;
      while (ancestor && !roots.has(ancestor)) ancestor = all.get(ancestor)?.parent;
      if (ancestor) tasks.push([pids.at(-1) as number, hostPid]);
    }
    return new Map(tasks.sort((a, b) => a[0] - b[0]));
  }

  /** The host pids of the tasks of this name (comm). */
  named(name: string): number[] {
    return [...this.pids().values()].filter((pid) => status(String(pid))?.name === name);
  }

  hostPid(pid: number): number {
    const hostPid = this.pids().get(pid);
    if (hostPid === undefined)
      throw new Error(`no task ${pid}: there are ${[...this.pids().keys()].join(', ') || 'none'}`);
    return hostPid;
  }

  /** The open descriptors of a task, by number. */
  fds(pid: number): Map<number, Descriptor> {
    const directory = `/proc/${this.hostPid(pid)}`;
    const numbers = fs.readdirSync(`${directory}/fd`).map(Number);
    return new Map(
      numbers
        .sort((a, b) => a - b)
        .map((fd) => {
          const lines = fs.readFileSync(`${directory}/fdinfo/${fd}`, 'utf8').split('\n').filter(Boolean);
          const value = (name: string) =>
            lines
              .find((line) => line.startsWith(`${name}:`))
              ?.slice(name.length + 1)
              .trim() ?? '';
          const flags = Number.parseInt(value('flags'), 8);
          return [
            fd,
            {
              target: fs.readlinkSync(`${directory}/fd/${fd}`),
              pos: Number(value('pos')),
              flags: flags & ~O_CLOEXEC,
              closeOnExec: (flags & O_CLOEXEC) !== 0,
              mntId: Number(value('mnt_id')),
              ino: Number(value('ino')),
              info: lines.filter((line) => !/^(pos|flags|mnt_id|ino):/.test(line)),
            },
          ];
        }),
    );
  }

  /** Whether two descriptors are one open file (kcmp(2)). */
  sameOpenFile(pidA: number, fdA: number, pidB: number, fdB: number): boolean {
    const ids = [this.hostPid(pidA), fdA, this.hostPid(pidB), fdB].map(String);
    return sameOpenFile(ids);
  }

  /** Whether a descriptor of a task is the open file that this process has at `own`. */
  isOurs(pid: number, fd: number, own: number): boolean {
    return sameOpenFile([this.hostPid(pid), fd, process.pid, own].map(String));
  }

  /** Who is told of I/O on a descriptor of a task: F_OWNER_TID 0, F_OWNER_PID 1 or F_OWNER_PGRP 2, host pid, signal. */
  ownerOf(pid: number, fd: number): { type: number; hostPid: number; signal: number } {
    const { status, stdout, stderr } = spawnSync(compileHelper('owner'), [this.hostPid(pid), fd].map(String), {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`no owner of ${pid}/${fd}: ${stderr.trim()}`);
    const [type, hostPid, signal] = stdout.trim().split(' ').map(Number) as [number, number, number];
    return { type, hostPid, signal };
  }

  /** Sends a signal; for those that the fixture programs act on, waits until the task has done so. */
  async signal(pid: number, signal: 'SIGUSR1' | 'SIGUSR2' | 'SIGKILL'): Promise<void> {
    const hostPid = this.hostPid(pid);
    const done = () => {
      try {
        return fs.statSync(`/proc/${hostPid}/cwd/done.${pid}`).size;
      } catch {
        return 0;
      }
    };
    const before = done();
    process.kill(hostPid, signal);
    const end = Date.now() + 15_000;
    while (signal === 'SIGKILL' ? this.pids().has(pid) : done() === before) {
      if (Date.now() > end)
        throw new Error(`task ${pid} did not act on ${signal} within 15 s: it is blocked in a read or write`);
      if (signal !== 'SIGKILL' && !this.pids().has(pid))
        throw new Error(`task ${pid} ended on ${signal}: a read or write of it failed`);
      await sleep(5);
    }
  }

  /** What a task has read from a descriptor on SIGUSR2, or reported under a name, all in all. */
  readBy(pid: number, fd: number | string): Buffer {
    return fs.readFileSync(`/proc/${this.hostPid(pid)}/cwd/read.${pid}.${fd}`);
  }
}

function sameOpenFile(ids: string[]): boolean {
  const { status: answer, stderr } = spawnSync(compileHelper('samefile'), ids, { encoding: 'utf8' });
  if (answer !== 0 && answer !== 1) throw new Error(`open files could not be compared: ${stderr.trim()}`);
  return answer === 0;
}
