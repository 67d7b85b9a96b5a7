import test from 'ava';
import protobuf from 'protobufjs';
import { type HolderKind, idFieldsOf, typeAmong } from '../../src/checkpoint/message-rows';
import { FD_TYPES } from '../../src/schema/generated/images';
import { shapeOf } from '../../src/schema/shape';
import { allSchemas, messageType } from '../support/images';

/** What a field has to be called to be taken for one that holds a file id. */
const LOOKS_LIKE_ONE = /(^|_)ids?($|_)|^rights$|^shmid$/;

/** Fields that only look so, and what they hold. */
const OTHERS: { [field: string]: string } = {
  'aio_ring_entry.id': 'an address',
  'bpfmap_data_entry.map_id': 'the number of a map',
  'bpfmap_file_entry.map_id': 'the number of a map in bpfmap-data.img',
  'bpfmap_file_entry.mnt_id': 'a mount',
  'cg_set_entry.id': 'the set itself',
  'core_entry.ids': 'what the task shares',
  'cpuinfo_x86_entry.model_id': 'the name of a processor',
  'cpuinfo_x86_entry.vendor_id': 'who made the processor',
  'fanotify_mount_mark_entry.mnt_id': 'a mount',
  'fdinfo_entry.id': 'a descriptor',
  'fh_entry.mnt_id': 'a mount',
  'fifo_entry.pipe_id': 'the inode of the FIFO',
  'file_entry.id': 'the entry itself',
  'inet_sk_entry.ns_id': 'a namespace',
  'inventory_entry.dump_criu_run_id': 'the run of criu',
  'inventory_entry.fdinfo_per_id': 'a flag',
  'inventory_entry.ns_per_id': 'a flag',
  'inventory_entry.root_ids': 'what the root task shares',
  'ipc_desc_entry.id': 'a System V object',
  'ipc_var_entry.msg_next_id': 'a System V object',
  'ipc_var_entry.sem_next_id': 'a System V object',
  'ipc_var_entry.shm_next_id': 'a System V object',
  'memfd_file_entry.inode_id': 'the number of an inode in memfd.img',
  'memfd_inode_entry.inode_id': 'the inode itself',
  'memfd_inode_entry.shmid': 'shared memory',
  'mnt_entry.master_id': 'a group of mounts',
  'mnt_entry.mnt_id': 'the mount itself',
  'mnt_entry.parent_mnt_id': 'a mount',
  'mnt_entry.shared_id': 'a group of mounts',
  'netlink_sk_entry.ns_id': 'a namespace',
  'netns_id.target_ns_id': 'a namespace',
  'ns_file_entry.ns_id': 'a namespace',
  'packet_sock_entry.ns_id': 'a namespace',
  'pagemap_head.pages_id': 'N of pages-N.img',
  'pipe_data_entry.pipe_id': 'the inode of a pipe',
  'pipe_entry.pipe_id': 'the inode of the pipe',
  'posix_timer_entry.clock_id': 'a clock',
  'posix_timer_entry.it_id': 'the timer itself',
  'posix_timer_entry.notify_thread_id': 'a thread',
  'reg_file_entry.build_id': 'a digest of the content',
  'reg_file_entry.mnt_id': 'a mount',
  'task_kobj_ids_entry.files_id': 'a descriptor table',
  'task_kobj_ids_entry.fs_id': 'what tasks share of their directories',
  'tty_data_entry.tty_id': 'the number of a terminal in tty-info.img',
  'tty_file_entry.tty_info_id': 'the number of a terminal in tty-info.img',
  'tty_info_entry.id': 'the terminal itself',
  'tunfile_entry.ns_id': 'a namespace',
  'unix_sk_entry.mnt_id': 'a mount',
  'unix_sk_entry.ns_id': 'a namespace',
  'user_mips_fpregs_entry.fpu_id': 'the kind of a floating-point unit',
};
/** The other kernel objects that tasks share: address space, signal handlers, namespaces. */
const KERNEL_OBJECT = /^task_kobj_ids_entry\.(vm_id|sighand_id|\w+_ns_id)$/;

const root = allSchemas();
root.resolveAll();
const messages = root.nestedArray.filter((item): item is protobuf.Type => item instanceof protobuf.Type);
/** The members of file_entry: the id of each is that of the entry. */
const members = new Set(messageType('file_entry').fieldsArray.map(({ resolvedType }) => resolvedType?.name));

function looksLikeOne(type: protobuf.Type): string[] {
  return type.fieldsArray
    .filter(({ name }) => LOOKS_LIKE_ONE.test(name) && !(name === 'id' && members.has(type.name)))
    .map(({ name }) => `${type.name}.${name}`);
}

test('every field that looks like a file id is in the table, or known to be something else', (t) => {
  const table = new Set(
    messages.flatMap(({ name: message }) =>
      [...idFieldsOf(message).values()]
        .flat()
        .filter(({ holder }) => holder !== undefined)
        .map(({ field }) => `${message}.${shapeOf(message).numbered(field)?.name}`),
    ),
  );
  const found = messages.flatMap(looksLikeOne);
  const unknown = found.filter((field) => !table.has(field) && !(field in OTHERS) && !KERNEL_OBJECT.test(field));
  t.deepEqual(unknown, [], 'a row in src/checkpoint/message-rows.ts, or in this list with what it holds');
  for (const field of [...table, ...Object.keys(OTHERS)]) t.true(found.includes(field), `${field} is in no schema`);
});

test('a field that a schema gains is noticed', (t) => {
  const type = new protobuf.Type('new_entry').add(new protobuf.Field('exe_id', 1, 'uint32'));
  t.deepEqual(looksLikeOne(type), ['new_entry.exe_id']);
});

/** In dumps with an image for each type of entries, ids are unique within one type only. */
const AMONG: { readonly [holder in HolderKind]: keyof typeof FD_TYPES | undefined } = {
  executable: 'REG',
  mapping: 'REG',
  'memfd mapping': 'MEMFD',
  'socket mapping': 'PACKETSK',
  'working directory': 'REG',
  'root directory': 'REG',
  FIFO: 'REG',
  terminal: 'REG',
  'removed file': 'REG',
  'linked remap': 'REG',
  'queue of a socket': 'UNIXSK',
  'SCM right': undefined,
  watch: undefined,
};

test('each kind of reference looks an id up among entries of this type', (t) => {
  for (const [holder, type] of Object.entries(AMONG)) {
    t.is(typeAmong(holder as HolderKind), type === undefined ? undefined : FD_TYPES[type], holder);
  }
});
