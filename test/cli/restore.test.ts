import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { putCheckpoint } from '../support/batch';
import { bin, register, top } from '../support/command';
import { snapshot, temporaryDirectory } from '../support/directories';
import { build, helper, runtimeEnvironment } from '../support/native';
import { smallWith } from '../support/rewriting';

/** `fdgraft restore` with a program in the place of criu, which tells what it gets. */

const linuxTest = process.platform === 'linux' ? test : test.skip;

const CHECKPOINT = path.join(top, 'fixtures/images/pipe_outside');
const SPEC = 'pipe:[126920]';
const FD_5 = ['--inherit-fd', `fd[5]:${SPEC}`];
const NO_CONFIG = '--no-default-config';
const APPEND = '2101';

/** Prints its words and descriptors, and then does what $THEN says. */
const CRIU = `#!/bin/sh
for word; do echo "word $word"; done
for fd in /proc/$$/fd/*; do echo "fd \${fd##*/} $(readlink $fd)"; done
eval "$THEN"
`;

interface Place {
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
}

function arrange(t: ExecutionContext, criu = CRIU): Place {
  const directory = temporaryDirectory(t);
  const bin = path.join(directory, 'bin');
  fs.mkdirSync(bin);
  if (criu !== '') fs.writeFileSync(path.join(bin, 'criu'), criu, { mode: 0o755 });
  fs.cpSync(CHECKPOINT, path.join(directory, 'dump'), { recursive: true });
  const env = { ...process.env, ...runtimeEnvironment(), PATH: `${bin}:${build()}:/usr/bin:/bin`, HOME: directory };
  return { directory, env };
}

/** Runs it as a shell would, with these words for give. */
function words(give: readonly string[], args: readonly string[]): [string, string[]] {
  return [helper('give'), [...give, '--', process.execPath, bin, 'restore', ...args]];
}

function run({ directory, env }: Place, give: readonly string[], args: readonly string[], then = '') {
  const [program, argv] = words(give, args);
  const options = { cwd: directory, env: { ...env, THEN: then }, encoding: 'utf8', input: '' } as const;
  const { status, signal, stdout, stderr } = spawnSync(program, argv, options);
  return { status, signal, stdout, stderr, said: stdout.split('\n').filter((line) => line !== '') };
}

/** The directory that criu was given. */
function outOf(said: readonly string[]): string {
  return said[said.indexOf('word -D') + 1]?.slice('word '.length) ?? '';
}

const log = ({ directory }: Place, fd = 5) => `${fd}=file:${APPEND}:${directory}/log`;

linuxTest('criu gets its words, with a directory of links in the place of its images', (t) => {
  const place = arrange(t);
  const before = snapshot(path.join(place.directory, 'dump'));
  const args = ['-dv4', '-D', 'dump', ...FD_5, NO_CONFIG, '--pidfile', 'pid'];
  const then = 'ls -l "$3"; exit 7';
  const { status, stderr, said } = run(place, [log(place)], args, then);
  t.is(status, 7, stderr);
  const out = outOf(said);
  t.regex(out, /\/fdgraft\/restore-\w{6}\/images$/);
  const expected = ['restore', '-D', out, '-W', 'dump', '-d', '-v4', NO_CONFIG];
  t.deepEqual(
    said.filter((line) => line.startsWith('word ')).map((line) => line.slice('word '.length)),
    [...expected, '--pidfile', 'pid'],
  );
  t.true(said.some((line) => line.includes('pages-1.img -> ../')));
  t.true(said.some((line) => line.endsWith(' inherit-plan.img')));
  t.false(fs.existsSync(path.dirname(out)));
  t.deepEqual(snapshot(path.join(place.directory, 'dump')), before);
});

linuxTest('criu has the fds of the caller at their numbers, but for those of the plan, and none of Node.js', (t) => {
  const place = arrange(t);
  const others = [3, 4, 9, 10, 11, 12, 13, 17, 30, 200];
  const give = [log(place), ...others.map((fd) => `${fd}=file:${APPEND}:${place.directory}/${fd}`)];
  const { status, said, stderr } = run(place, give, ['-D', 'dump', ...FD_5, NO_CONFIG]);
  t.is(status, 0, stderr);
  const fds = said.flatMap((line) => /^fd (\d+) (.*)$/.exec(line)?.slice(1, 3).join(' ') ?? []);
  const own = path.dirname(outOf(said));
  const expected = others.map((fd) => `${fd} ${place.directory}/${fd}`);
  // The shell has its script and a pipe.
  const found = fds.filter((line) => !/^[0-2] |\/bin\/criu$| pipe:/.test(line) && !line.endsWith(` ${own}`));
  t.deepEqual(found.sort(), expected.sort());
});

linuxTest('a warning names the options that the images need and criu does not get', (t) => {
  const place = arrange(t);
  const tasks = { 'pstree.img': [{ pid: 7, ppid: 0, pgid: 7, sid: 3, threads: [7] }] };
  const uprobes = { 'inventory.img': [{ img_version: 2, fdinfo_per_id: true, allow_uprobes: true }] };
  putCheckpoint(path.join(place.directory, 'job'), smallWith(tasks));
  putCheckpoint(path.join(place.directory, 'both'), smallWith({ ...tasks, ...uprobes }));
  const config = path.join(place.directory, 'criu.conf');
  fs.writeFileSync(config, 'shell-job\n');
  const warned = (directory: string, ...more: string[]) => {
    const { status, stderr } = run(
      place,
      [log(place)],
      ['-D', directory, '--inherit-fd', 'fd[5]:pipe:[4711]', ...more],
    );
    t.is(status, 0, stderr);
    return stderr.split('\n').filter((line) => line.includes('the images need'));
  };
  const one = 'warning: the images need --shell-job: add it, or criu fails, hangs or leaves a part out';
  const two =
    'warning: the images need --shell-job and --allow-uprobes: add them, or criu fails, hangs or leaves a part out';
  t.deepEqual(warned('job', NO_CONFIG), [one]);
  t.deepEqual(warned('job', NO_CONFIG, '-j', '--no-shell-job'), [one]);
  t.deepEqual(warned('both', NO_CONFIG), [two]);
  t.deepEqual(warned('both', NO_CONFIG, '--allow-uprobes'), [one]);
  t.deepEqual(warned('job', NO_CONFIG, '--quiet'), []);
  t.deepEqual(warned('job', NO_CONFIG, '-j'), []);
  t.deepEqual(warned('job', NO_CONFIG, '--shell-j'), []);
  t.deepEqual(warned('job', '--config', config), []);
  t.deepEqual(warned('both', NO_CONFIG, '--allow-uprobes', '-dj'), []);
});

linuxTest('a restore that fails says where criu has written why', (t) => {
  const place = arrange(t);
  const noted = (then: string, ...more: string[]) => {
    const { stderr } = run(place, [log(place)], ['-D', 'dump', ...FD_5, NO_CONFIG, ...more], then);
    return stderr.split('\n').filter((line) => line.startsWith('note: criu ended'));
  };
  const note = (file: string) => [
    `note: criu ended with 7: ${path.join(fs.realpathSync(place.directory), file)} has its messages`,
  ];
  t.deepEqual(noted('exit 7', '-o', 'r.log'), note('dump/r.log'));
  t.deepEqual(noted('exit 7', '-o', 'r.log', '-W', 'work'), note('work/r.log'));
  t.deepEqual(noted('exit 7', '-o', `${fs.realpathSync(place.directory)}/r.log`), note('r.log'));
  t.deepEqual(noted('exit 7'), [], 'criu has said it on stderr');
  t.deepEqual(noted('exit 7', '-o', '-'), []);
  t.deepEqual(noted('exit 0', '-o', 'r.log'), []);
  t.deepEqual(noted('exit 7', '-o', 'r.log', '--quiet'), []);
  t.deepEqual(noted('kill -9 $$', '-o', 'r.log'), []);
});

linuxTest('a number that the caller has not open is refused, whatever Node.js has there', (t) => {
  const place = arrange(t);
  for (const fd of [3, 4, 6, 8, 9, 10, 11, 14, 17, 20, 40]) {
    const { status, stderr } = run(place, [], ['-D', 'dump', '--inherit-fd', `fd[${fd}]:${SPEC}`, NO_CONFIG]);
    t.is(status, 2, `${fd}`);
    t.regex(
      stderr,
      new RegExp(`^fdgraft: spec 'fd\\[${fd}\\]:.*': descriptor ${fd} was not open when fdgraft was started\\n`),
    );
  }
});

linuxTest('numbers low and high, and /dev/null, are taken', (t) => {
  const place = arrange(t);
  for (const fd of [0, 1, 2, 3, 7, 16, 20, 64, 300]) {
    const spec = ['--inherit-fd', `fd[${fd}]:${SPEC}`];
    const { status, stderr } = run(place, [log(place, fd)], ['-D', 'dump', ...spec, NO_CONFIG], 'exit 4');
    t.is(status, 4, `${fd}: ${stderr}`);
  }
  const { status } = run(place, ['5=file:1:/dev/null'], ['-D', 'dump', ...FD_5, NO_CONFIG], 'exit 4');
  t.is(status, 4);
});

linuxTest('exit codes: criu’s own, a signal’s, and 2 where criu was not started', (t) => {
  const place = arrange(t);
  const line = ['-D', 'dump', ...FD_5, NO_CONFIG];
  t.is(run(place, [log(place)], line, 'kill -KILL $$').status, 137);
  t.is(run(place, [log(place)], line, 'exit 1').status, 1);
  const readOnly = run(place, ['5=file:0:/dev/zero'], line);
  t.is(readOnly.status, 2);
  t.regex(readOnly.stderr, /^fdgraft-exec: caller fd 5/m);
  const missing = run(place, [log(place)], ['-D', 'dump', '--inherit-fd', 'fd[5]:/nothing', NO_CONFIG]);
  t.is(missing.status, 1);
  t.regex(missing.stderr, /matches nothing/);
  const none = run(place, [], ['-D', 'dump', NO_CONFIG]);
  t.deepEqual([none.status, /no spec was given/.test(none.stderr)], [2, true]);
  const without = arrange(t, '');
  const notFound = run(without, [log(without)], line);
  t.is(notFound.status, 2);
  t.regex(notFound.stderr, /fdgraft-exec: cannot run criu: No such file/);
  t.is(run(place, [log(place)], [...line, '--exec-cmd', '--', 'x'], 'exit 126').status, 126);
});

linuxTest('a work directory of the caller’s stays; without -D the images are in the current directory', (t) => {
  const place = arrange(t);
  const given = run(place, [log(place)], ['-Ddump', '-W', 'w', ...FD_5, NO_CONFIG]);
  t.false(given.said.includes('word dump'));
  const here = { ...place, directory: path.join(place.directory, 'dump') };
  const { said } = run(here, [log(place)], [...FD_5, NO_CONFIG]);
  t.is(said[said.indexOf('word -W') + 1], 'word .');
});

/** Starts it with a criu that waits, and resolves when that runs. */
async function started(
  t: ExecutionContext,
  place: Place,
  then: string,
): Promise<{ child: ChildProcess; out: string; said: () => string }> {
  const [program, argv] = words([log(place)], ['-D', 'dump', ...FD_5, NO_CONFIG]);
  const child = spawn(program, argv, {
    cwd: place.directory,
    env: { ...place.env, THEN: `${then}; echo ready; while :; do sleep 0.05; done` },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    said += text;
  });
  t.teardown(() => child.kill('SIGKILL'));
  while (!said.includes('ready')) {
    if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}: ${said}`);
    await sleep(10);
  }
  return { child, out: outOf(said.split('\n')), said: () => said };
}

function end(child: ChildProcess): Promise<number | NodeJS.Signals | null> {
  return new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
}

linuxTest('signals go to criu, whose end is that of fdgraft', async (t) => {
  const place = arrange(t);
  for (const [signal, then, expected] of [
    ['SIGTERM', ':', 143],
    ['SIGINT', 'trap "exit 9" INT', 9],
    ['SIGUSR1', 'trap "exit 8" USR1', 8],
    ['SIGHUP', ':', 129],
  ] as const) {
    const { child, out } = await started(t, place, then);
    t.true(fs.existsSync(out));
    const ended = end(child);
    child.kill(signal);
    t.is(await ended, expected, signal);
    t.false(fs.existsSync(path.dirname(out)), signal);
  }
});

linuxTest('what a killed one leaves goes with the next start, and not while criu is at work', async (t) => {
  const place = arrange(t);
  const { child, out, said } = await started(t, place, 'echo pid $$');
  const ended = end(child);
  child.kill('SIGKILL');
  t.is(await ended, 'SIGKILL');
  const criu = Number(/pid (\d+)/.exec(said())?.[1]);
  const again = () => run(place, [log(place)], ['-D', 'dump', ...FD_5, NO_CONFIG]).status;
  t.is(again(), 0);
  t.true(fs.existsSync(path.join(out, 'inherit-plan.img')), 'criu is using it');
  process.kill(criu, 'SIGKILL');
  // Its sleep has the lock a moment longer.
  for (let i = 0; i < 200 && fs.existsSync(out); i += 1) {
    await sleep(20);
    t.is(again(), 0);
  }
  t.false(fs.existsSync(path.dirname(out)));
});

linuxTest('a runtime directory that others can reach is refused', (t) => {
  const place = arrange(t);
  const runtime = path.join(place.directory, 'runtime');
  fs.mkdirSync(path.join(runtime, 'fdgraft'), { recursive: true, mode: 0o755 });
  const script = `
    const { openRuntimeDirectory } = require('./src/storage/runtime-directory');
    process.geteuid = () => 12345;
    try { openRuntimeDirectory({ XDG_RUNTIME_DIR: process.argv[1] }); } catch (error) { console.log(error.message); }`;
  const node = ['-r', register, '-e', script];
  const ask = (directory: string) =>
    spawnSync(process.execPath, [...node, directory], { cwd: top, encoding: 'utf8' }).stdout;
  t.regex(ask(runtime), process.getuid?.() === 0 ? /cannot be used: it belongs to another user/ : /cannot be used/);
  t.regex(ask('relative'), /no directory for the rewritten images/);
});
