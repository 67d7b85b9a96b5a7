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
 * Three passes, and none where no spec names a memfd. Throws FdgraftError (DESCRIPTOR_TIED).
 */
export async function refuseMappedMemfds(
  source: Source,
  matches: readonly Match[],
  specs: readonly InheritSpec[],
  signal?: AbortSignal,
): Promise<void> {
  const named = new Map(matches.flatMap((match) => (match.type.name === 'MEMFD' ? [[match.id, match] as const] : [])));
  if (named.size === 0) return;
  const byInode = new Map<number, Match>();
  await eachMemfd(source, signal, (id, inode) => {
    const match = named.get(id);
    if (match !== undefined) byInode.set(inode, match);
  });
  const mapped = new IdSet();
  const reference = (id: number, kind: string) => kind === 'memfd mapping' && mapped.add(id);
  await walk(source, [{ reference }], signal);
  await eachMemfd(source, signal, (id, inode) => {
    const match = mapped.has(id) ? byInode.get(inode) : undefined;
    if (match === undefined) return;
    const { text, callerFd } = specs[match.specs[0] as number] as InheritSpec;
    throw messages.memfdMapped({ file: 'files.img', entry: match.entry }, text, callerFd, match.id, id);
  });
}

/** Visits the entries of memfds, with the number that all entries of one memfd have. */
async function eachMemfd(
  source: Source,
  signal: AbortSignal | undefined,
  visit: (id: number, inode: number) => void,
): Promise<void> {
  await walk(
    source,
    [
      {
        entryTypes: MEMFDS,
        entry: ({ id, member, bytes, start, end }) => {
          if (member === FILE_ENTRY_FIELDS.memfd) visit(id, decode(MEMFD_FILE_ENTRY, bytes, start, end).inode_id);
        },
      },
    ],
    signal,
  );
}
