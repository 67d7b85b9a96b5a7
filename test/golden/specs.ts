/**
 * What the expected outputs of `fdgraft rewrite` are asked for. pipe:[#3] is the pipe of file id 3: its number is
 * another one each time the fixture is made.
 */
export const ASKED: { [fixture: string]: { specs: string[]; options?: string[]; refused?: true } } = {
  dead_child: { specs: ['fd[5]:/proc/14716/fd/1'] },
  // A ghost, a linked remap, and a file that has its name.
  deleted_logs: { specs: ['fd[5]:/srv/fdgraft/*.log'] },
  // Split: a mapping keeps the log's entry.
  forked_map: { specs: ['fd[5]:/dev/null', 'fd[6]:/srv/fdgraft/log'] },
  locked_log: { specs: ['fd[5]:srv/fdgraft/free.log', 'debug[2]:free.log is another one now\\x0a'] },
  // Three opens of one file, and both ends of a pipe with unread bytes.
  many_types: { specs: ['fd[5]:/srv/fdgraft/file', 'fd[6]:pipe:[#6]'], options: ['--drop-in-flight'] },
  // The glob comes first, and the exact key takes its entry all the same.
  namespaces: { specs: ['fd[5]:/logs/*.log', 'fd[6]:pipe:[#3]', 'fd[7]:/logs/err.log'] },
  net_sockets: { specs: ['fd[5]:/dev/null'] },
  job: { specs: ['fd[5]:pipe:[#3]', 'fd[6]:/srv/fdgraft/log'] },
  job_later: { specs: ['fd[5]:/srv/fdgraft/report'] },
  job_newer_criu: { specs: ['fd[5]:pipe:[#3]'] },
  job_lost_worker: { specs: ['fd[5]:pipe:[#3]'] },
  // That of the child goes, that of the program stays.
  pidfd: { specs: ['fd[5]:/proc/14716/fd/10'] },
  // Both ends of one pipe, and owners of each.
  owned_pipe: { specs: ['fd[5]:pipe:[#3]', 'fd[6]:pipe:[#4]'] },
  // The same number in every task; the others of its entry come along.
  pipe_outside: { specs: ['fd[5]:/proc/*/fd/6'] },
  // A descriptor and an SCM right; an SCM right alone.
  scm_rights: { specs: ['fd[5]:pipe:[#3]', 'fd[6]:/srv/fdgraft/log'] },
  // The accepted end loses its name.
  server: { specs: ['fd[5]:/srv/fdgraft/app.sock'] },
  // Both have clients that stay.
  server_waiting: { specs: ['fd[5]:/srv/fdgraft/app.sock', 'fd[6]:/srv/fdgraft/log.sock'] },
  shared_table: { specs: ['fd[5]:pipe:[#3]', 'fd[7]:/srv/fdgraft/log'] },
  two_logs: { specs: ['fd[5]:/srv/fdgraft/log'] },
  two_paths: { specs: ['fd[5]:pipe:[#3]', 'fd[6]:/srv/fdgraft/logs/out.log', 'fd[7]:/srv/fdgraft/logs/err.log'] },
  unread_pipe: { specs: ['fd[5]:pipe:[#2]'] },
  unread_pipe_64k: {
    specs: ['fd[5]:pipe:[#2]', 'fd[6]:/srv/fdgraft/log'],
    options: ['--drop-in-flight', '--allow-unmatched'],
  },
  // Both ends, by the path.
  // Descriptors and mappings, mappings alone, and an entry of both.
  memfds: { specs: ['fd[5]:/memfd:board', 'fd[6]:/memfd:hidden'] },
  fifo: { specs: ['fd[5]:/srv/fdgraft/queue'] },
  // Layouts that no CRIU of today restores.
  old_by_pid: { specs: ['fd[5]:/proc/14716/fd/1'], refused: true },
  old_ids_in_core: { specs: ['fd[5]:/srv/fdgraft/log'], refused: true },
  old_per_type: { specs: ['fd[5]:/srv/fdgraft/file'], refused: true },
  old_v1_magic: { specs: ['fd[5]:pipe:[#3]', 'fd[6]:/srv/fdgraft/logs/out.log'] },
  // Split: the mappings, in images of their own, keep the entry.
  old_vmas: { specs: ['fd[5]:/srv/fdgraft/log'] },
  // One end of the inner pipe, and the pipe to the outside.
  inner_pipe: { specs: ['fd[5]:pipe:[#7]:read', 'fd[6]:pipe:[#3]'] },
  // The mapping has an entry of its own.
  mapped_segment: { specs: ['fd[5]:/proc/14716/fd/5'] },
  many_opens: { specs: ['fd[5]:/srv/fdgraft/log'] },
  many_tasks: { specs: ['fd[5]:pipe:[#3]'] },
  // The executable stays for what runs it.
  own_executable: { specs: ['fd[5]:/srv/fdgraft/own_executable'] },
  // Descriptors, a right under way and a mapping.
  scm_receive: { specs: ['fd[5]:/srv/fdgraft/log', 'fd[6]:pipe:[#3]'] },
  // Whole, but for one descriptor.
  terminal: { specs: ['fd[6]:/proc/14716/fd/5', 'fd[5]:/dev/pts/0'] },
  terminal_current: { specs: ['fd[5]:/dev/tty'] },
  two_sessions: { specs: ['fd[5]:/proc/14716/fd/0', 'fd[6]:/proc/14717/fd/0'] },
  threads: { specs: ['fd[5]:/proc/14716/fd/6', 'fd[6]:/srv/fdgraft/log'] },
  two_maps: { specs: ['fd[5]:/proc/14716/fd/5'] },
  watched_pipe: { specs: ['fd[5]:pipe:[#2]', 'fd[6]:/proc/14717/fd/0'] },
};

/** Fixtures that are compared with each other, in all formats: what time, another CRIU and the end of a task do. */
export const COMPARED: { [name: string]: { before: string; after: string; options?: string[] } } = {
  a_second_later: { before: 'job', after: 'job_later', options: ['--ignore-ids'] },
  a_second_later_with_ids: { before: 'job', after: 'job_later' },
  lost_task: { before: 'job_later', after: 'job_lost_worker' },
  newer_criu: { before: 'job_later', after: 'job_newer_criu' },
  newer_criu_without_ids: { before: 'job_later', after: 'job_newer_criu', options: ['--ignore-ids'] },
};

/** What `fdgraft x` is asked for: text and JSON. */
export const EXPLORED: { [fixture: string]: readonly ('ps' | 'fds' | 'mems' | 'rss')[] } = {
  // Of the dead task there is no more than its name.
  dead_child: ['ps', 'fds', 'mems', 'rss'],
  many_tasks: ['ps'],
  many_types: ['fds', 'mems', 'rss'],
  // Of CRIU 4.2: the number of pages has a field of its own.
  net_sockets: ['fds', 'rss'],
  old_by_pid: ['fds'],
  old_ids_in_core: ['fds'],
  old_per_type: ['fds', 'mems'],
  old_vmas: ['mems', 'rss'],
  threads: ['ps'],
  two_maps: ['mems'],
};
