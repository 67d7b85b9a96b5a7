/** AF_* of socket(2). */
export const DOMAIN = { UNIX: 1, INET: 2, INET6: 10, NETLINK: 16, PACKET: 17 } as const;
/** SOCK_* of socket(2). */
export const SOCKET_TYPE = { STREAM: 1, DGRAM: 2, RAW: 3, SEQPACKET: 5 } as const;

/** IPPROTO_* of in.h. */
export const PROTOCOL = { TCP: 6, UDP: 17 } as const;

/** A kind of open file that the caller's has to be where not any will do; plan_kind of schemas/plan.proto. */
export interface OpenKind {
  readonly name: KindName;
  /** Of a socket alone, which has it always. */
  readonly socket?: SocketKind;
}

/** The kinds that some type of entry asks for. */
export type KindName =
  | 'directory'
  | 'memfd'
  | 'socket'
  | 'terminal'
  | 'eventfd'
  | 'inotify'
  | 'pidfd'
  | 'signalfd'
  | 'timerfd';

/** A socket by the arguments of socket(2) and its state. */
export interface SocketKind {
  readonly domain: number;
  readonly type: number;
  readonly protocol: number;
  readonly state: SocketState;
}

/** Listening and connected are states of unix and inet sockets alone. */
export type SocketState = 'UNCONNECTED' | 'LISTENING' | 'CONNECTED';

const DOMAINS = new Map<number, string>([
  [DOMAIN.UNIX, 'unix'],
  [DOMAIN.INET, 'IPv4'],
  [DOMAIN.INET6, 'IPv6'],
  [DOMAIN.NETLINK, 'netlink'],
  [DOMAIN.PACKET, 'packet'],
]);
const TYPES = new Map<number, string>([
  [SOCKET_TYPE.STREAM, 'stream'],
  [SOCKET_TYPE.DGRAM, 'datagram'],
  [SOCKET_TYPE.RAW, 'raw'],
  [SOCKET_TYPE.SEQPACKET, 'seqpacket'],
]);
const STATES: Record<SocketState, string> = { UNCONNECTED: '', LISTENING: 'listening ', CONNECTED: 'connected ' };

/** With its article: `a listening unix stream socket`. */
export function kindText({ name, socket }: OpenKind): string {
  if (socket === undefined) return KINDS[name];
  const { domain, type, state } = socket;
  const typeWord = type === 0 ? '' : `${TYPES.get(type) ?? `type ${type}`} `;
  const words = `${STATES[state]}${DOMAINS.get(domain) ?? `domain ${domain}`} ${typeWord}socket`;
  return `${words.startsWith('I') ? 'an' : 'a'} ${words}`;
}

const KINDS: Record<KindName, string> = {
  directory: 'a directory',
  memfd: 'a memfd or a regular file',
  socket: 'a socket',
  terminal: 'a terminal',
  eventfd: 'an eventfd',
  inotify: 'an inotify',
  pidfd: 'a pidfd',
  signalfd: 'a signalfd',
  timerfd: 'a timerfd',
};

/** Whether open(2) gives such a file, by its path or once more by /proc. */
export function isOpenable({ name }: OpenKind): boolean {
  return name === 'directory' || name === 'memfd';
}

/** Whether an epoll can watch it. */
export function isPollable({ name }: OpenKind): boolean {
  return !isOpenable({ name });
}
