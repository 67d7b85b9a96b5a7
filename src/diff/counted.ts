/** A number with its noun: 1 task, 2 tasks. */
export function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
