import type { SourceMember } from '../storage/source';
import { ImageEntries } from './image-entries';

/** How many entries an image has. `name`: how messages name it. Throws FdgraftError. */
export async function countEntries(member: SourceMember, name: string, signal?: AbortSignal): Promise<number> {
  const reader = await member.open();
  try {
    const entries = await ImageEntries.open(reader, name);
    try {
      let count = 0;
      while (await entries.fill()) {
        signal?.throwIfAborted();
        while (entries.take() !== undefined) count += 1;
      }
      return count;
    } finally {
      entries.release();
    }
  } finally {
    await reader.close();
  }
}
