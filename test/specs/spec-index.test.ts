import test from 'ava';
import { FD_TYPES, FILE_ENTRY_FIELDS, PIPE_ENTRY_FIELDS } from '../../src/schema/generated/images';
import { parseInheritSpec } from '../../src/specs/parse-spec';
import { SpecIndex } from '../../src/specs/spec-index';
import { encodeVarintField } from '../../src/wire/encode';
import { NO_OWNER } from '../support/directories';
import { encodeMessage } from '../support/images';

test('specs come as they were given, exact keys before globs', (t) => {
  const specs = ['fd[1]:/a/*', 'fd[2]:/a/b', 'fd[3]:/**', 'fd[4]:pipe:[7]'].map((text) => parseInheritSpec(text));
  const index = new SpecIndex(specs, new Map([[9, [0, 3]]]), new Map());
  t.deepEqual(index.inOrder([3, 2, 1, 0]), [1, 3, 0, 2]);
  t.deepEqual(index.inOrder([0, 1]), [1, 0]);
  const given = [2, 1];
  index.inOrder(given);
  t.deepEqual(given, [2, 1]);
  t.deepEqual(index.ofDescriptors(9), [0, 3]);
  t.deepEqual(index.ofDescriptors(8), []);
});

test('an entry whose type and member differ is of no key', (t) => {
  const index = new SpecIndex([parseInheritSpec('fd[1]:pipe:[7]')], new Map(), new Map());
  const pipe = encodeVarintField(PIPE_ENTRY_FIELDS.pipe_id, 7);
  const lookUp = (type: number, member: number) => index.lookUp(1, type, member, pipe, 0, pipe.length);
  t.deepEqual(lookUp(FD_TYPES.PIPE, FILE_ENTRY_FIELDS.pipe), [0]);
  t.deepEqual(lookUp(FD_TYPES.REG, FILE_ENTRY_FIELDS.pipe), []);
  t.deepEqual(lookUp(FD_TYPES.PIPE, FILE_ENTRY_FIELDS.reg), []);
});

const OPTIONS = {
  so_sndbuf: 1,
  so_rcvbuf: 1,
  so_snd_tmo_sec: 0,
  so_snd_tmo_usec: 0,
  so_rcv_tmo_sec: 0,
  so_rcv_tmo_usec: 0,
};
const SOCKET = {
  ...{ id: 9, type: 1, state: 10, flags: 2, uflags: 0, backlog: 0, peer: 0 },
  ...{ fown: NO_OWNER, opts: OPTIONS },
};

test('sockets are found by their inode and their path, among keys of all kinds', (t) => {
  const texts = ['fd[1]:socket:[5]', 'fd[2]:/run/s', 'fd[3]:memfd:x', 'fd[4]:tty[8800:1]', 'fd[5]:/proc/7/fd/1'];
  const specs = texts.map((text) => parseInheritSpec(text));
  t.deepEqual(
    specs.map(({ key }) => key.kind),
    ['socket', 'path', 'memfd', 'terminal', 'descriptor'],
  );
  const index = new SpecIndex(specs, new Map([[9, [4]]]), new Map());
  const lookUp = (
    ino: number,
    name: string,
    type: number = FD_TYPES.UNIXSK,
    member: number = FILE_ENTRY_FIELDS.usk,
    id = 9,
  ) => {
    const bytes = encodeMessage('unix_sk_entry', { ...SOCKET, ino, name: Buffer.from(name) });
    return index.lookUp(id, type, member, bytes, 0, bytes.length);
  };
  t.deepEqual(lookUp(5, '/run/other'), [0, 4]);
  t.deepEqual(lookUp(6, '/run/s'), [1, 4]);
  t.deepEqual(lookUp(5, '/run/s'), [0, 1, 4]);
  t.deepEqual(lookUp(6, '/run/other'), [4]);
  t.deepEqual(lookUp(5, '/run/s', FD_TYPES.UNIXSK, FILE_ENTRY_FIELDS.usk, 8), [0, 1]);
  t.deepEqual(lookUp(5, '/run/s', 200, FILE_ENTRY_FIELDS.usk), [4]);
  t.deepEqual(lookUp(5, '/run/s', FD_TYPES.EVENTFD, FILE_ENTRY_FIELDS.efd), [4]);
});

test('a path is looked for in regular files whose type and member say so', (t) => {
  const index = new SpecIndex([parseInheritSpec('fd[1]:/a')], new Map(), new Map());
  const file = encodeMessage('reg_file_entry', {
    ...{ id: 1, flags: 0, pos: 0, fown: NO_OWNER, name: Buffer.from('a'), ext: false },
  });
  const lookUp = (type: number, member: number) => index.lookUp(1, type, member, file, 0, file.length);
  t.deepEqual(lookUp(FD_TYPES.REG, FILE_ENTRY_FIELDS.reg), [0]);
  t.deepEqual(lookUp(FD_TYPES.EVENTFD, FILE_ENTRY_FIELDS.reg), []);
  t.deepEqual(lookUp(FD_TYPES.REG, FILE_ENTRY_FIELDS.efd), []);
});

test('a pipe without an id is of no key', (t) => {
  const index = new SpecIndex([parseInheritSpec('fd[1]:pipe:[1]')], new Map(), new Map());
  t.deepEqual(index.lookUp(1, FD_TYPES.PIPE, FILE_ENTRY_FIELDS.pipe, Buffer.alloc(0), 0, 0), []);
});
