import { escapeBytes } from '../bytes/escape';
import type { ImageFile } from '../frames/image-kinds';
import { decode } from '../schema/decode';
import {
  CORE_ENTRY_FIELDS,
  PSTREE_ENTRY,
  TASK_CORE_ENTRY_FIELDS,
  TASK_KOBJ_IDS_ENTRY,
} from '../schema/generated/images';
import { PID_NUMBER_MAX } from '../schema/plan-limits';
import type { SourceMember } from '../storage/source';
import { FieldCursor, WIRE_TYPE } from '../wire/field-cursor';
import { decodeAll, decodeFirst, forEachRecord, type OpenImage, readBatches } from './open-image';
import { pushTo } from './push-to';

/** TASK_COMM_LEN of Linux, with the NUL byte. What is longer is no name of a task. */
const MAX_NAME_BYTES = 16;

/** The tasks of a checkpoint and the descriptor tables that they use, alone or together. */
export class Tasks {
  /** Pid of the task that all others descend from: the first of pstree.img. */
  root: number | undefined;

  private readonly pids = new Set<number>();
  /** Numbers of the tasks, process groups and sessions. */
  private readonly numbers = new Set<number>();
  /** Threads other than the first of their task, with its pid. */
  private readonly threads = new Map<number, number>();
  private readonly tableOfPid = new Map<number, number>();
  /** Of dumps older than the ids images. */
  private readonly tableInCore = new Map<number, number>();
  private readonly names = new Map<number, string>();
  /** Pids that no task can have, and the entries of pstree.img that say so. */
  private readonly impossible = new Map<number, number>();
  private tables: ReadonlyMap<number, readonly number[]> | undefined;

  /** True for the images that say which tasks there are. */
  static readsFrom(image: ImageFile): boolean {
    return image.kind.name === 'PSTREE' || image.kind.name === 'IDS';
  }

  async read(member: SourceMember, image: ImageFile, onOpen: (open: OpenImage) => void): Promise<void> {
    if (image.kind.name === 'PSTREE') {
      const entries = await decodeAll(member, image, PSTREE_ENTRY, onOpen);
      for (const [entry, { pid, pgid, sid, threads }] of entries.entries()) {
        this.root ??= pid;
        this.pids.add(pid);
        if (pid === 0 || pid > PID_NUMBER_MAX) this.impossible.set(pid, entry);
        for (const number of [pid, pgid, sid]) this.numbers.add(number);
        for (const thread of threads) if (thread !== pid) this.threads.set(thread, pid);
      }
      return;
    }
    const { files_id } = await decodeFirst(member, image, TASK_KOBJ_IDS_ENTRY, onOpen);
    this.tableOfPid.set(image.number, files_id);
  }

  /** Reads a core image: the name of a task, and its table where no ids image says it. Only for those who show names. */
  async readCore(member: SourceMember, image: ImageFile, onOpen: (open: OpenImage) => void): Promise<void> {
    const read = (bytes: Uint8Array, start: number, end: number) => {
      const field = new FieldCursor().over(bytes, start, end);
      while (field.next()) {
        if (field.number === CORE_ENTRY_FIELDS.tc) {
          field.expect(WIRE_TYPE.BYTES);
          const name = lastPayload(bytes, field.valueStart, field.end, TASK_CORE_ENTRY_FIELDS.comm);
          if (name !== undefined) this.names.set(image.number, escapeBytes(name.subarray(0, MAX_NAME_BYTES)));
        } else if (field.number === CORE_ENTRY_FIELDS.ids) {
          field.expect(WIRE_TYPE.BYTES);
          const { files_id } = decode(TASK_KOBJ_IDS_ENTRY, bytes, field.valueStart, field.end);
          this.tableInCore.set(image.number, files_id);
        }
      }
    };
    await readBatches(member, image, (batch, open) => forEachRecord(batch, open.name, read), onOpen);
  }

  /** Says where the numbers of tables come from, in dumps older than ids images. To be called when all is read. */
  useOldTables(by: 'pid' | 'core'): void {
    for (const pid of this.pids) {
      const table = by === 'pid' ? pid : this.tableInCore.get(pid);
      if (table !== undefined) this.tableOfPid.set(pid, table);
    }
  }

  /** The name of a task (its comm, escaped); undefined where no core image was read that has it. */
  nameOf(pid: number): string | undefined {
    return this.names.get(pid);
  }

  /** The descriptor table of a task; undefined where there is no such task, or it is dead. */
  tableOf(pid: number): number | undefined {
    return this.pids.has(pid) ? this.tableOfPid.get(pid) : undefined;
  }

  /** True where a task that lives has this table. */
  usesTable(table: number): boolean {
    return this.byTable().has(table);
  }

  /** Pids that no task can have, by the number of the entry in pstree.img that says so. */
  impossiblePids(): ReadonlyMap<number, number> {
    return this.impossible;
  }

  /** True for the number of a task, a thread, a process group or a session of the tree. */
  hasNumber(number: number): boolean {
    return this.numbers.has(number) || this.threads.has(number);
  }

  /** The task that a thread other than its first belongs to. */
  taskOfThread(thread: number): number | undefined {
    return this.pids.has(thread) ? undefined : this.threads.get(thread);
  }

  /** Pids of all tasks, ascending. */
  allPids(): number[] {
    return [...this.pids].sort((a, b) => a - b);
  }

  /** Pids by descriptor table, ascending. Dead tasks have no ids and so no table. To be asked when all is read. */
  byTable(): ReadonlyMap<number, readonly number[]> {
    this.tables ??= this.groupByTable();
    return this.tables;
  }

  private groupByTable(): Map<number, number[]> {
    const tables = new Map<number, number[]>();
    for (const pid of this.allPids()) {
      const table = this.tableOfPid.get(pid);
      if (table !== undefined) pushTo(tables, table, pid);
    }
    return tables;
  }
}

function lastPayload(bytes: Uint8Array, start: number, end: number, number: number): Uint8Array | undefined {
  const field = new FieldCursor().over(bytes, start, end);
  let payload: Uint8Array | undefined;
  while (field.next()) if (field.number === number) payload = field.payload();
  return payload;
}
