import {
  type FD_TYPES,
  FIFO_ENTRY,
  type FifoEntry,
  PIPE_ENTRY,
  type PipeEntry,
  REG_FILE_ENTRY,
  type RegFileEntry,
} from '../schema/generated/images';
import type { MessageSchema } from '../schema/message';
import { type EntryFacts, longKey, MAX_KEY_BYTES } from './entry-facts';
import { externalKey, pathKey, pipeKey } from './key-text';

/** A type of entries by names of fields: those of its member of file_entry. */
export interface TypeRow {
  /** The member of file_entry that holds the entry (CRIU: files.c, collect_one_file). */
  readonly member: string;
  /** The thing that such an entry opens, in words. */
  readonly what: string;
  /** The fields that name that: a path, an address. */
  readonly names?: readonly string[];
  /** The field that has the open flags. */
  readonly flags?: string;
  /** The field with the number that the kernel or the dump gave to what it opens; of what kind: message-rows.ts. */
  readonly numbered?: string;
  /** The way in which an entry of this type is inherited. Undefined if it cannot be. */
  readonly inherit?: Inheritance;
}

/** The way from an entry of a type to a placeholder. */
export interface Inheritance {
  readonly schema: MessageSchema<unknown>;
  /** The field that holds the owner; undefined where that is in another entry. */
  readonly owner?: string;
  /** Executables, mappings, folders and remaps may refer to it as well as descriptors (CRIU: files-reg.c). */
  readonly isPath?: true;
  /** `path`: the facts of the entry that `pathId` names. */
  readonly describe: (entry: never, path: EntryFacts | undefined) => EntryFacts;
  /** File id of the REG entry that has the path, the flags and the owner; where they are not in the entry itself. */
  readonly pathId?: (entry: never) => number;
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

/** CRIU stores this as offset where a file has none. */
const NO_OFFSET = 2n ** 64n - 1n;

const REGULAR_FILE: Inheritance = {
  schema: REG_FILE_ENTRY,
  owner: 'fown',
  isPath: true,
  // A million of them are described: no objects but the one.
  describe: ({ name, ext, flags, fown: owner, pos, size, mode, mnt_id }: RegFileEntry) => {
    const facts: Writable<EntryFacts> = { key: '', flags, owner };
    if (name.length > MAX_KEY_BYTES) Object.assign(facts, longKey(name));
    else facts.key = ext === true ? externalKey(name) : pathKey(name);
    if (pos !== NO_OFFSET) facts.offset = pos;
    if (size !== undefined) facts.size = size;
    if (mode !== undefined) facts.mode = mode;
    if (ext === true) facts.isExternal = true;
    if (mnt_id !== undefined && mnt_id >= 0) facts.mountId = mnt_id;
    return facts;
  },
};

const PIPE: Inheritance = {
  schema: PIPE_ENTRY,
  owner: 'fown',
  describe: (pipe: PipeEntry) => ({
    key: pipeKey(pipe.pipe_id),
    flags: pipe.flags,
    owner: pipe.fown,
    pipeId: pipe.pipe_id,
    ...(pipe.uid === undefined || pipe.gid === undefined ? {} : { pipeOwner: { uid: pipe.uid, gid: pipe.gid } }),
  }),
};

/** CRIU writes a regular entry for each open FIFO, with all but the pipe in it (criu/fifo.c). */
const FIFO: Inheritance = {
  schema: FIFO_ENTRY,
  pathId: (fifo: FifoEntry) => fifo.regf_id ?? fifo.id,
  describe: (fifo: FifoEntry, path) => {
    if (path === undefined) throw new TypeError('a FIFO is described with its path');
    const { offset: _offset, size: _size, ...facts } = path;
    return { ...facts, pipeId: fifo.pipe_id };
  },
};

export type TypeName = Exclude<keyof typeof FD_TYPES, 'UND' | 'CTL_TTY' | 'AUTOFS_PIPE'>;

const ADDRESSES = ['family', 'type', 'proto', 'src_port', 'dst_port', 'src_addr', 'dst_addr'];

/** One row a type of entries. test/checkpoint/new-type.test.ts gives one more of them what it needs to be inherited. */
export const TYPE_ROWS: Record<TypeName, TypeRow> = {
  REG: { member: 'reg', what: 'a file', names: ['name'], flags: 'flags', inherit: REGULAR_FILE },
  PIPE: { member: 'pipe', what: 'a pipe', flags: 'flags', numbered: 'pipe_id', inherit: PIPE },
  FIFO: { member: 'fifo', what: 'an open FIFO', numbered: 'pipe_id', inherit: FIFO },
  INETSK: { member: 'isk', what: 'an inet socket', names: ADDRESSES, flags: 'flags', numbered: 'ino' },
  UNIXSK: { member: 'usk', what: 'a unix socket', names: ['name'], flags: 'flags', numbered: 'ino' },
  EVENTFD: { member: 'efd', what: 'an eventfd', flags: 'flags' },
  EVENTPOLL: { member: 'epfd', what: 'an epoll' },
  INOTIFY: { member: 'ify', what: 'an inotify' },
  SIGNALFD: { member: 'sgfd', what: 'a signalfd', flags: 'flags' },
  PACKETSK: { member: 'psk', what: 'a packet socket', flags: 'flags' },
  TTY: { member: 'tty', what: 'a terminal', flags: 'flags', numbered: 'tty_info_id' },
  FANOTIFY: { member: 'ffy', what: 'a fanotify' },
  NETLINKSK: { member: 'nlsk', what: 'a netlink socket', flags: 'flags', numbered: 'ino' },
  NS: { member: 'nsf', what: 'a namespace' },
  TUNF: { member: 'tunf', what: 'a tun device' },
  EXT: { member: 'ext', what: 'a file of a plugin' },
  TIMERFD: { member: 'tfd', what: 'a timerfd', flags: 'flags' },
  MEMFD: { member: 'memfd', what: 'a memfd', flags: 'flags', numbered: 'inode_id' },
  BPFMAP: { member: 'bpf', what: 'a BPF map', names: ['map_name'], flags: 'flags' },
  PIDFD: { member: 'pidfd', what: 'a pidfd' },
};
