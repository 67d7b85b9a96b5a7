import { appends } from '../checkpoint/open-flags';
import type { Plan, PlanPlaceholder } from './plan';

/** How a shell opens a descriptor of the caller's for a restore. */
export interface Redirection {
  readonly fd: number;
  /** With the access that the plan needs, and without losing what the plan goes on with. */
  readonly operator: '<' | '>' | '>>' | '<>';
}

/** What is to be run after a rewrite. */
export interface NextCommand {
  /** Where the result is an archive: what unpacks it before, as words, into a folder DIR of the user's. */
  readonly unpack?: readonly string[];
  /** As words; what else the dump needs, such as --shell-job, comes behind. */
  readonly words: readonly string[];
  /** Ascending by number. */
  readonly redirections: readonly Redirection[];
}

/** What was rewritten, and where it is. */
export interface Rewritten {
  readonly out: string;
  /** Path of the image folder in it; empty where that is the top. */
  readonly inside: string;
  readonly isArchive: boolean;
}

/** The command that restores what was rewritten. `leftToCriu`: specs that criu itself is to be given. */
export function nextCommand(
  plan: Plan,
  { out, inside, isArchive }: Rewritten,
  leftToCriu: readonly string[],
): NextCommand {
  const top = isArchive ? 'DIR' : out;
  const folder = inside === '' ? top : `${top}/${inside}`;
  const inherited = leftToCriu.flatMap((spec) => ['--inherit-fd', spec]);
  const numbers = [...plan.placeholders, ...plan.debugs].map(({ caller_fd }) => caller_fd);
  return {
    ...(isArchive ? { unpack: ['tar', '-xf', out, '-C', 'DIR'] } : {}),
    words: ['fdgraft-exec', '--plan', folder, '--', 'criu', 'restore', '-D', folder, ...inherited],
    redirections: [...new Set(numbers)]
      .sort((a, b) => a - b)
      .map((fd) => ({
        fd,
        operator: operatorFor(
          plan.placeholders.filter(({ caller_fd }) => caller_fd === fd),
          plan.debugs.some(({ caller_fd }) => caller_fd === fd),
        ),
      })),
  };
}

function operatorFor(taken: readonly PlanPlaceholder[], isTold: boolean): Redirection['operator'] {
  const cut = taken.filter(({ truncate_to }) => truncate_to !== undefined);
  const writes = isTold || cut.length > 0 || taken.some(({ needs_write }) => needs_write);
  if (!writes) return '<';
  // What is cut, and what has a saved offset, is there already: it must not be emptied.
  const goesOn = cut.some(({ was }) => !appends(was.flags)) || taken.some(({ position }) => position === 'SAVED');
  if (goesOn || taken.some(({ needs_read }) => needs_read)) return '<>';
  return taken.some(({ was, position }) => appends(was.flags) || position === 'END') ? '>>' : '>';
}
