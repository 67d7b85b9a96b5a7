import { INVENTORY_ENTRY, TASK_KOBJ_IDS_ENTRY } from '../../schema/generated/images';
import { readCore } from './core-facts';
import type { ImagesByName } from './images-by-name';

/**
 * Finds the descriptor table of a task, the N of fdinfo-N.img: its pid in the oldest dumps, else what its ids image
 * says, or its core image where dumps have no ids images. Undefined where none of these is there.
 */
export async function tableFinder(images: ImagesByName): Promise<(pid: number) => Promise<number | undefined>> {
  const inventory = await images.first('inventory.img', INVENTORY_ENTRY);
  if (inventory?.fdinfo_per_id !== true) return async (pid) => pid;
  return async (pid) => {
    const ids = (await images.first(`ids-${pid}.img`, TASK_KOBJ_IDS_ENTRY)) ?? (await readCore(images, pid))?.ids;
    return ids?.files_id;
  };
}
