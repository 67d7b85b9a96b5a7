import {
  type FD_TYPES,
  FIFO_ENTRY,
  type FifoEntry,
  PIPE_ENTRY,
  type PipeEntry,
  REG_FILE_ENTRY,
  type RegFileEntry,
} from '../schema/generated/images';
import { type EntryFacts, fileKind, longKey, MAX_KEY_BYTES } from './entry-facts';
import type { Inheritance } from './inheritance';
import { directoryKey, externalKey, pathKey, pipeKey } from './key-text';
import { MEMFD } from './memfd-type';
import { EVENTFD, INOTIFY, PIDFD, SIGNALFD, TIMERFD } from './nameless-types';
import { INET_SOCKET, NETLINK_SOCKET, PACKET_SOCKET, UNIX_SOCKET } from './socket-types';
import { TERMINAL } from './terminal-type';

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
  /** Why it cannot be. */
  readonly refused?: string;
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] };

/** CRIU stores this as offset where a file has none. */
const NO_OFFSET = 2n ** 64n - 1n;

function isDirectory(mode: number | undefined): boolean {
  return mode !== undefined && fileKind({ mode }) === 'directory';
}

const REGULAR_FILE: Inheritance = {
  schema: REG_FILE_ENTRY,
  owner: 'fown',
  isPath: true,
  // A million of them are described: no objects but the one.
  describe: ({ name, ext, flags, fown: owner, pos, size, mode, mnt_id }: RegFileEntry) => {
    const facts: Writable<EntryFacts> = { key: '', flags, owner };
    if (name.length > MAX_KEY_BYTES) Object.assign(facts, longKey(name));
    else facts.key = ext === true ? externalKey(name) : isDirectory(mode) ? directoryKey(name) : pathKey(name);
    if (pos !== NO_OFFSET) facts.offset = pos;
    if (size !== undefined) facts.size = size;
    if (mode !== undefined) facts.mode = mode;
    if (ext === true) facts.isExternal = true;
    if (mnt_id !== undefined && mnt_id >= 0) facts.mountId = mnt_id;
    if (isDirectory(mode)) facts.kind = { name: 'directory' };
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
  INETSK: {
    member: 'isk',
    what: 'an inet socket',
    names: ADDRESSES,
    flags: 'flags',
    numbered: 'ino',
    inherit: INET_SOCKET,
  },
  UNIXSK: {
    member: 'usk',
    what: 'a unix socket',
    names: ['name'],
    flags: 'flags',
    numbered: 'ino',
    inherit: UNIX_SOCKET,
  },
  EVENTFD: { member: 'efd', what: 'an eventfd', flags: 'flags', inherit: EVENTFD },
  EVENTPOLL: {
    member: 'epfd',
    what: 'an epoll',
    refused:
      "the caller's epoll watches the caller's descriptors by their numbers, and the watches of the checkpoint would be gone",
  },
  INOTIFY: { member: 'ify', what: 'an inotify', inherit: INOTIFY },
  SIGNALFD: { member: 'sgfd', what: 'a signalfd', flags: 'flags', inherit: SIGNALFD },
  PACKETSK: { member: 'psk', what: 'a packet socket', flags: 'flags', inherit: PACKET_SOCKET },
  TTY: { member: 'tty', what: 'a terminal', flags: 'flags', numbered: 'tty_info_id', inherit: TERMINAL },
  FANOTIFY: { member: 'ffy', what: 'a fanotify' },
  NETLINKSK: { member: 'nlsk', what: 'a netlink socket', flags: 'flags', numbered: 'ino', inherit: NETLINK_SOCKET },
  NS: { member: 'nsf', what: 'a namespace' },
  TUNF: { member: 'tunf', what: 'a tun device' },
  EXT: { member: 'ext', what: 'a file of a plugin', refused: 'another plugin of CRIU dumped it and restores it' },
  TIMERFD: { member: 'tfd', what: 'a timerfd', flags: 'flags', inherit: TIMERFD },
  MEMFD: { member: 'memfd', what: 'a memfd', flags: 'flags', numbered: 'inode_id', inherit: MEMFD },
  BPFMAP: { member: 'bpf', what: 'a BPF map', names: ['map_name'], flags: 'flags' },
  PIDFD: { member: 'pidfd', what: 'a pidfd', inherit: PIDFD },
};
