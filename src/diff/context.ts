import { pushTo } from '../bytes/groups';
import { Numbers } from '../bytes/numbers';
import { SortedPairs } from '../bytes/pairs';
import { describeEntry } from '../checkpoint/describe-entry';
import { typeName } from '../checkpoint/entry-types';
import type { FileEntryView } from '../checkpoint/file-entry';
import { REGF_MEMBERS, visitRegf } from '../checkpoint/file-ids';
import type { HolderKind } from '../checkpoint/message-rows';
import { Tally } from '../checkpoint/tally';
import { Tasks } from '../checkpoint/tasks';
import type { Subscriber } from '../checkpoint/walk/subscriber';
import { walk } from '../checkpoint/walk/walk';
import type { ImageName } from '../frames/image-kinds';
import { decode } from '../schema/decode';
import { FILE_ENTRY_FIELDS, SK_PACKET_ENTRY } from '../schema/generated/images';
import type { Source } from '../storage/source';

/** Images of tasks, in which something other than a descriptor can refer to an entry. */
const OF_TASKS: readonly ImageName[] = ['FS', 'MM'];
/** More of what refers to one entry is counted, not named. */
export const MAX_REFERENCES = 1000;

/** A descriptor: a number in a task. */
export interface Holder {
  readonly pid: number;
  readonly fd: number;
}

/** What the numbers in a checkpoint stand for: tasks, and the entries that are asked for. */
export class CheckpointContext {
  private readonly tasks = new Tasks();
  private readonly keys = new Map<number, string>();
  private readonly types = new Map<number, string>();
  /** Of each entry the table and the number of each descriptor, one after the other. */
  private readonly descriptors = new Map<number, Numbers>();
  /** What else of tasks refers to an entry, in words. */
  private readonly others = new Map<number, Set<string>>();
  /** The sockets in whose queues an entry is under way as an SCM right. */
  private readonly queues = new Map<number, Set<number>>();
  /** Entries that are named by another one, with that. */
  private readonly pathIds = new Map<number, number>();

  /** Reads it in one pass; of no source there is nothing. `ids`: the file ids that are asked for. */
  static async read(source: Source | undefined, ids: ReadonlySet<number>): Promise<CheckpointContext> {
    const context = new CheckpointContext();
    if (source === undefined) return context;
    const { tasks } = context;
    const asked = ids.size === 0 ? [] : [context.eventsOf(ids)];
    await walk(source, [tasks.events, tasks.coreEvents, ...asked]);
    await context.readPaths(source);
    return context;
  }

  private eventsOf(ids: ReadonlySet<number>): Subscriber {
    const seeEntry = (view: FileEntryView) => {
      const { id } = view;
      if (!ids.has(id)) return;
      this.keys.set(id, keyOf(view));
      this.types.set(id, typeName(view.type));
      if (REGF_MEMBERS.has(view.member)) this.pathIds.set(id, regfOf(view));
    };
    return {
      entry: seeEntry,
      bareEntry: seeEntry,
      descriptor: (view, { open }) => {
        const { id, fd } = view.checkComplete();
        if (!ids.has(id)) return;
        let places = this.descriptors.get(id);
        if (places === undefined) {
          places = new Numbers();
          this.descriptors.set(id, places);
        }
        places.push(open.number);
        places.push(fd);
      },
      reference: (id, kind, { open }) => {
        if (OF_TASKS.includes(open.kind.name) && ids.has(id)) this.seeOther(id, kind, open.number);
      },
      packet: (rights, bytes, start, end) => {
        const wanted = rights.filter((id) => ids.has(id));
        if (wanted.length === 0) return;
        const socket = decode(SK_PACKET_ENTRY, bytes, start, end).id_for;
        for (const id of wanted) this.queues.set(id, (this.queues.get(id) ?? new Set()).add(socket));
      },
    };
  }

  private seeOther(id: number, kind: HolderKind, pid: number): void {
    const words = this.others.get(id) ?? new Set();
    this.others.set(id, words.add(`${kind} of ${pid}`));
    // An executable is mapped as well.
    if (kind === 'executable') words.delete(`mapping of ${pid}`);
  }

  /** Names FIFOs and terminals by the path that another entry has. */
  private async readPaths(source: Source): Promise<void> {
    if (this.pathIds.size === 0) return;
    const wanted = new Map<number, number[]>();
    for (const [id, regf] of this.pathIds) pushTo(wanted, regf, id);
    const entry = (view: FileEntryView) => {
      if (view.member !== FILE_ENTRY_FIELDS.reg) return;
      for (const id of wanted.get(view.id) ?? []) this.keys.set(id, keyOf(view));
      // Of several entries with one id, which only a damaged image has, the first counts.
      wanted.delete(view.id);
    };
    await walk(source, [{ entry }]);
  }

  /** The key that names an entry, or its type and id. */
  keyOf(id: number): string {
    return this.keys.get(id) ?? `file id ${id}`;
  }

  /** CRIU's name of an entry's type. */
  typeOf(id: number): string {
    return this.types.get(id) ?? 'UNKNOWN';
  }

  hasEntry(id: number): boolean {
    return this.keys.has(id);
  }

  /** The references to an entry: pid/fd of each descriptor, by pid and fd; without any, the others. Of many, the first. */
  referencesTo(id: number): string[] {
    let found: Holder[] = [];
    let total = 0;
    // Those of tasks past it are not among the first.
    let lastPid = Number.POSITIVE_INFINITY;
    const places = this.descriptors.get(id);
    for (let i = 0; places !== undefined && i < places.length; i += 2) {
      const [pids, fd] = [this.pidsOf(places.at(i)), places.at(i + 1)];
      total += pids.length;
      for (const pid of pids) {
        if (pid > lastPid) break;
        found.push({ pid, fd });
        // Memory stays small even if millions of descriptors refer to it.
        if (found.length < 2 * MAX_REFERENCES) continue;
        found = found.sort(byPidAndFd).slice(0, MAX_REFERENCES);
        lastPid = found.at(-1)?.pid ?? lastPid;
      }
    }
    const descriptors = found
      .sort(byPidAndFd)
      .slice(0, MAX_REFERENCES)
      .map(({ pid, fd }) => `${pid}/${fd}`);
    const more = total - descriptors.length;
    const right = this.queues.has(id) ? ['an SCM right under way'] : [];
    const others = descriptors.length > 0 ? descriptors : (this.others.get(id) ?? []);
    return [...others, ...(more > 0 ? [`${more} more`] : []), ...right];
  }

  /** The descriptors of an entry, by pid and number. */
  referencesOf(id: number): SortedPairs {
    const [pids, fds] = [new Numbers(), new Numbers()];
    const places = this.descriptors.get(id);
    const tally = new Tally(`file id ${id}`);
    for (let i = 0; places !== undefined && i < places.length; i += 2) {
      const users = this.pidsOf(places.at(i));
      tally.count('descriptors', users.length);
      for (const pid of users) {
        pids.push(pid);
        fds.push(places.at(i + 1));
      }
    }
    return SortedPairs.of(
      pids.length,
      (place) => pids.at(place),
      (place) => fds.at(place),
    );
  }

  /** File ids of the sockets in whose queues an entry is under way, ascending. */
  queuesWith(id: number): number[] {
    return [...(this.queues.get(id) ?? [])].sort((a, b) => a - b);
  }

  /** The tasks that have a descriptor table, ascending. */
  pidsOf(table: number): readonly number[] {
    return this.tasks.pidsOf(table);
  }

  allPids(): number[] {
    return this.tasks.allPids();
  }

  /** A task with its name. */
  task(pid: number): string {
    const name = this.tasks.nameOf(pid);
    return name === undefined ? `task ${pid}` : `task ${pid} (${name})`;
  }
}

function byPidAndFd(a: Holder, b: Holder): number {
  return a.pid - b.pid || a.fd - b.fd;
}

function keyOf(view: FileEntryView): string {
  const facts = describeEntry(view);
  return facts === undefined || facts.isNameless ? `${typeName(view.type)} ${view.id}` : facts.key;
}

/** The id of the entry with the path of a FIFO or terminal. */
function regfOf({ id, member, bytes, start, end }: FileEntryView): number {
  let found = id;
  visitRegf(member, bytes, start, end, (regf) => {
    found = regf;
  });
  return found;
}
