import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { build, exec, type Helper, helper, LINKED, type Result, run, type Variant } from '../support/native';
import type { Placeholder } from '../support/planfile';
import { complaints, file, O, planned } from './support';

/** The caller's terminals: which are refused, and how leaders of sessions get them. */

const VARIANTS: readonly Variant[] = ['plain', 'sanitized'];
const PID = 20_000;
const TERMINAL: Placeholder = {
  ...{ fileId: 42, callerFd: 5, flags: O.RDWR, apply: 'dup', type: 'TTY', kind: { name: 'terminal' } },
  ...{ ownKey: 'tty[fd670001:1]', terminal: { session: PID, foreground: PID, hasLeader: true } },
};
/** The session was outside. */
const JOB: Placeholder = { ...TERMINAL, terminal: { session: PID, foreground: PID } };

function check(t: ExecutionContext, placeholders: Placeholder[], give: string[], variant: Variant): Promise<Result> {
  return exec(['--plan', planned(t, { placeholders }).plan, '--check'], { give, variant });
}

const FITS: { readonly [title: string]: readonly [Placeholder[], string[]] } = {
  'a terminal that no session has': [[TERMINAL], ['5=pty:6']],
  'one for two opens': [[TERMINAL, { ...TERMINAL, fileId: 43 }], ['5=pty:6']],
  'one that is open for writing, for a terminal that is written to': [
    [{ ...TERMINAL, flags: O.WRONLY, needsRead: false }],
    ['5=pty-write:6'],
  ],
  'the own terminal for a job': [[JOB], ['5=pty:6', '5=own']],
  'any terminal for one that was nobody’s': [[{ ...TERMINAL, terminal: {} }], ['5=pty:6', '5=held']],
};

const REFUSED: { readonly [title: string]: readonly [Placeholder, string[], RegExp] } = {
  'a pipe': [TERMINAL, ['5=pipe:6'], /^caller fd 5 is a pipe, file id 42 needs a terminal \(spec fd\[5\]:file-5\); /],
  'a file': [TERMINAL, [file(5, O.RDWR, '/etc/hosts')], /^caller fd 5 is a file, file id 42 needs a terminal /],
  'another device': [TERMINAL, [file(5, O.RDWR, '/dev/null')], /^caller fd 5 is a character device and no terminal, /],
  'a master': [
    TERMINAL,
    ['6=pty:5'],
    /^caller fd 5 is the master side of a terminal, .*; give its other side, \/dev\/pts\/N$/,
  ],
  'a terminal that was hung up': [
    TERMINAL,
    ['5=pty:6', '6=closed'],
    /^caller fd 5 is a terminal that was hung up, .*; give one whose other end is open$/,
  ],
  'one that is open for reading': [
    TERMINAL,
    ['5=pty-read:6'],
    /^caller fd 5 is open for only reading, file id 42 needs reading and writing /,
  ],
  'one that is open for writing': [
    TERMINAL,
    ['5=pty-write:6'],
    /^caller fd 5 is open for only writing, file id 42 needs reading and writing /,
  ],
  'the terminal of another session': [
    TERMINAL,
    ['5=pty:6', '5=held'],
    /^caller fd 5 is the terminal of a living session \(process \d+\), and session 20000 of the checkpoint takes it as controlling terminal \(file id 42, spec fd\[5\]:file-5\); give a terminal that no session has, or use fdgraft-exec --pty$/,
  ],
  'the terminal of the own session': [
    TERMINAL,
    ['5=pty:6', '5=own'],
    /^caller fd 5 is the terminal of your own session, and session 20000 .*: your shell would lose it; use fdgraft-exec --pty, which connects a new one to it$/,
  ],
};

for (const variant of VARIANTS) {
  for (const [title, [placeholders, give]] of Object.entries(FITS))
    test(`${title} fits (${variant})`, async (t) => {
      const { code, stderr } = await check(t, placeholders, give, variant);
      t.deepEqual([code, stderr], [0, '']);
    });
  for (const [title, [placeholder, give, pattern]] of Object.entries(REFUSED))
    test(`${title} is refused (${variant})`, async (t) => {
      const { code, stderr } = await check(t, [placeholder], give, variant);
      t.is(code, 100, stderr);
      const lines = complaints(t, stderr);
      t.is(lines.length, 1, stderr);
      t.regex(lines[0] ?? '', pattern);
    });
  test(`a caller that ignores SIGCHLD hears of sessions too (${variant})`, async (t) => {
    for (const [give, code] of [
      [['5=pty:6'], 0],
      [['5=pty:6', '5=held'], 100],
    ] as const) {
      const program = join(build(variant), 'fdgraft-exec');
      const words = ['--plan', planned(t, { placeholders: [TERMINAL] }).plan, '--check'];
      const result = await run(['env', '--ignore-signal=CHLD', program, ...words], { give, variant });
      t.is(result.code, code, result.stderr);
    }
  });
  test(`podman as COMMAND is refused (${variant})`, async (t) => {
    const { plan } = planned(t, { placeholders: [TERMINAL] });
    for (const command of [['podman'], ['/usr/bin/podman', '--remote']]) {
      const words = ['--plan', plan, '--check', '--', ...command, 'container', 'restore', 'web'];
      const { code, stderr } = await exec(words, { give: ['5=pty:6'], variant });
      t.is(code, 100, stderr);
      t.regex(complaints(t, stderr).join('\n'), /^COMMAND is podman, and the plan has a terminal \(file id 42\): /);
    }
  });
  test(`a job on a terminal of another session is a warning (${variant})`, async (t) => {
    const { code, stderr } = await check(t, [JOB], ['5=pty:6', '5=held'], variant);
    t.is(code, 0, stderr);
    t.regex(
      stderr,
      /^fdgraft-exec: warning: caller fd 5 is not the controlling terminal of your session, which the restored tasks join /,
    );
  });
}

/** fdgraft-exec and what plays CRIU, in a pid namespace where a task can have any pid. */
async function play(
  t: ExecutionContext,
  placeholders: Placeholder[],
  give: string[],
  { host = 'host', variant = 'plain' }: { host?: Helper; variant?: Variant } = {},
): Promise<string[]> {
  const { plan } = planned(t, { placeholders });
  const own = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const plugin = join(build(variant), 'fdgraft.so');
  const result = await run(
    [
      ...['unshare', ...own, '--pid', '--fork', '--mount-proc'],
      ...[join(build(variant), 'fdgraft-exec'), '--plan', plan, '--'],
      ...[helper(host, variant), plugin, join(plan, '..'), '2', `session=${PID}`, `session=${PID + 1}`],
    ],
    { give, variant },
  );
  t.is(result.code, 0, `${result.stderr}${result.stdout}`);
  return result.stdout.split('\n').filter((line) => /^(leader|child|no |pid|log)/.test(line));
}

const WITH = ['leader: /dev/tty open', 'child: /dev/tty open'];
const WITHOUT = ['leader: /dev/tty No such device or address', 'child: /dev/tty No such device or address'];

for (const [host, variant] of [
  ...LINKED.map((host) => [host, 'plain'] as const),
  ['host', 'plain'],
  ['host', 'sanitized'],
] as const)
  test(`a leader and its child have the terminal (${host}, ${variant})`, async (t) => {
    const lines = await play(t, [TERMINAL], ['5=pty:6'], { host, variant });
    // Of another session, and when the plugin is gone.
    const others = [...WITHOUT, ...WITHOUT, ...WITHOUT];
    if (host === 'host-no-setsid') {
      t.regex(lines[0] ?? '', /^log 2 Warn {2}\(fdgraft\): this CRIU does not call setsid of a library: /);
      t.deepEqual(lines.slice(1), [...WITHOUT, ...others]);
    } else {
      t.deepEqual(lines, [...WITH, ...others]);
    }
  });

test('two leaders have a terminal each', async (t) => {
  const second = { ...TERMINAL, fileId: 43, callerFd: 7, ownKey: 'tty[fd670001:2]' };
  const lines = await play(
    t,
    [TERMINAL, { ...second, terminal: { session: PID + 1, hasLeader: true } }],
    ['5=pty:6', '7=pty:8'],
  );
  t.deepEqual(lines, [...WITH, ...WITH, ...WITHOUT, ...WITHOUT]);
});

test('without a terminal that has a leader, nothing changes', async (t) => {
  t.deepEqual(await play(t, [JOB], ['5=pty:6', '5=own']), [...WITHOUT, ...WITHOUT, ...WITHOUT, ...WITHOUT]);
});

test('two leaders on one terminal are refused, whatever its caller fds', async (t) => {
  const second = { ...TERMINAL, ownKey: 'tty[fd670001:2]', terminal: { session: PID + 1, hasLeader: true } };
  for (const [callerFd, give] of [
    [5, ['5=pty:6']],
    [7, ['5=pty:6', '7=dup:5']],
  ] as const) {
    const placeholders = [TERMINAL, { ...second, fileId: 43, callerFd }];
    const { code, stderr } = await check(t, placeholders, [...give], 'sanitized');
    t.is(code, 100, stderr);
    t.is(
      complaints(t, stderr).join('\n'),
      `caller fd 5 (spec fd[5]:file-5) and caller fd ${callerFd} (spec fd[${callerFd}]:file-${callerFd}) are one terminal, and sessions 20000 and 20001 of the checkpoint take it as controlling terminal; give each session a terminal of its own`,
    );
  }
});
