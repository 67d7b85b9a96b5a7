import type { FileEntryView } from '../../checkpoint/file-entry';
import type { Subscriber } from '../../checkpoint/walk/subscriber';
import { walk, walkImage } from '../../checkpoint/walk/walk';
import type { ImageFile } from '../../frames/image-kinds';
import { REMAP_TYPE, type TaskKobjIdsEntry } from '../../schema/generated/images';
import type { Source, SourceMember } from '../../storage/source';
import { pagesIdIn } from '../pages-id';
import { Column } from './column';
import { identifyEntry } from './entry-identity';
import { NumberMap } from './number-map';

/** The task that CRIU itself stands for: inventory.img has its ids. No task has this pid. */
const CRIU_ITSELF = 0;
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
  readonly tables = new Map<number, { readonly from: number; to: number }>();
  /** Numbers of what tasks share, by pid. */
  readonly shared = new Map<number, TaskKobjIdsEntry>();
  /** Numbers of images of pages, by the name of the page map. */
  readonly pages = new Map<string, number>();
  /** Numbers of ghosts, by the file id of what they stand for. */
  readonly ghosts = new NumberMap();

  /** Reads a checkpoint in one pass. Throws FdgraftError. */
  static async read(source: Source, signal?: AbortSignal): Promise<CheckpointIds> {
    const ids = new CheckpointIds();
    await walk(source, [ids.events], signal);
    return ids;
  }

  /** Reads one image. Throws FdgraftError. */
  async see(member: SourceMember, image: ImageFile): Promise<void> {
    await walkImage(member, image, [this.events]);
  }

  /** Images without ids that something else is known by are left out. */
  private readonly events: Subscriber = {
    entry: (view) => this.seeEntry(view),
    opened: ({ kind, number }) => {
      if (kind.name === 'FDINFO') this.tables.set(number, { from: this.fds.length, to: this.fds.length });
    },
    descriptor: (view) => {
      const { id, fd } = view.checkComplete();
      this.fds.push(fd);
      this.fileIds.push(id);
    },
    closed: ({ kind, number }) => {
      const table = this.tables.get(number);
      if (kind.name === 'FDINFO' && table !== undefined) table.to = this.fds.length;
    },
    ids: (ids, { open }) => {
      this.shared.set(open.number, ids);
    },
    inventory: ({ root_ids }) => {
      if (root_ids !== undefined) this.shared.set(CRIU_ITSELF, root_ids);
    },
    remap: ({ orig_id, remap_id, remap_type }) => {
      if (remap_type === REMAP_TYPE.GHOST) this.ghosts.set(orig_id, remap_id);
    },
    pagemap: (bytes, start, end, { open }) => {
      const id = pagesIdIn(bytes, start, end);
      if (id !== undefined) this.pages.set(open.name, id);
    },
  };

  private seeEntry(view: FileEntryView): void {
    if (!this.rows.add(view.id, this.ids.length)) return;
    const { name, thing, isNamed, number } = identifyEntry(view);
    this.ids.push(view.id);
    this.members.push(view.member);
    this.names.push(name);
    this.things.push(thing);
    this.numbers.push(number ?? NO_NUMBER);
    this.named.push(isNamed ? 1 : 0);
  }
}
