import fs from 'node:fs';

/** Who may read and write something. */
export interface FileAccess {
  readonly mode: number;
  readonly gid: number;
}

const GROUP = 0o060;
const OTHERS = 0o006;
const SETGID = 0o2000;
/** Rights to the content. */
const READ_WRITE = 0o666;

/**
 * The mode for a new file in `directory` that holds what `sources` hold: nobody may read it who may not read all of
 * them. The umask still applies to it. Without sources it is the mode of any new file.
 */
export function modeLike(sources: readonly FileAccess[], directory: fs.PathLike): number {
  return common(sources, groupOfNewFile(directory));
}

/** The mode for a file that is replaced: what it allows, without what the sources do not allow. */
export function modeOfReplaced(there: FileAccess, sources: readonly FileAccess[]): number {
  return there.mode & 0o7777 & ~(READ_WRITE & ~common(sources, there.gid));
}

/** Rights of a group pass to that group alone; another one has those that all others have. */
function common(sources: readonly FileAccess[], gid: number): number {
  return sources.reduce((rights, source) => {
    const own = source.mode & READ_WRITE;
    return rights & (source.gid === gid ? own : own & (~GROUP | ((own & OTHERS) << 3)));
  }, READ_WRITE);
}

function groupOfNewFile(directory: fs.PathLike): number {
  const stats = fs.statSync(directory, { throwIfNoEntry: false });
  // Only Linux has files of the process' group, unless the directory says otherwise.
  const isOfDirectory = process.platform !== 'linux' || ((stats?.mode ?? 0) & SETGID) !== 0;
  return (isOfDirectory ? stats?.gid : process.getegid?.()) ?? 0;
}
