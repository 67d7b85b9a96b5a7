import { escapeBytes } from '../bytes/escape';
import { pushTo } from '../bytes/groups';
import { Numbers } from '../bytes/numbers';
import { decode } from '../schema/decode';
import { CORE_ENTRY_FIELDS, TASK_CORE_ENTRY_FIELDS, TASK_KOBJ_IDS_ENTRY } from '../schema/generated/images';
import { PID_NUMBER_MAX } from '../schema/plan-limits';
import { FieldCursor, WIRE_TYPE } from '../wire/field-cursor';
import { IdSet } from './id-set';
import { PstreeView } from './pstree-record';
import { SortedRows } from './sorted-rows';
import { Tally } from './tally';
import type { RecordPlace, Subscriber } from './walk/subscriber';

/** TASK_COMM_LEN of Linux, with the NUL byte. What is longer is no name of a task. */
export const MAX_NAME_BYTES = 16;

/** The tasks of a checkpoint and the descriptor tables that they use, alone or together. */
export class Tasks {
  /** Pid of the task that all others descend from: the first of pstree.img. */
  root: number | undefined;

  private readonly pids = new Numbers();
  private readonly pidSet = new IdSet();
  /** Numbers of the tasks, their threads, process groups and sessions. */
  private readonly numbers = new IdSet();
  /** Threads other than the first of their task, with its pid. */
  private readonly threadsOfTasks = new SortedRows();
  private readonly tableOfPid = new Map<number, number>();
  /** Of dumps older than the ids images. */
  private readonly tableInCore = new Map<number, number>();
  /** In the oldest dumps, where a table has the number of its task. */
  private tablesArePids = false;
  private readonly names = new Map<number, string>();
  /** Pids that no task can have, and the entries of pstree.img that say so. */
  private readonly impossible = new Map<number, number>();
  private tables: ReadonlyMap<number, readonly number[]> | undefined;
  private readonly view = new PstreeView();
  private tally: Tally | undefined;
  /** Of the task that is being read. */
  private readonly threads = new Numbers();

  /** Its part in a walk: the tasks and their tables. */
  readonly events: Subscriber = {
    task: (bytes, start, end, at) => this.readTask(bytes, start, end, at),
    ids: ({ files_id }, { open }) => {
      this.tableOfPid.set(open.number, files_id);
    },
  };

  /** The same for core images: names, and tables if no ids image says them. Only a command that shows names needs it. */
  readonly coreEvents: Subscriber = {
    core: (bytes, start, end, { open }) => this.readCore(open.number, bytes, start, end),
  };

  private readTask(bytes: Uint8Array, start: number, end: number, { open, entry }: RecordPlace): void {
    const { threads } = this;
    this.tally ??= new Tally(open.name);
    threads.clear();
    const { pid, pgid, sid } = this.view.read(bytes, start, end, (thread) => {
      this.tally?.count('threads');
      threads.push(thread);
    });
    this.root ??= pid;
    if ((pid === 0 || pid > PID_NUMBER_MAX) && !this.impossible.has(pid)) this.impossible.set(pid, entry);
    if (this.pidSet.add(pid)) {
      this.tally.count('tasks');
      this.pids.push(pid);
    }
    for (const number of [pid, pgid, sid]) this.numbers.add(number);
    for (const thread of threads.slice()) {
      if (thread === pid) continue;
      this.numbers.add(thread);
      this.threadsOfTasks.add(thread, pid, 0);
    }
  }

  private readCore(pid: number, bytes: Uint8Array, start: number, end: number): void {
    const field = new FieldCursor().over(bytes, start, end);
    while (field.next()) {
      if (field.number === CORE_ENTRY_FIELDS.tc) {
        field.expect(WIRE_TYPE.BYTES);
        const name = lastPayload(bytes, field.valueStart, field.end, TASK_CORE_ENTRY_FIELDS.comm);
        if (name !== undefined) this.names.set(pid, escapeBytes(name.subarray(0, MAX_NAME_BYTES)));
      } else if (field.number === CORE_ENTRY_FIELDS.ids) {
        field.expect(WIRE_TYPE.BYTES);
        const { files_id } = decode(TASK_KOBJ_IDS_ENTRY, bytes, field.valueStart, field.end);
        this.tableInCore.set(pid, files_id);
      }
    }
  }

  /** Says where the numbers of tables come from, in dumps older than ids images. To be called when all is read. */
  useOldTables(by: 'pid' | 'core'): void {
    this.tablesArePids = by === 'pid';
    if (by === 'pid') return;
    for (const [pid, table] of this.tableInCore) if (this.pidSet.has(pid)) this.tableOfPid.set(pid, table);
  }

  /** The name of a task (its comm, escaped); undefined where no core image was read that has it. */
  nameOf(pid: number): string | undefined {
    return this.names.get(pid);
  }

  /** The descriptor table of a task; undefined where there is no such task, or it is dead. */
  tableOf(pid: number): number | undefined {
    if (!this.pidSet.has(pid)) return undefined;
    return this.tablesArePids ? pid : this.tableOfPid.get(pid);
  }

  /** True where a task that lives has this table. */
  usesTable(table: number): boolean {
    return this.pidsOf(table).length > 0;
  }

  /** Pids that no task can have, by the number of the entry in pstree.img that says so. */
  impossiblePids(): ReadonlyMap<number, number> {
    return this.impossible;
  }

  /** True for the number of a task, a thread, a process group or a session of the tree. */
  hasNumber(number: number): boolean {
    return this.numbers.has(number);
  }

  /** The task that a thread other than its first belongs to. To be asked when all is read. */
  taskOfThread(thread: number): number | undefined {
    if (this.pidSet.has(thread)) return undefined;
    this.threadsOfTasks.finish();
    let task: number | undefined;
    this.threadsOfTasks.visit(thread, (pid) => {
      task = pid;
    });
    return task;
  }

  /** Threads other than the first of their task, each once, however often pstree.img has it. To be asked when all is read. */
  *otherThreads(): Generator<number> {
    const seen = new IdSet();
    this.threadsOfTasks.finish();
    for (const thread of this.threadsOfTasks.allKeys()) if (seen.add(thread)) yield thread;
  }

  /** Pids of all tasks, ascending. */
  allPids(): number[] {
    return Array.from(this.pids.slice().slice().sort());
  }

  /** The tasks that use a descriptor table, ascending. Dead tasks have no ids and so no table. To be asked when all is read. */
  pidsOf(table: number): readonly number[] {
    if (this.tablesArePids) return this.pidSet.has(table) ? [table] : NONE;
    this.tables ??= this.groupByTable();
    return this.tables.get(table) ?? NONE;
  }

  private groupByTable(): Map<number, number[]> {
    const tables = new Map<number, number[]>();
    const pids = [...this.tableOfPid.keys()].filter((pid) => this.pidSet.has(pid));
    for (const pid of pids.sort((a, b) => a - b)) pushTo(tables, this.tableOfPid.get(pid) as number, pid);
    return tables;
  }
}

const NONE: readonly number[] = [];

function lastPayload(bytes: Uint8Array, start: number, end: number, number: number): Uint8Array | undefined {
  const field = new FieldCursor().over(bytes, start, end);
  let payload: Uint8Array | undefined;
  while (field.next()) if (field.number === number) payload = field.payload();
  return payload;
}
