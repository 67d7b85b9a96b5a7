import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { encodeImage } from '../support/images';
import { build, exec, helper, type RunOptions, run, shown } from '../support/native';
import { imageOf, type Plan, planBytes, sha256, writePlan } from '../support/planfile';
import { complaints, file, gone, installed, nobody, O, planned, scratch } from './support';

/** The launcher: what COMMAND gets, and what is refused before it starts. */

const simple: Plan = { placeholders: [{ fileId: 1, callerFd: 5 }] };
const give = [file(5, O.RDONLY, '/dev/null')];

test('COMMAND has no caller fd above 2, and is told where they are', async (t) => {
  const { directory, plan } = planned(t, {
    placeholders: [
      { fileId: 1, callerFd: 6, flags: O.RDWR },
      { fileId: 2, callerFd: 5 },
      { fileId: 3, callerFd: 6, flags: O.RDWR },
    ],
  });
  const own = join(directory, 'own');
  const words = [file(6, O.RDWR | O.CREAT, own), ...give, file(7, O.RDONLY, '/dev/zero')];
  const result = shown(await exec(['--plan', plan, '--', helper('show')], { give: words }));
  t.deepEqual(Object.keys(result.fds), ['0', '1', '2', '7']);
  const [, digest, start = ''] =
    /^([0-9a-f]{64}):(\/.*\/fdgraft\/[0-9a-f]{32})\/socket$/.exec(result.socket ?? '') ?? [];
  t.is(digest, sha256(readFileSync(plan)).toString('hex'));
  await gone(t, start);
  t.is(result.cloexec, null);
});

test('0 to 2 stay with COMMAND', async (t) => {
  const { plan } = planned(t, { placeholders: [{ fileId: 1, callerFd: 0 }] });
  const result = shown(await exec(['--plan', plan, '--', helper('show')], { give: [] }));
  t.deepEqual(Object.keys(result.fds), ['0', '1', '2']);
});

test('what --inherit-fd of COMMAND names stays with it too', async (t) => {
  const fds = [3, 4, 5, 6, 7, 8];
  const { plan } = planned(t, {
    placeholders: fds.map((callerFd) => ({ fileId: callerFd, callerFd })),
    debugs: [{ text: 'debug[9]:a', callerFd: 9, output: Buffer.from('a') }],
  });
  const words = [...fds.map((fd) => file(fd, O.RDONLY, '/dev/null')), file(9, O.WRONLY, '/dev/null')];
  const kept = async (...more: string[]) =>
    Object.keys(shown(await exec(['--plan', plan, '--', helper('show'), ...more], { give: words })).fds).slice(3);
  t.deepEqual(await kept('--inherit-fd', 'fd[3]:pipe:[1]', '--inherit-fd=fd[5]:a', '--in', 'fd[9]:x'), ['3', '5', '9']);
  t.deepEqual(await kept('--inherit-fd', 'fd[30]:x', '--inherit-fd=fd[x]:a', '--inherit-fds', 'fd[4]:x'), []);
  t.deepEqual(await kept('--inherit-fd'), []);
});

test('a low limit of descriptors, which COMMAND gets back', async (t) => {
  const { plan } = planned(t, { placeholders: [3, 4, 5].map((callerFd) => ({ fileId: callerFd, callerFd })) });
  const words = [3, 4, 5].map((fd) => file(fd, O.RDONLY, '/dev/null'));
  const command = ['--plan', plan, '--', helper('show')];
  t.like(shown(await exec(command, { give: [...words, '20=limit'] })), { limit: 20 });
  t.like(shown(await exec(command, { give: [...words, '8=soft-limit'] })), { limit: 8 });
  const result = await exec(command, { give: [...words, '9=limit'] });
  t.is(result.code, 111);
  t.regex(complaints(t, result.stderr)[0] ?? '', /Too many open files/);
  // Each step that can be the first to have none.
  const seen = new Set<string>();
  for (let limit = 7; limit < 20; limit += 1) {
    const { code, stderr } = await exec(command, { give: [...words, `${limit}=limit`] });
    const [first = ''] = complaints(t, stderr);
    if (code === 0) continue;
    t.is(code, 111);
    t.regex(first, /: Too many open files \(raise the hard limit of descriptors, ulimit -Hn\)/);
    t.notRegex(first, /Linux 5/);
    seen.add(first.replace(/\/.*/, ''));
  }
  t.true(seen.size >= 3, [...seen].join());
});

test('debug texts are written whole, to caller fds too', async (t) => {
  const { directory, plan } = planned(t, {
    debugs: [
      { text: 'debug[6]:a', callerFd: 6, output: Buffer.from('first\n') },
      { text: 'debug[5]:b', callerFd: 5, output: Buffer.alloc(100_000, 'x') },
      { text: 'debug[6]:c', callerFd: 6, output: Buffer.from('second\n') },
    ],
    placeholders: [{ fileId: 1, callerFd: 5, flags: O.WRONLY }],
  });
  const paths = [join(directory, 'five'), join(directory, 'six')] as const;
  const words = [file(5, O.WRONLY | O.CREAT, paths[0]), file(6, O.WRONLY | O.CREAT, paths[1])];
  const command = ['sh', '-c', 'printf third >&6', 'sh', '--inherit-fd', 'fd[6]:x'];
  const result = await exec(['--plan', plan, '--', ...command], { give: words });
  t.deepEqual([result.code, result.stderr], [0, '']);
  t.is(readFileSync(paths[0], 'utf8'), 'x'.repeat(100_000));
  t.is(readFileSync(paths[1], 'utf8'), 'first\nsecond\nthird');
});

test('a debug text for a pipe without a reader is an error, not a signal', async (t) => {
  const { plan } = planned(t, { debugs: [{ text: 'debug[6]:a', callerFd: 6, output: Buffer.from('a') }] });
  const result = await exec(['--plan', plan, '--', 'true'], { give: ['7=pipe:6', '7=closed'] });
  t.deepEqual([result.code, result.signal], [111, null]);
  t.regex(result.stderr, /cannot write the text of debug\[6\]:a: Broken pipe/);
});

test('a debug text for a full pipe that nobody empties is an error, and no wait without an end', async (t) => {
  const { plan } = planned(t, { debugs: [{ text: 'debug[6]:a', callerFd: 6, output: Buffer.from('a') }] });
  const result = await exec(['--plan', plan, '--', 'true'], { give: ['7=pipe:6', '6=fill'] });
  t.is(result.code, 111);
  t.regex(result.stderr, /cannot write the text of debug\[6\]:a: Resource temporarily unavailable/);
});

test('SIGPIPE is for COMMAND what it was', async (t) => {
  const { plan } = planned(t, { debugs: [{ text: 'debug[1]:a', callerFd: 1, output: Buffer.from('a\n') }] });
  const result = await exec(['--plan', plan, '--', 'grep', 'SigIgn', '/proc/self/status']);
  const [, mask = 'none'] = /SigIgn:\s*([0-9a-f]+)/.exec(result.stdout) ?? [];
  t.is(BigInt(`0x${mask}`) & (1n << 12n), 0n);
});

// Lengths around the block size of SHA-256 and of the reads.
const lengths = [0, 1, 55, 56, 57, 63, 64, 65, 119, 120, 128, 65535, 65536, 65537, 1_000_003];

test('images that are as the plan says', async (t) => {
  const own = scratch(t);
  const images = lengths.map((length) => {
    writeFileSync(join(own, `core-${length}.img`), Buffer.alloc(length, `some ${length} bytes `));
    return imageOf(own, `core-${length}.img`);
  });
  writePlan(own, { images: images.sort((a, b) => (a.name < b.name ? -1 : 1)) });
  const result = await exec(['--plan', own, '--check']);
  t.deepEqual([result.code, result.stderr], [0, '']);
});

test('images that are not', async (t) => {
  const own = scratch(t);
  const names = ['fdinfo-2.img', 'fdinfo-3.img', 'fdinfo-4.img', 'fdinfo-5.img', 'fdinfo-6.img', 'files.img'];
  for (const name of names) writeFileSync(join(own, name), `content of ${name}`);
  const images = names.map((name) => imageOf(own, name));
  writePlan(own, { images });
  writeFileSync(join(own, 'files.img'), 'another content');
  rmSync(join(own, 'fdinfo-2.img'));
  renameSync(join(own, 'fdinfo-3.img'), join(own, 'moved.img'));
  symlinkSync('moved.img', join(own, 'fdinfo-3.img'));
  rmSync(join(own, 'fdinfo-4.img'));
  mkdirSync(join(own, 'fdinfo-4.img'));
  rmSync(join(own, 'fdinfo-5.img'));
  await run(['mkfifo', join(own, 'fdinfo-5.img')]);
  for (const words of [['--check'], ['--', 'true']]) {
    const result = await exec(['--plan', own, ...words]);
    t.is(result.code, 100);
    const lines = complaints(t, result.stderr);
    t.is(lines.length, 5);
    t.regex(
      lines[4] ?? '',
      new RegExp(`image files\\.img .*SHA-256 is ${sha256(Buffer.from('another content')).toString('hex')}`),
    );
    t.regex(lines[0] ?? '', /image fdinfo-2\.img .*No such file/);
    t.regex(lines[1] ?? '', /image fdinfo-3\.img .*symbolic link/);
    t.regex(lines[2] ?? '', /image fdinfo-4\.img .*not a regular file/);
    t.regex(lines[3] ?? '', /image fdinfo-5\.img .*not a regular file/);
  }
});

test('images that are nearly all holes are not read', async (t) => {
  const own = scratch(t);
  writeFileSync(join(own, 'files.img'), 'content');
  writePlan(own, { images: [imageOf(own, 'files.img')] });
  truncateSync(join(own, 'files.img'), 2 ** 42);
  const changed = await exec(['--plan', own, '--check']);
  t.is(changed.code, 100);
  t.regex(changed.stderr, /image files\.img of .*: it has \d+ bytes on disk and holes up to 4398046511104, .* a trap/);
  const { directory, plan } = planned(t, simple);
  for (const name of ['pstree.img', 'inventory.img']) {
    writeFileSync(join(directory, name), encodeImage(name, []));
    truncateSync(join(directory, name), 2 ** 42);
    const { code, stderr } = await exec(['--plan', plan, '--', 'true', 'criu', 'restore'], { give });
    t.is(code, 100, name);
    t.true(stderr.includes(`${name}: byte 0: nearly all of it is holes, which looks like a trap;`), stderr);
    rmSync(join(directory, name));
  }
});

test('-L and --libdir in every spelling', async (t) => {
  const { plan } = planned(t, simple);
  for (const words of [
    ['-L', '/x'],
    ['-L/x'],
    ['--libdir', '/x'],
    ['--libdir=/x'],
    ['--libd', '/x'],
    ['--lib=/x'],
    ['-dL/x'],
    ['-dSL', '/x'],
  ]) {
    const result = await exec(['--plan', plan, '--', 'strace', 'criu', 'restore', ...words], { give });
    t.is(result.code, 100, words.join(' '));
    const lines = complaints(t, result.stderr);
    t.is(lines.length, 1);
    t.true(lines[0]?.startsWith(`COMMAND has ${words[0]}: CRIU would load its plugins from there alone`));
    t.regex(lines[0] ?? '', /--plugins DIR$/);
  }
});

test('words that only look like --libdir', async (t) => {
  const { plan } = planned(t, simple);
  const words = ['-D', 'Libs', '-vL', '-oLog', '--link-remap', '--libdirs', '--li', '-l', '--', '-L', '--libdir=/x'];
  const result = await exec(['--plan', plan, '--', 'printf', '%s ', ...words], { give });
  t.deepEqual([result.code, result.stdout], [0, `${words.join(' ')} `]);
});

function config(own: string, name: string, text: string): string {
  const path = join(own, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  return path;
}

test('libdir in configuration files', async (t) => {
  const { directory, plan } = planned(t, simple);
  const inHome = config(directory, 'home/.criu/default.conf', '# libdir /no\ntcp-established\n  libdir /x # here\n');
  const named = config(directory, 'named.conf', 'libdir=/x');
  const harmless = config(directory, 'harmless.conf', '#libdir /x\nlog-file libdir\nlink-remap\n\n');
  const run1 = (words: string[], env: Record<string, string> = {}) =>
    exec(['--plan', plan, '--', 'true', 'restore', ...words], { give, env: { HOME: join(directory, 'home'), ...env } });
  const says = async (words: string[], expected: [string, number][], env?: Record<string, string>) => {
    const result = await run1(words, env);
    t.is(result.code, expected.length ? 100 : 0, result.stderr);
    const lines = complaints(t, result.stderr);
    t.is(lines.length, expected.length);
    for (const [index, [path, line]] of expected.entries())
      t.true(lines[index]?.startsWith(`${path}, line ${line}: libdir: CRIU would`), lines[index]);
  };
  await says([], [[inHome, 3]]);
  await says(['--no-default-config'], []);
  await says(['--config', harmless], []);
  await says([`--config=${named}`], [[named, 1]]);
  await says(['--config', named], [[named, 1]]);
  await says(
    [],
    [
      [inHome, 3],
      [named, 1],
    ],
    { CRIU_CONFIG_FILE: named },
  );
  await says(['--no-default-config'], [[named, 1]], { CRIU_CONFIG_FILE: named });
  await says(['--config', '/nonexistent'], []);
});

test('--auto-dedup where the pages are somebody else’s too', async (t) => {
  const refused = async (prepare: (own: string) => void, words: string[], expected: RegExp | null, env = {}) => {
    const { directory, plan } = planned(t, simple);
    writeFileSync(join(directory, 'pages-1.img'), 'pages');
    utimesSync(join(directory, 'pages-1.img'), 0, 0);
    prepare(directory);
    const result = await exec(['--plan', plan, '--', 'true', ...words], { give, env });
    t.is(result.code, expected ? 100 : 0, result.stderr);
    if (expected) t.regex(complaints(t, result.stderr)[0] ?? '', expected);
  };
  const hard = (own: string) => linkSync(join(own, 'pages-1.img'), join(own, 'elsewhere'));
  const soft = (own: string) => symlinkSync('pages-1.img', join(own, 'pages-2.img'));
  const none = () => {};
  await refused(none, ['--auto-dedup'], null);
  await refused(hard, [], null);
  await refused(
    hard,
    ['--auto-dedup'],
    /^COMMAND has --auto-dedup, and pages-1\.img .*punch holes into the pages of the source/,
  );
  await refused(hard, ['--auto-d'], /^COMMAND has --auto-d,/);
  await refused(soft, ['--auto-dedup'], /pages-2\.img beside/);
  await refused(hard, ['--', '--auto-dedup'], null);
  const conf = config(scratch(t), 'c.conf', '\nauto-dedup\n');
  await refused(hard, ['--config', conf], /c\.conf, line 2: auto-dedup, and pages-1\.img/);
  await refused(none, ['--config', conf], null);
  await refused(hard, [], /c\.conf, line 2/, { CRIU_CONFIG_FILE: conf });
  const chained = (own: string) => symlinkSync('.', join(own, 'parent'));
  const dangling = (own: string) => symlinkSync('nowhere', join(own, 'parent'));
  await refused(chained, [], null);
  await refused(
    chained,
    ['--auto-dedup'],
    /^COMMAND has --auto-dedup, and parent beside .* leads to the previous dump/,
  );
  await refused(chained, ['--config', conf], /c\.conf, line 2: auto-dedup, and parent beside/);
  await refused(dangling, ['--auto-dedup'], null);
});

test('a caller fd that criu swrk talks over', async (t) => {
  const { plan } = planned(t, { ...simple, debugs: [{ text: 'debug[6]:a', callerFd: 6, output: Buffer.from('a') }] });
  const result = async (words: string[]) => {
    const { code, stderr } = await exec(['--plan', plan, '--', 'true', ...words], {
      give: [...give, file(6, O.WRONLY, '/dev/null')],
    });
    return { code, said: complaints(t, stderr) };
  };
  const refused = (number: number) => ({
    code: 100,
    said: [
      `COMMAND has swrk ${number}: criu talks to its client over that fd, and the plan has it as a caller fd; rewrite with another number in --inherit-fd, or let the client have its socket at another one`,
    ],
  });
  t.deepEqual(await result(['swrk', '5']), refused(5));
  t.deepEqual(await result(['--', 'criu', 'swrk', '6']), refused(6));
  for (const words of [
    ['swrk'],
    ['swrk', '7'],
    ['swrk', '5x'],
    ['swrk', ''],
    ['5', 'swrk'],
    ['swrk', '99999999999999999999'],
  ])
    t.deepEqual(await result(words), { code: 0, said: [] }, words.join(' '));
});

test('plugins of the caller come along', async (t) => {
  const { directory, plan } = planned(t, simple);
  const plugins = join(directory, 'plugins');
  mkdirSync(plugins);
  for (const name of ['amdgpu_plugin.so', 'cuda_plugin.so', 'fdgraft.so', 'notes.txt', 'x.so.1'])
    writeFileSync(join(plugins, name), name);
  mkdirSync(join(plugins, 'directory.so'));
  const look = `ls -ld "$CRIU_LIBS_DIR" | cut -c1-10; ls "$CRIU_LIBS_DIR"; readlink "$CRIU_LIBS_DIR"/*; echo "$FDGRAFT_SOCKET" "$CRIU_LIBS_DIR"`;
  const check = async (words: string[], env: Record<string, string>, cwd = '/') => {
    const options: RunOptions = { give, env, cwd };
    const result = await exec(['--plan', plan, ...words, '--', 'sh', '-c', look], options);
    t.is(result.code, 0, result.stderr);
    const lines = result.stdout.trimEnd().split('\n');
    const [socket = '', made = ''] = lines.pop()?.split(' ') ?? [];
    t.is(made, socket.replace(/^.*:(.*)\/socket$/, '$1/plugins'));
    t.deepEqual(lines, [
      'drwx------',
      'amdgpu_plugin.so',
      'cuda_plugin.so',
      'fdgraft.so',
      join(plugins, 'amdgpu_plugin.so'),
      join(plugins, 'cuda_plugin.so'),
      join(build(), 'fdgraft.so'),
    ]);
    await gone(t, dirname(made));
  };
  await check(['--plugins', plugins], {});
  await check([], { CRIU_LIBS_DIR: plugins });
  await check(['--plugins', plugins], { CRIU_LIBS_DIR: '/nonexistent' });
  await check(['--plugins', 'plugins'], {}, directory);
});

test('nothing is left when COMMAND cannot be run', async (t) => {
  const { directory, plan } = planned(t, simple);
  const plugins = join(directory, 'plugins');
  mkdirSync(plugins);
  writeFileSync(join(plugins, 'other.so'), '');
  const options = nobody(t, directory);
  const words = ['--plan', plan, '--plugins', plugins, '--', 'no-such-program-anywhere'];
  const program = join(installed(directory), 'fdgraft-exec');
  const result = await run([...options.as, program, ...words], {
    give,
    env: { ...options.env, PATH: '/usr/bin:/bin' },
  });
  t.is(result.code, 127, result.stderr);
  t.deepEqual(readdirSync(options.runtime), ['fdgraft']);
  t.deepEqual(readdirSync(join(options.runtime, 'fdgraft')), []);
});

test('a umask that forbids everything, of a user who is not root', async (t) => {
  const { directory, plan } = planned(t, simple);
  const options = nobody(t, directory);
  const plugins = join(directory, 'plugins');
  mkdirSync(plugins);
  writeFileSync(join(plugins, 'other.so'), '');
  const program = join(installed(directory), 'fdgraft-exec');
  const inside = ['sh', '-c', 'umask 0777; exec "$@"', 'sh', program, '--plan', plan, '--plugins', plugins];
  const result = await run([...options.as, ...inside, '--', 'sh', '-c', 'umask; ls "$CRIU_LIBS_DIR"'], {
    give,
    env: { ...options.env, PATH: '/usr/bin:/bin' },
  });
  t.deepEqual([result.code, result.stdout, result.stderr], [0, '0777\nfdgraft.so\nother.so\n', '']);
});

test('without other plugins the own directory serves', async (t) => {
  const { directory, plan } = planned(t, simple);
  const bin = installed(directory);
  const empty = join(directory, 'empty');
  mkdirSync(empty);
  const words = [join(bin, 'fdgraft-exec'), '--plan', plan, '--plugins', empty, '--', helper('show')];
  t.like(shown(await run(words, { give })), { libs: bin });
});

test('the own directory does not serve where something else would be loaded from it', async (t) => {
  const { directory, plan } = planned(t, simple);
  const bin = installed(directory);
  writeFileSync(join(bin, 'stranger.so'), '');
  const look = 'ls "$CRIU_LIBS_DIR"; readlink "$CRIU_LIBS_DIR/fdgraft.so"; echo "$CRIU_LIBS_DIR"';
  const words = [join(bin, 'fdgraft-exec'), '--plan', plan, '--', 'sh', '-c', look];
  const result = await run(words, { give, env: { CRIU_LIBS_DIR: join(directory, 'bin', '..', 'none') } });
  t.is(result.code, 100);
  mkdirSync(join(directory, 'none'));
  const links = await run(words, { give, env: { CRIU_LIBS_DIR: join(directory, 'none') } });
  const [listed, target, made = ''] = links.stdout.split('\n');
  t.deepEqual([listed, target], ['fdgraft.so', join(bin, 'fdgraft.so')]);
  t.regex(made, /\/fdgraft\/[0-9a-f]{32}\/plugins$/);
});

test('plugins that are not there', async (t) => {
  const { directory, plan } = planned(t, simple);
  for (const words of [['--check'], ['--', 'true']]) {
    const result = await exec(['--plan', plan, '--plugins', join(directory, 'none'), ...words], { give });
    t.is(result.code, 100);
    t.regex(complaints(t, result.stderr)[0] ?? '', /^--plugins .*none: No such file or directory; give a directory/);
    const env = { CRIU_LIBS_DIR: plan };
    const file1 = await exec(['--plan', plan, ...words], { give, env });
    t.is(file1.code, 100);
    t.regex(complaints(t, file1.stderr)[0] ?? '', /^CRIU_LIBS_DIR .*: not a directory; give a directory/);
  }
});

test('the build has nothing beside the plugin that CRIU would load', (t) => {
  const plugins = readdirSync(build()).filter((name) => name.endsWith('.so'));
  t.deepEqual(plugins, ['fdgraft.so']);
});

test('the same problems in the sanitized build', async (t) => {
  const own = scratch(t);
  writeFileSync(join(own, 'inherit-plan.img'), planBytes(simple));
  const options: RunOptions = { variant: 'sanitized', give };
  t.is((await exec(['--plan', own, '--', 'true', '-L', '/x'], options)).code, 100);
  t.is((await exec(['--plan', own, '--', 'true'], options)).code, 0);
  t.is((await exec(['--plan', own, '--plugins', own, '--', 'true'], options)).code, 0);
  t.is((await exec(['--plan', own, '--check'], options)).code, 0);
  t.is((await exec(['--plan', own, '--', 'no-such-program-anywhere'], options)).code, 127);
});

test('a directory that cannot be listed to its end is an error', async (t) => {
  const { directory, plan } = planned(t, simple);
  const plugins = scratch(t);
  for (const [words, refused, message] of [
    [['--check'], directory, 'cannot list the image directory'],
    [['--check', '--plugins', plugins], plugins, `cannot list the plugins in ${plugins}`],
    [['--', 'true'], '/proc', 'the keeper of the caller fds cannot read /proc/self/fd'],
  ] as const) {
    const env = { LD_PRELOAD: helper('refuse'), REFUSED: `readdir ${refused}` };
    const result = await exec(['--plan', plan, ...words], { give, env });
    t.deepEqual([result.code, result.stderr], [111, `fdgraft-exec: ${message}: Input/output error\n`]);
  }
});

test('a keeper that cannot tell that it listens is an error, and no wait without an end', async (t) => {
  const { plan } = planned(t, simple);
  const env = { LD_PRELOAD: helper('refuse'), REFUSED: 'send' };
  const result = await exec(['--plan', plan, '--', 'true'], { give, env });
  t.is(result.code, 111);
  t.regex(complaints(t, result.stderr)[0] ?? '', /^the keeper of the caller fds ended at once; /);
});

test('a limit of file sizes is an error with a message', async (t) => {
  const { directory, plan } = planned(t, {
    ...simple,
    debugs: [{ text: 'debug[6]:a', callerFd: 6, output: Buffer.from('a') }],
  });
  const limited = ['prlimit', '--fsize=0', join(build(), 'fdgraft-exec'), '--plan'];
  const debug = await run([...limited, plan, '--', 'true'], {
    give: [...give, file(6, O.RDWR | O.CREAT, join(directory, 'debug'))],
  });
  t.deepEqual(
    [debug.code, debug.stderr],
    [111, 'fdgraft-exec: caller fd 6: cannot write the text of debug[6]:a: File too large\n'],
  );
  writePlan(directory, simple);
  writeFileSync(join(directory, 'pstree.img'), 'an image');
  const archive = join(scratch(t), 'archive.tar');
  await run(['tar', '-cf', archive, '-C', directory, 'pstree.img', 'inherit-plan.img']);
  const kept = await run([...limited, archive, '--check'], { give });
  t.deepEqual([kept.code, kept.stderr], [111, 'fdgraft-exec: cannot keep an image in memory: File too large\n']);
});
