import test, { type ExecutionContext } from 'ava';
import { FdgraftError } from '../../src';
import { toImage } from '../support/conversions';

const FOWN = '{"uid": 0, "euid": 0, "signum": 0, "pid_type": 0, "pid": 0}';
const OPTS =
  '{"so_sndbuf": 1, "so_rcvbuf": 2, "so_snd_tmo_sec": 0, "so_snd_tmo_usec": 0, "so_rcv_tmo_sec": 0, "so_rcv_tmo_usec": 0, "so_filter": [1, 18446744073709551615]}';
const REG = `{"id": 1, "flags": 2, "pos": 18446744073709551615, "fown": ${FOWN}, "name": "/a", "mnt_id": -1, "ext": true, "build_id": [7, 8]}`;
const USK = `{"id": 2, "ino": 3, "type": 1, "state": 10, "flags": 2, "uflags": 0, "backlog": 5, "peer": 0, "fown": ${FOWN}, "opts": ${OPTS}, "name": "=00/run", "shutdown": "READ"}`;
const FILES = `{"magic": "FILES", "entries": [{"type": "REG", "id": 1, "reg": ${REG}}, {"type": "UNIXSK", "id": 2, "usk": ${USK}}]}`;
const PIPES =
  '{"magic": "PIPES_DATA", "entries": [{"pipe_id": 1, "bytes": 3, "size": 4096, "extra": "YWJj\\n"}, {"pipe_id": 2, "bytes": 0, "extra": ""}], "_tail": "eA=="}';
const SECCOMP = '{"magic": "SECCOMP", "entries": [{"seccomp_filters": [{"filter": "YWJj\\n", "prev": 1}]}]}';
const STREAM =
  '{"magic": "TCP_STREAM", "entries": [{"inq_len": 1, "inq_seq": 1, "outq_len": 2, "outq_seq": 2, "opt_mask": 0, "snd_wscale": 0, "mss_clamp": 0, "extra": {"inq": "YQ==\\n", "outq": "YmM=\\n"}}]}';
const DESC = '{"key": 1, "uid": 2, "gid": 3, "cuid": 4, "cgid": 5, "mode": 6, "id": 7}';
const SEM = `{"magic": "IPCNS_SEM", "entries": [{"desc": ${DESC}, "nsems": 3, "extra": [1, 2, 3]}]}`;
const MSG = `{"magic": "IPCNS_MSG", "entries": [{"desc": ${DESC}, "qbytes": 9, "qnum": 1, "extra": [{"mtype": 4, "msize": 3}, "YWJj\\n"]}]}`;
const SIGACT = '{"magic": "SIGNAL", "entries": [{"siginfo": "YWJj\\n"}]}';
const CORE =
  '{"magic": "CREDS", "entries": [{"uid": 1, "gid": 2, "euid": 3, "egid": 4, "suid": 5, "sgid": 6, "fsuid": 7, "fsgid": 8, "cap_inh": [1], "cap_prm": [], "cap_eff": [], "cap_bnd": [], "secbits": 4294967295, "groups": []}]}';
const MAPS =
  '{"magic": "PAGEMAP", "entries": [{"pages_id": 1}, {"vaddr": "0x1000", "nr_pages": 2, "flags": "PE_LAZY | PE_PRESENT"}]}';
const MNT_ID = '{"magic": "IRMAP_CACHE", "entries": [{"dev": "8:1", "inode": 1, "path": "/x"}]}';
const TASK = `{"magic": "PIDFD", "entries": [{"id": 1, "ino": 2, "flags": 3, "nspid": -4, "fown": ${FOWN}}]}`;
const ALL = { FILES, PIPES, SECCOMP, STREAM, SEM, MSG, SIGACT, CORE, MAPS, MNT_ID, TASK };

for (const [name, json] of Object.entries(ALL)) {
  test(`${name}: what the errors below are made of is right`, async (t) => {
    t.true((await toImage(json)).length > 8);
    t.notThrows(() => JSON.parse(json));
  });
}

/** What is changed to what in a JSON, at its first occurrence; the path that an error names; what stands where it points; the hint. */
type Case = [
  what: string,
  json: string,
  from: string,
  to: string,
  field: string | undefined,
  at: string,
  hint?: RegExp,
];

const CASES: Case[] = [
  // Names.
  ['a misspelt magic', FILES, '"FILES"', '"FILE"', '.magic', '"FILE"', /did you mean "FILES"\?/],
  ['an unknown magic', FILES, '"FILES"', '"Zyxwvutsrqp"', '.magic', '"Zyx', /there are: /],
  ['a misspelt key of the image', FILES, '"entries"', '"entrys"', undefined, '"entrys"', /did you mean "entries"\?/],
  ['a misspelt key of an entry', FILES, '"reg"', '"ref"', '.entries[0]', '"ref"', /did you mean "reg"\?/],
  ['a misspelt key inside', FILES, '"flags"', '"flag"', '.entries[0].reg', '"flag"', /did you mean "flags"\?/],
  ['a misspelt key below that', FILES, '"euid"', '"euidd"', '.entries[0].reg.fown', '"euidd"', /did you mean "euid"\?/],
  [
    'a misspelt key in a list',
    SECCOMP,
    '"filter"',
    '"filtre"',
    '.entries[0].seccomp_filters[0]',
    '"filtre"',
    /did you mean "filter"\?/,
  ],
  [
    'a misspelt key beside an extra',
    PIPES,
    '"pipe_id"',
    '"pipeid"',
    '.entries[0]',
    '"pipeid"',
    /did you mean "pipe_id"\?/,
  ],
  ['a misspelt extra', PIPES, '"extra"', '"extras"', '.entries[0]', '"extras"'],
  ['an extra where there is none', FILES, '"type": "REG"', '"type": "REG", "extra": ""', '.entries[0]', '"extra"'],
  ['a misspelt queue', STREAM, '"outq"', '"outp"', '.entries[0].extra', '"outp"', /did you mean "outq"\?/],
  [
    'a misspelt key of a message',
    MSG,
    '"mtype"',
    '"mtpye"',
    '.entries[0].extra[0]',
    '"mtpye"',
    /did you mean "mtype"\?/,
  ],
  ['an unknown value of an enum', FILES, '"REG"', '"REGS"', '.entries[0].type', '"REGS"', /did you mean "REG"\?/],
  [
    'a value in small letters',
    FILES,
    '"READ"',
    '"read"',
    '.entries[1].usk.shutdown',
    '"read"',
    /did you mean "READ"\?/,
  ],
  [
    'an unknown flag',
    MAPS,
    'PE_LAZY |',
    'PE_LAZI |',
    '.entries[1].flags',
    '"PE_LAZI',
    /did you mean "PE_LAZY"|there are: /,
  ],
  ['a flag that is negative', MAPS, '"PE_LAZY | PE_PRESENT"', '"-1"', '.entries[1].flags', '"-1"'],
  ['no device', MNT_ID, '"8:1"', '"8:x"', '.entries[0].dev', '"8:x"'],
  ['a device that does not fit', MNT_ID, '"8:1"', '"4096:1"', '.entries[0].dev', '"4096:1"'],
  ['a hexadecimal number that is none', MAPS, '"0x1000"', '"0xg"', '.entries[1].vaddr', '"0xg"'],
  ['a hexadecimal number that does not fit', MAPS, '"0x1000"', '"0x10000000000000000"', '.entries[1].vaddr', '"0x1'],
  // Types.
  ['a string for an object', FILES, `"reg": ${REG}`, '"reg": "x"', '.entries[0].reg', '"x"'],
  ['a list for an object', FILES, `"reg": ${REG}`, '"reg": []', '.entries[0].reg', '[]'],
  ['null for an object', FILES, `"reg": ${REG}`, '"reg": null', '.entries[0].reg', 'null'],
  ['a number for a list', FILES, '"build_id": [7, 8]', '"build_id": 7', '.entries[0].reg.build_id', '7'],
  ['null in a list', FILES, '[7, 8]', '[7, null]', '.entries[0].reg.build_id[1]', 'null'],
  ['a list in a list', FILES, '[7, 8]', '[[7], 8]', '.entries[0].reg.build_id[0]', '[7]'],
  ['true for a number', FILES, '"flags": 2', '"flags": true', '.entries[0].reg.flags', 'true'],
  ['an object for a number', FILES, '"flags": 2', '"flags": {}', '.entries[0].reg.flags', '{}'],
  ['null for a number', FILES, '"flags": 2', '"flags": null', '.entries[0].reg.flags', 'null'],
  ['a number for true', FILES, '"ext": true', '"ext": 1', '.entries[0].reg.ext', '1'],
  ['a string for true', FILES, '"ext": true', '"ext": "true"', '.entries[0].reg.ext', '"true"'],
  ['a number for a string', FILES, '"/a"', '5', '.entries[0].reg.name', '5'],
  ['null for a string', FILES, '"/a"', 'null', '.entries[0].reg.name', 'null'],
  ['a number for bytes', SECCOMP, '"YWJj\\n"', '5', '.entries[0].seccomp_filters[0].filter', '5'],
  ['a number for a name', FILES, '"=00/run"', '5', '.entries[1].usk.name', '5'],
  ['an object for an enum', FILES, '"REG"', '{}', '.entries[0].type', '{}'],
  ['a string for an entry', FILES, `{"type": "REG", "id": 1, "reg": ${REG}}`, '"x"', '.entries[0]', '"x"'],
  [
    'a string for an entry with an extra',
    PIPES,
    '{"pipe_id": 2, "bytes": 0, "extra": ""}',
    '"x"',
    '.entries[1]',
    '"x"',
  ],
  ['an object for the entries', SECCOMP, '[{"seccomp', '{"a": [{"seccomp', '.entries', '{"a"'],
  ['a number for the magic', FILES, '"FILES"', '5', '.magic', '5'],
  ['a number for an extra', PIPES, '"YWJj\\n"', '5', '.entries[0].extra', '5'],
  ['an object for the semaphores', SEM, '[1, 2, 3]', '{}', '.entries[0].extra', '{}'],
  ['a list for the queues', STREAM, '{"inq": "YQ==\\n", "outq": "YmM=\\n"}', '[]', '.entries[0].extra', '[]'],
  ['a number for a text', MSG, '"YWJj\\n"]', '5]', '.entries[0].extra[1]', '5]'],
  ['a message without a text', MSG, ', "YWJj\\n"]', ']', '.entries[0].extra[0]', ']'],
  ['a number for the tail', PIPES, '"eA=="', '5', '._tail', '5'],
  // Numbers.
  ['a negative uint32', FILES, '"flags": 2', '"flags": -1', '.entries[0].reg.flags', '-1', /0 to 4294967295/],
  [
    'a uint32 past its end',
    FILES,
    '"flags": 2',
    '"flags": 4294967296',
    '.entries[0].reg.flags',
    '4294967296',
    /0 to 4294967295/,
  ],
  [
    'a uint64 past its end',
    FILES,
    '18446744073709551615',
    '18446744073709551616',
    '.entries[0].reg.pos',
    '1844',
    /0 to 18446744073709551615/,
  ],
  ['a negative uint64', FILES, '"pos": 18446744073709551615', '"pos": -1', '.entries[0].reg.pos', '-1'],
  [
    'a fixed64 past its end',
    FILES,
    '[1, 18446744073709551615]',
    '[1, 18446744073709551616]',
    '.entries[1].usk.opts.so_filter[1]',
    '1844',
  ],
  ['an int32 past its end', TASK, '-4', '2147483648', '.entries[0].nspid', '2147483648', /-2147483648 to 2147483647/],
  ['an int32 before its beginning', TASK, '-4', '-2147483649', '.entries[0].nspid', '-2147483649'],
  ['a sint32 past its end', FILES, '"mnt_id": -1', '"mnt_id": 2147483648', '.entries[0].reg.mnt_id', '2147483648'],
  [
    'a sint32 before its beginning',
    FILES,
    '"mnt_id": -1',
    '"mnt_id": -2147483649',
    '.entries[0].reg.mnt_id',
    '-2147483649',
  ],
  ['an enum past its end', FILES, '"REG"', '2147483648', '.entries[0].type', '2147483648'],
  ['a fraction', FILES, '"flags": 2', '"flags": 2.5', '.entries[0].reg.flags', '2.5'],
  ['a fraction of nothing', FILES, '"flags": 2', '"flags": 2.0', '.entries[0].reg.flags', '2.0'],
  ['an exponent', FILES, '18446744073709551615', '1e19', '.entries[0].reg.pos', '1e19', /jq/],
  [
    'what jq makes of a large number',
    FILES,
    '18446744073709551615',
    '1.8446744073709552e+19',
    '.entries[0].reg.pos',
    '1.8446',
  ],
  ['a number that begins with 0', FILES, '"flags": 2', '"flags": 02', '.entries[0].reg.flags', '02'],
  ['a number with a plus', FILES, '"flags": 2', '"flags": +2', '.entries[0].reg.flags', '+2'],
  ['two signs', FILES, '"mnt_id": -1', '"mnt_id": --1', '.entries[0].reg.mnt_id', '--1'],
  ['a sign alone', FILES, '"mnt_id": -1', '"mnt_id": -', '.entries[0].reg.mnt_id', '-'],
  ['digits and letters', FILES, '"flags": 2', '"flags": 2a', '.entries[0].reg', 'a,'],
  ['not a number', FILES, '"flags": 2', '"flags": NaN', '.entries[0].reg.flags', 'NaN'],
  ['a semaphore past its end', SEM, '[1, 2, 3]', '[1, 65536, 3]', '.entries[0].extra[1]', '65536'],
  ['a semaphore with an exponent', SEM, '[1, 2, 3]', '[1, 2e3, 3]', '.entries[0].extra[1]', '2e3'],
  ['a semaphore that is no number', SEM, '[1, 2, 3]', '[1, "2", 3]', '.entries[0].extra[1]', '"2"'],
  ['a fraction of a semaphore', SEM, '[1, 2, 3]', '[1, 2.5, 3]', '.entries[0].extra[1]', '2.5'],
  // What is there, and how often.
  ['a missing required key', FILES, '"flags": 2, ', '', '.entries[0].reg', ''],
  ['a missing message', FILES, `, "fown": ${FOWN}`, '', '.entries[0].reg', ''],
  ['an entry of nothing', FILES, `{"type": "REG", "id": 1, "reg": ${REG}}`, '{}', '.entries[0]', ''],
  ['no magic', FILES, '"magic": "FILES", ', '', undefined, '', /crit writes/],
  ['no entries', SECCOMP, /, "entries".*\]/.exec(SECCOMP)?.[0] ?? '', '', undefined, ''],
  [
    'a key twice',
    FILES,
    '"flags": 2',
    '"flags": 2, "flags": 2',
    '.entries[0].reg.flags',
    '"flags": 2, "pos',
    /leave one/,
  ],
  [
    'a key twice, far apart',
    FILES,
    '"ext": true',
    '"ext": true, "id": 1',
    '.entries[0].reg.id',
    '"id": 1, "build',
    /leave one/,
  ],
  ['a message twice', FILES, `"fown": ${FOWN}`, `"fown": ${FOWN}, "fown": ${FOWN}`, '.entries[0].reg.fown', '"fown"'],
  [
    'the magic twice',
    FILES,
    '"magic": "FILES"',
    '"magic": "FILES", "magic": "FILES"',
    '.magic',
    '"magic": "FILES", "entries',
    /leave one/,
  ],
  ['an extra twice', PIPES, '"extra": "YWJj\\n"', '"extra": "YWJj", "extra": ""', '.entries[0].extra', ''],
  ['a queue twice', STREAM, '"outq"', '"in_q": "YQ==", "outq"', '.entries[0].extra', ''],
  ['_wire twice', FILES, '"reg": {', '"reg": {"_wire": "", "_wire": "", ', '.entries[0].reg._wire', '"_wire": "", "id'],
  // Strings.
  ['no base64', SECCOMP, 'YWJj\\n', 'YWJ', '.entries[0].seccomp_filters[0].filter', 'YWJ"'],
  ['base64 with other characters', SECCOMP, 'YWJj\\n', 'YW*j', '.entries[0].seccomp_filters[0].filter', 'YW*j'],
  ['base64 with its end inside', SECCOMP, 'YWJj\\n', 'YQ==YQ==', '.entries[0].seccomp_filters[0].filter', 'YQ=='],
  ['no base64 in an extra', PIPES, 'YWJj\\n', 'YWJ', '.entries[0].extra', ''],
  ['other characters in an extra', PIPES, 'YWJj\\n', 'YW*j', '.entries[0].extra', ''],
  ['more behind the end of base64', PIPES, 'YWJj\\n', 'YWI=YWI=', '.entries[0].extra', ''],
  ['no base64 in the tail', PIPES, 'eA==', 'eA=', '._tail', ''],
  ['no base64 in a queue', STREAM, 'YmM=\\n', 'YmM', '.entries[0].extra.outq', ''],
  ['no base64 in _wire', FILES, '"reg": {', '"reg": {"_wire": "-", ', '.entries[0].reg._wire', '-"'],
  ['no quoted-printable', FILES, '=00/run', '=0x/run', '.entries[1].usk.name', '=0x'],
  ['half a quoted byte', FILES, '=00/run', '/run=0', '.entries[1].usk.name', '/run=0'],
  ['half a surrogate pair', FILES, '"/a"', '"/\\ud800"', '.entries[0].reg.name', ''],
  ['the other half', FILES, '"/a"', '"/\\udc00\\ud800"', '.entries[0].reg.name', ''],
  ['half a surrogate pair in a name', FILES, '=00/run', '\\ud800', '.entries[1].usk.name', '"\\ud800"'],
  ['half a surrogate pair in a key', FILES, '"flags"', '"\\ud800"', '.entries[0].reg', '"\\ud800"'],
  ['an unknown escape', FILES, '"/a"', '"/\\x41"', '.entries[0].reg.name', '"/\\x41"'],
  ['half an escape', FILES, '"/a"', '"/\\u00"', '.entries[0].reg.name', '"/\\u00"'],
  ['a line end in a string', FILES, '"/a"', '"/\n"', '.entries[0].reg.name', '\n'],
  ['NUL in a string', FILES, '"/a"', '"/\0"', '.entries[0].reg.name', '\0'],
  ['NUL in a key', FILES, '"flags"', '"fl\0gs"', '.entries[0].reg', '\0'],
  ['a line end in an extra', PIPES, 'YWJj\\n', 'YWJj\n', '.entries[0].extra', '\n'],
  ['NUL in an extra', PIPES, 'YWJj\\n', 'YWJj\0', '.entries[0].extra', ''],
  ['a line end in the tail', PIPES, 'eA==', 'eA==\n', '._tail', '\n'],
  ['a line end in a queue', STREAM, 'YQ==\\n', 'YQ==\n', '.entries[0].extra.inq', '\n'],
  // Structure.
  ['a comma at the end of a list', FILES, '[7, 8]', '[7, 8,]', '.entries[0].reg.build_id[2]', ']'],
  ['a comma at the end of an object', FILES, '"pid": 0}', '"pid": 0,}', '.entries[0].reg.fown', '}'],
  ['no comma', FILES, '[7, 8]', '[7 8]', '.entries[0].reg.build_id', '8]'],
  ['no colon', FILES, '"flags": 2', '"flags" 2', '.entries[0].reg.flags', '2'],
  ['a comment', FILES, '"flags": 2', '/* */ "flags": 2', '.entries[0].reg', '/*'],
  ['single quotes', FILES, '"flags"', "'flags'", '.entries[0].reg', "'flags'"],
  ['NUL between values', FILES, '[7, 8]', '[7,\0 8]', '.entries[0].reg.build_id[1]', '\0'],
  ['a mark of the byte order', FILES, '{"magic"', '\ufeff{"magic"', undefined, '\ufeff'],
  ['another object behind the end', SECCOMP, ']}]}', ']}]} {}', undefined, '{}'],
  ['text behind the end', SECCOMP, ']}]}', ']}]} x', undefined, 'x'],
  ['NUL behind the end', SECCOMP, ']}]}', ']}]}\0', undefined, '\0'],
  ['a list instead of an image', SECCOMP, '{"magic', '[{"magic', undefined, '['],
  // Extras.
  ['an extra that is too long', PIPES, '"bytes": 3', '"bytes": 2', '.entries[0].extra', '', /agree/],
  ['an extra that is too short', PIPES, '"bytes": 3', '"bytes": 4', '.entries[0].extra', '', /agree/],
  ['no extra where bytes are said', PIPES, ', "extra": "YWJj\\n"', '', '.entries[0].extra', '', /agree/],
  ['a queue that is too long', STREAM, '"outq_len": 2', '"outq_len": 1', '.entries[0].extra', '', /agree/],
  ['too many semaphores', SEM, '"nsems": 3', '"nsems": 2', '.entries[0].extra', '', /agree/],
  ['too few semaphores', SEM, '"nsems": 3', '"nsems": 5', '.entries[0].extra', '', /agree/],
  ['too many messages', MSG, '"qnum": 1', '"qnum": 0', '.entries[0].extra', '', /"qnum" to 1/],
  ['too few messages', MSG, '"qnum": 1', '"qnum": 2', '.entries[0].extra', '', /"qnum" to 1/],
  ['a text that is too long', MSG, '"msize": 3', '"msize": 2', '.entries[0].extra[1]', '', /agree/],
  // Our own keys.
  ['_wire that is no message', FILES, '"reg": {', '"reg": {"_wire": "/////w==", ', '.entries[0].reg', ''],
  ['_wire with a group', FILES, '"reg": {', '"reg": {"_wire": "Cw==", ', '.entries[0].reg', ''],
  ['_wire with a wrong wire type', FILES, '"reg": {', '"reg": {"_wire": "DQEAAAA=", ', '.entries[0].reg', ''],
  ['_wire that lacks a field', FILES, '"reg": {', '"reg": {"_wire": "CAE=", ', '.entries[0].reg', ''],
  ['_wire that is no string', FILES, '"reg": {', '"reg": {"_wire": 5, ', '.entries[0].reg._wire', '5'],
  ['_head of another image', FILES, '"entries"', '"_head": "AAAAAA==", "entries"', '._head', '"AAAAAA=="'],
  ['_head that is too short', FILES, '"entries"', '"_head": "AAAA", "entries"', '._head', '"AAAA"'],
  ['_head behind the entries', SECCOMP, ']}]}', ']}], "_head": "AAAAAA=="}', '._head', ''],
];

async function refused(t: ExecutionContext, json: string | Uint8Array, what: string): Promise<FdgraftError> {
  const error = (await t.throwsAsync(toImage(json), { instanceOf: FdgraftError }, what)) as FdgraftError;
  t.like(error, { code: 'JSON_MALFORMED', exitCode: 2, file: 'x.json' }, what);
  return error;
}

test('the corruptions are all different and all of one place', (t) => {
  t.is(new Set(CASES.map(([what]) => what)).size, CASES.length);
  for (const [what, json, from] of CASES) t.true(from !== '' && json.includes(from), what);
});

for (const [what, json, from, to, field, at, hint] of CASES) {
  test(`${what} is an error with its place`, async (t) => {
    const bad = json.replace(from, () => to);
    const error = await refused(t, bad, what);
    t.is(error.field, field);
    const changed = bad.slice(0, json.indexOf(from));
    const bytes = Buffer.from(bad, 'utf8');
    t.true(error.offset !== undefined && error.offset <= bytes.length);
    if (at !== '') {
      const shown = bytes.subarray(error.offset).toString('utf8');
      t.true(shown.startsWith(at), `${at} at ${error.offset}: ${shown.slice(0, 30)}`);
    } else t.true((error.offset as number) >= Buffer.byteLength(changed), `${error.offset}`);
    t.regex(error.hint ?? '', hint ?? /./);
    t.notRegex(error.message, /[\0-\x1f]/);
  });
}

test('invalid UTF-8 is an error with its place, wherever it stands', async (t) => {
  const places: [string, string, string | undefined][] = [
    [FILES, '/a', '.entries[0].reg.name'],
    [FILES, '=00/run', '.entries[1].usk.name'],
    [FILES, 'flags', '.entries[0].reg'],
    [FILES, 'REG', '.entries[0].type'],
    [FILES, 'FILES', '.magic'],
    [PIPES, 'YWJj', '.entries[0].extra'],
    [PIPES, 'eA==', '._tail'],
    [SECCOMP, 'YWJj', '.entries[0].seccomp_filters[0].filter'],
  ];
  for (const [json, text, field] of places) {
    for (const bytes of ['\xff', '\xa0', '\xc3', '\xed\xa0\x80']) {
      const at = json.indexOf(`"${text}`) + 1;
      const bad = Buffer.concat([
        Buffer.from(json.slice(0, at)),
        Buffer.from(bytes, 'latin1'),
        Buffer.from(json.slice(at)),
      ]);
      const error = await refused(t, bad, `${text} ${bytes}`);
      t.is(error.field, field);
    }
  }
});

test('JSON that is cut off anywhere is an error', async (t) => {
  const entriesFirst = SECCOMP.replace(/^\{("magic": "SECCOMP"), (.*)\}$/, '{$2, $1}');
  for (const json of [...Object.values(ALL), entriesFirst]) {
    for (let length = 0; length < json.length; length += 1) {
      const error = await refused(t, json.slice(0, length), json.slice(0, length));
      t.true((error.offset ?? -1) <= length);
    }
  }
});

const nested = (depth: number) =>
  `{"magic": "APPARMOR", "entries": [{"namespaces": ${'[{"name": "n", "namespaces": '.repeat(depth)}[]${'}]'.repeat(depth)}}]}`;

test('messages that are nested too deep are an error', async (t) => {
  t.true((await toImage(nested(20))).length > 8);
  for (const depth of [100, 1000, 100_000]) {
    t.regex((await refused(t, nested(depth), `${depth}`)).message, /nested deeper/);
  }
  for (const text of ['['.repeat(100_000), '{"a":'.repeat(100_000), `{"entries": ${'['.repeat(1_000_000)}`]) {
    await refused(t, text, text.slice(0, 20));
  }
});

test('what is no JSON at all is an error', async (t) => {
  const texts = [
    '',
    ' ',
    '\n',
    'null',
    '5',
    '"x"',
    '[]',
    '{}',
    '{"magic": "FILES"}',
    '{"entries": []}',
    '<xml/>',
    '\0',
  ];
  for (const text of texts) await refused(t, text, text);
  await refused(t, Buffer.from([0x19, 0x43, 0x56, 0x54, 0x38, 0x31, 0x30, 0x56]), 'an image');
  await refused(t, Buffer.from('{"magic": "FILES"}', 'utf16le'), 'UTF-16');
});
