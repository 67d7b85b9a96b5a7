import type { EntryFacts, EntryType } from '../checkpoint/entry-types';

/** An entry of files.img that a spec names. */
export interface Match {
  /** File id. */
  readonly id: number;
  /** Number of its record in files.img, counted from 0. */
  readonly entry: number;
  readonly type: EntryType;
  readonly facts: EntryFacts;
  /** Numbers of the specs that name it, as they were given; the first one takes it. */
  readonly specs: readonly number[];
}

/** Bytes that were in a pipe at the dump. */
export interface BytesInFlight {
  /** Image that holds them, and the number of the record there. */
  readonly image: string;
  readonly entry: number;
  readonly pipeId: number;
  /** Where in the image they begin, and how many there are. */
  readonly offset: number;
  readonly bytes: number;
  /** Capacity of the pipe at the dump. */
  readonly pipeSize?: number;
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
  readonly descriptors: DescriptorReference[];
  readonly scmRights: ScmReference[];
}

/** An image that was changed; SHA-256 of the whole file, before and after. */
export interface ChangedImage {
  readonly name: string;
  readonly before: Buffer;
  readonly after: Buffer;
}
