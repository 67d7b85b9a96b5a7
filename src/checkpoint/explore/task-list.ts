import { Numbers } from '../../bytes/numbers';
import { SortedPairs } from '../../bytes/pairs';
import { messages } from '../../errors/messages';
import { PstreeView } from '../pstree-record';
import { Tally } from '../tally';
import type { ImagesByName } from './images-by-name';

const PSTREE = 'pstree.img';
const FIELDS = 5;

/**
 * The tasks in the order of pstree.img, by their place in it, each once: of several with one pid the last counts. Takes
 * some 30 bytes a task and 4 a thread.
 */
export class TaskList {
  /** Of each task pid, ppid, pgid, sid and where its threads end in `threads`; they begin where those before end. */
  private readonly fields = new Numbers();
  private readonly threads = new Numbers();
  private readonly tally = new Tally(PSTREE);
  private readonly view = new PstreeView();
  /** Pids with the places that have them. */
  private places: SortedPairs | undefined;

  /** How many records there are; `isLast` says which of them count. */
  get length(): number {
    return this.fields.length / FIELDS;
  }

  add(bytes: Uint8Array, start: number, end: number): void {
    this.tally.count('tasks');
    const { pid, ppid, pgid, sid } = this.view.read(bytes, start, end, (thread) => {
      this.tally.count('threads');
      this.threads.push(thread);
    });
    for (const number of [pid, ppid, pgid, sid, this.threads.length]) this.fields.push(number);
  }

  /** To be called when all are there. */
  finish(): void {
    this.places = SortedPairs.of(
      this.length,
      (place) => this.pid(place),
      (place) => place,
    );
  }

  pid = (place: number): number => this.fields.at(FIELDS * place);
  ppid = (place: number): number => this.fields.at(FIELDS * place + 1);
  pgid = (place: number): number => this.fields.at(FIELDS * place + 2);
  sid = (place: number): number => this.fields.at(FIELDS * place + 3);

  threadsOf(place: number): Uint32Array {
    const start = place === 0 ? 0 : this.fields.at(FIELDS * (place - 1) + 4);
    return this.threads.slice(start, this.fields.at(FIELDS * place + 4));
  }

  /** The place of the task with this pid; undefined where there is none. */
  placeOf(pid: number): number | undefined {
    const places = this.places as SortedPairs;
    const behind = places.seek(pid + 1) - 1;
    return behind >= 0 && places.first(behind) === pid ? places.second(behind) : undefined;
  }

  /** The places that count, in the order in which their pids come first. */
  *tasks(): Generator<number, void, undefined> {
    const places = this.places as SortedPairs;
    for (let place = 0; place < this.length; place += 1) {
      const pid = this.pid(place);
      const first = places.seek(pid);
      if (places.second(first) === place) yield this.placeOf(pid) as number;
    }
  }
}

/** Throws FdgraftError. */
export async function listTasks(images: ImagesByName): Promise<TaskList> {
  if (!(await images.has(PSTREE))) {
    const hint = 'the directory is not complete, or one of criu pre-dump, which has none: give that of the last dump';
    throw messages.missingImage(PSTREE, 'it says which tasks there are', hint);
  }
  const list = new TaskList();
  for await (const batch of images.batches(PSTREE)) {
    batch.each((bytes, start, end) => list.add(bytes, start, end));
  }
  list.finish();
  return list;
}

/** The pids of all tasks, in the order of pstree.img. Throws FdgraftError. */
export async function* eachPid(images: ImagesByName): AsyncGenerator<number, void, undefined> {
  const list = await listTasks(images);
  for (const place of list.tasks()) yield list.pid(place);
}
