import { idOutside, type UserNamespace } from '../checkpoint/user-namespace';
import type { InheritSpec } from '../specs/spec';
import type { Placeholder } from './decision';
import { pipeOf } from './match';
import type { Warning } from './warning';

/**
 * Pipes that were not root's. CRIU gives a pipe that it makes back to its owner (4.3 and later record it); a caller's pipe
 * keeps its own, and who is not its owner cannot open /dev/stdout any more. Ids are those outside of the tasks' user namespace:
 * the caller has these.
 */
export function lostPipeOwners(
  placeholders: readonly Placeholder[],
  specs: readonly InheritSpec[],
  userNamespace: UserNamespace | undefined,
): Warning[] {
  const told = new Set<string>();
  return placeholders.flatMap(({ match, fileId, spec, references }): Warning[] => {
    const { key, pipeOwner } = match.facts;
    const callerFd = specs[spec]?.callerFd;
    const about = `${pipeOf(match)} ${callerFd}`;
    if (pipeOwner === undefined || told.has(about)) return [];
    const uid = userNamespace === undefined ? pipeOwner.uid : idOutside(userNamespace.uids, pipeOwner.uid);
    const gid = userNamespace === undefined ? pipeOwner.gid : idOutside(userNamespace.gids, pipeOwner.gid);
    if (uid === undefined || gid === undefined || (uid === 0 && gid === 0)) return [];
    told.add(about);
    const fd = references.descriptors[0]?.fd;
    const reopened = fd === undefined ? 'it' : `it again as /proc/self/fd/${fd}`;
    const message =
      `${key} (file id ${fileId}) belonged to ${uid}:${gid}, and the caller's pipe keeps its own owner: ` +
      `a task that is not root may fail to open ${reopened}; ` +
      `to avoid that, run chown ${uid}:${gid} /proc/self/fd/${callerFd} on the caller's pipe before the restore`;
    return [{ code: 'PIPE_OWNER_LOST', message, fileId }];
  });
}
