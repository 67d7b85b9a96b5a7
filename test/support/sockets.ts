import { NO_OWNER } from './directories';

/** Entries of sockets, as files.img has them. */

export interface Entry {
  readonly type: string;
  readonly id: number;
  readonly [member: string]: unknown;
}

const OPTIONS = {
  so_sndbuf: 0,
  so_rcvbuf: 0,
  so_snd_tmo_sec: 0,
  so_snd_tmo_usec: 0,
  so_rcv_tmo_sec: 0,
  so_rcv_tmo_usec: 0,
};
export const STREAM = { type: 1, state: 1 };
export const LISTENER = { type: 1, state: 10 };
export const DATAGRAM = { type: 2, state: 7 };

export function unix(id: number, ino: number, peer: number, more: object): Entry {
  const usk = { id, ino, flags: 2, uflags: 0, backlog: 0, peer, fown: NO_OWNER, opts: OPTIONS, name: Buffer.alloc(0) };
  return { type: 'UNIXSK', id, usk: { ...usk, ...more } };
}

export function inet(id: number, ino: number, more: object): Entry {
  const isk = { id, ino, family: 2, type: 1, proto: 6, state: 10, src_port: 80, dst_port: 0, flags: 2, backlog: 5 };
  const addresses = { src_addr: [0x0100007f], dst_addr: [0] };
  return { type: 'INETSK', id, isk: { ...isk, ...addresses, fown: NO_OWNER, opts: OPTIONS, ...more } };
}
