import { pushTo } from '../bytes/groups';
import { ImagesByName } from '../checkpoint/explore/images-by-name';
import { IdSet } from '../checkpoint/id-set';
import { PstreeView } from '../checkpoint/pstree-record';
import type { TerminalState, Terminals } from '../checkpoint/terminals';
import { walk } from '../checkpoint/walk/walk';
import { decode } from '../schema/decode';
import { FD_TYPES, FILE_ENTRY_FIELDS, TTY_DATA_ENTRY, TTY_FILE_ENTRY } from '../schema/generated/images';
import type { Source } from '../storage/source';
import type { Match } from './match';

/** A terminal that a spec names. */
export interface NamedTerminal extends TerminalState {
  /** The leader of its session is in the tree. */
  readonly hasLeader: boolean;
  /** The other end of the pty is in the tree. */
  readonly hasOtherEnd: boolean;
  /** Another record of tty-info.img that has its number. */
  readonly repeatedAt: number | undefined;
  /** File ids of its entries, and of those that descriptors or SCM rights refer to. */
  readonly entries: readonly number[];
  readonly held: readonly number[];
  /** The bytes that are under way in it: the first record of tty-data.img, and their number in all records. */
  readonly data: { readonly record: number; readonly bytes: number } | undefined;
}

const TERMINALS: ReadonlySet<number> = new Set([FD_TYPES.TTY]);

/**
 * Finds out about the terminals that specs name, by their number in tty-info.img. A pass of its own, and none where no
 * spec names a terminal. Throws FdgraftError.
 */
export async function findTerminals(
  source: Source,
  terminals: Terminals,
  matches: readonly Match[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<number, NamedTerminal>> {
  const named = new Set(matches.flatMap(({ facts: { terminalId } }) => terminalId ?? []));
  if (named.size === 0) return new Map();
  const entries = new Map<number, number[]>();
  const held = new IdSet();
  const leaders = new IdSet();
  const task = new PstreeView();
  await walk(
    source,
    [
      {
        entryTypes: TERMINALS,
        entry: ({ id, member, bytes, start, end }) => {
          if (member !== FILE_ENTRY_FIELDS.tty) return;
          const { tty_info_id } = decode(TTY_FILE_ENTRY, bytes, start, end);
          if (named.has(tty_info_id)) pushTo(entries, tty_info_id, id);
        },
      },
      {
        descriptor: ({ id, type }) => {
          if (type === FD_TYPES.TTY && id !== -1) held.add(id);
        },
        task: (bytes, start, end) => {
          const { pid, sid } = task.read(bytes, start, end, () => {});
          if (pid === sid) leaders.add(pid);
        },
        packet: (rights) => {
          for (const id of rights) held.add(id);
        },
      },
    ],
    signal,
  );
  const data = await readData(source, named, signal);
  return new Map(
    [...named].flatMap((id) => {
      const state = terminals.of(id);
      if (state === undefined) return [];
      return [
        [
          id,
          {
            ...state,
            hasLeader: state.session !== 0 && leaders.has(state.session),
            hasOtherEnd: terminals.hasOtherEnd(state),
            repeatedAt: terminals.repeatedAt(id),
            entries: entries.get(id) ?? [],
            held: (entries.get(id) ?? []).filter((one) => held.has(one)),
            data: data.get(id),
          },
        ],
      ];
    }),
  );
}

/** CRIU writes what is under way in a pty whose two ends it dumps (criu/tty.c). */
async function readData(
  source: Source,
  named: ReadonlySet<number>,
  signal?: AbortSignal,
): Promise<ReadonlyMap<number, { record: number; bytes: number }>> {
  const images = new ImagesByName(source, signal);
  const found = new Map<number, { record: number; bytes: number }>();
  try {
    for await (const batch of images.batches('tty-data.img')) {
      batch.each((bytes, start, end, entry) => {
        const { tty_id, data } = decode(TTY_DATA_ENTRY, bytes, start, end);
        if (!named.has(tty_id)) return;
        const { record, bytes: before } = found.get(tty_id) ?? { record: entry, bytes: 0 };
        found.set(tty_id, { record, bytes: before + data.length });
      });
    }
    return found;
  } finally {
    await images.close();
  }
}
