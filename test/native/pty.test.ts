import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { build, exec, helper, run, runtimeEnvironment, type Variant } from '../support/native';
import type { Placeholder } from '../support/planfile';
import { processesWith } from '../support/processes';
import { until } from '../support/until';
import { Window } from '../support/window';
import { complaints, file, gone, O, planned, scratch } from './support';

/** --pty and --attach: a fresh terminal, shown in a window. Programs of these tests take the place of what CRIU restores. */

const MIB = 1 << 20;

function terminal(callerFd: number, more: Partial<Placeholder> = {}): Placeholder {
  return {
    fileId: callerFd + 1,
    callerFd,
    flags: O.RDWR,
    type: 'TTY',
    key: `/dev/pts/${callerFd}`,
    apply: 'dup',
    ownKey: `tty[fd670001:${callerFd}]`,
    kind: { name: 'terminal' },
    terminal: { session: 9, hasLeader: true },
    ...more,
  };
}

const JOB = { terminal: { session: 9, hasLeader: false } };

/** COMMAND keeps the terminal, as its own words name it. */
const KEPT = ['--inherit-fd', 'fd[5]:kept'];

/** COMMAND runs this in a session that has the terminal. */
function session(script: string): string[] {
  return ['sh', '-c', 'exec setsid -c sh -c "$0" <&5 >&5 2>&5', script, ...KEPT];
}

/** COMMAND ends as `criu restore -d` does, and the session goes on. */
function detached(script: string, status = 0): string[] {
  const started = 'until [ -e up ]; do sleep 0.01; done';
  const words = `setsid -c sh -c "$0" <&5 >&5 2>&5 5>&- & exec 5>&-; ${started}; exit ${status}`;
  return ['sh', '-c', words, `>up; ${script}`, ...KEPT];
}

interface Started {
  window: Window;
  directory: string;
  before: string;
}

async function open(
  t: ExecutionContext,
  command: readonly string[],
  {
    words = ['--pty'],
    placeholders = [terminal(5)],
    variant = 'plain',
    give = [],
    rows = 24,
  }: {
    words?: string[];
    placeholders?: Placeholder[];
    variant?: Variant;
    give?: string[];
    rows?: number;
  } = {},
): Promise<Started> {
  const { directory, plan } = planned(t, { placeholders });
  const executor = [join(build(variant), 'fdgraft-exec'), '--plan', plan, ...words, '--', ...command];
  return show(t, directory, give.length > 0 ? [helper('give'), ...give, '--', ...executor] : executor, rows);
}

async function show(t: ExecutionContext, directory: string, command: readonly string[], rows = 24): Promise<Started> {
  const env = { PATH: process.env.PATH, ...runtimeEnvironment() };
  // The settings of before are asked for in the window, before the command changes them.
  const window = Window.open(['sh', '-c', 'read go; exec "$@"', 'sh', ...command], { env, cwd: directory, rows });
  t.teardown(() => window.kill());
  const before = await window.settings();
  await window.type('\n');
  await window.until(/\r\n/);
  return { window, directory, before };
}

/** The output behind the line that started the command. */
const shown = ({ window }: Started) => window.output.slice(2);

async function settled(t: ExecutionContext, { window, before }: Started): Promise<void> {
  t.is(await window.settings(), before);
}

const isAlive = (pid: string) => {
  // A child that nobody has waited for yet is gone as well.
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
};

for (const variant of ['plain', 'sanitized'] as Variant[]) {
  test(`${variant}: keys, output, sizes, and the window afterwards`, async (t) => {
    const script = 'stty size; trap "stty size" WINCH; read a; echo "got $a"; while ! read b; do :; done; exit 7';
    const started = await open(t, session(script), { variant });
    const { window } = started;
    await window.until(/24 80\r\n/);
    await window.type('one\r');
    await window.until(/one\r\ngot one\r\n/);
    await window.resize(30, 100);
    await window.until(/30 100\r\n/);
    await window.type('two\r');
    t.is(await window.ended(), 'exit 7');
    t.is(shown(started), '24 80\r\none\r\ngot one\r\n30 100\r\ntwo\r\n');
    await settled(t, started);
  });

  test(`${variant}: a shell job has the terminal too, and nobody can stop it for ever`, async (t) => {
    const script = 'exec <&5 >&5 2>&5 5>&-; tty; : </dev/tty; read a; echo "got $a"; sleep 100; echo no';
    const started = await open(t, ['sh', '-c', script, 'sh', ...KEPT], { variant, placeholders: [terminal(5, JOB)] });
    const { window } = started;
    await window.until(/\/dev\/pts\/\d+\r\n/);
    await window.type('\u001aone\r');
    await window.until(/got .*one\r\n/);
    await window.type('\u0003');
    t.is(await window.ended(), 'exit 130');
    t.false(window.output.includes('no\r\n'));
    await settled(t, started);
  });

  test(`${variant}: --pty=SOCKET and --attach`, async (t) => {
    const socket = join(scratch(t), 'socket');
    const { plan, directory } = planned(t, { placeholders: [terminal(5)] });
    const script = 'trap "echo hup >hup; exit" HUP; echo early; stty size; read a; echo "got $a"; sleep 100 & wait';
    const executor = join(build(variant), 'fdgraft-exec');
    const ended = run([executor, '--plan', plan, `--pty=${socket}`, '--', ...detached(script, 5)], { cwd: directory });
    await until('a socket', () => existsSync(socket));
    t.is(statSync(socket).mode & 0o777, 0o600);
    const started = await show(t, directory, [executor, '--attach', socket], 40);
    const { window, before } = started;
    await window.until(/early\r\n/);
    t.like(await ended, { code: 5, stdout: '', stderr: '' });
    t.false(existsSync(socket));
    await window.type('one\r');
    await window.until(/got one\r\n/);
    t.not(await window.settings(), before);
    await window.close();
    t.regex(await window.ended(), /^(?:exit 0|signal 1)$/);
    await until('the end of the session', () => existsSync(join(directory, 'hup')));
  });
}

test('all keys are bytes for the program', async (t) => {
  const started = await open(t, session('stty raw -echo; echo ready; head -c 8 | od -An -tx1'));
  await started.window.until(/ready/);
  await started.window.type('\u0003\u001a\u001c\u0004\u0011\u0013\r\u00ff');
  t.is(await started.window.ended(), 'exit 0');
  t.regex(shown(started), / 03 1a 1c 04 11 13 0d ff\s*$/);
  await settled(t, started);
});

test('messages of COMMAND keep their lines, and a failure leaves the window as it was', async (t) => {
  const started = await open(t, ['sh', '-c', 'echo one; echo two >&2; exit 1']);
  t.is(await started.window.ended(), 'exit 1');
  t.is(shown(started), 'one\r\ntwo\r\n');
  await settled(t, started);
  const missing = await open(t, ['no-such-program-anywhere']);
  t.is(await missing.window.ended(), 'exit 127');
  t.is(
    shown(missing),
    'fdgraft-exec: cannot run no-such-program-anywhere: No such file or directory; install it, or give its path\r\n',
  );
  await settled(t, missing);
});

test('^C ends a COMMAND that has restored no session yet', async (t) => {
  const started = await open(t, ['sh', '-c', 'echo started; sleep 100']);
  await started.window.until(/started\r\n/);
  await started.window.type('abc\u0003');
  t.is(await started.window.ended(), 'exit 130');
  await settled(t, started);
});

test('after COMMAND it stays until the leader of the session ends', async (t) => {
  const started = await open(t, detached('echo up; read a; (sleep 100; echo left) & echo "got $a"; exit 3', 5));
  await started.window.until(/up\r\n/);
  t.false(started.window.hasEnded);
  await started.window.type('one\r');
  t.is(await started.window.ended(), 'exit 5');
  t.regex(shown(started), /got one\r\n$/);
  await settled(t, started);
});

test('a shell job outlives COMMAND, and is the end when it closes the terminal', async (t) => {
  const job = '(read a; echo "got $a") <&5 >&5 2>&5 5>&- & exec 5>&-; exit 6';
  const started = await open(t, ['bash', '-c', job, 'bash', ...KEPT], { placeholders: [terminal(5, JOB)] });
  await sleep(300);
  t.false(started.window.hasEnded);
  await started.window.type('one\r');
  t.is(await started.window.ended(), 'exit 6');
  t.is(shown(started), 'one\r\ngot one\r\n');
  await settled(t, started);
});

test('a session that was killed: nobody else is ended who has its number by now', async (t) => {
  const { directory, plan } = planned(t, { placeholders: [terminal(5, JOB)] });
  // COMMAND leaves the session, kills its leader, and starts a program that gets the number.
  const inside = [
    'kill -KILL $0; while [ -e /proc/$0 ]; do sleep 0.01; done',
    'echo $(($0 - 1)) >/proc/sys/kernel/ns_last_pid',
    'sleep 100 >/dev/null 2>&1 </dev/null & echo $! $0 >numbers; exit 7',
  ].join('; ');
  const leave = 'exec setsid sh -c "$0" $(cut -d " " -f 6 /proc/self/stat)';
  const executor = [join(build(), 'fdgraft-exec'), '--plan', plan, '--pty', '--', 'sh', '-c', leave, inside];
  // The program may not have begun to sleep yet.
  const after = [
    '"$@"; echo status $?; read victim leader <numbers',
    'while grep -q "State:.[RD]" /proc/$victim/status; do sleep 0.01; done',
    'echo $((leader - victim)) $(grep State /proc/$victim/status)',
  ].join('; ');
  const own = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const unshare = ['unshare', ...own, '--pid', '--fork', '--mount-proc', 'sh', '-c', after, 'sh'];
  const started = await show(t, directory, [...unshare, ...executor]);
  t.is(await started.window.ended(), 'exit 0', shown(started));
  t.regex(shown(started), /status 7\r\n0 State: S \(sleeping\)\r\n$/);
});

/** A session that tells the pid of the process that shows it, and makes a file when it is hung up. */
const HUNG_UP = 'trap "echo hup >hup; exit" HUP; echo "relay $1 ready"; sleep 100 & wait';
const hungUp = (how: (script: string) => string[]) => {
  const words = how(HUNG_UP);
  return words.map((word) => word.replace('sh -c "$0"', 'sh -c "$0" sh $PPID'));
};

for (const [signal, status] of [
  ['SIGTERM', 'signal 15'],
  ['SIGHUP', 'signal 1'],
  ['SIGKILL', 'signal 9'],
  ['SIGSEGV', 'signal 11'],
] as const)
  test(`${signal} to the process that shows it is a closed window, and this one is as before`, async (t) => {
    const started = await open(
      t,
      hungUp((script) => detached(script)),
    );
    const { window, directory, before } = started;
    const [, relay = ''] = await window.until(/relay (\d+) ready\r\n/);
    // COMMAND is gone.
    await until(
      'the end of COMMAND',
      () => readFileSync(`/proc/${relay}/task/${relay}/children`, 'latin1').split(' ').length < 3,
    );
    t.not(await window.settings(), before);
    process.kill(Number(relay), signal);
    t.is(await window.ended(), status);
    await until('the settings of the window', async () => (await window.settings()) === before);
    await until('the end of the session', () => existsSync(join(directory, 'hup')));
  });

test('SIGTERM goes to COMMAND first, and its status counts', async (t) => {
  const started = await open(t, [
    'sh',
    '-c',
    'trap "echo told; exit 9" TERM; echo "relay $PPID"; while :; do sleep 0.02; done',
  ]);
  const [, relay = ''] = await started.window.until(/relay (\d+)\r\n/);
  process.kill(Number(relay), 'SIGTERM');
  t.is(await started.window.ended(), 'exit 9');
  t.regex(shown(started), /told\r\n$/);
  await settled(t, started);
});

test('a killed process leaves settings alone that somebody else has made since', async (t) => {
  const command = ['sh', '-c', 'stty -echo icanon isig; echo "relay $PPID ready"; exec sleep 100'];
  const started = await open(t, command);
  const { window, before } = started;
  const [, relay = ''] = await window.until(/relay (\d+) ready/);
  const now = await window.settings();
  t.not(now, before);
  const children = readFileSync(`/proc/${relay}/task/${relay}/children`, 'latin1').trim().split(' ');
  const guard = children.find((pid) => readFileSync(`/proc/${pid}/comm`, 'latin1') === 'fdgraft-window\n') ?? '';
  t.not(guard, '');
  process.kill(Number(relay), 'SIGKILL');
  await until('the end of the guard', () => !isAlive(guard));
  t.is(await window.settings(), now);
  for (const pid of children) if (isAlive(pid)) process.kill(Number(pid), 'SIGKILL');
});

test('stopped by a signal it gives the window back, and takes it again', async (t) => {
  const started = await open(t, hungUp(session));
  const { window, before } = started;
  const [, relay = ''] = await window.until(/relay (\d+) ready\r\n/);
  const raw = await window.settings();
  process.kill(Number(relay), 'SIGTSTP');
  await until('the settings of the window', async () => (await window.settings()) === before);
  process.kill(Number(relay), 'SIGCONT');
  await until('a raw window again', async () => (await window.settings()) !== before);
  t.truthy(raw);
  process.kill(Number(relay), 'SIGTERM');
  await window.ended();
  await settled(t, started);
});

test('a closed window is a SIGHUP for the session', async (t) => {
  const { window, directory } = await open(
    t,
    hungUp((script) => detached(script)),
  );
  const [, relay = ''] = await window.until(/relay (\d+) ready\r\n/);
  await window.close();
  await until('the end of the session', () => existsSync(join(directory, 'hup')));
  await until('the end of the relay', () => !isAlive(relay));
  t.pass();
});

const digest = (bytes: string) => createHash('sha256').update(bytes, 'latin1').digest('hex');

test('a paste of a MiB into a program that reads late', async (t) => {
  const script = `stty raw -echo; echo ready; sleep 0.5; head -c ${MIB} | sha256sum; read x`;
  const started = await open(t, session(script));
  await started.window.until(/ready/);
  const keys = Array.from({ length: MIB }, (_, i) => String.fromCharCode((i * 7 + (i >> 8)) & 0xff)).join('');
  await started.window.type(keys);
  await started.window.until(new RegExp(digest(keys)));
  await started.window.type('\n');
  t.is(await started.window.ended(), 'exit 0');
});

test('a window that shows nothing for a while, and the last output', async (t) => {
  const started = await open(t, detached(`echo ready; read a; seq 200000; echo the end`));
  const { window } = started;
  await window.until(/ready\r\n/);
  await window.hold();
  await window.type('x\r');
  await sleep(300);
  t.false(window.hasEnded);
  await window.show();
  t.is(await window.ended(), 'exit 0');
  const numbers = Array.from({ length: 200000 }, (_, i) => `${i + 1}\r\n`).join('');
  t.is(digest(shown(started)), digest(`ready\r\nx\r\n${numbers}the end\r\n`));
  await settled(t, started);
});

test('it does not run while nothing happens, and keeps no caller fd', async (t) => {
  const directory = scratch(t);
  const pipe = join(directory, 'pipe');
  t.is(spawnSync('mkfifo', [pipe]).status, 0);
  const own = detached('echo "relay $1 ready"; exec sleep 100');
  const started = await open(
    t,
    own.map((word) => word.replace('sh -c "$0"', 'sh -c "$0" sh $PPID')),
    {
      placeholders: [terminal(5), { fileId: 9, callerFd: 7, flags: O.WRONLY }],
      give: [file(7, O.RDWR, pipe)],
    },
  );
  const [, relay = ''] = await started.window.until(/relay (\d+) ready\r\n/);
  const times = () => readFileSync(`/proc/${relay}/schedstat`, 'latin1').trim().split(' ').at(-1);
  await until('a closed caller fd', () => {
    const { stdout } = spawnSync('ls', ['-l', `/proc/${relay}/fd`], { encoding: 'utf8' });
    return !stdout.includes(pipe);
  });
  await sleep(100);
  const before = times();
  await sleep(500);
  t.is(times(), before);
});

/** The words and fds of the program in place of CRIU, when it is COMMAND. */
const plays = (plan: string) => [helper('host'), join(build(), 'fdgraft.so'), dirname(plan), '2'];

test('the slave wins over what the caller has at that number, for all that name it', async (t) => {
  const placeholders = [terminal(0), { fileId: 7, callerFd: 0, flags: O.RDWR }];
  const { plan, directory } = planned(t, { placeholders });
  const words = ['--plan', plan, '--pty', '--', 'sh', '-c', 'tty; "$@"', 'sh', ...plays(plan), '7'];
  const started = await show(t, directory, [join(build(), 'fdgraft-exec'), ...words]);
  t.is(await started.window.ended(), 'exit 0', started.window.output);
  const [own, ...said] = shown(started).split('\r\n');
  const [, got] = /fd (\/dev\/pts\/\d+) flags/.exec(said.join('\n')) ?? [];
  t.regex(own ?? '', /^\/dev\/pts\/\d+$/);
  t.truthy(got, said.join('\n'));
  t.not(got, own);
  await settled(t, started);
});

test('with two terminals it makes the one that is not open', async (t) => {
  const placeholders = [terminal(5), terminal(6)];
  const both = { placeholders, words: ['--pty', '--check'] };
  const { plan, directory } = planned(t, { placeholders });
  const own = ['sh', '-c', 'exec 6<>"$(tty)"; exec "$@"', 'sh', join(build(), 'fdgraft-exec'), '--plan', plan];
  const one = await show(t, directory, [...own, '--pty', '--check']);
  t.is(await one.window.ended(), 'exit 100');
  // That the window has a session is the only thing that is wrong.
  t.regex(shown(one), /^fdgraft-exec: caller fd 6 is the terminal of your own session[^\n]*\r\n$/);
  const none = await open(t, ['true'], both);
  t.is(await none.window.ended(), 'exit 100');
  t.regex(
    shown(none),
    /--pty makes one terminal, and the plan asks for terminals at caller fds 5 and 6, of which more/,
  );
  const all = await open(t, ['true'], { ...both, give: [file(6, O.RDWR, '/dev/tty'), file(5, O.RDWR, '/dev/tty')] });
  t.is(await all.window.ended(), 'exit 100');
  t.regex(shown(all), /caller fds 5 and 6, which are all open; leave that closed which --pty is to make\r\n/);
});

test('at numbers that its own descriptors of the images would have', async (t) => {
  for (const number of [3, 4, 5, 6, 7, 8]) {
    const started = await open(t, ['false'], { words: ['--pty', '--check'], placeholders: [terminal(number)] });
    t.is(await started.window.ended(), 'exit 0', `${number}: ${shown(started)}`);
    t.is(shown(started), '');
  }
});

test('--check looks at all and shows nothing', async (t) => {
  const started = await open(t, ['false'], { words: ['--pty', '--check'] });
  t.is(await started.window.ended(), 'exit 0');
  t.is(shown(started), '');
  await settled(t, started);
});

test('--serve: the terminal is shown when CRIU has fetched it', async (t) => {
  const { plan, directory } = planned(t, { placeholders: [terminal(5)] });
  const play = plays(plan)
    .map((word) => `'${word}'`)
    .join(' ');
  const words = ['--plan', plan, '--serve', '--pty', '--', 'sh', '-c', `${play} 6 >said && exit 4`];
  const started = await show(t, directory, [join(build(), 'fdgraft-exec'), ...words]);
  t.is(await started.window.ended(), 'exit 4', started.window.output);
  t.regex(readFileSync(join(directory, 'said'), 'latin1'), /^stored tty\[fd670001:5\]$/m);
  await settled(t, started);
});

test('without a terminal at 0 it says what to do', async (t) => {
  const { plan } = planned(t, { placeholders: [terminal(5)] });
  const result = await exec(['--plan', plan, '--pty', '--', 'true']);
  t.is(result.code, 100);
  t.regex(complaints(t, result.stderr)[0] ?? '', /^descriptor 0 is no terminal, and --pty shows .*--pty=SOCKET/);
  const attached = await exec(['--attach', join(scratch(t), 'none')]);
  t.is(attached.code, 100);
  t.regex(
    complaints(t, attached.stderr)[0] ?? '',
    /^descriptor 0 is no terminal, and --attach shows .* start it in a window/,
  );
});

test('a plan without terminals', async (t) => {
  const { plan } = planned(t, { placeholders: [{ fileId: 1, callerFd: 5 }] });
  const result = await exec(['--plan', plan, `--pty=${join(scratch(t), 'socket')}`, '--', 'true']);
  t.is(result.code, 100);
  t.regex(complaints(t, result.stderr)[0] ?? '', /^--pty: the plan .* has no terminal; leave --pty out, or name one/);
});

test('--pty=SOCKET never takes a path that exists, and removes its own alone', async (t) => {
  const { plan, directory } = planned(t, { placeholders: [terminal(5)] });
  const socket = join(directory, 'socket');
  writeFileSync(socket, 'mine');
  const result = await exec(['--plan', plan, `--pty=${socket}`, '--', 'true']);
  t.is(result.code, 100);
  t.regex(complaints(t, result.stderr)[0] ?? '', /^--pty=.*socket: the path exists; give a path that does not exist/);
  t.is(readFileSync(socket, 'utf8'), 'mine');
  const replaced = join(directory, 'replaced');
  const replace = `rm '${replaced}'; echo other >'${replaced}'`;
  t.is((await exec(['--plan', plan, `--pty=${replaced}`, '--', 'sh', '-c', replace])).code, 0);
  t.is(readFileSync(replaced, 'utf8'), 'other\n');
  const lost = await exec(['--plan', plan, `--pty=${join(directory, 'no/socket')}`, '--', 'true']);
  t.is(lost.code, 100);
  t.regex(lost.stderr, /cannot open the directory of the socket: No such file/);
});

test('another file that comes to the path of the socket keeps its mode', async (t) => {
  const { plan, directory } = planned(t, { placeholders: [terminal(5)] });
  const target = join(directory, 'target');
  writeFileSync(target, '', { mode: 0o644 });
  const env = { LD_PRELOAD: helper('swap'), SWAP_TARGET: target };
  const words = ['--plan', plan, `--pty=${join(directory, 'socket')}`, '--', 'true'];
  t.like(await exec(words, { env }), { code: 0, stderr: '' });
  t.is(statSync(target).mode & 0o777, 0o644);
});

test('a socket whose name is too long is refused before the start, whatever the umask', async (t) => {
  const { plan, directory } = planned(t, { placeholders: [terminal(5)] });
  const words = ['--plan', plan, `--pty=${join(directory, 'x'.repeat(100))}`];
  for (const more of [['--check'], ['--', 'sh', '-c', 'echo started']]) {
    const result = await exec([...words, ...more]);
    t.like(result, { code: 100, stdout: '' });
    t.regex(
      complaints(t, result.stderr)[0] ?? '',
      /the name of the socket is too long; give a shorter one, in any directory$/,
    );
  }
  // The path of the directory may be longer than the name of a socket can be.
  const deep = join(directory, 'd'.repeat(100));
  mkdirSync(deep);
  const inside = `umask 0777; exec "$@"`;
  const fits = ['--plan', plan, `--pty=${join(deep, 's')}`, '--', 'stat', '-c', '%a', join(deep, 's')];
  const result = await run(['sh', '-c', inside, 'sh', join(build(), 'fdgraft-exec'), ...fits]);
  t.like(result, { code: 0, stdout: '600\n', stderr: '' });
});

const TERMINAL_PLANS: { readonly [what: string]: readonly [Placeholder[], RegExp] } = {
  'a key without an end': [[terminal(5, { ownKey: 'tty[fd670001:' })], /its key is not that of a terminal/],
  'a key with more behind it': [[terminal(5, { ownKey: 'tty[fd670001:1] x' })], /its key is not that of a terminal/],
  'a key with a control character': [
    [terminal(5, { ownKey: 'tty[fd670001:\n]' })],
    /its key is not that of a terminal/,
  ],
  'a key with too many digits': [
    [terminal(5, { ownKey: 'tty[fd670001:123456789]' })],
    /its key is not that of a terminal/,
  ],
  'a leader without a session': [
    [terminal(5, { terminal: { session: 0, hasLeader: true } })],
    /its terminal has a leader and no session/,
  ],
  'one key for two sessions': [
    [terminal(5), terminal(5, { fileId: 9, terminal: { session: 10, hasLeader: true } })],
    /file ids 6 and 9 have one key, and it is not the terminal of one session/,
  ],
  'one key for two groups in the foreground': [
    [terminal(5), terminal(5, { fileId: 9, terminal: { session: 9, hasLeader: true, foreground: 10 } })],
    /file ids 6 and 9 have one key, and it is not the terminal of one session/,
  ],
  'a leader by the second of two alone': [
    [terminal(5, JOB), terminal(5, { fileId: 9 })],
    /file ids 6 and 9 have one key, and it is not the terminal of one session/,
  ],
};
for (const [what, [placeholders, pattern]] of Object.entries(TERMINAL_PLANS)) {
  test(`a plan of a terminal cannot have ${what}`, async (t) => {
    const { plan } = planned(t, { placeholders });
    const result = await exec(['--plan', plan, `--pty=${join(scratch(t), 'socket')}`, '--check']);
    t.is(result.code, 100, result.stderr);
    t.regex(complaints(t, result.stderr)[0] ?? '', pattern);
  });
}

test('nobody attaches: the status of COMMAND, and the socket goes', async (t) => {
  const { plan, directory } = planned(t, { placeholders: [terminal(5)] });
  const socket = join(directory, 'socket');
  const result = await exec(['--plan', plan, `--pty=${socket}`, '--', 'sh', '-c', `test -S '${socket}' && exit 8`]);
  t.like(result, { code: 8, stdout: '', stderr: '' });
  t.false(existsSync(socket));
  const late = await show(t, directory, [join(build(), 'fdgraft-exec'), '--attach', socket]);
  t.is(await late.window.ended(), 'exit 100');
  t.regex(shown(late), /^fdgraft-exec: --attach .*socket: cannot connect: No such file or directory; give the SOCKET/);
  await settled(t, late);
});

test('a client that goes away before it reads leaves the terminal for the next', async (t) => {
  const { plan, directory } = planned(t, { placeholders: [terminal(5)] });
  const socket = join(directory, 'socket');
  const executor = join(build(), 'fdgraft-exec');
  const ended = exec(['--plan', plan, `--pty=${socket}`, '--', ...session('read a; echo "got $a"; exit 2')]);
  await until('a socket', () => existsSync(socket));
  for (let i = 0; i < 3; i++) {
    const away = spawnSync(process.execPath, [
      '-e',
      `const c = require('net').connect({path: ${JSON.stringify(socket)}}); c.pause(); c.on('connect', () => process.kill(process.pid, 'SIGKILL'))`,
    ]);
    t.is(away.signal, 'SIGKILL');
  }
  t.true(existsSync(socket));
  const { window } = await show(t, directory, [executor, '--attach', socket]);
  await window.type('one\r');
  t.is(await window.ended(), 'exit 0');
  t.regex(window.output, /got one\r\n$/);
  t.is((await ended).code, 2);
  await gone(t, socket);
});

test.serial('the session of a shell job lives as long as whoever has its terminal', async (t) => {
  const { plan, directory } = planned(t, { placeholders: [terminal(5, JOB)] });
  const socket = join(directory, 'socket');
  const executor = join(build(), 'fdgraft-exec');
  const job = '(read a; echo "got $a"; read b) <&5 >&5 2>&5 5>&- & exec 5>&-; exit 6';
  const mark = { FDGRAFT_TEST_SESSION: directory };
  const words = ['--plan', plan, `--pty=${socket}`, '--', 'bash', '-c', job, 'bash', ...KEPT];
  const ended = exec(words, { env: mark });
  await until('a socket', () => existsSync(socket));
  const { window } = await show(t, directory, [executor, '--attach', socket]);
  t.is((await ended).code, 6);
  const [own = '', ...others] = processesWith('fdgraft-session', `FDGRAFT_TEST_SESSION=${directory}`);
  t.not(own, '');
  t.deepEqual(others, []);
  await window.type('one\r');
  await window.until(/got one\r\n/);
  await window.type('end\r');
  t.is(await window.ended(), 'exit 0');
  await until('the end of the session', () => !isAlive(own));
});

test('what is no master of a terminal is not shown', async (t) => {
  const directory = scratch(t);
  const socket = join(directory, 'socket');
  const server = (await import('node:net')).createServer((connection) => connection.end('x'));
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.teardown(() => server.close());
  const started = await show(t, directory, [join(build(), 'fdgraft-exec'), '--attach', socket]);
  t.is(await started.window.ended(), 'exit 100');
  t.regex(shown(started), /--attach .*: what came is not one master of a terminal\r\n$/);
  await settled(t, started);
});
