import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { build, exec, run } from '../support/native';
import { planBytes } from '../support/planfile';
import { complaints, file, nobody, O, planned, scratch } from './support';

test('--help has examples and exit codes, on stdout', async (t) => {
  const result = await exec(['--help']);
  t.is(result.code, 0);
  t.is(result.stderr, '');
  t.regex(result.stdout, /^Usage: fdgraft-exec --plan P/);
  t.regex(result.stdout, /Examples:\n.*--inherit-fd 'fd\[5\]:pipe:\[22653\]'/s);
  for (const code of ['100', '111', '126', '127'])
    t.regex(result.stdout, new RegExp(`Exit codes:.*\\b${code}\\b`, 's'));
});

test('--version is that of the package', async (t) => {
  const { version } = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8'));
  t.deepEqual((await exec(['--version'])).stdout, `fdgraft-exec ${version}\n`);
});

const wrong: [string, string[], RegExp][] = [
  ['no words at all', [], /^--plan is missing/],
  ['no plan', ['--', 'true'], /^--plan is missing/],
  ['no command', ['--plan', '/'], /^COMMAND is missing/],
  ['an empty command', ['--plan', '/', '--', ''], /^COMMAND is an empty word/],
  ['an option without its value', ['--plan'], /^--plan needs a value/],
  ['an unknown option', ['--plam', '/'], /^--plam is no option/],
  ['an unknown short option', ['-x'], /^-x is no option/],
  ['a plan twice', ['--plan', '/', '--plan', '/', '--', 'true'], /^--plan is given twice/],
  ['an empty plan', ['--plan', '', '--', 'true'], /^--plan is empty/],
  ['a task that is no number', ['--plan', '/', '--task', '7x', '--', 'true'], /^--task 7x: a PID is a number/],
  ['task 0', ['--plan', '/', '--task', '0', '--', 'true'], /^--task 0: a PID is a number/],
  ['a task past all PIDs', ['--plan', '/', '--task', '99999999999', '--', 'true'], /^--task 99999999999: a PID/],
  ['a negative task', ['--plan', '/', '--task', '-1', '--', 'true'], /^--task -1: a PID/],
  ['plugins for a task', ['--plan', '/', '--task', '1', '--plugins', '/', '--', 'true'], /^--task runs without CRIU/],
  [
    '--serve for a task',
    ['--plan', '/', '--task', '1', '--serve', '--', 'true'],
    /^--task runs without CRIU, so --serve/,
  ],
  [
    'a terminal for a task',
    ['--plan', '/', '--task', '1', '--pty', '--', 'true'],
    /^--task runs without CRIU, so --pty/,
  ],
  ['two terminals', ['--plan', '/', '--pty', '--pty=a', '--', 'true'], /^--pty is given twice/],
  ['a terminal at an empty path', ['--plan', '/', '--pty=', '--', 'true'], /^--pty=SOCKET is empty/],
  ['a terminal without COMMAND', ['--plan', '/', '--pty'], /^COMMAND is missing/],
  ['--attach with a plan', ['--attach', 'a', '--plan', '/'], /^--attach SOCKET stands alone/],
  ['--attach with a COMMAND', ['--attach', 'a', 'true'], /^--attach SOCKET stands alone/],
  ['--attach with --pty', ['--attach', 'a', '--pty'], /^--attach SOCKET stands alone/],
  ['a timeout alone', ['--plan', '/', '--timeout', '3', '--', 'true'], /^--timeout is for --serve/],
  ['a timeout of 0', ['--plan', '/', '--serve', '--timeout', '0'], /^--timeout 0: S is a number of seconds from 1/],
  ['a timeout that is no number', ['--plan', '/', '--serve', '--timeout', '1.5'], /^--timeout 1\.5: S is a number/],
  ['a timeout past all', ['--plan', '/', '--serve', '--timeout', '4294967297'], /^--timeout 4294967297: S is a number/],
  ['a timeout twice', ['--plan', '/', '--timeout', '1', '--timeout', '1'], /^--timeout is given twice/],
  ['a control character', ['--\u001b[31mred'], /^--\\x1b\[31mred is no option/],
];
for (const [title, argv, expected] of wrong)
  test(`wrong usage: ${title}`, async (t) => {
    const result = await exec(argv);
    t.is(result.code, 100);
    t.is(result.stdout, '');
    const lines = complaints(t, result.stderr);
    t.is(lines.length, 1);
    t.regex(lines[0] ?? '', expected);
    t.regex(lines[0] ?? '', /see fdgraft-exec --help$/);
  });

test('a plan that is not there', async (t) => {
  const result = await exec(['--plan', '/nonexistent/x', '--', 'true']);
  t.is(result.code, 100);
  t.regex(result.stderr, /cannot open the plan \/nonexistent\/x: No such file.*give the image directory/);
});

test('a plan where /proc is not mounted', async (t) => {
  const { plan } = planned(t, {});
  const hidden = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs none /proc || exit 99; exec "$@"', 'sh'];
  const result = await run([...hidden, join(build(), 'fdgraft-exec'), '--plan', plan, '--check']);
  if (result.code === 1 || result.code === 99) return t.pass('only root has such a namespace');
  t.is(result.code, 111, result.stderr);
  t.regex(result.stderr, /^fdgraft-exec: cannot open the plan .*: \/proc is not mounted here; mount it$/m);
});

test('a directory without a plan', async (t) => {
  const result = await exec(['--plan', scratch(t), '--', 'true']);
  t.is(result.code, 100);
  t.regex(result.stderr, /inherit-plan\.img: no such file/);
});

test('the JSON form is refused with the advice what to give', async (t) => {
  const path = join(scratch(t), 'plan.json');
  writeFileSync(path, '{"format": "fdgraft.plan"}');
  const result = await exec(['--plan', path, '--', 'true']);
  t.is(result.code, 100);
  t.regex(result.stderr, /plan\.json: this is the JSON form.*give the image directory or its inherit-plan\.img/);
});

test('a plan through a symbolic link in the directory is refused', async (t) => {
  const own = scratch(t);
  const { symlinkSync } = await import('node:fs');
  writeFileSync(join(own, 'elsewhere'), planBytes({}));
  symlinkSync('elsewhere', join(own, 'inherit-plan.img'));
  const result = await exec(['--plan', own, '--', 'true']);
  t.is(result.code, 100);
  t.regex(result.stderr, /it is a symbolic link/);
});

test('a plan that only its owner may read', async (t) => {
  const own = scratch(t);
  writeFileSync(join(own, 'inherit-plan.img'), planBytes({}), { mode: 0 });
  const { as, env } = nobody(t, own);
  const result = await run([...as, join(build(), 'fdgraft-exec'), '--plan', own, '--', 'true'], { env });
  t.is(result.code, 111, result.stderr);
  t.regex(result.stderr, /cannot open: Permission denied; run this as the owner of the file, or as root/);
});

test('a FIFO in place of the plan does not hang it', async (t) => {
  const own = scratch(t);
  await run(['mkfifo', join(own, 'inherit-plan.img')]);
  const result = await exec(['--plan', own, '--', 'true']);
  t.is(result.code, 100);
  t.regex(result.stderr, /not a regular file/);
});

test('a device in place of the plan does not hang it', async (t) => {
  const result = await exec(['--plan', '/dev/zero', '--', 'true']);
  t.is(result.code, 100);
  t.regex(result.stderr, /not a regular file/);
});

test('the directory and the file name the same plan', async (t) => {
  const { directory, plan } = planned(t, { placeholders: [{ fileId: 1, callerFd: 5 }] });
  const give = [file(5, O.RDONLY, '/dev/null')];
  for (const name of [directory, `${directory}/`, plan])
    t.is((await exec(['--plan', name, '--check'], { give })).code, 0);
  t.is((await exec(['--plan', 'inherit-plan.img', '--check'], { give, cwd: directory })).code, 0);
});

test("COMMAND's own exit code comes out", async (t) => {
  const { plan } = planned(t, {});
  t.is((await exec(['--plan', plan, '--', 'sh', '-c', 'exit 7'])).code, 7);
  t.is((await exec(['--plan', plan, 'sh', '-c', 'exit 7'])).code, 7);
});

test('126 and 127', async (t) => {
  const { directory, plan } = planned(t, {});
  writeFileSync(join(directory, 'no-program'), 'x', { mode: 0o600 });
  const forbidden = await exec(['--plan', plan, '--', join(directory, 'no-program')]);
  t.is(forbidden.code, 126);
  t.regex(forbidden.stderr, /cannot run .*no-program: Permission denied/);
  const missing = await exec(['--plan', plan, '--', 'no-such-program-anywhere']);
  t.is(missing.code, 127);
  t.regex(missing.stderr, /cannot run no-such-program-anywhere: No such file/);
});

test('126 and 127 for a task whose stderr is closed by the plan', async (t) => {
  const { plan } = planned(t, {
    placeholders: [{ fileId: 1, callerFd: 2, flags: 2, descriptors: [{ fd: 9, pids: [4] }] }],
  });
  const missing = await exec(['--plan', plan, '--task', '4', '--', 'no-such-program-anywhere']);
  t.is(missing.code, 127);
  t.regex(missing.stderr, /cannot run no-such-program-anywhere/);
});

test('111 where the plugin does not stand beside the program', async (t) => {
  const { plan } = planned(t, {});
  const alone = join(scratch(t), 'bin');
  mkdirSync(alone);
  copyFileSync(join(build(), 'fdgraft-exec'), join(alone, 'fdgraft-exec'));
  for (const words of [['--check'], ['--', 'true']]) {
    const result = await run([join(alone, 'fdgraft-exec'), '--plan', plan, ...words]);
    t.is(result.code, 111);
    t.regex(result.stderr, /cannot read .*bin\/fdgraft\.so: No such file.*in one directory/);
  }
});

test('--check runs no COMMAND', async (t) => {
  const { directory, plan } = planned(t, {});
  const result = await exec(['--plan', plan, '--check', '--', 'touch', join(directory, 'ran')]);
  t.deepEqual([result.code, result.stdout, result.stderr], [0, '', '']);
  t.throws(() => readFileSync(join(directory, 'ran')));
});

test('--help and --version onto a full disk', async (t) => {
  for (const word of ['--help', '--version']) {
    const result = await exec([word], { give: [file(1, O.WRONLY, '/dev/full')] });
    t.deepEqual([result.code, result.stderr], [111, 'fdgraft-exec: cannot write to stdout: No space left on device\n']);
  }
});
