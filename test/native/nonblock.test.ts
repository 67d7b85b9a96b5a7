import { join } from 'node:path';
import test from 'ava';
import { build, exec, helper, type Variant } from '../support/native';
import type { Placeholder } from '../support/planfile';
import { complaints, file, O, planned } from './support';

/** Open files of the caller that get O_NONBLOCK: which, when, and what is said of the others. */

const SOCKET = { name: 'socket', socket: { domain: 1, type: 1, state: 2 } };
const NONBLOCKING = O.RDWR | O.NONBLOCK;

function one(change: Partial<Placeholder> = {}): Placeholder {
  return { fileId: 42, callerFd: 5, kind: SOCKET, flags: NONBLOCKING, setNonblock: true, ...change };
}

const VARIANTS = ['plain', 'sanitized'] as const;
type Test = Parameters<typeof planned>[0];

/** The flags that the hook finds at each call, and what CRIU logged. */
async function play(
  t: Test,
  placeholders: Placeholder[],
  give: string[],
  steps: string[],
  variant: Variant = 'plain',
  host: 'host' | 'host-options' = 'host',
) {
  const { directory, plan } = planned(t, { placeholders });
  const plugin = join(build(variant), 'fdgraft.so');
  const command = [helper(host, variant), plugin, directory, '2', ...steps];
  const { stdout, stderr } = await exec(['--plan', plan, '--', ...command], { give, variant });
  const flags = [...stdout.matchAll(/^hook (\d+) .* flags (\d+)/gm)].map((hit) => `${hit[1]}: ${hit[2]}`);
  return { flags, stdout, errors: stdout.match(/^log 1 .*$/gm) ?? [], warnings: complaints(t, stderr) };
}

for (const variant of VARIANTS)
  for (const host of ['host', 'host-options'] as const)
    test(`${variant}, ${host}: set when all is restored, on the open file that the caller has`, async (t) => {
      const give = ['5=socket', '9=dup:5'];
      const played = await play(t, [one()], give, ['42', 'late', 'late', '42'], variant, host);
      t.deepEqual(played.flags, ['42: 2', '42: 4002'], played.stdout);
      t.deepEqual([played.errors, played.warnings], [[], []]);
      const open = ({ stdout }: { stdout: string }) => /^open before-exit (.*)$/m.exec(stdout)?.[1];
      const without = await play(t, [one({ setNonblock: false })], give, ['42', 'late'], variant, host);
      t.is(open(played), open(without), 'nothing of it stays open');
    });

test('a CRIU that never asks for it, and a restore that fails', async (t) => {
  const { flags, errors } = await play(t, [one()], ['5=socket'], ['42']);
  t.deepEqual(flags, ['42: 2']);
  t.regex(errors.join(), /caller fd 5: O_NONBLOCK was not set on it: CRIU did not ask for it/);
  t.deepEqual((await play(t, [one()], ['5=socket'], ['fail'])).errors, []);
});

test('a cut that fails takes it back', async (t) => {
  const log: Placeholder = { fileId: 7, callerFd: 6, flags: O.RDWR, offset: 4, truncateTo: 4 };
  const give = ['5=socket', '6=memfd', '6=put:0123456789', '8=dup:6'];
  const { flags, errors } = await play(t, [log, one()], give, ['seal=8', 'late', '42', 'fail']);
  t.deepEqual(flags, ['42: 2']);
  t.regex(errors.join(), /cannot cut its file/);
});

test('each kind that cannot be opened again, and what is handed on as a dup', async (t) => {
  for (const [kind, word] of [
    ['eventfd', 'eventfd'],
    ['timerfd', 'timerfd'],
    ['signalfd', 'signalfd'],
  ] as const) {
    const without = { ...one({ kind: { name: kind } }), setNonblock: false };
    const { directory: _directory, plan } = planned(t, { placeholders: [without] });
    const refused = await exec(['--plan', plan, '--check'], { give: [`5=${word}`] });
    t.is(refused.code, 100);
    t.regex(refused.stderr, /set these flags on it, give the spec nonblock: true, or use apply dup/);
    const { flags } = await play(t, [one({ kind: { name: kind } })], [`5=${word}`], ['late', '42']);
    t.deepEqual(flags, ['42: 4002']);
  }
  const pipe: Partial<Placeholder> = { kind: undefined as never, type: 'PIPE', flags: O.WRONLY | O.NONBLOCK };
  const dup = await play(t, [one({ ...pipe, apply: 'dup' })], ['9=pipe:5'], ['late', '42']);
  t.deepEqual(dup.flags, ['42: 4001']);
  const opened = await play(
    t,
    [one(pipe), one({ ...pipe, fileId: 43, setNonblock: false, apply: 'dup' })],
    ['9=pipe:5'],
    ['late', '42', '43'],
  );
  t.deepEqual(opened.flags, ['42: 4001', '43: 1'], 'an open file of its own, and that of the caller as it was');
});

test('warnings name the option, and end with it', async (t) => {
  const check = async (placeholders: Placeholder[], ...give: string[]) => {
    const { plan } = planned(t, { placeholders });
    const { code, stderr } = await exec(['--plan', plan, '--check'], { give });
    t.is(code, 0, stderr);
    return complaints(t, stderr);
  };
  const without = one({ setNonblock: false });
  const [told, ...more] = await check([without], '5=socket');
  t.deepEqual(more, []);
  t.regex(told ?? '', /may hang; set O_NONBLOCK on your socket, or give the spec nonblock: true$/);
  t.deepEqual(await check([one()], '5=socket'), []);
  const pipe: Placeholder = { ...without, kind: undefined as never, type: 'PIPE' };
  t.regex((await check([pipe], '5=socket'))[0] ?? '', /may hang; /, 'a socket in the place of a pipe');
  const blocking = one({ fileId: 43, flags: O.RDWR, setNonblock: false });
  t.regex(
    (await check([one(), blocking], '5=socket')).join(),
    /caller fd 5 gets O_NONBLOCK, file id 43 had not .*may get EAGAIN; give each entry a socket of its own$/,
  );
});

for (const variant of VARIANTS)
  test(`${variant}: --task sets it before COMMAND runs, on what the task has`, async (t) => {
    const at = (fileId: number, callerFd: number, pid: number): Placeholder =>
      one({ fileId, callerFd, descriptors: [{ fd: 3, pids: [pid] }] });
    const { plan } = planned(t, { placeholders: [at(42, 5, 2), at(43, 6, 4)] });
    const command = ['sh', '-c', 'grep flags /proc/self/fdinfo/3 /proc/self/fdinfo/9'];
    const give = ['5=socket', '6=socket', '9=dup:6'];
    const words = ['--plan', plan, '--task', '2', '--', ...command];
    const { code, stdout } = await exec(words, { give, variant });
    t.is(code, 0);
    t.deepEqual(
      [...stdout.matchAll(/0(\d+)$/gm)].map(([, flags]) => flags),
      ['4002', '2'],
    );
  });

test('a plan that sets what its entry had not', async (t) => {
  const { plan } = planned(t, { placeholders: [one({ flags: O.RDWR })] });
  const { code, stderr } = await exec(['--plan', plan, '--check'], { give: ['5=socket'] });
  t.is(code, 100);
  t.regex(stderr, /placeholder 0 \(file id 42\): it sets O_NONBLOCK, and its entry had not; write the plan again/);
});

test('a plan that sets it on what can only be named', async (t) => {
  const { plan } = planned(t, { placeholders: [one({ flags: O.PATH | O.NONBLOCK, apply: 'dup' })] });
  const { code, stderr } = await exec(['--plan', plan, '--check'], { give: [file(5, O.PATH, '/dev/null')] });
  t.is(code, 100);
  t.regex(
    stderr,
    /placeholder 0 \(file id 42\): it sets O_NONBLOCK, and its entry was open with O_PATH; write the plan/,
  );
});

test('two numbers of one open file get it together', async (t) => {
  const check = async (second: Partial<Placeholder>, give: string[]) => {
    const placeholders = [one(), one({ fileId: 43, callerFd: 6, setNonblock: false, ...second })];
    const { code, stderr } = await exec(['--plan', planned(t, { placeholders }).plan, '--check'], { give });
    t.is(code, 0, stderr);
    return complaints(t, stderr);
  };
  const [same, apart] = [
    ['5=socket', '6=dup:5'],
    ['5=socket', '6=socket'],
  ] as const;
  t.deepEqual(await check({}, [...same]), [], 'it has what it had');
  t.regex(
    (await check({}, [...apart])).join(),
    /^warning: caller fd 6 has no O_NONBLOCK, file id 43 had it .* may hang; [^,]*, or [^,]*$/,
  );
  t.regex(
    (await check({ flags: O.RDWR }, [...same])).join(),
    /^warning: caller fd 6 gets O_NONBLOCK, file id 43 had not .* EAGAIN; give each entry a socket of its own$/,
  );
  t.deepEqual(await check({ flags: O.RDWR }, [...apart]), []);
  // An eventfd is refused for other flags than the old one's.
  const eventfds = [0, 1].map((at) =>
    one({ fileId: 42 + at, callerFd: 5 + at, kind: { name: 'eventfd' }, setNonblock: at === 0 }),
  );
  const { code, stderr } = await exec(['--plan', planned(t, { placeholders: eventfds }).plan, '--check'], {
    give: ['5=eventfd', '6=dup:5'],
  });
  t.deepEqual([code, stderr], [0, '']);
});
