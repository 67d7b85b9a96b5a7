import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import {
  build,
  exec,
  helper,
  type Result,
  type RunOptions,
  run,
  runtimeEnvironment,
  type Variant,
} from '../support/native';
import { type Plan, sha256 } from '../support/planfile';
import { complaints, file, gone, O, planned } from './support';

/** --serve: the launcher keeps the caller fds, for a CRIU that it does not start itself. */

const BASE = join(runtimeEnvironment().XDG_RUNTIME_DIR ?? '/run', 'fdgraft');

/** Each test has a plan of its own, and so a digest. */
let plans = 0;
function simple(t: ExecutionContext, more: Partial<Plan> = {}): { directory: string; plan: string; digest: string } {
  const text = `fd[5]:${process.pid}-${plans++}`;
  const made = planned(t, {
    specs: [{ text, callerFd: 5 }],
    placeholders: [{ fileId: 1, callerFd: 5 }],
    ...more,
  });
  return { ...made, digest: sha256(readFileSync(made.plan)).toString('hex') };
}

const give = [file(5, O.RDONLY, '/dev/null')];

interface Served {
  child: ChildProcess;
  ended: Promise<Result>;
}

/** Starts fdgraft-exec --serve and waits until it serves. */
async function served(plan: string, digest: string, words: string[] = [], options: RunOptions = {}): Promise<Served> {
  const program = [join(build(options.variant), 'fdgraft-exec'), '--plan', plan, '--serve', ...words];
  const child = spawn(helper('give'), [...(options.give ?? give), '--', ...program], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, ...runtimeEnvironment() },
  });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      said[name] += text;
    });
  const ended = new Promise<Result>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ ...said, code, signal }));
  });
  for (let i = 0; i < 2000 && !existsSync(join(BASE, digest, 'socket')) && child.exitCode === null; i++) await sleep(5);
  return { child, ended };
}

/** The program in place of CRIU, started by somebody else: nothing of fdgraft in its environment. */
function criu(plan: string, steps: string[] = ['1'], variant: Variant = 'plain'): Promise<Result> {
  const words = [helper('host', variant), join(build(variant), 'fdgraft.so'), dirname(plan), '2', ...steps];
  return run(words, { give: [] });
}

for (const variant of ['plain', 'sanitized'] as Variant[])
  test(`${variant}: a CRIU without anything in its environment finds it by the plan`, async (t) => {
    const { directory, plan, digest } = simple(t);
    const own = join(directory, 'own');
    const options = { give: [file(5, O.RDONLY | O.CREAT, own)], variant };
    const { ended } = await served(plan, digest, [], options);
    const start = join(BASE, readlinkSync(join(BASE, digest)));
    const played = await criu(plan, ['1'], variant);
    t.is(played.code, 0, played.stdout + played.stderr);
    t.true(played.stdout.includes(`clean fd ${own} flags`), played.stdout);
    const result = await ended;
    t.deepEqual([result.code, result.stdout, result.stderr], [0, '', '']);
    for (const path of [start, join(BASE, digest)]) t.false(existsSync(path));
    t.true(readdirSync(BASE).every((name) => name !== digest));
    const again = await criu(plan);
    t.is(again.code, 1);
    t.regex(again.stdout, /no fdgraft-exec --serve has this plan\); start CRIU through/);
  });

test('COMMAND finds it by its environment, and its exit status counts', async (t) => {
  const { plan } = simple(t);
  const play = `${helper('host')} ${join(build(), 'fdgraft.so')} ${dirname(plan)} 2 1 >&2`;
  const status = async (text: string, words: string[] = []) => {
    const result = await exec(['--plan', plan, '--serve', ...words, '--', 'sh', '-c', text], { give });
    return { ...result, lines: result.stderr.split('\n').filter((line) => line.startsWith('fdgraft-exec')) };
  };
  t.like(await status(play), { code: 0, lines: [] });
  t.like(await status(`${play}; exit 3`), { code: 3, lines: [] });
  const failed = await status('exit 3');
  t.is(failed.code, 3);
  t.regex(failed.lines[0] ?? '', /^fdgraft-exec: sh has ended with 3, and no CRIU has fetched the caller fds/);
  t.like(await status('kill -KILL $$'), { code: 137, lines: [] });
  const nothing = await status('exit 0');
  t.is(nothing.code, 111);
  t.regex(nothing.lines[0] ?? '', /^fdgraft-exec: sh has ended with 0, and no CRIU has fetched the caller fds/);
  const missing = await exec(['--plan', plan, '--serve', '--', 'no-such-program-anywhere'], { give });
  t.is(missing.code, 127);
  t.is(complaints(t, missing.stderr).length, 1);
});

test('COMMAND has no caller fd, and the limits and signals that it would have had', async (t) => {
  const { plan } = simple(t);
  const text = 'ls /proc/self/fd; ulimit -Sn; grep -E "Sig(Blk|Ign)" /proc/self/status';
  const words = [...give, file(7, O.RDONLY, '/dev/zero'), '99=soft-limit'];
  const result = await exec(['--plan', plan, '--serve', '--', 'sh', '-c', `${text}; exit 4`], { give: words });
  const bare = await exec(['--plan', plan, '--', 'sh', '-c', text], { give: words });
  t.is(result.code, 4, result.stderr);
  t.is(result.stdout, bare.stdout);
  t.false(/^5$/m.test(result.stdout));
  t.true(/^7$/m.test(result.stdout));
});

test('nothing comes in time', async (t) => {
  const { plan, digest } = simple(t);
  const alone = await exec(['--plan', plan, '--serve', '--timeout', '1'], { give });
  t.is(alone.code, 111);
  t.regex(complaints(t, alone.stderr)[0] ?? '', /^--timeout 1: no CRIU has fetched the caller fds; look into its log/);
  const text = 'echo $$; trap "echo told; exit 0" TERM; while :; do sleep 0.05; done';
  const command = await exec(['--plan', plan, '--serve', '--timeout', '1', '--', 'sh', '-c', text], { give });
  t.is(command.code, 111);
  const [pid = '', told] = command.stdout.split('\n');
  t.is(told, 'told');
  t.false(existsSync(`/proc/${pid}`));
  t.false(existsSync(join(BASE, digest)));
});

test('a COMMAND that goes on after the fetch has no time limit', async (t) => {
  const { plan } = simple(t);
  const play = `${helper('host')} ${join(build(), 'fdgraft.so')} ${dirname(plan)} 2 1 >/dev/null; sleep 1.5; exit 6`;
  const result = await exec(['--plan', plan, '--serve', '--timeout', '1', '--', 'sh', '-c', play], { give });
  t.deepEqual([result.code, result.stderr], [6, '']);
});

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const)
  test(`${signal} is forwarded to COMMAND`, async (t) => {
    const { plan, digest } = simple(t);
    const text = `trap "echo got; exit 9" ${signal.slice(3)}; echo ready; while :; do sleep 0.02; done`;
    const { child, ended } = await served(plan, digest, ['--', 'sh', '-c', text]);
    await new Promise((resolve) => child.stdout?.once('data', resolve));
    child.kill(signal);
    const result = await ended;
    t.deepEqual([result.code, result.stdout], [9, 'ready\ngot\n']);
    t.false(existsSync(join(BASE, digest)));
  });

test('without COMMAND a signal ends it, and nothing is left', async (t) => {
  const { plan, digest } = simple(t);
  const { child, ended } = await served(plan, digest);
  const start = join(BASE, readlinkSync(join(BASE, digest)));
  child.kill('SIGTERM');
  const result = await ended;
  t.deepEqual([result.code, result.signal], [null, 'SIGTERM']);
  for (const path of [start, join(BASE, digest)]) t.false(existsSync(path));
});

test('one plan is served once at a time', async (t) => {
  const { plan, digest } = simple(t);
  const first = await served(plan, digest);
  for (const words of [[], ['--', 'true']]) {
    const second = await exec(['--plan', plan, '--serve', ...words], { give });
    t.is(second.code, 100);
    const [line = ''] = complaints(t, second.stderr);
    t.is(
      line,
      `process ${first.child.pid} serves the plan of SHA-256 ${digest} already; wait for it to end, or end it with: kill ${first.child.pid}`,
    );
  }
  t.is((await criu(plan)).code, 0, 'it still serves');
  t.is((await first.ended).code, 0);
});

test('what SIGKILL leaves is no hindrance', async (t) => {
  const { plan, digest } = simple(t);
  const first = await served(plan, digest);
  const start = join(BASE, readlinkSync(join(BASE, digest)));
  first.child.kill('SIGKILL');
  await first.ended;
  const failed = await criu(plan);
  t.is(failed.code, 1);
  t.regex(
    failed.stdout,
    /Error .*(Connection refused; fdgraft-exec or its keeper has ended|no fdgraft-exec --serve has this plan)/,
  );
  const second = await served(plan, digest);
  t.false(existsSync(start));
  t.is((await criu(plan)).code, 0);
  t.is((await second.ended).code, 0);
});

test('a dead socket in the environment is an error, though the plan is served', async (t) => {
  const { plan, digest } = simple(t);
  const { ended } = await served(plan, digest);
  const words = [helper('host'), join(build(), 'fdgraft.so'), dirname(plan), '2', '1'];
  const dead = await run(words, { give: [], env: { FDGRAFT_SOCKET: `${digest}:${BASE}/${'0'.repeat(32)}/socket` } });
  t.is(dead.code, 1);
  t.regex(dead.stdout, /cannot open .*0{32}, where .*No such file or directory/);
  t.is((await criu(plan)).code, 0);
  t.is((await ended).code, 0);
});

test('debug texts are written when all is fetched', async (t) => {
  const { directory, plan, digest } = simple(t, {
    debugs: [{ text: 'debug[6]:a', callerFd: 6, output: Buffer.from('now\n') }],
  });
  const six = join(directory, 'six');
  const { ended } = await served(plan, digest, [], { give: [...give, file(6, O.WRONLY | O.CREAT, six)] });
  t.is(readFileSync(six, 'utf8'), '');
  t.is((await criu(plan)).code, 0);
  t.is(readFileSync(six, 'utf8'), 'now\n');
  t.is((await ended).code, 0);
});

test('a debug text that cannot be written ends the restore', async (t) => {
  const debugs = [{ text: 'debug[6]:a', callerFd: 6, output: Buffer.from('now\n') }];
  const { plan, digest } = simple(t, { debugs });
  const { ended } = await served(plan, digest, [], { give: [...give, '7=pipe:6', '7=closed'] });
  const played = await criu(plan);
  t.is(played.code, 1);
  t.regex(played.stdout, /fdgraft-exec could not write a text of debug\[N\]; its stderr says why/);
  const result = await ended;
  t.is(result.code, 111);
  t.regex(complaints(t, result.stderr)[0] ?? '', /cannot write the text of debug\[6\]:a: Broken pipe/);
});

test('it has none of the caller fds any more, though COMMAND goes on', async (t) => {
  const { directory, plan } = planned(t, {
    debugs: [{ text: 'debug[8]:a', callerFd: 8, output: Buffer.from('now') }],
    placeholders: [{ fileId: 1, callerFd: 9, type: 'PIPE', flags: O.WRONLY }],
  });
  const play = `${helper('host')} ${join(build(), 'fdgraft.so')} ${directory} 2 end=5 drop end=5 drain=7:${directory}/seven end=7`;
  const words = ['5=pipe:9', '7=pipe:8'];
  const result = await exec(['--plan', plan, '--serve', '--', 'sh', '-c', `${play}; exit 4`], { give: words });
  t.is(result.code, 4, result.stderr);
  const ends = result.stdout.split('\n').filter((line) => /^[57] (waits|is at)/.test(line));
  t.deepEqual(ends, ['5 waits', '5 is at its end', '7 is at its end']);
  t.is(readFileSync(join(directory, 'seven'), 'utf8'), 'now');
});

test('links to plugins stay until COMMAND or CRIU ends', async (t) => {
  const { directory, plan } = simple(t);
  writeFileSync(join(directory, 'other.so'), '');
  const play = `${helper('host')} ${join(build(), 'fdgraft.so')} ${directory} 2 1 >/dev/null`;
  const text = `ls $CRIU_LIBS_DIR; echo $CRIU_LIBS_DIR; ${play}; ls $CRIU_LIBS_DIR 2>/dev/null; exit 5`;
  const words = ['--plan', plan, '--plugins', directory, '--serve', '--', 'sh', '-c'];
  const fetched = await exec([...words, text], { give });
  t.is(fetched.code, 5, fetched.stderr);
  const lines = fetched.stdout.trimEnd().split('\n');
  t.deepEqual([lines.slice(0, 2), lines.length], [['fdgraft.so', 'other.so'], 3]);
  await gone(t, dirname(lines[2] ?? ''));
  const not = await exec([...words, 'echo $CRIU_LIBS_DIR; exit 5'], { give });
  t.false(existsSync(dirname(not.stdout.trim())));
});

test('a libdir of the configuration is no mistake: that is how CRIU finds the plugin', async (t) => {
  const { directory, plan } = simple(t);
  const conf = join(directory, 'criu.conf');
  writeFileSync(conf, 'libdir /opt/plugins\n');
  const words = ['--plan', plan, '--check'];
  t.is((await exec([...words, '--', 'true', '--config', conf], { give })).code, 100);
  t.is((await exec([...words, '--serve', '--', 'true', '--config', conf], { give })).code, 0);
  t.is((await exec([...words, '--serve', '--timeout', '3'], { give })).code, 0);
});
