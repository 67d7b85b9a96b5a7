import { closeSync, constants, openSync, readFileSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { build, exec, helper, type RunOptions, run, shown } from '../support/native';
import type { Placeholder, Plan } from '../support/planfile';
import { complaints, file, O, planned, scratch } from './support';

/** --task: the descriptors of one task, without CRIU. */

async function show(t: ExecutionContext, plan: Plan, pid: number, options: RunOptions) {
  return shown(await exec(['--plan', planned(t, plan).plan, '--task', String(pid), '--', helper('show')], options));
}

function content(t: ExecutionContext, text: string): string {
  const path = join(scratch(t), 'content');
  writeFileSync(path, text);
  return path;
}

test('descriptors of one placeholder share one open file', async (t) => {
  const descriptors = [
    { fd: 3, pids: [7] },
    { fd: 9, pids: [6, 7], closeOnExec: true },
    { fd: 4, pids: [8] },
  ];
  const plan: Plan = { placeholders: [{ fileId: 1, callerFd: 5, flags: O.WRONLY, descriptors }] };
  const { fds, cloexec } = await show(t, plan, 7, { give: [file(5, O.WRONLY, '/dev/null')] });
  t.deepEqual(Object.keys(fds), ['0', '1', '2', '3', '9']);
  t.is(fds[9]?.file, 3);
  t.is(fds[9]?.cloexec, false);
  t.is(cloexec, '9');
});

test('numbers that had close-on-exec are listed in order, and the list is empty where none had', async (t) => {
  const give = [file(5, O.RDONLY, '/dev/null'), file(6, O.RDONLY, '/dev/null')];
  const placeholders = [
    { fileId: 1, callerFd: 5, descriptors: [20, 3, 100].map((fd) => ({ fd, pids: [1], closeOnExec: true })) },
    {
      fileId: 2,
      callerFd: 6,
      descriptors: [
        { fd: 7, pids: [1], closeOnExec: true },
        { fd: 8, pids: [1, 2] },
      ],
    },
  ];
  t.is((await show(t, { placeholders }, 1, { give })).cloexec, '3,7,20,100');
  t.is((await show(t, { placeholders }, 2, { give, env: { FDGRAFT_CLOEXEC: '99' } })).cloexec, '');
});

test('numbers change places', async (t) => {
  const placeholders = [
    { fileId: 1, callerFd: 5, flags: O.RDWR, descriptors: [{ fd: 6, pids: [1] }] },
    { fileId: 2, callerFd: 6, flags: O.RDWR, descriptors: [{ fd: 5, pids: [1] }] },
  ];
  const { fds } = await show(t, { placeholders }, 1, {
    give: [file(5, O.RDWR, '/dev/null'), file(6, O.RDWR, '/dev/zero')],
  });
  t.is(fds[5]?.link, '/dev/zero');
  t.is(fds[6]?.link, '/dev/null');
  t.deepEqual(Object.keys(fds), ['0', '1', '2', '5', '6']);
});

test('numbers change places in a ring, stdin, stdout and stderr among them', async (t) => {
  const own = join(scratch(t), 'out');
  const placeholders = [0, 1, 2].map((callerFd) => ({
    fileId: callerFd + 1,
    callerFd,
    flags: O.RDWR,
    descriptors: [{ fd: (callerFd + 1) % 3, pids: [1] }],
  }));
  const give = [file(0, O.RDWR | O.CREAT, own), file(1, O.RDWR, '/dev/zero'), file(2, O.RDWR, '/dev/null')];
  const { plan } = planned(t, { placeholders });
  const result = await exec(['--plan', plan, '--task', '1', '--', helper('show')], { give });
  t.is(result.code, 0);
  const { fds } = JSON.parse(readFileSync(own, 'utf8'));
  t.deepEqual(
    [0, 1, 2].map((fd) => fds[fd].link),
    ['/dev/null', own, '/dev/zero'],
  );
});

test('a descriptor that stays at its number', async (t) => {
  const placeholders = [
    {
      fileId: 1,
      callerFd: 5,
      descriptors: [
        { fd: 5, pids: [1] },
        { fd: 6, pids: [1] },
      ],
    },
  ];
  const { fds } = await show(t, { placeholders }, 1, { give: [file(5, O.RDONLY, '/dev/null')] });
  t.deepEqual([fds[5]?.file, fds[6]?.file], [5, 5]);
});

test('caller fds that the task does not have are closed, those outside the plan stay', async (t) => {
  const plan: Plan = {
    specs: [
      { text: 'fd[5]:a', callerFd: 5 },
      { text: 'fd[6]:b', callerFd: 6 },
      { text: 'fd[7]:a', callerFd: 7 },
      { text: 'fd[8]:c', callerFd: 8, matches: 0 },
    ],
    placeholders: [
      { fileId: 1, callerFd: 5, descriptors: [{ fd: 3, pids: [1] }] },
      { fileId: 2, callerFd: 6, descriptors: [{ fd: 4, pids: [2] }] },
    ],
  };
  const give = [5, 6, 7, 8, 9].map((fd) => file(fd, O.RDONLY, '/dev/null'));
  const { fds } = await show(t, plan, 1, { give });
  t.deepEqual(Object.keys(fds), ['0', '1', '2', '3', '8', '9']);
});

test('a dup shares offset and flags with the caller', async (t) => {
  const path = content(t, '0123456789');
  const fd = openSync(path, constants.O_RDWR);
  readSync(fd, Buffer.alloc(4), 0, 4, null);
  const { plan } = planned(t, {
    placeholders: [{ fileId: 1, callerFd: 5, flags: O.RDWR, descriptors: [{ fd: 7, pids: [1] }] }],
  });
  const result = await exec(['--plan', plan, '--task', '1', '--', 'dd', 'bs=1', 'count=3', 'status=none'], {
    pass: { 5: fd },
  });
  t.is(result.stdout, '');
  const read = await exec(['--plan', plan, '--task', '1', '--', 'sh', '-c', 'dd bs=1 count=3 status=none <&7'], {
    pass: { 5: fd },
  });
  t.is(read.stdout, '456');
  const rest = Buffer.alloc(10);
  t.is(readSync(fd, rest, 0, 10, null), 3);
  t.is(rest.subarray(0, 3).toString(), '789');
  closeSync(fd);
});

test("other status flags: an open file of its own at the caller's offset, and the caller's stays as it was", async (t) => {
  const path = content(t, '0123456789');
  const fd = openSync(path, constants.O_RDWR);
  readSync(fd, Buffer.alloc(4), 0, 4, null);
  const before = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
  const placeholders = [
    {
      fileId: 1,
      callerFd: 5,
      flags: O.WRONLY | O.APPEND | O.DSYNC,
      descriptors: [
        { fd: 7, pids: [1] },
        { fd: 8, pids: [1] },
      ],
    },
  ];
  const { fds } = await show(t, { placeholders }, 1, { pass: { 5: fd } });
  t.like(fds[7], { link: path, flags: O.WRONLY | O.APPEND | O.DSYNC, offset: 4, file: 7 });
  t.is(fds[8]?.file, 7);
  const { plan } = planned(t, { placeholders });
  await exec(['--plan', plan, '--task', '1', '--', 'sh', '-c', 'printf ab >&7'], { pass: { 5: fd } });
  t.is(readFileSync(path, 'utf8'), '0123456789ab');
  t.is(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'), before);
  closeSync(fd);
});

test('two entries on one caller fd get two open files with offsets of their own', async (t) => {
  const path = content(t, '0123456789');
  const placeholders = [3, 4].map((fd) => ({ fileId: fd, callerFd: 5, descriptors: [{ fd, pids: [1] }] }));
  const { fds } = await show(t, { placeholders }, 1, { give: [file(5, O.RDONLY, path), '5=seek:6'] });
  t.deepEqual([fds[3]?.file, fds[4]?.file], [3, 4]);
  const { plan } = planned(t, { placeholders });
  const reading = 'dd bs=1 count=2 status=none <&3; dd bs=1 count=2 status=none <&4';
  const result = await exec(['--plan', plan, '--task', '1', '--', 'sh', '-c', reading], {
    give: [file(5, O.RDONLY, path), '5=seek:6'],
  });
  t.is(result.stdout, '6767');
});

/** What a command with writers at 3 and 4 makes of a file with `old` in it. */
async function written(t: ExecutionContext, flags: number, placeholders: Partial<Placeholder>[]) {
  const path = content(t, 'old content\n');
  const numbered = placeholders.map((placeholder, index) => ({
    fileId: 3 + index,
    callerFd: 5,
    descriptors: [{ fd: 3 + index, pids: [1] }],
    ...placeholder,
  }));
  const { plan } = planned(t, { placeholders: numbered });
  const writing = 'echo 3 >&3; echo 4 >&4; echo 3 >&3';
  const give = [file(5, flags, path)];
  const { code, stderr } = await exec(['--plan', plan, '--task', '1', '--', 'sh', '-c', writing], { give });
  t.is(code, 0, stderr);
  return { text: readFileSync(path, 'utf8'), stderr };
}

const ALL = '3\n4\n3\n';

test('a file that the caller appends to is not written over, whatever the entries were', async (t) => {
  for (const one of [
    { type: 'REG', flags: O.WRONLY, offset: 162 },
    { type: 'REG', flags: O.WRONLY | O.APPEND, offset: 162 },
    { type: 'REG', flags: O.WRONLY | O.NONBLOCK, offset: 162, apply: 'reopen' as const },
    { type: 'PIPE', flags: O.WRONLY },
    { type: 'PIPE', flags: O.WRONLY | O.NONBLOCK },
    { type: 'PIPE', flags: O.WRONLY, apply: 'reopen' as const },
    { type: 'FIFO', flags: O.RDWR },
    { type: 'TTY', flags: O.RDWR },
    // A device.
    { type: 'REG', flags: O.RDWR, offset: undefined as never },
  ])
    for (const flags of [O.WRONLY | O.APPEND, O.RDWR | O.APPEND]) {
      if (one.flags & O.RDWR && !(flags & O.RDWR)) continue;
      const { text, stderr } = await written(t, flags, [one, { ...one, flags: one.flags ^ O.NONBLOCK }]);
      t.deepEqual([text, stderr], [`old content\n${ALL}`, ''], JSON.stringify(one));
    }
});

test('pipes that go to one file of the caller share its offset', async (t) => {
  for (const flags of [O.WRONLY, O.WRONLY | O.NONBLOCK, O.WRONLY | O.APPEND]) {
    const entries = [
      { type: 'PIPE', flags },
      { type: 'FIFO', flags: O.WRONLY },
    ];
    const { text, stderr } = await written(t, O.WRONLY | O.TRUNC, entries);
    t.deepEqual([text, stderr], [ALL, '']);
  }
});

/** What a command with 3 from caller fd 5 and 4 from caller fd 6 does, as `--task` starts it. */
async function atTwoNumbers(t: ExecutionContext, placeholders: Partial<Placeholder>[], give: string[], script: string) {
  const numbered = placeholders.map((placeholder, index) => ({
    fileId: 3 + index,
    callerFd: 5 + index,
    descriptors: [{ fd: 3 + index, pids: [1] }],
    ...placeholder,
  }));
  // In both orders of the placeholders and of the numbers.
  for (const list of [numbered, numbered.map((one, index) => ({ ...one, callerFd: 6 - index }))]) {
    const { plan } = planned(t, { placeholders: list });
    const result = await exec(['--plan', plan, '--task', '1', '--', 'sh', '-c', script], { give });
    t.is(result.code, 0, result.stderr);
    if (list === numbered) continue;
    return { stdout: result.stdout, warnings: complaints(t, result.stderr) };
  }
  throw new Error('no placeholders');
}

test('two opens of one file at two numbers overwrite each other, with a warning', async (t) => {
  const writing = 'echo 3 >&3; echo 4 >&4; echo 3 >&3';
  const overwrites = /^warning: caller fd [56]: file id [34] \(spec .*\) writes to its file at an offset of its own/;
  for (const [types, flags, second, text] of [
    [['REG', 'REG'], O.WRONLY, 'open', '4\n3\n'],
    [['PIPE', 'PIPE'], O.WRONLY, 'open', '4\n3\n'],
    [['REG', 'PIPE'], O.WRONLY, 'open', '4\n3\n'],
    // One open file has one offset, whatever its numbers.
    [['REG', 'REG'], O.WRONLY, 'dup', ALL],
    [['PIPE', 'REG'], O.WRONLY, 'dup', ALL],
    [['REG', 'REG'], O.WRONLY | O.APPEND, 'open', ALL],
  ] as const) {
    const path = content(t, '');
    const give = [file(5, flags | O.TRUNC, path), second === 'dup' ? '6=dup:5' : file(6, flags, path)];
    const entries = types.map((type) => ({ type, flags: O.WRONLY, ...(type === 'REG' && { offset: 162 }) }));
    const { warnings } = await atTwoNumbers(t, entries, give, writing);
    t.is(readFileSync(path, 'utf8'), text);
    if (text === ALL) t.deepEqual(warnings, []);
    else t.regex(warnings.join('\n'), overwrites);
    t.true(warnings.length <= 1);
  }
});

test('readers at two numbers of one open file move each other, with a warning', async (t) => {
  const reading = 'dd bs=1 count=2 <&3 2>/dev/null; dd bs=1 count=2 <&4 2>/dev/null';
  const shares =
    /^warning: caller fds ([56]) and (?!\1)[56] are one open file, and file id [34] reads it \(spec .*\) at an offset that both move/;
  const reader = { type: 'REG', flags: O.RDONLY, offset: 0 };
  const path = content(t, '0123456789');
  const [one, two] = [
    [file(5, O.RDONLY, path), '6=dup:5'],
    [file(5, O.RDONLY, path), file(6, O.RDONLY, path)],
  ] as const;
  const shared = await atTwoNumbers(t, [reader, reader], [...one], reading);
  t.is(shared.stdout, '0123');
  t.is(shared.warnings.length, 1);
  t.regex(shared.warnings[0] ?? '', shares);
  t.deepEqual(await atTwoNumbers(t, [reader, reader], [...two], reading), { stdout: '0101', warnings: [] });
  for (const apply of ['reopen', 'dup'] as const) {
    const entry = { ...reader, apply };
    const stdout = apply === 'dup' ? '0123' : '0101';
    t.deepEqual(await atTwoNumbers(t, [entry, entry], [...one], reading), { stdout, warnings: [] });
  }
  // A pipe of the dump moves the offset as well, and a writer.
  for (const other of [
    { type: 'PIPE', flags: O.RDONLY },
    { type: 'REG', flags: O.WRONLY, offset: 0 },
  ]) {
    const give = [file(5, O.RDWR, path), '6=dup:5'];
    const { warnings } = await atTwoNumbers(t, [{ ...reader, flags: O.RDWR }, other], give, 'true');
    t.is(warnings.filter((line) => shares.test(line)).length, 1, warnings.join());
  }
});

test('files that only write to one file of the caller overwrite each other, with a warning', async (t) => {
  const log = { type: 'REG', flags: O.WRONLY, offset: 162 };
  const overwrites = (id: number) =>
    new RegExp(
      `^fdgraft-exec: warning: caller fd 5: file id ${id} \\(spec fd\\[5\\]:file-5\\) writes to its file at an offset .*use apply dup\n$`,
    );
  for (const [other, id] of [
    [log, 3],
    [{ ...log, flags: O.WRONLY | O.APPEND }, 3],
    [{ type: 'PIPE', flags: O.WRONLY }, 3],
  ] as const)
    t.regex((await written(t, O.WRONLY | O.TRUNC, [log, other])).stderr, overwrites(id));
  t.regex((await written(t, O.WRONLY | O.TRUNC, [{ ...log, flags: O.WRONLY | O.APPEND }, log])).stderr, overwrites(4));
  const dup = { ...log, apply: 'dup' as const };
  t.deepEqual(await written(t, O.WRONLY | O.TRUNC, [dup, dup]), { text: ALL, stderr: '' });
  const append = { ...log, flags: O.WRONLY | O.APPEND };
  t.regex((await written(t, O.WRONLY, [{ ...append, apply: 'dup' }, append])).stderr, overwrites(3));
  const reads = { type: 'REG', flags: O.RDWR, offset: 0, apply: 'dup' as const };
  t.is((await written(t, O.RDWR | O.TRUNC, [log, reads])).stderr, '', 'one that reads seeks, too');
});

test('a file goes on where it was, and a pipe keeps its flags, whatever the flags of the caller are', async (t) => {
  const path = content(t, '0123');
  const descriptors = [{ fd: 7, pids: [1] }];
  const saved = { flags: O.WRONLY, offset: 2, position: 'saved' as const };
  for (const one of [saved, { ...saved, position: 'end' as const }]) {
    const give = [file(5, O.WRONLY | O.APPEND, path)];
    const { fds } = await show(t, { placeholders: [{ fileId: 1, callerFd: 5, descriptors, ...one }] }, 1, { give });
    t.is(fds[7]?.flags, O.WRONLY);
  }
  const pipe = { fileId: 1, callerFd: 5, type: 'PIPE', flags: O.WRONLY | O.NONBLOCK, descriptors };
  const { fds } = await show(t, { placeholders: [pipe] }, 1, { give: ['9=pipe:5'] });
  t.is(fds[7]?.flags, O.WRONLY | O.NONBLOCK);
});

test('what only writes over the content of a file of the caller is a warning', async (t) => {
  const warned = async (change: Partial<Placeholder>, flags: number = O.WRONLY) => {
    const descriptors = [3, 4].map((fd) => ({ fd, pids: [1] }));
    const one = { type: 'REG', flags: O.WRONLY, offset: 162, descriptors, ...change };
    const { text, stderr } = await written(t, flags, [one]);
    return { isOver: !text.startsWith('old content\n'), stderr };
  };
  const log = await warned({});
  t.true(log.isOver);
  t.is(
    log.stderr,
    'fdgraft-exec: warning: caller fd 5 is at offset 0 of a file with 12 bytes, and file id 3 overwrites what is there (spec fd[5]:file-5); open it for appending (>>), or use position saved or end\n',
  );
  const pipe = { type: 'PIPE', offset: undefined as never };
  t.regex((await warned(pipe)).stderr, /file id 3 overwrites what is there .*\(>>\)\n$/);
  for (const change of [{}, pipe])
    t.deepEqual(await warned(change, O.WRONLY | O.APPEND), { isOver: false, stderr: '' });
  for (const change of [{ position: 'end' }, { flags: O.WRONLY | O.APPEND }] as const)
    t.deepEqual(await warned(change), { isOver: false, stderr: '' });
  t.is((await warned({ apply: 'dup' })).stderr, '', 'it asks for the offset of the caller');
  t.is((await warned({}, O.WRONLY | O.TRUNC)).stderr, '');
});

test('a file that was read and written goes on at the offset of a caller that appends, with a warning', async (t) => {
  const data = { type: 'REG', flags: O.RDWR, offset: 4 };
  const append = O.RDWR | O.APPEND;
  const { stderr } = await written(t, append, [data, { ...data, flags: append }]);
  t.regex(
    stderr,
    /^fdgraft-exec: warning: caller fd 5 is open for appending, file id 3 was not .* from offset 0 of your file on; use position saved or end, or apply dup\n$/,
  );
  for (const change of [{ position: 'saved' }, { position: 'end' }, { apply: 'dup' }] as const)
    t.is(
      (
        await written(t, append, [
          { ...data, ...change },
          { ...data, ...change },
        ])
      ).stderr,
      '',
    );
});

test('a file that the task goes on to read at another offset, or behind its end, is a warning', async (t) => {
  const warned = async (change: Partial<Placeholder>, at: number, flags: number = O.RDWR) => {
    const placeholders = [{ fileId: 7, callerFd: 5, type: 'REG', flags: O.RDONLY, offset: 4, ...change }];
    const give = [file(5, flags, content(t, '0123456789')), `5=seek:${at}`];
    const { code, stderr } = await exec(['--plan', planned(t, { placeholders }).plan, '--check'], { give });
    t.is(code, 0, stderr);
    return complaints(t, stderr).join('\n');
  };
  t.is(
    await warned({}, 2),
    'warning: caller fd 5 is at offset 2, file id 7 was at 4 (spec fd[5]:file-5): the restored task goes on at 2; use position saved to go on where it was, or apply dup to share your offset',
  );
  t.regex(await warned({ flags: O.RDWR }, 0), /is at offset 0, file id 7 was at 4/);
  const end =
    'warning: caller fd 5: its file has 10 bytes, and file id 7 goes on at offset 11 (spec fd[5]:file-5): a read there finds the end, and a write leaves zeros in between; give the file that it had, or use position caller or end';
  for (const flags of [O.RDONLY, O.WRONLY, O.RDWR])
    t.is(await warned({ flags, offset: 11, position: 'saved' }, 0), end);
  for (const quiet of [
    {},
    { offset: 3, apply: 'dup' as const },
    { flags: O.RDWR | O.APPEND, offset: 3 },
    { flags: O.RDWR | O.APPEND, offset: 11, position: 'saved' as const },
    { flags: O.PATH, offset: 3 },
    { offset: 0 },
    { offset: 10, position: 'saved' as const },
    { offset: 11, position: 'end' as const },
    { type: 'PIPE', offset: undefined as never },
  ])
    t.is(await warned(quiet, 4), '', JSON.stringify(quiet));
});

test('apply dup: two entries on one caller fd share it', async (t) => {
  const placeholders = [3, 4].map((fd) => ({
    fileId: fd,
    callerFd: 5,
    flags: O.APPEND,
    apply: 'dup' as const,
    descriptors: [{ fd, pids: [1] }],
  }));
  const { fds } = await show(t, { placeholders }, 1, { give: [file(5, O.RDONLY, '/dev/null')] });
  t.is(fds[4]?.file, 3);
  t.is(fds[3]?.flags, O.RDONLY);
});

test('apply reopen: an open file of its own where a dup would have done', async (t) => {
  const path = content(t, '0123456789');
  const fd = openSync(path, constants.O_RDONLY);
  const placeholders = [{ fileId: 1, callerFd: 5, apply: 'reopen' as const, descriptors: [{ fd: 7, pids: [1] }] }];
  const { plan } = planned(t, { placeholders });
  await exec(['--plan', plan, '--task', '1', '--', 'sh', '-c', 'cat <&7'], { pass: { 5: fd } });
  t.is(readSync(fd, Buffer.alloc(10), 0, 10, null), 10);
  closeSync(fd);
});

test('apply reopen: O_ASYNC of the entry is set, and COMMAND gets no signal before it asks for one', async (t) => {
  const descriptors = [{ fd: 7, pids: [1] }];
  const { plan } = planned(t, {
    placeholders: [{ fileId: 1, callerFd: 5, type: 'PIPE', flags: O.ASYNC, apply: 'reopen', descriptors }],
  });
  const give = ['5=pipe:9'];
  const { fds } = shown(await exec(['--plan', plan, '--task', '1', '--', helper('show')], { give }));
  t.is((fds[7]?.flags ?? 0) & O.ASYNC, O.ASYNC);
  const result = await exec(['--plan', plan, '--task', '1', '--', 'sh', '-c', 'echo more >&9; echo lives'], { give });
  t.deepEqual([result.code, result.stdout], [0, 'lives\n']);
});

test('position saved and end', async (t) => {
  const path = content(t, '0123456789');
  const give = [file(5, O.RDONLY, path), '5=seek:2', file(6, O.RDONLY, path), file(7, O.RDONLY, path), '7=seek:3'];
  const placeholders = [
    { fileId: 1, callerFd: 5, offset: 7, position: 'saved' as const, descriptors: [{ fd: 10, pids: [1] }] },
    { fileId: 2, callerFd: 6, offset: 7, position: 'end' as const, descriptors: [{ fd: 11, pids: [1] }] },
    { fileId: 3, callerFd: 7, offset: 7, apply: 'reopen' as const, descriptors: [{ fd: 12, pids: [1] }] },
  ];
  const { fds } = await show(t, { placeholders }, 1, { give });
  t.deepEqual([fds[10]?.offset, fds[11]?.offset, fds[12]?.offset], [7, 10, 3]);
});

test('position saved and end, where it is the beginning', async (t) => {
  const give = [file(5, O.RDONLY, content(t, '0123')), '5=seek:2', file(6, O.RDONLY, content(t, '')), '6=seek:2'];
  const placeholders = [
    { fileId: 1, callerFd: 5, offset: 0, position: 'saved' as const, descriptors: [{ fd: 10, pids: [1] }] },
    { fileId: 2, callerFd: 6, offset: 7, position: 'end' as const, descriptors: [{ fd: 11, pids: [1] }] },
  ];
  const { fds } = await show(t, { placeholders }, 1, { give });
  t.deepEqual([fds[10]?.offset, fds[11]?.offset], [0, 0]);
  t.deepEqual(Object.keys(fds), ['0', '1', '2', '10', '11'], 'nothing else of them stays open');
});

test('a saved offset past 4 GiB', async (t) => {
  const placeholders = [
    { fileId: 1, callerFd: 5, offset: 5_000_000_000, position: 'saved' as const, descriptors: [{ fd: 10, pids: [1] }] },
  ];
  t.is(
    (await show(t, { placeholders }, 1, { give: [file(5, O.RDONLY, content(t, 'x'))] })).fds[10]?.offset,
    5_000_000_000,
  );
});

test('a pipe opened again gets its own flags, packet mode too, and is the same pipe', async (t) => {
  const placeholders = [
    { fileId: 1, callerFd: 5, type: 'PIPE', flags: O.RDONLY | O.NONBLOCK, descriptors: [{ fd: 7, pids: [1] }] },
    { fileId: 2, callerFd: 6, type: 'PIPE', flags: O.WRONLY | O.DIRECT, descriptors: [{ fd: 8, pids: [1] }] },
  ];
  const { fds } = await show(t, { placeholders }, 1, { give: ['5=pipe:6'] });
  t.deepEqual([fds[7]?.flags, fds[8]?.flags], [O.RDONLY | O.NONBLOCK, O.WRONLY | O.DIRECT]);
  t.is(fds[7]?.link, fds[8]?.link);
  t.regex(fds[7]?.link ?? '', /^pipe:/);
});

test('O_DIRECT means packets for a pipe and no cache for a file: neither gets that of the other', async (t) => {
  const path = content(t, '');
  const to = (change: Partial<Placeholder>, give: string[]) => {
    const placeholders = [{ fileId: 1, callerFd: 5, descriptors: [{ fd: 7, pids: [1] }], ...change }];
    return show(t, { placeholders }, 1, { give });
  };
  const flags = O.WRONLY | O.DIRECT;
  const pipe = { type: 'PIPE', flags } as const;
  for (const apply of ['auto', 'reopen'] as const) {
    t.is((await to({ ...pipe, apply }, [file(5, O.WRONLY, path)])).fds[7]?.flags, O.WRONLY);
    t.is((await to({ ...pipe, apply }, [file(5, flags, path)])).fds[7]?.flags, O.WRONLY);
    t.is((await to({ flags, apply }, ['9=pipe:5'])).fds[7]?.flags, O.WRONLY);
    t.is((await to({ flags, apply }, [file(5, O.WRONLY, path)])).fds[7]?.flags, flags);
  }
});

test('a FIFO opened again does not wait for its other end and ends up without O_NONBLOCK', async (t) => {
  const fifo = join(scratch(t), 'fifo');
  await run(['mkfifo', fifo]);
  const give = [file(6, O.RDWR, fifo), file(5, O.RDONLY, fifo), '5=nonblock', '6=closed'];
  const { fds } = await show(
    t,
    { placeholders: [{ fileId: 1, callerFd: 5, descriptors: [{ fd: 7, pids: [1] }] }] },
    1,
    { give },
  );
  t.like(fds[7], { link: fifo, flags: O.RDONLY });
});

test('the read end of a pipe that nobody writes to is opened again without waiting', async (t) => {
  const placeholders = [{ fileId: 1, callerFd: 5, apply: 'reopen' as const, descriptors: [{ fd: 7, pids: [1] }] }];
  const { fds } = await show(t, { placeholders }, 1, { give: ['5=pipe:6', '6=closed'] });
  t.is(fds[7]?.flags, O.RDONLY);
  t.regex(fds[7]?.link ?? '', /^pipe:/);
});

test('a terminal opened again does not become the controlling terminal', async (t) => {
  const one = {
    fileId: 1,
    callerFd: 5,
    type: 'TTY',
    flags: O.RDWR,
    apply: 'reopen',
    descriptors: [{ fd: 7, pids: [1] }],
  };
  const { plan } = planned(t, { placeholders: [one as Placeholder] });
  const number = 'read -r _ _ _ _ _ _ tty _ </proc/$$/stat; readlink /proc/$$/fd/7; echo "$tty"';
  const command = [
    'setsid',
    '-w',
    join(build(), 'fdgraft-exec'),
    '--plan',
    plan,
    '--task',
    '1',
    '--',
    'sh',
    '-c',
    number,
  ];
  const { stdout } = await run(command, { give: ['5=pty:6'] });
  t.regex(stdout, /^\/dev\/pts\/\d+\n0\n$/);
});

test('O_CREAT and O_TRUNC of the entry do nothing', async (t) => {
  const path = content(t, 'stays');
  const placeholders = [
    { fileId: 1, callerFd: 5, flags: O.WRONLY | O.CREAT | O.TRUNC | O.APPEND, descriptors: [{ fd: 7, pids: [1] }] },
  ];
  const { fds } = await show(t, { placeholders }, 1, { give: [file(5, O.WRONLY, path)] });
  t.is(fds[7]?.flags, O.WRONLY | O.APPEND);
  t.is(readFileSync(path, 'utf8'), 'stays');
});

test('a file that is deleted by now is opened again all the same', async (t) => {
  const plan: Plan = {
    placeholders: [{ fileId: 1, callerFd: 5, flags: O.RDWR | O.APPEND, descriptors: [{ fd: 7, pids: [1] }] }],
  };
  t.like((await show(t, plan, 1, { give: ['5=memfd'] })).fds[7], {
    link: '/memfd:given (deleted)',
    flags: O.RDWR | O.APPEND,
  });
});

test('a socket stands in for a pipe', async (t) => {
  const plan: Plan = {
    placeholders: [
      { fileId: 1, callerFd: 5, type: 'PIPE', flags: O.WRONLY | O.NONBLOCK, descriptors: [{ fd: 7, pids: [1] }] },
    ],
  };
  t.regex((await show(t, plan, 1, { give: ['5=socket'] })).fds[7]?.link ?? '', /^socket:/);
});

test('numbers above the soft limit, which COMMAND gets back', async (t) => {
  const placeholders = [
    {
      fileId: 1,
      callerFd: 5,
      descriptors: [
        { fd: 3000, pids: [1] },
        { fd: 40, pids: [1] },
      ],
    },
  ];
  const { fds, limit } = await show(t, { placeholders }, 1, {
    give: [file(5, O.RDONLY, '/dev/null'), '32=soft-limit'],
  });
  t.is(fds[3000]?.file, 40);
  t.is(limit, 32);
});

test('a number above the hard limit is refused', async (t) => {
  const { plan } = planned(t, { placeholders: [{ fileId: 1, callerFd: 5, descriptors: [{ fd: 3000, pids: [1] }] }] });
  const result = await exec(['--plan', plan, '--task', '1', '--', 'true'], {
    give: [file(5, O.RDONLY, '/dev/null'), '64=limit'],
  });
  t.is(result.code, 100);
  t.regex(result.stderr, /descriptor 3000 of the task is not possible under the hard limit of 64/);
});

test('a task that the plan does not know', async (t) => {
  const placeholders = [
    {
      fileId: 1,
      callerFd: 5,
      descriptors: [
        { fd: 3, pids: [14719, 12] },
        { fd: 4, pids: [12] },
      ],
      scmRights: 2,
    },
  ];
  const { plan } = planned(t, { placeholders });
  const give = [file(5, O.RDONLY, '/dev/null')];
  const result = await exec(['--plan', plan, '--task', '1', '--', 'true'], { give });
  t.is(result.code, 100);
  t.regex(complaints(t, result.stderr)[0] ?? '', /no task 1 has an inherited descriptor; tasks that have: 12, 14719$/);
  t.is((await exec(['--plan', plan, '--task', '12', '--', 'true'], { give })).code, 0);
});

test('many tasks are not all named', async (t) => {
  const pids = Array.from({ length: 500 }, (_, index) => index + 10);
  const { plan } = planned(t, {
    placeholders: [
      {
        fileId: 1,
        callerFd: 5,
        descriptors: [
          { fd: 3, pids },
          { fd: 4, pids },
        ],
      },
    ],
  });
  const result = await exec(['--plan', plan, '--task', '1', '--', 'true'], { give: [file(5, O.RDONLY, '/dev/null')] });
  t.regex(result.stderr, /tasks that have: 10, 11, .*, 59 and 450 more\n$/);
});

test('debug texts are written to the caller’s descriptors first', async (t) => {
  const path = content(t, '');
  const plan: Plan = {
    debugs: [{ text: 'debug[6]:x', callerFd: 6, output: Buffer.from('before ') }],
    placeholders: [{ fileId: 1, callerFd: 5, flags: O.WRONLY, descriptors: [{ fd: 6, pids: [1] }] }],
  };
  const give = [file(5, O.WRONLY, '/dev/null'), file(6, O.WRONLY, path)];
  t.is(
    (await exec(['--plan', planned(t, plan).plan, '--task', '1', '--', 'sh', '-c', 'printf lost >&6'], { give })).code,
    0,
  );
  t.is(readFileSync(path, 'utf8'), 'before ');
});

test('nothing of CRIU’s matters for a task', async (t) => {
  const plan: Plan = {
    images: [{ name: 'files.img', after: Buffer.alloc(32) }],
    placeholders: [{ fileId: 1, callerFd: 5, descriptors: [{ fd: 6, pids: [1] }] }],
  };
  const words = ['--plan', planned(t, plan).plan, '--task', '1', '--', 'echo', '-L', '/x'];
  const result = await exec(words, { give: [file(5, O.RDONLY, '/dev/null')], env: { CRIU_LIBS_DIR: '/nonexistent' } });
  t.is(result.stdout, '-L /x\n');
});

test('more close-on-exec numbers than a variable can hold are refused before anything changes', async (t) => {
  // 131,072 bytes, where a page has 4 KiB.
  const names = 'FDGRAFT_CLOEXEC='.length + 1;
  const most = 32 * Number((await run(['getconf', 'PAGESIZE'])).stdout);
  const all = Math.floor((most - names) / 7);
  for (const [count, fits] of [
    [all, true],
    [all + 1, false],
  ] as const) {
    const descriptors = Array.from({ length: count }, (_, i) => ({ fd: 100_000 + i, pids: [7], closeOnExec: true }));
    const { plan } = planned(t, { placeholders: [{ fileId: 1, callerFd: 5, descriptors }] });
    const result = await exec(['--plan', plan, '--task', '7', '--check'], { give: [file(5, O.RDONLY, '/dev/null')] });
    t.is(
      result.stderr,
      fits
        ? ''
        : `fdgraft-exec: task 7 has ${count} descriptors with close-on-exec: FDGRAFT_CLOEXEC would have ${names + 7 * count - 1} bytes, and a variable holds at most ${most}; name fewer of its files in the rewrite\n`,
    );
    t.is(result.code, fits ? 0 : 100);
  }
});
