import { accessOf } from '../checkpoint/open-flags';

/** What access the flags of an entry mean, in a word. */
export function accessWord(flags: number): string {
  const { read, write } = accessOf(flags);
  if (read && write) return 'read-write';
  return write ? 'write' : read ? 'read' : 'path only';
}

/** A descriptor of each task that uses its table: "14716/1". */
export function pidAndFd({ pids, table, fd }: { pids: readonly number[]; table: number; fd: number }): string[] {
  return pids.length === 0 ? [`table ${table}/${fd}`] : pids.map((pid) => `${pid}/${fd}`);
}

/** Longer cells go beyond their column: one long name would fill all other lines with spaces. */
const MAX_WIDTH = 72;

/**
 * Columns as wide as their widest cell of up to MAX_WIDTH characters, and as `widths` says, which grows; the last one is
 * not padded.
 */
export function columns(rows: readonly (readonly string[])[], widths: number[] = []): string[][] {
  for (const row of rows) {
    row.forEach((cell, i) => {
      if (cell.length <= MAX_WIDTH) widths[i] = Math.max(widths[i] ?? 0, cell.length);
    });
  }
  return rows.map((row) => row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))));
}
