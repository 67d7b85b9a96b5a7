import {
  chmodSync,
  existsSync,
  linkSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { build, exec, type Helper, helper, run, type Variant } from '../support/native';
import { type InFlight, type Placeholder, type Plan, writePlan } from '../support/planfile';
import { complaints, file, O, scratch } from './support';

/** Bytes that were unread in a pipe at the dump: what fits, and how they get into the caller's pipe. */

const TEXT = 'twenty-one bytes here';

interface Made {
  directory: string;
  plan: string;
}

/** A directory with a plan and an image that holds each text once, the first one at byte 10. */
function made(t: ExecutionContext, plan: Plan, content: string | Buffer = `0123456789${TEXT}`): Made {
  const directory = scratch(t);
  writeFileSync(join(directory, 'pipes-data.img'), content);
  return { directory, plan: writePlan(directory, plan) };
}

const here = { offset: 10, bytes: TEXT.length, fate: 'replay' } as const;

function reader(change: Partial<Placeholder> = {}): Placeholder {
  return { fileId: 7, callerFd: 5, type: 'PIPE', key: 'pipe:[77]', pipeId: 77, inFlight: [here], ...change };
}

async function refused(t: ExecutionContext, own: Made, give: string[], ...expected: RegExp[]) {
  for (const words of [['--check'], ['--', 'touch', join(own.directory, 'started')]]) {
    const result = await exec(['--plan', own.plan, ...words], { give });
    t.is(result.code, 100, result.stderr);
    const lines = complaints(t, result.stderr);
    t.is(lines.length, expected.length, result.stderr);
    for (const [index, pattern] of expected.entries()) t.regex(lines[index] ?? '', pattern);
  }
  t.false(existsSync(join(own.directory, 'started')));
}

test('a closed caller fd: the advice is no file', async (t) => {
  await refused(t, made(t, { placeholders: [reader()] }), [], /^caller fd 5 is not open .* `fdgraft-exec … 5<FIFO`$/);
});

async function fits(t: ExecutionContext, own: Made, give: string[]) {
  const result = await exec(['--plan', own.plan, '--check'], { give });
  t.deepEqual([result.code, result.stderr], [0, '']);
}

/** fdgraft-exec and the program in place of CRIU, with these steps. */
async function play(own: Made, give: string[], steps: string[], host: Helper = 'host', variant: Variant = 'plain') {
  const plugin = join(build(variant), 'fdgraft.so');
  const command = [helper(host, variant), plugin, own.directory, '2', ...steps];
  const result = await exec(['--plan', own.plan, '--', ...command], { give, variant });
  const lines = result.stdout.trimEnd().split('\n');
  return {
    result,
    said: lines.filter((line) => /^(late|\d+ |cannot)/.test(line)),
    errors: lines.filter((line) => line.startsWith('log 1 Error (fdgraft): ')).map((line) => line.slice(23)),
    open: lines.filter((line) => line.startsWith('open ')),
    init: lines.find((line) => line.startsWith('init ')),
  };
}

const LATE = 'late ENOTSUP, the task lives';

for (const variant of ['plain', 'sanitized'] as const)
  for (const host of ['host', 'host-options'] as const) {
    test(`${variant}, ${host}: delivered once, at the first call, and before what comes later`, async (t) => {
      const own = made(t, { placeholders: [reader()] });
      const out = join(own.directory, 'out');
      const steps = ['7', 'count=9', 'late', 'count=9', 'put=9:, and more', 'late', 'late', `drain=7:${out}`];
      const { result, said, open } = await play(own, ['5=pipe:9', '7=dup:5'], steps, host, variant);
      t.is(result.code, 0, `${result.stderr}${result.stdout}`);
      t.deepEqual(said, ['9 has 0 of 65536, flags 1', LATE, '9 has 21 of 65536, flags 1', LATE, LATE]);
      t.is(readFileSync(out, 'utf8'), `${TEXT}, and more`);
      t.deepEqual(open, ['open after-init 5 6 7 9', 'open before-exit 7 9']);
    });
    test(`${variant}, ${host}: a restore that fails delivers nothing`, async (t) => {
      const own = made(t, { placeholders: [reader()] });
      const { result, said, errors } = await play(own, ['5=pipe:9'], ['7', 'fail', 'count=9'], host, variant);
      t.is(result.code, 0);
      t.deepEqual(said, ['9 has 0 of 65536, flags 1']);
      t.deepEqual(errors, []);
    });
    test(`${variant}, ${host}: what was written too early is not overtaken`, async (t) => {
      const own = made(t, { placeholders: [reader()] });
      const steps = ['put=9:early', 'late', 'late', 'count=9', 'fail'];
      const { said, errors } = await play(own, ['5=pipe:9'], steps, host, variant);
      // A CRIU before 4.3 does not mind the answer.
      const answer = `late failed, the task ${host === 'host' ? 'was killed' : 'lives'}`;
      t.deepEqual(said, [answer, answer, '9 has 5 of 65536, flags 1']);
      t.is(errors.length, 1);
      t.regex(errors[0] ?? '', /^caller fd 5: something wrote 5 bytes into its pipe during the restore/);
    });
  }

test('a pipe that was made smaller after init gets nothing', async (t) => {
  const content = Buffer.alloc(10 + (1 << 17), 'x');
  const own = made(t, { placeholders: [reader({ inFlight: [{ ...here, bytes: 1 << 17 }] })] }, content);
  const words = ['7', 'size=9:4096', 'late', 'count=9', 'fail'];
  const { said, errors } = await play(own, ['5=pipe:9'], words);
  t.deepEqual(said, ['late failed, the task was killed', '9 has 0 of 4096, flags 1']);
  t.regex(errors.join(), /made its pipe smaller during the restore: it holds 4096 bytes, 131072 unread/);
});

test('a CRIU that never asks for them: the log says so', async (t) => {
  const own = made(t, { placeholders: [reader()] });
  const { said, errors } = await play(own, ['5=pipe:9'], ['7', 'count=9']);
  t.deepEqual(said, ['9 has 0 of 65536, flags 1']);
  t.is(errors.length, 1);
  t.regex(errors[0] ?? '', /^caller fd 5: 21 unread bytes of the checkpoint were not delivered: .*another plugin/);
});

test('a plan without such bytes lets other plugins have their turn', async (t) => {
  const own = made(t, { placeholders: [reader({ inFlight: [{ ...here, fate: 'drop' }] })] });
  const { said, errors } = await play(own, ['5=pipe:9'], ['late', 'count=9']);
  t.deepEqual(said, [LATE, '9 has 0 of 65536, flags 1']);
  t.deepEqual(errors, []);
});

test('the read end alone, with no writer left: the bytes, then the end', async (t) => {
  const own = made(t, { placeholders: [reader()] });
  const out = join(own.directory, 'out');
  const give = ['5=pipe:9', '9=closed', '7=dup:5'];
  const { said } = await play(own, give, ['late', 'count=7', `drain=7:${out}`, 'end=7']);
  t.deepEqual(said, [LATE, '7 has 21 of 65536, flags 0', '7 is at its end']);
  t.is(readFileSync(out, 'utf8'), TEXT);
});

test('a FIFO open for reading and writing, without O_NONBLOCK before and after', async (t) => {
  const own = made(t, { placeholders: [reader({ flags: O.RDWR, type: 'FIFO', key: 'a/fifo' })] });
  const fifo = join(own.directory, 'fifo');
  await run(['mkfifo', fifo]);
  const out = join(own.directory, 'out');
  const { said } = await play(own, [file(5, O.RDWR, fifo), '7=dup:5'], ['late', 'count=7', `drain=7:${out}`, 'end=7']);
  t.deepEqual(said, [LATE, '7 has 21 of 65536, flags 2', '7 waits']);
  t.is(readFileSync(out, 'utf8'), TEXT);
});

test('a reader with other status flags gets them through an open file of its own', async (t) => {
  const own = made(t, { placeholders: [reader({ flags: O.NONBLOCK })] });
  const { said } = await play(own, ['5=pipe:9', '7=dup:5'], ['late', 'count=7']);
  t.deepEqual(said, [LATE, '7 has 21 of 65536, flags 0']);
});

/** Lengths around what a page, a chunk and a pipe hold. */
for (const lengths of [
  [1],
  [4095],
  [4097],
  [65_535],
  [65_536],
  [65_537],
  [1 << 20],
  [1, 4096, 1, 65_536, 3],
  [30_000, 30_001, 5535],
])
  test(`records of ${lengths.join(', ')} bytes come whole and in order`, async (t) => {
    // No period that a page or a chunk could hide.
    const parts = lengths.map((length, part) =>
      Buffer.from(Array.from({ length }, (_, index) => (index * 31 + (index >> 8) * 7 + (index >> 16) + part) & 0xff)),
    );
    const inFlight = lengths.map((bytes, index) => ({
      fate: 'replay' as const,
      bytes,
      // From the last to the first in the image.
      offset: parts.slice(index + 1).reduce((sum, part) => sum + part.length + 5, 3),
    }));
    const content = Buffer.concat([
      Buffer.alloc(3),
      ...[...parts].reverse().flatMap((part) => [part, Buffer.alloc(5)]),
    ]);
    const own = made(t, { placeholders: [reader({ inFlight })] }, content);
    const out = join(own.directory, 'out');
    const { result } = await play(
      own,
      ['5=pipe:9', '7=dup:5'],
      ['late', `drain=7:${out}`, 'put=9:!', `drain=7:${out}`],
      'host',
    );
    t.is(result.code, 0, result.stdout);
    const whole = Buffer.concat([...parts, Buffer.from('!')]);
    t.true(readFileSync(out).equals(whole));
  });

test('two read ends of one pipe on one pipe of the caller: once, whichever has the record', async (t) => {
  const two = [reader(), reader({ fileId: 8, callerFd: 6 })];
  const alone = [reader({ inFlight: [] }), reader({ fileId: 8, callerFd: 6 })];
  const give = ['5=pipe:9', '6=dup:5', '7=dup:5'];
  for (const placeholders of [two, alone]) {
    const own = made(t, { placeholders });
    const { said } = await play(own, give, ['late', 'late', 'count=7']);
    t.deepEqual(said, [LATE, LATE, '7 has 21 of 65536, flags 0']);
  }
});

test('records of two ends come in the order of the plan', async (t) => {
  const later = reader({ fileId: 8, callerFd: 6, inFlight: [{ ...here, bytes: 10 }] });
  const own = made(t, { placeholders: [reader({ inFlight: [{ ...here, offset: 20, bytes: 11 }] }), later] });
  const out = join(own.directory, 'out');
  await play(own, ['5=pipe:9', '6=dup:5', '7=dup:5'], ['late', `drain=7:${out}`]);
  t.is(readFileSync(out, 'utf8'), ' bytes heretwenty-one');
});

test('two dumped pipes and two of the caller', async (t) => {
  const other = { key: 'pipe:[78]', pipeId: 78, inFlight: [{ ...here, offset: 0, bytes: 6 }] };
  const own = made(t, { placeholders: [reader(), reader({ ...other, fileId: 8, callerFd: 6 })] });
  const { said } = await play(own, ['5=pipe:9', '6=pipe:10'], ['late', 'count=9', 'count=10']);
  t.deepEqual(said, [LATE, '9 has 21 of 65536, flags 1', '10 has 6 of 65536, flags 1']);
});

test('two dumped pipes and one of the caller', async (t) => {
  const other = { key: 'pipe:[78]', pipeId: 78, inFlight: [{ ...here, offset: 0, bytes: 6 }] };
  for (const [callerFd, give] of [
    [6, ['5=pipe:9', '6=dup:5']],
    [5, ['5=pipe:9']],
  ] as const) {
    const own = made(t, {
      specs: [
        { text: 'fd[5]:pipe:[77]', callerFd: 5 },
        { text: `fd[${callerFd}]:pipe:[78]`, callerFd },
      ],
      placeholders: [reader(), reader({ ...other, fileId: 8, callerFd, spec: 1 })],
    });
    await refused(
      t,
      own,
      [...give],
      new RegExp(
        `fd 5 \\(spec fd\\[5\\]:pipe:\\[77\\]\\) and caller fd ${callerFd} \\(spec fd\\[${callerFd}\\]:pipe:\\[78\\]\\) are one pipe, .*pipe:\\[77\\] and of pipe:\\[78\\] would mix`,
      ),
    );
  }
});

test('one dumped pipe and two of the caller, each told to get the bytes', async (t) => {
  const own = made(t, { placeholders: [reader(), reader({ fileId: 8, callerFd: 6 })] });
  await refused(
    t,
    own,
    ['5=pipe:9', '6=pipe:10'],
    /byte 10: the plan has the same unread bytes of pipe:\[77\] for caller fd \d \(spec fd\[\d\].*\) and for caller fd \d .*only once/,
  );
});

test('records that overlap', async (t) => {
  const own = made(t, { placeholders: [reader({ inFlight: [here, { ...here, offset: 30, bytes: 1 }] })] });
  await refused(t, own, ['5=pipe:9'], /image pipes-data\.img, byte 30: unread bytes of two records overlap/);
});

for (const [kind, give, name] of [
  ['a regular file', [file(5, O.RDONLY, '/etc/passwd')], 'a file'],
  ['a device', [file(5, O.RDONLY, '/dev/zero')], 'a character device or terminal'],
  ['a terminal', ['5=ptmx'], 'the master side of a terminal'],
  ['a socket', ['5=socket'], 'a socket'],
] as const)
  test(`${kind} gets no bytes`, async (t) => {
    const own = made(t, { placeholders: [reader()] });
    const expected = new RegExp(
      `^caller fd 5 is ${name}.* \\(spec fd\\[5\\]:file-5\\): .*unread in pipe:\\[77\\] .*--drop-in-flight`,
    );
    await refused(t, own, [...give], expected);
  });

test('what could carry no bytes at all is told once', async (t) => {
  const own = made(t, { placeholders: [reader()] });
  await refused(t, own, ['5=eventfd'], /^caller fd 5 is an anonymous inode, .* file id 7 needs a file, pipe/);
});

test('a pipe that holds bytes', async (t) => {
  const own = made(t, { placeholders: [reader()] });
  await refused(
    t,
    own,
    ['5=pipe:9', '9=put:abc'],
    /^caller fd 5 \(spec fd\[5\]:file-5\): its pipe already holds 3 bytes, and the 21 unread bytes of pipe:\[77\]/,
  );
});

test('a write end, where the entry reads', async (t) => {
  await refused(
    t,
    made(t, { placeholders: [reader()] }),
    ['9=pipe:5'],
    /open for only writing, file id 7 needs reading/,
  );
});

test('a debug text into the same pipe', async (t) => {
  const debugs = [{ text: 'debug[9]:now', callerFd: 9, output: Buffer.from('now') }];
  await refused(
    t,
    made(t, { placeholders: [reader()], debugs }),
    ['5=pipe:9'],
    /^caller fd 5 \(spec .*\): debug\[9\]:now would be written into its pipe before the 21 unread bytes/,
  );
  await fits(t, made(t, { placeholders: [reader()], debugs }), ['5=pipe:8', '4=pipe:9']);
});

test('images that do not hold the bytes', async (t) => {
  const give = ['5=pipe:9'];
  const plan: Plan = { placeholders: [reader()] };
  const own = made(t, plan);
  const image = join(own.directory, 'pipes-data.img');
  truncateSync(image, 30);
  // A link to what was written after the plan is refused for that.
  utimesSync(image, 0, 0);
  await refused(t, own, give, /image pipes-data\.img of .*: unread bytes 10 to 31, and it has 30/);
  linkSync(image, join(own.directory, 'other'));
  rmSync(image);
  await refused(t, own, give, /image pipes-data\.img of .*: No such file/);
  symlinkSync('other', image);
  await refused(t, own, give, /it is a symbolic link, .*not with --link symlink/);
  rmSync(image);
  await run(['mkfifo', image]);
  await refused(t, own, give, /not a regular file/);
  const far = made(t, { placeholders: [reader({ inFlight: [{ ...here, offset: 2 ** 50, bytes: 2 ** 40 }] })] });
  await refused(
    t,
    far,
    give,
    /and it has 31/,
    /for the 1099511627776 unread bytes .* must hold 1099511627776: Invalid/,
  );
});

test('an image that was cut short after the check', async (t) => {
  const own = made(t, { placeholders: [reader()] });
  const other = made(t, { placeholders: [reader()] }, 'short');
  const { init, errors, result } = await play({ ...own, directory: other.directory }, ['5=pipe:9'], ['late']);
  t.is(result.code, 1);
  t.is(init, 'init -1');
  t.regex(errors.join(), /unread bytes 10 to 31, and it has 5/);
});

test('bytes that come into the pipe between the check and CRIU', async (t) => {
  const own = made(t, { placeholders: [reader()] });
  const host = [helper('host'), join(build(), 'fdgraft.so'), own.directory, '2'];
  const between = ['sh', '-c', 'printf early >&9; exec "$@"', 'sh', ...host];
  const result = await exec(['--plan', own.plan, '--', ...between], { give: ['5=pipe:9'] });
  t.regex(result.stdout, /its pipe already holds 5 bytes/);
  t.regex(result.stdout, /^init -1$/m);
});

/** As root, but without the right to make pipes as large as one likes. */
const limited = ['setpriv', '--bounding-set', '-sys_resource', '--inh-caps', '-sys_resource'];

test('room: what the pipe has, what it is grown to, and what it cannot grow to', async (t) => {
  const most = Number(readFileSync('/proc/sys/fs/pipe-max-size', 'utf8'));
  const words = async (inFlight: InFlight[], bytes: number, command: string[], give: string[] = []) => {
    const own = made(t, { placeholders: [reader({ inFlight })] }, Buffer.alloc(bytes));
    const argv = [join(build(), 'fdgraft-exec'), '--plan', own.plan, ...command];
    const host = [helper('host'), join(build(), 'fdgraft.so'), own.directory, '2', 'count=9'];
    const full = command.includes('--check') ? argv : [...argv, '--', ...host];
    return run([...limited, ...full], { give: ['5=pipe:9', ...give] });
  };
  const record = (bytes: number, pipeSize?: number) => [
    { offset: 0, bytes, fate: 'replay' as const, ...(pipeSize === undefined ? {} : { pipeSize }) },
  ];
  t.regex((await words(record(21), 21, [])).stdout, /^9 has 0 of 65536/m);
  t.regex((await words(record(21), 21, [], ['9=size:4096'])).stdout, /^9 has 0 of 4096/m);
  t.regex((await words(record(5000), 5000, [], ['9=size:4096'])).stdout, /^9 has 0 of 8192/m);
  t.regex((await words(record(21, 131_072), 21, [])).stdout, /^9 has 0 of 131072/m);
  t.regex((await words(record(most), most, [])).stdout, new RegExp(`^9 has 0 of ${most}`, 'm'));
  for (const command of [['--check'], []]) {
    const over = await words(record(most + 1), most + 1, command);
    t.is(over.code, 100, over.stderr);
    const expected = `its pipe holds 65536 bytes, and for the ${most + 1} unread bytes of pipe:\\[77\\] it must hold ${most + 1}: .*raise /proc/sys/fs/pipe-max-size to ${most + 1}`;
    t.regex(over.stderr, new RegExp(expected));
    // One that the caller made large enough needs no right.
    const enough = await words(record(21, most), 21, command, [`9=size:${most}`]);
    t.deepEqual([enough.code, enough.stderr], [0, '']);
    // More room than the bytes need is none that has to be.
    const wider = await words(record(21, most + 1), 21, command);
    t.is(wider.code, 0, wider.stderr);
    t.regex(wider.stderr, /^fdgraft-exec: warning: .*its pipe holds 65536 bytes, the one of file id 7 held/);
  }
});

test('--check leaves the pipe as it is', async (t) => {
  const own = made(t, { placeholders: [reader({ inFlight: [{ ...here, pipeSize: 1 << 18 }] })] });
  const check = [join(build(), 'fdgraft-exec'), '--plan', own.plan, '--check'];
  const host = [helper('host'), join(build(), 'fdgraft.so'), scratch(t), '2', 'count=5'];
  const result = await run(['sh', '-c', '"$@" && exec $0', host.join(' '), ...check], { give: ['5=pipe:9'] });
  t.regex(result.stdout, /^5 has 0 of 65536, flags 0$/m);
});

test('a pipe of another user', async (t) => {
  const own = made(t, { placeholders: [reader()] });
  chmodSync(own.directory, 0o755);
  const words = ['setpriv', '--reuid', '65534', '--clear-groups', join(build(), 'fdgraft-exec')];
  const result = await run([...words, '--plan', own.plan, '--check'], { give: ['5=pipe:9'] });
  t.is(result.code, 100);
  t.regex(result.stderr, /the unread bytes of pipe:\[77\] cannot be written into its pipe: Permission denied/);
});

/** --task: what COMMAND finds in the pipe. */
function task(placeholders: Placeholder[]): Plan {
  return {
    placeholders: placeholders.map((one) => ({ descriptors: [{ fd: 0, pids: [3] }], ...one })),
  };
}

for (const variant of ['plain', 'sanitized'] as const)
  test(`${variant}: --task writes the bytes before COMMAND runs`, async (t) => {
    const bytes = 1 << 20;
    const content = Buffer.alloc(bytes + 10, 'abcdefg');
    const own = made(t, task([reader({ inFlight: [{ ...here, bytes }] })]), content);
    const give = ['5=pipe:9', '9=closed'];
    const words = ['--plan', own.plan, '--task', '3'];
    const result = await exec([...words, '--', 'sh', '-c', 'cat; ls /proc/self/fd | tr "\\n" " "'], { give, variant });
    t.is(result.code, 0, result.stderr);
    t.is(result.stdout, `${content.subarray(10)}0 1 2 3 `);
    t.is((await exec([...words, '--check'], { give, variant })).code, 0);
  });

test('--task: a pipe at the numbers that the bytes pass through', async (t) => {
  const descriptors = [0, 3, 4, 5, 6, 7, 8].map((fd) => ({ fd, pids: [3] }));
  const own = made(t, { placeholders: [reader({ descriptors })] });
  const result = await exec(['--plan', own.plan, '--task', '3', '--', 'cat'], { give: ['5=pipe:9', '9=closed'] });
  t.deepEqual([result.code, result.stdout], [0, TEXT]);
});

test('--task: bytes of pipes that the task does not read are none of its business', async (t) => {
  const writes = reader({ fileId: 8, callerFd: 6, flags: O.WRONLY, inFlight: [] });
  const others = reader({ callerFd: 5, descriptors: [{ fd: 0, pids: [4] }] });
  const own = made(t, task([others, writes]));
  rmSync(join(own.directory, 'pipes-data.img'));
  const count = [helper('host'), join(build(), 'fdgraft.so'), scratch(t), '2', 'count=9'];
  const words = ['--plan', own.plan, '--task', '3', '--', ...count];
  const result = await exec(words, { give: ['5=pipe:6', '9=dup:5'] });
  t.regex(result.stdout, /^9 has 0 of/m, result.stderr);
  t.is((await exec(['--plan', own.plan, '--task', '4', '--check'], { give: ['5=pipe:6'] })).code, 100);
});

test('--task: bytes for another end of the pipe that the task reads', async (t) => {
  const first = reader({ descriptors: [{ fd: 0, pids: [4] }] });
  const own = made(t, task([first, reader({ fileId: 8, callerFd: 6, inFlight: [] })]));
  const give = ['5=pipe:9', '6=dup:5', '9=closed'];
  const result = await exec(['--plan', own.plan, '--task', '3', '--', 'cat'], { give });
  t.deepEqual([result.code, result.stdout], [0, TEXT]);
});

test('--task: where COMMAND cannot be run the pipe is empty again', async (t) => {
  const own = made(t, task([reader()]));
  const program = join(build(), 'fdgraft-exec');
  const count = [helper('host'), join(build(), 'fdgraft.so'), scratch(t), '2', 'count=5'].join(' ');
  const words = [program, '--plan', own.plan, '--task', '3', '--', '/nonexistent/command'];
  const result = await run(['sh', '-c', `"$@"; echo exit $?; exec ${count}`, 'sh', ...words], { give: ['5=pipe:9'] });
  t.regex(result.stdout, /^exit 127$/m);
  t.regex(result.stdout, /^5 has 0 of/m);
});

test('--task: bytes that were delivered are taken back if those of another pipe cannot be', async (t) => {
  const second = reader({
    fileId: 8,
    callerFd: 6,
    key: 'pipe:[78]',
    pipeId: 78,
    inFlight: [{ ...here, offset: 0, bytes: 9 }],
  });
  const own = made(t, task([reader(), { ...second, descriptors: [{ fd: 4, pids: [3] }] }]));
  const program = join(build(), 'fdgraft-exec');
  const count = [helper('host'), join(build(), 'fdgraft.so'), scratch(t), '2', 'count=8', 'count=9'].join(' ');
  const words = [program, '--plan', own.plan, '--task', '3', '--', 'true'];
  const result = await run(
    ['sh', '-c', `LD_PRELOAD=${helper('splice')} "$@"; echo exit $?; exec ${count}`, 'sh', ...words],
    {
      give: ['5=pipe:8', '6=pipe:9'],
    },
  );
  t.regex(result.stdout, /^exit 111$/m);
  t.regex(result.stdout, /^8 has 0 of/m);
  t.regex(result.stdout, /^9 has 0 of/m);
  t.is(complaints(t, result.stderr).length, 1, result.stderr);
});

test('ten thousand placeholders on one caller fd take one stored descriptor', async (t) => {
  const placeholders = Array.from({ length: 10_000 }, (_, fileId) =>
    reader({ fileId, apply: 'dup', inFlight: fileId === 4711 ? [here] : [] }),
  );
  const own = made(t, { specs: [{ text: 'fd[5]:pipe:[77]', callerFd: 5 }], placeholders });
  const { result, said } = await play(own, ['5=pipe:9', '300=limit'], ['0', '9999', '10000', 'late', 'count=9']);
  t.is(result.code, 0, result.stderr);
  t.is(result.stdout.match(/^stored /gm)?.length, 1);
  t.is(result.stdout.match(/^hook \d+ .* fd pipe:/gm)?.length, 2);
  t.deepEqual(said, [LATE, '9 has 21 of 65536, flags 1']);
});

test('a thousand descriptors of fifty tasks on one pipe', async (t) => {
  const pids = Array.from({ length: 50 }, (_, pid) => pid + 1);
  const descriptors = pids.flatMap((pid) => Array.from({ length: 20 }, (_, fd) => ({ fd: fd + 20, pids: [pid] })));
  const own = made(t, { placeholders: [reader({ descriptors })] });
  const played = await play(own, ['5=pipe:9'], ['7', ...pids.map(() => 'late'), 'count=9']);
  t.deepEqual(played.said, [...pids.map(() => LATE), '9 has 21 of 65536, flags 1']);
  const result = await exec(['--plan', own.plan, '--task', '50', '--', 'bash', '-c', 'cat <&39'], {
    give: ['5=pipe:9', '9=closed'],
  });
  t.deepEqual([result.code, result.stdout], [0, TEXT]);
});

test('many pipes, each with bytes of its own', async (t) => {
  const fds = Array.from({ length: 60 }, (_, index) => 10 + index);
  const placeholders = fds.map((callerFd) =>
    reader({
      fileId: callerFd,
      callerFd,
      key: `pipe:[${callerFd}]`,
      pipeId: callerFd,
      inFlight: [{ ...here, offset: callerFd, bytes: 1 }],
    }),
  );
  const own = made(t, { placeholders }, Buffer.alloc(100));
  const give = [...fds.map((fd) => `${fd}=pipe:${fd + 100}`), '512=limit'];
  const { said } = await play(own, give, ['late', ...fds.map((fd) => `count=${fd + 100}`)]);
  t.deepEqual(said, [LATE, ...fds.map((fd) => `${fd + 100} has 1 of 65536, flags 1`)]);
});

test('a long key of many records is kept once', async (t) => {
  const records = Array.from({ length: 4000 }, (_, offset) => ({ ...here, offset, bytes: 1 }));
  const key = `pipe:[${'7'.repeat(1 << 20)}]`;
  const { plan } = made(t, { placeholders: [reader({ key, inFlight: records })] }, Buffer.alloc(4000));
  const words = ['prlimit', `--as=${1 << 29}`, join(build(), 'fdgraft-exec'), '--plan', plan, '--check'];
  const result = await run(words, { give: ['5=pipe:9'] });
  t.deepEqual([result.code, result.stderr], [0, '']);
});
