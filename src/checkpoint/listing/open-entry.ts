import type { List } from '../../bytes/mapped';
import type { EntryFacts } from '../entry-facts';
import type { HolderKind } from '../message-rows';
import type { TerminalState } from '../terminals';

/** A descriptor of a task, or of several that use one table. */
export interface Descriptor {
  /** The N of fdinfo-N.img. */
  readonly table: number;
  /** Tasks that use the table, ascending. */
  readonly pids: readonly number[];
  /** Their names (comm, escaped), in the same order; empty where no image says one. */
  readonly names: readonly string[];
  readonly fd: number;
  readonly closeOnExec: boolean;
}

/** Descriptors by task and number; an array where they are few. */
export type Descriptors = List<Descriptor>;

/** What refers to an entry without being a descriptor. */
export interface OtherReference {
  readonly what: HolderKind;
  /** The task that has it, where it is one's. */
  readonly pid?: number;
  /** Of an SCM right: file id of the socket in whose queue it is. */
  readonly socketId?: number;
}

/** What is tied to one of its descriptors by its number. */
export interface Tie {
  /** As in "a flock". */
  readonly what: string;
  readonly fd: number;
  readonly pid?: number;
  /** Of a watch: file id of the epoll. */
  readonly epoll?: number;
}

/** An open file description that a descriptor or an SCM right refers to. */
export interface OpenEntry {
  /** File id. */
  readonly id: number;
  /** Name in CRIU's fd_types; 'missing' where descriptors name an entry that is not there. */
  readonly type: string;
  /**
   * Undefined for what cannot be inherited: types that are not supported, and what no key names. Its key takes this entry,
   * and no other one but those that have the same key here.
   */
  readonly facts: EntryFacts | undefined;
  /** Bytes that were in the pipe, or in the queues of the socket, at the dump. */
  readonly unreadBytes: number;
  /** The end of its pipe that no entry of the checkpoint is: held outside or closed, images cannot tell which. */
  readonly missingEnd: 'read' | 'write' | undefined;
  /** Its state as a terminal. */
  readonly terminal: TerminalState | undefined;
  /**
   * It has to do with the outside: an external file, the end of a pipe whose other one is missing, a unix socket whose peer
   * is outside, a terminal.
   */
  readonly isExternal: boolean;
  /** By task and number. */
  readonly descriptors: Descriptors;
  readonly others: readonly OtherReference[];
  readonly ties: readonly Tie[];
}
