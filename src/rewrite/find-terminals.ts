import { ImagesByName } from '../checkpoint/explore/images-by-name';
import { IdSet } from '../checkpoint/id-set';
import { PstreeView } from '../checkpoint/pstree-record';
import { pushTo } from '../checkpoint/push-to';
import { roleOf, type TerminalRole } from '../checkpoint/terminal-type';
import { walk } from '../checkpoint/walk/walk';
import { decode } from '../schema/decode';
import {
  FD_TYPES,
  FILE_ENTRY_FIELDS,
  TTY_DATA_ENTRY,
  TTY_FILE_ENTRY,
  TTY_INFO_ENTRY,
  type TtyInfoEntry,
} from '../schema/generated/images';
import type { Source } from '../storage/source';
import type { Match } from './match';

/** A terminal that a spec names. */
export interface NamedTerminal {
  /** Its number in tty-info.img, and that of its record there. */
  readonly id: number;
  readonly record: number;
  readonly role: TerminalRole;
  /** The session that had it as controlling terminal, and the process group in its foreground; 0: none. */
  readonly session: number;
  readonly foreground: number;
  /** The leader of the session is in the tree. */
  readonly hasLeader: boolean;
  /** It was hung up: it has no settings. */
  readonly isHungUp: boolean;
  /** The other end of the pty is in the tree. */
  readonly hasOtherEnd: boolean;
  /** Those of its entries that descriptors or SCM rights refer to, by file id. */
  readonly held: readonly number[];
  /** What is under way in it: the first record of tty-data.img, and bytes in all of them. */
  readonly data: { readonly record: number; readonly bytes: number } | undefined;
}

const TERMINALS: ReadonlySet<number> = new Set([FD_TYPES.TTY]);

/**
 * Finds the terminals that specs name, by their number in tty-info.img. A pass of its own, and none where no spec names a
 * terminal. Throws FdgraftError.
 */
export async function findTerminals(
  source: Source,
  matches: readonly Match[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<number, NamedTerminal>> {
  const named = new Set(matches.flatMap(({ facts: { terminalId } }) => terminalId ?? []));
  if (named.size === 0) return new Map();
  const entries = new Map<number, number[]>();
  const held = new IdSet();
  const records = new Map<number, { record: number; info: TtyInfoEntry }>();
  const ends = { master: new IdSet(), slave: new IdSet() };
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
        terminal: (bytes, start, end, { entry }) => {
          const info = decode(TTY_INFO_ENTRY, bytes, start, end);
          const role = roleOf(info);
          if ((role === 'master' || role === 'slave') && info.pty !== undefined) ends[role].add(info.pty.index);
          if (named.has(info.id) && !records.has(info.id)) records.set(info.id, { record: entry, info });
        },
      },
    ],
    signal,
  );
  const data = await readData(source, named, signal);
  return new Map(
    [...records].map(([id, { record, info }]) => [
      id,
      {
        ...{ id, record, role: roleOf(info), session: info.sid, foreground: info.pgrp },
        isHungUp: info.termios === undefined,
        hasLeader: leaders.has(info.sid),
        hasOtherEnd: hasOtherEnd(info, ends),
        held: (entries.get(id) ?? []).filter((one) => held.has(one)),
        data: data.get(id),
      },
    ]),
  );
}

function hasOtherEnd(info: TtyInfoEntry, { master, slave }: { master: IdSet; slave: IdSet }): boolean {
  const role = roleOf(info);
  if (info.pty === undefined) return false;
  return role === 'master' ? slave.has(info.pty.index) : role === 'slave' && master.has(info.pty.index);
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
