import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { build, exec, run } from '../support/native';
import type { Placeholder, Plan } from '../support/planfile';
import { complaints, file, O, planned, scratch } from './support';

/** What of the caller's descriptors fits a plan and what does not, all said at once. */

const NULL = '/dev/null';

function one(change: Partial<Placeholder> = {}): Plan {
  return { placeholders: [{ fileId: 0x2a, callerFd: 5, ...change }] };
}

async function refused(t: ExecutionContext, plan: Plan, give: string[], ...expected: RegExp[]) {
  const result = await exec(['--plan', planned(t, plan).plan, '--check'], { give });
  t.is(result.code, 100, result.stderr);
  const lines = complaints(t, result.stderr);
  t.is(lines.length, expected.length, result.stderr);
  for (const [index, pattern] of expected.entries()) t.regex(lines[index] ?? '', pattern);
}

async function fits(t: ExecutionContext, plan: Plan, give: string[]) {
  const result = await exec(['--plan', planned(t, plan).plan, '--check'], { give });
  t.deepEqual([result.code, result.stderr], [0, '']);
}

test('closed', async (t) => {
  const closed = /^caller fd 5 is not open \(spec fd\[5\]:file-5\)/;
  await refused(t, one(), [], closed);
  await refused(t, { placeholders: [1, 2].map((fileId) => ({ fileId, callerFd: 5 })) }, [], closed);
});

test("closed, where fdgraft-exec's own files would get that number", async (t) => {
  await refused(
    t,
    { placeholders: [3, 4, 5].map((callerFd) => ({ fileId: callerFd, callerFd })) },
    [],
    /fd 3/,
    /fd 4/,
    /fd 5/,
  );
});

test('closed by sudo', async (t) => {
  const { plan } = planned(t, {
    placeholders: [one(), one({ fileId: 43, callerFd: 1 })].flatMap((plan) => plan.placeholders ?? []),
  });
  const said = async (env: Record<string, string>) => {
    const { code, stderr } = await run(
      ['bash', '-c', `"${join(build(), 'fdgraft-exec')}" --plan ${plan} --check >&-`],
      { env },
    );
    t.is(code, 100);
    return complaints(t, stderr);
  };
  const standard = 'caller fd 1 is not open (spec fd[1]:file-1); open it first, as in `fdgraft-exec … 1<FILE`';
  t.deepEqual(await said({}), [
    'caller fd 5 is not open (spec fd[5]:file-5); open it first, as in `fdgraft-exec … 5<FILE`',
    standard,
  ]);
  t.deepEqual(await said({ SUDO_COMMAND: 'fdgraft-exec' }), [
    "caller fd 5 is not open (spec fd[5]:file-5): sudo closes all fds above 2; open it behind sudo, as in `sudo sh -c 'fdgraft-exec … 5<FILE'`",
    standard,
  ]);
});

test('O_PATH', async (t) => {
  for (const path of ['/tmp', NULL])
    await refused(t, one(), [file(5, O.PATH, path)], /^caller fd 5 was opened with O_PATH \(spec fd\[5\]:file-5\)/);
});

test('a directory', async (t) => {
  await refused(t, one(), [file(5, O.RDONLY, '/tmp')], /^caller fd 5 is a directory .*allowed are files, pipes/);
});

for (const apply of ['auto', 'dup', 'reopen'] as const) {
  test(`apply ${apply}: too little access`, async (t) => {
    const readOnly = [file(5, O.RDONLY, NULL)];
    await refused(t, one({ flags: O.WRONLY, apply }), readOnly, /open for only reading, file id 42 needs writing/);
    const writeOnly = [file(5, O.WRONLY, NULL)];
    await refused(t, one({ flags: O.RDONLY, apply }), writeOnly, /open for only writing, file id 42 needs reading/);
    await refused(t, one({ flags: O.RDWR, apply }), writeOnly, /needs reading and writing/);
  });
  test(`apply ${apply}: more access than needed is no problem`, async (t) => {
    await fits(t, one({ flags: O.WRONLY, apply }), [file(5, O.RDWR, '/dev/null')]);
  });
}

test('nothing is said of the offset in a file that does not fit', async (t) => {
  const path = join(scratch(t), 'file');
  writeFileSync(path, '');
  await refused(t, one({ offset: 4 }), [file(5, O.WRONLY, path)], /open for only writing/);
});

test('nothing is said of the offset in what has none', async (t) => {
  await fits(t, one({ offset: 4 }), ['5=pipe:9']);
  await fits(t, one({ offset: 4 }), [file(5, O.RDONLY, NULL)]);
});

test('a reopened file is not opened for more than the caller had', async (t) => {
  const plan = one({ flags: O.RDWR, apply: 'reopen', needsWrite: false });
  await refused(t, plan, [file(5, O.RDONLY, '/dev/zero')], /needs reading and writing/);
});

test('what cannot seek where the position is saved or the end', async (t) => {
  for (const position of ['saved', 'end'] as const)
    await refused(t, one({ position, offset: 3 }), ['5=pipe:9'], new RegExp(`cannot seek .* position ${position}`));
  await refused(t, one({ position: 'end', flags: O.RDWR }), ['5=socket'], /cannot seek/);
});

test('a position with apply dup', async (t) => {
  await refused(t, one({ position: 'end', apply: 'dup' }), [file(5, 0, NULL)], /position end and apply dup/);
});

for (const [kind, name] of [
  ['socket', /is a socket/],
  ['ptmx', /is the master side of a terminal/],
] as const) {
  test(`apply reopen on ${kind}`, async (t) => {
    await refused(t, one({ flags: O.RDWR, apply: 'reopen' }), [`5=${kind}`], name);
  });
  test(`a dup of ${kind}`, async (t) => {
    await fits(t, one({ flags: O.RDWR }), [`5=${kind}`]);
    await fits(t, one({ flags: O.RDWR | O.NONBLOCK, apply: 'dup' }), [`5=${kind}`]);
  });
  if (kind === 'socket') continue;
  test(`${kind} with other status flags`, async (t) => {
    const plan = one({ flags: O.RDWR | O.NONBLOCK | O.APPEND });
    await refused(
      t,
      plan,
      [`5=${kind}`],
      /with status flags none, file id 42 had O_APPEND\|O_NONBLOCK .*cannot be opened a second time/,
    );
  });
  test(`${kind} shared by two entries`, async (t) => {
    const two: Plan = { placeholders: [1, 2].map((fileId) => ({ fileId, callerFd: 5, flags: O.RDWR })) };
    await refused(t, two, [`5=${kind}`], /2 entries would share it, file id 1 among them/, /file id 2 among them/);
    const dups: Plan = { placeholders: [1, 2].map((fileId) => ({ fileId, callerFd: 5, flags: O.RDWR, apply: 'dup' })) };
    await fits(t, dups, [`5=${kind}`]);
  });
}

test('a socket is a dup whatever its flags and however many share it', async (t) => {
  await fits(t, { placeholders: [1, 2].map((fileId) => ({ fileId, callerFd: 5, flags: O.RDWR | O.APPEND })) }, [
    '5=socket',
  ]);
});

test('a memfd, a pipe, a FIFO and a regular file can all be opened again', async (t) => {
  const plan = one({ flags: O.RDWR | O.APPEND, apply: 'reopen' });
  const { directory } = planned(t, {});
  const fifo = join(directory, 'fifo');
  await run(['mkfifo', fifo]);
  await fits(t, plan, ['5=memfd']);
  await fits(t, plan, [file(5, O.RDWR, fifo)]);
  await fits(t, plan, [file(5, O.RDWR | O.CREAT, join(directory, 'file'))]);
  await fits(t, one({ flags: O.RDONLY | O.NONBLOCK }), ['5=pipe:9']);
  await fits(t, one({ flags: O.WRONLY | O.NONBLOCK }), ['9=pipe:5']);
});

test('O_LARGEFILE does not count', async (t) => {
  const plan = one({ flags: O.RDWR | O.LARGEFILE });
  await fits(t, plan, ['5=ptmx']);
});

test('O_SYNC and O_DSYNC are told apart', async (t) => {
  const plan = one({ flags: O.RDWR | O.DSYNC });
  await refused(t, plan, ['5=ptmx'], /had O_DSYNC/);
  await refused(t, one({ flags: O.RDWR | O.SYNC }), ['5=ptmx'], /had O_SYNC \(spec/);
});

test('what the kernel refuses to open again is found before the start', async (t) => {
  const { directory } = planned(t, {});
  const fifo = join(directory, 'fifo');
  await run(['mkfifo', fifo]);
  // A reader holds the write end open for a moment, so that this end can be opened for writing at all.
  const give = [file(6, O.RDWR, fifo), file(5, O.WRONLY, fifo), '6=closed'];
  const lone = [
    /cannot be opened again .*O_NONBLOCK .*other end/,
    /^warning: caller fd 5 is a FIFO whose other end is closed/,
  ];
  await refused(t, one({ flags: O.WRONLY | O.NONBLOCK }), give, ...lone);
});

test('a refusal by permissions is found before the start', async (t) => {
  const { directory, plan } = planned(t, one({ flags: O.RDWR | O.APPEND }));
  const own = join(directory, 'file');
  writeFileSync(own, 'x', { mode: 0o600 });
  chmodSync(directory, 0o755);
  const words = [
    'setpriv',
    '--reuid',
    '65534',
    '--clear-groups',
    ...(await import('../support/native').then(({ build }) => [`${build()}/fdgraft-exec`])),
  ];
  const result = await run([...words, '--plan', plan, '--task', '1', '--', 'true'], { give: [file(5, O.RDWR, own)] });
  t.is(result.code, 100, result.stderr);
  t.regex(result.stderr, /cannot be opened again .*O_APPEND .*Permission denied/);
});

test('everything that is wrong at once, each with its spec', async (t) => {
  const plan: Plan = {
    specs: [
      { text: 'fd[5]:pipe:[1]', callerFd: 5 },
      { text: 'fd[6]:var/log/a', callerFd: 6 },
      { text: 'fd[7]:var/log/b', callerFd: 7 },
      { text: 'fd[8]:pipe:[2]', callerFd: 8 },
      { text: 'fd[9]:pipe:[3]', callerFd: 9 },
      { text: 'fd[11]:taken', callerFd: 11 },
      { text: 'fd[12]:unmatched', callerFd: 12, matches: 0 },
    ],
    debugs: [
      { text: 'debug[13]:a', callerFd: 13, output: Buffer.from('a') },
      { text: 'debug[14]:b', callerFd: 14, output: Buffer.from('b') },
    ],
    placeholders: [
      { fileId: 1, callerFd: 5 },
      { fileId: 2, callerFd: 6, flags: O.WRONLY },
      { fileId: 3, callerFd: 7, position: 'end' },
      { fileId: 4, callerFd: 8, flags: O.RDWR, apply: 'reopen' },
      { fileId: 5, callerFd: 9 },
    ],
  };
  const give = [file(6, O.RDONLY, NULL), '7=pipe:20', '8=eventfd', file(9, O.RDONLY, '/'), file(13, O.RDONLY, NULL)];
  await refused(
    t,
    plan,
    give,
    /fd 11 is not open \(spec fd\[11\]:taken\)/,
    /fd 13 is open for only reading, and debug\[13\]:a writes to it/,
    /fd 14 is not open, and debug\[14\]:b writes/,
    /fd 5 is not open \(spec fd\[5\]:pipe:\[1\]\)/,
    /fd 6 .*\(spec fd\[6\]:var\/log\/a\)/,
    /fd 7 cannot seek \(spec fd\[7\]:var\/log\/b/,
    /fd 8 is an anonymous inode.*\(spec fd\[8\]:pipe:\[2\]\)/,
    /fd 9 is a directory \(spec fd\[9\]:pipe:\[3\]\)/,
  );
});

test('more problems than anyone reads are counted', async (t) => {
  const plan: Plan = {
    specs: [{ text: 'fd[5]:x', callerFd: 5 }],
    placeholders: Array.from({ length: 250 }, (_, fileId) => ({
      fileId,
      callerFd: 5,
      flags: O.WRONLY,
      apply: 'dup' as const,
    })),
  };
  const result = await exec(['--plan', planned(t, plan).plan, '--check'], { give: [file(5, O.RDONLY, NULL)] });
  t.is(result.code, 100);
  const lines = complaints(t, result.stderr);
  t.is(lines.length, 101);
  t.is(lines[100], '150 more problems are not shown');
});

test('spec texts cannot write to the terminal', async (t) => {
  const plan: Plan = {
    specs: [{ text: 'fd[5]:a\u001b[2J\\x41\n', callerFd: 5 }],
    placeholders: [{ fileId: 1, callerFd: 5 }],
  };
  await refused(t, plan, [], /\(spec fd\[5\]:a\\x1b\[2J\\x41\\x0a\)/);
});

test('too many reopened entries', async (t) => {
  const many = (count: number): Plan => ({
    specs: [{ text: 'fd[5]:x', callerFd: 5 }],
    placeholders: Array.from({ length: count }, (_, fileId) => ({ fileId, callerFd: 5 })),
  });
  const give = [file(5, O.RDONLY, NULL)];
  await fits(t, many(4096), give);
  await refused(t, many(4097), give, /4097 placeholders have to be opened again, at most 4096 can be; use apply dup/);
  await refused(
    t,
    many(200),
    [...give, '100=limit'],
    /200 reopened files and 1 caller fds .*hard limit of 100 .*use apply dup/,
  );
  await refused(t, many(90), [...give, '100=limit'], /90 reopened files .*hard limit of 100/);
  const dups: Plan = {
    ...many(0),
    placeholders: Array.from({ length: 5000 }, (_, fileId) => ({ fileId, callerFd: 5, apply: 'dup' as const })),
  };
  await fits(t, dups, give);
});

test('bytes in flight that may be lost, and records of none', async (t) => {
  const give = [file(5, O.RDONLY, NULL)];
  await fits(t, one({ inFlight: [{ bytes: 21, fate: 'drop' }] }), give);
  await fits(t, one({ inFlight: [{ bytes: 0, fate: 'replay' }] }), give);
});

test('trying leaves the caller untouched', async (t) => {
  const { directory } = planned(t, {});
  mkdirSync(join(directory, 'sub'));
  const own = join(directory, 'file');
  writeFileSync(own, 'content');
  await fits(t, one({ flags: O.RDWR | O.CREAT | O.TRUNC | O.APPEND }), [file(5, O.RDWR, own)]);
  t.is(readFileSync(own, 'utf8'), 'content');
});

test('what an epoll of the checkpoint watched has to be something that an epoll takes', async (t) => {
  const watched = one({ flags: O.RDONLY, watched: true });
  const own = scratch(t);
  writeFileSync(join(own, 'file'), '');
  for (const [give, kind] of [
    [file(5, O.RDONLY, join(own, 'file')), 'a file'],
    [file(5, O.RDONLY, NULL), 'a character device or terminal'],
  ] as const) {
    await refused(t, watched, [give], new RegExp(`^caller fd 5 is ${kind} that no epoll takes .*watches file id 42`));
    await fits(t, one({ flags: O.RDONLY, watched: false }), [give]);
  }
  await fits(t, watched, ['5=pipe:9']);
  await fits(t, watched, [file(5, O.RDONLY, '/dev/random')]);
});

test('a watch is no matter where no epoll is restored, and said once for each placeholder', async (t) => {
  const two = {
    placeholders: [1, 2].map((fileId) => ({
      fileId,
      callerFd: 5,
      apply: 'dup' as const,
      watched: true,
      descriptors: [{ fd: 10 + fileId, pids: [7] }],
    })),
  };
  await refused(t, two, [file(5, O.RDONLY, NULL)], /file id 1; give a pipe/, /file id 2; give a pipe/);
  const { plan } = planned(t, two);
  const result = await exec(['--plan', plan, '--task', '7', '--', 'true'], { give: [file(5, O.RDONLY, NULL)] });
  t.deepEqual([result.code, result.stderr], [0, '']);
});

test('10,000 placeholders on one caller fd fit as dups', async (t) => {
  const placeholders = Array.from({ length: 10_000 }, (_, fileId) => ({ fileId, callerFd: 5, apply: 'dup' as const }));
  await fits(t, { placeholders }, [file(5, O.RDONLY, NULL)]);
});

test('O_ASYNC is no reason to open again, and a dup without it is a warning', async (t) => {
  const warned = async (plan: Plan, give: string[]) => {
    const result = await exec(['--plan', planned(t, plan).plan, '--check'], { give });
    t.is(result.code, 0, result.stderr);
    return complaints(t, result.stderr).join('\n');
  };
  const lost =
    /^warning: caller fd 5 has no O_ASYNC, file id 42 had it \(spec fd\[5\]:file-5\): as a dup it sends no signals on I\/O; use apply reopen$/;
  for (const apply of ['auto', 'dup'] as const) {
    t.regex(await warned(one({ flags: O.ASYNC, apply }), ['5=pipe:9']), lost);
    t.is(await warned(one({ flags: O.ASYNC, apply }), ['5=pipe:9', '5=async']), '');
  }
  t.is(await warned(one({ flags: O.ASYNC, apply: 'reopen' }), ['5=pipe:9']), '');
  t.is(await warned(one({ flags: O.ASYNC | O.NONBLOCK }), ['5=pipe:9']), '');
  t.is(await warned(one(), ['5=pipe:9', '5=async']), '');
  t.regex(
    await warned(one({ flags: O.RDWR | O.ASYNC }), ['5=socket']),
    /use apply reopen and a pipe, or set O_ASYNC on it$/,
  );
  t.regex(
    await warned(one({ flags: O.RDWR | O.ASYNC, kind: { name: 'eventfd' } }), ['5=eventfd']),
    /as a dup it sends no signals on I\/O; set O_ASYNC and the owner \(F_SETOWN\) on it after the restore$/,
  );
  t.regex(
    await warned(one({ flags: O.RDWR | O.ASYNC, apply: 'reopen' }), ['5=memfd']),
    /^warning: caller fd 5 is a file, which sends no signals on I\/O, and file id 42 had O_ASYNC .*give a pipe, FIFO or terminal$/,
  );
});
