import { IdSet } from '../checkpoint/id-set';
import { PstreeView } from '../checkpoint/pstree-record';
import { pushTo } from '../checkpoint/push-to';
import { walk } from '../checkpoint/walk/walk';
import { decode } from '../schema/decode';
import {
  FD_TYPES,
  FILE_ENTRY_FIELDS,
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
  readonly kind: TerminalKind;
  /** The session that had it as controlling terminal, and the process group in its foreground; 0: none. */
  readonly session: number;
  readonly foreground: number;
  /** The leader of the session is in the tree. */
  readonly hasLeader: boolean;
  /** It was hung up: it has no settings. */
  readonly isHungUp: boolean;
  /** The other end of the pty is in the tree. */
  readonly hasMaster: boolean;
  /** Those of its entries that descriptors or SCM rights refer to, by file id. */
  readonly held: readonly number[];
}

/** `current`: /dev/tty, whatever that is; `other`: a console, a virtual terminal, a serial line. */
export type TerminalKind = 'slave' | 'master' | 'current' | 'other';

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
  const masters = new Set<number>();
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
          if (kindOf(info) === 'master' && info.pty !== undefined) masters.add(info.pty.index);
          if (named.has(info.id) && !records.has(info.id)) records.set(info.id, { record: entry, info });
        },
      },
    ],
    signal,
  );
  return new Map(
    [...records].map(([id, { record, info }]) => [
      id,
      {
        ...{
          id,
          record,
          kind: kindOf(info),
          session: info.sid,
          foreground: info.pgrp,
          isHungUp: info.termios === undefined,
        },
        hasLeader: leaders.has(info.sid),
        hasMaster: info.pty !== undefined && masters.has(info.pty.index),
        held: (entries.get(id) ?? []).filter((one) => held.has(one)),
      },
    ]),
  );
}

/** TtyType of tty.proto. */
const [PTY, CURRENT] = [1, 4];
/** Devices of pseudoterminals: Documentation/admin-guide/devices.txt. */
const PTMX = { major: 5, minor: 2 };
const MASTERS = { first: 128, last: 135 };

function kindOf({ type, rdev }: TtyInfoEntry): TerminalKind {
  if (type === CURRENT) return 'current';
  if (type !== PTY) return 'other';
  const [major, minor] = [(rdev >>> 8) & 0xfff, rdev & 0xff];
  const isMaster = (major === PTMX.major && minor === PTMX.minor) || (major >= MASTERS.first && major <= MASTERS.last);
  return isMaster ? 'master' : 'slave';
}
