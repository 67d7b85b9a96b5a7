/** Every warning of a rewrite, word for word: for what it is given, for what it is not, and what it is about. */
import test from 'ava';
import type { RewriteOptions } from '../../src';
import { descriptor, fileEntry, type Images, mapping, mmEntry, NO_OWNER, pipeEntry } from '../support/directories';
import { encodeImage } from '../support/images';
import { checkRewritten } from '../support/independent';
import { rewriteImages, smallWith } from '../support/rewriting';
import { DATAGRAM, type Entry, inet, LISTENER, STREAM, unix } from '../support/sockets';

type Specs = RewriteOptions['specs'];
type Case = [what: string, images: Images, specs: Specs, expected: readonly string[]];

const REGULAR = 0o100644;
const APPEND = 0o2001;
const SHARED = 128;

/** An executable, / and these entries, each open in task 7 at the number of its id; those of `others` in task 8. */
function opened(entries: readonly Entry[], others: readonly Entry[] = [], more: Images = {}): Images {
  const table = (list: readonly Entry[]) => list.map(({ id, type }) => descriptor(id, id, type));
  return smallWith({
    'files.img': [fileEntry(1, '/usr/bin/program', 0), ...entries, ...others, fileEntry(4, '/', 0o200000)],
    'fdinfo-1.img': table(entries),
    'fdinfo-2.img': table(others),
    ...more,
  });
}

const log = (id: number, name = '/log', more: object = {}) => fileEntry(id, name, 1, { mode: REGULAR, ...more });
const only = (inherit: string) => ({ inherit, only: true });
const owner = (pid_type: number, pid: number, signum: number) => ({ fown: { uid: 0, euid: 0, signum, pid_type, pid } });
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 10);

const fifo = (id: number, pipe_id: number, regf_id: number) => ({ type: 'FIFO', id, fifo: { id, pipe_id, regf_id } });
const queue = (id: number, flags: number) => fileEntry(id, '/queue', flags, { mode: 0o010644 });
const fifos = (first: number, second: number): Images =>
  opened([fifo(5, 11, 20)], [fifo(6, 11, 21)], {
    'files.img': [
      fileEntry(1, '/usr/bin/program', 0),
      fifo(5, 11, 20),
      queue(20, first),
      fifo(6, 11, 21),
      queue(21, second),
      fileEntry(4, '/', 0o200000),
    ],
  });

const SHADOWED: Case[] = [
  [
    'a spec that another one leaves nothing',
    opened([log(5)]),
    ['fd[5]:/log', 'fd[6]:/l*'],
    ['SPEC_SHADOWED : fd[6]:/l*: fd[5]:/log takes all its entries'],
  ],
  [
    'one that gets the rest',
    opened([log(5), log(6, '/lag')]),
    ['fd[5]:/log', 'fd[6]:/l*'],
    ['SPEC_SHADOWED : fd[6]:/l*: fd[5]:/log takes 1 of its 2 entries'],
  ],
  [
    'a key that gets one of two',
    opened([log(5), log(6)]),
    [only('fd[5]:/proc/7/fd/5'), 'fd[6]:/log'],
    ['SPEC_SHADOWED : fd[6]:/log: fd[5]:/proc/7/fd/5 takes 1 of its 2 entries'],
  ],
  [
    'the same spec twice',
    opened([log(5)]),
    ['fd[5]:/log', 'fd[5]:/log'],
    ['SPEC_SHADOWED : fd[5]:/log: the same spec before it takes all its entries'],
  ],
  [
    'a glob of two of one path',
    opened([log(5), log(6)]),
    ['fd[5]:/log', 'fd[6]:/l*'],
    ['SPEC_SHADOWED : fd[6]:/l*: fd[5]:/log takes all its entries'],
  ],
  [
    'two keys of one path',
    opened([log(5), log(6)]),
    ['fd[5]:/log', 'fd[6]:/log'],
    ['SPEC_SHADOWED : fd[6]:/log: fd[5]:/log takes all its entries; /proc/7/fd/6 names one of them'],
  ],
  [
    'two keys of one path, in a table of no task',
    opened([log(5), log(6)], [], {
      'fdinfo-1.img': [],
      'fdinfo-3.img': [descriptor(5, 5, 'REG'), descriptor(6, 6, 'REG')],
    }),
    ['fd[5]:/log', 'fd[6]:/log'],
    ['SPEC_SHADOWED : fd[6]:/log: fd[5]:/log takes all its entries'],
  ],
  [
    'a key of several descriptors',
    opened([log(5), log(6)], [], {
      'fdinfo-1.img': [5, 6, 6].map((id, place) => descriptor(id, place + 5, 'REG')),
    }),
    ['fd[5]:/log', 'fd[6]:/log'],
    ['SPEC_SHADOWED : fd[6]:/log: fd[5]:/log takes all its entries; /proc/7/fd/6 names one of them'],
  ],
  [
    'two specs, in their order',
    opened([log(5, '/b'), log(6, '/a')]),
    ['fd[5]:/b', 'fd[5]:/a', 'fd[6]:/a', 'fd[6]:/b'],
    [
      'SPEC_SHADOWED : fd[6]:/a: fd[5]:/a takes all its entries',
      'SPEC_SHADOWED : fd[6]:/b: fd[5]:/b takes all its entries',
    ],
  ],
  [
    'keys of one pipe',
    opened([pipeEntry(5, 11, 0), pipeEntry(6, 11, 1)]),
    ['fd[5]:pipe:[11]', 'fd[6]:pipe:[11]'],
    [
      'SPEC_SHADOWED : fd[6]:pipe:[11]: fd[5]:pipe:[11] takes all its entries',
      "BOTH_ENDS : pipe:[11] has both its ends in the checkpoint, and fd[5]:pipe:[11] takes both: the caller's descriptor must be open for reading and writing; the keys pipe:[11]:read and pipe:[11]:write name one end each",
    ],
  ],
  [
    'keys of one FIFO',
    fifos(0, 0),
    ['fd[5]:/queue', 'fd[6]:/queue'],
    ['SPEC_SHADOWED : fd[6]:/queue: fd[5]:/queue takes all its entries'],
  ],
  [
    'keys of one descriptor',
    opened([log(5)]),
    ['fd[5]:/proc/7/fd/5', 'fd[6]:/proc/*/fd/5'],
    ['SPEC_SHADOWED : fd[6]:/proc/*/fd/5: fd[5]:/proc/7/fd/5 takes all its entries'],
  ],
  [
    'ten takers',
    opened(numbers(10).map((id) => log(id))),
    [...numbers(10).map((id) => only(`fd[5]:/proc/7/fd/${id}`)), 'fd[6]:/log'],
    [
      'SPEC_SHADOWED : fd[6]:/log: fd[5]:/proc/7/fd/10, fd[5]:/proc/7/fd/11, fd[5]:/proc/7/fd/12, fd[5]:/proc/7/fd/13, fd[5]:/proc/7/fd/14, fd[5]:/proc/7/fd/15, fd[5]:/proc/7/fd/16, fd[5]:/proc/7/fd/17, fd[5]:/proc/7/fd/18, fd[5]:/proc/7/fd/19 take all its entries; /proc/7/fd/19 names one of them',
    ],
  ],
  [
    'eleven takers',
    opened(numbers(11).map((id) => log(id))),
    [...numbers(11).map((id) => only(`fd[5]:/proc/7/fd/${id}`)), 'fd[6]:/log'],
    [
      'SPEC_SHADOWED : fd[6]:/log: fd[5]:/proc/7/fd/10, fd[5]:/proc/7/fd/11, fd[5]:/proc/7/fd/12, fd[5]:/proc/7/fd/13, fd[5]:/proc/7/fd/14, fd[5]:/proc/7/fd/15, fd[5]:/proc/7/fd/16, fd[5]:/proc/7/fd/17, fd[5]:/proc/7/fd/18, fd[5]:/proc/7/fd/19 and others take all its entries; /proc/7/fd/20 names one of them',
    ],
  ],
  [
    'a file that is only under way',
    opened([log(5), log(6)], [], {
      'fdinfo-1.img': [descriptor(5, 5, 'REG')],
      'sk-queues.img': [{ id_for: 4, length: 0, scm: [{ type: 1, rights: [6] }] }],
    }),
    ['fd[5]:/log', 'fd[6]:/log'],
    ['SPEC_SHADOWED : fd[6]:/log: fd[5]:/log takes all its entries'],
  ],
];

const ends = (first: number, second: number) => opened([pipeEntry(5, 11, first)], [pipeEntry(6, 11, second)]);

const ENDS: Case[] = [
  [
    'both ends to one',
    ends(0, 1),
    ['fd[5]:pipe:[11]'],
    [
      "BOTH_ENDS : pipe:[11] has both its ends in the checkpoint, and fd[5]:pipe:[11] takes both: the caller's descriptor must be open for reading and writing; the keys pipe:[11]:read and pipe:[11]:write name one end each",
    ],
  ],
  [
    'both ends to one by two specs',
    ends(0, 1),
    ['fd[5]:/proc/7/fd/5', 'fd[5]:/proc/8/fd/6'],
    [
      "BOTH_ENDS : pipe:[11] has both its ends in the checkpoint, and fd[5]:/proc/7/fd/5 takes both: the caller's descriptor must be open for reading and writing; the keys pipe:[11]:read and pipe:[11]:write name one end each",
    ],
  ],
  ['both ends to two', ends(0, 1), ['fd[5]:pipe:[11]:read', 'fd[6]:pipe:[11]:write'], []],
  ['two reading ends to one', ends(0, 0), ['fd[5]:pipe:[11]'], []],
  ['two writing ends to one', ends(1, 1), ['fd[5]:pipe:[11]'], []],
  ['an end that reads and writes', opened([pipeEntry(5, 11, 2)]), ['fd[5]:pipe:[11]'], []],
  ['files to read and to write', opened([fileEntry(5, '/log', 0, { mode: REGULAR }), log(6)]), ['fd[5]:/log'], []],
  ['ends of two pipes', opened([pipeEntry(5, 11, 0), pipeEntry(6, 12, 1)]), ['fd[5]:pipe:[11]', 'fd[5]:pipe:[12]'], []],
  [
    'both ends of a FIFO',
    fifos(0, 1),
    ['fd[5]:/queue'],
    [
      "BOTH_ENDS : /queue has both its ends in the checkpoint, and fd[5]:/queue takes both: the caller's descriptor must be open for reading and writing; the key /proc/PID/fd/N names one end alone",
    ],
  ],
  [
    'the reading end alone',
    ends(0, 1),
    ['fd[5]:pipe:[11]:read'],
    [
      'OTHER_END_STAYS 5: fd[5]:pipe:[11]:read takes one end of pipe:[11] (file id 5), and the other one, pipe:[11]:write, stays in the tree: what is written to the end that stays is not read any more, and fails with EPIPE where no reader stays',
    ],
  ],
  [
    'the writing end alone',
    ends(0, 1),
    ['fd[5]:pipe:[11]:write'],
    [
      'OTHER_END_STAYS 6: fd[5]:pipe:[11]:write takes one end of pipe:[11] (file id 6), and the other one, pipe:[11]:read, stays in the tree: the end that stays reads nothing of what is written, and the end of the file where no writer stays',
    ],
  ],
  [
    'one of two that read and write',
    ends(2, 2),
    ['fd[5]:/proc/7/fd/5'],
    [
      'OTHER_END_STAYS 5: fd[5]:/proc/7/fd/5 takes an open file of pipe:[11] (file id 5), and another one stays in the tree: what is written to the end that stays is not read any more, and fails with EPIPE where no reader stays; the end that stays reads nothing of what is written, and the end of the file where no writer stays',
    ],
  ],
  [
    'one that reads and writes beside a writing one',
    ends(2, 1),
    ['fd[5]:/proc/7/fd/5'],
    [
      'OTHER_END_STAYS 5: fd[5]:/proc/7/fd/5 takes an open file of pipe:[11] (file id 5), and another one stays in the tree: what is written to the end that stays is not read any more, and fails with EPIPE where no reader stays',
    ],
  ],
  ['a reading end beside one that reads', ends(0, 0), ['fd[5]:/proc/7/fd/5'], []],
  ['a writing end beside one that writes', ends(1, 1), ['fd[5]:/proc/7/fd/5'], []],
  [
    'the reading end of a FIFO',
    fifos(0, 1),
    ['fd[5]:/proc/7/fd/5'],
    [
      'OTHER_END_STAYS 5: fd[5]:/proc/7/fd/5 takes one end of /queue (file id 5), and the other one stays in the tree: what is written to the end that stays is not read any more, and fails with EPIPE where no reader stays',
    ],
  ],
  [
    'the writing end of a FIFO',
    fifos(1, 0),
    ['fd[5]:/proc/7/fd/5'],
    [
      'OTHER_END_STAYS 5: fd[5]:/proc/7/fd/5 takes one end of /queue (file id 5), and the other one stays in the tree: the end that stays reads nothing of what is written, and the end of the file where no writer stays',
    ],
  ],
  ['a reading end of a FIFO beside another', fifos(0, 0), ['fd[5]:/proc/7/fd/5'], []],
  [
    'a descriptor of an end that stays itself',
    opened([pipeEntry(5, 11, 2)], [], { 'fdinfo-2.img': [descriptor(5, 3, 'PIPE')] }),
    [only('fd[5]:/proc/8/fd/3')],
    [
      'OTHER_END_STAYS 6: fd[5]:/proc/8/fd/3 takes an open file of pipe:[11] (file id 5), and another one stays in the tree: what is written to the end that stays is not read any more, and fails with EPIPE where no reader stays; the end that stays reads nothing of what is written, and the end of the file where no writer stays',
    ],
  ],
];

const removed = (more: object[], others: readonly Entry[] = []): Images =>
  opened([log(5, '/dir/log')], others, {
    'files.img': [
      fileEntry(1, '/usr/bin/program', 0),
      log(5, '/dir/log'),
      ...others,
      log(9, '/dir/link_remap.9'),
      fileEntry(4, '/', 0o200000),
    ],
    'remap-fpath.img': more as never,
  });
const held = (more: Images): Images => opened([log(5), log(6)], [log(8)], { 'mm-8.img': [mmEntry(1)], ...more });
const lock = (pid: number, fd: number, flag: number) => ({ flag, type: 1, pid, fd, start: 0, len: 0 });

const FILES: Case[] = [
  [
    'another open that stays',
    held({}),
    ['fd[5]:/proc/7/fd/5'],
    [
      'OTHER_OPEN_STAYS 5: fd[5]:/proc/7/fd/5 takes one open of /log (file id 5), and others stay on the old file: 7/6 (file id 6), 8/8 (file id 8)',
    ],
  ],
  [
    'another open that stays, in a table of no task',
    opened([log(5)], [], {
      'files.img': [log(5), log(8), fileEntry(1, '/x', 0), fileEntry(4, '/', 0)],
      'fdinfo-3.img': [descriptor(8, 9, 'REG')],
    }),
    ['fd[5]:/proc/7/fd/5'],
    [
      'OTHER_OPEN_STAYS 5: fd[5]:/proc/7/fd/5 takes one open of /log (file id 5), and others stay on the old file: table 3/9 (file id 8)',
    ],
  ],
  [
    'another open that stays, of a dump that has no modes',
    opened([fileEntry(5, '/log', 1), fileEntry(6, '/log', 1)]),
    ['fd[5]:/proc/7/fd/5'],
    [
      'OTHER_OPEN_STAYS 5: fd[5]:/proc/7/fd/5 takes one open of /log (file id 5), and others stay on the old file: 7/6 (file id 6)',
    ],
  ],
  [
    'another open of a device',
    opened([5, 6].map((id) => log(id, '/dev/null', { mode: 0o020666 }))),
    ['fd[5]:/proc/7/fd/5'],
    [],
  ],
  [
    'two specs of which each takes one',
    held({}),
    ['fd[5]:/proc/7/fd/5', 'fd[6]:/proc/7/fd/6'],
    [
      'OTHER_OPEN_STAYS 5: fd[5]:/proc/7/fd/5 takes one open of /log (file id 5), and others stay on the old file: 8/8 (file id 8)',
      'OTHER_OPEN_STAYS 6: fd[6]:/proc/7/fd/6 takes one open of /log (file id 6), and others stay on the old file: 8/8 (file id 8)',
    ],
  ],
  [
    'a mapping',
    held({ 'mm-8.img': [mmEntry(1, [mapping(8, SHARED)])] }),
    ['fd[5]:/log'],
    [
      "FILE_STILL_USED 5: fd[5]:/log matches descriptors of /log, which also serves as a file mapping of task 8 (file id 8). After the restore, these descriptors use the caller's file and everything else uses the old file. The restore fails if /log does not exist",
    ],
  ],
  [
    'two mappings of one task',
    held({ 'mm-8.img': [mmEntry(1, [mapping(8, SHARED), mapping(8, SHARED)])] }),
    ['fd[5]:/log'],
    [
      "FILE_STILL_USED 5: fd[5]:/log matches descriptors of /log, which also serves as a file mapping of task 8 (file id 8). After the restore, these descriptors use the caller's file and everything else uses the old file. The restore fails if /log does not exist",
    ],
  ],
  [
    'a mapping of a removed file',
    removed([{ orig_id: 5, remap_id: 3, remap_type: 'GHOST' }], []),
    ['fd[5]:/dir/log'],
    [
      'REMOVED_FILE_DROPPED 5: /dir/log (file id 5) had no name any more: its content, which the images alone hold, is not restored',
    ],
  ],
  [
    'a removed file that is mapped',
    { ...removed([{ orig_id: 5, remap_id: 3, remap_type: 'GHOST' }]), 'mm-8.img': [mmEntry(1, [mapping(5, SHARED)])] },
    ['fd[5]:/dir/log'],
    [
      "FILE_STILL_USED 10: fd[5]:/dir/log matches descriptors of /dir/log, which also serves as a file mapping of task 8 (file id 5). After the restore, these descriptors use the caller's file and everything else uses the old file",
    ],
  ],
  [
    'a removed file with a link',
    removed([{ orig_id: 5, remap_id: 9, remap_type: 'LINKED' }]),
    ['fd[5]:/dir/log'],
    [
      'LINK_LEFT_BEHIND 5: /dir/log (file id 5) had no name any more: the link that the dump made to its file, /dir/link_remap.9, stays there, and you can remove it',
    ],
  ],
  [
    'a removed file with a link, that is mapped',
    { ...removed([{ orig_id: 5, remap_id: 9, remap_type: 'LINKED' }]), 'mm-8.img': [mmEntry(1, [mapping(5, SHARED)])] },
    ['fd[5]:/dir/log'],
    [
      "FILE_STILL_USED 10: fd[5]:/dir/log matches descriptors of /dir/log, which also serves as a file mapping of task 8 (file id 5). After the restore, these descriptors use the caller's file and everything else uses the old file",
    ],
  ],
  ['a file of a dead task', removed([{ orig_id: 5, remap_id: 9, remap_type: 'PROCFS' }]), ['fd[5]:/dir/log'], []],
  [
    'a removed file that another entry has, too',
    removed(
      [
        { orig_id: 5, remap_id: 3, remap_type: 'GHOST' },
        { orig_id: 8, remap_id: 3, remap_type: 'GHOST' },
      ],
      [log(8, '/dir/log')],
    ),
    ['fd[5]:/proc/7/fd/5'],
    [
      'OTHER_OPEN_STAYS 5: fd[5]:/proc/7/fd/5 takes one open of /dir/log (file id 5), and others stay on the old file: 8/8 (file id 8)',
    ],
  ],
  [
    'a lock of a descriptor that stays',
    opened([log(5)], [], {
      'fdinfo-2.img': [descriptor(5, 3, 'REG')],
      'filelocks.img': [lock(8, 3, 2)],
    }),
    [only('fd[5]:/proc/7/fd/5')],
    [
      'LOCK_NOT_SHARED 5: /log (file id 5): descriptor 8/3, which stays, holds a flock; the descriptors that leave its entry do not claim it any more',
    ],
  ],
  [
    'a lock of the task whose descriptor stays',
    opened([log(5)], [], {
      'fdinfo-2.img': [descriptor(5, 3, 'REG')],
      'filelocks.img': [lock(8, 3, 1)],
    }),
    [only('fd[5]:/proc/7/fd/5')],
    [],
  ],
  [
    'a lock of a descriptor that stays, of which two leave',
    opened([log(5)], [], {
      'fdinfo-1.img': [descriptor(5, 5, 'REG'), descriptor(5, 6, 'REG')],
      'fdinfo-2.img': [descriptor(5, 3, 'REG')],
      'filelocks.img': [lock(8, 3, 4)],
    }),
    [only('fd[5]:/proc/7/fd/5'), only('fd[6]:/proc/7/fd/6')],
    [
      'LOCK_NOT_SHARED 5: /log (file id 5): descriptor 8/3, which stays, holds a lock of an open file description; the descriptors that leave its entry do not claim it any more',
    ],
  ],
];

const asOwned = (pid_type: number, pid: number, signum: number) =>
  opened([pipeEntry(5, 11, 1, owner(pid_type, pid, signum))]);
const PIPE = 'fd[5]:pipe:[11]';
const reopened = { inherit: PIPE, apply: 'reopen' as const };
const unread = (...counts: number[]) =>
  encodeImage(
    'pipes-data.img',
    counts.map((bytes) => ({ pipe_id: 11, bytes })),
    { extras: counts.map((bytes) => Buffer.alloc(bytes, 'x')) },
  );

const STATE: Case[] = [
  [
    'a thread that gets a signal',
    asOwned(0, 7, 10),
    [PIPE],
    [
      "OWNER_DROPPED 5: pipe:[11] (file id 5): thread 7 got signal 10 on I/O; that is not restored, since it would change the caller's own file; apply reopen keeps it",
    ],
  ],
  [
    'a process that gets SIGIO',
    asOwned(1, 8, 0),
    [PIPE],
    [
      "OWNER_DROPPED 5: pipe:[11] (file id 5): process 8 got signal SIGIO on I/O; that is not restored, since it would change the caller's own file; apply reopen keeps it",
    ],
  ],
  [
    'a process group',
    asOwned(2, 7, 29),
    [PIPE],
    [
      "OWNER_DROPPED 5: pipe:[11] (file id 5): process group 7 got signal 29 on I/O; that is not restored, since it would change the caller's own file; apply reopen keeps it",
    ],
  ],
  [
    'an owner of an unknown kind',
    asOwned(3, 7, 1),
    [PIPE],
    [
      "OWNER_DROPPED 5: pipe:[11] (file id 5): owner 7 got signal 1 on I/O; that is not restored, since it would change the caller's own file; apply reopen keeps it",
    ],
  ],
  [
    'a signal for nobody',
    asOwned(0, 0, 12),
    [PIPE],
    [
      "OWNER_DROPPED 5: pipe:[11] (file id 5): signal 12 was set for I/O, for no process yet; that is not restored, since it would change the caller's own file; apply reopen keeps it",
    ],
  ],
  ['an owner of the tree, opened again', asOwned(1, 8, 0), [reopened], []],
  [
    'an owner outside of the tree, opened again',
    asOwned(1, 99, 0),
    [reopened],
    [
      'OWNER_DROPPED 5: pipe:[11] (file id 5): process 99 got signal SIGIO on I/O; that is not restored, since that is none of the tree',
    ],
  ],
  ['a signal for nobody, opened again', asOwned(0, 0, 12), [reopened], []],
  [
    'an owner outside of the tree, in a dup',
    asOwned(1, 99, 0),
    [PIPE],
    [
      'OWNER_DROPPED 5: pipe:[11] (file id 5): process 99 got signal SIGIO on I/O; that is not restored, since that is none of the tree',
    ],
  ],
  [
    'the owner of a socket',
    opened([unix(5, 500, 0, { ...LISTENER, name: Buffer.from('/s\0'), ...owner(1, 7, 0) })]),
    ['fd[5]:/s'],
    [
      "OWNER_DROPPED 5: /s (file id 5): process 7 got signal SIGIO on I/O; that is not restored, since it would change the caller's own file",
      "STATE_LOST 5: /s (file id 5): its options and the sizes of its buffers are those of the caller's socket, and SO_PEERCRED tells who the caller's socket was connected by",
    ],
  ],
  [
    'O_ASYNC of a socket',
    opened([unix(5, 500, 0, { ...LISTENER, name: Buffer.from('/s\0'), flags: 0o20002 })]),
    ['fd[5]:/s'],
    [
      "ASYNC_DROPPED 5: /s (file id 5): it had O_ASYNC, and a dup has the flags of the caller's descriptor",
      "STATE_LOST 5: /s (file id 5): its options and the sizes of its buffers are those of the caller's socket, and SO_PEERCRED tells who the caller's socket was connected by",
    ],
  ],
  [
    'O_ASYNC in a dup',
    opened([pipeEntry(5, 11, 0o20001)]),
    [PIPE],
    [
      "ASYNC_DROPPED 5: pipe:[11] (file id 5): it had O_ASYNC, and a dup has the flags of the caller's descriptor; apply reopen sets it",
    ],
  ],
  ['O_ASYNC, opened again', opened([pipeEntry(5, 11, 0o20001)]), [reopened], []],
  [
    'O_ASYNC, at another position',
    opened([log(5, '/log', { flags: 0o20001 })]),
    [{ inherit: 'fd[5]:/log', position: 'end' }],
    [],
  ],
  [
    'a saved position where all is appended',
    opened([fileEntry(5, '/log', APPEND, { pos: 9, mode: REGULAR })]),
    [{ inherit: 'fd[5]:/log', position: 'saved' }],
    [
      "APPENDS_AT_END 5: /log (file id 5): position saved does not change where it writes: it is open for appending, so that goes to the end of the caller's file; truncate: true cuts the file to the size that the dump recorded",
    ],
  ],
  ['a saved position in another file', opened([log(5)]), [{ inherit: 'fd[5]:/log', position: 'saved' }], []],
  [
    "appending at the caller's position",
    opened([fileEntry(5, '/log', APPEND, { pos: 9, mode: REGULAR })]),
    ['fd[5]:/log'],
    [],
  ],
  [
    'a cut at an offset',
    opened([fileEntry(5, '/log', APPEND, { pos: 9, mode: REGULAR })]),
    [{ inherit: 'fd[5]:/log', position: 'saved', truncate: true }],
    [
      "CUT_AT_OFFSET 5: /log (file id 5): the dump recorded no size of a file that is open for appending alone; the caller's file is cut at 9, the end of what its entries appended, and what others appended after that goes too",
    ],
  ],
  [
    'unread bytes that go',
    { ...opened([pipeEntry(5, 11, 0)]), 'pipes-data.img': unread(1, 2) },
    [{ inherit: PIPE, inFlight: 'drop' }],
    [
      'BYTES_DROPPED 5: pipe:[11] (file id 5): 1 unread byte is dropped here, as you asked',
      'BYTES_DROPPED 5: pipe:[11] (file id 5): 2 unread bytes are dropped here, as you asked',
    ],
  ],
  [
    'unread bytes that CRIU gives to the end that stays',
    {
      ...opened([pipeEntry(5, 11, 0)], [], { 'fdinfo-2.img': [descriptor(5, 3, 'PIPE')] }),
      'pipes-data.img': unread(3),
    },
    [{ ...only('fd[5]:/proc/8/fd/3'), inFlight: 'drop' }],
    [
      'BYTES_DROPPED 6: pipe:[11] (file id 6): 3 unread bytes are dropped here, as you asked; CRIU gives them to the end that stays in the tree',
    ],
  ],
  [
    'unread bytes that one of two readers gets',
    { ...ends(0, 0), 'pipes-data.img': unread(3) },
    ['fd[5]:/proc/7/fd/5', 'fd[6]:/proc/8/fd/6'],
    [
      'BYTES_TO_ONE_READER 6: fd[6]:/proc/8/fd/6 takes a reader of pipe:[11] (file id 6): 3 unread bytes of it go to caller fd 5 alone',
    ],
  ],
  [
    'an unread byte that one of two readers gets',
    { ...ends(0, 0), 'pipes-data.img': unread(1) },
    ['fd[5]:/proc/7/fd/5', 'fd[6]:/proc/8/fd/6'],
    [
      'BYTES_TO_ONE_READER 6: fd[6]:/proc/8/fd/6 takes a reader of pipe:[11] (file id 6): 1 unread byte of it goes to caller fd 5 alone',
    ],
  ],
  [
    'unread bytes that go, of two readers',
    { ...ends(0, 0), 'pipes-data.img': unread(3) },
    [
      { inherit: 'fd[5]:/proc/7/fd/5', inFlight: 'drop' },
      { inherit: 'fd[6]:/proc/8/fd/6', inFlight: 'drop' },
    ],
    ['BYTES_DROPPED 5: pipe:[11] (file id 5): 3 unread bytes are dropped here, as you asked'],
  ],
  ['unread bytes of two readers with one caller fd', { ...ends(0, 0), 'pipes-data.img': unread(3) }, [PIPE], []],
  ['unread bytes that are delivered', { ...opened([pipeEntry(5, 11, 0)]), 'pipes-data.img': unread(3) }, [PIPE], []],
  [
    'the state of an eventfd',
    opened([{ type: 'EVENTFD', id: 5, efd: { id: 5, flags: 2, fown: NO_OWNER, counter: 3 } } as Entry]),
    ['fd[5]:/proc/7/fd/5'],
    ["STATE_LOST 5: eventfd (file id 5): the counter is that of the caller's eventfd"],
  ],
];

const name = Buffer.from('/s\0');
const listener = unix(5, 500, 0, { ...LISTENER, name });
const far = { dst_port: 4000, dst_addr: [0x0200007f] };

const mount = (id: number, device: number, mountpoint: string, more: object = {}) => ({
  fstype: 0,
  mnt_id: id,
  root_dev: device,
  parent_mnt_id: 1,
  flags: 0,
  root: '/',
  mountpoint,
  source: 'none',
  options: '',
  ...more,
});
const MOUNTED =
  'OWN_MOUNT_NAMESPACE : the dump has a mount namespace of its own (mountpoints-10.img): after a restore with a file, a named FIFO or /dev/null of the host, the next dump fails with "Can\'t lookup mount"; give pipes, which can be dumped again, or name the file to that dump with --external file[MNT:INO]';

const udp = { type: 2, proto: 17, state: 1, ...far };
const SOCKETS: Case[] = [
  [
    'a connection',
    opened([inet(5, 500, { state: 1, ...far })]),
    ['fd[5]:socket:[500]'],
    [
      'CONNECTION_LEFT 5: tcp:127.0.0.1:80-127.0.0.2:4000 (file id 5): the dump closed the network to this connection, and the restore opens it for connections that CRIU itself restores; where the dump used iptables, its two rules for these addresses stay until you remove them',
      "STATE_LOST 5: tcp:127.0.0.1:80-127.0.0.2:4000 (file id 5): its options and the sizes of its buffers are those of the caller's socket",
    ],
  ],
  [
    'a listening TCP socket',
    opened([inet(5, 500, {})]),
    ['fd[5]:socket:[500]'],
    [
      "STATE_LOST 5: tcp:127.0.0.1:80 (file id 5): its options and the sizes of its buffers are those of the caller's socket",
    ],
  ],
  [
    'a UDP socket',
    opened([inet(5, 500, { type: 2, proto: 17, state: 1, ...far })]),
    ['fd[5]:socket:[500]'],
    [
      "STATE_LOST 5: udp:127.0.0.1:80-127.0.0.2:4000 (file id 5): its options and the sizes of its buffers are those of the caller's socket",
    ],
  ],
  ...(
    [
      ['a unix socket that was shut down for reading', unix(5, 500, 0, { ...STREAM, shutdown: 'READ' }), 'reading'],
      ['a unix socket that was shut down for writing', unix(5, 500, 0, { ...STREAM, shutdown: 'WRITE' }), 'writing'],
      ['a unix socket that was shut down', unix(5, 500, 0, { ...STREAM, shutdown: 'BOTH' }), 'reading and writing'],
      ['a unix socket that was not shut down', unix(5, 500, 0, { ...STREAM, shutdown: 'NONE' }), undefined],
      ['a UDP socket that was shut down', inet(5, 500, { ...udp, shutdown: 'WRITE' }), 'writing'],
      ['a UDP socket in the state of another protocol', inet(5, 500, { ...udp, state: 5 }), undefined],
      ['a TCP connection that was ended (FIN_WAIT1)', inet(5, 500, { ...far, state: 4 }), 'writing'],
      ['a TCP connection that was ended (FIN_WAIT2)', inet(5, 500, { ...far, state: 5 }), 'writing'],
      ['a TCP connection that both ended (LAST_ACK)', inet(5, 500, { ...far, state: 9 }), 'writing'],
      [
        'a TCP connection that both ended (CLOSING)',
        inet(5, 500, { ...far, state: 11, shutdown: 'READ' }),
        'reading and writing',
      ],
      ['a TCP connection that the other end ended (CLOSE_WAIT)', inet(5, 500, { ...far, state: 8 }), undefined],
    ] as const
  ).map(([what, entry, shutFor]): Case => {
    const key =
      entry.type === 'UNIXSK' ? 'socket:[500]' : `${what.includes('UDP') ? 'udp' : 'tcp'}:127.0.0.1:80-127.0.0.2:4000`;
    const peer = entry.type === 'UNIXSK' ? ", and SO_PEERCRED tells who the caller's socket was connected by" : '';
    return [
      what,
      opened([entry]),
      ['fd[5]:socket:[500]'],
      [
        ...(what.includes('TCP')
          ? [
              `CONNECTION_LEFT 5: ${key} (file id 5): the dump closed the network to this connection, and the restore opens it for connections that CRIU itself restores; where the dump used iptables, its two rules for these addresses stay until you remove them`,
            ]
          : []),
        ...(shutFor === undefined
          ? []
          : [
              `SHUTDOWN_LOST 5: ${key} (file id 5) was shut down for ${shutFor} before the dump, and the restore leaves the caller's socket as it is: call shutdown(2) on that, or the other end may wait forever`,
            ]),
        `STATE_LOST 5: ${key} (file id 5): its options and the sizes of its buffers are those of the caller's socket${peer}`,
      ],
    ];
  }),
  [
    'a listener without accepted ends',
    opened([listener]),
    ['fd[5]:/s'],
    [
      "STATE_LOST 5: /s (file id 5): its options and the sizes of its buffers are those of the caller's socket, and SO_PEERCRED tells who the caller's socket was connected by",
    ],
  ],
  [
    'accepted ends that stay',
    opened([listener], [unix(6, 501, 502, { ...STREAM, name }), unix(7, 502, 501, STREAM)]),
    ['fd[5]:/s'],
    [
      "ACCEPTED_UNNAMED 5: /s (file id 5): sockets that it had accepted stay (file id 6), and getsockname tells them no name any more: CRIU would bind them again and remove the path of the caller's socket",
      "STATE_LOST 5: /s (file id 5): its options and the sizes of its buffers are those of the caller's socket, and SO_PEERCRED tells who the caller's socket was connected by",
    ],
  ],
  [
    'clients that stay',
    opened([unix(5, 500, 0, { ...DATAGRAM, name })], [unix(6, 501, 500, DATAGRAM)]),
    ['fd[5]:/s'],
    [
      "CLIENTS_CONNECT_AGAIN 5: /s (file id 5): clients that stay in the tree connect to its name again, as new connections; the caller's socket has to be bound to it, and criu restore needs --ext-unix-sk",
      "STATE_LOST 5: /s (file id 5): its options and the sizes of its buffers are those of the caller's socket, and SO_PEERCRED tells who the caller's socket was connected by",
    ],
  ],
  [
    'a client whose server stays',
    opened([unix(5, 500, 501, DATAGRAM)], [unix(6, 501, 0, { ...DATAGRAM, name })]),
    ['fd[5]:socket:[500]'],
    [
      'SERVER_STAYS 5: socket:[500] (file id 5): the socket that it was connected to (file id 6) stays in the tree, and gets nothing from it any more; a connection that waited there to be accepted is gone',
      "STATE_LOST 5: socket:[500] (file id 5): its options and the sizes of its buffers are those of the caller's socket, and SO_PEERCRED tells who the caller's socket was connected by",
    ],
  ],
  [
    'a listener in a network namespace of the dump',
    opened([inet(5, 500, {})], [], { 'netns-9.img': [{}] }),
    ['fd[5]:socket:[500]'],
    [
      "OWN_NETWORK_NAMESPACE : the dump has a network namespace of its own (netns-9.img), and the caller's socket stays in the one where it was made: nobody in the restored namespace reaches it as tcp:127.0.0.1:80; if the restore joins a namespace that exists, make the socket there",
      "STATE_LOST 5: tcp:127.0.0.1:80 (file id 5): its options and the sizes of its buffers are those of the caller's socket",
    ],
  ],
  [
    'a listener whose name is in a tmpfs of the dump',
    opened([unix(5, 500, 0, { ...LISTENER, name, mnt_id: 51 })], [], {
      'mountpoints-9.img': [mount(51, 41, '/')],
      'tmpfs-dev-41.tar.gz.img': Buffer.from('not read by anyone'),
    }),
    ['fd[5]:/s'],
    [
      MOUNTED.replace('-10.', '-9.'),
      'NAME_NOT_BOUND 5: /s (file id 5): nobody binds /s after the restore, since CRIU makes the tmpfs with that path anew; a later connect to it fails with ENOENT',
      "STATE_LOST 5: /s (file id 5): its options and the sizes of its buffers are those of the caller's socket, and SO_PEERCRED tells who the caller's socket was connected by",
    ],
  ],
  [
    'a listener whose name is in a tmpfs of the dump, and which stays at another descriptor',
    opened([unix(5, 500, 0, { ...LISTENER, name, mnt_id: 51 })], [], {
      'mountpoints-9.img': [mount(51, 41, '/')],
      'tmpfs-dev-41.tar.gz.img': Buffer.from('not read by anyone'),
      'fdinfo-2.img': [descriptor(5, 5, 'UNIXSK')],
    }),
    [only('fd[5]:/proc/7/fd/5')],
    [
      MOUNTED.replace('-10.', '-9.'),
      "STATE_LOST 6: /s (file id 6): its options and the sizes of its buffers are those of the caller's socket, and SO_PEERCRED tells who the caller's socket was connected by",
    ],
  ],
  [
    'one end of a pair',
    opened([unix(5, 500, 501, STREAM)], [unix(6, 501, 500, STREAM)]),
    [{ inherit: 'fd[5]:socket:[500]', peer: 'hangup' }],
    [
      'PEER_HUNG_UP 5: socket:[500] (file id 5): the other end of the pair stays (file id 6) and sees a hang-up, as you asked: it reads what its queue holds, then the end of the file, and its writes fail with EPIPE',
      "STATE_LOST 5: socket:[500] (file id 5): its options and the sizes of its buffers are those of the caller's socket, and SO_PEERCRED tells who the caller's socket was connected by",
    ],
  ],
];

const memfd = (id: number, more: object = {}) => ({
  type: 'MEMFD',
  id,
  memfd: { id, flags: 2, pos: 0, fown: NO_OWNER, inode_id: 1, ...more },
});
const MAPPED = {
  'memfd.img': [{ name: 'm', uid: 0, gid: 0, size: 4096, shmid: 1, seals: 0, inode_id: 1 }],
  'mm-8.img': [mmEntry(1, [mapping(6, (1 << 14) | SHARED)])],
};
const memfds = (more: object): Images => ({
  ...opened([memfd(5)], [], MAPPED),
  'files.img': [fileEntry(1, '/usr/bin/program', 0), memfd(5), memfd(6, more), fileEntry(4, '/', 0o200000)],
});
const MEMFDS: Case[] = [
  [
    'a memfd that is mapped',
    memfds({}),
    ['fd[5]:/memfd:m'],
    [
      "STATE_LOST 5: /memfd:m (file id 5): the content and the seals are those of the caller's file",
      "STATE_LOST 6: /memfd:m (file id 6): the memory that task 8 mapped is the caller's file from now on, with the content of that",
    ],
  ],
  ...[owner(1, 7, 0), { flags: 0o20002 }].map(
    (more): Case => [
      `${'flags' in more ? 'O_ASYNC' : 'an owner'} that no descriptor of a mapping has`,
      memfds(more),
      ['fd[5]:/memfd:m'],
      [
        "STATE_LOST 5: /memfd:m (file id 5): the content and the seals are those of the caller's file",
        "STATE_LOST 6: /memfd:m (file id 6): the memory that task 8 mapped is the caller's file from now on, with the content of that",
      ],
    ],
  ),
];

/** /tmp/log in the namespaces of two tasks. */
const inNamespaces = (one: object, other: object, mode = REGULAR): Images =>
  opened([log(5, '/tmp/log', { mnt_id: 51, mode })], [log(8, '/tmp/log', { mnt_id: 61, mode })], {
    'mountpoints-9.img': [mount(50, 7, '/'), one],
    'mountpoints-10.img': [mount(60, 7, '/'), other],
  });
const different = (key: string, each: string) =>
  `SEVERAL_FILES : fd[5]:${key} matches ${each}. The caller's file takes the place of each of them; the key of a descriptor names one alone`;
const otherQueues = (pipe: number, also: readonly Entry[] = []): Images => ({
  ...fifos(2, 2),
  'files.img': [
    fileEntry(1, '/usr/bin/program', 0),
    fifo(5, 11, 20),
    queue(20, 2),
    fifo(6, pipe, 21),
    queue(21, 2),
    ...also,
    fileEntry(4, '/', 0o200000),
  ],
  'fdinfo-1.img': [descriptor(5, 5, 'FIFO'), ...also.map(({ id, type }) => descriptor(id, id, type))],
});
const SEVERAL: Case[] = [
  [
    'a path of two mount namespaces',
    inNamespaces(mount(51, 8, '/tmp'), mount(61, 9, '/tmp')),
    ['fd[5]:/tmp/log'],
    [
      MOUNTED,
      different('/tmp/log', '2 different files with this path: /proc/7/fd/5 (file id 5), /proc/8/fd/8 (file id 8)'),
    ],
  ],
  [
    'one file in two mount namespaces',
    inNamespaces(mount(51, 8, '/tmp'), mount(61, 8, '/tmp')),
    ['fd[5]:/tmp/log'],
    [MOUNTED],
  ],
  ...(
    [
      ['one of them only under way', { 'sk-queues.img': [{ id_for: 4, length: 0, scm: [{ type: 1, rights: [8] }] }] }],
      ['one of them in a table of no task', { 'fdinfo-3.img': [descriptor(8, 8, 'REG')] }],
    ] as [string, Images][]
  ).map(
    ([what, more]): Case => [
      `a path of two mount namespaces, ${what}`,
      { ...inNamespaces(mount(51, 8, '/tmp'), mount(61, 9, '/tmp')), 'fdinfo-2.img': [], ...more },
      ['fd[5]:/tmp/log'],
      [MOUNTED, different('/tmp/log', '2 different files with this path: /proc/7/fd/5 (file id 5), (file id 8)')],
    ],
  ),
  [
    'a path in two mounts from outside, of which nobody knows what they show',
    inNamespaces(mount(51, 8, '/tmp', { ext_mount: true }), mount(61, 8, '/tmp', { ext_mount: true })),
    ['fd[5]:/tmp/log'],
    [MOUNTED],
  ],
  [
    'a device in two mount namespaces',
    inNamespaces(mount(51, 8, '/tmp'), mount(61, 9, '/tmp'), 0o020666),
    ['fd[5]:/tmp/log'],
    [MOUNTED],
  ],
  ['a file and a device of one path', opened([log(5)], [log(8, '/log', { mode: 0o020666 })]), ['fd[5]:/log'], []],
  [
    'a directory in two mount namespaces',
    inNamespaces(mount(51, 8, '/tmp'), mount(61, 9, '/tmp'), 0o040755),
    ['fd[5]:/tmp/log/'],
    [
      MOUNTED,
      different('/tmp/log/', '2 different files with this path: /proc/7/fd/5 (file id 5), /proc/8/fd/8 (file id 8)'),
    ],
  ],
  [
    'a glob of two mount namespaces',
    inNamespaces(mount(51, 8, '/tmp'), mount(61, 9, '/tmp')),
    ['fd[5]:/tmp/lo*'],
    [MOUNTED],
  ],
  [
    'a path of two mount namespaces that two specs divide',
    inNamespaces(mount(51, 8, '/tmp'), mount(61, 9, '/tmp')),
    [only('fd[5]:/proc/7/fd/5'), 'fd[6]:/tmp/log'],
    [MOUNTED, 'SPEC_SHADOWED : fd[6]:/tmp/log: fd[5]:/proc/7/fd/5 takes 1 of its 2 entries'],
  ],
  [
    'a removed file, and another one with its path',
    {
      ...removed([{ orig_id: 5, remap_id: 3, remap_type: 'GHOST' }], [log(8, '/dir/log')]),
      'fdinfo-2.img': [descriptor(8, 8, 'REG'), descriptor(8, 9, 'REG')],
    },
    ['fd[5]:/dir/log'],
    [
      different(
        '/dir/log',
        '2 different files with this path: /proc/7/fd/5 (file id 5, removed), /proc/8/fd/8 (file id 8)',
      ),
      'REMOVED_FILE_DROPPED 5: /dir/log (file id 5) had no name any more: its content, which the images alone hold, is not restored',
    ],
  ],
  [
    'two FIFOs of one path',
    otherQueues(12),
    ['fd[5]:/queue'],
    [different('/queue', '2 different files with this path: /proc/7/fd/5 (file id 5), /proc/8/fd/6 (file id 6)')],
  ],
  ['two ends of one FIFO', otherQueues(11), ['fd[5]:/queue'], []],
  [
    'memfds of one name, one of them open twice',
    {
      ...opened([memfd(5), memfd(6), memfd(7, { inode_id: 2 })]),
      'memfd.img': [1, 2].map((inode_id) => ({
        name: 'm',
        uid: 0,
        gid: 0,
        size: 9,
        shmid: inode_id,
        seals: 0,
        inode_id,
      })),
    },
    ['fd[5]:/memfd:m'],
    [
      "SEVERAL_FILES : fd[5]:/memfd:m matches 2 different memfds with this name: /proc/7/fd/5 (file id 5), /proc/7/fd/7 (file id 7). The caller's file takes the place of each of them; the key of a descriptor names one alone",
      ...[5, 6, 7].map(
        (id) => `STATE_LOST ${id}: memfd (file id ${id}): the content and the seals are those of the caller's file`,
      ),
    ],
  ],
  [
    'listeners that share a port',
    opened([inet(5, 500, {}), inet(6, 501, {}), inet(7, 502, { src_port: 81 })]),
    ['fd[5]:tcp:127.0.0.1:80'],
    [
      "SEVERAL_FILES : fd[5]:tcp:127.0.0.1:80 matches 2 different sockets with this name: /proc/7/fd/5 (file id 5), /proc/7/fd/6 (file id 6). The caller's socket takes the place of each of them; the key of a descriptor names one alone",
      ...[5, 6].map(
        (id) =>
          `STATE_LOST ${id}: tcp:127.0.0.1:80 (file id ${id}): its options and the sizes of its buffers are those of the caller's socket`,
      ),
    ],
  ],
  [
    'one of the listeners that share a port, at two descriptors',
    opened([inet(5, 500, {}), inet(6, 501, {})], [], {
      'fdinfo-1.img': [descriptor(5, 5, 'INETSK'), descriptor(5, 8, 'INETSK'), descriptor(6, 6, 'INETSK')],
    }),
    ['fd[5]:/proc/7/fd/8'],
    [
      "STATE_LOST 5: tcp:127.0.0.1:80 (file id 5): its options and the sizes of its buffers are those of the caller's socket",
    ],
  ],
  [
    'a removed FIFO and a file of one path',
    {
      ...otherQueues(11, [log(7, '/queue')]),
      'remap-fpath.img': [20, 21].map((orig_id) => ({ orig_id, remap_id: 3, remap_type: 'GHOST' })),
    },
    ['fd[5]:/queue'],
    [different('/queue', '2 different files with this path: /proc/7/fd/5 (file id 5), /proc/7/fd/7 (file id 7)')],
  ],
];

const ALL = [...SOCKETS, ...MEMFDS, ...SHADOWED, ...ENDS, ...FILES, ...STATE, ...SEVERAL];
for (const [what, images, specs, expected] of ALL) {
  test(`warnings of ${what}`, async (t) => {
    const { plan, source, out } = await rewriteImages(t, images, { specs });
    t.deepEqual(checkRewritten(source, out), []);
    const told = plan.warnings.map(({ code, file_id, message }) => `${code} ${file_id ?? ''}: ${message}`);
    t.deepEqual(told, [...expected]);
  });
}

test('nothing is said of namespaces if nothing is taken', async (t) => {
  const images = inNamespaces(mount(51, 8, '/tmp'), mount(61, 9, '/tmp'));
  const { plan } = await rewriteImages(t, images, { specs: ['fd[5]:/none'], allowUnmatched: true });
  t.deepEqual(
    plan.warnings.map(({ code }) => code),
    ['SPEC_UNMATCHED'],
  );
});
