import type { NamedTerminal } from '../find-terminals';
import type { TakenTerminal } from '../match';
import type { Warning } from '../warning';
import type { Decided } from './decided';

/** Of a terminal's first placeholder. */
export function terminalWarnings({ placeholders, found }: Decided): Warning[] {
  const told = new Set<number>();
  return placeholders.flatMap(({ match: { facts }, fileId, terminal, lostTerminal }) => {
    const id = terminal?.id ?? lostTerminal?.id;
    if (id === undefined || told.has(id)) return [];
    told.add(id);
    const why = notControlling(terminal, found.terminals.get(id) as NamedTerminal);
    if (why === undefined) return [];
    return [{ code: 'TERMINAL_NOT_CONTROLLING', message: `${facts.key} (file id ${fileId}): ${why}`, fileId }];
  });
}

function notControlling(taken: TakenTerminal | undefined, named: NamedTerminal): string | undefined {
  if (taken === undefined) {
    if (named.isHungUp) {
      return 'it was hung up before the dump: the open file of the caller takes the place of its descriptors, and is no controlling terminal';
    }
    if (!named.hasLeader) return undefined;
    const controlling = `the controlling terminal of session ${named.session}: that session has none after the restore`;
    return named.role === 'master'
      ? `the other end, which nobody has open, is ${controlling}`
      : `all of its descriptors go to other files, and it was ${controlling}; leave out only: true of one spec to give that session a terminal`;
  }
  if (taken.session === 0 || taken.hasLeader) return undefined;
  return 'the leader of its session is not in the checkpoint: the restored tasks have it as their controlling terminal only if criu restore runs in a session that has';
}
