import { execFileSync, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { command, top } from '../support/command';
import { fileEntry, pipeEntry, snapshot, temporaryDirectory, writeCheckpoint } from '../support/directories';
import { smallWith } from '../support/rewriting';

function fdgraft(args: readonly string[], options: { env?: NodeJS.ProcessEnv } = {}) {
  const [node, ...before] = command;
  const result = spawnSync(node, [...before, ...args], {
    cwd: top,
    encoding: 'utf8',
    env: { ...process.env, ...options.env },
  });
  return { status: result.status, stdout: result.stdout, stderr: result.stderr };
}

function checkpoint(t: ExecutionContext) {
  const directory = temporaryDirectory(t);
  return { directory, source: writeCheckpoint(directory, smallWith({})), out: path.join(directory, 'out') };
}

test('ls prints options that rewrite takes as they are', (t) => {
  const files = [
    fileEntry(1, '/usr/bin/program', 0),
    pipeEntry(2, 4711, 1),
    fileEntry(3, "/it's [a] *\n?", 1),
    fileEntry(4, '/', 0),
  ];
  const directory = temporaryDirectory(t);
  const source = writeCheckpoint(directory, smallWith({ 'files.img': files }));
  const { stdout, status } = fdgraft(['ls', source]);
  t.is(status, 0);
  // The root directory is listed, but cannot be split from the tasks' working directory yet.
  const lines = stdout.split('\n').filter((line) => line !== '' && !line.includes("fd[N]:/'"));
  t.is(lines.length, 2);
  for (const line of lines) {
    const option = (line.match(/^(--inherit-fd '.*?') {2}/)?.[1] ?? '').replace('fd[N]', 'fd[9]');
    const [node, ...before] = command;
    const quoted = [node, ...before, 'rewrite', source, '--dry-run', '--json'].map((word) => `'${word}'`).join(' ');
    const plan = JSON.parse(execFileSync('sh', ['-c', `${quoted} ${option}`], { cwd: top, encoding: 'utf8' }));
    t.is(plan.plan.placeholders.length, 1, option);
  }
});

test('ls --json has keys, access and descriptors', (t) => {
  const { source } = checkpoint(t);
  const listed = JSON.parse(fdgraft(['ls', source, '--json']).stdout);
  t.like(listed, { format: 'fdgraft.ls', version: 1 });
  t.deepEqual(listed.entries[0], {
    file_id: 2,
    type: 'PIPE',
    key: 'pipe:[4711]',
    access: { read: false, write: true },
    flags: 1,
    pipe_id: 4711,
    unread_bytes: 0,
    missing_end: 'read',
    external: true,
    descriptors: [
      { table: 1, pids: [7], names: [''], fd: 1, close_on_exec: false },
      { table: 1, pids: [7], names: [''], fd: 6, close_on_exec: true },
      { table: 2, pids: [8], names: [''], fd: 1, close_on_exec: false },
    ],
    other_references: [],
    ties: [],
  });
});

test('ls filters, and says after the list which spec takes nothing', (t) => {
  const { source } = checkpoint(t);
  const lines = (...options: string[]) => {
    const { stdout, status } = fdgraft(['ls', source, ...options]);
    t.is(status, 0, options.join(' '));
    return stdout.split('\n').flatMap((line) => /'(fd\[\w+\]:[^']*)'/.exec(line)?.[1] ?? []);
  };
  t.deepEqual(lines('--external'), ['fd[N]:pipe:[4711]']);
  t.deepEqual(lines('--path', '/var/**'), ['fd[N]:/var/log/app.log']);
  t.deepEqual(lines('--external', '--path', '/var/**'), []);
  t.deepEqual(lines('--inherit-fd', 'fd[5]:/proc/8/fd/1'), ['fd[5]:pipe:[4711]']);
  const { stdout, stderr, status } = fdgraft([
    'ls',
    source,
    '--inherit-fd',
    'fd[7]:var/**',
    '--inherit-fd',
    'fd[8]:/x',
  ]);
  t.is(status, 1);
  t.regex(stdout, /^--inherit-fd 'fd\[7\]:\/var\/log\/app\.log' /);
  t.regex(stderr, /spec 'fd\[8\]:\/x' matches nothing/);
  t.is(fdgraft(['ls', source, '--path', '[']).status, 2);
});

test('hints name the checkpoint as a shell takes it', (t) => {
  const { source } = checkpoint(t);
  const spaced = `${source} of '$(id)'`;
  fs.renameSync(source, spaced);
  const word = `${source.replace(/[^/]*$/, '')}`;
  const quoted = `'${word}${spaced.slice(word.length).replaceAll("'", "'\\''")}'`;
  const none = ['--inherit-fd', 'fd[8]:/x'];
  for (const args of [
    ['rewrite', spaced, '--dry-run'],
    ['rewrite', spaced, '--dry-run', ...none],
    ['ls', spaced, ...none],
  ]) {
    const { stderr } = fdgraft(args);
    t.true(stderr.includes(`fdgraft ls ${quoted} `), stderr);
  }
});

test('a list that breaks off is no whole JSON', (t) => {
  const { source } = checkpoint(t);
  const files = fs.readFileSync(path.join(source, 'fdinfo-2.img'));
  fs.writeFileSync(path.join(source, 'fdinfo-2.img'), files.subarray(0, -1));
  const { stdout, stderr, status } = fdgraft(['ls', source, '--json']);
  t.is(status, 2);
  t.is(stdout, '');
  t.regex(stderr, /^fdgraft: fdinfo-2\.img/);
});

test('rewrite --in-place goes with no other place, and --json names the command to run next', (t) => {
  const { source, out } = checkpoint(t);
  const spec = ['--inherit-fd', 'fd[5]:pipe:[4711]'];
  t.is(fdgraft(['rewrite', source, '--in-place', '-o', out, ...spec]).status, 2);
  t.is(fdgraft(['rewrite', source, '--in-place', '--link', 'copy', ...spec]).status, 2);
  t.is(fdgraft(['rewrite', source, '--in-place', '--dry-run', ...spec]).status, 0);
  t.false(fs.existsSync(path.join(source, 'inherit-plan.img')));
  const { stdout, status } = fdgraft(['rewrite', source, '--in-place', '--json', ...spec]);
  t.is(status, 0);
  const { out: where, next } = JSON.parse(stdout);
  t.is(where, source);
  const command = ['fdgraft-exec', '--plan', source, '--', 'criu', 'restore', '-D', source];
  const shell = `${command.join(' ')} 5>FILE5`;
  const redirections = [{ fd: 5, operator: '>' }];
  t.deepEqual(next, { restorer: 'criu', command, placeholders: [], redirections, shell });
  t.true(fs.existsSync(path.join(source, 'inherit-plan.img')));
});

test('rewrite prints the plan and the command to go on with', (t) => {
  const { source, out } = checkpoint(t);
  const { status, stdout, stderr } = fdgraft([
    'rewrite',
    source,
    '-o',
    out,
    '--inherit-fd',
    'fd[5]:pipe:[4711]',
    '--link',
    'copy',
  ]);
  t.is(status, 0);
  t.is(
    stdout,
    [
      'fd[5] <- PIPE pipe:[4711] (file id 2, write)',
      '    for 7/1, 7/6 (close-on-exec), 8/1',
      'changed images: fdinfo-1.img, fdinfo-2.img, files.img',
      `restore with: fdgraft-exec --plan ${out} -- criu restore -D ${out} 5>FILE5`,
      '',
    ].join('\n'),
  );
  t.is(stderr, '');
});

test('--quiet prints nothing where all is well', (t) => {
  const { source, out } = checkpoint(t);
  t.deepEqual(fdgraft(['rewrite', source, '-o', out, '--inherit-fd', 'fd[5]:pipe:[4711]', '--quiet']), {
    status: 0,
    stdout: '',
    stderr: '',
  });
});

test('--save-plan - puts the plan on stdout, and the text elsewhere', (t) => {
  const { source, out } = checkpoint(t);
  const { stdout, stderr } = fdgraft([
    'rewrite',
    source,
    '-o',
    out,
    '--inherit-fd',
    'fd[5]:pipe:[4711]',
    '--save-plan',
    '-',
  ]);
  t.like(JSON.parse(stdout), { format: 'fdgraft.plan' });
  t.regex(stderr, /fd\[5\] <- PIPE/);
});

test('several specs, each in an option of its own', (t) => {
  const { source } = checkpoint(t);
  const specs = ['--inherit-fd', 'fd[5]:pipe:[4711]', '--inherit-fd', 'fd[7]:/var/log/app.log'];
  const { plan } = JSON.parse(fdgraft(['rewrite', ...specs, source, '--dry-run', '--json']).stdout);
  t.is(plan.placeholders.length, 2);
});

const NO: [string, string[], number, RegExp][] = [
  ['no command', [], 2, /a command is missing/],
  ['an unknown command', ['rewirte', 'x'], 2, /rewrite/],
  ['an unknown option', ['ls', 'SOURCE', '--bogus'], 2, /bogus/],
  ['no source', ['ls'], 2, /source|positional|arguments/i],
  [
    'a pattern',
    ['ls', '/no/such/*'],
    2,
    /\/no\/such\/\*: cannot be read: it does not exist\n {2}fdgraft batch takes patterns; /,
  ],
  ['a source that is not there', ['ls', '/no/such'], 2, /\/no\/such: cannot be read: it does not exist/],
  ['a source that is no checkpoint', ['ls', 'DIRECTORY'], 2, /no inventory\.img/],
  ['a source that is a file', ['ls', 'SOURCE/pstree.img'], 2, /is one image, and a checkpoint belongs here/],
  [
    'no spec',
    ['rewrite', 'SOURCE', '-o', 'OUT'],
    2,
    /no spec was given: --inherit-fd, --specs and --from-descriptors name/,
  ],
  ['a spec without its value', ['rewrite', 'SOURCE', '-o', 'OUT', '--inherit-fd'], 2, /inherit-fd/],
  [
    'the next word taken for a spec',
    ['rewrite', '--inherit-fd', 'fd[5]:pipe:[4711]', 'fd[6]:pipe:[1]', 'SOURCE', '-o', 'OUT'],
    2,
    /there is more: .*\n {2}write --inherit-fd before each spec; /,
  ],
  ['--specs without a file', ['rewrite', 'SOURCE', '-o', 'OUT', '--specs'], 2, /specs/],
  [
    '--specs with a file that is not there',
    ['rewrite', 'SOURCE', '-o', 'OUT', '--specs', 'OUT.json'],
    2,
    /does not exist/,
  ],
  [
    '--from-descriptors without a list',
    ['rewrite', 'SOURCE', '-o', 'OUT', '--from-descriptors'],
    2,
    /no descriptors\.json/,
  ],
  ['a malformed spec', ['rewrite', 'SOURCE', '-o', 'OUT', '--inherit-fd', 'fd[5]pipe:[4711]'], 2, /colon/],
  ['an unmatched spec', ['rewrite', 'SOURCE', '-o', 'OUT', '--inherit-fd', 'fd[5]:pipe:[1]'], 1, /matches nothing/],
  ['neither OUT nor a dry run', ['rewrite', 'SOURCE', '--inherit-fd', 'fd[5]:pipe:[4711]'], 2, /-o OUT/],
  ['OUT twice', ['rewrite', 'SOURCE', '-o', 'OUT', '-o', 'OUT', '--inherit-fd', 'fd[5]:pipe:[4711]'], 2, /2 times/],
  ['an empty OUT', ['rewrite', 'SOURCE', '-o', '', '--inherit-fd', 'fd[5]:pipe:[4711]'], 2, /--out has an empty value/],
  [
    'an unknown way to link',
    ['rewrite', 'SOURCE', '-o', 'OUT', '--link', 'magic', '--inherit-fd', 'fd[5]:pipe:[4711]'],
    2,
    /magic/,
  ],
  [
    'two claims on stdout',
    ['rewrite', 'SOURCE', '-o', 'OUT', '--json', '--save-plan', '-', '--inherit-fd', 'fd[5]:pipe:[4711]'],
    2,
    /stdout/,
  ],
];
for (const [what, args, status, problem] of NO) {
  test(`${what}: exit ${status}, a message on stderr, nothing on stdout, no OUT`, (t) => {
    const { source, out, directory } = checkpoint(t);
    const result = fdgraft(
      args.map((word) => word.replace('SOURCE', source).replace('OUT', out).replace('DIRECTORY', directory)),
    );
    t.is(result.status, status);
    t.regex(result.stderr, problem);
    t.notRegex(result.stderr, /\n\s+at /);
    t.is(result.stdout, '');
    t.false(fs.existsSync(out));
  });
}

test('--help and --version answer on stdout', (t) => {
  for (const args of [['--help'], ['ls', '--help'], ['rewrite', '--help']]) {
    const { status, stdout } = fdgraft(args);
    t.is(status, 0);
    t.regex(stdout, /Exit codes:/);
  }
  t.regex(fdgraft(['--version']).stdout, /^\d+\.\d+\.\d+\n$/);
  t.regex(fdgraft(['completion']).stdout, /fdgraft/);
});

test('nothing from an image reaches the terminal as a control character', (t) => {
  const files = [
    fileEntry(1, '/usr/bin/program', 0),
    pipeEntry(2, 4711, 1),
    fileEntry(3, '/a\u001b]0;b\u0007', 1),
    fileEntry(4, '/', 0),
  ];
  const source = writeCheckpoint(temporaryDirectory(t), smallWith({ 'files.img': files }));
  const { stdout, stderr } = fdgraft(['ls', source]);
  t.notRegex(stdout + stderr, /\u001b|\u0007/);
  t.regex(stdout, /\\x1b\]0;b\\x07/);
});

test('a reader that goes away is no error', (t) => {
  const { source } = checkpoint(t);
  const words = [...command, 'ls', source].map((word) => `'${word}'`).join(' ');
  const { status, stderr } = spawnSync('bash', ['-c', `set -o pipefail; ${words} | true`], {
    cwd: top,
    encoding: 'utf8',
  });
  t.deepEqual({ status, stderr }, { status: 0, stderr: '' });
});

test('a full disk behind stdout is told', (t) => {
  const { source } = checkpoint(t);
  const words = [...command, 'ls', source].map((word) => `'${word}'`).join(' ');
  const { status, stderr } = spawnSync('sh', ['-c', `${words} > /dev/full`], { cwd: top, encoding: 'utf8' });
  t.is(status, 2);
  t.is(stderr, 'fdgraft: stdout: the disk is full (ENOSPC)\n');
});

// Serial: others block this thread while they wait for their commands.
test.serial('a signal in the middle leaves no OUT and nothing half-made', async (t) => {
  const { source, out, directory } = checkpoint(t);
  // A large unchanged image that has to be copied keeps the rewrite busy while the signal comes.
  fs.writeFileSync(path.join(source, 'work'), '');
  fs.truncateSync(path.join(source, 'work'), 2 ** 31);
  const [node, ...before] = command;
  const child = spawn(
    node,
    [...before, 'rewrite', source, '-o', out, '--link', 'copy', '--inherit-fd', 'fd[5]:pipe:[4711]'],
    { cwd: top },
  );
  const exit = new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
    child.on('exit', (code, signal) => resolve([code, signal])),
  );
  while (!fs.readdirSync(directory).some((name) => name.startsWith('.')) && child.exitCode === null)
    await new Promise((resolve) => setTimeout(resolve, 5));
  child.kill('SIGTERM');
  t.deepEqual(await exit, [null, 'SIGTERM']);
  t.deepEqual(fs.readdirSync(directory), [path.basename(source)]);
});

test('diff does not write over what it compares', (t) => {
  const { source, directory } = checkpoint(t);
  const before = snapshot(directory);
  for (const out of [path.join(source, 'files.img'), path.join(source, 'new')]) {
    const { status, stderr } = fdgraft(['diff', source, source, '-o', out]);
    t.is(status, 2);
    t.regex(stderr, /is, or lies inside, .* which is only read/);
  }
  t.deepEqual(snapshot(directory), before);
});

test('--specs and --from-descriptors stand beside --inherit-fd', (t) => {
  const directory = temporaryDirectory(t);
  const list = Buffer.from('["/dev/null","pipe:[4711]"]');
  const source = writeCheckpoint(directory, smallWith({ 'descriptors.json': list }));
  const specs = path.join(directory, 'specs.json');
  const spec = { inherit: 'fd[6]:/proc/8/fd/1', only: true, apply: 'reopen' };
  fs.writeFileSync(specs, JSON.stringify({ version: 1, specs: [spec] }));
  const words = ['--specs', specs, '--from-descriptors', '--inherit-fd', 'fd[7]:/var/log/app.log'];
  const { status, stdout, stderr } = fdgraft(['rewrite', source, '--dry-run', ...words]);
  t.deepEqual([status, stderr], [0, '']);
  t.is(
    stdout,
    [
      'fd[6] <- PIPE pipe:[4711] (file id 2, write, opened again)',
      '    for 8/1',
      'fd[7] <- REG /var/log/app.log (file id 3, write, offset 162)',
      '    for 7/3',
      'fd[1] <- PIPE pipe:[4711] (file id 5, split off from file id 2, write)',
      '    for 7/1, 7/6 (close-on-exec)',
      'changed images: fdinfo-1.img, fdinfo-2.img, files.img',
      'dry run: nothing was written',
      '',
    ].join('\n'),
  );
  fs.writeFileSync(specs, JSON.stringify({ version: 1, specs: [{ ...spec, aply: 'dup' }] }));
  const wrong = fdgraft(['rewrite', source, '--dry-run', ...words]);
  t.is(wrong.status, 2);
  t.regex(wrong.stderr, /specs\.json: \/specs\/0 \(fd\[6\]:\/proc\/8\/fd\/1\): there is no option aply/);
});

test('diff --ignore-ids: of directories, of images, and not with a plan', (t) => {
  const [a, b] = ['job', 'job_later'].map((name) => path.join(top, 'fixtures/images', name)) as [string, string];
  const { stdout, status } = fdgraft(['diff', a, b, '--ignore-ids']);
  t.is(status, 1);
  t.true(stdout.includes('\n14716/6: opened, /srv/fdgraft/report\n'));
  t.notRegex(stdout, /dump_criu_run_id|fs-14716/);
  const lone = fdgraft(['diff', `${a}/files.img`, `${b}/files.img`, '--ignore-ids']);
  t.regex(lone.stdout, /^ {2}id 5: added$/m);
  t.notRegex(lone.stdout, /^ {2}id \d+: removed$/m);
  const wrong = fdgraft(['diff', a, b, '--ignore-ids', '--plan', b]);
  t.deepEqual([wrong.status, wrong.stdout], [2, '']);
  t.regex(wrong.stderr, /^fdgraft: a plan says which ids a rewrite kept.*\n {2}give --plan, or --ignore-ids\n$/);
});
