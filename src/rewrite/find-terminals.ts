import { pushTo } from '../bytes/groups';
import type { DescriptorView } from '../checkpoint/descriptor-record';
import { ImagesByName } from '../checkpoint/explore/images-by-name';
import type { FileEntryView } from '../checkpoint/file-entry';
import { IdSet } from '../checkpoint/id-set';
import { PstreeView } from '../checkpoint/pstree-record';
import type { TerminalState, Terminals } from '../checkpoint/terminals';
import type { Subscriber } from '../checkpoint/walk/subscriber';
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
  const users = new TerminalUsers(named);
  await walk(source, [users], signal);
  const data = await readData(source, named, signal);
  const found = new Map<number, NamedTerminal>();
  for (const id of named) {
    const state = terminals.of(id);
    if (state === undefined) continue;
    found.set(id, {
      ...state,
      hasLeader: users.hasLeader(state.session),
      hasOtherEnd: terminals.hasOtherEnd(state),
      repeatedAt: terminals.repeatedAt(id),
      entries: users.entriesOf(id),
      held: users.heldOf(id),
      data: data.get(id),
    });
  }
  return found;
}

/** Hears who uses the terminals of some numbers, and which sessions have a leader. */
class TerminalUsers implements Subscriber {
  readonly entryTypes = TERMINALS;
  private readonly entries = new Map<number, number[]>();
  private readonly held = new IdSet();
  private readonly leaders = new IdSet();
  private readonly taskView = new PstreeView();

  constructor(private readonly named: ReadonlySet<number>) {}

  entry({ id, member, bytes, start, end }: FileEntryView): void {
    if (member !== FILE_ENTRY_FIELDS.tty) return;
    const { tty_info_id } = decode(TTY_FILE_ENTRY, bytes, start, end);
    if (this.named.has(tty_info_id)) pushTo(this.entries, tty_info_id, id);
  }

  descriptor({ id, type }: DescriptorView): void {
    if (type === FD_TYPES.TTY && id !== -1) this.held.add(id);
  }

  task(bytes: Uint8Array, start: number, end: number): void {
    const { pid, sid } = this.taskView.read(bytes, start, end, () => {});
    if (pid === sid) this.leaders.add(pid);
  }

  packet(rights: readonly number[]): void {
    for (const id of rights) this.held.add(id);
  }

  hasLeader(session: number): boolean {
    return session !== 0 && this.leaders.has(session);
  }

  entriesOf(terminal: number): readonly number[] {
    return this.entries.get(terminal) ?? [];
  }

  heldOf(terminal: number): readonly number[] {
    return this.entriesOf(terminal).filter((id) => this.held.has(id));
  }
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
