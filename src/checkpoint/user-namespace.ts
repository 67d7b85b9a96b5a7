import { WireFault } from '../errors/wire-fault';
import { TASK_KOBJ_IDS_ENTRY, UID_GID_EXTENT_FIELDS, USERNS_ENTRY_FIELDS } from '../schema/generated/images';
import { ID_RANGES_MAX } from '../schema/plan-limits';
import { FieldCursor, WIRE_TYPE } from '../wire/field-cursor';
import { MAX_OWNER_ID } from './credentials';
import type { ImagesByName } from './explore/images-by-name';

/** Ids of a user namespace that follow each other inside and outside: a line of uid_map or gid_map. */
export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

/** How the ids of a user namespace map to those of the namespace that CRIU ran in; ascending. */
export interface UserNamespace {
  readonly uids: readonly IdRange[];
  readonly gids: readonly IdRange[];
}

/**
 * The user namespace of the tree: CRIU dumps and restores one at most, that of the root task. Undefined where the tree
 * has that of CRIU itself. Throws FdgraftError.
 */
export async function readUserNamespace(images: ImagesByName, rootPid: number): Promise<UserNamespace | undefined> {
  const ids = await images.first(`ids-${rootPid}.img`, TASK_KOBJ_IDS_ENTRY);
  if (ids?.user_ns_id === undefined) return undefined;
  for await (const batch of images.batches(`userns-${ids.user_ns_id}.img`)) {
    return batch.at(0, decodeUserNamespace);
  }
  return undefined;
}

/** The id outside; undefined where an id of the namespace has none. */
export function idOutside(ranges: readonly IdRange[], id: number): number | undefined {
  const range = ranges.find(({ inside, count }) => id >= inside && id - inside < count);
  return range === undefined ? undefined : range.outside + (id - range.inside);
}

/** By hand: a list of ranges is refused before it fills the memory. */
function decodeUserNamespace(bytes: Uint8Array, start: number, end: number): UserNamespace {
  const uids: IdRange[] = [];
  const gids: IdRange[] = [];
  const field = new FieldCursor().over(bytes, start, end);
  while (field.next()) {
    const isOfUsers = field.number === USERNS_ENTRY_FIELDS.uid_map;
    if (!isOfUsers && field.number !== USERNS_ENTRY_FIELDS.gid_map) continue;
    field.expect(WIRE_TYPE.BYTES);
    const ranges = isOfUsers ? uids : gids;
    const name = isOfUsers ? 'userns_entry.uid_map' : 'userns_entry.gid_map';
    ranges.push(decodeRange(bytes, field.valueStart, field.end, name));
    if (ranges.length > ID_RANGES_MAX) {
      throw new WireFault(`more than ${ID_RANGES_MAX} ranges, the limit of Linux`, field.start, undefined, name);
    }
  }
  refuseOverlaps(uids, start, 'userns_entry.uid_map');
  refuseOverlaps(gids, start, 'userns_entry.gid_map');
  const ascending = (a: IdRange, b: IdRange) => a.inside - b.inside;
  return { uids: uids.sort(ascending), gids: gids.sort(ascending) };
}

function decodeRange(bytes: Uint8Array, start: number, end: number, name: string): IdRange {
  const numbers = new Map<number, number>();
  const field = new FieldCursor().over(bytes, start, end);
  const { first, lower_first: lower, count } = UID_GID_EXTENT_FIELDS;
  while (field.next()) if ([first, lower, count].includes(field.number as 1)) numbers.set(field.number, field.uint32());
  const [inside, outside, ids] = [numbers.get(first), numbers.get(lower), numbers.get(count)];
  if (inside === undefined || outside === undefined || ids === undefined) {
    throw new WireFault('a required field of the range is missing', start, undefined, name);
  }
  if (ids === 0 || Math.max(inside, outside) + ids - 1 > MAX_OWNER_ID) {
    throw new WireFault(`the range ${inside} ${outside} ${ids} is none of Linux`, start, undefined, name);
  }
  return { inside, outside, count: ids };
}

function refuseOverlaps(ranges: readonly IdRange[], at: number, name: string): void {
  for (const side of ['inside', 'outside'] as const) {
    const ordered = [...ranges].sort((a, b) => a[side] - b[side]);
    ordered.forEach((range, i) => {
      const before = ordered[i - 1];
      if (before !== undefined && before[side] + before.count > range[side]) {
        const problem = `the ranges of ${before[side]} and ${range[side]} overlap ${side}`;
        throw new WireFault(problem, at, undefined, name);
      }
    });
  }
}
