import type { OpenEntry } from '../../index';
import { accessWord, columns, pidAndFd, shellQuote } from './words';

/** One line an entry that can be inherited: the option to paste, type, access, state, descriptors. */
export function lsText(entries: readonly OpenEntry[], emphasize: (text: string) => string): string {
  const rows = entries.flatMap(({ type, facts, unreadBytes, descriptors }) => {
    if (facts === undefined) return [];
    const option = `--inherit-fd ${shellQuote(`fd[N]:${facts.key}`)}`;
    const state = [
      ...(facts.offset === undefined ? [] : [`offset ${facts.offset}`]),
      ...(unreadBytes === 0 ? [] : [`${unreadBytes} unread`]),
    ];
    return [[option, type, accessWord(facts.flags), state.join(', '), descriptors.flatMap(pidAndFd).join(' ')]];
  });
  return columns(rows)
    .map(([option, ...rest]) => `${[emphasize(option ?? ''), ...rest].join('  ')}\n`)
    .join('');
}

/** What the list leaves out; undefined where it is complete. */
export function lsRemark(entries: readonly OpenEntry[]): string | undefined {
  const counts = new Map<string, number>();
  for (const { type, facts } of entries) {
    if (facts !== undefined) continue;
    // The only regular entries without facts.
    const name = type === 'REG' ? 'folder' : type;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  if (counts.size === 0) return undefined;
  const types = [...counts].sort().map(([type, count]) => `${count} ${type}`);
  return `not listed, since they cannot be inherited yet: ${types.join(', ')}`;
}
