import { messages } from '../errors/messages';
import type { InventoryEntry } from '../schema/generated/images';
import type { OpenImage } from './open-image';

/** Images of the oldest format have no IMG_COMMON. */
const VERSION_WITHOUT_FIRST_MAGIC = 1;
const VERSION_WITH_FIRST_MAGIC = 2;

/** Images that only dumps without files.img have; each holds the entries of one type. */
const PER_TYPE_IMAGES = new Set([
  'reg-files.img',
  'pipes.img',
  'fifo.img',
  'ext-files.img',
  'unixsk.img',
  'inetsk.img',
  'eventfd.img',
  'eventpoll.img',
  'tty.img',
]);

/**
 * Gathers what the images say about the folder's layout, in whatever order they come, and says at the
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

  sawInventory(inventory: InventoryEntry): void {
    this.inventory = inventory;
  }

  sawImage(image: OpenImage): void {
    const { name } = image.kind;
    if (name === 'FILES') this.hasFiles = true;
    if (name === 'IDS') this.hasIds = true;
    if (name === 'PSTREE') this.hasPstree = true;
    if (!image.kind.hasFirstMagic) return;
    if (image.hasFirstMagic) this.withFirstMagic ??= image.name;
    else this.withoutFirstMagic ??= image.name;
  }

  sawRaw(name: string): void {
    if (PER_TYPE_IMAGES.has(name)) this.perType ??= name;
  }

  /** Throws FdgraftError where the folder is not one that can be rewritten. `source`: how to name it. */
  check(source: string): void {
    if (this.inventory === undefined) throw messages.noInventory(source);
    this.checkVersion(this.inventory.img_version);
    if (!this.hasPstree) {
      throw messages.missingImage('pstree.img', 'every dump of CRIU has it', 'the folder is not complete');
    }
    if (!this.hasFiles && this.perType !== undefined) {
      throw messages.oldLayout(source, `has ${this.perType} and no files.img`);
    }
    if (this.inventory.fdinfo_per_id !== true) {
      throw messages.oldLayout(source, 'has descriptor tables by pid (inventory.img without fdinfo_per_id)');
    }
    if (!this.hasFiles) {
      throw messages.missingImage('files.img', 'fdinfo images refer to it', 'the folder is not complete');
    }
    if (!this.hasIds) throw messages.oldLayout(source, 'has no ids-PID.img: its ids are inside the core images');
  }

  private checkVersion(version: number): void {
    const place = { file: 'inventory.img', entry: 0, field: 'inventory_entry.img_version' };
    if (version === VERSION_WITHOUT_FIRST_MAGIC) {
      if (this.withFirstMagic !== undefined) throw messages.mixedMagics(this.withFirstMagic, version, true);
    } else if (version === VERSION_WITH_FIRST_MAGIC) {
      if (this.withoutFirstMagic !== undefined) throw messages.mixedMagics(this.withoutFirstMagic, version, false);
    } else throw messages.unknownVersion(version, place);
  }
}
