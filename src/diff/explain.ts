import { PLAN_IMAGE } from '../frames/image-kinds';
import type { Plan, PlanPlaceholder } from '../plan/plan';
import type { FieldChange } from './compare-messages';
import type { Difference, EntryDifference } from './difference';

/** Whether a plan accounts for a difference between the checkpoint that it was made of and the one that it is in. */
export class PlanExplanation {
  private readonly byId: ReadonlyMap<number, PlanPlaceholder>;
  /** Descriptors by table and fd. */
  private readonly descriptors = new Map<string, PlanPlaceholder>();
  private readonly changedImages: ReadonlySet<string>;
  /** Placeholders and descriptors that were met. */
  private readonly met = new Set<number>();
  private readonly metDescriptors = new Set<string>();

  constructor(private readonly plan: Plan) {
    this.byId = new Map(plan.placeholders.map((placeholder) => [placeholder.file_id, placeholder]));
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

  /** What the plan says and the checkpoint does not have, a line each. */
  missing(): string[] {
    const entries = this.plan.placeholders.filter(({ file_id }) => !this.met.has(file_id));
    const descriptors = [...this.descriptors].filter(([key]) => !this.metDescriptors.has(key));
    return [
      ...entries.map(({ was, caller_fd }) => `${was.key}: to be inherited from fd[${caller_fd}], and it is not`),
      ...descriptors.map(
        ([key, { was, caller_fd }]) =>
          `fdinfo-${key.replace('/', '.img, fd ')}, of ${was.key}: to be inherited from fd[${caller_fd}], and it is not`,
      ),
    ];
  }

  private explainsEntry({ entry, change, fields, text }: EntryDifference): boolean {
    const placeholder = this.byId.get(Number(/^id (\d+)$/.exec(entry)?.[1]));
    if (placeholder === undefined || change === 'removed') return false;
    const isRight =
      change === 'added'
        ? placeholder.split_from !== undefined && isPlaceholder(text, placeholder.file_id)
        : placeholder.split_from === undefined && this.isTurned(placeholder, fields);
    if (isRight) this.met.add(placeholder.file_id);
    return isRight;
  }

  /** The type, the member that goes and the one that comes: all of these, and nothing else. */
  private isTurned({ file_id, was }: PlanPlaceholder, fields: readonly FieldChange[]): boolean {
    const [type, ext, member] = ['type', 'ext', MEMBERS[was.type]].map((name) =>
      fields.find(({ path }) => path === name),
    );
    return (
      fields.length === 3 &&
      type?.before === `"${was.type}"` &&
      type.after === '"EXT"' &&
      member?.after === undefined &&
      member?.before !== undefined &&
      ext?.before === undefined &&
      isExt(ext?.after, file_id)
    );
  }

  private explainsDescriptor({ entry, change, fields }: EntryDifference, table: string): boolean {
    const key = `${table}/${/^fd (\d+)$/.exec(entry)?.[1]}`;
    const placeholder = this.descriptors.get(key);
    if (placeholder === undefined || change !== 'changed') return false;
    const [type, id] = ['type', 'id'].map((name) => fields.find(({ path }) => path === name));
    const { split_from, file_id } = placeholder;
    const isMoved = id !== undefined && id.before === `${split_from}` && id.after === `${file_id}`;
    const isRight =
      type?.after === '"EXT"' && (split_from === undefined ? fields.length === 1 : fields.length === 2 && isMoved);
    if (isRight) this.metDescriptors.add(key);
    return isRight;
  }

  private explainsRemap({ entry, change }: EntryDifference): boolean {
    return change === 'removed' && this.byId.has(Number(/^orig_id (\d+)$/.exec(entry)?.[1]));
  }

  /** Rights that refer to the split-off placeholder instead of what it was split off from. */
  private explainsRights({ change, fields, payload }: EntryDifference): boolean {
    if (change !== 'changed' || payload !== undefined) return false;
    return fields.every(({ path, before = '', after = '' }) => {
      const [old, fresh] = [before, after].map((list) => list.replace(/[[\] ]/g, '').split(','));
      if (!/^scm\[\d+\]\.rights$/.test(path) || old?.length !== fresh?.length) return false;
      return (
        old?.every((id, i) => id === fresh?.[i] || `${this.byId.get(Number(fresh?.[i]))?.split_from}` === id) === true
      );
    });
  }
}

/** The entry of a placeholder, as `fdgraft show` writes it on one line. */
function isPlaceholder(text: string | undefined, id: number): boolean {
  const ext = new RegExp(`^\\{ ?"type": "EXT", "id": ${id}, "ext": (\\{.*\\}) ?\\}$`).exec(text ?? '')?.[1];
  return isExt(ext, id);
}

function isExt(text: string | undefined, id: number): boolean {
  return new RegExp(`^\\{ ?"id": ${id}, "fown": \\{[^{}]*\\} ?\\}$`).test(text ?? '');
}

/** Members of file_entry by type. */
const MEMBERS: { readonly [type: string]: string } = { PIPE: 'pipe', REG: 'reg', FIFO: 'fifo' };
