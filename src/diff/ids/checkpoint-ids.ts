import { DescriptorView } from '../../checkpoint/descriptor-record';
import { FileEntryView } from '../../checkpoint/file-entry';
import { batchesOf, decodeAll, forEachRecord, imageOf, readBatches } from '../../checkpoint/open-image';
import type { ImageFile } from '../../frames/image-kinds';
import {
  INVENTORY_ENTRY,
  REMAP_FILE_PATH_ENTRY,
  REMAP_TYPE,
  TASK_KOBJ_IDS_ENTRY,
  type TaskKobjIdsEntry,
} from '../../schema/generated/images';
import type { Source, SourceMember } from '../../storage/source';
import { pagesIdIn } from '../pages-id';
import { Column } from './column';
import { identifyEntry } from './entry-identity';
import { NumberMap } from './number-map';

/** The task that CRIU itself stands for: inventory.img has its ids. No task has this pid. */
export const CRIU_ITSELF = 0;
/** Stands for a number that an entry does not have. */
export const NO_NUMBER = -1;

/** What the ids in a checkpoint are the ids of; some 50 bytes an entry of files.img and 16 a descriptor. */
export class CheckpointIds {
  /** Entries of files.img in their order: the first of each id. */
  readonly ids = new Column();
  readonly members = new Column();
  readonly names = new Column();
  readonly things = new Column();
  readonly numbers = new Column();
  readonly named = new Column();
  /** Rows of the columns above by file id. */
  readonly rows = new NumberMap();
  /** Descriptors, table by table. */
  readonly fds = new Column();
  readonly fileIds = new Column();
  readonly tables = new Map<number, { readonly from: number; readonly to: number }>();
  /** Numbers of what tasks share, by pid. */
  readonly shared = new Map<number, TaskKobjIdsEntry>();
  /** Numbers of images of pages, by the name of the page map. */
  readonly pages = new Map<string, number>();
  /** Numbers of ghosts, by the file id of what they stand for. */
  readonly ghosts = new NumberMap();

  /** Reads a checkpoint in one pass. Throws FdgraftError. */
  static async read(source: Source, signal?: AbortSignal): Promise<CheckpointIds> {
    const ids = new CheckpointIds();
    for await (const member of source.members()) {
      signal?.throwIfAborted();
      const image = imageOf(member);
      if (image !== undefined) await ids.see(member, image);
    }
    return ids;
  }

  /** Reads an image; those without ids that something else is known by are left out. */
  async see(member: SourceMember, image: ImageFile): Promise<void> {
    switch (image.kind.name) {
      case 'FILES':
        return this.files(member, image);
      case 'FDINFO':
        return this.table(member, image);
      case 'IDS':
        for (const ids of await decodeAll(member, image, TASK_KOBJ_IDS_ENTRY)) this.shared.set(image.number, ids);
        return;
      case 'INVENTORY':
        for (const { root_ids } of await decodeAll(member, image, INVENTORY_ENTRY)) {
          if (root_ids !== undefined) this.shared.set(CRIU_ITSELF, root_ids);
        }
        return;
      case 'REMAP_FPATH':
        for (const remap of await decodeAll(member, image, REMAP_FILE_PATH_ENTRY)) {
          if (remap.remap_type === REMAP_TYPE.GHOST) this.ghosts.set(remap.orig_id, remap.remap_id);
        }
        return;
      case 'PAGEMAP':
        for await (const { batch, open } of batchesOf(member, image)) {
          const id = pagesIdIn(batch.bytes, batch.starts[0] as number, batch.ends[0] as number);
          if (id !== undefined) this.pages.set(open.name, id);
          break;
        }
        return;
      default:
    }
  }

  private files(member: SourceMember, image: ImageFile): Promise<void> {
    const view = new FileEntryView();
    return readBatches(member, image, (batch, open) =>
      forEachRecord(batch, open.name, (bytes, start, end) => {
        view.read(bytes, start, end);
        if (this.rows.get(view.id) !== undefined) return;
        const { name, thing, isNamed, number } = identifyEntry(view);
        this.rows.set(view.id, this.ids.length);
        this.ids.push(view.id);
        this.members.push(view.member);
        this.names.push(name);
        this.things.push(thing);
        this.numbers.push(number ?? NO_NUMBER);
        this.named.push(isNamed ? 1 : 0);
      }),
    );
  }

  private async table(member: SourceMember, image: ImageFile): Promise<void> {
    const view = new DescriptorView();
    const from = this.fds.length;
    await readBatches(member, image, (batch, open) =>
      forEachRecord(batch, open.name, (bytes, start, end) => {
        const { id, fd } = view.read(bytes, start, end);
        this.fds.push(fd);
        this.fileIds.push(id);
      }),
    );
    this.tables.set(image.number, { from, to: this.fds.length });
  }
}
