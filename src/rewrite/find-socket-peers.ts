import { pushTo } from '../bytes/groups';
import type { FileEntryView } from '../checkpoint/file-entry';
import { IdSet } from '../checkpoint/id-set';
import { SOCKET_TYPE } from '../checkpoint/open-kind';
import { SOCKET_STATE, unixAddress } from '../checkpoint/socket-types';
import { isOuter, unixSocketOf } from '../checkpoint/unix-sockets';
import { walk } from '../checkpoint/walk/walk';
import { FD_TYPES, type UnixSkEntry } from '../schema/generated/images';
import type { Source } from '../storage/source';
import type { Match } from './match';

/** A unix socket of the tree that has to do with one that a spec names. */
export interface SocketPeer {
  readonly id: number;
  /** Number of its record in files.img. */
  readonly entry: number;
  /**
   * `pair`: each is connected to the other. `client`: it sends to the named one, or waits to be accepted by it.
   * `accepted`: it has the name of the named one, which listens. `server`: the named one is a client of it.
   */
  readonly is: 'pair' | 'client' | 'accepted' | 'server';
  /** CRIU can restore it without a peer: a connected stream socket that is shut down (sk-unix.c). */
  readonly canHangUp: boolean;
}

/** A unix socket, and the number of its record in files.img. */
export type SocketRecord = Pick<SocketPeer, 'id' | 'entry'>;

const SOCKETS: ReadonlySet<number> = new Set([FD_TYPES.UNIXSK]);

export interface SocketPeers {
  /** By the file id of a named socket, in the order of their records. */
  readonly of: ReadonlyMap<number, readonly SocketPeer[]>;
  /** The messages of the named sockets, by their file id: as they are in files.img, and decoded. */
  readonly messages: ReadonlyMap<number, { readonly bytes: Buffer; readonly socket: UnixSkEntry }>;
  /**
   * All sockets with the path of a named one, that itself among them, but for those that a named one has accepted. It is
   * one list for all named ones of a path.
   */
  atPathOf(id: number): readonly SocketRecord[];
}

/**
 * Finds by the file id of a named unix socket those of the tree that are connected to it, or were accepted by it: in a
 * pass of its own over files.img, and none where no spec names a unix socket.
 */
export async function findSocketPeers(
  source: Source,
  matches: readonly Match[],
  signal?: AbortSignal,
): Promise<SocketPeers> {
  const named = new Set(matches.flatMap(({ type, id }) => (type.name === 'UNIXSK' ? [id] : [])));
  const sockets = new NamedSockets();
  if (named.size === 0) return sockets;
  await walk(source, [{ entryTypes: SOCKETS, entry: (view) => named.has(view.id) && sockets.add(view) }], signal);
  await walk(source, [{ entryTypes: SOCKETS, entry: (view, { entry }) => sockets.compare(view, entry) }], signal);
  return sockets;
}

const NONE: readonly SocketRecord[] = [];

class NamedSockets implements SocketPeers {
  readonly of = new Map<number, SocketPeer[]>();
  readonly messages = new Map<number, { bytes: Buffer; socket: UnixSkEntry }>();
  private readonly byInode = new Map<number, UnixSkEntry>();
  private readonly listeners = new Map<string, UnixSkEntry>();
  /** By the paths of named ones. */
  private readonly atPath = new Map<string, SocketRecord[]>();
  /** By the inode of their peer. */
  private readonly connected = new Map<number, UnixSkEntry[]>();
  /** Inodes of servers. Of several sockets with one inode, which only a damaged image has, the first counts. */
  private readonly servers = new IdSet();

  add(view: FileEntryView): void {
    const socket = unixSocketOf(view);
    if (socket === undefined || isOuter(socket)) return;
    this.byInode.set(socket.ino, socket);
    if (socket.peer !== 0) pushTo(this.connected, socket.peer, socket);
    this.messages.set(socket.id, { bytes: Buffer.from(view.bytes.subarray(view.start, view.end)), socket });
    if (socket.state === SOCKET_STATE.LISTEN && socket.name.length > 0) this.listeners.set(nameOf(socket), socket);
    const path = isAccepted(socket) ? undefined : pathOf(socket);
    if (path !== undefined) this.atPath.set(path, []);
  }

  compare(view: FileEntryView, entry: number): void {
    const socket = unixSocketOf(view);
    if (socket === undefined || isOuter(socket)) return;
    const other = socket.peer === 0 ? undefined : this.byInode.get(socket.peer);
    if (other !== undefined) this.push(other, socket, entry, other.peer === socket.ino ? 'pair' : 'client');
    const clients = this.connected.get(socket.ino);
    if (clients !== undefined && this.servers.add(socket.ino)) {
      for (const named of clients) if (socket.peer !== named.ino) this.push(named, socket, entry, 'server');
    }
    const listener = isAccepted(socket) ? this.listeners.get(nameOf(socket)) : undefined;
    if (listener !== undefined) this.push(listener, socket, entry, 'accepted');
    const path = listener === undefined ? pathOf(socket) : undefined;
    if (path !== undefined) this.atPath.get(path)?.push({ id: socket.id, entry });
  }

  atPathOf(id: number): readonly SocketRecord[] {
    const socket = this.messages.get(id)?.socket;
    const path = socket === undefined || isAccepted(socket) ? undefined : pathOf(socket);
    return (path === undefined ? undefined : this.atPath.get(path)) ?? NONE;
  }

  private push(named: UnixSkEntry, { id, type, state }: UnixSkEntry, entry: number, is: SocketPeer['is']): void {
    const canHangUp = type === SOCKET_TYPE.STREAM && state === SOCKET_STATE.ESTABLISHED;
    if (id !== named.id) pushTo(this.of, named.id, { id, entry, is, canHangUp });
  }
}

/** Of a connection, the end that has a name is that of the listener. */
function isAccepted({ name, type, state }: UnixSkEntry): boolean {
  return name.length > 0 && type !== SOCKET_TYPE.DGRAM && state === SOCKET_STATE.ESTABLISHED;
}

/** The path at which CRIU removes a socket before it restores this one, with its mount; undefined if it has none. */
function pathOf(socket: UnixSkEntry): string | undefined {
  const address = unixAddress(socket);
  if (address === undefined || address[0] === 0) return undefined;
  return `${socket.mnt_id} ${address.toString('latin1')}`;
}

/** Names are those of a network namespace. */
function nameOf({ ns_id, name_dir, name }: UnixSkEntry): string {
  return `${ns_id} ${name_dir?.toString('latin1')} ${name.toString('latin1')}`;
}
