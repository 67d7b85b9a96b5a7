import type { PstreeEntry } from '../../schema/generated/images';
import { pushTo } from '../push-to';
import { isDead, readCore } from './core-facts';
import { type OnGap, reportImages, reportParent, reportSilence } from './gaps';
import type { ImagesByName } from './images-by-name';
import { listTasks } from './task-list';

/** A task in its tree. */
export interface ExploredProcess {
  readonly kind: 'process';
  readonly pid: number;
  /** 0 of the root. */
  readonly ppid: number;
  readonly pgid: number;
  readonly sid: number;
  /** Those of the task, its own pid among them; none of a dead one, where CRIU writes any number. */
  readonly threads: readonly number[];
  /** 0 of a root, one more of each child. */
  readonly depth: number;
  /** Its comm, escaped; undefined where no image says it. */
  readonly name: string | undefined;
  /** CRIU's number of its state; undefined where no image says it. */
  readonly state: number | undefined;
}

/** The tasks of a checkpoint, each followed by its children. All are there, whatever their parents are. */
export async function* taskTree(images: ImagesByName, onGap: OnGap): AsyncGenerator<ExploredProcess, void, undefined> {
  for (const { task, depth } of inOrder(await listTasks(images), onGap)) {
    const { pid, ppid, pgid, sid } = task;
    const core = await readCore(images, pid);
    const threads = isDead(core) ? [] : task.threads;
    if (core === undefined) await reportImages(images, pid, [`core-${pid}.img`], onGap);
    else if (core.name === undefined) reportSilence(`core-${pid}.img does not say the name of its task`, onGap, pid);
    yield { kind: 'process', pid, ppid, pgid, sid, threads, depth, name: core?.name, state: core?.state };
  }
}

interface Placed {
  readonly task: PstreeEntry;
  readonly depth: number;
}

/** Roots, then what has a parent that is not there, then what is its own ancestor: nothing is left out. */
function* inOrder(tasks: readonly PstreeEntry[], onGap: OnGap): Generator<Placed> {
  const byPid = new Map(tasks.map((task) => [task.pid, task]));
  const children = new Map<number, PstreeEntry[]>();
  for (const task of tasks) if (task.ppid !== 0) pushTo(children, task.ppid, task);
  const seen = new Set<number>();
  for (const task of tasks) if (task.ppid === 0) yield* below(task, children, seen);
  for (const task of tasks) {
    if (task.ppid === 0 || byPid.has(task.ppid)) continue;
    reportParent(task.pid, task.ppid, 'which is not there', onGap);
    yield* below(task, children, seen);
  }
  for (const task of tasks) {
    if (seen.has(task.pid)) continue;
    const first = ownAncestor(task, byPid);
    reportParent(first.pid, first.ppid, 'which descends from it', onGap);
    yield* below(first, children, seen);
  }
}

/** Of a task without a root, the first of its ancestors that is met again on the way up. */
function ownAncestor(task: PstreeEntry, byPid: ReadonlyMap<number, PstreeEntry>): PstreeEntry {
  const met = new Set<number>();
  let at = task;
  while (!met.has(at.pid)) {
    met.add(at.pid);
    at = byPid.get(at.ppid) as PstreeEntry;
  }
  return at;
}

/** Without recursion: a chain of tasks can be longer than the stack. */
function* below(root: PstreeEntry, children: ReadonlyMap<number, readonly PstreeEntry[]>, seen: Set<number>) {
  const waiting: Placed[] = [{ task: root, depth: 0 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { task, depth } = next;
    if (seen.has(task.pid)) continue;
    seen.add(task.pid);
    yield next;
    const below = children.get(task.pid) ?? [];
    for (let i = below.length - 1; i >= 0; i -= 1) waiting.push({ task: below[i] as PstreeEntry, depth: depth + 1 });
  }
}
