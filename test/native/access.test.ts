import { chmodSync, chownSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { build, exec, type RunOptions, run } from '../support/native';
import type { Credentials, Placeholder, Plan } from '../support/planfile';
import { holds } from '../support/properties';
import { complaints, file, O, planned, scratch } from './support';

/** Whether tasks could open the caller's files again by their path: a warning where not, and never an exit code. */

const isRoot = process.getuid?.() === 0;
const [ownUid, ownGid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
/** Someone else, in a group of theirs. */
const OTHER = { uid: ownUid + 4321, gid: ownGid + 8765 };

const output: Placeholder = {
  fileId: 3,
  callerFd: 5,
  flags: O.WRONLY,
  type: 'PIPE',
  descriptors: [{ fd: 1, pids: [7] }],
};

const planOf = (credentials: Credentials[], change: Partial<Placeholder> = {}, rest: Partial<Plan> = {}): Plan => ({
  placeholders: [{ ...output, ...change }],
  credentials,
  ...rest,
});

/** A file of this user's with that mode, and the word for give that opens it at 5. */
function callerFile(t: ExecutionContext, mode: number, flags: number = O.RDWR) {
  const path = join(scratch(t), 'file');
  writeFileSync(path, '');
  chmodSync(path, mode);
  return { path, give: [file(5, flags, path)] };
}

/** What --check warns of; it says nothing else, and all fits. */
async function warned(t: ExecutionContext, plan: Plan, give: string[], options: RunOptions = {}): Promise<string[]> {
  const result = await exec(['--plan', planned(t, plan).plan, '--check'], { ...options, give });
  t.is(result.code, 0, result.stderr);
  return complaints(t, result.stderr).map((line) => {
    t.true(line.startsWith('warning: '), line);
    return line.slice('warning: '.length);
  });
}

/** The command that a warning names. */
const wayOut = (warning: string | undefined) => /: (ch(?:own|mod) .*)$/.exec(warning ?? '')?.[1];

for (const variant of ['plain', 'sanitized'] as const)
  test(`${variant}: a pipe that is not the task's`, async (t) => {
    const lines = await warned(t, planOf([{ pids: [7], ...OTHER }]), ['6=pipe:5'], { variant });
    t.deepEqual(lines, [
      `caller fd 5 is a pipe of owner ${ownUid}:${ownGid} and mode 0600 (spec fd[5]:file-5): ` +
        `task 7 (uid ${OTHER.uid}, gid ${OTHER.gid}) cannot open its descriptor 1 again as /proc/self/fd/1 for writing; ` +
        `if a task does so, run before the restore, with fd 5 open: chown ${OTHER.uid}:${OTHER.gid} /proc/self/fd/5`,
    ]);
  });

test('what permits it: owner, group, supplementary groups, others', async (t) => {
  const is = async (mode: number, credentials: Partial<Credentials>, expected: string | undefined) => {
    const { give } = callerFile(t, mode);
    const lines = await warned(t, planOf([{ pids: [7], ...OTHER, ...credentials }]), give);
    t.is(wayOut(lines[0]), expected, `${mode.toString(8)} ${JSON.stringify(credentials)}`);
    t.is(lines.length, expected === undefined ? 0 : 1);
  };
  const chown = `chown ${OTHER.uid}:${OTHER.gid} /proc/self/fd/5`;
  await is(0o600, { uid: ownUid }, undefined);
  await is(0o622, {}, undefined);
  await is(0o620, {}, chown);
  await is(0o620, { gid: ownGid }, undefined);
  await is(0o620, { groups: [ownGid] }, undefined);
  await is(0o620, { groups: [ownGid + 1, ownGid + 2] }, chown);
  // The first class that fits decides, as in the kernel.
  await is(0o642, { gid: ownGid }, chown.replace(`:${OTHER.gid}`, `:${ownGid}`));
  await is(0o466, { uid: ownUid, gid: ownGid }, 'chmod u+w /proc/self/fd/5');
});

test('what capabilities permit', async (t) => {
  const warnings = async (credentials: Partial<Credentials>, flags: number) => {
    const { give } = callerFile(t, 0o600);
    return (await warned(t, planOf([{ pids: [7], ...OTHER, ...credentials }], { flags }), give)).length;
  };
  t.is(await warnings({ overridesAccess: true }, O.RDWR), 0);
  t.is(await warnings({ overridesReading: true }, O.RDONLY), 0);
  t.is(await warnings({ overridesReading: true }, O.WRONLY), 1);
  t.is(await warnings({ overridesReading: true }, O.RDWR), 1);
});

test('ids are mapped through the user namespace', async (t) => {
  const { path, give } = callerFile(t, 0o600);
  const { uid, gid } = statSync(path);
  const inNamespace = (credentials: Partial<Credentials>, outside: { uid: number; gid: number }) =>
    planOf(
      [{ pids: [7], uid: 1000, gid: 100, ...credentials }],
      {},
      {
        userNamespace: {
          uids: [
            [0, outside.uid, 5],
            [1000, 300_000, 10],
          ],
          gids: [[0, outside.gid, 200]],
        },
      },
    );
  const far = { uid: 200_000, gid: 200_000 };
  const [line] = await warned(t, inNamespace({}, far), give);
  t.regex(line ?? '', /task 7 \(uid 1000, gid 100 in its user namespace\)/);
  t.is(wayOut(line), 'chown 300000:200100 /proc/self/fd/5');
  // The owner is not known there: no capability helps.
  t.is((await warned(t, inNamespace({ overridesAccess: true }, far), give)).length, 1);
  t.deepEqual(await warned(t, inNamespace({ overridesAccess: true }, { uid, gid }), give), []);
  t.deepEqual(await warned(t, inNamespace({ uid: 0 }, { uid, gid: 200_000 }), give), []);
  // Ids that no map has cannot be given a file.
  t.is(wayOut((await warned(t, inNamespace({ uid: 77 }, far), give))[0]), 'chmod o+w /proc/self/fd/5');
});

test('a new owner must not shut out another task', async (t) => {
  const { give } = callerFile(t, 0o640);
  const descriptors = [
    { fd: 1, pids: [7] },
    { fd: 2, pids: [8], table: 3 },
  ];
  const lines = await warned(
    t,
    planOf(
      [
        { pids: [7], uid: ownUid, gid: OTHER.gid },
        { pids: [8], ...OTHER, gid: ownGid },
      ],
      { descriptors },
    ),
    give,
  );
  t.is(lines.length, 1);
  t.is(wayOut(lines[0]), 'chmod g+w /proc/self/fd/5');
  const both = planOf(
    [
      { pids: [7], ...OTHER, uid: OTHER.uid + 1 },
      { pids: [8], ...OTHER },
    ],
    { descriptors, flags: O.RDWR },
  );
  t.deepEqual((await warned(t, both, give)).map(wayOut), Array(2).fill('chmod o+rw /proc/self/fd/5'));
});

test('tasks with the same credentials are one warning', async (t) => {
  const pids = Array.from({ length: 1000 }, (_, at) => at + 7);
  const { give } = callerFile(t, 0o600);
  const descriptors = pids.flatMap((pid) => [{ fd: 1, pids: [pid], table: pid }]);
  const lines = await warned(t, planOf([{ pids, ...OTHER }], { descriptors }), give);
  t.is(lines.length, 1);
  t.regex(lines[0] ?? '', /task 7 .*, nor 999 more descriptors of tasks with its credentials; /);
  const [two] = await warned(t, planOf([{ pids, ...OTHER }], { descriptors: descriptors.slice(0, 2) }), give);
  t.regex(two ?? '', /nor 1 more descriptor of tasks/);
});

test('not more than 50 of them', async (t) => {
  const pids = Array.from({ length: 150 }, (_, at) => at + 7);
  const { give } = callerFile(t, 0o600);
  const lines = await warned(
    t,
    planOf(
      pids.map((pid) => ({ pids: [pid], uid: OTHER.uid + pid, gid: OTHER.gid })),
      { descriptors: [{ fd: 1, pids }] },
    ),
    give,
  );
  t.is(lines.length, 51);
  t.is(lines.at(-1), '100 more descriptors cannot be opened again by their tasks');
});

test('what cannot be opened by path, or by anyone, is none', async (t) => {
  const plan = planOf([{ pids: [7], ...OTHER }]);
  t.deepEqual(await warned(t, plan, ['5=socket']), []);
  t.deepEqual(await warned(t, plan, ['5=ptmx']), []);
  t.deepEqual(await warned(t, plan, [file(5, O.WRONLY, '/dev/null')]), []);
  // No descriptor of a task whose credentials are known.
  t.deepEqual(await warned(t, planOf([{ pids: [8], ...OTHER }]), ['6=pipe:5']), []);
  t.deepEqual(await warned(t, planOf([{ pids: [7], ...OTHER }], { descriptors: [], scmRights: 1 }), ['6=pipe:5']), []);
});

test('a refused descriptor has its problem alone', async (t) => {
  const { give } = callerFile(t, 0o600, O.RDONLY);
  const result = await exec(['--plan', planned(t, planOf([{ pids: [7], ...OTHER }])).plan, '--check'], { give });
  t.is(result.code, 100);
  t.regex(result.stderr, /^fdgraft-exec: caller fd 5 is open for only reading.*\n$/);
});

test('COMMAND runs as if nothing had been said; with --task nothing is', async (t) => {
  const { plan } = planned(t, planOf([{ pids: [7], ...OTHER }]));
  const { give } = callerFile(t, 0o600);
  const started = await exec(['--plan', plan, '--', 'sh', '-c', 'exit 42'], { give });
  t.is(started.code, 42);
  t.regex(started.stderr, /^fdgraft-exec: warning: caller fd 5 .*\n$/);
  const task = await exec(['--plan', plan, '--task', '7', '--', 'sh', '-c', 'exit 43'], { give });
  t.deepEqual([task.code, task.stderr], [43, '']);
});

test('the named command helps', async (t) => {
  const { give, path } = callerFile(t, 0o440, O.RDONLY);
  chmodSync(path, 0o400);
  const plan = planOf(
    [
      { pids: [7], ...OTHER },
      { pids: [8], uid: OTHER.uid + 1, gid: ownGid },
    ],
    { descriptors: [{ fd: 1, pids: [7, 8] }], flags: O.RDONLY },
  );
  const [line] = await warned(t, plan, give);
  t.is(wayOut(line), 'chmod g+r,o+r /proc/self/fd/5');
  t.is((await run(['sh', '-c', wayOut(line) ?? ''], { give })).code, 0);
  t.is(statSync(path).mode & 0o777, 0o444);
  t.deepEqual(await warned(t, plan, give), []);
  if (!isRoot) return;
  const mine = planOf([{ pids: [7], ...OTHER }]);
  const own = callerFile(t, 0o600);
  const [other] = await warned(t, mine, own.give);
  t.is((await run(['sh', '-c', wayOut(other) ?? ''], own)).code, 0);
  t.like(statSync(own.path), OTHER);
  t.deepEqual(await warned(t, mine, own.give), []);
});

(isRoot ? test : test.skip)('it says what the kernel does (needs root)', async (t) => {
  build();
  const id = fc.integer({ min: 2000, max: 2003 });
  const bits = fc.integer({ min: 0, max: 0o777 }).map((mode) => mode & 0o666);
  const access = fc.constantFrom(O.RDONLY, O.WRONLY, O.RDWR);
  const path = join(scratch(t), 'file');
  writeFileSync(path, '');
  const property = fc.asyncProperty(
    fc.record({ uid: id, gid: id, mode: bits, access, fsuid: id, fsgid: id, groups: fc.uniqueArray(id) }),
    async ({ uid, gid, mode, access, fsuid, fsgid, groups }) => {
      chownSync(path, uid, gid);
      chmodSync(path, mode);
      const give = [file(5, O.RDWR, path)];
      const credentials = { pids: [7], uid: fsuid, gid: fsgid, groups: groups.sort((a, b) => a - b) };
      const lines = await warned(t, planOf([credentials], { flags: access }), give);
      const become = ['setpriv', '--reuid', fsuid, '--regid', fsgid].map(String);
      const list = groups.length > 0 ? ['--groups', groups.join()] : ['--clear-groups'];
      const redirection = { [O.RDONLY]: '<', [O.WRONLY]: '>>', [O.RDWR]: '<>' }[access];
      const opening = ['sh', '-c', `: ${redirection}/proc/self/fd/5`];
      const { code } = await run([...become, ...list, ...opening], { give });
      return (code === 0) === (lines.length === 0);
    },
  );
  await holds(t, property, 60);
});
