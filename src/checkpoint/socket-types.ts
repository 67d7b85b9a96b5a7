import {
  INET_SK_ENTRY,
  type InetSkEntry,
  NETLINK_SK_ENTRY,
  type NetlinkSkEntry,
  PACKET_SOCK_ENTRY,
  type PacketSockEntry,
  UNIX_SK_ENTRY,
  type UnixSkEntry,
} from '../schema/generated/images';
import type { EntryFacts } from './entry-facts';
import type { Inheritance } from './inheritance';
import { ABSTRACT_FORM, abstractKey, addressKey, type InetAddress, pathKey, socketKey } from './key-text';
import { DOMAIN, PROTOCOL, SOCKET_TYPE, type SocketState } from './open-kind';

/** TCP_* of the kernel's tcp_states.h; unix sockets have them too. */
export const SOCKET_STATE = { ESTABLISHED: 1, CLOSE: 7, LISTEN: 10 } as const;
/** FIN_WAIT1, FIN_WAIT2, LAST_ACK and CLOSING: the program ended its side of a TCP connection. */
const ENDED_STATES: readonly number[] = [4, 5, 9, 11];
/** Values of sk_shutdown. */
const SHUT_WRITE = 2;
export const SHUT_BOTH = 3;
const SHUT_FOR: ReadonlyMap<number, string> = new Map([
  [1, 'reading'],
  [SHUT_WRITE, 'writing'],
  [SHUT_BOTH, 'reading and writing'],
]);
const PROTOCOLS = new Map<number, 'tcp' | 'udp'>([
  [PROTOCOL.TCP, 'tcp'],
  [PROTOCOL.UDP, 'udp'],
]);

const LOST = "its options and the sizes of its buffers are those of the caller's socket";
const LOST_OF_UNIX = `${LOST}, and SO_PEERCRED tells who the caller's socket was connected by`;

export const UNIX_SOCKET: Inheritance = {
  schema: UNIX_SK_ENTRY,
  owner: 'fown',
  keys: unixKeys,
  describe: (socket: UnixSkEntry) => ({
    key: unixKeys(socket)[0] as string,
    flags: socket.flags,
    owner: socket.fown,
    socketInode: socket.ino,
    ...(socket.peer === 0 ? {} : { peerInode: socket.peer }),
    kind: { name: 'socket', socket: { domain: DOMAIN.UNIX, type: socket.type, protocol: 0, state: unixState(socket) } },
    ...wasShutFor(socket.shutdown),
    lost: LOST_OF_UNIX,
  }),
};

export const INET_SOCKET: Inheritance = {
  schema: INET_SK_ENTRY,
  owner: 'fown',
  keys: inetKeys,
  describe: (socket: InetSkEntry) => {
    const { family: domain, type, proto: protocol, state, shutdown } = socket;
    const isEnded = protocol === PROTOCOL.TCP && ENDED_STATES.includes(state);
    return {
      key: inetKeys(socket)[0] as string,
      flags: socket.flags,
      owner: socket.fown,
      socketInode: socket.ino,
      kind: { name: 'socket', socket: { domain, type, protocol, state: inetState(socket) } },
      ...wasShutFor(isEnded ? (shutdown ?? 0) | SHUT_WRITE : shutdown),
      lost: LOST,
    };
  },
};

function wasShutFor(shutdown = 0): Pick<EntryFacts, 'shutFor'> {
  const shutFor = SHUT_FOR.get(shutdown);
  return shutFor === undefined ? {} : { shutFor };
}

export const NETLINK_SOCKET: Inheritance = {
  schema: NETLINK_SK_ENTRY,
  owner: 'fown',
  keys: ({ ino }: NetlinkSkEntry) => [socketKey(ino)],
  describe: ({ ino, protocol, flags, fown: owner }: NetlinkSkEntry) => ({
    key: socketKey(ino),
    flags,
    owner,
    socketInode: ino,
    // The image does not say which of its two types it has, and they are alike (netlink(7)).
    kind: { name: 'socket', socket: { domain: DOMAIN.NETLINK, type: 0, protocol, state: 'UNCONNECTED' } },
    lost: `${LOST}, and so are its groups and its port`,
  }),
};

export const PACKET_SOCKET: Inheritance = {
  schema: PACKET_SOCK_ENTRY,
  owner: 'fown',
  describe: ({ type, protocol, flags, fown: owner }: PacketSockEntry) => ({
    key: 'packet socket',
    isNameless: true,
    flags,
    owner,
    kind: { name: 'socket', socket: { domain: DOMAIN.PACKET, type, protocol, state: 'UNCONNECTED' } },
    lost: `${LOST}, and so are its interface, its filters and its rings`,
  }),
};

/** A name is that of the socket that receives at it; accepted ends have it too. */
function unixKeys(socket: UnixSkEntry): string[] {
  const name = socket.state === SOCKET_STATE.LISTEN || socket.type === SOCKET_TYPE.DGRAM ? unixName(socket) : undefined;
  const byInode = socketKey(socket.ino);
  return name === undefined ? [byInode] : [name, byInode];
}

/** True for a socket that others find by an address or name of its network namespace. Paths are of a mount namespace. */
export function isReachedByAddress({ kind, key }: Pick<EntryFacts, 'kind' | 'key'>): boolean {
  if (kind?.socket === undefined || kind.socket.state === 'CONNECTED') return false;
  return kind.socket.domain !== DOMAIN.UNIX || ABSTRACT_FORM.test(key);
}

/** The path at which a unix socket receives, if it is bound to one that exists. */
export function pathOfReceiver(socket: UnixSkEntry): string | undefined {
  const isAccepted = socket.type !== SOCKET_TYPE.DGRAM && socket.state === SOCKET_STATE.ESTABLISHED;
  const name = isAccepted || socket.deleted === true ? undefined : unixAddress(socket);
  return name === undefined || name[0] === 0 ? undefined : pathKey(name);
}

function unixName(socket: UnixSkEntry): string | undefined {
  const name = unixAddress(socket);
  if (name === undefined || socket.deleted === true) return undefined;
  return name[0] === 0 ? abstractKey(name.subarray(1)) : pathKey(name);
}

/** The name that a unix socket is bound to: a path, or a zero byte and an abstract name. Undefined if there is none. */
export function unixAddress({ name, name_dir }: UnixSkEntry): Buffer | undefined {
  // Longer ones are of no dump: no key is made of them.
  if (name.length > MAX_NAME_BYTES || (name_dir?.length ?? 0) > MAX_DIRECTORY_BYTES) return undefined;
  if (name.length === 0 || name[0] === 0) return name.length === 0 ? undefined : name;
  const path = name.at(-1) === 0 ? name.subarray(0, -1) : name;
  if (path[0] === SLASH) return path;
  // CRIU writes the working directory that the name is relative to.
  return name_dir === undefined ? undefined : Buffer.concat([name_dir, Buffer.from('/'), path]);
}

const SLASH = 0x2f;
/** sun_path of unix(7), and PATH_MAX of Linux. */
export const MAX_NAME_BYTES = 108;
const MAX_DIRECTORY_BYTES = 4096;

function unixState({ type, state, peer, name }: UnixSkEntry): SocketState {
  if (state === SOCKET_STATE.LISTEN) return 'LISTENING';
  // The kernel sets the state of the one that it connects to as well (unix_dgram_connect), and that one has a name.
  const lostPeer = state === SOCKET_STATE.ESTABLISHED && name.length === 0;
  const isConnected = type === SOCKET_TYPE.DGRAM ? peer !== 0 || lostPeer : state === SOCKET_STATE.ESTABLISHED;
  return isConnected ? 'CONNECTED' : 'UNCONNECTED';
}

function inetState({ state, dst_port }: InetSkEntry): SocketState {
  if (state === SOCKET_STATE.LISTEN) return 'LISTENING';
  return dst_port === 0 ? 'UNCONNECTED' : 'CONNECTED';
}

/** An address names the socket that listens or receives at it, two of them name the connection between them. */
function inetKeys(socket: InetSkEntry): string[] {
  const { ino, proto, state, src_addr, src_port, dst_addr, dst_port } = socket;
  const protocol = PROTOCOLS.get(proto);
  const byInode = socketKey(ino);
  const local = address(src_addr, src_port);
  if (protocol === undefined || local === undefined) return [byInode];
  if (dst_port !== 0) {
    const remote = address(dst_addr, dst_port);
    return remote === undefined ? [byInode] : [addressKey(protocol, local, remote), byInode];
  }
  const receives = protocol === 'tcp' ? state === SOCKET_STATE.LISTEN : src_port !== 0;
  return receives ? [addressKey(protocol, local), byInode] : [byInode];
}

/** Undefined where the words are neither those of IPv4 nor of IPv6. */
function address(words: readonly number[], port: number): InetAddress | undefined {
  if (words.length !== 1 && words.length !== 4) return undefined;
  const host = Buffer.alloc(4 * words.length);
  for (const [i, word] of words.entries()) host.writeUInt32LE(word, 4 * i);
  return { host, port };
}
