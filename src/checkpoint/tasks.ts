import type { ImageFile } from '../frames/image-kinds';
import { PSTREE_ENTRY, TASK_KOBJ_IDS_ENTRY } from '../schema/generated/images';
import type { SourceMember } from '../storage/source';
import { decodeAll, decodeFirst, type OpenImage } from './open-image';

/** The tasks of a checkpoint and the descriptor tables that they use, alone or together. */
export class Tasks {
  private readonly pids = new Set<number>();
  private readonly tableOfPid = new Map<number, number>();

  /** True for the images that say which tasks there are. */
  static readsFrom(image: ImageFile): boolean {
    return image.kind.name === 'PSTREE' || image.kind.name === 'IDS';
  }

  async read(member: SourceMember, image: ImageFile, onOpen: (open: OpenImage) => void): Promise<void> {
    if (image.kind.name === 'PSTREE') {
      for (const entry of await decodeAll(member, image, PSTREE_ENTRY, onOpen)) this.pids.add(entry.pid);
      return;
    }
    const { files_id } = await decodeFirst(member, image, TASK_KOBJ_IDS_ENTRY, onOpen);
    this.tableOfPid.set(image.number, files_id);
  }

  /** Pids by descriptor table, ascending. Dead tasks have no ids and so no table. */
  byTable(): Map<number, number[]> {
    const tables = new Map<number, number[]>();
    for (const pid of [...this.pids].sort((a, b) => a - b)) {
      const table = this.tableOfPid.get(pid);
      if (table === undefined) continue;
      const pids = tables.get(table);
      if (pids === undefined) tables.set(table, [pid]);
      else pids.push(pid);
    }
    return tables;
  }
}
