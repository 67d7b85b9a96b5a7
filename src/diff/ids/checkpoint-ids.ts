import { DescriptorView } from '../../checkpoint/descriptor-record';
import { FileEntryView } from '../../checkpoint/file-entry';
import { batchesOf, decodeAll, forEachRecord, imageOf, readBatches } from '../../checkpoint/open-image';
import type { ImageFile } from '../../frames/image-kinds';
import { decode } from '../../schema/decode';
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
        return firstOf(member, image, (bytes, start, end) => {
          this.shared.set(image.number, decode(TASK_KOBJ_IDS_ENTRY, bytes, start, end));
        });
      case 'INVENTORY':
        return firstOf(member, image, (bytes, start, end) => {
          const { root_ids } = decode(INVENTORY_ENTRY, bytes, start, end);
          if (root_ids !== undefined) this.shared.set(CRIU_ITSELF, root_ids);
        });
      case 'REMAP_FPATH':
        for (const remap of await decodeAll(member, image, REMAP_FILE_PATH_ENTRY)) {
          if (remap.remap_type === REMAP_TYPE.GHOST) this.ghosts.set(remap.orig_id, remap.remap_id);
        }
        return;
      case 'PAGEMAP':
        return firstOf(member, image, (bytes, start, end, name) => {
          const id = pagesIdIn(bytes, start, end);
          if (id !== undefined) this.pages.set(name, id);
        });
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

/** Visits the first record of an image: all that CRIU reads of some, and all that is wanted of others. */
async function firstOf(
  member: SourceMember,
  image: ImageFile,
  visit: (bytes: Uint8Array, start: number, end: number, name: string) => void,
): Promise<void> {
  for await (const { batch, open } of batchesOf(member, image)) {
    forEachRecord({ ...batch, count: 1 }, open.name, (bytes, start, end) => visit(bytes, start, end, open.name));
    return;
  }
}
