import type { List } from '../bytes/mapped';
import type { OpenKind, SocketKind } from '../checkpoint/open-kind';

/** The format that this version writes; it reads all formats up to this one. */
export const PLAN_FORMAT = 3;

/** The plan as data: what schemas/plan.proto says, with the same names. */
export interface Plan {
  /** Version of the format, from 1 to PLAN_FORMAT. */
  readonly format: number;
  readonly tool: string;
  readonly images: readonly PlanImage[];
  readonly specs: readonly PlanSpec[];
  readonly debugs: readonly PlanDebug[];
  readonly warnings: readonly PlanWarning[];
  /** Ascending by the first of their pids; empty in format 1. */
  readonly credentials: readonly PlanCredentials[];
  /** That of the tasks; absent where they have that of the restore. */
  readonly user_namespace?: PlanUserNamespace;
  /** Ascending by file id. */
  readonly placeholders: readonly PlanPlaceholder[];
}

/** An image that the rewrite changed. */
export interface PlanImage {
  readonly name: string;
  /** SHA-256 of the whole file. */
  readonly before: Buffer;
  readonly after: Buffer;
}

/** A spec as given, and how many entries its key names. */
export interface PlanSpec {
  readonly text: string;
  readonly caller_fd: number;
  readonly matches: number;
}

/** A `debug[N]:TEXT`: bytes that the executor writes before the restore. */
export interface PlanDebug {
  readonly text: string;
  readonly caller_fd: number;
  readonly output: Buffer;
}

/** A loss that the rewrite knows of. */
export interface PlanWarning {
  readonly code: string;
  readonly message: string;
  readonly file_id?: number;
}

/** Credentials for access to files; all ids as the tasks' own user namespace has them. */
export interface PlanCredentials {
  /** The tasks with a descriptor of a placeholder that have these, ascending. */
  readonly pids: readonly number[];
  /** fsuid and fsgid. */
  readonly uid: number;
  readonly gid: number;
  /** Ascending. */
  readonly groups: readonly number[];
  /** CAP_DAC_OVERRIDE is effective. */
  readonly overrides_access: boolean;
  /** CAP_DAC_READ_SEARCH is effective. */
  readonly overrides_reading: boolean;
  /** Their limit of a file's size (RLIMIT_FSIZE); absent: none. */
  readonly file_size?: bigint;
}

/** How ids of a user namespace map to those outside; ascending. */
export interface PlanUserNamespace {
  readonly uids: readonly PlanIdRange[];
  readonly gids: readonly PlanIdRange[];
}

/** `count` ids from `inside` on in the namespace, which are those from `outside` on around it. */
export interface PlanIdRange {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

/** An entry that the restore fills with the caller's open file. */
export interface PlanPlaceholder {
  readonly file_id: number;
  /** File id of the entry that it was split off from, where its own is a new one. */
  readonly split_from?: number;
  readonly caller_fd: number;
  /** Index into specs. */
  readonly spec: number;
  readonly was: PlanEntry;
  readonly needs_read: boolean;
  readonly needs_write: boolean;
  /** An epoll of the checkpoint watches a descriptor of it. */
  readonly watched?: true;
  readonly apply: 'AUTO' | 'DUP' | 'REOPEN';
  readonly position: 'CALLER' | 'SAVED' | 'END';
  readonly references: List<PlanReference>;
  readonly in_flight: readonly PlanInFlight[];
  /** The executor cuts the caller's file to this size. */
  readonly truncate_to?: bigint;
  /** Capacity of the pipe at the dump. */
  readonly pipe_size?: number;
  /** The kind that the caller's open file must have; absent if any will do. */
  readonly kind?: PlanKind;
  /** File ids of unix sockets that this listener had accepted and that stay without its name. */
  readonly unnamed?: readonly number[];
  /** File id of a new entry that stands in for this unix socket. */
  readonly stand_in?: number;
  /** The executor sets O_NONBLOCK on the caller's open file. */
  readonly set_nonblock?: true;
  /** File ids of unix sockets that were connected to this one and that stay, without a peer. */
  readonly hung_up?: readonly number[];
  /** The entry keeps its type: CRIU asks for the caller's file by this key of its own. */
  readonly key?: string;
  /** The mappings of a memfd. */
  readonly mapping?: PlanMapping;
  /** The terminal that it is an open file of. */
  readonly terminal?: PlanTerminal;
  /** A terminal that nothing has open any more, by its number in tty-info.img, whose record goes with this entry. */
  readonly lost_terminal?: number;
}

/** A terminal that goes whole. */
export interface PlanTerminal {
  /** Its number in tty-info.img. */
  readonly id: number;
  /** The session that had it as controlling terminal, and the process group in its foreground; 0: none. */
  readonly session: number;
  readonly foreground: number;
  /** The leader of the session is in the checkpoint, and takes the caller's terminal as its controlling terminal. */
  readonly has_leader: boolean;
}

/** The tasks that have mapped a memfd, and their demands on the file. */
export interface PlanMapping {
  /** Ascending. */
  readonly pids: readonly number[];
  /** The caller's file is at least so long. */
  readonly bytes: bigint;
  readonly writes: boolean;
}

/** A kind of open file, with the name of a socket and the seals of a memfd. */
export interface PlanKind extends OpenKind {
  readonly socket?: PlanSocket;
  /** F_SEAL_* of the memfd at the dump. */
  readonly seals?: number;
}

/** A kind of socket, with its name. */
export interface PlanSocket extends SocketKind {
  /** The name that the caller's socket has to be bound to. */
  readonly name?: Buffer;
}

/** The entry as the dump has it. */
export interface PlanEntry {
  readonly type: string;
  readonly key: string;
  readonly flags: number;
  readonly offset?: bigint;
  readonly pipe_id?: number;
  readonly owner: PlanOwner;
}

/** The process or group that gets a signal on I/O, as CRIU's fown_entry has it. */
export interface PlanOwner {
  readonly uid: number;
  readonly euid: number;
  readonly signum: number;
  readonly pid_type: number;
  readonly pid: number;
}

/** A holder of the placeholder. */
export type PlanReference = { readonly descriptor: PlanDescriptor } | { readonly scm_right: PlanScmRight };

/** A descriptor of a table, with the tasks that have the table. */
export interface PlanDescriptor {
  readonly table: number;
  readonly pids: readonly number[];
  readonly fd: number;
  readonly close_on_exec: boolean;
}

/** A right in a packet that waits in the queue of a unix socket. */
export interface PlanScmRight {
  readonly packet: number;
  readonly socket_id: number;
}

/** Bytes that were unread at the dump: where they lie, and their fate. */
export interface PlanInFlight {
  readonly image: string;
  readonly offset: number;
  readonly bytes: number;
  readonly pipe_size?: number;
  readonly fate: 'REPLAY' | 'DROP';
}
