import { TTY_FILE_ENTRY, type TtyFileEntry, type TtyInfoEntry } from '../schema/generated/images';
import type { Inheritance } from './inheritance';

/** CRIU writes a regular entry with the path for each open terminal, but for one that was dumped with --external (criu/tty.c). */
export const TERMINAL: Inheritance = {
  schema: TTY_FILE_ENTRY,
  owner: 'fown',
  pathId: (terminal: TtyFileEntry) => terminal.regf_id ?? terminal.id,
  mayLackPath: true,
  describe: ({ flags, fown: owner, tty_info_id }: TtyFileEntry, path) => {
    const own = { flags, owner, terminalId: tty_info_id, kind: { name: 'terminal' } } as const;
    if (path === undefined) return { ...own, key: 'a terminal', isNameless: true };
    const { key, mode, mountId } = path;
    return {
      ...own,
      key,
      ...(mode === undefined ? {} : { mode }),
      ...(mountId === undefined ? {} : { mountId }),
    };
  },
};

/**
 * A terminal by its part in the tree. `master`, `slave`: the ends of a pty, be it from here or from outside
 * (--external); `current`: /dev/tty, whatever that is; `other`: a console, a virtual terminal, a serial line.
 */
export type TerminalRole = 'slave' | 'master' | 'current' | 'other';

/** TtyType of tty.proto. */
const TYPES = { PTY: 1, CURRENT: 4, EXTERNAL: 5 };
/** Devices of pseudoterminals: Documentation/admin-guide/devices.txt. */
const PTMX = { major: 5, minor: 2 };
const MASTERS = { first: 128, last: 135 };
const SLAVES = { first: 136, last: 143 };

export function roleOf({ type, rdev }: Pick<TtyInfoEntry, 'type' | 'rdev'>): TerminalRole {
  const [major, minor] = [(rdev >>> 8) & 0xfff, rdev & 0xff];
  if (type === TYPES.CURRENT) return 'current';
  if (type !== TYPES.PTY && type !== TYPES.EXTERNAL) return 'other';
  if ((major === PTMX.major && minor === PTMX.minor) || isIn(MASTERS, major)) return 'master';
  // CRIU asks for the device alone where the terminal was dumped with --external.
  return isIn(SLAVES, major) || type === TYPES.EXTERNAL ? 'slave' : 'other';
}

const isIn = ({ first, last }: { first: number; last: number }, major: number) => major >= first && major <= last;

/** TTY_TYPE__EXT_TTY: dumped as external, so that CRIU asks for it at the restore. */
export const EXTERNAL_TERMINAL = TYPES.EXTERNAL;
/** The number of the devices that stand for callers' terminals: no driver has it, and it needs all 32 bits of CRIU's key. */
export const OWN_RDEV = 0xfd670001;
