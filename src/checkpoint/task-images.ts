import { someAndCount, someOf } from '../errors/some-of';
import { IdSet } from './id-set';
import type { Tasks } from './tasks';
import type { Subscriber } from './walk/subscriber';

/** Kinds of images that CRIU writes for each living task. A dead one has its core image alone. */
const OF_LIVING = ['IDS', 'MM', 'FS'] as const;

/** A warning of images that tasks lack. Codes are stable. */
export interface MissingOfTasks {
  readonly code: 'IMAGE_MISSING' | 'NO_DESCRIPTORS';
  readonly message: string;
}

/** The images of tasks that are there, gathered in a walk. CRIU opens each by its name, and takes a missing one for empty. */
export class TaskImages {
  private readonly numbers = new Map(['CORE', 'FDINFO', ...OF_LIVING].map((kind) => [kind, new IdSet()]));

  /** Its part in a walk. */
  readonly events: Subscriber = {
    image: ({ kind, number }) => {
      this.numbers.get(kind.name)?.add(number);
    },
  };

  /** To be asked when all is read, of a layout that CRIU restores. */
  missing(tasks: Tasks): MissingOfTasks[] {
    const pids = tasks.allPids();
    return [...this.missingImages(pids, tasks), ...this.missingTables(pids, tasks)];
  }

  private missingImages(pids: readonly number[], tasks: Tasks): MissingOfTasks[] {
    const { some, count } = someAndCount(this.missingNames(pids, tasks));
    if (count === 0) return [];
    const [is, them] = count === 1 ? ['is', 'it'] : ['are', 'them'];
    const message = `${some} ${is} missing: the tree cannot be restored without ${them}; take ${them} from the dump, or dump again`;
    return [{ code: 'IMAGE_MISSING', message }];
  }

  private *missingNames(pids: readonly number[], tasks: Tasks): Generator<string> {
    const nameOf = (kind: string, number: number) => `${kind.toLowerCase()}-${number}.img`;
    for (const pid of pids) {
      if (!this.has('CORE', pid)) yield nameOf('CORE', pid);
      if (!this.isLiving(pid)) continue;
      for (const kind of OF_LIVING) if (!this.has(kind, pid)) yield nameOf(kind, pid);
    }
    for (const thread of tasks.otherThreads()) {
      // CRIU writes any numbers for those of a dead task.
      if (!this.has('CORE', thread) && this.isLiving(tasks.taskOfThread(thread))) yield nameOf('CORE', thread);
    }
  }

  /** CRIU makes an image with its first record, so a table without descriptors has none. */
  private missingTables(pids: readonly number[], tasks: Tasks): MissingOfTasks[] {
    const tables = new Set<number>();
    for (const pid of pids) {
      const table = tasks.tableOf(pid);
      if (table !== undefined && !this.has('FDINFO', table)) tables.add(table);
    }
    const bare = pids.filter((pid) => tables.has(tasks.tableOf(pid) ?? -1));
    if (bare.length === 0) return [];
    const images = [...tables].map((table) => `fdinfo-${table}.img`);
    const [who, has] = bare.length === 1 ? ['task', 'has'] : ['tasks', 'have'];
    const message = `${who} ${someOf(bare)} ${has} no descriptors, since there is no ${someOf(images)}: CRIU restores ${who} without any; if that is not how the dump was made, take the images from the dump, or dump again`;
    return [{ code: 'NO_DESCRIPTORS', message }];
  }

  private isLiving(pid: number | undefined): boolean {
    return pid !== undefined && OF_LIVING.some((kind) => this.has(kind, pid));
  }

  private has(kind: string, number: number): boolean {
    return this.numbers.get(kind)?.has(number) === true;
  }
}
