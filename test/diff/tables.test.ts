/** The tables of diff, row by row, against a second list of what CRIU looks things up by: no row can go unnoticed. */
import test from 'ava';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { entryTypeOfMember } from '../../src/checkpoint/entry-types';
import { FileEntryView } from '../../src/checkpoint/file-entry';
import { ID_KINDS, type IdKind } from '../../src/checkpoint/id-kinds';
import { compareMessages } from '../../src/diff/compare-messages';
import { identifyEntry } from '../../src/diff/ids/entry-identity';
import { areEqualButForIds } from '../../src/diff/ids/equal-but-for-ids';
import { idInName } from '../../src/diff/ids/id-fields';
import { IdPairs } from '../../src/diff/ids/id-pairs';
import { pairingKey, pairingKeyOfIds } from '../../src/diff/wire/message-name';
import { shapeOf } from '../../src/schema/shape';
import { ALL_IMAGES, messageType } from '../support/images';
import { encode, fieldsByNumber, type Message, messagesOf, type Value } from '../support/random-messages';

const whole = (bytes: Uint8Array) => ({ bytes, start: 0, end: bytes.length });

/** All messages that are in images, at any depth. */
const MESSAGES = new Set<string>();
/** Those of which there can be several: entries, items of lists. */
const SEVERAL = new Set(ALL_IMAGES.filter(({ hasOne }) => !hasOne).map(({ message }) => message));
function gather(type: string): void {
  if (MESSAGES.has(type)) return;
  MESSAGES.add(type);
  for (const { resolvedType, repeated } of fieldsByNumber(messageType(type))) {
    if (!(resolvedType instanceof protobuf.Type)) continue;
    if (repeated) SEVERAL.add(resolvedType.name);
    gather(resolvedType.name);
  }
}
for (const { message, first } of ALL_IMAGES) {
  gather(message);
  gather(first);
}

/** What names a message among others. */
const NAMES: { readonly [message: string]: readonly string[] } = {
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
  ipc_shm_entry: ['desc'],
  ipc_sem_entry: ['desc'],
  ipc_msg_entry: ['desc'],
  aio_ring_entry: ['id'],
  cg_set_entry: ['id'],
  cg_member_entry: ['name'],
  cgroup_dir_entry: ['dir_name'],
  cgroup_prop_entry: ['name'],
  netns_id: ['target_ns_id'],
  ...Object.fromEntries(
    [
      ...['reg_file_entry', 'ext_file_entry', 'ns_file_entry', 'eventfd_file_entry', 'eventpoll_file_entry'],
      ...['signalfd_entry', 'inotify_file_entry', 'fanotify_file_entry', 'pipe_entry', 'fifo_entry', 'unix_sk_entry'],
      ...['inet_sk_entry', 'packet_sock_entry', 'netlink_sk_entry', 'tty_file_entry', 'tunfile_entry'],
      ...['timerfd_entry', 'pidfd_entry', 'bpfmap_file_entry', 'memfd_file_entry'],
    ].map((message) => [message, ['id']]),
  ),
};

/** Messages of which there can be several and that nothing names but their place. */
const BY_PLACE: readonly string[] = [
  ...['aa_namespace', 'aa_policy', 'autofs_entry', 'cg_controller_entry', 'cpuinfo_ppc64_entry', 'cpuinfo_s390_entry'],
  ...['cpuinfo_x86_entry', 'itimer_entry', 'packet_mclist', 'rlimit_entry', 'sa_entry', 'scm_entry', 'seccomp_filter'],
  ...['siginfo_entry', 'sysctl_entry', 'uid_gid_extent', 'user_desc_t'],
];

/** Two values of a field that differ, one of them as any message has it. */
function twoValues(field: protobuf.Field): [Value, Value] {
  const single = (n: bigint): Value => {
    if (field.resolvedType instanceof protobuf.Type) return messageWith(field.resolvedType.name, n);
    if (field.type === 'bool') return n === 1n;
    return field.type === 'string' || field.type === 'bytes' ? Buffer.from(`value ${n}`) : n;
  };
  return field.repeated ? [[single(1n)], [single(2n)]] : [single(1n), single(2n)];
}

/** A message with all that has to be there; numbers in it are `n`. */
function messageWith(type: string, n: bigint): Message {
  const fields = fieldsByNumber(messageType(type)).filter(({ required }) => required);
  return Object.fromEntries(fields.map((field) => [field.name, twoValues(field)[n === 1n ? 0 : 1]]));
}

const fieldsOf = (type: string) =>
  fieldsByNumber(messageType(type)).map((field) => {
    const [one, other] = twoValues(field);
    const base = messageWith(type, 1n);
    return {
      field,
      before: encode(type, { ...base, [field.name]: one }),
      after: encode(type, { ...base, [field.name]: other }),
    };
  });

test('entries and items of lists are named by these fields, and by no others', (t) => {
  const unnamed: string[] = [];
  for (const type of [...MESSAGES].sort()) {
    const shape = shapeOf(type);
    const names = NAMES[type] ?? [];
    if (names.length === 0 && SEVERAL.has(type)) unnamed.push(type);
    for (const { field, before, after } of fieldsOf(type)) {
      const keys = [pairingKey(shape, whole(before)), pairingKey(shape, whole(after))];
      t.is(keys[0] !== keys[1], names.includes(field.name), `${type}.${field.name}`);
      t.is(keys[0] === undefined, names.length === 0, type);
    }
  }
  t.deepEqual(unnamed, [...BY_PLACE].sort());
  t.deepEqual(
    Object.keys(NAMES).filter((type) => !MESSAGES.has(type)),
    [],
  );
});

const FILE_ENTRIES = fieldsByNumber(messageType('file_entry')).flatMap(({ resolvedType }) =>
  resolvedType instanceof protobuf.Type ? [resolvedType.name] : [],
);

/** Every field with an id that a dump or the kernel made up, and of what; with what else has to be there. */
const IDS: readonly (readonly [message: string, field: string, kind: IdKind | 'any', with_?: Message])[] = [
  ['file_entry', 'id', 'file'],
  ['fdinfo_entry', 'id', 'file'],
  ...FILE_ENTRIES.map((message) => [message, 'id', 'file'] as const),
  ['fs_entry', 'cwd_id', 'file'],
  ['fs_entry', 'root_id', 'file'],
  ['mm_entry', 'exe_file_id', 'file'],
  ['vma_entry', 'shmid', 'file', { status: 64n }],
  ['fifo_entry', 'regf_id', 'file'],
  ['tty_file_entry', 'regf_id', 'file'],
  ['remap_file_path_entry', 'orig_id', 'file'],
  ['remap_file_path_entry', 'remap_id', 'file', { remap_type: 0n }],
  ['remap_file_path_entry', 'remap_id', 'ghost', { remap_type: 1n }],
  ['scm_entry', 'rights', 'file', { type: 1n }],
  ['sk_packet_entry', 'id_for', 'file'],
  ['eventpoll_tfd_entry', 'id', 'file'],
  ['inotify_wd_entry', 'id', 'file'],
  ['fanotify_mark_entry', 'id', 'file'],
  ['ns_file_entry', 'ns_id', 'namespace'],
  ['tunfile_entry', 'ns_id', 'namespace'],
  ['inet_sk_entry', 'ns_id', 'namespace'],
  ['unix_sk_entry', 'ns_id', 'namespace'],
  ['packet_sock_entry', 'ns_id', 'namespace'],
  ['netlink_sk_entry', 'ns_id', 'namespace'],
  ['netns_id', 'target_ns_id', 'namespace'],
  ['pipe_entry', 'pipe_id', 'pipe'],
  ['fifo_entry', 'pipe_id', 'pipe'],
  ['pipe_data_entry', 'pipe_id', 'pipe'],
  ['unix_sk_entry', 'ino', 'socket'],
  ['unix_sk_entry', 'peer', 'socket'],
  ['inet_sk_entry', 'ino', 'socket'],
  ['netlink_sk_entry', 'ino', 'socket'],
  ['tty_file_entry', 'tty_info_id', 'terminal'],
  ['tty_info_entry', 'id', 'terminal'],
  ['tty_data_entry', 'tty_id', 'terminal'],
  ['memfd_file_entry', 'inode_id', 'memfd'],
  ['memfd_inode_entry', 'inode_id', 'memfd'],
  ['pagemap_head', 'pages_id', 'pages'],
  ['inventory_entry', 'dump_criu_run_id', 'any'],
  ['pidfd_entry', 'ino', 'any'],
  ['task_kobj_ids_entry', 'vm_id', 'memory'],
  ['task_kobj_ids_entry', 'files_id', 'table'],
  ['task_kobj_ids_entry', 'fs_id', 'directories'],
  ['task_kobj_ids_entry', 'sighand_id', 'signals'],
  ...['pid', 'net', 'ipc', 'uts', 'mnt', 'user', 'cgroup', 'time'].map(
    (name) => ['task_kobj_ids_entry', `${name}_ns_id`, 'namespace'] as const,
  ),
];

/** Before, ids of each kind are 1000 more than its place in the list; after, 2000 more. */
function idsApart(): IdPairs {
  const ids = new IdPairs();
  for (const [place, kind] of ID_KINDS.entries()) ids.link(kind, 1000 + place, 2000 + place);
  return ids;
}

test('fields hold ids of these kinds, and no others do', (t) => {
  const ids = idsApart();
  for (const type of [...MESSAGES].sort()) {
    const shape = shapeOf(type);
    for (const field of fieldsByNumber(messageType(type))) {
      if (field.resolvedType !== null || !/int|fixed/.test(field.type)) continue;
      const rows = IDS.filter(([message, name]) => message === type && name === field.name);
      const given = rows.length === 0 ? [undefined] : rows;
      for (const row of given) {
        const base = { ...messageWith(type, 1n), ...row?.[3] };
        for (const [place, kind] of ID_KINDS.entries()) {
          const value = (id: number): Value => (field.repeated ? [BigInt(id)] : BigInt(id));
          const [a, b] = [1000 + place, 2000 + place].map((id) => encode(type, { ...base, [field.name]: value(id) }));
          const [before, after] = [whole(a as Buffer), whole(b as Buffer)];
          const isSame = row !== undefined && (row[2] === kind || row[2] === 'any');
          const what = `${type}.${field.name} of ${kind}`;
          t.is(compareMessages(shape, before, after, { ids }).length, isSame ? 0 : 1, what);
          if (!isSame) t.false(areEqualButForIds(shape, before, after, ids), what);
          const names = NAMES[type] ?? [];
          if (!names.includes(field.name)) continue;
          const keys = [pairingKeyOfIds(shape, before, ids, 'before'), pairingKeyOfIds(shape, after, ids, 'after')];
          t.is(keys[0] === keys[1], isSame, what);
        }
      }
    }
  }
  const known = IDS.filter(([message, name]) => messageType(message).fields[name] !== undefined);
  t.is(known.length, IDS.length);
});

test('ids hold in their fields only where another field says so', (t) => {
  const ids = idsApart();
  const file = ID_KINDS.indexOf('file');
  const count = (type: string, field: string, more: Message, repeated = false) => {
    const [a, b] = [1000 + file, 2000 + file].map((id) => {
      const value = repeated ? [BigInt(id)] : BigInt(id);
      return whole(encode(type, { ...messageWith(type, 1n), ...more, [field]: value }));
    });
    return compareMessages(shapeOf(type), a as never, b as never, { ids }).length;
  };
  for (const [status, isFile] of [
    [1 << 6, true],
    [1 << 7, true],
    [1 << 11, true],
    [1 << 14, true],
    [1 << 8, false],
    [0, false],
  ] as const) {
    t.is(count('vma_entry', 'shmid', { status: BigInt(status) }), isFile ? 0 : 1, `${status}`);
  }
  t.is(count('scm_entry', 'rights', { type: 2n }, true), 1);
  t.is(count('remap_file_path_entry', 'remap_id', { remap_type: 2n }), 1);
  t.is(count('remap_file_path_entry', 'remap_id', { remap_type: 1n }), 1);
});

/** Whose id is in the names of images. */
const NAMED_FOR: { readonly [kind: string]: IdKind } = {
  FDINFO: 'table',
  GHOST_FILE: 'ghost',
  TCP_STREAM: 'socket',
  ...Object.fromEntries(
    [
      ...['UTSNS', 'TIMENS', 'PIDNS', 'USERNS', 'IPC_VAR', 'IPCNS_SHM', 'IPCNS_MSG', 'IPCNS_SEM', 'NETNS', 'NETDEV'],
      'MNTS',
    ].map((kind) => [kind, 'namespace' as const]),
  ),
};
const RAW_NAMED_FOR: readonly (readonly [prefix: string, kind: IdKind | undefined])[] = [
  ['pages', 'pages'],
  ['tmpfs', undefined],
  ['amdgpu', undefined],
  ...['iptables', 'ip6tables', 'nftables', 'route', 'route6', 'rule', 'ifaddr', 'netns-ct', 'netns-exp'].map(
    (prefix) => [prefix, 'namespace'] as const,
  ),
];

test('files are named for these ids, and others for none', (t) => {
  for (const { kind, file } of ALL_IMAGES) {
    const named = idInName(file);
    t.is(named?.kind, NAMED_FOR[kind], file);
    if (named === undefined) continue;
    const isHex = file.includes('2f');
    t.is(named.id, isHex ? 0x2f : 17, file);
    t.is(named.named(0x3a), file.replace(isHex ? '2f' : '17', isHex ? '3a' : '58'));
  }
  for (const [prefix, kind] of RAW_NAMED_FOR) {
    const named = idInName(`${prefix}-17.img`);
    t.is(named?.kind, kind, prefix);
    if (named !== undefined) t.deepEqual([named.id, named.named(18)], [17, `${prefix}-18.img`]);
  }
});

/** What an open file is known by in another dump: its names, its flags, the number of what it opens. */
const OPEN_FILES: {
  readonly [message: string]: {
    readonly names?: readonly string[];
    readonly flags?: string;
    readonly number?: [IdKind, string];
  };
} = {
  reg_file_entry: { names: ['name'], flags: 'flags' },
  pipe_entry: { flags: 'flags', number: ['pipe', 'pipe_id'] },
  fifo_entry: { number: ['pipe', 'pipe_id'] },
  inet_sk_entry: {
    names: ['family', 'type', 'proto', 'src_port', 'dst_port', 'src_addr', 'dst_addr'],
    flags: 'flags',
    number: ['socket', 'ino'],
  },
  unix_sk_entry: { names: ['name'], flags: 'flags', number: ['socket', 'ino'] },
  netlink_sk_entry: { flags: 'flags', number: ['socket', 'ino'] },
  packet_sock_entry: { flags: 'flags' },
  tty_file_entry: { flags: 'flags', number: ['terminal', 'tty_info_id'] },
  memfd_file_entry: { flags: 'flags', number: ['memfd', 'inode_id'] },
  bpfmap_file_entry: { names: ['map_name'], flags: 'flags' },
  eventfd_file_entry: { flags: 'flags' },
  signalfd_entry: { flags: 'flags' },
  timerfd_entry: { flags: 'flags' },
};

test('open files are known by these fields, and by no others', (t) => {
  for (const { id, resolvedType } of fieldsByNumber(messageType('file_entry'))) {
    if (!(resolvedType instanceof protobuf.Type)) continue;
    const type = resolvedType.name;
    const row = OPEN_FILES[type] ?? {};
    t.is(entryTypeOfMember(id)?.numbered?.kind, row.number?.[0], type);
    const identify = (bytes: Buffer) =>
      identifyEntry(Object.assign(new FileEntryView(), { type: 1, member: id, bytes, start: 0, end: bytes.length }));
    for (const { field, before, after } of fieldsOf(type)) {
      const [a, b] = [identify(before), identify(after)];
      const isName = row.names?.includes(field.name) === true;
      const what = `${type}.${field.name}`;
      t.is(a.name !== b.name, isName, what);
      t.is(a.thing !== b.thing, isName || row.flags === field.name, what);
      t.is(a.number !== b.number, row.number?.[1] === field.name, what);
    }
  }
});

const sampled = fc
  .constantFrom(...MESSAGES)
  .chain((type) =>
    fc.tuple(fc.constant(type), messagesOf(type, { anyBytes: true }), messagesOf(type, { anyBytes: true })),
  );

test('what one walk calls equal but for ids, the comparison field by field does too', (t) => {
  const ids = idsApart();
  fc.assert(
    fc.property(sampled, ([type, one, other]) => {
      const [a, b] = [whole(encode(type, one)), whole(encode(type, other))];
      for (const [before, after] of [
        [a, b],
        [a, a],
      ] as const) {
        if (areEqualButForIds(shapeOf(type), before, after, ids))
          t.deepEqual(compareMessages(shapeOf(type), before, after, { ids }), []);
      }
    }),
    { numRuns: 300 },
  );
});
