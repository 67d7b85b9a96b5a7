import type { Mounts } from '../checkpoint/mounts';
import { pathOfReceiver } from '../checkpoint/socket-types';
import type { UnixSkEntry } from '../schema/generated/images';

/**
 * The path of a socket that is gone with its entry, where CRIU makes the file system of the path: the archive of a
 * tmpfs has no sockets, and the caller cannot bind one there beforehand (tried: ENOENT).
 */
export function lostName(socket: UnixSkEntry, mounts: Mounts): string | undefined {
  return socket.mnt_id === undefined || !mounts.isMadeAnew(socket.mnt_id) ? undefined : pathOfReceiver(socket);
}
