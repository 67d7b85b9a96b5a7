import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { exec } from '../support/native';
import type { Kind, Placeholder } from '../support/planfile';
import { complaints, file, O, planned, scratch } from './support';

/** The kind of open file that a placeholder asks for, and the caller's descriptor. */

const UNIX = 1;
const INET = 2;
const UDP = 17;
const UDP_LITE = 136;
const NETLINK = 16;
const STREAM = 1;
const DATAGRAM = 2;
const [LISTENING, CONNECTED] = [1, 2];

const VARIANTS = ['plain', 'sanitized'] as const;

interface Case {
  kind?: Kind;
  give: readonly string[];
  more?: Partial<Placeholder>;
}

async function check(t: ExecutionContext, { kind, give, more }: Case, variant: (typeof VARIANTS)[number]) {
  const one: Placeholder = { fileId: 42, callerFd: 5, flags: O.RDWR, ...(kind === undefined ? {} : { kind }), ...more };
  const { plan } = planned(t, { placeholders: [one] });
  return exec(['--plan', plan, '--check'], { give, variant });
}

const FITS: { readonly [title: string]: (directory: string) => Case } = {
  'a directory': () => ({ kind: { name: 'directory' }, give: [file(5, O.RDONLY, '/tmp')], more: { flags: O.RDONLY } }),
  'O_PATH for O_PATH': () => ({
    give: [file(5, O.PATH, '/tmp')],
    more: { flags: O.PATH, needsRead: false, needsWrite: false },
  }),
  'a memfd': () => ({ kind: { name: 'memfd' }, give: ['5=memfd'] }),
  'a file for a memfd': (directory) => ({
    kind: { name: 'memfd' },
    give: [file(5, O.RDWR | O.CREAT, join(directory, 'x'))],
  }),
  eventfd: () => ({ kind: { name: 'eventfd' }, give: ['5=eventfd'] }),
  timerfd: () => ({ kind: { name: 'timerfd' }, give: ['5=timerfd'] }),
  signalfd: () => ({ kind: { name: 'signalfd' }, give: ['5=signalfd'] }),
  inotify: () => ({ kind: { name: 'inotify' }, give: ['5=inotify'], more: { flags: O.RDONLY } }),
  pidfd: () => ({ kind: { name: 'pidfd' }, give: ['5=pidfd'] }),
  'a listener': (directory) => ({
    kind: { name: 'socket', socket: { domain: UNIX, type: STREAM, state: LISTENING } },
    give: [`5=unix:listen:${join(directory, 'a')}`],
  }),
  'a listener at the name that clients connect to': (directory) => ({
    kind: {
      name: 'socket',
      socket: { domain: UNIX, type: STREAM, state: LISTENING, name: Buffer.from(join(directory, 'a')) },
    },
    give: [`5=unix:listen:${join(directory, 'a')}`],
  }),
  'a connected socket': () => ({
    kind: { name: 'socket', socket: { domain: UNIX, type: STREAM, state: CONNECTED } },
    give: ['5=socket'],
  }),
  'a bound datagram socket': (directory) => ({
    kind: { name: 'socket', socket: { domain: UNIX, type: DATAGRAM } },
    give: [`5=unix:datagram:${join(directory, 'a')}`],
  }),
  'a UDP socket': () => ({
    kind: { name: 'socket', socket: { domain: INET, type: DATAGRAM, protocol: UDP } },
    give: ['5=inet:datagram:0'],
  }),
  'a UDP socket for one of any protocol': () => ({
    kind: { name: 'socket', socket: { domain: INET, type: DATAGRAM } },
    give: ['5=inet:datagram:0'],
  }),
  'a netlink socket of any type': () => ({
    kind: { name: 'socket', socket: { domain: NETLINK, type: 0 } },
    give: ['5=netlink'],
  }),
};

const REFUSED: { readonly [title: string]: readonly [(directory: string) => Case, RegExp] } = {
  'a file for a directory': [
    (directory) => ({ kind: { name: 'directory' }, give: [file(5, O.RDWR | O.CREAT, join(directory, 'x'))] }),
    /^caller fd 5 is a file, file id 42 needs a directory \(spec fd\[5\]:file-5\)/,
  ],
  'a directory for a socket': [
    () => ({ kind: { name: 'socket', socket: { domain: UNIX, type: STREAM } }, give: [file(5, O.RDONLY, '/tmp')] }),
    /^caller fd 5 is a directory/,
  ],
  'a pipe for a socket': [
    () => ({ kind: { name: 'socket', socket: { domain: UNIX, type: STREAM } }, give: ['5=pipe:6'] }),
    /^caller fd 5 is a pipe, file id 42 needs a socket/,
  ],
  'a timerfd for an eventfd': [
    () => ({ kind: { name: 'eventfd' }, give: ['5=timerfd'] }),
    /^caller fd 5 is an anonymous inode, .* file id 42 needs an eventfd/,
  ],
  'an epoll for an eventfd': [() => ({ kind: { name: 'eventfd' }, give: ['5=epoll'] }), /needs an eventfd/],
  'a pipe for a memfd': [() => ({ kind: { name: 'memfd' }, give: ['5=pipe:6'] }), /needs a memfd or a regular file/],
  'a connected socket for a listener': [
    () => ({ kind: { name: 'socket', socket: { domain: UNIX, type: STREAM, state: LISTENING } }, give: ['5=socket'] }),
    /^caller fd 5 is a connected unix stream socket of protocol 0, file id 42 needs a listening unix stream socket/,
  ],
  'a datagram socket for a stream': [
    (directory) => ({
      kind: { name: 'socket', socket: { domain: UNIX, type: STREAM } },
      give: [`5=unix:datagram:${join(directory, 'a')}`],
    }),
    /is an unconnected unix datagram socket .* needs an unconnected unix stream socket/,
  ],
  'a unix socket for a netlink one': [
    () => ({ kind: { name: 'socket', socket: { domain: NETLINK, type: 0 } }, give: ['5=socket'] }),
    /needs a netlink socket of protocol 0/,
  ],
  'a UDP socket for a UDP-Lite one': [
    () => ({
      kind: { name: 'socket', socket: { domain: INET, type: DATAGRAM, protocol: UDP_LITE } },
      give: ['5=inet:datagram:0'],
    }),
    /is an unconnected IPv4 datagram socket of protocol 17, file id 42 needs an unconnected IPv4 datagram socket of protocol 136/,
  ],
  'a netlink socket of another protocol': [
    () => ({ kind: { name: 'socket', socket: { domain: NETLINK, type: 0, protocol: 15 } }, give: ['5=netlink'] }),
    /is a netlink raw socket of protocol 0, file id 42 needs a netlink socket of protocol 15/,
  ],
  'a listener at another name': [
    (directory) => ({
      kind: { name: 'socket', socket: { domain: UNIX, type: STREAM, state: LISTENING, name: Buffer.from('/run/app') } },
      give: [`5=unix:listen:${join(directory, 'a')}`],
    }),
    /^caller fd 5 is not bound to \/run\/app \(spec fd\[5\]:file-5\), and clients in the checkpoint connect to it again/,
  ],
  'a listener at another name of the same length': [
    (directory) => ({
      kind: {
        name: 'socket',
        socket: { domain: UNIX, type: STREAM, state: LISTENING, name: Buffer.from(join(directory, 'b')) },
      },
      give: [`5=unix:listen:${join(directory, 'a')}`],
    }),
    /^caller fd 5 is not bound to .*b \(spec/,
  ],
};

test('a listener of the internet has no name that clients of a unix socket connect to', async (t) => {
  const socket = { domain: UNIX, type: STREAM, state: LISTENING, name: Buffer.from('/run/app') };
  // No byte of its port is zero.
  const { code, stderr } = await check(t, { kind: { name: 'socket', socket }, give: ['5=inet:listen:28015'] }, 'plain');
  t.is(code, 100, stderr);
  t.regex(stderr, /caller fd 5 is not bound to \/run\/app \(spec/);
});

test('a listener that is bound to a relative path may be the right one', async (t) => {
  const own = scratch(t);
  const socket = { domain: UNIX, type: STREAM, state: LISTENING, name: Buffer.from('/run/app') };
  const { plan } = planned(t, {
    placeholders: [{ fileId: 42, callerFd: 5, flags: O.RDWR, kind: { name: 'socket', socket } }],
  });
  const result = await exec(['--plan', plan, '--check'], { give: ['5=unix:listen:app'], cwd: own });
  t.is(result.code, 0, result.stderr);
  t.regex(
    complaints(t, result.stderr).join('\n'),
    /^warning: caller fd 5 is bound to a relative path \(spec .*\): see that it is \/run\/app, .*again$/,
  );
});

for (const variant of VARIANTS) {
  for (const [title, make] of Object.entries(FITS)) {
    test(`${title} fits (${variant})`, async (t) => {
      const { code, stderr } = await check(t, make(scratch(t)), variant);
      t.deepEqual([code, stderr], [0, '']);
    });
  }
  for (const [title, [make, pattern]] of Object.entries(REFUSED)) {
    test(`${title} is refused (${variant})`, async (t) => {
      const { code, stderr } = await check(t, make(scratch(t)), variant);
      t.is(code, 100, stderr);
      const lines = complaints(t, stderr);
      t.is(lines.length, 1, stderr);
      t.regex(lines[0] ?? '', pattern);
    });
  }
}

test('another domain, and another way of waiting, are warnings', async (t) => {
  const listener = { name: 'socket', socket: { domain: INET, type: STREAM, protocol: 6, state: LISTENING } };
  const at = join(scratch(t), 'a');
  const { code, stderr } = await check(t, { kind: listener, give: [`5=unix:listen:${at}`] }, 'plain');
  t.is(code, 0, stderr);
  t.regex(stderr, /caller fd 5 is a listening unix stream socket, file id 42 was a listening IPv4 stream socket/);
  const unix = { name: 'socket', socket: { domain: UNIX, type: STREAM, state: CONNECTED } };
  const waits = await check(t, { kind: unix, give: ['5=socket'], more: { flags: O.RDWR | O.NONBLOCK } }, 'plain');
  t.is(waits.code, 0);
  t.regex(
    waits.stderr,
    /caller fd 5 has no O_NONBLOCK, file id 42 had it .*: the restored task may hang; set O_NONBLOCK/,
  );
  const returns = await check(t, { kind: unix, give: ['5=socket', '5=nonblock'] }, 'plain');
  t.regex(returns.stderr, /caller fd 5 has O_NONBLOCK, file id 42 had not .*: the restored task may get EAGAIN; clear/);
});

test('kinds that a plan cannot have', async (t) => {
  for (const [kind, pattern] of [
    [{ name: 'nothing' }, /it asks for a kind of open file that is not known/],
    [{ name: 'socket' }, /a socket is what a kind socket has, and no other/],
    [{ name: 'eventfd', socket: { domain: 1, type: 1 } }, /a socket is what a kind socket has, and no other/],
    [{ name: 'socket', socket: { domain: 1, type: 1, name: Buffer.alloc(0) } }, /the name of its socket is empty/],
    [{ name: 'socket', socket: { domain: 1, type: 1, name: Buffer.alloc(109, 'x') } }, /or longer than any/],
  ] as const) {
    for (const variant of VARIANTS) {
      const { code, stderr } = await check(t, { kind, give: ['5=socket'] }, variant);
      t.is(code, 100, stderr);
      t.regex(stderr, pattern);
    }
  }
});
