import { escapeBytes } from '../bytes/escape';
import { messages } from '../errors/messages';
import type { ImageFile } from '../frames/image-kinds';
import type { InventoryEntry } from '../schema/generated/images';
import { typeOfImage } from './file-entry';
import type { OpenImage } from './open-image';
import type { Subscriber } from './walk/subscriber';

/** Images of the oldest format have no IMG_COMMON, those of all others have it. */
const VERSION_WITHOUT_FIRST_MAGIC = 1;
/** As version 2, but pages may be compressed (crit compress of CRIU 4.3). A rewrite leaves pages alone. */
const VERSION_WITH_COMPRESSED_PAGES = 3;

const INVENTORY_VERSION = { file: 'inventory.img', entry: 0, field: 'inventory_entry.img_version' };

/**
 * Gathers what the images say about the directory's layout, in whatever order they come, and says at the
 * end whether a supported CRIU restores it (CRIU 3.17 to 4.3).
 */
export class Layout {
  private inventory: InventoryEntry | undefined;
  private withFirstMagic: string | undefined;
  private withoutFirstMagic: string | undefined;
  private hasFiles = false;
  private hasIds = false;
  private hasPstree = false;
  private perType: string | undefined;

  /** Its part in a walk. */
  readonly events: Subscriber = {
    image: (image, member) => this.sawImage(image, member.name),
    opened: (open) => this.sawMagics(open),
    inventory: (inventory) => {
      this.inventory = inventory;
    },
  };

  private sawImage({ kind }: ImageFile, fileName: Buffer): void {
    const { name } = kind;
    if (name === 'FILES') this.hasFiles = true;
    if (name === 'IDS') this.hasIds = true;
    if (name === 'PSTREE') this.hasPstree = true;
    if (typeOfImage(kind) !== undefined) this.perType ??= escapeBytes(fileName);
  }

  private sawMagics(image: OpenImage): void {
    if (image.kind.firstMagic === undefined) return;
    if (image.hasFirstMagic) this.withFirstMagic ??= image.name;
    else this.withoutFirstMagic ??= image.name;
  }

  /** True where each type has an image of its own, and file ids are unique within a type only. */
  get isPerType(): boolean {
    return !this.hasFiles && this.perType !== undefined;
  }

  /** What the N of fdinfo-N.img is: a pid, or the files_id of a core image or of an ids image. */
  get tableNumbers(): 'pid' | 'core' | 'ids' {
    if (this.inventory?.fdinfo_per_id !== true) return 'pid';
    return this.hasIds ? 'ids' : 'core';
  }

  /** Throws FdgraftError where the directory is none that can be rewritten. `source`: how to name it. */
  check(source: string): void {
    this.checkReadable(source);
    const version = this.inventory?.img_version ?? 0;
    if (version > VERSION_WITH_COMPRESSED_PAGES) throw messages.newerVersion(version, INVENTORY_VERSION);
    const reason = this.whyNotRestored;
    if (reason !== undefined) throw messages.oldLayout(source, reason);
  }

  /** Why no CRIU from 3.17 on restores the directory; undefined where they do (tried on 4.1.1 and 4.3). */
  get whyNotRestored(): string | undefined {
    if (this.isPerType) return `has ${this.perType} and no files.img`;
    if (this.tableNumbers === 'pid') return 'has descriptor tables by pid (inventory.img without fdinfo_per_id)';
    if (this.tableNumbers === 'core') return 'has no ids-PID.img: its ids are inside the core images';
    return undefined;
  }

  /** Throws FdgraftError where the directory is no whole checkpoint. */
  checkReadable(source: string): void {
    if (this.inventory === undefined) throw messages.noInventory(source);
    this.checkVersion(this.inventory.img_version);
    if (!this.hasPstree) {
      const hint = 'the directory is not complete, or one of criu pre-dump, which has none: give that of the last dump';
      throw messages.missingImage('pstree.img', 'every dump that can be restored has it', hint);
    }
    if (!this.hasFiles && this.perType === undefined) {
      throw messages.missingImage(
        'files.img',
        'every dump that can be restored has it',
        'the directory is not complete',
      );
    }
  }

  /** A version that is not there yet is read as far as it is known. */
  private checkVersion(version: number): void {
    if (version < VERSION_WITHOUT_FIRST_MAGIC) throw messages.unknownVersion(version, INVENTORY_VERSION);
    if (version === VERSION_WITHOUT_FIRST_MAGIC) {
      if (this.withFirstMagic !== undefined) throw messages.mixedMagics(this.withFirstMagic, version, true);
    } else if (version <= VERSION_WITH_COMPRESSED_PAGES && this.withoutFirstMagic !== undefined) {
      throw messages.mixedMagics(this.withoutFirstMagic, version, false);
    }
  }
}
