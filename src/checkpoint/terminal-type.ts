import { TTY_FILE_ENTRY, type TtyFileEntry } from '../schema/generated/images';
import type { Inheritance } from './inheritance';

/** CRIU writes a regular entry with the path for each open terminal (criu/tty.c). */
export const TERMINAL: Inheritance = {
  schema: TTY_FILE_ENTRY,
  owner: 'fown',
  pathId: (terminal: TtyFileEntry) => terminal.regf_id ?? terminal.id,
  describe: ({ flags, fown: owner, tty_info_id }: TtyFileEntry, path) => {
    if (path === undefined) throw new TypeError('a terminal is described with its path');
    const { key, mode, mountId } = path;
    return {
      ...{ key, flags, owner, terminalId: tty_info_id, kind: { name: 'terminal' } },
      ...(mode === undefined ? {} : { mode }),
      ...(mountId === undefined ? {} : { mountId }),
    };
  },
};

/** The number of the devices that stand for callers' terminals: no driver has it, and it needs all 32 bits of CRIU's key. */
export const OWN_RDEV = 0xfd670001;

/** CRIU's own key for a terminal outside (criu/tty.c). */
export function terminalFileKey(dev: number): string {
  return `tty[${OWN_RDEV.toString(16)}:${dev.toString(16)}]`;
}
