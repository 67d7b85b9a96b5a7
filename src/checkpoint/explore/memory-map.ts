import { WireFault } from '../../errors/wire-fault';
import { decode } from '../../schema/decode';
import { MM_ENTRY_FIELDS, VMA_ENTRY, type VmaEntry } from '../../schema/generated/images';
import { FieldCursor, WIRE_TYPE } from '../../wire/field-cursor';
import type { ImagesByName } from './images-by-name';

/** File id of the executable of a task; undefined where it has no mm image. Throws FdgraftError. */
export async function executableOf(images: ImagesByName, pid: number): Promise<number | undefined> {
  for await (const batch of images.batches(`mm-${pid}.img`)) {
    return batch.at(0, (bytes, start, end) => {
      const field = new FieldCursor().over(bytes, start, end);
      let id: number | undefined;
      while (field.next()) if (field.number === MM_ENTRY_FIELDS.exe_file_id) id = field.uint32();
      if (id === undefined)
        throw new WireFault('the required field is missing', start, undefined, 'mm_entry.exe_file_id');
      return id;
    });
  }
  return undefined;
}

/**
 * The mappings of a task one by one: those in its mm image, and those in its vmas image, which older dumps have.
 * Throws FdgraftError.
 */
export async function* mappingsOf(images: ImagesByName, pid: number): AsyncGenerator<VmaEntry, void, undefined> {
  for await (const batch of images.batches(`mm-${pid}.img`)) {
    const field = batch.at(0, (bytes, start, end) => new FieldCursor().over(bytes, start, end));
    const next = (bytes: Uint8Array) => {
      while (field.next()) {
        if (field.number !== MM_ENTRY_FIELDS.vmas) continue;
        field.expect(WIRE_TYPE.BYTES);
        return decode(VMA_ENTRY, bytes, field.valueStart, field.end);
      }
      return undefined;
    };
    for (let vma = batch.at(0, next); vma !== undefined; vma = batch.at(0, next)) yield vma;
    break;
  }
  for await (const batch of images.batches(`vmas-${pid}.img`)) {
    for (let i = 0; i < batch.count; i += 1) {
      yield batch.at(i, (bytes, start, end) => decode(VMA_ENTRY, bytes, start, end));
    }
  }
}
