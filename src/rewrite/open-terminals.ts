import type { Tasks } from '../checkpoint/tasks';
import type { Subscriber } from '../checkpoint/walk/subscriber';
import { walk } from '../checkpoint/walk/walk';
import { TTY_INFO_ENTRY_FIELDS, type TtyFileEntry } from '../schema/generated/images';
import type { Source } from '../storage/source';
import { FieldCursor } from '../wire/field-cursor';

/** So many descriptors of a terminal are named. */
const MAX_NAMED = 8;
/** TTY_TYPE__EXT_TTY: dumped as external, so that CRIU asks for it at the restore. */
const EXTERNAL_TERMINAL = 5;

/** A terminal that descriptors refer to. */
export interface OpenTerminal {
  /** Descriptors as "14716/0", the first of them. */
  readonly places: readonly string[];
  readonly count: number;
  /** The key by which CRIU's own --inherit-fd takes it; undefined where it does not. */
  readonly criuKey: string | undefined;
}

/** What the tables and tty-info.img say of these entries, in a pass of its own. Throws FdgraftError. */
export async function readOpenTerminals(
  source: Source,
  entries: readonly TtyFileEntry[],
  tasks: Tasks,
  signal?: AbortSignal,
): Promise<OpenTerminal> {
  const ids = new Set(entries.map(({ id }) => id));
  const infos = new Set(entries.map(({ tty_info_id }) => tty_info_id));
  const places: string[] = [];
  let count = 0;
  let criuKey: string | undefined;
  const cursor = new FieldCursor();
  const events: Subscriber = {
    descriptor: (view, { open }) => {
      if (!ids.has(view.id)) return;
      const { fd } = view.checkComplete();
      const pids = tasks.pidsOf(open.number);
      count += Math.max(1, pids.length);
      const named = pids.length === 0 ? [`table ${open.number}/${fd}`] : pids.map((pid) => `${pid}/${fd}`);
      places.push(...named.slice(0, Math.max(0, MAX_NAMED - places.length)));
    },
    terminal: (bytes, start, end) => {
      criuKey ??= keyOf(cursor, bytes, start, end, infos);
    },
  };
  await walk(source, [events], signal);
  return { places, count, criuKey };
}

function keyOf(
  cursor: FieldCursor,
  bytes: Uint8Array,
  start: number,
  end: number,
  infos: ReadonlySet<number>,
): string | undefined {
  const fields = TTY_INFO_ENTRY_FIELDS;
  let [id, type, rdev, dev] = [-1, 0, 0, 0];
  cursor.over(bytes, start, end);
  while (cursor.next()) {
    if (cursor.number === fields.id) id = cursor.uint32();
    else if (cursor.number === fields.type) type = cursor.uint32();
    else if (cursor.number === fields.rdev) rdev = cursor.uint32();
    else if (cursor.number === fields.dev) dev = cursor.uint32();
  }
  return infos.has(id) && type === EXTERNAL_TERMINAL ? `tty[${rdev.toString(16)}:${dev.toString(16)}]` : undefined;
}
