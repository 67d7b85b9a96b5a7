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
 * Lines with columns as wide as their widest cell of up to MAX_WIDTH characters, and as `widths` says, which grows; the
 * last one is not padded. `emphasize` is for the first.
 */
export function linesOf(
  rows: readonly (readonly string[])[],
  widths: number[],
  emphasize: (text: string) => string,
): string {
  for (const row of rows) {
    for (let i = 0; i < row.length; i += 1) {
      const { length } = row[i] as string;
      if (length <= MAX_WIDTH && length > (widths[i] ?? -1)) widths[i] = length;
    }
  }
  let text = '';
  for (const row of rows) {
    const last = row.length - 1;
    for (let i = 0; i < last; i += 1) {
      const cell = (row[i] as string).padEnd(widths[i] ?? 0);
      text += `${i === 0 ? emphasize(cell) : cell}  `;
    }
    text += `${row[last]}\n`;
  }
  return text;
}
