/**
 * What makes two messages the same thing in two checkpoints: the fields that name it, by message. Where none is
 * listed, entries are paired by their place. Facts: what CRIU looks them up by.
 */
const IDENTITIES: { readonly [message: string]: readonly string[] } = {
  // Entries of images.
  file_entry: ['id'],
  fdinfo_entry: ['fd'],
  pstree_entry: ['pid'],
  vma_entry: ['start'],
  mnt_entry: ['mnt_id'],
  pagemap_entry: ['vaddr'],
  pipe_data_entry: ['pipe_id'],
  remap_file_path_entry: ['orig_id'],
  eventpoll_tfd_entry: ['id', 'tfd'],
  inotify_wd_entry: ['id', 'wd'],
  fanotify_mark_entry: ['id', 'type'],
  net_device_entry: ['ifindex'],
  file_lock_entry: ['pid', 'fd', 'flag', 'start'],
  sk_packet_entry: ['id_for'],
  tty_info_entry: ['id'],
  tty_data_entry: ['tty_id'],
  memfd_inode_entry: ['inode_id'],
  bpfmap_data_entry: ['map_id'],
  binfmt_misc_entry: ['name'],
  ghost_chunk_entry: ['off'],
  posix_timer_entry: ['it_id'],
  irmap_cache_entry: ['dev', 'inode'],
  ipc_shm_entry: ['desc.id'],
  ipc_sem_entry: ['desc.id'],
  ipc_msg_entry: ['desc.id'],
  // Entries of images older than files.img.
  reg_file_entry: ['id'],
  ext_file_entry: ['id'],
  ns_file_entry: ['id'],
  eventfd_file_entry: ['id'],
  eventpoll_file_entry: ['id'],
  signalfd_entry: ['id'],
  inotify_file_entry: ['id'],
  fanotify_file_entry: ['id'],
  pipe_entry: ['id'],
  fifo_entry: ['id'],
  unix_sk_entry: ['id'],
  inet_sk_entry: ['id'],
  packet_sock_entry: ['id'],
  netlink_sk_entry: ['id'],
  tty_file_entry: ['id'],
  tunfile_entry: ['id'],
  timerfd_entry: ['id'],
  pidfd_entry: ['id'],
  bpfmap_file_entry: ['id'],
  // Messages inside others.
  aio_ring_entry: ['id'],
  cg_set_entry: ['id'],
  cg_member_entry: ['name'],
  cgroup_dir_entry: ['dir_name'],
  cgroup_prop_entry: ['name'],
  netns_id: ['target_ns_id'],
};

/** The fields that name a message of this kind, dots leading into messages inside; none where only its place does. */
export function identityOf(message: string): readonly string[] {
  return IDENTITIES[message] ?? [];
}
