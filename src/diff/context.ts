import { DescriptorView } from '../checkpoint/descriptor-record';
import { ENTRY_TYPES, typeName } from '../checkpoint/entry-types';
import { FileEntryView, typeOfImage } from '../checkpoint/file-entry';
import { forEachRecord, imageOf, readBatches } from '../checkpoint/open-image';
import { pushTo } from '../checkpoint/push-to';
import { Tasks } from '../checkpoint/tasks';
import { decode } from '../schema/decode';
import type { Source } from '../storage/source';

/** A descriptor: a number in a task. */
export interface Holder {
  readonly pid: number;
  readonly fd: number;
}

/** What the numbers in a checkpoint stand for: tasks, and the entries that are asked for. */
export class CheckpointContext {
  private readonly tasks = new Tasks();
  private readonly keys = new Map<number, string>();
  private readonly descriptors = new Map<number, { table: number; fd: number }[]>();

  /** Reads it in one pass; of no source there is nothing. `ids`: the file ids that are asked for. */
  static async read(source: Source | undefined, ids: ReadonlySet<number>): Promise<CheckpointContext> {
    const context = new CheckpointContext();
    if (source === undefined) return context;
    for await (const member of source.members()) {
      const image = imageOf(member);
      if (image === undefined) continue;
      const { name } = image.kind;
      if (Tasks.readsFrom(image)) await context.tasks.read(member, image, () => {});
      else if (name === 'CORE') await context.tasks.readCore(member, image, () => {});
      else if (ids.size > 0 && name === 'FDINFO') {
        const view = new DescriptorView();
        await readBatches(member, image, (batch, open) =>
          forEachRecord(batch, open.name, (bytes, start, end) => {
            const { id, fd } = view.read(bytes, start, end);
            if (ids.has(id)) pushTo(context.descriptors, id, { table: image.number, fd });
          }),
        );
      } else if (ids.size > 0 && (name === 'FILES' || typeOfImage(name) !== undefined)) {
        const type = typeOfImage(name);
        const view = new FileEntryView();
        await readBatches(member, image, (batch, open) =>
          forEachRecord(batch, open.name, (bytes, start, end) => {
            if (type === undefined) view.read(bytes, start, end);
            else view.readBare(type, bytes, start, end);
            if (ids.has(view.id)) context.keys.set(view.id, keyOf(view));
          }),
        );
      }
    }
    return context;
  }

  /** The key that names an entry, or its type and id. */
  keyOf(id: number): string {
    return this.keys.get(id) ?? `file id ${id}`;
  }

  hasEntry(id: number): boolean {
    return this.keys.has(id);
  }

  /** pid/fd of each descriptor of an entry, ascending. */
  descriptorsOf(id: number): string[] {
    return this.holdersOf(id).map(({ pid, fd }) => `${pid}/${fd}`);
  }

  /** The descriptors of an entry, task by task for each. */
  holdersOf(id: number): Holder[] {
    return (this.descriptors.get(id) ?? []).flatMap(({ table, fd }) => this.pidsOf(table).map((pid) => ({ pid, fd })));
  }

  /** The tasks that have a descriptor table; the table's number where none is known. */
  pidsOf(table: number): readonly number[] {
    return this.tasks.byTable().get(table) ?? [];
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

function keyOf(view: FileEntryView): string {
  const known = ENTRY_TYPES.find(({ number, member }) => number === view.type && member === view.member);
  if (known === undefined || known.pathId !== undefined) return `${typeName(view.type)} ${view.id}`;
  return known.describe(decode(known.schema, view.bytes, view.start, view.end) as never, undefined).key;
}
