import { Numbers } from '../../bytes/numbers';
import { SortedPairs } from '../../bytes/pairs';
import { IdSet } from '../id-set';
import { isDead, readCore } from './core-facts';
import { type OnGap, reportParent, reportSilence } from './gaps';
import type { ImagesByName } from './images-by-name';
import { listTasks, type TaskList } from './task-list';

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
  const list = await listTasks(images);
  for (const { place, depth } of new Tree(list, onGap).inOrder()) {
    const pid = list.pid(place);
    const core = await readCore(images, pid);
    const threads = isDead(core) ? [] : Array.from(list.threadsOf(place));
    if (core === undefined) reportSilence(`task ${pid} has no core-${pid}.img`, onGap, pid);
    else if (core.name === undefined) reportSilence(`core-${pid}.img does not say the name of its task`, onGap, pid);
    const [ppid, pgid, sid] = [list.ppid(place), list.pgid(place), list.sid(place)];
    yield { kind: 'process', pid, ppid, pgid, sid, threads, depth, name: core?.name, state: core?.state };
  }
}

interface Placed {
  readonly place: number;
  readonly depth: number;
}

/** Works on places and numbers alone: there can be millions of tasks. */
class Tree {
  /** Parents with the places of their children, in the order of the list. */
  private readonly children: SortedPairs;
  private readonly seen: Uint8Array;
  private readonly order: Uint32Array;

  constructor(
    private readonly list: TaskList,
    private readonly onGap: OnGap,
  ) {
    this.order = Uint32Array.from(list.tasks());
    const { order } = this;
    // Children are found by their turn in the order, which is that of their places but for repeated pids.
    this.children = SortedPairs.of(
      order.length,
      (turn) => list.ppid(order[turn] as number),
      (turn) => turn,
    );
    this.seen = new Uint8Array(list.length);
  }

  /** Roots, then what has a parent that is not there, then what is its own ancestor: nothing is left out. */
  *inOrder(): Generator<Placed> {
    const { list, order } = this;
    for (const place of order) if (list.ppid(place) === 0) yield* this.below(place);
    for (const place of order) {
      const ppid = list.ppid(place);
      if (ppid === 0 || list.placeOf(ppid) !== undefined) continue;
      reportParent(list.pid(place), ppid, 'which is not there', this.onGap);
      yield* this.below(place);
    }
    for (const place of order) {
      if (this.seen[place] === 1) continue;
      const first = this.ownAncestor(place);
      reportParent(list.pid(first), list.ppid(first), 'which descends from it', this.onGap);
      yield* this.below(first);
    }
  }

  /** Of a task without a root, the first of its ancestors that is met again on the way up. */
  private ownAncestor(place: number): number {
    const met = new IdSet();
    let at = place;
    while (met.add(at)) at = this.list.placeOf(this.list.ppid(at)) as number;
    return at;
  }

  /** Without recursion: a chain of tasks can be longer than the stack. */
  private *below(root: number): Generator<Placed> {
    const { list, children, order, seen } = this;
    const places = new Numbers();
    const depths = new Numbers();
    places.push(root);
    depths.push(0);
    while (places.length > 0) {
      const [place, depth] = [places.pop(), depths.pop()];
      if (seen[place] === 1) continue;
      seen[place] = 1;
      yield { place, depth };
      const pid = list.pid(place);
      if (pid === 0) continue;
      for (let i = children.seek(pid + 1) - 1; i >= 0 && children.first(i) === pid; i -= 1) {
        places.push(order[children.second(i)] as number);
        depths.push(depth + 1);
      }
    }
  }
}
