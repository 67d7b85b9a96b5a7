import { escapeBytes } from '../bytes/escape';
import {
  FD_TYPES,
  FIFO_ENTRY,
  FILE_ENTRY_FIELDS,
  type FifoEntry,
  type FownEntry,
  PIPE_ENTRY,
  PIPE_ENTRY_FIELDS,
  type PipeEntry,
  REG_FILE_ENTRY,
  REG_FILE_ENTRY_FIELDS,
  type RegFileEntry,
} from '../schema/generated/images';
import type { MessageSchema } from '../schema/message';
import { externalKey, pathKey, pipeKey } from './key-text';

/** What a plan and a listing say of an entry, whatever its type. */
export interface EntryFacts {
  /** The key that names it in an inherit-fd spec, escaped. */
  readonly key: string;
  /** Access mode and status flags as open(2) has them. */
  readonly flags: number;
  readonly owner: FownEntry;
  /** Offset of a regular file; undefined where the image says that there is none. */
  readonly offset?: bigint;
  /** Size of a regular file; CRIU records none of a file that is open for appending alone. */
  readonly size?: bigint;
  readonly pipeId?: number;
  /** Owner of a pipe itself, where the image says it; ids as the user namespace of the tasks has them. */
  readonly pipeOwner?: { readonly uid: number; readonly gid: number };
  /** A file that lies outside: CRIU asks for it at the restore. */
  readonly isExternal?: boolean;
  /** How many bytes its name has, where `key` is only the beginning of it and so names nothing. */
  readonly nameBytes?: number;
  /** Type and permissions of a file, where the image says them. */
  readonly mode?: number;
  /** Mount that a path is on; undefined where no mount namespace was dumped. */
  readonly mountId?: number;
}

/** A type of entries that can become placeholders. */
export interface EntryType {
  /** Name and number in CRIU's fd_types. */
  readonly name: string;
  readonly number: number;
  /** Field of file_entry that holds the entry of this type. */
  readonly member: number;
  /** Field of that entry that holds its owner; undefined where that is in another entry. */
  readonly ownerField: number | undefined;
  /** Executables, mappings, folders and remaps may refer to it as well as descriptors (CRIU: files-reg.c). */
  readonly isPath: boolean;
  readonly schema: MessageSchema<unknown>;
  /** `path`: the facts of the entry that `pathId` names. */
  readonly describe: (entry: never, path: EntryFacts | undefined) => EntryFacts;
  /** File id of the REG entry that has the path, the flags and the owner; where they are not in the entry itself. */
  readonly pathId?: (entry: never) => number;
}

/** CRIU stores this as offset where a file has none. */
const NO_OFFSET = 2n ** 64n - 1n;

const PIPE: EntryType = {
  name: 'PIPE',
  number: FD_TYPES.PIPE,
  member: FILE_ENTRY_FIELDS.pipe,
  ownerField: PIPE_ENTRY_FIELDS.fown,
  isPath: false,
  schema: PIPE_ENTRY,
  describe: (pipe: PipeEntry) => ({
    key: pipeKey(pipe.pipe_id),
    flags: pipe.flags,
    owner: pipe.fown,
    pipeId: pipe.pipe_id,
    ...(pipe.uid === undefined || pipe.gid === undefined ? {} : { pipeOwner: { uid: pipe.uid, gid: pipe.gid } }),
  }),
};

export const REGULAR_FILE: EntryType = {
  name: 'REG',
  number: FD_TYPES.REG,
  member: FILE_ENTRY_FIELDS.reg,
  ownerField: REG_FILE_ENTRY_FIELDS.fown,
  isPath: true,
  schema: REG_FILE_ENTRY,
  describe: (reg: RegFileEntry) => ({
    ...(reg.name.length > MAX_KEY_BYTES ? longKey(reg.name) : { key: keyOf(reg) }),
    flags: reg.flags,
    owner: reg.fown,
    ...(reg.pos === NO_OFFSET ? {} : { offset: reg.pos }),
    ...(reg.size === undefined ? {} : { size: reg.size }),
    ...(reg.mode === undefined ? {} : { mode: reg.mode }),
    ...(reg.ext === true ? { isExternal: true } : {}),
    ...(reg.mnt_id === undefined || reg.mnt_id < 0 ? {} : { mountId: reg.mnt_id }),
  }),
};

/** 16 times what Linux takes for a path. No key of a file is longer. */
export const MAX_KEY_BYTES = 1 << 16;
const SHOWN_BYTES = 512;

/** Of a name that is too long for a key. */
export function longKey(name: Buffer): { key: string; nameBytes: number } {
  return { key: `${escapeBytes(name.subarray(0, SHOWN_BYTES))}… (${name.length} bytes)`, nameBytes: name.length };
}

function keyOf({ name, ext }: RegFileEntry): string {
  return ext === true ? externalKey(name) : pathKey(name);
}

/** CRIU writes a regular entry for each open FIFO, with all but the pipe in it (criu/fifo.c). */
const FIFO: EntryType = {
  name: 'FIFO',
  number: FD_TYPES.FIFO,
  member: FILE_ENTRY_FIELDS.fifo,
  ownerField: undefined,
  isPath: false,
  schema: FIFO_ENTRY,
  pathId: (fifo: FifoEntry) => fifo.regf_id ?? fifo.id,
  describe: (fifo: FifoEntry, path) => {
    if (path === undefined) throw new TypeError('a FIFO is described with its path');
    const { offset: _offset, size: _size, ...facts } = path;
    return { ...facts, pipeId: fifo.pipe_id };
  },
};

export const ENTRY_TYPES: readonly EntryType[] = [PIPE, REGULAR_FILE, FIFO];

const TYPE_NAMES = new Map<number, string>(Object.entries(FD_TYPES).map(([name, number]) => [number, name]));

/** CRIU's name of a type of entries; the number where it is not known. */
export function typeName(number: number): string {
  return TYPE_NAMES.get(number) ?? `type ${number}`;
}

/** O_ACCMODE and its values, as in the images of every architecture that CRIU supports. */
const ACCESS_MODE = 3;
const WRITE_ONLY = 1;
const READ_WRITE = 2;
const O_APPEND = 0o2000;
const O_ASYNC = 0o20000;
/** Such a descriptor only names a file: it allows neither. */
const O_PATH = 0o10000000;

/** What access the open flags of an entry ask for. */
export function accessOf(flags: number): { read: boolean; write: boolean } {
  if ((flags & O_PATH) !== 0) return { read: false, write: false };
  const mode = flags & ACCESS_MODE;
  return { read: mode !== WRITE_ONLY, write: mode === WRITE_ONLY || mode === READ_WRITE };
}

/** True where all writes go to the end of the file, whatever the offset. */
export function appends(flags: number): boolean {
  return accessOf(flags).write && (flags & O_APPEND) !== 0;
}

/** True where the owner gets a signal on I/O. */
export function sendsSignals(flags: number): boolean {
  return (flags & O_ASYNC) !== 0;
}

const TYPE_OF_MODE = 0o170000;
const FOLDER = 0o040000;
const REGULAR = 0o100000;
const FIFO_MODE = 0o010000;

/** What kind of file a path leads to, where the image says it. */
export function fileKind({ mode }: Pick<EntryFacts, 'mode'>): 'folder' | 'regular' | 'fifo' | 'other' | undefined {
  if (mode === undefined) return undefined;
  const kind = mode & TYPE_OF_MODE;
  if (kind === FIFO_MODE) return 'fifo';
  return kind === FOLDER ? 'folder' : kind === REGULAR ? 'regular' : 'other';
}

/** True where someone is told of I/O: CRIU sets what is not zero (restore_fown in criu/files.c). */
export function hasOwner(owner: FownEntry): boolean {
  return owner.pid !== 0 || owner.signum !== 0;
}
