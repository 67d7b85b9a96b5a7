import type { Access } from '../checkpoint/open-flags';
import type { DebugSpec } from '../specs/spec';
import type { PlannedBytes } from './decide-bytes';
import type { Cut } from './decide-cuts';
import type { SocketPeer, SocketRecord } from './find-socket-peers';
import type { MappedMemory, Match, References, Remap, TakenTerminal, TerminalRecord } from './match';
import type { Warning } from './warning';

/** An open file of the caller's that takes the place of an entry, or of some descriptors of one. */
export interface Placeholder {
  readonly match: Match;
  /** The match's own id; a new one where the entry stays for what else refers to it, or another spec took it. */
  readonly fileId: number;
  /** Number of the spec that takes it. */
  readonly spec: number;
  readonly references: References;
  /** The mode that the caller's open file needs. */
  readonly access: Access;
  /** It takes every descriptor of the entry. */
  readonly takesAll: boolean;
  /** CRIU sets the owner again. */
  readonly keepsOwner: boolean;
  /** An epoll watches a descriptor of it. */
  readonly isWatched: boolean;
  /** Unread bytes that go with it. */
  readonly unread: readonly PlannedBytes[];
  /** The caller's file is cut to it. */
  readonly cut?: Cut;
  /** Capacity of the pipe at the dump. */
  readonly pipeSize?: number;
  /** Sockets that the listener had accepted and that stay, without its name. */
  readonly unnamed: readonly SocketPeer[];
  readonly standIn?: StandIn;
  /** The terminal that it is an open file of: the entry stays, and CRIU finds the caller's by a key of its own. */
  readonly terminal?: TakenTerminal;
  /** The terminal that nothing has open any more without it. */
  readonly lostTerminal?: TerminalRecord;
  /** The socket that this one was a client of, where that stays. */
  readonly server?: SocketPeer;
  /** A socket with the path of this one, which stays. */
  readonly rival?: SocketRecord;
  /** Sockets that were connected to this one and that stay, without a peer. */
  readonly hungUp: readonly SocketPeer[];
  /** It is the mappings of a memfd: the entry stays, and CRIU finds the caller's file by the new name of the memfd. */
  readonly memory?: MappedMemory;
}

/** A new entry for a socket that goes, for the clients that stay: CRIU connects them to its name. */
export interface StandIn {
  readonly fileId: number;
  /** The message of the socket, as it is in files.img. */
  readonly message: Buffer;
  /** The name that it is bound to: a path, or a zero byte and an abstract name. */
  readonly name: Buffer;
  /** Number of the record of the first client; CRIU has to know it before that one. */
  readonly before: number;
}

export interface Decision {
  /** Ascending by file id. */
  readonly placeholders: readonly Placeholder[];
  readonly lostRemaps: readonly Remap[];
  /** By number of the spec: how many entries its key names. */
  readonly matchCounts: readonly number[];
  readonly warnings: readonly Warning[];
}

export interface Policy {
  /** Lose unread bytes where a spec says nothing else. */
  readonly dropInFlight: boolean;
  readonly debugs: readonly DebugSpec[];
  /** Numbers of specs that may name what earlier ones took, without a word. */
  readonly mayRepeat: (spec: number) => boolean;
}
