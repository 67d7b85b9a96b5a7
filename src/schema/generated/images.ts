// Generated from schemas/images by `npm run schema`. Do not edit.
import type { MessageSchema } from '../message';

export const LSMTYPE = { NO_LSM: 0, SELINUX: 1, APPARMOR: 2 } as const;

export const FD_TYPES = { UND: 0, REG: 1, PIPE: 2, FIFO: 3, INETSK: 4, UNIXSK: 5, EVENTFD: 6, EVENTPOLL: 7, INOTIFY: 8, SIGNALFD: 9, PACKETSK: 10, TTY: 11, FANOTIFY: 12, NETLINKSK: 13, NS: 14, TUNF: 15, EXT: 16, TIMERFD: 17, MEMFD: 18, BPFMAP: 19, PIDFD: 20, CTL_TTY: 65534, AUTOFS_PIPE: 65535 } as const;

export const SK_SHUTDOWN = { NONE: 0, READ: 1, WRITE: 2, BOTH: 3 } as const;

export const MARK_TYPE = { INODE: 1, MOUNT: 2 } as const;

export const FH_ENTRY_SIZES = { min_entries: 16 } as const;

export const REMAP_TYPE = { LINKED: 0, GHOST: 1, PROCFS: 2 } as const;

export const TTYTYPE = { UNKNOWN: 0, PTY: 1, CONSOLE: 2, VT: 3, CTTY: 4, EXT_TTY: 5, SERIAL: 6 } as const;

export const BPFMAP_DATA_ENTRY_FIELDS = { map_id: 1, keys_bytes: 2, values_bytes: 3, count: 4 } as const;

export const CORE_ENTRY_FIELDS = { mtype: 1, thread_info: 2, tc: 3, ids: 4, thread_core: 5, ti_arm: 6, ti_aarch64: 8, ti_ppc64: 9, ti_s390: 10, ti_mips: 11, ti_loongarch64: 12, ti_riscv64: 13 } as const;

export const TASK_CORE_ENTRY_FIELDS = { task_state: 1, exit_code: 2, personality: 3, flags: 4, blk_sigset: 5, comm: 6, timers: 7, rlimits: 8, cg_set: 9, signals_s: 10, old_seccomp_mode: 11, old_seccomp_filter: 12, loginuid: 13, oom_score_adj: 14, sigactions: 15, child_subreaper: 18, blk_sigset_extended: 20, stop_signo: 21, membarrier_registration_mask: 22 } as const;

export const THREAD_CORE_ENTRY_FIELDS = { futex_rla: 1, futex_rla_len: 2, sched_nice: 3, sched_policy: 4, sched_prio: 5, blk_sigset: 6, sas: 7, pdeath_sig: 8, signals_p: 9, creds: 10, seccomp_mode: 11, seccomp_filter: 12, comm: 13, blk_sigset_extended: 14, rseq_entry: 15, cg_set: 16, timerslack_ns: 17 } as const;

export const TASK_RLIMITS_ENTRY_FIELDS = { rlimits: 1 } as const;

export const CREDS_ENTRY_FIELDS = { uid: 1, gid: 2, euid: 3, egid: 4, suid: 5, sgid: 6, fsuid: 7, fsgid: 8, cap_inh: 9, cap_prm: 10, cap_eff: 11, cap_bnd: 12, secbits: 13, groups: 14, lsm_profile: 15, lsm_sockcreate: 16, apparmor_data: 17, no_new_privs: 18, cap_amb: 19 } as const;

export const RLIMIT_ENTRY_FIELDS = { cur: 1, max: 2 } as const;

export const GHOST_FILE_ENTRY_FIELDS = { uid: 1, gid: 2, mode: 3, dev: 4, ino: 5, rdev: 6, atim: 7, mtim: 8, chunks: 9, size: 10, symlnk_target: 11 } as const;

export const GHOST_CHUNK_ENTRY_FIELDS = { len: 1, off: 2 } as const;

export const IPC_SHM_ENTRY_FIELDS = { desc: 1, size: 2, in_pagemaps: 3, hugetlb_flag: 4 } as const;

export const IPC_SEM_ENTRY_FIELDS = { desc: 1, nsems: 2 } as const;

export const IPC_MSG_ENTRY_FIELDS = { desc: 1, qbytes: 2, qnum: 3 } as const;

export const IPC_MSG_FIELDS = { mtype: 1, msize: 2 } as const;

export const MNT_ENTRY_FIELDS = { fstype: 1, mnt_id: 2, root_dev: 3, parent_mnt_id: 4, flags: 5, root: 6, mountpoint: 7, source: 8, options: 9, shared_id: 10, master_id: 11, with_plugin: 12, ext_mount: 13, fsname: 14, internal_sharing: 15, deleted: 16, sb_flags: 17, ext_key: 18 } as const;

export const PIDNS_ENTRY_FIELDS = { ext_key: 1 } as const;

export const USERNS_ENTRY_FIELDS = { uid_map: 1, gid_map: 2, binfmt_misc: 3 } as const;

export const UID_GID_EXTENT_FIELDS = { first: 1, lower_first: 2, count: 3 } as const;

export const NETNS_ENTRY_FIELDS = { def_conf: 1, all_conf: 2, def_conf4: 3, all_conf4: 4, def_conf6: 5, all_conf6: 6, nsids: 7, ext_key: 8, unix_conf: 9, ipv4_sysctl: 10 } as const;

export const PAGEMAP_HEAD_FIELDS = { pages_id: 1 } as const;

export const PAGEMAP_ENTRY_FIELDS = { vaddr: 1, compat_nr_pages: 2, in_parent: 3, flags: 4, nr_pages: 5, blocks: 6 } as const;

export interface InventoryEntry {
  img_version: number;
  fdinfo_per_id?: boolean;
  root_ids?: TaskKobjIdsEntry;
  ns_per_id?: boolean;
  root_cg_set?: number;
  lsmtype?: number;
  dump_uptime?: bigint;
  pre_dump_mode?: number;
  tcp_close?: boolean;
  network_lock_method?: number;
  plugins_entry?: PluginsEntry;
  dump_criu_run_id?: Buffer;
  allow_uprobes?: boolean;
  compress?: number;
  compress_block_size?: number;
}
export const INVENTORY_ENTRY_FIELDS = { img_version: 1, fdinfo_per_id: 2, root_ids: 3, ns_per_id: 4, root_cg_set: 5, lsmtype: 6, dump_uptime: 8, pre_dump_mode: 9, tcp_close: 10, network_lock_method: 11, plugins_entry: 12, dump_criu_run_id: 13, allow_uprobes: 14, compress: 15, compress_block_size: 16 } as const;
export const INVENTORY_ENTRY: MessageSchema<InventoryEntry> = {
  name: 'inventory_entry',
  fields: [
    { number: 1, name: 'img_version', label: 'required', type: 'uint32' },
    { number: 2, name: 'fdinfo_per_id', label: 'optional', type: 'bool' },
    { number: 3, name: 'root_ids', label: 'optional', type: 'message', message: () => TASK_KOBJ_IDS_ENTRY },
    { number: 4, name: 'ns_per_id', label: 'optional', type: 'bool' },
    { number: 5, name: 'root_cg_set', label: 'optional', type: 'uint32' },
    { number: 6, name: 'lsmtype', label: 'optional', type: 'enum' },
    { number: 8, name: 'dump_uptime', label: 'optional', type: 'uint64' },
    { number: 9, name: 'pre_dump_mode', label: 'optional', type: 'uint32' },
    { number: 10, name: 'tcp_close', label: 'optional', type: 'bool' },
    { number: 11, name: 'network_lock_method', label: 'optional', type: 'uint32' },
    { number: 12, name: 'plugins_entry', label: 'optional', type: 'message', message: () => PLUGINS_ENTRY },
    { number: 13, name: 'dump_criu_run_id', label: 'optional', type: 'string' },
    { number: 14, name: 'allow_uprobes', label: 'optional', type: 'bool' },
    { number: 15, name: 'compress', label: 'optional', type: 'uint32' },
    { number: 16, name: 'compress_block_size', label: 'optional', type: 'uint32' },
  ],
};

export interface PluginsEntry {
  plugins: Buffer[];
}
export const PLUGINS_ENTRY_FIELDS = { plugins: 12 } as const;
export const PLUGINS_ENTRY: MessageSchema<PluginsEntry> = {
  name: 'plugins_entry',
  fields: [
    { number: 12, name: 'plugins', label: 'repeated', type: 'string' },
  ],
};

export interface PstreeEntry {
  pid: number;
  ppid: number;
  pgid: number;
  sid: number;
  threads: number[];
}
export const PSTREE_ENTRY_FIELDS = { pid: 1, ppid: 2, pgid: 3, sid: 4, threads: 5 } as const;
export const PSTREE_ENTRY: MessageSchema<PstreeEntry> = {
  name: 'pstree_entry',
  fields: [
    { number: 1, name: 'pid', label: 'required', type: 'uint32' },
    { number: 2, name: 'ppid', label: 'required', type: 'uint32' },
    { number: 3, name: 'pgid', label: 'required', type: 'uint32' },
    { number: 4, name: 'sid', label: 'required', type: 'uint32' },
    { number: 5, name: 'threads', label: 'repeated', type: 'uint32' },
  ],
};

export interface TaskKobjIdsEntry {
  vm_id: number;
  files_id: number;
  fs_id: number;
  sighand_id: number;
  pid_ns_id?: number;
  net_ns_id?: number;
  ipc_ns_id?: number;
  uts_ns_id?: number;
  mnt_ns_id?: number;
  user_ns_id?: number;
  cgroup_ns_id?: number;
  time_ns_id?: number;
}
export const TASK_KOBJ_IDS_ENTRY_FIELDS = { vm_id: 1, files_id: 2, fs_id: 3, sighand_id: 4, pid_ns_id: 5, net_ns_id: 6, ipc_ns_id: 7, uts_ns_id: 8, mnt_ns_id: 9, user_ns_id: 10, cgroup_ns_id: 11, time_ns_id: 12 } as const;
export const TASK_KOBJ_IDS_ENTRY: MessageSchema<TaskKobjIdsEntry> = {
  name: 'task_kobj_ids_entry',
  fields: [
    { number: 1, name: 'vm_id', label: 'required', type: 'uint32' },
    { number: 2, name: 'files_id', label: 'required', type: 'uint32' },
    { number: 3, name: 'fs_id', label: 'required', type: 'uint32' },
    { number: 4, name: 'sighand_id', label: 'required', type: 'uint32' },
    { number: 5, name: 'pid_ns_id', label: 'optional', type: 'uint32' },
    { number: 6, name: 'net_ns_id', label: 'optional', type: 'uint32' },
    { number: 7, name: 'ipc_ns_id', label: 'optional', type: 'uint32' },
    { number: 8, name: 'uts_ns_id', label: 'optional', type: 'uint32' },
    { number: 9, name: 'mnt_ns_id', label: 'optional', type: 'uint32' },
    { number: 10, name: 'user_ns_id', label: 'optional', type: 'uint32' },
    { number: 11, name: 'cgroup_ns_id', label: 'optional', type: 'uint32' },
    { number: 12, name: 'time_ns_id', label: 'optional', type: 'uint32' },
  ],
};

export interface FdinfoEntry {
  id: number;
  flags: number;
  type: number;
  fd: number;
  xattr_security_selinux?: Buffer;
}
export const FDINFO_ENTRY_FIELDS = { id: 1, flags: 2, type: 3, fd: 4, xattr_security_selinux: 5 } as const;
export const FDINFO_ENTRY: MessageSchema<FdinfoEntry> = {
  name: 'fdinfo_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint32' },
    { number: 2, name: 'flags', label: 'required', type: 'uint32' },
    { number: 3, name: 'type', label: 'required', type: 'enum' },
    { number: 4, name: 'fd', label: 'required', type: 'uint32' },
    { number: 5, name: 'xattr_security_selinux', label: 'optional', type: 'string' },
  ],
};

export interface FileEntry {
  type: number;
  id: number;
  reg?: RegFileEntry;
  isk?: InetSkEntry;
  nsf?: NsFileEntry;
  psk?: PacketSockEntry;
  nlsk?: NetlinkSkEntry;
  efd?: EventfdFileEntry;
  epfd?: EventpollFileEntry;
  sgfd?: SignalfdEntry;
  tunf?: TunfileEntry;
  tfd?: TimerfdEntry;
  ify?: InotifyFileEntry;
  ffy?: FanotifyFileEntry;
  ext?: ExtFileEntry;
  usk?: UnixSkEntry;
  fifo?: FifoEntry;
  pipe?: PipeEntry;
  tty?: TtyFileEntry;
  memfd?: MemfdFileEntry;
  bpf?: BpfmapFileEntry;
  pidfd?: PidfdEntry;
}
export const FILE_ENTRY_FIELDS = { type: 1, id: 2, reg: 3, isk: 4, nsf: 5, psk: 6, nlsk: 7, efd: 8, epfd: 9, sgfd: 10, tunf: 11, tfd: 12, ify: 13, ffy: 14, ext: 15, usk: 16, fifo: 17, pipe: 18, tty: 19, memfd: 20, bpf: 21, pidfd: 22 } as const;
export const FILE_ENTRY: MessageSchema<FileEntry> = {
  name: 'file_entry',
  fields: [
    { number: 1, name: 'type', label: 'required', type: 'enum' },
    { number: 2, name: 'id', label: 'required', type: 'uint32' },
    { number: 3, name: 'reg', label: 'optional', type: 'message', message: () => REG_FILE_ENTRY },
    { number: 4, name: 'isk', label: 'optional', type: 'message', message: () => INET_SK_ENTRY },
    { number: 5, name: 'nsf', label: 'optional', type: 'message', message: () => NS_FILE_ENTRY },
    { number: 6, name: 'psk', label: 'optional', type: 'message', message: () => PACKET_SOCK_ENTRY },
    { number: 7, name: 'nlsk', label: 'optional', type: 'message', message: () => NETLINK_SK_ENTRY },
    { number: 8, name: 'efd', label: 'optional', type: 'message', message: () => EVENTFD_FILE_ENTRY },
    { number: 9, name: 'epfd', label: 'optional', type: 'message', message: () => EVENTPOLL_FILE_ENTRY },
    { number: 10, name: 'sgfd', label: 'optional', type: 'message', message: () => SIGNALFD_ENTRY },
    { number: 11, name: 'tunf', label: 'optional', type: 'message', message: () => TUNFILE_ENTRY },
    { number: 12, name: 'tfd', label: 'optional', type: 'message', message: () => TIMERFD_ENTRY },
    { number: 13, name: 'ify', label: 'optional', type: 'message', message: () => INOTIFY_FILE_ENTRY },
    { number: 14, name: 'ffy', label: 'optional', type: 'message', message: () => FANOTIFY_FILE_ENTRY },
    { number: 15, name: 'ext', label: 'optional', type: 'message', message: () => EXT_FILE_ENTRY },
    { number: 16, name: 'usk', label: 'optional', type: 'message', message: () => UNIX_SK_ENTRY },
    { number: 17, name: 'fifo', label: 'optional', type: 'message', message: () => FIFO_ENTRY },
    { number: 18, name: 'pipe', label: 'optional', type: 'message', message: () => PIPE_ENTRY },
    { number: 19, name: 'tty', label: 'optional', type: 'message', message: () => TTY_FILE_ENTRY },
    { number: 20, name: 'memfd', label: 'optional', type: 'message', message: () => MEMFD_FILE_ENTRY },
    { number: 21, name: 'bpf', label: 'optional', type: 'message', message: () => BPFMAP_FILE_ENTRY },
    { number: 22, name: 'pidfd', label: 'optional', type: 'message', message: () => PIDFD_ENTRY },
  ],
};

export interface RegFileEntry {
  id: number;
  flags: number;
  pos: bigint;
  fown: FownEntry;
  name: Buffer;
  mnt_id?: number;
  size?: bigint;
  ext?: boolean;
  mode?: number;
  build_id: number[];
  checksum?: number;
  checksum_config?: number;
  checksum_parameter?: number;
}
export const REG_FILE_ENTRY_FIELDS = { id: 1, flags: 2, pos: 3, fown: 5, name: 6, mnt_id: 7, size: 8, ext: 9, mode: 10, build_id: 11, checksum: 12, checksum_config: 13, checksum_parameter: 14 } as const;
export const REG_FILE_ENTRY: MessageSchema<RegFileEntry> = {
  name: 'reg_file_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint32' },
    { number: 2, name: 'flags', label: 'required', type: 'uint32' },
    { number: 3, name: 'pos', label: 'required', type: 'uint64' },
    { number: 5, name: 'fown', label: 'required', type: 'message', message: () => FOWN_ENTRY },
    { number: 6, name: 'name', label: 'required', type: 'string' },
    { number: 7, name: 'mnt_id', label: 'optional', type: 'sint32' },
    { number: 8, name: 'size', label: 'optional', type: 'uint64' },
    { number: 9, name: 'ext', label: 'optional', type: 'bool' },
    { number: 10, name: 'mode', label: 'optional', type: 'uint32' },
    { number: 11, name: 'build_id', label: 'repeated', type: 'uint32' },
    { number: 12, name: 'checksum', label: 'optional', type: 'uint32' },
    { number: 13, name: 'checksum_config', label: 'optional', type: 'uint32' },
    { number: 14, name: 'checksum_parameter', label: 'optional', type: 'uint32' },
  ],
};

export interface PipeEntry {
  id: number;
  pipe_id: number;
  flags: number;
  fown: FownEntry;
  uid?: number;
  gid?: number;
}
export const PIPE_ENTRY_FIELDS = { id: 1, pipe_id: 2, flags: 3, fown: 4, uid: 5, gid: 6 } as const;
export const PIPE_ENTRY: MessageSchema<PipeEntry> = {
  name: 'pipe_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint32' },
    { number: 2, name: 'pipe_id', label: 'required', type: 'uint32' },
    { number: 3, name: 'flags', label: 'required', type: 'uint32' },
    { number: 4, name: 'fown', label: 'required', type: 'message', message: () => FOWN_ENTRY },
    { number: 5, name: 'uid', label: 'optional', type: 'uint32' },
    { number: 6, name: 'gid', label: 'optional', type: 'uint32' },
  ],
};

export interface FifoEntry {
  id: number;
  pipe_id: number;
  regf_id?: number;
  wait_writer?: boolean;
}
export const FIFO_ENTRY_FIELDS = { id: 1, pipe_id: 2, regf_id: 3, wait_writer: 4 } as const;
export const FIFO_ENTRY: MessageSchema<FifoEntry> = {
  name: 'fifo_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint32' },
    { number: 2, name: 'pipe_id', label: 'required', type: 'uint32' },
    { number: 3, name: 'regf_id', label: 'optional', type: 'uint32' },
    { number: 4, name: 'wait_writer', label: 'optional', type: 'bool' },
  ],
};

export interface ExtFileEntry {
  id: number;
  fown: FownEntry;
}
export const EXT_FILE_ENTRY_FIELDS = { id: 1, fown: 5 } as const;
export const EXT_FILE_ENTRY: MessageSchema<ExtFileEntry> = {
  name: 'ext_file_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint32' },
    { number: 5, name: 'fown', label: 'required', type: 'message', message: () => FOWN_ENTRY },
  ],
};

export interface TtyFileEntry {
  id: number;
  tty_info_id: number;
  flags: number;
  fown: FownEntry;
  regf_id?: number;
}
export const TTY_FILE_ENTRY_FIELDS = { id: 1, tty_info_id: 2, flags: 3, fown: 4, regf_id: 6 } as const;
export const TTY_FILE_ENTRY: MessageSchema<TtyFileEntry> = {
  name: 'tty_file_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint32' },
    { number: 2, name: 'tty_info_id', label: 'required', type: 'uint32' },
    { number: 3, name: 'flags', label: 'required', type: 'uint32' },
    { number: 4, name: 'fown', label: 'required', type: 'message', message: () => FOWN_ENTRY },
    { number: 6, name: 'regf_id', label: 'optional', type: 'uint32' },
  ],
};

export interface MemfdFileEntry {
  id: number;
  flags: number;
  pos: bigint;
  fown: FownEntry;
  inode_id: number;
}
export const MEMFD_FILE_ENTRY_FIELDS = { id: 1, flags: 2, pos: 3, fown: 4, inode_id: 5 } as const;
export const MEMFD_FILE_ENTRY: MessageSchema<MemfdFileEntry> = {
  name: 'memfd_file_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint32' },
    { number: 2, name: 'flags', label: 'required', type: 'uint32' },
    { number: 3, name: 'pos', label: 'required', type: 'uint64' },
    { number: 4, name: 'fown', label: 'required', type: 'message', message: () => FOWN_ENTRY },
    { number: 5, name: 'inode_id', label: 'required', type: 'uint32' },
  ],
};

export interface NsFileEntry {
  id: number;
  ns_id: number;
  ns_cflag: number;
  flags: number;
}
export const NS_FILE_ENTRY_FIELDS = { id: 1, ns_id: 2, ns_cflag: 3, flags: 4 } as const;
export const NS_FILE_ENTRY: MessageSchema<NsFileEntry> = {
  name: 'ns_file_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint32' },
    { number: 2, name: 'ns_id', label: 'required', type: 'uint32' },
    { number: 3, name: 'ns_cflag', label: 'required', type: 'uint32' },
    { number: 4, name: 'flags', label: 'required', type: 'uint32' },
  ],
};

export interface TunfileEntry {
  id: number;
  netdev?: Buffer;
  detached?: boolean;
  ns_id?: number;
}
export const TUNFILE_ENTRY_FIELDS = { id: 1, netdev: 2, detached: 3, ns_id: 4 } as const;
export const TUNFILE_ENTRY: MessageSchema<TunfileEntry> = {
  name: 'tunfile_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint32' },
    { number: 2, name: 'netdev', label: 'optional', type: 'string' },
    { number: 3, name: 'detached', label: 'optional', type: 'bool' },
    { number: 4, name: 'ns_id', label: 'optional', type: 'uint32' },
  ],
};

export interface EventfdFileEntry {
  id: number;
  flags: number;
  fown: FownEntry;
  counter: bigint;
}
export const EVENTFD_FILE_ENTRY_FIELDS = { id: 1, flags: 2, fown: 3, counter: 4 } as const;
export const EVENTFD_FILE_ENTRY: MessageSchema<EventfdFileEntry> = {
  name: 'eventfd_file_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint32' },
    { number: 2, name: 'flags', label: 'required', type: 'uint32' },
    { number: 3, name: 'fown', label: 'required', type: 'message', message: () => FOWN_ENTRY },
    { number: 4, name: 'counter', label: 'required', type: 'uint64' },
  ],
};

export interface SignalfdEntry {
  id: number;
  flags: number;
  fown: FownEntry;
  sigmask: bigint;
}
export const SIGNALFD_ENTRY_FIELDS = { id: 1, flags: 2, fown: 3, sigmask: 4 } as const;
export const SIGNALFD_ENTRY: MessageSchema<SignalfdEntry> = {
  name: 'signalfd_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint32' },
    { number: 2, name: 'flags', label: 'required', type: 'uint32' },
    { number: 3, name: 'fown', label: 'required', type: 'message', message: () => FOWN_ENTRY },
    { number: 4, name: 'sigmask', label: 'required', type: 'uint64' },
  ],
};

export interface TimerfdEntry {
  id: number;
  flags: number;
  fown: FownEntry;
  clockid: number;
  ticks: bigint;
  settime_flags: number;
  vsec: bigint;
  vnsec: bigint;
  isec: bigint;
  insec: bigint;
}
export const TIMERFD_ENTRY_FIELDS = { id: 1, flags: 2, fown: 3, clockid: 4, ticks: 5, settime_flags: 6, vsec: 7, vnsec: 8, isec: 9, insec: 10 } as const;
export const TIMERFD_ENTRY: MessageSchema<TimerfdEntry> = {
  name: 'timerfd_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint32' },
    { number: 2, name: 'flags', label: 'required', type: 'uint32' },
    { number: 3, name: 'fown', label: 'required', type: 'message', message: () => FOWN_ENTRY },
    { number: 4, name: 'clockid', label: 'required', type: 'uint32' },
    { number: 5, name: 'ticks', label: 'required', type: 'uint64' },
    { number: 6, name: 'settime_flags', label: 'required', type: 'uint32' },
    { number: 7, name: 'vsec', label: 'required', type: 'uint64' },
    { number: 8, name: 'vnsec', label: 'required', type: 'uint64' },
    { number: 9, name: 'isec', label: 'required', type: 'uint64' },
    { number: 10, name: 'insec', label: 'required', type: 'uint64' },
  ],
};

export interface PidfdEntry {
  id: number;
  ino: number;
  flags: number;
  nspid: number;
  fown: FownEntry;
}
export const PIDFD_ENTRY_FIELDS = { id: 1, ino: 2, flags: 3, nspid: 4, fown: 5 } as const;
export const PIDFD_ENTRY: MessageSchema<PidfdEntry> = {
  name: 'pidfd_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint32' },
    { number: 2, name: 'ino', label: 'required', type: 'uint32' },
    { number: 3, name: 'flags', label: 'required', type: 'uint32' },
    { number: 4, name: 'nspid', label: 'required', type: 'int32' },
    { number: 5, name: 'fown', label: 'required', type: 'message', message: () => FOWN_ENTRY },
  ],
};

export interface BpfmapFileEntry {
  id: number;
  flags: number;
  pos: bigint;
  fown: FownEntry;
  map_type: number;
  key_size: number;
  value_size: number;
  map_id: number;
  max_entries: number;
  map_flags: number;
  memlock: bigint;
  frozen: boolean;
  map_name: Buffer;
  ifindex: number;
  mnt_id?: number;
  map_extra?: bigint;
}
export const BPFMAP_FILE_ENTRY_FIELDS = { id: 1, flags: 2, pos: 3, fown: 4, map_type: 5, key_size: 6, value_size: 7, map_id: 8, max_entries: 9, map_flags: 10, memlock: 11, frozen: 12, map_name: 13, ifindex: 14, mnt_id: 15, map_extra: 16 } as const;
export const BPFMAP_FILE_ENTRY: MessageSchema<BpfmapFileEntry> = {
  name: 'bpfmap_file_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint32' },
    { number: 2, name: 'flags', label: 'required', type: 'uint32' },
    { number: 3, name: 'pos', label: 'required', type: 'uint64' },
    { number: 4, name: 'fown', label: 'required', type: 'message', message: () => FOWN_ENTRY },
    { number: 5, name: 'map_type', label: 'required', type: 'uint32' },
    { number: 6, name: 'key_size', label: 'required', type: 'uint32' },
    { number: 7, name: 'value_size', label: 'required', type: 'uint32' },
    { number: 8, name: 'map_id', label: 'required', type: 'uint32' },
    { number: 9, name: 'max_entries', label: 'required', type: 'uint32' },
    { number: 10, name: 'map_flags', label: 'required', type: 'uint32' },
    { number: 11, name: 'memlock', label: 'required', type: 'uint64' },
    { number: 12, name: 'frozen', label: 'required', type: 'bool' },
    { number: 13, name: 'map_name', label: 'required', type: 'string' },
    { number: 14, name: 'ifindex', label: 'required', type: 'uint32' },
    { number: 15, name: 'mnt_id', label: 'optional', type: 'sint32' },
    { number: 16, name: 'map_extra', label: 'optional', type: 'uint64' },
  ],
};

export interface FownEntry {
  uid: number;
  euid: number;
  signum: number;
  pid_type: number;
  pid: number;
}
export const FOWN_ENTRY_FIELDS = { uid: 1, euid: 2, signum: 3, pid_type: 4, pid: 5 } as const;
export const FOWN_ENTRY: MessageSchema<FownEntry> = {
  name: 'fown_entry',
  fields: [
    { number: 1, name: 'uid', label: 'required', type: 'uint32' },
    { number: 2, name: 'euid', label: 'required', type: 'uint32' },
    { number: 3, name: 'signum', label: 'required', type: 'uint32' },
    { number: 4, name: 'pid_type', label: 'required', type: 'uint32' },
    { number: 5, name: 'pid', label: 'required', type: 'uint32' },
  ],
};

export interface InetSkEntry {
  id: number;
  ino: number;
  family: number;
  type: number;
  proto: number;
  state: number;
  src_port: number;
  dst_port: number;
  flags: number;
  backlog: number;
  src_addr: number[];
  dst_addr: number[];
  fown: FownEntry;
  opts: SkOptsEntry;
  v6only?: boolean;
  ip_opts?: IpOptsEntry;
  ifname?: Buffer;
  ns_id?: number;
  shutdown?: number;
  tcp_opts?: TcpOptsEntry;
  uid?: number;
}
export const INET_SK_ENTRY_FIELDS = { id: 1, ino: 2, family: 3, type: 4, proto: 5, state: 6, src_port: 7, dst_port: 8, flags: 9, backlog: 10, src_addr: 11, dst_addr: 12, fown: 13, opts: 14, v6only: 15, ip_opts: 16, ifname: 17, ns_id: 18, shutdown: 19, tcp_opts: 20, uid: 21 } as const;
export const INET_SK_ENTRY: MessageSchema<InetSkEntry> = {
  name: 'inet_sk_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint32' },
    { number: 2, name: 'ino', label: 'required', type: 'uint32' },
    { number: 3, name: 'family', label: 'required', type: 'uint32' },
    { number: 4, name: 'type', label: 'required', type: 'uint32' },
    { number: 5, name: 'proto', label: 'required', type: 'uint32' },
    { number: 6, name: 'state', label: 'required', type: 'uint32' },
    { number: 7, name: 'src_port', label: 'required', type: 'uint32' },
    { number: 8, name: 'dst_port', label: 'required', type: 'uint32' },
    { number: 9, name: 'flags', label: 'required', type: 'uint32' },
    { number: 10, name: 'backlog', label: 'required', type: 'uint32' },
    { number: 11, name: 'src_addr', label: 'repeated', type: 'uint32' },
    { number: 12, name: 'dst_addr', label: 'repeated', type: 'uint32' },
    { number: 13, name: 'fown', label: 'required', type: 'message', message: () => FOWN_ENTRY },
    { number: 14, name: 'opts', label: 'required', type: 'message', message: () => SK_OPTS_ENTRY },
    { number: 15, name: 'v6only', label: 'optional', type: 'bool' },
    { number: 16, name: 'ip_opts', label: 'optional', type: 'message', message: () => IP_OPTS_ENTRY },
    { number: 17, name: 'ifname', label: 'optional', type: 'string' },
    { number: 18, name: 'ns_id', label: 'optional', type: 'uint32' },
    { number: 19, name: 'shutdown', label: 'optional', type: 'enum' },
    { number: 20, name: 'tcp_opts', label: 'optional', type: 'message', message: () => TCP_OPTS_ENTRY },
    { number: 21, name: 'uid', label: 'optional', type: 'uint32' },
  ],
};

export interface IpOptsEntry {
  freebind?: boolean;
  raw?: IpOptsRawEntry;
  pktinfo?: boolean;
  tos?: number;
  ttl?: number;
}
export const IP_OPTS_ENTRY_FIELDS = { freebind: 1, raw: 4, pktinfo: 5, tos: 6, ttl: 7 } as const;
export const IP_OPTS_ENTRY: MessageSchema<IpOptsEntry> = {
  name: 'ip_opts_entry',
  fields: [
    { number: 1, name: 'freebind', label: 'optional', type: 'bool' },
    { number: 4, name: 'raw', label: 'optional', type: 'message', message: () => IP_OPTS_RAW_ENTRY },
    { number: 5, name: 'pktinfo', label: 'optional', type: 'bool' },
    { number: 6, name: 'tos', label: 'optional', type: 'uint32' },
    { number: 7, name: 'ttl', label: 'optional', type: 'uint32' },
  ],
};

export interface IpOptsRawEntry {
  hdrincl?: boolean;
  nodefrag?: boolean;
  checksum?: boolean;
  icmpv_filter: number[];
}
export const IP_OPTS_RAW_ENTRY_FIELDS = { hdrincl: 1, nodefrag: 2, checksum: 3, icmpv_filter: 4 } as const;
export const IP_OPTS_RAW_ENTRY: MessageSchema<IpOptsRawEntry> = {
  name: 'ip_opts_raw_entry',
  fields: [
    { number: 1, name: 'hdrincl', label: 'optional', type: 'bool' },
    { number: 2, name: 'nodefrag', label: 'optional', type: 'bool' },
    { number: 3, name: 'checksum', label: 'optional', type: 'bool' },
    { number: 4, name: 'icmpv_filter', label: 'repeated', type: 'uint32' },
  ],
};

export interface TcpOptsEntry {
  cork?: boolean;
  nodelay?: boolean;
  keepcnt?: number;
  keepidle?: number;
  keepintvl?: number;
}
export const TCP_OPTS_ENTRY_FIELDS = { cork: 1, nodelay: 2, keepcnt: 3, keepidle: 4, keepintvl: 5 } as const;
export const TCP_OPTS_ENTRY: MessageSchema<TcpOptsEntry> = {
  name: 'tcp_opts_entry',
  fields: [
    { number: 1, name: 'cork', label: 'optional', type: 'bool' },
    { number: 2, name: 'nodelay', label: 'optional', type: 'bool' },
    { number: 3, name: 'keepcnt', label: 'optional', type: 'uint32' },
    { number: 4, name: 'keepidle', label: 'optional', type: 'uint32' },
    { number: 5, name: 'keepintvl', label: 'optional', type: 'uint32' },
  ],
};

export interface UnixSkEntry {
  id: number;
  ino: number;
  type: number;
  state: number;
  flags: number;
  uflags: number;
  backlog: number;
  peer: number;
  fown: FownEntry;
  opts: SkOptsEntry;
  name: Buffer;
  shutdown?: number;
  file_perms?: FilePermsEntry;
  name_dir?: Buffer;
  deleted?: boolean;
  ns_id?: number;
  mnt_id?: number;
}
export const UNIX_SK_ENTRY_FIELDS = { id: 1, ino: 2, type: 3, state: 4, flags: 5, uflags: 6, backlog: 7, peer: 8, fown: 9, opts: 10, name: 11, shutdown: 12, file_perms: 13, name_dir: 14, deleted: 15, ns_id: 16, mnt_id: 17 } as const;
export const UNIX_SK_ENTRY: MessageSchema<UnixSkEntry> = {
  name: 'unix_sk_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint32' },
    { number: 2, name: 'ino', label: 'required', type: 'uint32' },
    { number: 3, name: 'type', label: 'required', type: 'uint32' },
    { number: 4, name: 'state', label: 'required', type: 'uint32' },
    { number: 5, name: 'flags', label: 'required', type: 'uint32' },
    { number: 6, name: 'uflags', label: 'required', type: 'uint32' },
    { number: 7, name: 'backlog', label: 'required', type: 'uint32' },
    { number: 8, name: 'peer', label: 'required', type: 'uint32' },
    { number: 9, name: 'fown', label: 'required', type: 'message', message: () => FOWN_ENTRY },
    { number: 10, name: 'opts', label: 'required', type: 'message', message: () => SK_OPTS_ENTRY },
    { number: 11, name: 'name', label: 'required', type: 'bytes' },
    { number: 12, name: 'shutdown', label: 'optional', type: 'enum' },
    { number: 13, name: 'file_perms', label: 'optional', type: 'message', message: () => FILE_PERMS_ENTRY },
    { number: 14, name: 'name_dir', label: 'optional', type: 'string' },
    { number: 15, name: 'deleted', label: 'optional', type: 'bool' },
    { number: 16, name: 'ns_id', label: 'optional', type: 'uint32' },
    { number: 17, name: 'mnt_id', label: 'optional', type: 'sint32' },
  ],
};

export interface FilePermsEntry {
  mode: number;
  uid: number;
  gid: number;
}
export const FILE_PERMS_ENTRY_FIELDS = { mode: 1, uid: 2, gid: 3 } as const;
export const FILE_PERMS_ENTRY: MessageSchema<FilePermsEntry> = {
  name: 'file_perms_entry',
  fields: [
    { number: 1, name: 'mode', label: 'required', type: 'uint32' },
    { number: 2, name: 'uid', label: 'required', type: 'uint32' },
    { number: 3, name: 'gid', label: 'required', type: 'uint32' },
  ],
};

export interface PacketSockEntry {
  id: number;
  type: number;
  protocol: number;
  flags: number;
  ifindex: number;
  fown: FownEntry;
  opts: SkOptsEntry;
  version: number;
  reserve: number;
  aux_data: boolean;
  orig_dev: boolean;
  vnet_hdr: boolean;
  loss: boolean;
  timestamp: number;
  copy_thresh: number;
  mclist: PacketMclist[];
  fanout?: number;
  rx_ring?: PacketRing;
  tx_ring?: PacketRing;
  ns_id?: number;
}
export const PACKET_SOCK_ENTRY_FIELDS = { id: 1, type: 2, protocol: 3, flags: 4, ifindex: 5, fown: 6, opts: 7, version: 8, reserve: 9, aux_data: 10, orig_dev: 11, vnet_hdr: 12, loss: 13, timestamp: 14, copy_thresh: 15, mclist: 16, fanout: 17, rx_ring: 18, tx_ring: 19, ns_id: 20 } as const;
export const PACKET_SOCK_ENTRY: MessageSchema<PacketSockEntry> = {
  name: 'packet_sock_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint32' },
    { number: 2, name: 'type', label: 'required', type: 'uint32' },
    { number: 3, name: 'protocol', label: 'required', type: 'uint32' },
    { number: 4, name: 'flags', label: 'required', type: 'uint32' },
    { number: 5, name: 'ifindex', label: 'required', type: 'uint32' },
    { number: 6, name: 'fown', label: 'required', type: 'message', message: () => FOWN_ENTRY },
    { number: 7, name: 'opts', label: 'required', type: 'message', message: () => SK_OPTS_ENTRY },
    { number: 8, name: 'version', label: 'required', type: 'uint32' },
    { number: 9, name: 'reserve', label: 'required', type: 'uint32' },
    { number: 10, name: 'aux_data', label: 'required', type: 'bool' },
    { number: 11, name: 'orig_dev', label: 'required', type: 'bool' },
    { number: 12, name: 'vnet_hdr', label: 'required', type: 'bool' },
    { number: 13, name: 'loss', label: 'required', type: 'bool' },
    { number: 14, name: 'timestamp', label: 'required', type: 'uint32' },
    { number: 15, name: 'copy_thresh', label: 'required', type: 'uint32' },
    { number: 16, name: 'mclist', label: 'repeated', type: 'message', message: () => PACKET_MCLIST },
    { number: 17, name: 'fanout', label: 'optional', type: 'uint32' },
    { number: 18, name: 'rx_ring', label: 'optional', type: 'message', message: () => PACKET_RING },
    { number: 19, name: 'tx_ring', label: 'optional', type: 'message', message: () => PACKET_RING },
    { number: 20, name: 'ns_id', label: 'optional', type: 'uint32' },
  ],
};

export interface PacketMclist {
  index: number;
  type: number;
  addr: Buffer;
}
export const PACKET_MCLIST_FIELDS = { index: 1, type: 2, addr: 3 } as const;
export const PACKET_MCLIST: MessageSchema<PacketMclist> = {
  name: 'packet_mclist',
  fields: [
    { number: 1, name: 'index', label: 'required', type: 'uint32' },
    { number: 2, name: 'type', label: 'required', type: 'uint32' },
    { number: 3, name: 'addr', label: 'required', type: 'bytes' },
  ],
};

export interface PacketRing {
  block_size: number;
  block_nr: number;
  frame_size: number;
  frame_nr: number;
  retire_tmo: number;
  sizeof_priv: number;
  features: number;
}
export const PACKET_RING_FIELDS = { block_size: 1, block_nr: 2, frame_size: 3, frame_nr: 4, retire_tmo: 5, sizeof_priv: 6, features: 7 } as const;
export const PACKET_RING: MessageSchema<PacketRing> = {
  name: 'packet_ring',
  fields: [
    { number: 1, name: 'block_size', label: 'required', type: 'uint32' },
    { number: 2, name: 'block_nr', label: 'required', type: 'uint32' },
    { number: 3, name: 'frame_size', label: 'required', type: 'uint32' },
    { number: 4, name: 'frame_nr', label: 'required', type: 'uint32' },
    { number: 5, name: 'retire_tmo', label: 'required', type: 'uint32' },
    { number: 6, name: 'sizeof_priv', label: 'required', type: 'uint32' },
    { number: 7, name: 'features', label: 'required', type: 'uint32' },
  ],
};

export interface NetlinkSkEntry {
  id: number;
  ino: number;
  protocol: number;
  state: number;
  flags: number;
  portid: number;
  groups: number[];
  dst_portid: number;
  dst_group: number;
  fown: FownEntry;
  opts: SkOptsEntry;
  ns_id?: number;
}
export const NETLINK_SK_ENTRY_FIELDS = { id: 1, ino: 2, protocol: 3, state: 4, flags: 6, portid: 7, groups: 8, dst_portid: 9, dst_group: 10, fown: 11, opts: 12, ns_id: 13 } as const;
export const NETLINK_SK_ENTRY: MessageSchema<NetlinkSkEntry> = {
  name: 'netlink_sk_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint32' },
    { number: 2, name: 'ino', label: 'required', type: 'uint32' },
    { number: 3, name: 'protocol', label: 'required', type: 'uint32' },
    { number: 4, name: 'state', label: 'required', type: 'uint32' },
    { number: 6, name: 'flags', label: 'required', type: 'uint32' },
    { number: 7, name: 'portid', label: 'required', type: 'uint32' },
    { number: 8, name: 'groups', label: 'repeated', type: 'uint32' },
    { number: 9, name: 'dst_portid', label: 'required', type: 'uint32' },
    { number: 10, name: 'dst_group', label: 'required', type: 'uint32' },
    { number: 11, name: 'fown', label: 'required', type: 'message', message: () => FOWN_ENTRY },
    { number: 12, name: 'opts', label: 'required', type: 'message', message: () => SK_OPTS_ENTRY },
    { number: 13, name: 'ns_id', label: 'optional', type: 'uint32' },
  ],
};

export interface SkOptsEntry {
  so_sndbuf: number;
  so_rcvbuf: number;
  so_snd_tmo_sec: bigint;
  so_snd_tmo_usec: bigint;
  so_rcv_tmo_sec: bigint;
  so_rcv_tmo_usec: bigint;
  reuseaddr?: boolean;
  so_priority?: number;
  so_rcvlowat?: number;
  so_mark?: number;
  so_passcred?: boolean;
  so_passsec?: boolean;
  so_dontroute?: boolean;
  so_no_check?: boolean;
  so_bound_dev?: Buffer;
  so_filter: bigint[];
  so_reuseport?: boolean;
  so_broadcast?: boolean;
  so_keepalive?: boolean;
  tcp_keepcnt?: number;
  tcp_keepidle?: number;
  tcp_keepintvl?: number;
  so_oobinline?: number;
  so_linger?: number;
  so_buf_lock?: number;
}
export const SK_OPTS_ENTRY_FIELDS = { so_sndbuf: 1, so_rcvbuf: 2, so_snd_tmo_sec: 3, so_snd_tmo_usec: 4, so_rcv_tmo_sec: 5, so_rcv_tmo_usec: 6, reuseaddr: 7, so_priority: 8, so_rcvlowat: 9, so_mark: 10, so_passcred: 11, so_passsec: 12, so_dontroute: 13, so_no_check: 14, so_bound_dev: 15, so_filter: 16, so_reuseport: 17, so_broadcast: 18, so_keepalive: 19, tcp_keepcnt: 20, tcp_keepidle: 21, tcp_keepintvl: 22, so_oobinline: 23, so_linger: 24, so_buf_lock: 25 } as const;
export const SK_OPTS_ENTRY: MessageSchema<SkOptsEntry> = {
  name: 'sk_opts_entry',
  fields: [
    { number: 1, name: 'so_sndbuf', label: 'required', type: 'uint32' },
    { number: 2, name: 'so_rcvbuf', label: 'required', type: 'uint32' },
    { number: 3, name: 'so_snd_tmo_sec', label: 'required', type: 'uint64' },
    { number: 4, name: 'so_snd_tmo_usec', label: 'required', type: 'uint64' },
    { number: 5, name: 'so_rcv_tmo_sec', label: 'required', type: 'uint64' },
    { number: 6, name: 'so_rcv_tmo_usec', label: 'required', type: 'uint64' },
    { number: 7, name: 'reuseaddr', label: 'optional', type: 'bool' },
    { number: 8, name: 'so_priority', label: 'optional', type: 'uint32' },
    { number: 9, name: 'so_rcvlowat', label: 'optional', type: 'uint32' },
    { number: 10, name: 'so_mark', label: 'optional', type: 'uint32' },
    { number: 11, name: 'so_passcred', label: 'optional', type: 'bool' },
    { number: 12, name: 'so_passsec', label: 'optional', type: 'bool' },
    { number: 13, name: 'so_dontroute', label: 'optional', type: 'bool' },
    { number: 14, name: 'so_no_check', label: 'optional', type: 'bool' },
    { number: 15, name: 'so_bound_dev', label: 'optional', type: 'string' },
    { number: 16, name: 'so_filter', label: 'repeated', type: 'fixed64' },
    { number: 17, name: 'so_reuseport', label: 'optional', type: 'bool' },
    { number: 18, name: 'so_broadcast', label: 'optional', type: 'bool' },
    { number: 19, name: 'so_keepalive', label: 'optional', type: 'bool' },
    { number: 20, name: 'tcp_keepcnt', label: 'optional', type: 'uint32' },
    { number: 21, name: 'tcp_keepidle', label: 'optional', type: 'uint32' },
    { number: 22, name: 'tcp_keepintvl', label: 'optional', type: 'uint32' },
    { number: 23, name: 'so_oobinline', label: 'optional', type: 'uint32' },
    { number: 24, name: 'so_linger', label: 'optional', type: 'uint32' },
    { number: 25, name: 'so_buf_lock', label: 'optional', type: 'uint32' },
  ],
};

export interface SkPacketEntry {
  id_for: number;
  length: number;
  scm: ScmEntry[];
  ucred?: SkUcredEntry;
}
export const SK_PACKET_ENTRY_FIELDS = { id_for: 1, length: 2, scm: 4, ucred: 128 } as const;
export const SK_PACKET_ENTRY: MessageSchema<SkPacketEntry> = {
  name: 'sk_packet_entry',
  fields: [
    { number: 1, name: 'id_for', label: 'required', type: 'uint32' },
    { number: 2, name: 'length', label: 'required', type: 'uint32' },
    { number: 4, name: 'scm', label: 'repeated', type: 'message', message: () => SCM_ENTRY },
    { number: 128, name: 'ucred', label: 'optional', type: 'message', message: () => SK_UCRED_ENTRY },
  ],
};

export interface ScmEntry {
  type: number;
  rights: number[];
}
export const SCM_ENTRY_FIELDS = { type: 1, rights: 2 } as const;
export const SCM_ENTRY: MessageSchema<ScmEntry> = {
  name: 'scm_entry',
  fields: [
    { number: 1, name: 'type', label: 'required', type: 'uint32' },
    { number: 2, name: 'rights', label: 'repeated', type: 'uint32' },
  ],
};

export interface SkUcredEntry {
  uid: number;
  gid: number;
  pid: number;
}
export const SK_UCRED_ENTRY_FIELDS = { uid: 1, gid: 2, pid: 3 } as const;
export const SK_UCRED_ENTRY: MessageSchema<SkUcredEntry> = {
  name: 'sk_ucred_entry',
  fields: [
    { number: 1, name: 'uid', label: 'required', type: 'uint32' },
    { number: 2, name: 'gid', label: 'required', type: 'uint32' },
    { number: 3, name: 'pid', label: 'required', type: 'uint32' },
  ],
};

export interface EventpollFileEntry {
  id: number;
  flags: number;
  fown: FownEntry;
  tfd: EventpollTfdEntry[];
}
export const EVENTPOLL_FILE_ENTRY_FIELDS = { id: 1, flags: 2, fown: 3, tfd: 4 } as const;
export const EVENTPOLL_FILE_ENTRY: MessageSchema<EventpollFileEntry> = {
  name: 'eventpoll_file_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint32' },
    { number: 2, name: 'flags', label: 'required', type: 'uint32' },
    { number: 3, name: 'fown', label: 'required', type: 'message', message: () => FOWN_ENTRY },
    { number: 4, name: 'tfd', label: 'repeated', type: 'message', message: () => EVENTPOLL_TFD_ENTRY },
  ],
};

export interface EventpollTfdEntry {
  id: number;
  tfd: number;
  events: number;
  data: bigint;
  dev?: number;
  inode?: bigint;
  pos?: bigint;
}
export const EVENTPOLL_TFD_ENTRY_FIELDS = { id: 1, tfd: 2, events: 3, data: 4, dev: 5, inode: 6, pos: 7 } as const;
export const EVENTPOLL_TFD_ENTRY: MessageSchema<EventpollTfdEntry> = {
  name: 'eventpoll_tfd_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint32' },
    { number: 2, name: 'tfd', label: 'required', type: 'uint32' },
    { number: 3, name: 'events', label: 'required', type: 'uint32' },
    { number: 4, name: 'data', label: 'required', type: 'uint64' },
    { number: 5, name: 'dev', label: 'optional', type: 'uint32' },
    { number: 6, name: 'inode', label: 'optional', type: 'uint64' },
    { number: 7, name: 'pos', label: 'optional', type: 'uint64' },
  ],
};

export interface InotifyFileEntry {
  id: number;
  flags: number;
  fown: FownEntry;
  wd: InotifyWdEntry[];
}
export const INOTIFY_FILE_ENTRY_FIELDS = { id: 1, flags: 2, fown: 4, wd: 5 } as const;
export const INOTIFY_FILE_ENTRY: MessageSchema<InotifyFileEntry> = {
  name: 'inotify_file_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint32' },
    { number: 2, name: 'flags', label: 'required', type: 'uint32' },
    { number: 4, name: 'fown', label: 'required', type: 'message', message: () => FOWN_ENTRY },
    { number: 5, name: 'wd', label: 'repeated', type: 'message', message: () => INOTIFY_WD_ENTRY },
  ],
};

export interface InotifyWdEntry {
  id: number;
  i_ino: bigint;
  mask: number;
  ignored_mask: number;
  s_dev: number;
  wd: number;
  f_handle: FhEntry;
}
export const INOTIFY_WD_ENTRY_FIELDS = { id: 1, i_ino: 2, mask: 3, ignored_mask: 4, s_dev: 5, wd: 6, f_handle: 7 } as const;
export const INOTIFY_WD_ENTRY: MessageSchema<InotifyWdEntry> = {
  name: 'inotify_wd_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint32' },
    { number: 2, name: 'i_ino', label: 'required', type: 'uint64' },
    { number: 3, name: 'mask', label: 'required', type: 'uint32' },
    { number: 4, name: 'ignored_mask', label: 'required', type: 'uint32' },
    { number: 5, name: 's_dev', label: 'required', type: 'uint32' },
    { number: 6, name: 'wd', label: 'required', type: 'uint32' },
    { number: 7, name: 'f_handle', label: 'required', type: 'message', message: () => FH_ENTRY },
  ],
};

export interface FanotifyFileEntry {
  id: number;
  flags: number;
  fown: FownEntry;
  faflags: number;
  evflags: number;
  mark: FanotifyMarkEntry[];
}
export const FANOTIFY_FILE_ENTRY_FIELDS = { id: 1, flags: 2, fown: 3, faflags: 4, evflags: 5, mark: 6 } as const;
export const FANOTIFY_FILE_ENTRY: MessageSchema<FanotifyFileEntry> = {
  name: 'fanotify_file_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint32' },
    { number: 2, name: 'flags', label: 'required', type: 'uint32' },
    { number: 3, name: 'fown', label: 'required', type: 'message', message: () => FOWN_ENTRY },
    { number: 4, name: 'faflags', label: 'required', type: 'uint32' },
    { number: 5, name: 'evflags', label: 'required', type: 'uint32' },
    { number: 6, name: 'mark', label: 'repeated', type: 'message', message: () => FANOTIFY_MARK_ENTRY },
  ],
};

export interface FanotifyMarkEntry {
  id: number;
  type: number;
  mflags: number;
  mask: number;
  ignored_mask: number;
  s_dev: number;
  ie?: FanotifyInodeMarkEntry;
  me?: FanotifyMountMarkEntry;
}
export const FANOTIFY_MARK_ENTRY_FIELDS = { id: 1, type: 2, mflags: 3, mask: 4, ignored_mask: 5, s_dev: 6, ie: 7, me: 8 } as const;
export const FANOTIFY_MARK_ENTRY: MessageSchema<FanotifyMarkEntry> = {
  name: 'fanotify_mark_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint32' },
    { number: 2, name: 'type', label: 'required', type: 'enum' },
    { number: 3, name: 'mflags', label: 'required', type: 'uint32' },
    { number: 4, name: 'mask', label: 'required', type: 'uint32' },
    { number: 5, name: 'ignored_mask', label: 'required', type: 'uint32' },
    { number: 6, name: 's_dev', label: 'required', type: 'uint32' },
    { number: 7, name: 'ie', label: 'optional', type: 'message', message: () => FANOTIFY_INODE_MARK_ENTRY },
    { number: 8, name: 'me', label: 'optional', type: 'message', message: () => FANOTIFY_MOUNT_MARK_ENTRY },
  ],
};

export interface FanotifyInodeMarkEntry {
  i_ino: bigint;
  f_handle: FhEntry;
}
export const FANOTIFY_INODE_MARK_ENTRY_FIELDS = { i_ino: 1, f_handle: 2 } as const;
export const FANOTIFY_INODE_MARK_ENTRY: MessageSchema<FanotifyInodeMarkEntry> = {
  name: 'fanotify_inode_mark_entry',
  fields: [
    { number: 1, name: 'i_ino', label: 'required', type: 'uint64' },
    { number: 2, name: 'f_handle', label: 'required', type: 'message', message: () => FH_ENTRY },
  ],
};

export interface FanotifyMountMarkEntry {
  mnt_id: number;
  path?: Buffer;
}
export const FANOTIFY_MOUNT_MARK_ENTRY_FIELDS = { mnt_id: 1, path: 2 } as const;
export const FANOTIFY_MOUNT_MARK_ENTRY: MessageSchema<FanotifyMountMarkEntry> = {
  name: 'fanotify_mount_mark_entry',
  fields: [
    { number: 1, name: 'mnt_id', label: 'required', type: 'uint32' },
    { number: 2, name: 'path', label: 'optional', type: 'string' },
  ],
};

export interface FhEntry {
  bytes: number;
  type: number;
  handle: bigint[];
  path?: Buffer;
  mnt_id?: number;
}
export const FH_ENTRY_FIELDS = { bytes: 1, type: 2, handle: 3, path: 4, mnt_id: 5 } as const;
export const FH_ENTRY: MessageSchema<FhEntry> = {
  name: 'fh_entry',
  fields: [
    { number: 1, name: 'bytes', label: 'required', type: 'uint32' },
    { number: 2, name: 'type', label: 'required', type: 'uint32' },
    { number: 3, name: 'handle', label: 'repeated', type: 'uint64' },
    { number: 4, name: 'path', label: 'optional', type: 'string' },
    { number: 5, name: 'mnt_id', label: 'optional', type: 'uint32' },
  ],
};

export interface PipeDataEntry {
  pipe_id: number;
  bytes: number;
  size?: number;
}
export const PIPE_DATA_ENTRY_FIELDS = { pipe_id: 1, bytes: 2, size: 3 } as const;
export const PIPE_DATA_ENTRY: MessageSchema<PipeDataEntry> = {
  name: 'pipe_data_entry',
  fields: [
    { number: 1, name: 'pipe_id', label: 'required', type: 'uint32' },
    { number: 2, name: 'bytes', label: 'required', type: 'uint32' },
    { number: 3, name: 'size', label: 'optional', type: 'uint32' },
  ],
};

export interface MmEntry {
  mm_start_code: bigint;
  mm_end_code: bigint;
  mm_start_data: bigint;
  mm_end_data: bigint;
  mm_start_stack: bigint;
  mm_start_brk: bigint;
  mm_brk: bigint;
  mm_arg_start: bigint;
  mm_arg_end: bigint;
  mm_env_start: bigint;
  mm_env_end: bigint;
  exe_file_id: number;
  mm_saved_auxv: bigint[];
  vmas: VmaEntry[];
  dumpable?: number;
  aios: AioRingEntry[];
  thp_disabled?: boolean;
}
export const MM_ENTRY_FIELDS = { mm_start_code: 1, mm_end_code: 2, mm_start_data: 3, mm_end_data: 4, mm_start_stack: 5, mm_start_brk: 6, mm_brk: 7, mm_arg_start: 8, mm_arg_end: 9, mm_env_start: 10, mm_env_end: 11, exe_file_id: 12, mm_saved_auxv: 13, vmas: 14, dumpable: 15, aios: 16, thp_disabled: 17 } as const;
export const MM_ENTRY: MessageSchema<MmEntry> = {
  name: 'mm_entry',
  fields: [
    { number: 1, name: 'mm_start_code', label: 'required', type: 'uint64' },
    { number: 2, name: 'mm_end_code', label: 'required', type: 'uint64' },
    { number: 3, name: 'mm_start_data', label: 'required', type: 'uint64' },
    { number: 4, name: 'mm_end_data', label: 'required', type: 'uint64' },
    { number: 5, name: 'mm_start_stack', label: 'required', type: 'uint64' },
    { number: 6, name: 'mm_start_brk', label: 'required', type: 'uint64' },
    { number: 7, name: 'mm_brk', label: 'required', type: 'uint64' },
    { number: 8, name: 'mm_arg_start', label: 'required', type: 'uint64' },
    { number: 9, name: 'mm_arg_end', label: 'required', type: 'uint64' },
    { number: 10, name: 'mm_env_start', label: 'required', type: 'uint64' },
    { number: 11, name: 'mm_env_end', label: 'required', type: 'uint64' },
    { number: 12, name: 'exe_file_id', label: 'required', type: 'uint32' },
    { number: 13, name: 'mm_saved_auxv', label: 'repeated', type: 'uint64' },
    { number: 14, name: 'vmas', label: 'repeated', type: 'message', message: () => VMA_ENTRY },
    { number: 15, name: 'dumpable', label: 'optional', type: 'int32' },
    { number: 16, name: 'aios', label: 'repeated', type: 'message', message: () => AIO_RING_ENTRY },
    { number: 17, name: 'thp_disabled', label: 'optional', type: 'bool' },
  ],
};

export interface VmaEntry {
  start: bigint;
  end: bigint;
  pgoff: bigint;
  shmid: bigint;
  prot: number;
  flags: number;
  status: number;
  fd: bigint;
  madv?: bigint;
  fdflags?: number;
}
export const VMA_ENTRY_FIELDS = { start: 1, end: 2, pgoff: 3, shmid: 4, prot: 5, flags: 6, status: 7, fd: 8, madv: 9, fdflags: 10 } as const;
export const VMA_ENTRY: MessageSchema<VmaEntry> = {
  name: 'vma_entry',
  fields: [
    { number: 1, name: 'start', label: 'required', type: 'uint64' },
    { number: 2, name: 'end', label: 'required', type: 'uint64' },
    { number: 3, name: 'pgoff', label: 'required', type: 'uint64' },
    { number: 4, name: 'shmid', label: 'required', type: 'uint64' },
    { number: 5, name: 'prot', label: 'required', type: 'uint32' },
    { number: 6, name: 'flags', label: 'required', type: 'uint32' },
    { number: 7, name: 'status', label: 'required', type: 'uint32' },
    { number: 8, name: 'fd', label: 'required', type: 'sint64' },
    { number: 9, name: 'madv', label: 'optional', type: 'uint64' },
    { number: 10, name: 'fdflags', label: 'optional', type: 'uint32' },
  ],
};

export interface AioRingEntry {
  id: bigint;
  nr_req: number;
  ring_len: number;
}
export const AIO_RING_ENTRY_FIELDS = { id: 1, nr_req: 2, ring_len: 3 } as const;
export const AIO_RING_ENTRY: MessageSchema<AioRingEntry> = {
  name: 'aio_ring_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint64' },
    { number: 2, name: 'nr_req', label: 'required', type: 'uint32' },
    { number: 3, name: 'ring_len', label: 'required', type: 'uint32' },
  ],
};

export interface MemfdInodeEntry {
  name: Buffer;
  uid: number;
  gid: number;
  size: bigint;
  shmid: number;
  seals: number;
  inode_id: bigint;
  hugetlb_flag?: number;
  mode?: number;
}
export const MEMFD_INODE_ENTRY_FIELDS = { name: 1, uid: 2, gid: 3, size: 4, shmid: 5, seals: 6, inode_id: 7, hugetlb_flag: 8, mode: 9 } as const;
export const MEMFD_INODE_ENTRY: MessageSchema<MemfdInodeEntry> = {
  name: 'memfd_inode_entry',
  fields: [
    { number: 1, name: 'name', label: 'required', type: 'string' },
    { number: 2, name: 'uid', label: 'required', type: 'uint32' },
    { number: 3, name: 'gid', label: 'required', type: 'uint32' },
    { number: 4, name: 'size', label: 'required', type: 'uint64' },
    { number: 5, name: 'shmid', label: 'required', type: 'uint32' },
    { number: 6, name: 'seals', label: 'required', type: 'uint32' },
    { number: 7, name: 'inode_id', label: 'required', type: 'uint64' },
    { number: 8, name: 'hugetlb_flag', label: 'optional', type: 'uint32' },
    { number: 9, name: 'mode', label: 'optional', type: 'uint32' },
  ],
};

export interface FsEntry {
  cwd_id: number;
  root_id: number;
  umask?: number;
}
export const FS_ENTRY_FIELDS = { cwd_id: 1, root_id: 2, umask: 3 } as const;
export const FS_ENTRY: MessageSchema<FsEntry> = {
  name: 'fs_entry',
  fields: [
    { number: 1, name: 'cwd_id', label: 'required', type: 'uint32' },
    { number: 2, name: 'root_id', label: 'required', type: 'uint32' },
    { number: 3, name: 'umask', label: 'optional', type: 'uint32' },
  ],
};

export interface RemapFilePathEntry {
  orig_id: number;
  remap_id: number;
  remap_type?: number;
}
export const REMAP_FILE_PATH_ENTRY_FIELDS = { orig_id: 1, remap_id: 2, remap_type: 3 } as const;
export const REMAP_FILE_PATH_ENTRY: MessageSchema<RemapFilePathEntry> = {
  name: 'remap_file_path_entry',
  fields: [
    { number: 1, name: 'orig_id', label: 'required', type: 'uint32' },
    { number: 2, name: 'remap_id', label: 'required', type: 'uint32' },
    { number: 3, name: 'remap_type', label: 'optional', type: 'enum' },
  ],
};

export interface TcpStreamEntry {
  inq_len: number;
  inq_seq: number;
  outq_len: number;
  outq_seq: number;
  opt_mask: number;
  snd_wscale: number;
  mss_clamp: number;
  rcv_wscale?: number;
  timestamp?: number;
  cork?: boolean;
  nodelay?: boolean;
  unsq_len?: number;
  snd_wl1?: number;
  snd_wnd?: number;
  max_window?: number;
  rcv_wnd?: number;
  rcv_wup?: number;
}
export const TCP_STREAM_ENTRY_FIELDS = { inq_len: 1, inq_seq: 2, outq_len: 3, outq_seq: 4, opt_mask: 5, snd_wscale: 6, mss_clamp: 7, rcv_wscale: 8, timestamp: 9, cork: 10, nodelay: 11, unsq_len: 12, snd_wl1: 13, snd_wnd: 14, max_window: 15, rcv_wnd: 16, rcv_wup: 17 } as const;
export const TCP_STREAM_ENTRY: MessageSchema<TcpStreamEntry> = {
  name: 'tcp_stream_entry',
  fields: [
    { number: 1, name: 'inq_len', label: 'required', type: 'uint32' },
    { number: 2, name: 'inq_seq', label: 'required', type: 'uint32' },
    { number: 3, name: 'outq_len', label: 'required', type: 'uint32' },
    { number: 4, name: 'outq_seq', label: 'required', type: 'uint32' },
    { number: 5, name: 'opt_mask', label: 'required', type: 'uint32' },
    { number: 6, name: 'snd_wscale', label: 'required', type: 'uint32' },
    { number: 7, name: 'mss_clamp', label: 'required', type: 'uint32' },
    { number: 8, name: 'rcv_wscale', label: 'optional', type: 'uint32' },
    { number: 9, name: 'timestamp', label: 'optional', type: 'uint32' },
    { number: 10, name: 'cork', label: 'optional', type: 'bool' },
    { number: 11, name: 'nodelay', label: 'optional', type: 'bool' },
    { number: 12, name: 'unsq_len', label: 'optional', type: 'uint32' },
    { number: 13, name: 'snd_wl1', label: 'optional', type: 'uint32' },
    { number: 14, name: 'snd_wnd', label: 'optional', type: 'uint32' },
    { number: 15, name: 'max_window', label: 'optional', type: 'uint32' },
    { number: 16, name: 'rcv_wnd', label: 'optional', type: 'uint32' },
    { number: 17, name: 'rcv_wup', label: 'optional', type: 'uint32' },
  ],
};

export interface FileLockEntry {
  flag: number;
  type: number;
  pid: number;
  fd: number;
  start: bigint;
  len: bigint;
}
export const FILE_LOCK_ENTRY_FIELDS = { flag: 1, type: 2, pid: 3, fd: 4, start: 5, len: 6 } as const;
export const FILE_LOCK_ENTRY: MessageSchema<FileLockEntry> = {
  name: 'file_lock_entry',
  fields: [
    { number: 1, name: 'flag', label: 'required', type: 'uint32' },
    { number: 2, name: 'type', label: 'required', type: 'uint32' },
    { number: 3, name: 'pid', label: 'required', type: 'int32' },
    { number: 4, name: 'fd', label: 'required', type: 'int32' },
    { number: 5, name: 'start', label: 'required', type: 'int64' },
    { number: 6, name: 'len', label: 'required', type: 'int64' },
  ],
};

export interface AutofsEntry {
  fd: number;
  pgrp: number;
  timeout: number;
  minproto: number;
  maxproto: number;
  mode: number;
  uid?: number;
  gid?: number;
  read_fd?: number;
}
export const AUTOFS_ENTRY_FIELDS = { fd: 1, pgrp: 2, timeout: 3, minproto: 4, maxproto: 5, mode: 6, uid: 7, gid: 8, read_fd: 9 } as const;
export const AUTOFS_ENTRY: MessageSchema<AutofsEntry> = {
  name: 'autofs_entry',
  fields: [
    { number: 1, name: 'fd', label: 'required', type: 'int32' },
    { number: 2, name: 'pgrp', label: 'required', type: 'int32' },
    { number: 3, name: 'timeout', label: 'required', type: 'int32' },
    { number: 4, name: 'minproto', label: 'required', type: 'int32' },
    { number: 5, name: 'maxproto', label: 'required', type: 'int32' },
    { number: 6, name: 'mode', label: 'required', type: 'int32' },
    { number: 7, name: 'uid', label: 'optional', type: 'int32' },
    { number: 8, name: 'gid', label: 'optional', type: 'int32' },
    { number: 9, name: 'read_fd', label: 'optional', type: 'int32' },
  ],
};

export interface TtyInfoEntry {
  id: number;
  type: number;
  locked: boolean;
  exclusive: boolean;
  packet_mode: boolean;
  sid: number;
  pgrp: number;
  rdev: number;
  termios?: TermiosEntry;
  termios_locked?: TermiosEntry;
  winsize?: WinsizeEntry;
  pty?: TtyPtyEntry;
  dev?: number;
  uid?: number;
  gid?: number;
}
export const TTY_INFO_ENTRY_FIELDS = { id: 1, type: 2, locked: 3, exclusive: 4, packet_mode: 5, sid: 6, pgrp: 7, rdev: 8, termios: 9, termios_locked: 10, winsize: 11, pty: 12, dev: 13, uid: 14, gid: 15 } as const;
export const TTY_INFO_ENTRY: MessageSchema<TtyInfoEntry> = {
  name: 'tty_info_entry',
  fields: [
    { number: 1, name: 'id', label: 'required', type: 'uint32' },
    { number: 2, name: 'type', label: 'required', type: 'enum' },
    { number: 3, name: 'locked', label: 'required', type: 'bool' },
    { number: 4, name: 'exclusive', label: 'required', type: 'bool' },
    { number: 5, name: 'packet_mode', label: 'required', type: 'bool' },
    { number: 6, name: 'sid', label: 'required', type: 'uint32' },
    { number: 7, name: 'pgrp', label: 'required', type: 'uint32' },
    { number: 8, name: 'rdev', label: 'required', type: 'uint32' },
    { number: 9, name: 'termios', label: 'optional', type: 'message', message: () => TERMIOS_ENTRY },
    { number: 10, name: 'termios_locked', label: 'optional', type: 'message', message: () => TERMIOS_ENTRY },
    { number: 11, name: 'winsize', label: 'optional', type: 'message', message: () => WINSIZE_ENTRY },
    { number: 12, name: 'pty', label: 'optional', type: 'message', message: () => TTY_PTY_ENTRY },
    { number: 13, name: 'dev', label: 'optional', type: 'uint32' },
    { number: 14, name: 'uid', label: 'optional', type: 'uint32' },
    { number: 15, name: 'gid', label: 'optional', type: 'uint32' },
  ],
};

export interface TermiosEntry {
  c_iflag: number;
  c_oflag: number;
  c_cflag: number;
  c_lflag: number;
  c_line: number;
  c_ispeed: number;
  c_ospeed: number;
  c_cc: number[];
}
export const TERMIOS_ENTRY_FIELDS = { c_iflag: 1, c_oflag: 2, c_cflag: 3, c_lflag: 4, c_line: 5, c_ispeed: 6, c_ospeed: 7, c_cc: 8 } as const;
export const TERMIOS_ENTRY: MessageSchema<TermiosEntry> = {
  name: 'termios_entry',
  fields: [
    { number: 1, name: 'c_iflag', label: 'required', type: 'uint32' },
    { number: 2, name: 'c_oflag', label: 'required', type: 'uint32' },
    { number: 3, name: 'c_cflag', label: 'required', type: 'uint32' },
    { number: 4, name: 'c_lflag', label: 'required', type: 'uint32' },
    { number: 5, name: 'c_line', label: 'required', type: 'uint32' },
    { number: 6, name: 'c_ispeed', label: 'required', type: 'uint32' },
    { number: 7, name: 'c_ospeed', label: 'required', type: 'uint32' },
    { number: 8, name: 'c_cc', label: 'repeated', type: 'uint32' },
  ],
};

export interface WinsizeEntry {
  ws_row: number;
  ws_col: number;
  ws_xpixel: number;
  ws_ypixel: number;
}
export const WINSIZE_ENTRY_FIELDS = { ws_row: 1, ws_col: 2, ws_xpixel: 3, ws_ypixel: 4 } as const;
export const WINSIZE_ENTRY: MessageSchema<WinsizeEntry> = {
  name: 'winsize_entry',
  fields: [
    { number: 1, name: 'ws_row', label: 'required', type: 'uint32' },
    { number: 2, name: 'ws_col', label: 'required', type: 'uint32' },
    { number: 3, name: 'ws_xpixel', label: 'required', type: 'uint32' },
    { number: 4, name: 'ws_ypixel', label: 'required', type: 'uint32' },
  ],
};

export interface TtyPtyEntry {
  index: number;
}
export const TTY_PTY_ENTRY_FIELDS = { index: 1 } as const;
export const TTY_PTY_ENTRY: MessageSchema<TtyPtyEntry> = {
  name: 'tty_pty_entry',
  fields: [
    { number: 1, name: 'index', label: 'required', type: 'uint32' },
  ],
};

export interface TtyDataEntry {
  tty_id: number;
  data: Buffer;
}
export const TTY_DATA_ENTRY_FIELDS = { tty_id: 1, data: 2 } as const;
export const TTY_DATA_ENTRY: MessageSchema<TtyDataEntry> = {
  name: 'tty_data_entry',
  fields: [
    { number: 1, name: 'tty_id', label: 'required', type: 'uint32' },
    { number: 2, name: 'data', label: 'required', type: 'bytes' },
  ],
};
