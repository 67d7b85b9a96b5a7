/** What in the images names a descriptor by its number, so that it depends on what is open there. */
import type { ImageName } from '../frames/image-kinds';
import { decode } from '../schema/decode';
import {
  AUTOFS_ENTRY,
  EVENTPOLL_FILE_ENTRY_FIELDS,
  EVENTPOLL_TFD_ENTRY,
  type EventpollTfdEntry,
  FILE_LOCK_ENTRY,
} from '../schema/generated/images';
import { FieldCursor, WIRE_TYPE } from '../wire/field-cursor';
import { type EntryFacts, fileKind } from './entry-facts';
import { isPollable } from './open-kind';

/** Something that only restores if a descriptor of a task is what it was. */
export interface DescriptorTie {
  /** As pstree.img has it. */
  readonly pid: number;
  readonly fd: number;
  readonly what: string;
  /** What CRIU does with it where something else is open there. */
  readonly consequence: string;
  /** It belongs to the open file, and so to every descriptor of that. */
  readonly isShared: boolean;
}

/** file_lock_entry.flag (CRIU: include/file-lock.h). */
const POSIX_LOCK = 1;
const LOCK_NAMES = new Map([
  [POSIX_LOCK, 'a POSIX lock'],
  [2, 'a flock'],
  [4, 'a lock of an open file description'],
  [8, 'a lease'],
]);

type Visit = (bytes: Uint8Array, start: number, end: number) => DescriptorTie[];

const NAMES: Partial<Record<ImageName, Visit>> = {
  // CRIU: file-lock.c; two flocks on one file of the caller hang, a lease or write lock on a pipe fails (tried).
  FILE_LOCKS: (bytes, start, end) => {
    const { pid, fd, flag } = decode(FILE_LOCK_ENTRY, bytes, start, end);
    const consequence = "CRIU would lock the caller's file instead, which can hang or fail the restore";
    return [{ pid, fd, what: LOCK_NAMES.get(flag) ?? 'a file lock', consequence, isShared: flag !== POSIX_LOCK }];
  },
  // CRIU: autofs.c looks for a pipe entry under the descriptor of the daemon.
  AUTOFS: (bytes, start, end) => {
    const { pgrp, fd, read_fd } = decode(AUTOFS_ENTRY, bytes, start, end);
    const consequence = 'CRIU needs its own pipe there';
    const named = { pid: pgrp, what: 'the pipe of an autofs mount', consequence, isShared: false };
    return [fd, read_fd ?? -1].filter((number) => number >= 0).map((number) => ({ ...named, fd: number }));
  },
};

export function namesDescriptors(image: ImageName): boolean {
  return NAMES[image] !== undefined;
}

/** The descriptors that one record of an image names. Throws WireFault. */
export function descriptorNames(image: ImageName, bytes: Uint8Array, start: number, end: number): DescriptorTie[] {
  return NAMES[image]?.(bytes, start, end) ?? [];
}

/** A descriptor that an epoll watches: its number in the tables that have the epoll. */
export interface EpollWatch {
  /** File id of the epoll. */
  readonly epoll: number;
  readonly fd: number;
  /** Inode of what is watched, where the image says it. */
  readonly inode?: bigint;
}

/** The watches in the epfd member `bytes[start, end)` of the entry with this id. Throws WireFault. */
export function epollWatches(id: number, bytes: Uint8Array, start: number, end: number): EpollWatch[] {
  const watches: EpollWatch[] = [];
  const field = new FieldCursor().over(bytes, start, end);
  while (field.next()) {
    if (field.number !== EVENTPOLL_FILE_ENTRY_FIELDS.tfd) continue;
    field.expect(WIRE_TYPE.BYTES);
    watches.push(toWatch(id, decode(EVENTPOLL_TFD_ENTRY, bytes, field.valueStart, field.end)));
  }
  return watches;
}

/** The watch in a record of eventpoll-tfd.img, which older dumps have. Throws WireFault. */
export function epollWatch(bytes: Uint8Array, start: number, end: number): EpollWatch {
  const watch = decode(EVENTPOLL_TFD_ENTRY, bytes, start, end);
  return toWatch(watch.id, watch);
}

function toWatch(epoll: number, { tfd, inode }: EventpollTfdEntry): EpollWatch {
  return { epoll, fd: tfd, ...(inode === undefined ? {} : { inode }) };
}

/**
 * Whether a watch can be one of this entry. False where its number is that of another descriptor, one that a different
 * task had: no epoll takes a regular file. `inode`: of what is watched, where the image says it.
 */
export function canBeWatched(facts: EntryFacts, inode: bigint | undefined): boolean {
  if (facts.kind !== undefined) return isPollable(facts.kind);
  if (facts.pipeId === undefined) return ['fifo', 'other'].includes(fileKind(facts) ?? '');
  return inode === undefined || inode === BigInt(facts.pipeId);
}
