import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { encodeImage } from '../support/images';
import { build, exec, helper, type Result, type RunOptions, run, type Variant } from '../support/native';
import { type Plan, sha256, writePlan } from '../support/planfile';
import { complaints, file, gone, installed, nobody, O, planned, scratch } from './support';

/** The keeper of the caller fds: its place among processes, what it says on its socket, and what is left of it. */

const simple: Plan = { placeholders: [{ fileId: 1, callerFd: 5 }] };
const give = [file(5, O.RDONLY, '/dev/null')];
const root = process.getuid?.() === 0;
const asRoot = root ? test : test.skip;

const KINDS = { offer: 2, refused: 3, fds: 5, end: 7 };

function frame(
  kind: keyof typeof KINDS,
  fields: Partial<Record<'reason' | 'first' | 'count' | 'number' | 'fds', number>>,
) {
  const { reason = 0, first = 0, count = 0, number = 0, fds = 0 } = fields;
  return `frame kind ${KINDS[kind]} version 2 reason ${reason} first ${first} count ${count} number ${number} fds ${fds}`;
}

/** Runs a shell script as COMMAND: $PEER and $HOST are the programs of the tests, $PLUGIN and $IMAGES host's words. */
async function script(plan: string, text: string, options: RunOptions & { words?: string[] } = {}): Promise<Result> {
  const { words = [], env, variant = 'plain', ...rest } = options;
  const names = {
    PEER: `${helper('peer')} client`,
    HOST: helper('host', variant),
    PLUGIN: join(build(variant), 'fdgraft.so'),
    IMAGES: dirname(plan),
  };
  return exec(['--plan', plan, ...words, '--', 'sh', '-c', text], {
    give,
    variant,
    ...rest,
    env: { ...names, ...env },
  });
}

const PLAY = '$HOST $PLUGIN $IMAGES 2';

function lines(result: Result): string[] {
  return result.stdout.trimEnd().split('\n');
}

/** Of the plugin in host. */
function errors(result: Result): string[] {
  return lines(result).flatMap((line) => /^log 1 Error \(fdgraft\): (.*)$/.exec(line)?.[1] ?? []);
}

/** The directory of a start, of a script whose first line is $FDGRAFT_SOCKET. */
function startDirectory(result: Result): string {
  return dirname(result.stdout.split('\n')[0]?.slice(65) ?? '');
}

for (const variant of ['plain', 'sanitized'] as Variant[])
  test(`${variant}: connections that end before all is fetched consume nothing`, async (t) => {
    const { plan } = planned(t, simple);
    const talk =
      '$PEER hello read close hello read want=0 read close; $PEER close hello read want=0 read want=0 read close';
    const result = await script(plan, `${talk}; ${PLAY} 1`, { variant });
    t.is(result.code, 0, result.stderr + result.stdout);
    const [offer, fds] = [frame('offer', { count: 1 }), frame('fds', { count: 1, number: 5, fds: 1 })];
    t.deepEqual(lines(result).slice(0, 6), [offer, offer, fds, offer, fds, fds]);
    t.true(lines(result).includes('init 0'));
    t.true(lines(result).some((line) => line.startsWith('hook 1 retry a5 clean fd /dev/null')));
  });

test('COMMAND without stdin, stdout or stderr', async (t) => {
  const { plan, directory } = planned(t, simple);
  const out = join(directory, 'out');
  for (const closed of [[0], [1], [2], [0, 1], [0, 1, 2]]) {
    const words = [...give, ...closed.map((fd) => `${fd}=closed`)];
    const text = `exec >${out} 2>&1; echo $FDGRAFT_SOCKET; $PEER hello read want=0 read done read read`;
    const result = await script(plan, text, { give: words });
    const said = readFileSync(out, 'utf8').split('\n');
    t.is(result.code, 0, said.join('\n'));
    const [offer, fds] = [frame('offer', { count: 1 }), frame('fds', { count: 1, number: 5, fds: 1 })];
    t.deepEqual(said.slice(1, 5), [offer, fds, frame('end', {}), 'closed']);
    await gone(t, dirname(said[0]?.slice(65) ?? ''));
  }
});

test('a fetch that is done is the last one, and everything is gone by then', async (t) => {
  const { plan } = planned(t, simple);
  const look = 'ls -d "$DIR" 2>&1; $PEER hello 2>&1';
  const text = `echo $FDGRAFT_SOCKET; DIR=\${FDGRAFT_SOCKET#*:}; DIR=\${DIR%/socket}; $PEER hello read want=0 read done read read; ${look}`;
  const result = await script(plan, text);
  t.is(result.code, 99, 'peer cannot connect');
  const expected = [
    frame('offer', { count: 1 }),
    frame('fds', { count: 1, number: 5, fds: 1 }),
    frame('end', {}),
    'closed',
  ];
  t.deepEqual(lines(result).slice(1, 5), expected);
  t.regex(result.stdout, /ls: .*No such file/);
  t.regex(result.stdout, /peer: .*No such file/);
});

for (const variant of ['plain', 'sanitized'] as Variant[])
  test(`${variant}: what is no word of the protocol ends the connection, and no more`, async (t) => {
    const { plan } = planned(t, simple);
    const talks: [string, string[]][] = [
      ['version=3 hello read read', [frame('refused', { reason: 1 }), 'closed']],
      ['version=0 size=8 hello read read', [frame('refused', { reason: 1 }), 'closed']],
      ['plan hello read read', [frame('refused', { reason: 2 }), 'closed']],
      ['magic=1 hello read', ['closed']],
      ['size=4 hello read', ['closed']],
      ['size=100 hello read', ['closed']],
      ['size=5000 hello read', ['closed']],
      ['rights hello read', ['closed']],
      ['done read', ['closed']],
      ['want=0 read', ['closed']],
      ['hello read hello read', [frame('offer', { count: 1 }), 'closed']],
      ['hello read want=1 read', [frame('offer', { count: 1 }), 'closed']],
      ['hello read want=4294967295 read', [frame('offer', { count: 1 }), 'closed']],
      ['hello read rights want=0 read', [frame('offer', { count: 1 }), 'closed']],
      ['hello read offer=1 read', [frame('offer', { count: 1 }), 'closed']],
    ];
    const text = talks.map(([words]) => `$PEER ${words}`).join('; ');
    const result = await script(plan, `${text}; ${PLAY} 1`, { variant });
    t.is(result.code, 0, result.stderr + result.stdout);
    const expected = talks.flatMap(([, said]) => said);
    t.deepEqual(lines(result).slice(0, expected.length), expected);
    t.true(lines(result).includes('init 0'));
  });

test('a peer that says nothing keeps others waiting only for a while', async (t) => {
  const { plan } = planned(t, simple);
  const said = join(scratch(t), 'said');
  const connected = `while [ ! -s ${said} ]; do sleep 0.01; done`;
  const result = await script(plan, `$PEER pid read >${said} & ${connected}; ${PLAY} 1; wait`);
  t.is(result.code, 0, result.stderr + result.stdout);
  t.true(lines(result).includes('init 0'));
  t.regex(readFileSync(said, 'utf8'), /\nclosed\n$/);
});

asRoot('a peer of another user is refused, whatever it was able to open', async (t) => {
  const { plan } = planned(t, simple);
  const result = await script(plan, `$PEER as=12345 hello read; $PEER as=65534 hello read; ${PLAY} 1`);
  t.is(result.code, 0, result.stderr + result.stdout);
  // The keeper may have closed before it is said hello.
  const said = lines(result).filter((line) => line !== 'cannot send: Broken pipe');
  t.deepEqual(said.slice(0, 2), ['closed', 'closed']);
  t.true(lines(result).includes('init 0'));
});

for (const variant of ['plain', 'sanitized'] as Variant[])
  test(`${variant}: 300 caller fds, and each is the one that it was`, async (t) => {
    const { directory, plan } = planned(t, {
      placeholders: Array.from({ length: 300 }, (_, i) => ({ fileId: i + 1, callerFd: i + 3 })),
    });
    const words = Array.from({ length: 300 }, (_, i) => {
      writeFileSync(join(directory, `file-${i}`), '');
      return file(i + 3, O.RDONLY, join(directory, `file-${i}`));
    });
    const ids = Array.from({ length: 300 }, (_, i) => i + 1);
    const result = await script(plan, `${PLAY} ${ids.join(' ')}`, { give: words, variant });
    t.is(result.code, 0, result.stderr);
    const answers = lines(result).flatMap((line) => /^hook \d+ .* fd (\S+) flags/.exec(line)?.[1] ?? []);
    t.deepEqual(
      answers,
      ids.map((id) => join(directory, `file-${id - 1}`)),
    );
  });

test('many caller fds, and more than CRIU has room for', async (t) => {
  const fds = Array.from({ length: 7000 }, (_, i) => i + 1000);
  const { plan } = planned(t, {
    specs: fds.map((callerFd) => ({ text: `fd[${callerFd}]:x`, callerFd })),
    placeholders: fds.map((callerFd, spec) => ({ fileId: callerFd, callerFd, spec })),
  });
  const words = ['16000=soft-limit', ...give, ...fds.map((fd) => `${fd}=dup:5`)];
  const few = await script(plan, `ulimit -n 256; ${PLAY}`, { give: words });
  t.is(few.code, 1);
  t.regex(
    errors(few).join('\n'),
    /caller fds came damaged, or with descriptors that CRIU has no room for; raise its limit/,
  );
  const all = await script(plan, `ulimit -Sn 256; ${PLAY} 1000 7999`, { give: words });
  t.is(all.code, 0, all.stderr + all.stdout.slice(-2000));
  t.is(lines(all).filter((line) => line.startsWith('stored //fdgraft/fd/')).length, 7000);
});

test('nobody keeps a caller fd after the fetch', async (t) => {
  const { plan } = planned(t, { placeholders: [{ fileId: 1, callerFd: 9, type: 'PIPE', flags: O.WRONLY }] });
  const result = await script(plan, `exec ${PLAY} end=5 drop end=5`, { give: ['5=pipe:9'] });
  t.is(result.code, 0, result.stderr + result.stdout);
  t.true(lines(result).includes('5 waits'), 'as long as CRIU has it');
  t.true(lines(result).includes('5 is at its end'));
});

const STATUS =
  'grep -E "^(PPid|NSsid)" /proc/$PID/status; ls -lv /proc/$PID/fd | sed -n "s/.* \\([0-9]* ->\\)/\\1/p"; readlink /proc/$PID/cwd; cat /proc/$PID/comm';

test('the keeper stands apart and has nothing but what it keeps', async (t) => {
  const { directory, plan } = planned(t, {
    placeholders: [
      { fileId: 1, callerFd: 5 },
      { fileId: 2, callerFd: 0 },
    ],
  });
  const own = join(directory, 'own');
  const words = [file(5, O.RDWR | O.CREAT, own), file(6, O.RDONLY, '/dev/zero'), '8=pipe:9'];
  const text = `PID=$($PEER pid); echo $PID $$; ${STATUS}`;
  const result = await script(plan, text, { give: words, cwd: directory });
  t.is(result.code, 0, result.stderr);
  const [[pid, command] = [], parent, session] = lines(result).map((line) => line.split(/\s+/));
  t.not(parent?.[1], command);
  t.is(session?.[1], pid, 'a session of its own');
  const fds = lines(result)
    .filter((line) => line.includes(' -> '))
    .map((line) => line.split(' -> ')[1] ?? '');
  t.deepEqual(fds.slice(0, 3), ['/dev/null', '/dev/null', '/dev/null']);
  t.is(fds.filter((link) => link === own).length, 1);
  const kept = new RegExp(`^(${own}|/dev/null|socket:.*|anon_inode:.*|.*/fdgraft(/[0-9a-f]{32})?)$`);
  for (const link of fds) t.regex(link, kept);
  t.deepEqual(lines(result).slice(-2), ['/', 'fdgraft-keeper']);
});

test('a keeper that is killed before the fetch is an error, and the next start removes what it left', async (t) => {
  const { directory, plan } = planned(t, simple);
  const { as, runtime, env } = nobody(t, directory);
  const program = join(installed(directory), 'fdgraft-exec');
  const other = join(directory, 'other');
  mkdirSync(other);
  writeFileSync(join(other, 'other.so'), '');
  const start = (text: string) =>
    run([...as, program, '--plan', plan, '--plugins', other, '--', 'sh', '-c', text], {
      give: ['5=file:0:/dev/null', '6=file:0:/dev/null'],
      env: { ...env, PATH: '/usr/bin:/bin' },
    });
  const base = join(runtime, 'fdgraft');
  const KEEPER =
    'for P in $(cd /proc; echo [0-9]*); do [ "$(cat /proc/$P/comm 2>/dev/null)" = fdgraft-keeper ] && readlink /proc/$P/fd/* 2>/dev/null | grep -qxF "$DIR" && kill -9 $P; done';
  const kill = `DIR=\${FDGRAFT_SOCKET#*:}; DIR=\${DIR%/socket}; ${KEEPER}; until flock -n "$DIR" true; do sleep 0.01; done; ls "$DIR" "$DIR/plugins"`;
  const killed = await start(kill);
  t.is(killed.code, 0, killed.stderr);
  const [left = ''] = readdirSync(base);
  t.deepEqual(readdirSync(join(base, left)).sort(), ['plugins', 'socket']);

  mkdirSync(join(base, 'f'.repeat(32)), { mode: 0o700 });
  writeFileSync(join(base, 'f'.repeat(32), 'strange'), 'stays');
  mkdirSync(join(base, 'e'.repeat(32)), { mode: 0o755 });
  mkdirSync(join(base, 'other'), { mode: 0o700 });
  const target = join(scratch(t), 'd'.repeat(32));
  mkdirSync(target, { mode: 0o700 });
  symlinkSync(target, join(base, 'd'.repeat(32)));
  symlinkSync(left, join(base, 'a'.repeat(64)));
  const next = await start('ls "$(dirname "$(dirname "$CRIU_LIBS_DIR")")"');
  t.is(next.code, 0, next.stderr);
  const listed = next.stdout.trimEnd().split('\n');
  t.false(listed.includes(left));
  t.is(listed.length, 5);
  for (const name of ['f'.repeat(32), 'd'.repeat(32), 'other']) t.true(existsSync(join(base, name)), name);
  t.is(readFileSync(join(base, 'f'.repeat(32), 'strange'), 'utf8'), 'stays');
  t.true(lstatSync(join(base, 'd'.repeat(32))).isSymbolicLink());
  t.true(existsSync(target));
});

test('CRIU says that the keeper was killed', async (t) => {
  const { plan } = planned(t, simple);
  const result = await script(
    plan,
    `kill -9 $($PEER pid); while $PEER pid >/dev/null 2>&1; do sleep 0.01; done; ${PLAY} 1`,
  );
  t.is(result.code, 1);
  t.regex(
    errors(result).join('\n'),
    // The second, if the start of another test has removed what was left meanwhile.
    /^cannot connect to \/.*: Connection refused; fdgraft-exec or its keeper has ended|^cannot open \/.*: No such file/,
  );
});

test('SIGTERM ends the keeper, and all that it had goes', async (t) => {
  const { plan } = planned(t, simple);
  const text = `echo $FDGRAFT_SOCKET; DIR=\${FDGRAFT_SOCKET#*:}; DIR=\${DIR%/socket}; kill $($PEER pid); while [ -e $DIR ]; do sleep 0.05; done; ${PLAY} 1`;
  const result = await script(plan, text);
  t.is(result.code, 1);
  t.regex(
    errors(result).join('\n'),
    /^cannot open \/.*: No such file or directory; they were fetched already, or fdgraft-exec has ended/,
  );
  t.false(existsSync(startDirectory(result)));
});

test('when COMMAND is gone the keeper is, and what COMMAND started has no use of it', async (t) => {
  const { plan } = planned(t, simple);
  const result = await script(plan, 'echo $FDGRAFT_SOCKET; $PEER pid; exit 7');
  t.is(result.code, 7);
  await gone(t, startDirectory(result));
  await gone(t, `/proc/${lines(result)[1]}/cwd`);
});

test('two starts of one plan do not meet', async (t) => {
  const { directory, plan } = planned(t, simple);
  const start = async (name: string) => {
    writeFileSync(join(directory, name), '');
    const meet = `touch ${directory}/is-${name}; while [ ! -e ${directory}/is-a -o ! -e ${directory}/is-b ]; do sleep 0.01; done`;
    return script(plan, `${meet}; ${PLAY} 1`, { give: [file(5, O.RDONLY, join(directory, name))] });
  };
  for (const [i, result] of (await Promise.all([start('a'), start('b')])).entries()) {
    t.is(result.code, 0);
    t.true(result.stdout.includes(`clean fd ${join(directory, 'ab'[i] ?? '')} flags`), result.stdout);
  }
});

for (const variant of ['plain', 'sanitized'] as Variant[])
  test(`${variant}: where the keeper becomes a child of CRIU, it is reaped in init`, async (t) => {
    const { plan } = planned(t, simple);
    const words = ['0=subreaper', ...give];
    const command = [helper('host', variant), join(build(variant), 'fdgraft.so'), dirname(plan), '2', 'child', '1'];
    const result = await exec(['--plan', plan, '--', ...command], { give: words, variant });
    t.is(result.code, 0, result.stderr + result.stdout);
    t.true(lines(result).includes('child none'), result.stdout);
  });

asRoot('the same as process 1, and the keeper has no number of the checkpoint', async (t) => {
  const { directory, plan } = planned(t, simple);
  const record = (pid: number, more: object) => ({ pid, ppid: 0, pgid: pid, sid: pid, threads: [pid], ...more });
  const tasks = [
    record(2, { threads: [2, 3, 4, 5, 6, 7] }),
    record(8, { pgid: 9, sid: 10 }),
    ...Array.from({ length: 30 }, (_, i) => record(11 + i, {})),
  ];
  writeFileSync(join(directory, 'pstree.img'), encodeImage('pstree.img', tasks));
  const unshare = ['unshare', '--pid', '--fork', '--mount-proc', join(build(), 'fdgraft-exec'), '--plan', plan, '--'];
  const command = [helper('host'), join(build(), 'fdgraft.so'), directory, '2', 'child', '1'];
  const result = await run([...unshare, ...command], { give });
  t.is(result.code, 0, result.stderr + result.stdout);
  t.true(lines(result).includes('child none'), result.stdout);
  const asked = await run([...unshare, helper('peer'), 'client', 'pid'], { give });
  t.is(lines(asked)[0], '41', asked.stderr);
});

asRoot('a namespace without a process 1 is an error, not a keeper that is dead', async (t) => {
  const { plan } = planned(t, simple);
  const result = await run(['unshare', '--pid', join(build(), 'fdgraft-exec'), '--plan', plan, '--', 'true'], { give });
  t.is(result.code, 111);
  t.regex(
    complaints(t, result.stderr)[0] ?? '',
    /^the keeper .* ended at once; if .* started by unshare --pid, add --fork$/,
  );
});

test('a keeper that was killed: nobody else is ended who has its number by now', async (t) => {
  const debugs = [{ text: 'debug[6]:a', callerFd: 6, output: Buffer.from('a') }];
  const { plan } = planned(t, { placeholders: [{ fileId: 1, callerFd: 5 }], debugs });
  // The text waits for room in the pipe while the keeper runs.
  const inside = [
    '"$@" & keeper=; while [ -z "$keeper" ]; do sleep 0.01; keeper=$(grep -l "^fdgraft-keeper" /proc/[0-9]*/comm); done 2>/dev/null',
    'keeper=$(basename $(dirname $keeper)); kill -KILL $keeper; while [ -e /proc/$keeper ]; do sleep 0.01; done',
    'echo $((keeper - 1)) >/proc/sys/kernel/ns_last_pid; sleep 100 >/dev/null 2>&1 & victim=$!',
    'sleep 15; echo $((keeper - victim)) $(grep State /proc/$victim/status)',
  ].join('\n');
  const own = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const unshare = ['unshare', ...own, '--pid', '--fork', '--mount-proc', 'sh', '-c', inside, 'sh'];
  const words = [...unshare, join(build(), 'fdgraft-exec'), '--plan', plan, '--', 'true'];
  const result = await run(words, { give: ['7=pipe:6', '6=fill', file(5, O.RDONLY, '/dev/null')] });
  t.is(result.stdout, '0 State: S (sleeping)\n', result.stderr);
});

test('a pstree.img that cannot be read', async (t) => {
  const wrong: [Buffer, RegExp][] = [
    [Buffer.alloc(0), /^pstree\.img: byte 0: not the magic number/],
    [Buffer.from('19435654', 'hex'), /byte 4: not the magic number/],
    [Buffer.from('194356543030275001', 'hex'), /byte 8: the size of a record is cut short/],
    [Buffer.from('1943565430302750ffffffff', 'hex'), /byte 8: the size of the record is past the limit/],
    [Buffer.from('194356543030275005000000', 'hex'), /byte 8: the record is cut short/],
    [Buffer.from('194356543030275001000000ff', 'hex'), /byte 8: the record is not a pstree_entry/],
  ];
  for (const [bytes, expected] of wrong) {
    const { directory, plan } = planned(t, simple);
    writeFileSync(join(directory, 'pstree.img'), bytes);
    const result = await exec(['--plan', plan, '--', 'true'], { give });
    t.is(result.code, 100);
    t.regex(complaints(t, result.stderr)[0] ?? '', expected);
    t.regex(result.stderr, /write the image directory again with fdgraft rewrite/);
  }
});

test('the variable alone decides where the socket is', async (t) => {
  const { directory, plan } = planned(t, simple);
  const digest = sha256(readFileSync(plan)).toString('hex');
  const play = async (value: string, expected: RegExp) => {
    const result = await script(plan, `export FDGRAFT_SOCKET; FDGRAFT_SOCKET="$VALUE"; ${PLAY} 1`, {
      env: { VALUE: value },
      words: ['--serve'],
    });
    t.is(result.code, 1);
    t.regex(errors(result).join('\n'), expected);
  };
  const form = /^FDGRAFT_SOCKET is not what this version of fdgraft-exec writes/;
  const long = `/${'x'.repeat(5000)}`;
  for (const value of ['', digest, `${digest}:`, `${digest}:x/socket`, `${digest}:/socket`, `${digest} /a/socket`])
    await play(value, form);
  for (const value of [
    `${digest}:/a/other`,
    `${digest.slice(1)}:/a/socket`,
    `${digest}:${long}/socket`,
    `${digest}0:/a/socket`,
  ])
    await play(value, form);
  await play(`${'0'.repeat(64)}:/a/socket`, /is not the one that fdgraft-exec was started with \(0{64}\)/);
  await play(`${digest}:/nonexistent/socket`, /^cannot open \/nonexistent, .*: No such file.*fetched already/);
  await play(`${digest}:${directory}/nothing/socket`, /nothing, where .*No such file/);
  mkdirSync(join(directory, 'open'), { mode: 0o755 });
  await play(`${digest}:${directory}/open/socket`, /it is not a directory of root or this user alone/);
  mkdirSync(join(directory, 'empty'), { mode: 0o700 });
  await play(`${digest}:${directory}/empty/socket`, /^cannot connect to .*\/empty\/socket: No such file/);
  symlinkSync('empty', join(directory, 'link'));
  await play(`${digest}:${directory}/link/socket`, /Not a directory/);
});

/** host, with a socket where a test program speaks. */
async function against(t: ExecutionContext, talk: string, plan: Plan = simple, variant: Variant = 'plain') {
  const own = scratch(t);
  const path = writePlan(own, plan);
  const directory = join(own, 'start');
  mkdirSync(directory, { mode: 0o700 });
  const text = `${helper('peer')} server ${directory} ${talk} >${own}/said & while [ ! -s ${own}/said ]; do sleep 0.01; done; ${helper('host', variant)} ${join(build(variant), 'fdgraft.so')} ${own} 2; wait`;
  const env = { FDGRAFT_SOCKET: `${sha256(readFileSync(path)).toString('hex')}:${directory}/socket` };
  return run(['sh', '-c', text], { give: [], env });
}

for (const variant of ['plain', 'sanitized'] as Variant[])
  test(`${variant}: the plugin believes no keeper`, async (t) => {
    const two: Plan = { placeholders: [5, 6].map((callerFd) => ({ fileId: callerFd, callerFd })) };
    const damaged = /came damaged, or with descriptors that CRIU has no room for/;
    const others = /^fdgraft-exec handed over other caller fds than the plan has/;
    const versions = /^fdgraft-exec speaks version \d+, fdgraft\.so version 2/;
    const talks: [string, RegExp][] = [
      ['close', /the keeper of the caller fds has ended/],
      ['read', /^the number of caller fds did not come: the keeper of the caller fds has ended/],
      ['version=7 offer=2 read', versions],
      ['version=7 size=8 offer=2 read', versions],
      ['magic=7 offer=2 read', damaged],
      ['size=20 offer=2 read', damaged],
      ['size=6000 offer=2 read', damaged],
      ['rights offer=2 read', damaged],
      ['end read', damaged],
      ['refused=1 read', versions],
      ['refused=2 read', /^fdgraft-exec has another plan/],
      ['refused=3 read', /^fdgraft-exec could not write a text of debug/],
      ['refused=99 read', damaged],
      ['offer=1 read', /^fdgraft-exec has 1 caller fds, the plan 2/],
      ['offer=4294967295 read', /^fdgraft-exec has 4294967295 caller fds, the plan 2/],
      ['offer=2 read read', /^caller fds did not come/],
      ['offer=2 read read fds=0:2:5:0 read', others],
      ['offer=2 read read fds=0:0:5:0 read', others],
      ['offer=2 read read fds=0:2:5:1 read', others],
      ['offer=2 read read fds=0:1:5:2 read', others],
      ['offer=2 read read fds=1:1:6:1 read', others],
      ['offer=2 read read fds=0:2:6:2 read', others],
      ['offer=2 read read fds=0:3:5:3 read', others],
      ['offer=2 read read fds=0:252:5:252 read', others],
      ['offer=2 read read fds=0:1:5:1 read fds=0:1:5:1 read', others],
      ['offer=2 read read fds=0:2:5:2 read', /^the end of the caller fds did not come/],
      ['offer=2 read read fds=0:2:5:2 read rights refused=3 read', /^fdgraft-exec could not write a text/],
      ['offer=2 read read fds=0:2:5:2 read offer=2 read', damaged],
      ['offer=2 read read fds=0:2:5:2 read named=a:2 read', damaged],
    ];
    for (const [talk, expected] of talks) {
      const result = await against(t, talk, two, variant);
      t.true(lines(result).includes('init -1'), `${talk}: ${result.stdout}${result.stderr}`);
      t.regex(errors(result).join('\n'), expected, talk);
      t.true(lines(result).includes('open after-init'), `${talk}: nothing stays open`);
      t.is(result.stderr, '', talk);
    }
    // A directory whose name is none of a start's is let go, and nothing is removed.
    for (const name of ['..', 'x'.repeat(40), '/etc', 'A'.repeat(32)]) {
      const result = await against(t, `offer=2 read read fds=0:2:5:2 read named=${name}:1 read`, two, variant);
      t.true(lines(result).includes('init 0'), result.stdout + result.stderr);
      t.true(lines(result).includes('open after-init'));
    }
  });

test('a keeper that does not answer is given up', async (t) => {
  t.timeout(120_000);
  const result = await against(t, 'read wait=40000');
  t.true(lines(result).includes('init -1'));
  t.regex(errors(result).join('\n'), /did not come within 25 s: the keeper of the caller fds does not answer/);
});

asRoot('a keeper of another user is refused', async (t) => {
  for (const user of [12345, 65534]) {
    const result = await against(t, `as=${user} read`);
    t.true(lines(result).includes('init -1'));
    t.regex(
      errors(result).join('\n'),
      new RegExp(`^the socket for the caller fds belongs to user ${user}; run fdgraft-exec as root`),
    );
  }
});

test('a user who is not root, and one who is root of a user namespace alone', async (t) => {
  const { directory, plan } = planned(t, simple);
  const { as, runtime, env } = nobody(t, directory);
  const bin = installed(directory);
  copyFileSync(helper('host'), join(bin, 'host'));
  const play = [join(bin, 'host'), join(bin, 'fdgraft.so'), directory, '2', '1'];
  // A user namespace of its own is not allowed everywhere.
  const inside = ['unshare', '--user', '--map-root-user'];
  const allowed = (await run([...as, ...inside, 'true'])).code === 0;
  for (const words of allowed ? [[], inside] : [[]]) {
    const command = [...as, ...words, join(bin, 'fdgraft-exec'), '--plan', plan, '--', ...play];
    const result = await run(command, { give, env: { ...env, PATH: '/usr/bin:/bin' } });
    t.is(result.code, 0, result.stderr + result.stdout);
    t.true(
      lines(result).some((line) => line.startsWith('hook 1 retry a5 clean fd /dev/null')),
      result.stdout,
    );
    t.deepEqual(readdirSync(join(runtime, 'fdgraft')), []);
  }
});

test('a runtime directory that others can reach is not used', async (t) => {
  const { directory, plan } = planned(t, simple);
  const { as, runtime, env } = nobody(t, directory);
  const program = join(installed(directory), 'fdgraft-exec');
  const start = (more: Record<string, string>) =>
    run([...as, program, '--plan', plan, '--', 'true'], { give, env: { ...env, PATH: '/usr/bin:/bin', ...more } });
  const refuses = async (more: Record<string, string>, expected: RegExp) => {
    const result = await start(more);
    t.is(result.code, 111);
    t.regex(complaints(t, result.stderr)[0] ?? '', expected);
  };
  await refuses(
    { XDG_RUNTIME_DIR: '' },
    /XDG_RUNTIME_DIR is not an absolute path; set it to a directory that is yours/,
  );
  await refuses({ XDG_RUNTIME_DIR: 'run' }, /XDG_RUNTIME_DIR is not an absolute path/);
  await refuses(
    { XDG_RUNTIME_DIR: '/nonexistent' },
    /^\/nonexistent\/fdgraft: cannot be used for the socket: No such file/,
  );
  await refuses({ XDG_RUNTIME_DIR: '/dev/null' }, /: Not a directory; make it a directory of this user with mode 0700/);
  const open = join(runtime, 'open');
  const made = await run([
    ...as,
    'sh',
    '-c',
    `mkdir -m 777 ${open} ${runtime}/base && mkdir -m 755 ${runtime}/base/fdgraft ${runtime}/link && ln -s ../base/fdgraft ${runtime}/link/fdgraft`,
  ]);
  t.is(made.code, 0, made.stderr);
  await refuses({ XDG_RUNTIME_DIR: open }, /other users can write to it/);
  await run([...as, 'chmod', '755', `${runtime}/base`]);
  await refuses({ XDG_RUNTIME_DIR: join(runtime, 'base') }, /its mode is not 0700/);
  await refuses({ XDG_RUNTIME_DIR: join(runtime, 'link') }, /Not a directory/);
  t.is((await start({})).code, 0);
});
