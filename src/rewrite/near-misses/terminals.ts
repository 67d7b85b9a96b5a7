import type { InheritSpec } from '../../specs/spec';
import { isCurrentTerminal } from '../resolve-terminals';
import { FewNames } from './few-names';
import { alreadyKnown, type Hinter, type Known } from './hinter';

/** Paths of terminals; those that were dumped with --external have none. */
const PATH_OF_TERMINAL = /^dev\/(?:pts\/|tty|console$)/;

/** The terminals that there are, and the current one of a session. */
export function hintTerminals({ key }: InheritSpec, { resolved }: Known): Hinter | undefined {
  if (resolved.currentTerminals.size > 0 && isCurrentTerminal(key)) {
    return alreadyKnown([
      '/dev/tty is open, and the terminal of its session is not in the checkpoint; its descriptors have keys /proc/PID/fd/N',
    ]);
  }
  const isPath = key.kind === 'path' && PATH_OF_TERMINAL.test(key.path.toString('latin1'));
  if (key.kind !== 'terminal' && !isPath) return undefined;
  const there = new FewNames('terminal');
  let isOpen = false;
  return {
    seeTerminal: (name: string) => {
      isOpen = true;
      there.add(name);
    },
    hints: () => [],
    otherwise: () => (isPath && !isOpen ? undefined : there.told()),
  };
}
