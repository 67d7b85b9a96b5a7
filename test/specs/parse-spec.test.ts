import test from 'ava';
import { FdgraftError } from '../../src/errors/fdgraft-error';
import { parseInheritSpec, parseSpec } from '../../src/specs/parse-spec';
import { parseSpecs } from '../../src/specs/parse-specs';
import { parsePathFilter } from '../../src/specs/path-filter';
import type { SpecOptions } from '../../src/specs/spec';

const READ: [string, object][] = [
  ['fd[5]:pipe:[22653]', { kind: 'inherit', callerFd: 5, key: { kind: 'pipe', id: 22653 } }],
  ['fd[0]:pipe:[0]', { callerFd: 0, key: { kind: 'pipe', id: 0 } }],
  ['fd[5]:file[1f:2b]', { key: { kind: 'external', name: 'file[1f:2b]' } }],
  ['fd[5]:/var/log/a.log', { key: { kind: 'path', path: Buffer.from('var/log/a.log') } }],
  ['fd[5]:var/log/a.log', { key: { kind: 'path', path: Buffer.from('var/log/a.log') } }],
  ['fd[5]:/', { key: { kind: 'path', path: Buffer.alloc(0), isDirectory: false } }],
  ['fd[5]:/srv/data/', { key: { kind: 'path', path: Buffer.from('srv/data'), isDirectory: true } }],
  ['fd[5]:socket:[12]', { key: { kind: 'socket', name: 'socket:[12]' } }],
  ['fd[5]:@a\\x00b', { key: { kind: 'socket', name: '@a\\x00b' } }],
  ['fd[5]:tcp:127.0.0.1:80', { key: { kind: 'socket', name: 'tcp:127.0.0.1:80' } }],
  ['fd[5]:tcp:[0:0::1]:80', { key: { kind: 'socket', name: 'tcp:[::1]:80' } }],
  ['fd[5]:udp:[::]:5-[::1]:6', { key: { kind: 'socket', name: 'udp:[::]:5-[::1]:6' } }],
  ['fd[5]:./tcp:1.2.3.4:5', { key: { kind: 'path', path: Buffer.from('tcp:1.2.3.4:5') } }],
  ['fd[5]:/memfd:a\\xff', { key: { kind: 'memfd', name: 'a\xff' } }],
  ['fd[5]:ab@c', { key: { kind: 'path', path: Buffer.from('ab@c') } }],
  ['fd[5]:./@a', { key: { kind: 'path', path: Buffer.from('@a') } }],
  ['fd[5]:.', { key: { kind: 'path', path: Buffer.alloc(0) } }],
  ['fd[5]:/a:b:c', { key: { kind: 'path', path: Buffer.from('a:b:c') } }],
  ['fd[5]:/a\\xff', { key: { kind: 'path', path: Buffer.from([0x61, 0xff]) } }],
  ['fd[5]:/a\\x2a', { key: { kind: 'path', path: Buffer.from('a*') } }],
  ['fd[5]:/a\\b', { key: { kind: 'path', path: Buffer.from('a\\b') } }],
  ['debug[2]:now restoring\\x0a', { kind: 'debug', callerFd: 2, output: Buffer.from('now restoring\n') }],
  // Whether it is the key of a namespace, the images say.
  ['fd[3]:extRootNetNS', { kind: 'inherit', key: { kind: 'path' }, keyText: 'extRootNetNS', options: [] }],
  ['fd[5]:pipe:[22653]:read', { key: { kind: 'pipe', id: 22653, end: 'read' } }],
  ['fd[5]:pipe:[22653]:write', { key: { kind: 'pipe', id: 22653, end: 'write' } }],
  // ls prints such a key where an image has such a name.
  ['fd[5]:/a\\x00', { key: { kind: 'path', path: Buffer.from('a\0') } }],
  ['fd[3]:/var/log/*.log', { key: { kind: 'glob' } }],
  ['fd[3]:/proc/14716/fd/5', { key: { kind: 'descriptor', pid: 14716, fd: 5 } }],
  ['fd[3]:proc/14716/fd/5', { key: { kind: 'descriptor', pid: 14716, fd: 5 } }],
  ['fd[3]:/proc/*/fd/0', { key: { kind: 'descriptor', pid: undefined, fd: 0 } }],
  ['fd[1048575]:socket:[4294967295]', { callerFd: 1048575, key: { kind: 'socket', name: 'socket:[4294967295]' } }],
  ['fd[5]:socket:[131019]', { key: { kind: 'socket', name: 'socket:[131019]' } }],
  ['fd[5]:pipe:[4294967295]', { key: { kind: 'pipe', id: 4294967295 } }],
  ['fd[5]:tty[8803:19]', { key: { kind: 'terminal', rdev: 0x8803, dev: 0x19 } }],
  ['fd[5]:tcp:1.2.3.4:65535', { key: { kind: 'socket', name: 'tcp:1.2.3.4:65535' } }],
  ['fd[5]:./memfd:a', { key: { kind: 'path', path: Buffer.from('memfd:a') } }],
  ['fd[5]:/srv/proc/1/fd/2', { key: { kind: 'path', path: Buffer.from('srv/proc/1/fd/2') } }],
  ['fd[5]:/a\nb', { key: { kind: 'path', path: Buffer.from('a\nb') } }],
  ['fd[3]:/proc/2147483647/fd/2147483647', { key: { kind: 'descriptor', pid: 2147483647, fd: 2147483647 } }],
  ['fd[3]:/proc/14716/fdinfo', { key: { kind: 'path', path: Buffer.from('proc/14716/fdinfo') } }],
];
for (const [text, expected] of READ) {
  test(`reads ${text}`, (t) => t.like(parseSpec(text), { text, ...expected }));
}

const REFUSED: [string, string, RegExp][] = [
  ['', 'SPEC_SYNTAX', /neither fd\[N\]:KEY/],
  ['pipe:[1]', 'SPEC_SYNTAX', /neither fd\[N\]:KEY/],
  ['fd[7:x', 'SPEC_SYNTAX', /the \] after the number is missing/],
  ['fd[ 7]:x', 'SPEC_SYNTAX', /not a descriptor number/],
  ['fd[+7]:x', 'SPEC_SYNTAX', /not a descriptor number/],
  ['fd[07]:x', 'SPEC_SYNTAX', /leading zero/],
  ['fd[N]:x', 'SPEC_SYNTAX', /stands for the number/],
  ['fd[0x7]:x', 'SPEC_SYNTAX', /hexadecimal/],
  ['fd[7]pipe:[1]', 'SPEC_SYNTAX', /colon after \] is missing/],
  ['fd[2147483648]:x', 'SPEC_SYNTAX', /no descriptor number/],
  ['fd[7]:', 'SPEC_SYNTAX', /key is empty/],
  ['debug[7]:', 'SPEC_SYNTAX', /text is empty/],
  ['xfd[7]:/a', 'SPEC_SYNTAX', /neither fd\[N\]:KEY/],
  ['xfd[7]/a', 'SPEC_SYNTAX', /neither fd\[N\]:KEY/],
  ['xfd[ 7]:/a', 'SPEC_SYNTAX', /neither fd\[N\]:KEY/],
  ['fd[7]:pipe:[99999999999]', 'SPEC_SYNTAX', /it goes to 4294967295/],
  ['fd[7]:/a\ud800', 'SPEC_SYNTAX', /fd\[7\]:\/a\\ud800': has half of a surrogate pair/],
  ['fd[7]:pipe[1]', 'SPEC_SYNTAX', /colon after pipe is missing/],
  ['fd[7]:pipe:[0x587d]', 'SPEC_SYNTAX', /hexadecimal/],
  ['fd[7]:pipe:[587d]', 'SPEC_SYNTAX', /hexadecimal/],
  ['fd[7]:pipe:[1', 'SPEC_SYNTAX', /not the number of a pipe/],
  ['fd[7]:pipe:[01]', 'SPEC_SYNTAX', /not the number of a pipe/],
  ['fd[7]:pipe:[4294967296]', 'SPEC_SYNTAX', /not the number of a pipe/],
  ['fd[7]:pipe:[1]x', 'SPEC_SYNTAX', /not the number of a pipe/],
  ['fd[7]:file[1F:2b]', 'SPEC_SYNTAX', /external file/],
  ['fd[7]:file[1:0x2]', 'SPEC_SYNTAX', /external file/],
  ['fd[7]:file:[1:2]', 'SPEC_SYNTAX', /external file/],
  ['fd[7]:/a\\xg1', 'SPEC_SYNTAX', /two hexadecimal digits/],
  ['fd[7]:pipe:[1]:reed', 'SPEC_SYNTAX', /"reed" is no end of a pipe/],
  ['fd[7]:pipe:[1]:', 'SPEC_SYNTAX', /no end of a pipe/],
  ['fd[7]:/a\ufffd', 'SPEC_SYNTAX', /U\+FFFD/],
  ['fd[7]:/proc/self/fd/3', 'SPEC_SYNTAX', /not the name of a descriptor/],
  ['fd[7]:/proc/12/fd/', 'SPEC_SYNTAX', /not the name of a descriptor/],
  ['fd[7]:/proc/12/fd/*', 'SPEC_SYNTAX', /not the name of a descriptor/],
  ['fd[7]:/proc/012/fd/3', 'SPEC_SYNTAX', /not the name of a descriptor/],
  ['fd[7]:/proc/0/fd/3', 'SPEC_SYNTAX', /not the name of a descriptor/],
  ['fd[7]:/proc/12/fd/2147483648', 'SPEC_SYNTAX', /not the name of a descriptor/],
  ['fd[7]:socket:[0x12]', 'SPEC_SYNTAX', /not the name of a socket/],
  ['fd[1048576]:x', 'SPEC_SYNTAX', /1048576 is no descriptor number/],
  ['fd[7]:/proc/2147483648/fd/3', 'SPEC_SYNTAX', /not the name of a descriptor/],
  ['fd[7]:socket:[4294967296]', 'SPEC_SYNTAX', /not the name of a socket/],
  ['fd[7]:socket:[012]', 'SPEC_SYNTAX', /not the name of a socket/],
  ['fd[7]:tcp:1.2.3.4:080', 'SPEC_SYNTAX', /not the address of a socket/],
  ['fd[7]:tcp:[1.2.3.4]:80', 'SPEC_SYNTAX', /not the address of a socket/],
  ['fd[7]:socket[12]', 'SPEC_SYNTAX', /not the name of a socket/],
  ['fd[7]:tcp:localhost:80', 'SPEC_SYNTAX', /not the address of a socket/],
  ['fd[7]:tcp:::80', 'SPEC_SYNTAX', /not the address of a socket/],
  ['fd[7]:tcp:1.2.3.4:65536', 'SPEC_SYNTAX', /not the address of a socket/],
  ['fd[7]:udp:1.2.3.4:5-', 'SPEC_SYNTAX', /not the address of a socket/],
  ['fd[7]:tcp:1.2.3.4:5-1.2.3.4:6-1.2.3.4:7', 'SPEC_SYNTAX', /not the address of a socket/],
  ['fd[7]:tty[0x8801:1]', 'SPEC_SYNTAX', /the way CRIU names it/],
  ['fd[7]:tty[8801:123456789]', 'SPEC_SYNTAX', /the way CRIU names it/],
  ['fd[7]:/var/[a', 'SPEC_SYNTAX', /a \[ has no \]/],
  ['fd[7]:/var/{a,b', 'SPEC_SYNTAX', /a \{ has no \}/],
  ['fd[7]:/var/*\\xg0', 'SPEC_SYNTAX', /two hexadecimal digits/],
  ['fd[77]  :/x', 'SPEC_SYNTAX', /a blank stands before the colon/],
  ['xfd[7] :/x', 'SPEC_SYNTAX', /neither fd\[N\]:KEY/],
  ['fd[77]/x', 'SPEC_SYNTAX', /the colon after \] is missing/],
  ['fd[77:x', 'SPEC_SYNTAX', /the \] after the number is missing/],
  ['xfd[7:x', 'SPEC_SYNTAX', /neither fd\[N\]:KEY/],
  ['fd[0x1f]:x', 'SPEC_SYNTAX', /the descriptor number is hexadecimal/],
  ['xfd[0x7]:x', 'SPEC_SYNTAX', /neither fd\[N\]:KEY/],
  ['fd[007]:x', 'SPEC_SYNTAX', /the descriptor number has a leading zero/],
  ['xfd[07]:x', 'SPEC_SYNTAX', /neither fd\[N\]:KEY/],
  ['fd77:x', 'SPEC_SYNTAX', /the brackets around the number are missing/],
  ['7:fd7:x', 'SPEC_SYNTAX', /neither fd\[N\]:KEY/],
  ['xfd[N]:x', 'SPEC_SYNTAX', /neither fd\[N\]:KEY/],
  ['fd[7x]:/a', 'SPEC_SYNTAX', /what is between \[ and \] is not a descriptor number/],
  ['fd[7]:/proc/12/fd/3/x', 'SPEC_SYNTAX', /not the name of a descriptor/],
  ['fd[7]:/proc/12/fd/03', 'SPEC_SYNTAX', /not the name of a descriptor/],
  ['fd[7]:socket:[12]x', 'SPEC_SYNTAX', /not the name of a socket/],
  ['fd[7]:tcp:1.2.3.4:5x', 'SPEC_SYNTAX', /not the address of a socket/],
  ['fd[7]:tcp:x1.2.3.4:5', 'SPEC_SYNTAX', /not the address of a socket/],
  ['fd[7]:tcp:1.2.3.4:', 'SPEC_SYNTAX', /not the address of a socket/],
  ['fd[7]:tcp:1.2.3:5', 'SPEC_SYNTAX', /not the address of a socket/],
  ['fd[7]:tcp::5', 'SPEC_SYNTAX', /not the address of a socket/],
  ['fd[7]:tcp:1.2.3.4:100000', 'SPEC_SYNTAX', /not the address of a socket/],
];
for (const [text, code, problem] of REFUSED) {
  test(`refuses ${JSON.stringify(text)}`, (t) => {
    const error = t.throws(() => parseSpec(text), { instanceOf: FdgraftError, message: problem });
    t.like(error, { code, exitCode: 2 });
    t.truthy(error?.hint);
  });
}

const SHAPE = 'write fd[N]:KEY, N being a decimal number, such as fd[5]:pipe:[22653]';
const WRITTEN_RIGHT: readonly (readonly [text: string, hint: string])[] = [
  [' fd[7]:/x', 'write fd[7]:/x'],
  ['fd[7] :/x', 'write fd[7]:/x'],
  ['fd[7] /x', 'write fd[7]:/x'],
  ['fd[7] = /x', 'write fd[7]:/x'],
  ['fd [7]:/x', 'write fd[7]:/x'],
  ['FD[7]:/x', 'write fd[7]:/x'],
  ['fd[ 7 ]:/x', 'write fd[7]:/x'],
  ['fd[+7]:/x', 'write fd[N]:KEY, N being a decimal number, such as fd[5]:pipe:[22653]'],
  ['fd(7):/x', 'write fd[7]:/x'],
  ['fd{7}:/x', 'write fd[7]:/x'],
  ['fd:7:/x', 'write fd[7]:/x'],
  ['7:/x', 'write fd[7]:/x'],
  ['[7]:pipe:[3]', 'write fd[7]:pipe:[3]'],
  ['fd7:/x y', "write 'fd[7]:/x y', with the quotes: without them, a shell can take the brackets away"],
  ['debug7:x', "write 'debug[7]:x', with the quotes: without them, a shell can take the brackets away"],
  ["fd7:/it's", "write 'fd[7]:/it'\\''s', with the quotes: without them, a shell can take the brackets away"],
  ['7:', 'write fd[N]:KEY, N being a decimal number, such as fd[5]:pipe:[22653]'],
  ['1048576:/x', 'write fd[N]:KEY, N being a decimal number, such as fd[5]:pipe:[22653]'],
  ['xfd[7]:/a', 'write fd[N]:KEY, N being a decimal number, such as fd[5]:pipe:[22653]'],
  ['/a:7', 'write fd[N]:/a:7, N being the number of your descriptor'],
  ['fd[7x]:/a', SHAPE],
  ['[7x]:/a', SHAPE],
  ['fd[1e5]:/a', SHAPE],
  ['1e5:/a', SHAPE],
  ['fd7:', SHAPE],
  ['fd1048576:/a', SHAPE],
  ['fd[77x]:/a', SHAPE],
  ['fd[7,8]:/a', SHAPE],
  ['fd[7 8]:/a', SHAPE],
  ['debug: [0x7g] = a', SHAPE],
  ['7 /a[x]', 'write fd[7]:/a[x]'],
  ['fd[7x:/a', 'write fd[7]:x:/a'],
  ['fd[7pipe:[1]', 'write fd[7]:pipe:[1]'],
  ['7:fd7:/x', 'write fd[7]:fd7:/x'],
  ['  fd  [  77  ]  :  /x', 'write fd[77]:/x'],
  ['fd::77 /x', 'write fd[77]:/x'],
  ['fd<7>:/x', 'write fd[7]:/x'],
  ['fd[0x1F]:/x', 'write fd[31]:/x'],
  ['fd[1f]:/x', SHAPE],
  ['fd[f1]:/x', SHAPE],
  ['fd(7)=/a\nb', 'write fd[7]:/a\\x0ab'],
];
for (const [text, hint] of WRITTEN_RIGHT) {
  test(`the hint for ${JSON.stringify(text)}`, (t) => {
    const error = t.throws(() => parseSpec(text), { instanceOf: FdgraftError });
    t.is(error?.hint, hint);
    const written = /^write '?((?:fd|debug)\[\d+\]:.*?)(?:', with .*)?$/.exec(hint)?.[1];
    if (written !== undefined) t.notThrows(() => parseSpec(written.replace("'\\''", "'")));
  });
}

test('options stand beside the spec', (t) => {
  const inherit = 'fd[3]:/proc/7/fd/5';
  t.like(parseSpec(inherit), { apply: 'auto', position: 'caller', inFlight: undefined, only: false });
  const options = { apply: 'reopen', position: 'saved', inFlight: 'fail', only: true } as const;
  t.like(parseSpec({ inherit, ...options }), options);
  t.deepEqual(parseSpec('fd[3]:pipe:[1]'), {
    kind: 'inherit',
    text: 'fd[3]:pipe:[1]',
    callerFd: 3,
    key: { kind: 'pipe', id: 1, end: undefined },
    keyText: 'pipe:[1]',
    options: [],
    apply: 'auto',
    position: 'caller',
    inFlight: undefined,
    truncate: false,
    nonblock: false,
    peer: 'keep',
    only: false,
  });
  const more = { truncate: true, nonblock: true, peer: 'hangup' } as const;
  t.like(parseSpec({ inherit, ...more, inFlight: undefined }), { ...more, options: Object.keys(more) });
  t.like(parseSpec({ inherit: 'fd[3]:pipe:[1]', nonblock: true, truncate: false }), { nonblock: true });
  t.like(parseSpec({ inherit, apply: 'dup', position: 'caller' }), { apply: 'dup', position: 'caller' });
  t.like(parseSpec({ inherit, nonblock: true, apply: 'dup' }), { nonblock: true, apply: 'dup' });
});

const REFUSED_OPTIONS: [SpecOptions, RegExp][] = [
  [{ inherit: 'fd[3]:/log', only: true }, /only: true, and its key names whole entries/],
  [{ inherit: 'fd[3]:/log', apply: 'dup', position: 'saved' }, /apply dup and position saved/],
  [{ inherit: 'fd[3]:/log', apply: 'dup', position: 'end' }, /apply dup and position end/],
  [{ inherit: 'fd[3]:pipe:[1]', truncate: true }, /truncate: true, and its key names a pipe/],
  [{ inherit: 'fd[3]:pipe:[1]', nonblock: true, apply: 'reopen' }, /nonblock: true and apply reopen/],
  [{ inherit: 'fd[3]:/log', nonblock: true, position: 'end' }, /nonblock: true and position end/],
  [{ inherit: 'debug[3]:text', apply: 'dup' }, /has the option apply/],
];
for (const [options, problem] of REFUSED_OPTIONS) {
  test(`refuses ${JSON.stringify(options)}`, (t) => {
    const error = t.throws(() => parseSpec(options), { instanceOf: FdgraftError, message: problem });
    t.like(error, { code: 'SPEC_SYNTAX', exitCode: 2 });
    t.truthy(error?.hint);
  });
}

const HEXADECIMAL = 'both in lower-case hexadecimal without 0x and leading zeros';
const DESCRIPTOR =
  'write /proc/PID/fd/N, PID being the decimal number of a task in the checkpoint, or * for every task, and N the number of the descriptor, such as /proc/14716/fd/5';
const ADDRESS =
  'write tcp:HOST:PORT or udp:HOST:PORT for the socket that listens or receives there, tcp:HOST:PORT-HOST:PORT for a connection (its own end first); HOST is a numeric address, one of IPv6 in brackets: tcp:[::]:80; a file of such a name is ./tcp:…';
const PIPE = 'write pipe:[ID], ID being the decimal number that ls -l /proc/PID/fd shows, such as pipe:[22653]';
const SOCKET =
  'write socket:[INO], INO being the decimal number that ls -l /proc/PID/fd shows, such as socket:[131019]';
const HINTS: [string, string][] = [
  ['fd[5]:pipe[128372]', 'write fd[5]:pipe:[128372]'],
  ['fd[5]=pipe:[128372]', 'write fd[5]:pipe:[128372]'],
  ['fd[5] pipe:[128372]', 'write fd[5]:pipe:[128372]'],
  ['fd[N]=pipe:[128372]', 'write that number for N: fd[5]:pipe:[128372]'],
  ['fd[5]:pipe[128372]:read', 'write fd[5]:pipe:[128372]:read'],
  ['fd[5]:pipe:[128372', 'write fd[5]:pipe:[128372]'],
  ['fd[5]:pipe:[0128372]', 'write fd[5]:pipe:[128372]'],
  ['fd[5]:pipe:[0x587d]', 'write fd[5]:pipe:[22653]; 0x587d is 22653'],
  ['fd[5]:file[01F:0x2B]', 'write fd[5]:file[1f:2b], both in lower-case hexadecimal without 0x and leading zeros'],
  [
    'fd[5]:file[x]',
    'write file[MNT:INO], both in lower-case hexadecimal without 0x and leading zeros, such as file[1f:2b]',
  ],
  ['fd[07]:', 'write fd[N]:KEY, N being a decimal number, such as fd[5]:pipe:[22653]'],
  ['fd[01048576]:/log', 'write fd[N]:KEY, N being a decimal number, such as fd[5]:pipe:[22653]'],
  ['fd[01048575]:/log', 'write fd[1048575]:/log'],
  [
    'fd[5]:socket:[x]',
    'write socket:[INO], INO being the decimal number that ls -l /proc/PID/fd shows, such as socket:[131019]',
  ],
  ['fd[5]:socket:[f1]', 'write fd[5]:socket:[241]'],
  [
    'fd[5]:tty[x]',
    'write tty[RDEV:DEV], both in lower-case hexadecimal without 0x and leading zeros, such as tty[8803:19]',
  ],
  ['fd[5]:pipe:[f1]', 'write fd[5]:pipe:[241]; 0xf1 is 241'],
  ['fd[5]:pipe:[0x12]', 'write fd[5]:pipe:[18]; 0x12 is 18'],
  ['fd[5]:pipe:[1]:reed', 'write fd[5]:pipe:[1]:read'],
  ['fd[5]:pipe:[1]:w', 'write fd[5]:pipe:[1]:write'],
  ['fd[5]:pipe:[1]:both', 'write fd[5]:pipe:[1]:read or fd[5]:pipe:[1]:write'],
  ['fd[5]:file:[01F:0x2B]', 'write fd[5]:file[1f:2b], both in lower-case hexadecimal without 0x and leading zeros'],
  ['fd[7]pipe:[1]', 'write fd[7]:pipe:[1]'],
  ['fd[7:pipe:[1]', 'write fd[7]:pipe:[1]'],
  ['fd[07]:/log', 'write fd[7]:/log'],
  ['fd[7]:tty:[0x8801:0A]', 'write fd[7]:tty[8801:a], both in lower-case hexadecimal without 0x and leading zeros'],
  ['fd[0x1f]:/log', 'write fd[31]:/log'],
  ['fd[N]:pipe:[1]', 'write that number for N: fd[5]:pipe:[1]'],
  ['debug[N]:now restoring', 'write that number for N: debug[5]:now restoring'],
  ['fd[N]:/a\nb', 'write that number for N: fd[5]:/a\\x0ab'],
  ['fd[N]', 'write fd[N]:KEY, N being a decimal number, such as fd[5]:pipe:[22653]'],
  ['fd[N]:', 'write fd[N]:KEY, N being a decimal number, such as fd[5]:pipe:[22653]'],
  ['fd[N]/a]:b', 'write that number for N: fd[5]:/a]:b'],
  ['fd[5]:socket[0131019]', 'write fd[5]:socket:[131019]'],
  ['fd[5]:socket:[0x1f]', 'write fd[5]:socket:[31]'],
  ['fd[5]:socket:[1f]', 'write fd[5]:socket:[31]'],
  ['/var/log', 'write fd[N]:/var/log, N being the number of your descriptor'],
  ['fd[5]:/a\ud800', 'write its bytes as \\xHH'],
  ['fd[5]:pipe:[ 0x1f ]:w', 'write fd[5]:pipe:[31]:write; 0x1f is 31'],
  ['fd[5]:pipe:[0xffffffff]', 'write fd[5]:pipe:[4294967295]; 0xffffffff is 4294967295'],
  ['fd[5]:pipe:[1]:raed', 'write fd[5]:pipe:[1]:read'],
  ['fd[5]:/proc/self/fd/3', DESCRIPTOR],
  ['fd[5]:/proc/*/fd/', DESCRIPTOR],
  ['fd[5]:tcp:localhost:80', ADDRESS],
  ['fd[5]:pipe:[ 12 ]', 'write fd[5]:pipe:[12]'],
  ['fd[5]:pipe:[12]x', PIPE],
  ['fd[5]:pipe:[12]:a-b', PIPE],
  ['fd[5]:file[001f:2b', `write fd[5]:file[1f:2b], ${HEXADECIMAL}`],
  ['fd[5]:file[0x01f:0x002b]', `write fd[5]:file[1f:2b], ${HEXADECIMAL}`],
  ['fd[5]:file[1f:2b]x', `write file[MNT:INO], ${HEXADECIMAL}, such as file[1f:2b]`],
  ['fd[5]:file[1f]', `write file[MNT:INO], ${HEXADECIMAL}, such as file[1f:2b]`],
  ['fd[5]:tty[008801:1', `write fd[5]:tty[8801:1], ${HEXADECIMAL}`],
  ['fd[5]:tty[0x8801:0x0019]', `write fd[5]:tty[8801:19], ${HEXADECIMAL}`],
  ['fd[5]:tty[8801:19]x', `write tty[RDEV:DEV], ${HEXADECIMAL}, such as tty[8803:19]`],
  ['fd[5]:tty[123456789:1]', `write tty[RDEV:DEV], ${HEXADECIMAL}, such as tty[8803:19]`],
  ['fd[5]:socket:[ 12 ]', 'write fd[5]:socket:[12]'],
  ['fd[5]:socket[0012', 'write fd[5]:socket:[12]'],
  ['fd[5]:socket:[0x1f', 'write fd[5]:socket:[31]'],
  ['fd[5]:socket:[4294967295]:', SOCKET],
  ['fd[5]:socket:[0x100000000]', SOCKET],
  ['fd[5]:socket:[0xffffffff]', 'write fd[5]:socket:[4294967295]'],
  ['pipe:[22653]', 'write fd[N]:pipe:[22653], N being the number of your descriptor'],
];
for (const key of ['/proc/12/fd/', 'proc/12/fd', '/proc/self/fd/']) {
  test(`the hint for ${key} names the directory as ls prints it`, (t) => {
    const hint = t.throws(() => parseSpec(`fd[7]:${key}`), { instanceOf: FdgraftError })?.hint ?? '';
    const [, spec = ''] = /; for the directory itself, write (\S+)$/.exec(hint) ?? [];
    const path = Buffer.from(key.replace(/^\/|\/$/g, ''));
    t.like(parseSpec(spec), { callerFd: 7, key: { kind: 'path', path, isDirectory: true } });
  });
}

for (const [spec, hint] of HINTS) {
  test(`${spec} gets what it should be, with its own values`, (t) => {
    t.is(t.throws(() => parseSpec(spec), { instanceOf: FdgraftError })?.hint, hint);
  });
}

/** What goes wrong with the shape of a spec, with its number 5 or 31. */
const DAMAGES: [what: string, damage: (kind: string, rest: string) => string, number: number][] = [
  ['no colon', (kind, rest) => `${kind}[5]${rest}`, 5],
  ['no ]', (kind, rest) => `${kind}[5:${rest}`, 5],
  ['a hexadecimal number', (kind, rest) => `${kind}[0x1f]:${rest}`, 31],
  ['a leading zero', (kind, rest) => `${kind}[031]:${rest}`, 31],
  ['N for the number', (kind, rest) => `${kind}[N]:${rest}`, 5],
];
for (const [what, damage, number] of DAMAGES) {
  test(`the hint for ${what} is the intact spec, of the same kind`, (t) => {
    for (const kind of ['fd', 'debug']) {
      for (const rest of ['pipe:[1]:read', '/var/log/*.log', '/proc/*/fd/0', 'now [restoring]', 'x']) {
        const error = t.throws(() => parseSpec(damage(kind, rest)), { instanceOf: FdgraftError });
        const proposed = error?.hint?.replace(/^write (that number for N: )?/, '') ?? '';
        t.is(proposed, `${kind}[${number}]:${rest}`);
        t.is(parseSpec(proposed).callerFd, number);
      }
    }
  });
}

test('all specs that cannot be read are told at once', (t) => {
  const read = (...given: string[]) => t.throws(() => parseSpecs(given, parseSpec), { instanceOf: FdgraftError });
  const wrong = read('fd[5]:tty[1]', 'fd[6]:/log', 'fd[7]:pipe[2]');
  t.like(wrong, { code: 'SPEC_SYNTAX', exitCode: 2 });
  t.regex(wrong?.message ?? '', /fd\[5\]:tty\[1\].*\n.*\n.*fd\[7\]:pipe\[2\].*\n/);
  const many = read(...Array.from({ length: 30 }, (_none, i) => `fd[${i}]:tty[1]`));
  t.regex(many?.message ?? '', /\nand 10 more specs$/);
});

test('a hexadecimal pipe number comes back as the decimal one', (t) => {
  const error = t.throws(() => parseSpec('fd[7]:pipe:[0x587d]'), { instanceOf: FdgraftError });
  t.regex(error?.hint ?? '', /pipe:\[22653\]/);
});

const WRONG_VALUES: [unknown, RegExp][] = [
  [{ inherit: 'fd[3]:pipe:[1]', inFlight: 'reply' }, /has inFlight reply/],
  [{ inherit: 'fd[3]:pipe:[1]', apply: 'reopened' }, /has apply reopened/],
  [{ inherit: 'fd[3]:/proc/7/fd/1', only: 'false' }, /has only false/],
  [{ inherit: 'fd[3]:pipe:[1]', nothing: 1 }, /has no option nothing/],
  [{ inherit: 'fd[3]:pipe:[1]', aply: 'dup' }, /has no option aply/],
  [{ inherit: 'fd[3]:pipe:[1]', constructor: 'dup' }, /has no option constructor/],
  [{ inherit: 5 }, /is no text but number/],
  ['fd[3]:/a\ud800', /half of a surrogate pair/],
];
for (const [options, problem] of WRONG_VALUES) {
  test(`a caller without types is told: ${JSON.stringify(options)}`, (t) => {
    const error = t.throws(() => parseSpec(options as SpecOptions), { instanceOf: FdgraftError, message: problem });
    t.like(error, { code: 'SPEC_SYNTAX', exitCode: 2 });
  });
}

test('what is no spec at all is told with the forms of specs', (t) => {
  for (const [given, problem] of [
    [5, /'5': is neither a text nor an object with inherit/],
    [null, /'null': is neither a text nor an object with inherit/],
    [undefined, /'undefined': is neither a text nor an object with inherit/],
    [{}, /is no text but undefined/],
  ] as const) {
    const error = t.throws(() => parseSpec(given as never), { instanceOf: FdgraftError, message: problem });
    t.is(error?.hint, 'a spec is fd[N]:KEY or debug[N]:TEXT');
  }
  const debug = t.throws(() => parseSpec({ inherit: 'debug[3]:text', only: true }), { instanceOf: FdgraftError });
  t.regex(`${debug?.message} ${debug?.hint}`, /a debug text has none/);
});

test('a wrong value is told with the allowed ones', (t) => {
  const wrong = { inherit: 'fd[3]:pipe:[1]', inFlight: 'reply' } as never;
  t.is(
    t.throws(() => parseSpec(wrong), { instanceOf: FdgraftError })?.hint,
    'allowed for inFlight: replay, drop, fail',
  );
});

test('an unknown option of the library is told with the one that was meant', (t) => {
  for (const [option, meant] of [
    ['aply', 'apply'],
    ['in-flight', 'inFlight'],
    ['onyl', 'only'],
    ['IN_FLIGHT', 'inFlight'],
    ['i-n-f-l-i-g-h-t', 'inFlight'],
  ] as const) {
    const error = t.throws(() => parseSpec({ inherit: 'fd[3]:pipe:[1]', [option]: 1 } as never), {
      instanceOf: FdgraftError,
    });
    t.is(error?.hint, `did you mean ${meant}?`);
  }
});

test('who asks for entries gets no debug text', (t) => {
  t.like(parseInheritSpec('fd[3]:pipe:[1]'), { kind: 'inherit', callerFd: 3 });
  t.throws(() => parseInheritSpec('debug[3]:text'), { instanceOf: FdgraftError, message: /debug\[3\]:text/ });
});

test('a filter of paths takes a path or a glob, as a key does', (t) => {
  for (const [filter, path, ofFile, ofDirectory] of [
    ['/var/log', 'var/log', true, true],
    ['var/log', 'var/log', true, true],
    ['/var/log/', 'var/log', false, true],
    ['/var/log/', 'var/logs', false, false],
    ['/var/log', 'var/logs', false, false],
    ['/', '', true, true],
    ['/var/*', 'var/log', true, true],
    ['/var/*/', 'var/log', false, true],
    ['/var/*', 'var/log/a', false, false],
    ['/a\\x2a', 'a*', true, true],
    ['/a\\x2a', 'ab', false, false],
    ['/a\\x2f', 'a/', true, true],
    ['\\x2fsrv', 'srv', true, true],
    ['srv/*.log', 'srv/a.log', true, true],
    ['/var/**/', 'var/log', false, true],
    // An escaped slash belongs to the name, in a path as in a glob.
    ['/a\\x2f', 'a', false, false],
    ['/*\\x2f', 'a/', true, true],
    ['/*\\x2f', 'a', false, false],
    // Only the slash at the end means directories.
    ['/{a,b/}', 'a', true, true],
    ['/{a,b/}', 'b', false, false],
  ] as const) {
    const isNamed = parsePathFilter(filter);
    const found = [false, true].map((isDirectory) => isNamed(Buffer.from(path), isDirectory));
    t.deepEqual(found, [ofFile, ofDirectory], `${filter} ${path}`);
  }
  for (const wrong of ['/var/[a', '/a\\xg1']) {
    const error = t.throws(() => parsePathFilter(wrong), { instanceOf: FdgraftError, message: /^the path '/ });
    t.is(error?.hint, 'write a path or a glob as in fd[N]:KEY, a byte as \\xHH');
  }
});

test('the slash before a glob may be left out, and no other', (t) => {
  for (const text of ['fd[3]:/var/log/*', 'fd[3]:var/log/*']) {
    const { key } = parseInheritSpec(text);
    const matches = (path: string) => key.kind === 'glob' && key.glob.matches(Buffer.from(path), 0, path.length);
    t.deepEqual(['var/log/a', 'varlog/a', 'log/a'].map(matches), [true, false, false], text);
  }
});

test('one bad spec is told as it is, several at once, and other errors are none of specs', (t) => {
  const read = (given: string[]) => parseSpecs(given, parseSpec as (spec: string | SpecOptions) => unknown);
  const one = t.throws(() => read(['fd[5]:/a', 'fd[x]:/b']), { instanceOf: FdgraftError });
  const alone = t.throws(() => parseSpec('fd[x]:/b'), { instanceOf: FdgraftError });
  t.is(one?.message, alone?.message);
  const both = t.throws(() => read(['fd[x]:/a', 'fd[x]:/b']), { instanceOf: FdgraftError });
  for (const text of ['fd[x]:/a', 'fd[x]:/b']) t.true(both?.message.includes(text));
  const failing = (spec: string | SpecOptions) => {
    if (spec === 'fd[5]:/a') throw new RangeError('no');
    return parseSpec(spec as string);
  };
  t.throws(() => parseSpecs(['fd[x]:/b', 'fd[5]:/a'], failing), { instanceOf: RangeError });
});

test('options that are on or off may be given as off', (t) => {
  for (const name of ['truncate', 'nonblock', 'only'])
    t.like(parseSpec({ inherit: 'fd[5]:/a', [name]: false }), { [name]: false, options: [name] });
});

for (const form of ['pipe', 'socket']) {
  test(`the highest number in ${form}:[N] is that of 32 bits`, (t) => {
    t.notThrows(() => parseInheritSpec(`fd[5]:${form}:[4294967295]`));
    t.throws(() => parseInheritSpec(`fd[5]:${form}:[4294967296]`), { instanceOf: FdgraftError });
  });
}
