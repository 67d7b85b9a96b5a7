import { locate } from '../../errors/locate';
import { WireFault } from '../../errors/wire-fault';
import { decode } from '../../schema/decode';
import { MM_ENTRY_FIELDS, VMA_ENTRY, type VmaEntry } from '../../schema/generated/images';
import { FieldCursor, WIRE_TYPE } from '../../wire/field-cursor';
import type { ImageBatch } from '../open-image';
import type { ImagesByName } from './images-by-name';

/** File id of the executable of a task; undefined where it has no mm image. Throws FdgraftError. */
export async function executableOf(images: ImagesByName, pid: number): Promise<number | undefined> {
  for await (const part of images.batches(`mm-${pid}.img`)) {
    return located(part, 0, () => {
      const [bytes, start, end] = recordOf(part, 0);
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
  for await (const part of images.batches(`mm-${pid}.img`)) {
    const [bytes, start, end] = recordOf(part, 0);
    const field = new FieldCursor().over(bytes, start, end);
    const next = () => {
      while (field.next()) {
        if (field.number !== MM_ENTRY_FIELDS.vmas) continue;
        field.expect(WIRE_TYPE.BYTES);
        return decode(VMA_ENTRY, bytes, field.valueStart, field.end);
      }
      return undefined;
    };
    for (let vma = located(part, 0, next); vma !== undefined; vma = located(part, 0, next)) yield vma;
    break;
  }
  for await (const part of images.batches(`vmas-${pid}.img`)) {
    for (let i = 0; i < part.batch.count; i += 1) {
      yield located(part, i, () => decode(VMA_ENTRY, ...recordOf(part, i)));
    }
  }
}

function recordOf({ batch }: ImageBatch, i: number): [bytes: Uint8Array, start: number, end: number] {
  return [batch.bytes, batch.starts[i] as number, batch.ends[i] as number];
}

/** Says of a fault in record `i` where in the file it is. */
export function located<T>({ batch, open }: ImageBatch, i: number, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof WireFault ? locate(error, open.name, batch.firstEntry + i, batch.base) : error;
  }
}
