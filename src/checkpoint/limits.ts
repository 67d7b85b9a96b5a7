/**
 * How much of a kind one checkpoint may have. Each is far above what Linux and CRIU make, and so low that what is kept
 * of each, in a few bytes, stays within 256 MiB.
 */
export const LIMITS = {
  /** Linux gives no more numbers to tasks and threads (PID_MAX_LIMIT). */
  tasks: 1 << 22,
  threads: 1 << 22,
  /** In all tables. */
  descriptors: 1 << 23,
  /** Of the entries that specs name: the plan has each. As many as one task can have. */
  references: 1 << 20,
  /** The same, each counted for every task that uses its table. */
  planned: 1 << 24,
  /** Of one plan: each takes a kilobyte in memory where it is read. */
  placeholders: 1 << 18,
  /** Each descriptor counted once for every task that uses its table. */
  places: 1 << 26,
  /** Entries of files.img. */
  entries: 1 << 23,
  /** Mappings and the like, in all images. */
  others: 1 << 24,
  /** Locks and the like. */
  locks: 1 << 18,
  /** Descriptors that an epoll watches, or files that an inotify or fanotify does. */
  watches: 1 << 19,
  /** Watches of epolls in all tables that have the epoll. */
  ties: 1 << 22,
  /** Open files under way in the queues of sockets. */
  rights: 1 << 20,
  memfds: 1 << 19,
  terminals: 1 << 19,
  /** Linux allows 100,000 in a namespace (fs.mount-max). */
  mounts: 1 << 19,
  /** Records of remap-fpath.img. */
  remaps: 1 << 20,
  /** Pipes, FIFOs and sockets with bytes that nobody has read. */
  unread: 1 << 21,
} as const;

/** What one limit is on, as messages name it. */
export const LIMIT_NAMES: { readonly [kind in keyof typeof LIMITS]: string } = {
  tasks: 'tasks',
  threads: 'threads',
  descriptors: 'descriptors',
  references: 'descriptors of entries that specs name',
  planned: 'descriptors of entries that specs name, each counted for every task that uses its table',
  placeholders: 'entries that specs name',
  places: 'descriptors, each counted for every task that uses its table',
  entries: 'file entries',
  others: 'mappings and other references',
  locks: 'locks',
  watches: 'watches',
  ties: 'watches of epolls, each counted for every table that has the epoll',
  rights: 'SCM rights',
  memfds: 'memfds',
  terminals: 'terminals',
  mounts: 'mounts',
  remaps: 'removed files',
  unread: 'pipes and sockets with unread bytes',
};
