import { PLAN_IMAGE } from '../frames/image-kinds';
import type { Plan, PlanPlaceholder } from '../plan/plan';
import type { Difference, EntryDifference } from './difference';

/** Whether a plan accounts for a difference between the checkpoint that it was made of and the one that it is in. */
export class PlanExplanation {
  private readonly byId: ReadonlyMap<number, PlanPlaceholder>;
  private readonly origins: ReadonlySet<number>;
  /** Descriptors by table and fd. */
  private readonly descriptors = new Map<string, PlanPlaceholder>();
  private readonly changedImages: ReadonlySet<string>;
  /** Placeholders that were met. */
  private readonly met = new Set<number>();

  constructor(private readonly plan: Plan) {
    this.byId = new Map(plan.placeholders.map((placeholder) => [placeholder.file_id, placeholder]));
    this.origins = new Set(plan.placeholders.flatMap(({ split_from }) => split_from ?? []));
    this.changedImages = new Set(plan.images.map(({ name }) => name));
    for (const placeholder of plan.placeholders) {
      for (const reference of placeholder.references) {
        if (!('descriptor' in reference) || !reference.descriptor) continue;
        const { table, fd } = reference.descriptor;
        this.descriptors.set(`${table}/${fd}`, placeholder);
      }
    }
  }

  /** True where the rewrite did this, and nothing more. */
  explains(difference: Difference): boolean {
    if (difference.what === 'file') return difference.file === PLAN_IMAGE && difference.change === 'added';
    if (difference.what !== 'entry' || !this.changedImages.has(difference.image)) return false;
    const { image } = difference;
    if (image === 'files.img') return this.explainsEntry(difference);
    const table = /^fdinfo-(\d+)\.img$/.exec(image)?.[1];
    if (table !== undefined) return this.explainsDescriptor(difference, table);
    if (image === 'remap-fpath.img') return this.explainsRemap(difference);
    return image === 'sk-queues.img' && this.explainsRights(difference);
  }

  /** Placeholders of the plan that the checkpoint does not have. */
  missing(): PlanPlaceholder[] {
    return this.plan.placeholders.filter(({ file_id }) => !this.met.has(file_id));
  }

  private explainsEntry({ entry, change, fields, text }: EntryDifference): boolean {
    const placeholder = this.byId.get(Number(/^id (\d+)$/.exec(entry)?.[1]));
    if (placeholder === undefined || change === 'removed') return false;
    this.met.add(placeholder.file_id);
    if (change === 'added')
      return placeholder.split_from !== undefined && /^\{ *"type": "EXT", "id": \d+, "ext": /.test(text ?? '');
    const member = MEMBERS[placeholder.was.type];
    return fields.every(({ path, before, after }) => {
      if (path === 'type') return before === `"${placeholder.was.type}"` && after === '"EXT"';
      return path === 'ext' ? before === undefined : path === member && after === undefined;
    });
  }

  private explainsDescriptor({ entry, change, fields }: EntryDifference, table: string): boolean {
    const placeholder = this.descriptors.get(`${table}/${/^fd (\d+)$/.exec(entry)?.[1]}`);
    if (placeholder === undefined || change !== 'changed') return false;
    return fields.every(({ path, after }) =>
      path === 'type'
        ? after === '"EXT"'
        : path === 'id' && placeholder.split_from !== undefined && after === `${placeholder.file_id}`,
    );
  }

  private explainsRemap({ entry, change }: EntryDifference): boolean {
    const id = Number(/^orig_id (\d+)$/.exec(entry)?.[1]);
    return change === 'removed' && (this.byId.has(id) || this.origins.has(id));
  }

  private explainsRights({ change, fields }: EntryDifference): boolean {
    return change === 'changed' && fields.every(({ path }) => /^scm\[\d+\]\.rights$/.test(path));
  }
}

/** Members of file_entry by type. */
const MEMBERS: { readonly [type: string]: string } = { PIPE: 'pipe', REG: 'reg', FIFO: 'fifo' };
