import test from 'ava';
import { FdgraftError } from '../../src';
import { toImage, toJson } from '../support/conversions';
import { type Json, parseExactly, stringifyExactly } from '../support/exact-json';
import { encodeMessage, imageOf, uint32 } from '../support/images';
import { headOf } from '../support/random-images';

type Part = [type: string, fields: object, extra?: Buffer];

function imageWith(kind: string, ...parts: Part[]): Buffer {
  const framed = parts.flatMap(([type, fields, extra = Buffer.alloc(0)]) => {
    const record = encodeMessage(type, fields);
    return [uint32(record.length), record, extra];
  });
  return Buffer.concat([headOf(imageOf(kind)), ...framed]);
}

/** As it is, with sorted keys, and with what was sorted the other way round. */
async function encodes(json: object): Promise<Buffer[]> {
  const text = JSON.stringify(json);
  const reversed = (value: Json): Json => {
    if (Array.isArray(value)) return value.map(reversed);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .map(([key, each]): [string, Json] => [key, reversed(each)])
        .reverse(),
    );
  };
  const parsed = parseExactly(text);
  return Promise.all(
    [text, stringifyExactly(parsed, true), stringifyExactly(reversed(parsed))].map((each) => toImage(each)),
  );
}

const FOWN = { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: 0 };
const OPTS = {
  so_sndbuf: 1,
  so_rcvbuf: 2,
  so_snd_tmo_sec: 0,
  so_snd_tmo_usec: 0,
  so_rcv_tmo_sec: 0,
  so_rcv_tmo_usec: 0,
};
const asText = (fields: { [name: string]: number }, names: string) =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, names.includes(name) ? `${value}` : value]));
const GO_OPTS = asText(OPTS, 'so_snd_tmo_sec so_snd_tmo_usec so_rcv_tmo_sec so_rcv_tmo_usec');
const SOCKET = { id: 1, ino: 2, type: 1, state: 10, flags: 2, uflags: 0, backlog: 5, peer: 0, fown: FOWN };
const DESC = { key: 1, uid: 2, gid: 3, cuid: 4, cgid: 5, mode: 6, id: 7 };

test('64-bit numbers as strings', async (t) => {
  const fields = { id: 3, flags: 1, fown: FOWN, name: '/a' };
  const files = (pos: string) =>
    imageWith('FILES', ['file_entry', { type: 'REG', id: 3, reg: { ...fields, pos: BigInt(pos).toString() } }]);
  for (const pos of ['0', '5', '9007199254740993', '18446744073709551615']) {
    const json = { magic: 'FILES', entries: [{ type: 'REG', id: 3, reg: { ...fields, pos } }] };
    for (const image of await encodes(json)) t.deepEqual(image, files(pos));
  }
  for (const pos of ['18446744073709551616', '-1', '1.5', '1e3', '', ' 1', '+1', 'x']) {
    const json = { magic: 'FILES', entries: [{ type: 'REG', id: 3, reg: { ...fields, pos } }] };
    const error = await t.throwsAsync(toImage(JSON.stringify(json)), { instanceOf: FdgraftError }, pos);
    t.like(error, { code: 'JSON_MALFORMED', field: '.entries[0].reg.pos' });
  }
});

test('names of sockets as base64, told by the entry that they are in', async (t) => {
  const name = Buffer.from('\0/run/socket=.\n\xff', 'latin1');
  const image = imageWith(
    'FILES',
    ['file_entry', { type: 'UNIXSK', id: 1, usk: { ...SOCKET, opts: OPTS, name } }],
    ['file_entry', { type: 'UNIXSK', id: 1, usk: { ...SOCKET, opts: OPTS, name: Buffer.from('YWJj') } }],
  );
  const go = (value: string) => ({ type: 'UNIXSK', id: 1, usk: { ...SOCKET, opts: GO_OPTS, name: value } });
  const ofGo = { magic: 'FILES', entries: [go(name.toString('base64')), go(Buffer.from('YWJj').toString('base64'))] };
  for (const encoded of await encodes(ofGo)) t.deepEqual(encoded, image);
  // Numbers that are none: crit's name, which could be base64 too.
  const ofCrit = [ofGo.entries[0], { type: 'UNIXSK', id: 1, usk: { ...SOCKET, opts: OPTS, name: 'YWJj' } }];
  for (const encoded of await encodes({ magic: 'FILES', entries: ofCrit })) t.deepEqual(encoded, image);
  const older = imageWith('UNIXSK', ['unix_sk_entry', { ...SOCKET, opts: OPTS, name }]);
  const json = { magic: 'UNIXSK', entries: [{ ...SOCKET, opts: GO_OPTS, name: name.toString('base64') }] };
  for (const encoded of await encodes(json)) t.deepEqual(encoded, older);
});

test('no entries at all are null', async (t) => {
  for (const kind of ['FILES', 'PIPES_DATA', 'GHOST_FILE', 'IPCNS_MSG']) {
    for (const image of await encodes({ magic: kind, entries: null })) t.deepEqual(image, headOf(imageOf(kind)));
  }
});

test('base64 in one line, and no extra where it is empty', async (t) => {
  const bytes = Buffer.alloc(200, 0xa7);
  const image = imageWith(
    'PIPES_DATA',
    ['pipe_data_entry', { pipe_id: 1, bytes: 200 }, bytes],
    ['pipe_data_entry', { pipe_id: 2, bytes: 0, size: 4096 }],
  );
  const entries = [
    { pipe_id: 1, bytes: 200, extra: bytes.toString('base64') },
    { pipe_id: 2, bytes: 0, size: 4096 },
  ];
  for (const encoded of await encodes({ magic: 'PIPES_DATA', entries })) t.deepEqual(encoded, image);
  const filter = imageWith('SECCOMP', ['seccomp_entry', { seccomp_filters: [{ filter: bytes }] }]);
  const seccomp = { magic: 'SECCOMP', entries: [{ seccomp_filters: [{ filter: bytes.toString('base64') }] }] };
  for (const encoded of await encodes(seccomp)) t.deepEqual(encoded, filter);
  const shm = imageWith('IPCNS_SHM', ['ipc_shm_entry', { desc: DESC, size: 5 }, Buffer.from('abcde\0\0\0')]);
  const ofShm = { magic: 'IPCNS_SHM', entries: [{ desc: DESC, size: '5', extra: 'YWJjZGU=' }] };
  for (const encoded of await encodes(ofShm)) t.deepEqual(encoded, shm);
});

test('semaphores as a string with a list in it', async (t) => {
  const image = imageWith('IPCNS_SEM', [
    'ipc_sem_entry',
    { desc: DESC, nsems: 3 },
    Buffer.from([1, 0, 0xff, 0xff, 3, 0, 0, 0]),
  ]);
  for (const extra of ['[1,65535,3]', ' [ 1, 65535 , 3 ] ', [1, 65535, 3]]) {
    const json = { magic: 'IPCNS_SEM', entries: [{ desc: DESC, nsems: 3, extra }] };
    for (const encoded of await encodes(json)) t.deepEqual(encoded, image);
  }
  for (const extra of ['[1,65535,3', '[1,65535,3] 4', '[1,65536,3]', '[1,-1,3]', '[1,2]', '{}', '', 'x', '[1.5,1,1]']) {
    const json = JSON.stringify({ magic: 'IPCNS_SEM', entries: [{ desc: DESC, nsems: 3, extra }] });
    const error = await t.throwsAsync(toImage(json), { instanceOf: FdgraftError }, extra);
    t.like(error, { code: 'JSON_MALFORMED', exitCode: 2 }, extra);
    t.regex(error?.field ?? '', /^\.entries\[0\]\.extra(\[\d\])?$/, extra);
    t.true((error?.offset ?? -1) >= json.indexOf('"extra"') && (error?.offset ?? 0) <= json.length, extra);
  }
});

test('the queues of a connection as a string with an object in it', async (t) => {
  const stream = { inq_len: 3, inq_seq: 1, outq_len: 2, outq_seq: 2, opt_mask: 0, snd_wscale: 0, mss_clamp: 0 };
  const image = imageWith('TCP_STREAM', ['tcp_stream_entry', stream, Buffer.from('abcde')]);
  const [inq, outq] = ['YWJj', 'ZGU='];
  const extras = [
    { in_q: inq, out_q: outq },
    { inQ: inq, outQ: outq },
    { inq: `${inq}\n`, outq: `${outq}\n` },
  ].flatMap((queues) => [queues, JSON.stringify(queues)]);
  for (const extra of extras) {
    for (const encoded of await encodes({ magic: 'TCP_STREAM', entries: [{ ...stream, extra }] })) {
      t.deepEqual(encoded, image);
    }
  }
  for (const extra of ['{"in_q":"YWJj","out_q":"ZGU="} x', '{"in_q":"YWJj","out_q":"ZGU="', '[]']) {
    const json = JSON.stringify({ magic: 'TCP_STREAM', entries: [{ ...stream, extra }] });
    const error = await t.throwsAsync(toImage(json), { code: 'JSON_MALFORMED' }, extra);
    t.true(((error as FdgraftError).offset ?? -1) >= json.indexOf('"extra"'), extra);
  }
  const empty = imageWith('TCP_STREAM', ['tcp_stream_entry', { ...stream, inq_len: 0, outq_len: 0 }]);
  const without = { magic: 'TCP_STREAM', entries: [{ ...stream, inq_len: 0, outq_len: 0 }] };
  for (const encoded of await encodes(without)) t.deepEqual(encoded, empty);
});

test('messages of a queue as strings with objects in them', async (t) => {
  const image = imageWith(
    'IPCNS_MSG',
    ['ipc_msg_entry', { desc: DESC, qbytes: 9, qnum: 1 }],
    ['ipc_msg', { mtype: 4, msize: 3 }, Buffer.from('abc\0\0\0\0\0')],
    ['ipc_msg_entry', { desc: DESC, qbytes: 9, qnum: 1 }],
    ['ipc_msg', { mtype: 5, msize: 1 }, Buffer.from('z\0\0\0\0\0\0\0')],
  );
  t.deepEqual(await toImage(await toJson(image)), image);
  const entry = (extra: unknown) => ({ desc: DESC, qbytes: 9, qnum: 1, extra });
  const entries = [
    entry(['{"mtype":"4","msize":3}', 'YWJj']),
    entry(JSON.stringify([{ mtype: '5', msize: 1 }, 'eg=='])),
  ];
  for (const encoded of await encodes({ magic: 'IPCNS_MSG', entries })) t.deepEqual(encoded, image);
});
