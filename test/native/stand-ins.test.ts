import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { build, exec } from '../support/native';
import type { Placeholder } from '../support/planfile';
import { complaints, file, O, planned, scratch } from './support';

/** What stands in for a file or a pipe has to carry bytes: a restore succeeds with anything. */

async function said(t: ExecutionContext, change: Partial<Placeholder>, give: string[]) {
  const { plan } = planned(t, { placeholders: [{ fileId: 42, callerFd: 5, flags: O.RDWR, ...change }] });
  const { code, stderr } = await exec(['--plan', plan, '--check'], { give });
  return { code, lines: stderr === '' ? [] : complaints(t, stderr) };
}

async function refused(t: ExecutionContext, change: Partial<Placeholder>, give: string[], pattern: RegExp) {
  const { code, lines } = await said(t, change, give);
  t.is(code, 100, lines.join('\n'));
  t.is(lines.length, 1, lines.join('\n'));
  t.regex(lines[0] ?? '', pattern);
}

async function warned(t: ExecutionContext, change: Partial<Placeholder>, give: string[], patterns: RegExp[]) {
  const { code, lines } = await said(t, change, give);
  t.is(code, 0, lines.join('\n'));
  t.is(lines.length, patterns.length, lines.join('\n'));
  for (const [at, pattern] of patterns.entries()) t.regex(lines[at] ?? '', pattern);
}

async function fits(t: ExecutionContext, change: Partial<Placeholder>, give: string[]) {
  t.deepEqual(await said(t, change, give), { code: 0, lines: [] });
}

for (const kind of ['eventfd', 'epoll', 'timerfd', 'signalfd', 'pidfd', 'inotify'])
  for (const apply of ['auto', 'dup', 'reopen'] as const)
    test(`${kind} in the place of a file or pipe is refused with apply ${apply}`, async (t) => {
      const change = { apply, flags: kind === 'inotify' ? O.RDONLY : O.RDWR };
      await refused(
        t,
        change,
        [`5=${kind}`],
        /^caller fd 5 is an anonymous inode, .*, file id 42 needs a file, pipe, FIFO, character device, terminal or socket \(spec fd\[5\]:file-5\)/,
      );
    });

test('the file of a namespace is no regular one', async (t) => {
  await refused(t, { flags: O.RDONLY }, [file(5, O.RDONLY, '/proc/self/ns/net')], /^caller fd 5 is an anonymous inode/);
});

test('an entry that was open with O_PATH reads and writes nothing', async (t) => {
  const change = { flags: O.PATH, needsRead: false, needsWrite: false };
  for (const give of [['5=eventfd'], [`5=unix:listen:${join(scratch(t), 'a')}`], [file(5, O.PATH, '/tmp')]])
    await fits(t, change, give);
});

test('a socket that listens carries no bytes', async (t) => {
  for (const flags of [O.RDONLY, O.WRONLY, O.RDWR])
    await refused(
      t,
      { flags },
      [`5=unix:listen:${join(scratch(t), 'a')}`],
      /^caller fd 5 is a listening unix stream socket .*file id 42 can neither read nor write; accept a connection/,
    );
});

test('a socket that is not connected is a warning', async (t) => {
  const datagrams = () => [`5=unix:datagram:${join(scratch(t), 'a')}`];
  for (const [flags, give, pattern] of [
    [O.RDONLY, ['5=unconnected'], /^warning: caller fd 5 is an unconnected unix stream socket .* cannot read or write/],
    [O.WRONLY, datagrams(), /^warning: caller fd 5 is an unconnected unix datagram socket .* cannot write until/],
  ] as const) {
    const { code, lines } = await said(t, { flags }, [...give]);
    t.is(code, 0);
    t.is(lines.length, 1, lines.join('\n'));
    t.regex(lines[0] ?? '', pattern);
  }
  await fits(t, { flags: O.RDONLY }, datagrams());
  await fits(t, { flags: O.RDWR }, ['5=socket']);
});

for (const [give, what] of [
  ['netlink', 'netlink raw'],
  ['packet', 'packet datagram'],
])
  test(`a socket that carries messages of its own is refused: ${give}`, async (t) => {
    await refused(
      t,
      {},
      [`5=${give}`],
      new RegExp(`^caller fd 5 is a ${what} socket .* whose messages are no bytes of file id 42`),
    );
  });

test('files in memory that no read or write reaches', async (t) => {
  await refused(t, {}, ['5=memfd-huge'], /cannot be written to, .* it lies in huge pages/);
  await fits(t, { flags: O.RDONLY }, ['5=memfd-huge']);
  await fits(t, { kind: { name: 'memfd', seals: 0 } }, ['5=memfd-huge']);
  const secret = ['5=memfd-secret'];
  const { stderr } = await exec(['--version'], { give: secret });
  // The kernel may have been started without it.
  if (/memfd-secret: Function not implemented/.test(stderr)) return;
  for (const change of [{}, { flags: O.RDONLY }, { kind: { name: 'memfd' } }])
    await refused(
      t,
      change,
      secret,
      /^caller fd 5 is a file of memfd_secret, which can only be mapped, file id 42 needs a /,
    );
});

for (const [seal, name] of [
  ['seal-writes', 'F_SEAL_WRITE'],
  ['seal-later-writes', 'F_SEAL_FUTURE_WRITE'],
])
  test(`a file with the seal ${name} is refused for an entry that writes`, async (t) => {
    const give = ['5=memfd', `5=${seal}`];
    const pattern = new RegExp(
      `^caller fd 5 cannot be written to, and file id 42 needs writing .*sealed \\(${name}\\)`,
    );
    for (const apply of ['auto', 'dup'] as const) await refused(t, { apply }, give, pattern);
    await fits(t, { flags: O.RDONLY }, give);
    // Its seals may be those of the old one.
    await fits(t, { kind: { name: 'memfd' } }, give);
    const memfd = (seals: number) => ({ name: 'memfd', seals });
    await refused(t, { kind: memfd(0) }, give, pattern);
    await fits(t, { kind: memfd(seal === 'seal-writes' ? 0x8 : 0x10) }, give);
    const other = seal === 'seal-writes' ? 0x10 : 0x8;
    await warned(t, { kind: memfd(other) }, give, [
      new RegExp(
        `^warning: caller fd 5 is sealed \\(${name}\\), file id 42 was not .*: a change that this forbids fails`,
      ),
      /^warning: caller fd 5 lacks the seals F_SEAL_(FUTURE_)?WRITE of file id 42 /,
    ]);
  });

test('seals that only one of two memfds has are warnings', async (t) => {
  const kind = { name: 'memfd', seals: 0x1 };
  const both = ['5=memfd', '5=seal', '5=seal-growth'];
  await warned(t, { kind }, both, [/is sealed \(F_SEAL_SHRINK\|F_SEAL_GROW\), file id 42 was not/]);
  await warned(
    t,
    { kind: { ...kind, seals: 0x6 } },
    ['5=memfd', '5=seal'],
    [/lacks the seals F_SEAL_GROW of file id 42/],
  );
  const plain = file(5, O.RDWR | O.CREAT, join(scratch(t), 'plain'));
  await warned(t, { kind: { ...kind, seals: 0x3 } }, [plain], [/lacks the seals F_SEAL_SHRINK of file id 42/]);
  await fits(t, { kind: { ...kind, seals: 0x7 } }, both);
  await fits(t, { kind }, ['5=memfd']);
});

test('a file that cannot grow is refused for what appends', async (t) => {
  const give = ['5=memfd', '5=length:100', '5=seal-growth'];
  await refused(t, { flags: O.RDWR | O.APPEND }, give, /sealed \(F_SEAL_GROW\), and what is appended/);
  await fits(t, {}, give);
});

/** False where the file system has no such attributes. */
function change(t: ExecutionContext, path: string, attribute: 'a' | 'i'): boolean {
  try {
    execFileSync('chattr', [`+${attribute}`, path], { stdio: 'ignore' });
  } catch {
    return false;
  }
  t.teardown(() => execFileSync('chattr', [`-${attribute}`, path]));
  return true;
}

test('attributes of a file that make writes fail', async (t) => {
  const own = scratch(t);
  const paths = ['a', 'b'].map((name) => join(own, name));
  for (const path of paths) writeFileSync(path, 'content');
  const [log, fixed] = paths as [string, string];
  if (!change(t, log, 'a')) return t.pass();
  const append = [file(5, O.RDWR | O.APPEND, log)];
  const { code, lines } = await said(t, {}, append);
  t.is(code, 100);
  t.regex(
    lines[0] ?? '',
    /cannot be opened again for file id 42 .*: Operation not permitted; it has the attribute a; use apply dup, or chattr -a$/,
  );
  await fits(t, { apply: 'dup' }, append);
  const open = openSync(fixed, O.RDWR);
  change(t, fixed, 'i');
  await fits(t, { flags: O.RDONLY }, [file(5, O.RDONLY, fixed)]);
  // Opened before it had the attribute.
  const { plan } = planned(t, { placeholders: [{ fileId: 42, callerFd: 5, flags: O.RDWR }] });
  const result = spawnSync(join(build(), 'fdgraft-exec'), ['--plan', plan, '--check'], {
    stdio: ['ignore', 'ignore', 'pipe', 'ignore', 'ignore', open],
    encoding: 'utf8',
  });
  closeSync(open);
  t.is(result.status, 100);
  t.regex(result.stderr, /caller fd 5 cannot be written to, .*: it has the attribute i, which chattr -i removes/);
});
