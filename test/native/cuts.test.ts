import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { build, exec, type Helper, helper, type Variant } from '../support/native';
import type { Placeholder, Plan } from '../support/planfile';
import { complaints, file, O, planned } from './support';

/** Files of the caller that are cut to the size at the dump: what fits, when it happens, and what goes. */

const TEXT = '0123456789';
const APPEND = O.WRONLY | O.APPEND;

function log(change: Partial<Placeholder> = {}): Placeholder {
  return { fileId: 7, callerFd: 5, flags: APPEND, offset: 4, truncateTo: 4, ...change };
}

interface Made {
  directory: string;
  plan: string;
  log: string;
  content(): string;
}

function made(t: ExecutionContext, plan: Plan, text = TEXT): Made {
  const own = planned(t, plan);
  const path = join(own.directory, 'log');
  writeFileSync(path, text);
  return { ...own, log: path, content: () => readFileSync(path, 'utf8') };
}

async function refused(t: ExecutionContext, own: Made, give: string[], ...expected: RegExp[]) {
  for (const words of [['--check'], ['--', 'touch', join(own.directory, 'started')]]) {
    const result = await exec(['--plan', own.plan, ...words], { give });
    t.is(result.code, 100, result.stderr);
    const lines = complaints(t, result.stderr).filter((line) => !line.startsWith('warning: '));
    t.is(lines.length, expected.length, result.stderr);
    for (const [index, pattern] of expected.entries()) t.regex(lines[index] ?? '', pattern);
  }
  t.false(existsSync(join(own.directory, 'started')));
  t.is(own.content(), TEXT, 'nothing is cut');
}

/** fdgraft-exec and the program in place of CRIU, with these steps. */
async function play(own: Made, give: string[], steps: string[], host: Helper = 'host', variant: Variant = 'plain') {
  const plugin = join(build(variant), 'fdgraft.so');
  const command = [helper(host, variant), plugin, own.directory, '2', ...steps];
  const result = await exec(['--plan', own.plan, '--', ...command], { give, variant });
  const lines = result.stdout.trimEnd().split('\n');
  const logged = (level: string) =>
    lines.filter((line) => line.startsWith(`log ${level} `)).map((line) => line.slice(23));
  return {
    result,
    said: lines.filter((line) => /^(late|\d+ |hook|cannot)/.test(line)),
    errors: logged('1'),
    warnings: logged('2'),
    open: lines.filter((line) => line.startsWith('open ')),
  };
}

const LATE = 'late ENOTSUP, the task lives';

for (const variant of ['plain', 'sanitized'] as const)
  for (const host of ['host', 'host-options'] as const) {
    test(`${variant}, ${host}: cut once, at the first call, and then written at its end`, async (t) => {
      const own = made(t, { placeholders: [log()] });
      const retry = host === 'host' ? 'a5' : '00';
      const { said, errors, open } = await play(
        own,
        [file(5, APPEND, own.log), file(9, APPEND, own.log)],
        ['size=9:4096', 'late', 'put=9:more', 'late', '7'],
        host,
        variant,
      );
      t.deepEqual(said, [LATE, LATE, `hook 7 retry ${retry} clean fd ${own.log} flags 2001 offset 0`]);
      t.deepEqual(errors, []);
      t.is(own.content(), '0123more<7>');
      t.deepEqual(open, ['open after-init 4 9', 'open before-exit 9'], 'nothing of it stays open');
    });
    test(`${variant}, ${host}: a restore that fails cuts nothing`, async (t) => {
      const own = made(t, { placeholders: [log()] });
      const { errors } = await play(own, [file(5, APPEND, own.log)], ['7', 'fail'], host, variant);
      t.deepEqual(errors, []);
      t.is(own.content(), `${TEXT}<7>`);
    });
    test(`${variant}, ${host}: a file that got shorter stops the restore`, async (t) => {
      const own = made(t, { placeholders: [log()] });
      const { said, errors } = await play(
        own,
        [file(5, APPEND, own.log)],
        [`empty=${own.log}`, 'late', 'fail'],
        host,
        variant,
      );
      t.deepEqual(said, [`late failed, the task ${host === 'host' ? 'was killed' : 'lives'}`]);
      t.regex(errors.join(), /^caller fd 5: something made its file shorter during the restore: it has 0 bytes, .* 4$/);
      t.is(own.content(), '');
    });
    test(`${variant}, ${host}: a cut that fails stops the restore, and takes the unread bytes back`, async (t) => {
      const reader: Placeholder = {
        fileId: 3,
        callerFd: 6,
        type: 'PIPE',
        key: 'pipe:[77]',
        pipeId: 77,
        inFlight: [{ bytes: 4, offset: 0, fate: 'replay' }],
      };
      const own = made(t, { placeholders: [reader, log()] });
      writeFileSync(join(own.directory, 'pipes-data.img'), 'unread');
      const give = ['5=memfd', '5=put:0123456789', '6=pipe:9', '8=dup:5'];
      const { said, errors } = await play(own, give, ['seal=8', 'late', 'count=9', 'fail'], host, variant);
      t.deepEqual(said, [
        `late failed, the task ${host === 'host' ? 'was killed' : 'lives'}`,
        '9 has 0 of 65536, flags 1',
      ]);
      t.deepEqual(errors, ['caller fd 5: cannot cut its file to 4 bytes: Operation not permitted']);
    });
  }

test('a CRIU that never asks for it: the log says so', async (t) => {
  const own = made(t, { placeholders: [log()] });
  const { errors } = await play(own, [file(5, APPEND, own.log)], ['7']);
  t.regex(errors.join(), /^caller fd 5: its file was not cut to 4 bytes: CRIU did not ask for it, .*another plugin/);
  t.is(own.content(), `${TEXT}<7>`);
});

for (const variant of ['plain', 'sanitized'] as const)
  test(`${variant}: the bytes that go are named, by --check, at the start and in the log`, async (t) => {
    const own = made(t, { placeholders: [log()] });
    const give = [file(5, APPEND, own.log)];
    const check = await exec(['--plan', own.plan, '--check'], { give, variant });
    const expected = 'caller fd 5 (spec fd[5]:file-5): 6 bytes past 4 are cut off';
    t.deepEqual([check.code, check.stderr], [0, `fdgraft-exec: warning: ${expected}\n`]);
    t.is(own.content(), TEXT);
    const { result, warnings } = await play(own, give, ['late'], 'host', variant);
    t.is(result.stderr, check.stderr);
    t.deepEqual(warnings, [expected]);
    const whole = made(t, { placeholders: [log({ truncateTo: TEXT.length })] });
    const nothing = await exec(['--plan', whole.plan, '--check'], { give: [file(5, APPEND, whole.log)], variant });
    t.deepEqual([nothing.code, nothing.stderr], [0, '']);
  });

test('a shorter file is never made longer', async (t) => {
  const own = made(t, { placeholders: [log({ truncateTo: 11 })] });
  await refused(
    t,
    own,
    [file(5, APPEND, own.log)],
    /^caller fd 5 \(spec fd\[5\]:file-5\): its file has 10 bytes, and truncate cuts it to the 11 that the dump recorded/,
  );
});

test('what is no regular file, and what is not open for writing', async (t) => {
  const own = made(t, { placeholders: [log({ flags: O.RDWR })] });
  const other = (name: string) => new RegExp(`^caller fd 5 is ${name} \\(spec .*truncate cuts a regular file`);
  await refused(t, own, ['5=socket'], other('a socket'));
  await refused(t, own, [file(5, O.RDWR, '/dev/null')], other('a character device or terminal'));
  await refused(t, own, [], /^caller fd 5 is not open/);
  await refused(t, own, [file(5, O.PATH, own.log)], /^caller fd 5 was opened with O_PATH/);
  await refused(t, own, [file(5, O.RDONLY, '/')], /^caller fd 5 is a directory/);
  const written = made(t, { placeholders: [log()] });
  await refused(t, written, [file(5, O.RDONLY, written.log)], /open for only reading, file id 7 needs writing/);
  const read = made(t, { placeholders: [log({ flags: O.RDONLY })] });
  await refused(
    t,
    read,
    [file(5, O.RDONLY, read.log)],
    /^caller fd 5 is open for only reading \(spec .*truncate cuts its file; open it for reading and writing/,
  );
  const check = await exec(['--plan', read.plan, '--check'], { give: [file(5, O.RDWR, read.log)] });
  t.is(check.code, 0, check.stderr);
});

test('two sizes for one file, under one number or two', async (t) => {
  const both =
    /^caller fd 5 \(spec fd\[5\].*\) and caller fd (5|6) \(spec .*\) are one file, and file id 7 cuts it to 4 bytes, file id 8 to 6;/;
  const two = made(t, { placeholders: [log(), log({ fileId: 8, callerFd: 6, truncateTo: 6 })] });
  await refused(t, two, [file(5, APPEND, two.log), file(6, APPEND, two.log)], both);
  const one = made(t, { placeholders: [log(), log({ fileId: 8, truncateTo: 6 })] });
  await refused(t, one, [file(5, APPEND, one.log)], both);
  const same = made(t, { placeholders: [log(), log({ fileId: 8, callerFd: 6 })] });
  const give = [file(5, APPEND, same.log), file(6, APPEND, same.log)];
  const check = await exec(['--plan', same.plan, '--check'], { give });
  t.is(check.code, 0);
  t.is(complaints(t, check.stderr).length, 1, 'said once');
  await play(same, give, ['late']);
  t.is(same.content(), '0123');
});

test('a debug text into a file that is cut', async (t) => {
  const debugs = [{ text: 'debug[6]:now', callerFd: 6, output: Buffer.from('now') }];
  const own = made(t, { placeholders: [log()], debugs });
  await refused(
    t,
    own,
    [file(5, APPEND, own.log), file(6, APPEND, own.log)],
    /^caller fd 5 \(spec .*\): debug\[6\]:now would be written into its file before that is cut to 4 bytes/,
  );
});

test('what the kernel would not cut is told before', async (t) => {
  const own = made(t, { placeholders: [log()] });
  const sealed = ['5=memfd', '5=put:0123456789', '5=seal'];
  await refused(t, own, sealed, /^caller fd 5 .*: its file cannot be cut: it is sealed \(F_SEAL_SHRINK\)/);
  try {
    execFileSync('chattr', ['+a', own.log], { stdio: 'ignore' });
  } catch {
    // Not every file system has such attributes.
    return t.pass();
  }
  t.teardown(() => execFileSync('chattr', ['-a', own.log]));
  await refused(
    t,
    own,
    [file(5, APPEND, own.log)],
    /its file cannot be cut: it has the attribute a, which chattr -a removes/,
  );
});

test('the end is the recorded size, for every entry on that file', async (t) => {
  const flags = O.RDWR;
  const own = made(t, {
    placeholders: [
      log({ flags, position: 'end' }),
      { fileId: 8, callerFd: 6, flags, position: 'end' },
      log({ fileId: 9, callerFd: 10, flags, position: 'saved', offset: 2 }),
    ],
  });
  const give = [5, 6, 10].map((fd) => file(fd, flags, own.log));
  const { said } = await play(own, give, ['late', '7', '8', '9']);
  t.deepEqual(
    said.slice(1).map((line) => line.split(' ').pop()),
    ['4', '4', '2'],
  );
  t.is(own.content(), '01<9>8>');
});

test('an offset behind the cut is a warning, where it is written at', async (t) => {
  const about = async (change: Partial<Placeholder>, give: (path: string) => string[]) => {
    const own = made(t, { placeholders: [log(change)] });
    const { code, stderr } = await exec(['--plan', own.plan, '--check'], { give: give(own.log) });
    t.is(code, 0, stderr);
    return complaints(t, stderr).slice(1);
  };
  const at = (flags: number, offset: number) => (path: string) => [file(5, flags, path), `5=seek:${offset}`];
  const zeros = /^warning: caller fd 5 .* file id 7 goes on at offset 5 of a file that is cut to 4 bytes, .*zeros/;
  t.regex((await about({ flags: O.WRONLY }, at(O.WRONLY, 5))).join(), zeros);
  t.regex((await about({ flags: O.RDWR, position: 'saved', offset: 5 }, at(O.RDWR, 0))).join(), zeros);
  t.deepEqual(await about({ flags: O.WRONLY }, at(O.WRONLY, 4)), []);
  t.deepEqual(await about({ flags: APPEND }, at(APPEND, 5)), []);
  t.deepEqual(await about({ flags: O.WRONLY, position: 'end' }, at(O.WRONLY, 5)), []);
  t.deepEqual(await about({ flags: O.RDONLY, offset: 5 }, at(O.RDWR, 5)), []);
});

const task = (...placeholders: Placeholder[]): Plan => ({
  placeholders: placeholders.map((one) => ({ descriptors: [{ fd: 3, pids: [2] }], ...one })),
});

for (const variant of ['plain', 'sanitized'] as const)
  test(`${variant}: --task cuts before COMMAND runs, and only what the task has`, async (t) => {
    const own = made(t, task(log(), log({ fileId: 8, callerFd: 6, descriptors: [{ fd: 3, pids: [4] }] })));
    const other = join(own.directory, 'other');
    writeFileSync(other, TEXT);
    const give = [file(5, APPEND, own.log), file(6, APPEND, other)];
    const words = ['--plan', own.plan, '--task', '2', '--'];
    const { code, stderr } = await exec([...words, 'sh', '-c', `cat ${own.log} >&2; printf more >&3`], {
      give,
      variant,
    });
    t.is(code, 0);
    t.is(stderr, 'fdgraft-exec: warning: caller fd 5 (spec fd[5]:file-5): 6 bytes past 4 are cut off\n0123');
    t.is(own.content(), '0123more');
    t.is(statSync(other).size, TEXT.length);
  });

test('--task: a COMMAND that is not there, or that cannot be run, leaves the file as it is', async (t) => {
  const own = made(t, task(log()));
  const give = [file(5, APPEND, own.log)];
  const words = ['--plan', own.plan, '--task', '2', '--'];
  for (const [command, code] of [
    ['/nonexistent/command', 127],
    ['no-such-command', 127],
    [own.log, 126],
    [own.directory, 126],
  ] as const) {
    const result = await exec([...words, command], { give });
    t.is(result.code, code, result.stderr);
    t.regex(result.stderr, /cannot run /);
    t.is(own.content(), TEXT);
  }
  const script = join(own.directory, 'script');
  writeFileSync(script, '#!/nonexistent/interpreter\n', { mode: 0o755 });
  const result = await exec([...words, script], { give });
  t.is(result.code, 127);
  t.regex(result.stderr, /caller fd 5: its file is cut to 4 bytes already/);
  t.is(own.content(), '0123');
});
