import type { IdKind } from '../../checkpoint/id-kinds';
import { idFieldsOf } from '../../checkpoint/message-rows';
import { shapeOf } from '../../schema/shape';
import type { CheckpointIds } from './checkpoint-ids';
import { IdPairs } from './id-pairs';
import { type Proposals, pairFiles } from './pair-files';

/**
 * Pairs the ids of two checkpoints: those of tables, namespaces and whatever else tasks share by the tasks, those of
 * files by what the files are, the others by what they belong to. Which of the two comes first makes no difference.
 */
export async function pairIds(
  before: CheckpointIds,
  after: CheckpointIds,
  signal?: AbortSignal | undefined,
): Promise<IdPairs> {
  const ids = new IdPairs();
  linkShared(before, after, ids);
  const tables = pairedTables(before, after, ids);
  await pairFiles(before, after, proposalsOf(before, after, tables), ids, signal);
  const names = [...new Set([...before.pages.keys(), ...after.pages.keys()])].sort();
  for (const name of names) linkOrKnow(ids, 'pages', before.pages.get(name), after.pages.get(name));
  linkGhosts(before, after, ids);
  return ids;
}

function linkOrKnow(ids: IdPairs, kind: IdKind, before: number | undefined, after: number | undefined): void {
  if (before !== undefined && after !== undefined) ids.link(kind, before, after);
  else if (before !== undefined) ids.know(kind, 'before', before);
  else if (after !== undefined) ids.know(kind, 'after', after);
}

const SHARED = shapeOf('task_kobj_ids_entry').fields.flatMap(({ name, number }) => {
  const kind = idFieldsOf('task_kobj_ids_entry').get(number)?.[0]?.kind;
  return kind === undefined || kind === 'any' ? [] : [{ name: name as 'vm_id', kind }];
});

/** The lowest pid that has an id names it. Pairs come before ids that only one side has: a task may be gone. */
function linkShared(before: CheckpointIds, after: CheckpointIds, ids: IdPairs): void {
  const pids = [...new Set([...before.shared.keys(), ...after.shared.keys()])].sort((a, b) => a - b);
  for (const isPaired of [true, false]) {
    for (const pid of pids) {
      const [a, b] = [before.shared.get(pid), after.shared.get(pid)];
      if ((a !== undefined && b !== undefined) !== isPaired) continue;
      for (const { name, kind } of SHARED) linkOrKnow(ids, kind, a?.[name], b?.[name]);
    }
  }
}

interface TablePair {
  readonly before: number;
  readonly after: number;
}

/** Tables that are the same, in the order of their tasks; by their numbers where no task is known. */
function pairedTables(before: CheckpointIds, after: CheckpointIds, ids: IdPairs): TablePair[] {
  const ofTasks = [...before.shared.keys()].sort((a, b) => a - b).map((pid) => before.shared.get(pid)?.files_id);
  const rest = [...before.tables.keys()].sort((a, b) => a - b);
  return [...new Set([...ofTasks, ...rest])].flatMap((table) => {
    if (table === undefined || !before.tables.has(table)) return [];
    const other = ids.partnerOf('table', 'before', table) ?? table;
    return after.tables.has(other) && ids.areOne('table', table, other) ? [{ before: table, after: other }] : [];
  });
}

/** What descriptors of the same number in the same table refer to, table by table, by number. */
function proposalsOf(before: CheckpointIds, after: CheckpointIds, tables: readonly TablePair[]): Proposals {
  const most = Math.min(before.fileIds.length, after.fileIds.length);
  const proposals = { before: new Uint32Array(most), after: new Uint32Array(most) };
  let count = 0;
  for (const table of tables) {
    const [a, b] = [descriptorsOf(before, table.before), descriptorsOf(after, table.after)];
    for (let i = 0, j = 0; i < a.length && j < b.length; ) {
      const [x, y] = [a[i] as number, b[j] as number];
      const order = before.fds.at(x) - after.fds.at(y);
      if (order <= 0) i += 1;
      if (order >= 0) j += 1;
      if (order !== 0) continue;
      const row = before.rows.get(before.fileIds.at(x));
      const other = after.rows.get(after.fileIds.at(y));
      if (row === undefined || other === undefined) continue;
      proposals.before[count] = row;
      proposals.after[count] = other;
      count += 1;
    }
  }
  return { before: proposals.before.subarray(0, count), after: proposals.after.subarray(0, count) };
}

/** Places of the descriptors of a table, by their numbers: as they are in the image, nearly always. */
function descriptorsOf({ tables, fds }: CheckpointIds, table: number): Uint32Array {
  const { from, to } = tables.get(table) as { from: number; to: number };
  const places = new Uint32Array(to - from);
  let isSorted = true;
  for (let i = 0; i < places.length; i += 1) {
    places[i] = from + i;
    if (i > 0 && fds.at(from + i - 1) > fds.at(from + i)) isSorted = false;
  }
  return isSorted ? places : places.sort((i, j) => fds.at(i) - fds.at(j) || i - j);
}

function linkGhosts(before: CheckpointIds, after: CheckpointIds, ids: IdPairs): void {
  for (const [id, ghost] of [...before.ghosts.entries()].sort(([a], [b]) => a - b)) {
    const other = ids.partnerOf('file', 'before', id) ?? id;
    linkOrKnow(ids, 'ghost', ghost, ids.areOne('file', id, other) ? after.ghosts.get(other) : undefined);
  }
  for (const [, ghost] of after.ghosts.entries()) ids.know('ghost', 'after', ghost);
}
