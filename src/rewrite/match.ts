import type { EntryFacts } from '../checkpoint/entry-facts';
import type { InheritableType } from '../checkpoint/entry-types';
import { type PipeName, pipeName } from '../checkpoint/pipe-name';

/** An entry of files.img that a spec names. */
export interface Match {
  /** File id. */
  readonly id: number;
  /** Number of its record in files.img, counted from 0. */
  readonly entry: number;
  readonly type: InheritableType;
  readonly facts: EntryFacts;
  /** Numbers of the specs that name it or a descriptor of it, as they were given, exact keys before globs. */
  readonly specs: readonly number[];
}

/** The pipe that an entry is an end of. */
export function pipeOf({ type, facts }: Pick<Match, 'type' | 'facts'>): PipeName | undefined {
  return facts.pipeId === undefined ? undefined : pipeName(type.name, facts.pipeId);
}

/** Bytes that were under way at the dump. */
export interface UnreadBytes {
  /** Image that holds them, and the number of the record there. */
  readonly image: string;
  readonly entry: number;
  /** Where in the image they begin, and how many there are. */
  readonly offset: number;
  readonly bytes: number;
  /** Capacity of the pipe at the dump. */
  readonly pipeSize?: number;
}

/** Bytes that were in a pipe at the dump. */
export interface PipeBytes extends UnreadBytes {
  readonly pipe: PipeName;
}

/** Bytes in the queues of a socket at the dump: a packet, or both queues of a connection. */
export interface QueuedBytes extends UnreadBytes {
  /** File ids of the entries that are under way with the packet. */
  readonly rights: readonly number[];
}

/** A descriptor that refers to an entry. */
export interface DescriptorReference {
  /** The N of fdinfo-N.img. */
  readonly table: number;
  readonly fd: number;
  readonly closeOnExec: boolean;
}

/** A file descriptor under way in the queue of a unix socket. */
export interface ScmReference {
  /** Record in sk-queues.img. */
  readonly packet: number;
  /** File id of the socket that it waits for. */
  readonly socketId: number;
}

export interface References {
  readonly descriptors: readonly DescriptorReference[];
  readonly scmRights: readonly ScmReference[];
}

/** How CRIU finds a file whose path is gone: a record of remap-fpath.img. */
export interface Remap {
  /** Number of the record. */
  readonly entry: number;
  /** File id of the entry whose path is gone. */
  readonly origId: number;
  /** LINKED: file id of the entry with the path to use instead. */
  readonly linkedId: number | undefined;
  /** GHOST: number of the image with its content. */
  readonly ghostId: number | undefined;
}

/** A terminal, by its number in tty-info.img and that of its record there. */
export interface TerminalRecord {
  readonly id: number;
  readonly record: number;
}

/** A terminal that goes whole. */
export interface TakenTerminal extends TerminalRecord {
  /** The number of the device that stands for the caller's terminal. */
  readonly dev: number;
  /** The session that had it as controlling terminal, and the process group in its foreground; 0: none. */
  readonly session: number;
  readonly foreground: number;
  /** The leader of the session is in the tree. */
  readonly hasLeader: boolean;
}

/** The mappings of a memfd that one entry has. */
export interface MappedMemory {
  /** Number of the record of the memfd in memfd.img, and its name from now on. */
  readonly record: number;
  readonly name: string;
  /** The tasks with the mappings, ascending. */
  readonly pids: readonly number[];
  /** The file is at least so long: as what is mapped, but no longer than the memfd was. */
  readonly bytes: bigint;
  /** Tasks write to the file through them. */
  readonly writes: boolean;
}

/** An end of a pipe that no spec names. */
export interface PipeEnd {
  readonly id: number;
  readonly pipe: PipeName;
  /** Undefined where they are not known: then it may read and write. */
  readonly flags: number | undefined;
}

/** An image that was changed; SHA-256 of the whole file, before and after. */
export interface ChangedImage {
  readonly name: string;
  readonly before: Buffer;
  readonly after: Buffer;
}
