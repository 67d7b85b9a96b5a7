import { escapeBytes } from '../bytes/escape';
import type { FownEntry } from '../schema/generated/images';
import type { OpenKind } from './open-kind';

/** Facts of an entry for plans and listings, whatever its type. */
export interface EntryFacts {
  /** The key that names it in an inherit-fd spec, escaped. */
  readonly key: string;
  /** Its path where that is not the key, escaped: /dev/tty names the terminals of sessions. */
  readonly path?: string;
  /** No key but that of a descriptor names it; `key` is the kind of open file. */
  readonly isNameless?: boolean;
  /** The kind that the caller's open file must have; undefined if any will do. */
  readonly kind?: OpenKind;
  /** State of the old open file that the caller's does not have. */
  readonly lost?: string;
  /** Access mode and status flags as open(2) has them. */
  readonly flags: number;
  readonly owner: FownEntry;
  /** Offset of a regular file; undefined where the image says that there is none. */
  readonly offset?: bigint;
  /** Size of a regular file; CRIU records none of a file that is open for appending alone. */
  readonly size?: bigint;
  readonly pipeId?: number;
  /** The inode of a socket. */
  readonly socketInode?: number;
  /** The use of a socket that shutdown(2) had ended: reading, writing or both. */
  readonly shutFor?: string;
  /** The number of a terminal in tty-info.img. */
  readonly terminalId?: number;
  /** The number that all entries of one memfd have. */
  readonly memfdInode?: number;
  /** F_SEAL_* of that memfd at the dump. */
  readonly memfdSeals?: number;
  /** The inode of the unix socket that it is connected to, or waits for. */
  readonly peerInode?: number;
  /** Owner of a pipe itself, where the image says it; ids as the user namespace of the tasks has them. */
  readonly pipeOwner?: { readonly uid: number; readonly gid: number };
  /** A file that lies outside: CRIU asks for it at the restore. */
  readonly isExternal?: boolean;
  /** Bytes of its name, if `key` is only the beginning of it and so matches nothing. */
  readonly nameBytes?: number;
  /** Type and permissions of a file, where the image says them. */
  readonly mode?: number;
  /** Mount that a path is on; undefined where no mount namespace was dumped. */
  readonly mountId?: number;
}

/** The facts of an entry for which any open file will do. */
export function withoutKind({ kind: _any, ...facts }: EntryFacts): EntryFacts {
  return facts;
}

/** 16 times what Linux takes for a path. No key of a file is longer. */
export const MAX_KEY_BYTES = 1 << 16;
const SHOWN_BYTES = 512;

/** Of a name that is too long for a key. */
export function longKey(name: Buffer): { key: string; nameBytes: number } {
  return { key: `${escapeBytes(name.subarray(0, SHOWN_BYTES))}… (${name.length} bytes)`, nameBytes: name.length };
}

const TYPE_OF_MODE = 0o170000;
const DIRECTORY = 0o040000;
const REGULAR = 0o100000;
const FIFO_MODE = 0o010000;
const CHARACTER_DEVICE = 0o020000;

/** The kind of file behind a path, if the image says it. */
export function fileKind({ mode }: Pick<EntryFacts, 'mode'>): 'directory' | 'regular' | 'fifo' | 'other' | undefined {
  if (mode === undefined) return undefined;
  const kind = mode & TYPE_OF_MODE;
  if (kind === FIFO_MODE) return 'fifo';
  return kind === DIRECTORY ? 'directory' : kind === REGULAR ? 'regular' : 'other';
}

/** /dev/null and the like, of which an offset means nothing. False where the image does not say it. */
export function isCharacterDevice({ mode = 0 }: Pick<EntryFacts, 'mode'>): boolean {
  return (mode & TYPE_OF_MODE) === CHARACTER_DEVICE;
}

/** True where someone is told of I/O: CRIU sets what is not zero (restore_fown in criu/files.c). */
export function hasOwner(owner: FownEntry): boolean {
  return owner.pid !== 0 || owner.signum !== 0;
}
