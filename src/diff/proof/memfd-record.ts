import { pushTo } from '../../bytes/groups';
import type { BytesAt } from '../../bytes/same-bytes';
import { memfdFileKey } from '../../checkpoint/key-text';
import type { Plan, PlanPlaceholder } from '../../plan/plan';
import { FILE_ENTRY_FIELDS, MEMFD_FILE_ENTRY_FIELDS, MEMFD_INODE_ENTRY_FIELDS } from '../../schema/generated/images';
import type { Source } from '../../storage/source';
import { encodeBytesField, encodeVarintField } from '../../wire/encode';
import { numberIn } from '../../wire/number-in';
import { patchRecord } from '../../wire/patch';
import { fieldsIn, joinedPayload } from '../wire/fields';
import { eachEntry } from './each-entry';

/** A flag that memfd_create(2) refuses, so that a restore without the plan fails. */
const REFUSED_FLAG = 0x2000000;
const KEY_PREFIX = memfdFileKey('');

/** Number of the memfd that a record of memfd.img is of; -1 where it does not say it. Throws WireFault. */
export function inodeOfMemfd(record: BytesAt): number {
  return numberIn(record, MEMFD_INODE_ENTRY_FIELDS.inode_id) ?? -1;
}

/** The bytes of a record of memfd.img when CRIU finds the caller's file by that key. Throws WireFault. */
export function renamedMemfd(record: BytesAt, key: string): Buffer | undefined {
  if (!key.startsWith(KEY_PREFIX)) return undefined;
  const { name, hugetlb_flag } = MEMFD_INODE_ENTRY_FIELDS;
  return patchRecord(record.bytes, record.start, record.end, [
    { number: name, replacement: encodeBytesField(name, Buffer.from(key.slice(KEY_PREFIX.length))) },
    { number: hugetlb_flag, replacement: encodeVarintField(hugetlb_flag, REFUSED_FLAG) },
  ]);
}

/** The placeholders with mappings, by the number of their memfd: the first checkpoint tells it. Throws FdgraftError. */
export async function readMappedMemfds(
  plan: Plan,
  source: Source,
  signal?: AbortSignal,
): Promise<ReadonlyMap<number, readonly PlanPlaceholder[]>> {
  const found = new Map<number, PlanPlaceholder[]>();
  const wanted = new Map(plan.placeholders.flatMap((one) => (one.mapping === undefined ? [] : [[one.file_id, one]])));
  if (wanted.size === 0) return found;
  await eachEntry(source, signal, (id, entry) => {
    const placeholder = wanted.get(id);
    const ranges = fieldsIn(entry).get(FILE_ENTRY_FIELDS.memfd);
    if (placeholder === undefined || ranges === undefined) return;
    wanted.delete(id);
    const inode = numberIn(joinedPayload(entry.bytes, ranges), MEMFD_FILE_ENTRY_FIELDS.inode_id) ?? -1;
    pushTo(found, inode, placeholder);
  });
  return found;
}
