import test from 'ava';
import { type ImageKind, type ImageName, kindNamed } from '../../src/frames/image-kinds';
import { TO_THE_END } from '../../src/frames/record-reader';
import { entryGrammar, extraBytes, hasExtras, messageOfEntry, recordGrammar } from '../../src/schema/record-grammar';
import { tailRules } from '../../src/schema/tail-rules';
import { encodeMessage } from '../support/images';

const kindOf = (name: ImageName) => kindNamed(name) as ImageKind;
const DESC = { key: 1, uid: 2, gid: 3, cuid: 4, cgid: 5, mode: 6, id: 7 };
const GHOST = { uid: 0, gid: 0, mode: 0o100644, dev: 1, ino: 2 };
const TCP = { inq_len: 5, inq_seq: 0, outq_len: 7, outq_seq: 0, opt_mask: 0, snd_wscale: 0 };
const shm = (more: object) => ({ desc: DESC, size: 5, ...more });

type Records = readonly [message: string, fields: object, extra: number][];

/** The records of an image, each with the bytes that follow it. */
const IMAGES: [ImageName, ...Records][] = [
  ['FILES', ['fown_entry', { uid: 1, euid: 2, signum: 3, pid_type: 4, pid: 5 }, 0]],
  ['PIPES_DATA', ['pipe_data_entry', { pipe_id: 9, bytes: 3 }, 3], ['pipe_data_entry', { pipe_id: 9, bytes: 0 }, 0]],
  ['SK_QUEUES', ['sk_packet_entry', { id_for: 1, length: 300 }, 300]],
  ['TCP_STREAM', ['tcp_stream_entry', TCP, 12]],
  ['BPFMAP_DATA', ['bpfmap_data_entry', { map_id: 1, keys_bytes: 4, values_bytes: 8, count: 1 }, 12]],
  [
    'IPCNS_SHM',
    ['ipc_shm_entry', shm({}), 8],
    ['ipc_shm_entry', shm({ in_pagemaps: false }), 8],
    ['ipc_shm_entry', shm({ in_pagemaps: true }), 0],
    ['ipc_shm_entry', shm({ size: 8 }), 8],
  ],
  [
    'IPCNS_SEM',
    ['ipc_sem_entry', { desc: DESC, nsems: 1 }, 8],
    ['ipc_sem_entry', { desc: DESC, nsems: 4 }, 8],
    ['ipc_sem_entry', { desc: DESC, nsems: 5 }, 16],
    ['ipc_sem_entry', { desc: DESC, nsems: 0 }, 0],
  ],
  [
    'IPCNS_MSG',
    ['ipc_msg_entry', { desc: DESC, qbytes: 9, qnum: 2 }, 0],
    ['ipc_msg', { mtype: 1, msize: 3 }, 8],
    ['ipc_msg', { mtype: 1, msize: 8 }, 8],
    ['ipc_msg_entry', { desc: DESC, qbytes: 9, qnum: 0 }, 0],
    ['ipc_msg_entry', { desc: DESC, qbytes: 9, qnum: 1 }, 0],
    ['ipc_msg', { mtype: 1, msize: 0 }, 0],
  ],
  ['GHOST_FILE', ['ghost_file_entry', GHOST, TO_THE_END]],
  [
    'GHOST_FILE',
    ['ghost_file_entry', { ...GHOST, chunks: true, size: 9 }, 0],
    ['ghost_chunk_entry', { len: 4096, off: 0 }, 4096],
    ['ghost_chunk_entry', { len: 1, off: 4096 }, 1],
  ],
  ['PAGEMAP', ['pagemap_head', { pages_id: 1 }, 0], ['pagemap_entry', { vaddr: 1, nr_pages: 2 }, 0]],
];

for (const [name, ...records] of IMAGES) {
  const told = records.map(([message, , extra]) => `${message} ${extra}`).join(', ');
  test(`${name}: each record is told from those before it, with what follows it: ${told}`, (t) => {
    const grammar = recordGrammar(kindOf(name));
    for (const [message, fields, extra] of records) {
      const bytes = Buffer.concat([Buffer.of(0xff), encodeMessage(message, fields), Buffer.of(0xff)]);
      const role = grammar(bytes, 1, bytes.length - 1);
      const isOfFiles = name === 'FILES';
      t.is(role.message, isOfFiles ? 'file_entry' : message);
      t.is(extraBytes(role), extra);
      t.is(role.inner, (fields as { qnum?: number }).qnum ?? 0);
    }
  });
}

test('the records of a queue are no entries', (t) => {
  const queue = encodeMessage('ipc_msg_entry', { desc: DESC, qbytes: 9, qnum: 2 });
  const grammar = entryGrammar(kindOf('IPCNS_MSG'));
  for (let i = 0; i < 2; i += 1)
    t.deepEqual(grammar(queue, 0, queue.length), { message: 'ipc_msg_entry', parts: [], inner: 2 });
});

test('of entries, only the first one is the first one', (t) => {
  const grammar = entryGrammar(kindOf('PAGEMAP'));
  const messages = Array.from({ length: 3 }, () => grammar(Buffer.alloc(0), 0, 0).message);
  t.deepEqual(messages, ['pagemap_head', 'pagemap_entry', 'pagemap_entry']);
  t.is(messageOfEntry(kindOf('PAGEMAP'), 0), 'pagemap_head');
  t.is(messageOfEntry(kindOf('PAGEMAP'), 1), 'pagemap_entry');
  t.is(messageOfEntry(kindOf('PIPES_DATA'), 0), 'pipe_data_entry');
});

test('a field that counts as 64 bits does so whole, and the last of several decides', (t) => {
  const grammar = recordGrammar(kindOf('IPCNS_SHM'));
  const bytes = Buffer.from([0x10, 1, 0x10, 0x80, 0x80, 0x80, 0x80, 0x80, 1]);
  t.is(extraBytes(grammar(bytes, 0, bytes.length)), 2 ** 35);
});

test('images with extras of any kind have extras, others have none', (t) => {
  const all: ImageName[] = ['PIPES_DATA', 'GHOST_FILE', 'IPCNS_MSG', 'TCP_STREAM', 'PAGEMAP', 'FILES', 'MM'];
  t.deepEqual(
    all.filter((name) => hasExtras(kindOf(name))),
    ['PIPES_DATA', 'GHOST_FILE', 'IPCNS_MSG', 'TCP_STREAM'],
  );
  t.true(hasExtras({ ...kindOf('GHOST_FILE'), extra: [] }), 'that of the first record');
});

test('bytes behind the records begin behind the first of one, or where a record that needs fields would be empty', (t) => {
  t.deepEqual(tailRules(kindOf('MM')), { afterFirst: true, atEmpty: true });
  t.deepEqual(tailRules(kindOf('VMAS')), { afterFirst: false, atEmpty: true });
  t.deepEqual(tailRules(kindOf('CPUINFO')), { afterFirst: true, atEmpty: false });
});
