import { PROTOCOL } from '../../checkpoint/open-kind';
import { pathOfReceiver } from '../../checkpoint/socket-types';
import { someOf } from '../../errors/some-of';
import type { Placeholder } from '../decision';
import { lostName } from '../lost-name';
import type { Survey } from '../survey';
import type { Warning } from '../warning';

/** The ties of a socket that went. CRIU closes the network to a connection at the dump, and opens it for those that it restores. */
export function socketWarnings(
  { match: { facts }, fileId, unnamed, standIn, hungUp, server }: Placeholder,
  { needs: { mountImage } }: Pick<Survey, 'needs'>,
): Warning[] {
  const about = `${facts.key} (file id ${fileId})`;
  const warnings: Warning[] = [];
  const socket = facts.kind?.socket;
  if (socket?.protocol === PROTOCOL.TCP && socket.state === 'CONNECTED') {
    const message = `${about}: the dump closed the network to this connection, and the restore opens it for connections that CRIU itself restores; where the dump used iptables, its two rules for these addresses stay until you remove them`;
    warnings.push({ code: 'CONNECTION_LEFT', message, fileId });
  }
  if (facts.shutFor !== undefined) {
    const message = `${about} was shut down for ${facts.shutFor} before the dump, and the restore leaves the caller's socket as it is: call shutdown(2) on that, or the other end may wait forever`;
    warnings.push({ code: 'SHUTDOWN_LOST', message, fileId });
  }
  if (unnamed.length > 0) {
    const message = `${about}: sockets that it had accepted stay (${someOf(unnamed.map(({ id }) => `file id ${id}`))}), and getsockname tells them no name any more: CRIU would bind them again and remove the path of the caller's socket`;
    warnings.push({ code: 'ACCEPTED_UNNAMED', message, fileId });
  }
  if (standIn !== undefined) {
    // A path is looked up below the root of the client; an abstract name is of a network namespace.
    const where =
      mountImage === undefined || standIn.name[0] === 0
        ? ''
        : ` below the root of the container (the dump has a mount namespace of its own, ${mountImage}: chroot there to bind it)`;
    const message = `${about}: clients that stay in the tree connect to its name again, as new connections; the caller's socket has to be bound to it${where}, and criu restore needs --ext-unix-sk`;
    warnings.push({ code: 'CLIENTS_CONNECT_AGAIN', message, fileId });
  }
  if (server !== undefined) {
    const message = `${about}: the socket that it was connected to (file id ${server.id}) stays in the tree, and gets nothing from it any more; a connection that waited there to be accepted is gone`;
    warnings.push({ code: 'SERVER_STAYS', message, fileId });
  }
  if (hungUp.length > 0) {
    const message = `${about}: the other end of the pair stays (${someOf(hungUp.map(({ id }) => `file id ${id}`))}) and sees a hang-up, as you asked: it reads what its queue holds, then the end of the file, and its writes fail with EPIPE`;
    warnings.push({ code: 'PEER_HUNG_UP', message, fileId });
  }
  return warnings;
}

/** A path that CRIU removes when it restores a socket that stays (sk-unix.c; tried). */
export function removedPath({ match: { id, facts }, fileId, rival }: Placeholder, found: Survey): Warning[] {
  const socket = found.socketPeers.messages.get(id)?.socket;
  const path = socket && rival ? pathOfReceiver(socket) : undefined;
  if (path === undefined) return [];
  const message = `${facts.key} (file id ${fileId}): another socket of that path stays (file id ${rival?.id}), and CRIU removes what is bound to ${path} when it restores that one; name it too, or give a socket that is bound elsewhere`;
  return [{ code: 'PATH_REMOVED', message, fileId }];
}

/** A name in a tmpfs that CRIU makes anew. */
export function unboundName({ match: { id, facts }, fileId }: Placeholder, found: Survey): Warning[] {
  const socket = found.socketPeers.messages.get(id)?.socket;
  const path = socket && fileId === id ? lostName(socket, found.mounts) : undefined;
  if (path === undefined) return [];
  const message = `${facts.key} (file id ${fileId}): nobody binds ${path} after the restore, since CRIU makes the tmpfs with that path anew; a later connect to it fails with ENOENT`;
  return [{ code: 'NAME_NOT_BOUND', message, fileId }];
}
