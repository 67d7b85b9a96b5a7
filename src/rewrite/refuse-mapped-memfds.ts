import { IdSet } from '../checkpoint/id-set';
import { walk } from '../checkpoint/walk/walk';
import { messages } from '../errors/messages';
import { decode } from '../schema/decode';
import { FD_TYPES, FILE_ENTRY_FIELDS, MEMFD_FILE_ENTRY } from '../schema/generated/images';
import type { InheritSpec } from '../specs/spec';
import type { Source } from '../storage/source';
import type { Match } from './match';

const MEMFDS: ReadonlySet<number> = new Set([FD_TYPES.MEMFD]);

/**
 * Refuses a memfd that a task has mapped too: the mapping has an entry of its own, and would stay with the old memory.
 * Two passes, and none where no spec names a memfd. Throws FdgraftError (DESCRIPTOR_TIED).
 */
export async function refuseMappedMemfds(
  source: Source,
  matches: readonly Match[],
  specs: readonly InheritSpec[],
  signal?: AbortSignal,
): Promise<void> {
  const named = new Map(matches.flatMap((match) => (match.type.name === 'MEMFD' ? [[match.id, match] as const] : [])));
  if (named.size === 0) return;
  const inodes = new Map<number, Match>();
  const inodeOf = ({ bytes, start, end }: { bytes: Uint8Array; start: number; end: number }) =>
    decode(MEMFD_FILE_ENTRY, bytes, start, end).inode_id;
  await walk(
    source,
    [
      {
        entryTypes: MEMFDS,
        entry: (view) => {
          const match = view.member === FILE_ENTRY_FIELDS.memfd ? named.get(view.id) : undefined;
          if (match !== undefined) inodes.set(inodeOf(view), match);
        },
      },
    ],
    signal,
  );
  const mapped = new IdSet();
  const mappings = { reference: (id: number, kind: string) => kind === 'memfd mapping' && mapped.add(id) };
  await walk(source, [mappings], signal);
  await walk(
    source,
    [
      {
        entryTypes: MEMFDS,
        entry: (view) => {
          if (view.member !== FILE_ENTRY_FIELDS.memfd || !mapped.has(view.id)) return;
          const match = inodes.get(inodeOf(view));
          if (match === undefined) return;
          const text = specs[match.specs[0] as number]?.text ?? '';
          throw messages.memfdMapped({ file: 'files.img', entry: match.entry }, text, match.id, view.id);
        },
      },
    ],
    signal,
  );
}
