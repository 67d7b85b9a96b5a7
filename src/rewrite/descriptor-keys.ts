import { pushTo } from '../bytes/groups';
import type { Tasks } from '../checkpoint/tasks';
import type { InheritSpec } from '../specs/spec';

const NONE: readonly number[] = [];

/**
 * The specs with keys /proc/PID/fd/N by the descriptor that they name. Tasks that claim a table have all its
 * descriptors.
 */
export class DescriptorKeys {
  /** Numbers of specs, ascending, by table and by descriptor. */
  private readonly ofTable = new Map<number, Map<number, number[]>>();
  /** Of those for every task, by descriptor. */
  private readonly ofAll = new Map<number, number[]>();

  constructor(
    private readonly specs: readonly InheritSpec[],
    private readonly tasks: Tasks,
  ) {
    specs.forEach(({ key }, number) => {
      if (key.kind !== 'descriptor') return;
      if (key.pid === undefined) {
        pushTo(this.ofAll, key.fd, number);
        return;
      }
      const table = tasks.tableOf(key.pid);
      if (table === undefined) return;
      const fds = this.ofTable.get(table);
      if (fds === undefined) this.ofTable.set(table, new Map([[key.fd, [number]]]));
      else pushTo(fds, key.fd, number);
    });
  }

  /** Numbers of the specs that name this descriptor. */
  for(table: number, fd: number): readonly number[] {
    const own = this.ofTable.get(table)?.get(fd) ?? NONE;
    const all = this.tasks.usesTable(table) ? (this.ofAll.get(fd) ?? NONE) : NONE;
    if (own.length === 0) return all;
    return all.length === 0 ? own : [...own, ...all].sort((a, b) => a - b);
  }

  /** Those of them that take nothing but what they name. */
  onlyFor(table: number, fd: number): readonly number[] {
    if (this.ofTable.size === 0 && this.ofAll.size === 0) return NONE;
    return this.for(table, fd).filter((number) => this.specs[number]?.only);
  }
}
