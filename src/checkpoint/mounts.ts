import { MNT_ENTRY_FIELDS } from '../schema/generated/images';
import { FieldCursor } from '../wire/field-cursor';
import type { EntryFacts } from './entry-facts';
import { pathKey } from './key-text';
import { Tally } from './tally';
import type { Subscriber } from './walk/subscriber';

/** A mount, with paths as keys have them. */
interface Mount {
  /** Device of the file system. */
  readonly device: number;
  /** What of the file system is mounted there; undefined where the image has another name for it. */
  readonly root: string | undefined;
  readonly mountpoint: string;
}

/** The archive of a tmpfs, by its device as mountpoints-N.img has it (CRIU: filesystems.c). */
const TMPFS_IMAGE = /^tmpfs-dev-(\d+)\.tar\.gz\.img$/;

/** A file by its name: the same for every path that is known to lead to it. */
export type FileName = string;

/** What mountpoints-N.img says of where paths lead. */
export class Mounts {
  private tally: Tally | undefined;
  private readonly byId = new Map<number, Mount>();
  /** How often each file system is mounted. */
  private readonly uses = new Map<number, number>();
  private readonly cursor = new FieldCursor();

  /** Devices of the tmpfs whose content is in the images. */
  private readonly filled = new Set<number>();

  readonly events: Subscriber = {
    member: ({ name }) => {
      const device = TMPFS_IMAGE.exec(name.toString('latin1'))?.[1];
      if (device !== undefined) this.filled.add(Number(device));
    },
    mount: (bytes, start, end, { open }) => {
      this.tally ??= new Tally(open.name);
      this.tally.count('mounts');
      this.read(bytes, start, end);
    },
  };

  private read(bytes: Uint8Array, start: number, end: number): void {
    const cursor = this.cursor.over(bytes, start, end);
    let [id, device] = [-1, 0];
    let [root, mountpoint] = ['', ''];
    let isNamedOtherwise = false;
    while (cursor.next()) {
      const { number } = cursor;
      if (number === MNT_ENTRY_FIELDS.mnt_id) id = cursor.uint32();
      else if (number === MNT_ENTRY_FIELDS.root_dev) device = cursor.uint32();
      else if (number === MNT_ENTRY_FIELDS.root) root = pathKey(cursor.payload());
      else if (number === MNT_ENTRY_FIELDS.mountpoint) mountpoint = pathKey(cursor.payload());
      else if (number === MNT_ENTRY_FIELDS.ext_mount || number === MNT_ENTRY_FIELDS.deleted) {
        isNamedOtherwise ||= cursor.uint64() !== 0n;
      }
    }
    if (id === -1) return;
    this.byId.set(id, { device, root: isNamedOtherwise ? undefined : root, mountpoint });
    this.uses.set(device, (this.uses.get(device) ?? 0) + 1);
  }

  /** Where all file systems are mounted, and what of them. */
  allPaths(): string[] {
    return [...this.byId.values()].flatMap(({ root, mountpoint }) => [
      mountpoint,
      ...(root === undefined ? [] : [root]),
    ]);
  }

  /** True for a mount of a tmpfs that CRIU makes anew and fills from the images. */
  isMadeAnew(mountId: number): boolean {
    const mount = this.byId.get(mountId);
    return mount !== undefined && this.filled.has(mount.device);
  }

  /** True where the path of an entry can be one of several of the same file. */
  hasOtherPaths({ mountId }: EntryFacts): boolean {
    const mount = mountId === undefined ? undefined : this.byId.get(mountId);
    return mount !== undefined && (this.uses.get(mount.device) ?? 0) > 1;
  }

  /**
   * Names the file that an entry leads to: by its place in the file system where its mount says that, else by its mount
   * and path. `key`, `mountId`: of the entry.
   */
  fileName({ key, mountId }: Pick<EntryFacts, 'key' | 'mountId'>): FileName {
    const mount = mountId === undefined ? undefined : this.byId.get(mountId);
    const below = mount && pathBelow(mount.mountpoint, key);
    if (mount?.root === undefined || below === undefined) return `${mountId ?? ''} ${key}`;
    return `device ${mount.device} ${mount.root === '/' ? '' : mount.root}${below}`;
  }
}

/** The rest of a path below a directory, with its slash; undefined where it is not below. */
function pathBelow(directory: string, path: string): string | undefined {
  const prefix = directory === '/' ? '' : directory;
  return path === directory || path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : undefined;
}
