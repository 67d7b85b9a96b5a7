import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { openSource, type RewriteOptions, rewrite } from '../../src';
import { planToJson } from '../../src/plan/plan-json';
import { descriptor, type Images, pipeEntry, smallCheckpoint, temporaryDirectory } from '../support/directories';
import { decodeImage, encodeImage, encodeMessage, messageType } from '../support/images';
import { checkRewritten } from '../support/independent';
import { refusal, rewriteImages, smallWith } from '../support/rewriting';

/** What a plan says of the tasks that inherit, and of the owners of pipes. */

interface Creds {
  fsuid?: number;
  fsgid?: number;
  groups?: readonly number[];
  cap_eff?: readonly number[];
}

const OTHER_IDS = { uid: 11, gid: 12, euid: 13, egid: 14, suid: 15, sgid: 16, secbits: 0 };
const creds = (own: Creds) => ({ ...OTHER_IDS, fsuid: 0, fsgid: 0, ...own });
const core = (own: Creds) => [{ mtype: 1, thread_core: { futex_rla: 0, futex_rla_len: 0, creds: creds(own) } }];
const ids = (files: number, userNs: number) => [
  { vm_id: 1, files_id: files, fs_id: 1, sighand_id: 1, user_ns_id: userNs },
];
const LOG = { specs: ['fd[5]:/var/log/app.log'] };
const PIPE = { specs: ['fd[5]:pipe:[4711]'] };
const ROOT = { groups: [], overrides_access: true, overrides_reading: true };
const NOBODY = { groups: [], overrides_access: false, overrides_reading: false };

async function planOf(t: ExecutionContext, images: Images, options: RewriteOptions) {
  const { plan, source, out } = await rewriteImages(t, smallWith(images), options);
  t.deepEqual(checkRewritten(source, out), []);
  return plan;
}

test('tasks with the same credentials stand together', async (t) => {
  const daemon = { fsuid: 65534, fsgid: 65533, groups: [7, 5, 5], cap_eff: [0xfffffff9, 511] };
  const plan = await planOf(t, { 'core-7.img': core(daemon), 'core-8.img': core({ ...daemon, groups: [5, 7] }) }, PIPE);
  t.deepEqual(plan.credentials, [{ ...NOBODY, pids: [7, 8], uid: 65534, gid: 65533, groups: [5, 7] }]);
  t.is(plan.user_namespace, undefined);
});

const INFINITY = String(2n ** 64n - 1n);
const limits = (...sizes: (number | string)[]) => {
  const list = sizes.map((cur) => ({ cur, max: INFINITY }));
  const task = { task_state: 1, exit_code: 0, personality: 0, flags: 0, blk_sigset: 0, comm: 'a' };
  return [{ ...core({})[0], tc: { ...task, rlimits: { rlimits: list } } }];
};

test('the limit of the size of files, by which tasks stand apart', async (t) => {
  const limited = { 'core-7.img': limits(5, 4096, 6), 'core-8.img': limits(INFINITY, 0) };
  t.deepEqual((await planOf(t, limited, PIPE)).credentials, [
    { ...NOBODY, pids: [7], uid: 0, gid: 0, file_size: 4096n },
    { ...NOBODY, pids: [8], uid: 0, gid: 0, file_size: 0n },
  ]);
  const largest = String(2n ** 63n - 1n);
  const without = { 'core-7.img': limits(5, INFINITY, 6), 'core-8.img': limits(5) };
  t.deepEqual((await planOf(t, without, PIPE)).credentials, [{ ...NOBODY, pids: [7, 8], uid: 0, gid: 0 }]);
  const some = { 'core-7.img': limits(5, largest), 'core-8.img': limits(5, String(2n ** 63n)) };
  t.deepEqual((await planOf(t, some, PIPE)).credentials, [
    { ...NOBODY, pids: [7], uid: 0, gid: 0, file_size: BigInt(largest) },
    { ...NOBODY, pids: [8], uid: 0, gid: 0 },
  ]);
  const plain = planToJson(await planOf(t, some, PIPE)) as { credentials: { file_size?: unknown }[] };
  t.is(plain.credentials[0]?.file_size, largest);
});

test('others stand apart, by their first pid', async (t) => {
  const plan = await planOf(
    t,
    {
      'pstree.img': [9, 7, 8].map((pid) => ({ pid, ppid: pid === 9 ? 0 : 9, pgid: 9, sid: 9, threads: [pid] })),
      'ids-9.img': ids(3, 1),
      'fdinfo-3.img': [descriptor(2, 1, 'PIPE')],
      'core-7.img': core({ fsuid: 1, cap_eff: [2, 0] }),
      'core-8.img': core({ cap_eff: [0xffffffff, 511] }),
      'core-9.img': core({ fsuid: 1, cap_eff: [4, 0] }),
    },
    PIPE,
  );
  t.deepEqual(plan.credentials, [
    { ...ROOT, pids: [7], uid: 1, gid: 0, overrides_reading: false },
    { ...ROOT, pids: [8], uid: 0, gid: 0 },
    { ...ROOT, pids: [9], uid: 1, gid: 0, overrides_access: false },
  ]);
});

test('only core images of tasks that inherit are read; one that is missing or says nothing is none', async (t) => {
  const damaged = Buffer.from('no image at all');
  t.deepEqual((await planOf(t, { 'core-7.img': core({}), 'core-8.img': damaged }, LOG)).credentials, [
    { ...NOBODY, pids: [7], uid: 0, gid: 0 },
  ]);
  t.deepEqual((await planOf(t, { 'core-8.img': damaged }, LOG)).credentials, []);
  t.deepEqual((await planOf(t, { 'core-7.img': [{ mtype: 1 }] }, LOG)).credentials, []);
  const error = await refusal(t, smallWith({ 'core-7.img': damaged }), LOG);
  t.like(error, { exitCode: 2, file: 'core-7.img' });
});

test('the user namespace is that of the root task', async (t) => {
  const images = {
    'ids-7.img': ids(1, 6),
    'ids-8.img': ids(2, 6),
    'core-7.img': core({ fsuid: 1000 }),
    'userns-5.img': [{ uid_map: [{ first: 0, lower_first: 0, count: 1 }] }],
  };
  t.is((await planOf(t, images, LOG)).user_namespace, undefined);
  const ranges = [
    { first: 1000, lower_first: 5000, count: 10 },
    { first: 0, lower_first: 100_000, count: 1000 },
  ];
  const plan = await planOf(t, { ...images, 'userns-6.img': [{ uid_map: ranges, gid_map: ranges.slice(1) }] }, LOG);
  t.deepEqual(plan.user_namespace, {
    uids: [
      { inside: 0, outside: 100_000, count: 1000 },
      { inside: 1000, outside: 5000, count: 10 },
    ],
    gids: [{ inside: 0, outside: 100_000, count: 1000 }],
  });
});

const range = (first: number, lower_first: number, count: number) => ({ first, lower_first, count });
const wrongMaps: [string, object[], RegExp][] = [
  ['no ids', [range(0, 0, 0)], /the range 0 0 0 is none of Linux/],
  ['ids past all inside', [range(2, 0, 0xfffffffe)], /the range 2 0 4294967294 is none of Linux/],
  ['ids past all outside', [range(0, 0xffffffff, 1)], /the range 0 4294967295 1 is none of Linux/],
  ['an overlap inside', [range(5, 50, 1), range(0, 10, 6)], /the ranges of 0 and 5 overlap inside/],
  ['an overlap outside', [range(0, 10, 6), range(6, 15, 6)], /the ranges of 10 and 15 overlap outside/],
  ['too many', Array.from({ length: 341 }, (_, at) => range(at, at, 1)), /more than 340 ranges, the limit of Linux/],
];
for (const [title, map, problem] of wrongMaps)
  for (const which of ['uid_map', 'gid_map'])
    test(`a user namespace with ${title} in its ${which} is refused`, async (t) => {
      const images = { 'ids-7.img': ids(1, 6), 'userns-6.img': [{ [which]: map }] };
      const error = await refusal(t, smallWith(images), LOG);
      t.like(error, { code: 'IMAGE_MALFORMED', exitCode: 2, file: 'userns-6.img', field: `userns_entry.${which}` });
      t.regex(error.message, problem);
    });

test('a range without one of its numbers is refused', async (t) => {
  const entry = encodeMessage('uid_gid_extent', { first: 1, lower_first: 1 });
  const map = Buffer.concat([Buffer.from([0x0a, entry.length]), entry]);
  const error = await refusal(t, smallWith({ 'ids-7.img': ids(1, 6), 'userns-6.img': [map] }), LOG);
  t.like(error, { code: 'IMAGE_MALFORMED', file: 'userns-6.img', field: 'userns_entry.uid_map' });
});

test('credentials that Linux does not have are refused', async (t) => {
  const upTo = (count: number) => Array.from({ length: count }, (_, at) => at);
  const refused = async (own: object, field: string, problem: RegExp) => {
    const thread = { futex_rla: 0, futex_rla_len: 0, creds: own };
    const error = await refusal(t, smallWith({ 'core-7.img': [{ mtype: 1, thread_core: thread }] }), LOG);
    t.like(error, {
      code: 'IMAGE_MALFORMED',
      exitCode: 2,
      file: 'core-7.img',
      entry: 0,
      field: `creds_entry.${field}`,
    });
    t.regex(error.message, problem);
  };
  // protobufjs writes required fields, whatever it is given: fsgid alone.
  const halved = { 'core-7.img': [Buffer.from([0x2a, 4, 0x52, 2, 0x40, 0])] };
  const missing = await refusal(t, smallWith(halved), LOG);
  t.like(missing, { code: 'IMAGE_MALFORMED', file: 'core-7.img', field: 'creds_entry.fsuid' });
  await refused(creds({ fsgid: 0xffffffff }), 'fsgid', /4294967295 is no id/);
  await refused(creds({ groups: [1, 0xffffffff] }), 'groups', /4294967295 is no id/);
  await refused(creds({ groups: upTo(65537) }), 'groups', /more than 65536 groups, the limit of Linux/);
  const plan = await planOf(t, { 'core-7.img': core({ groups: upTo(65536) }) }, LOG);
  t.is(plan.credentials[0]?.groups.length, 65536);
});

const lost = (plan: { warnings: readonly { code: string; message: string; file_id?: number }[] }) =>
  plan.warnings.filter(({ code }) => code === 'PIPE_OWNER_LOST');
const withPipe = (more: object): Images => {
  const files = smallCheckpoint()['files.img'] as object[];
  return { 'files.img': [...files.slice(0, 1), pipeEntry(2, 4711, 1, more), ...files.slice(2)] };
};

test('the owner of a pipe that was not root’s is lost, with a warning', async (t) => {
  const [warning, ...others] = lost(await planOf(t, withPipe({ uid: 65534, gid: 7 }), PIPE));
  t.deepEqual(others, []);
  t.is(warning?.file_id, 2);
  t.is(
    warning?.message,
    "pipe:[4711] (file id 2) belonged to 65534:7, and the caller's pipe keeps its own owner: a task that is not root may " +
      "fail to open it again as /proc/self/fd/1; to avoid that, run chown 65534:7 /proc/self/fd/5 on the caller's pipe " +
      'before the restore',
  );
  t.is(lost(await planOf(t, withPipe({ uid: 0, gid: 7 }), PIPE)).length, 1);
});

test('no warning of a pipe that was root’s, whose owner is not known, or that stays', async (t) => {
  t.deepEqual(lost(await planOf(t, withPipe({ uid: 0, gid: 0 }), PIPE)), []);
  t.deepEqual(lost(await planOf(t, withPipe({}), PIPE)), []);
  t.deepEqual(lost(await planOf(t, withPipe({ uid: 65534, gid: 7 }), LOG)), []);
});

test('both ends of a pipe are one warning, and each caller fd another', async (t) => {
  const owner = { uid: 9, gid: 9 };
  const files = [...(withPipe(owner)['files.img'] as object[]), pipeEntry(9, 4711, 0, owner)];
  const images = { 'files.img': files, 'fdinfo-2.img': [descriptor(2, 1, 'PIPE'), descriptor(9, 4, 'PIPE')] };
  t.is(lost(await planOf(t, images, PIPE)).length, 1);
  const ends = ['fd[5]:/proc/8/fd/1', 'fd[6]:/proc/8/fd/4'];
  t.deepEqual(
    lost(await planOf(t, images, { specs: ends })).map(({ message }) => /chown .* on/.exec(message)?.[0]),
    [5, 6].map((fd) => `chown 9:9 /proc/self/fd/${fd} on`),
  );
});

test('the owner is named as the caller sees it, outside of the user namespace', async (t) => {
  const images = (uid: number) => ({
    ...withPipe({ uid, gid: uid }),
    'ids-7.img': ids(1, 6),
    'userns-6.img': [{ uid_map: [range(0, 100_000, 10)], gid_map: [range(0, 200_000, 10)] }],
  });
  t.regex(lost(await planOf(t, images(0), PIPE))[0]?.message ?? '', /belonged to 100000:200000/);
  t.regex(lost(await planOf(t, images(9), PIPE))[0]?.message ?? '', /chown 100009:200009 /);
  // Nobody outside has that id.
  t.deepEqual(lost(await planOf(t, images(10), PIPE)), []);
});

test('a dump of a CRIU that records owners, with another one', async (t) => {
  const top = temporaryDirectory(t);
  const [source, out] = [path.join(top, 'source'), path.join(top, 'out')];
  fs.cpSync(path.join(__dirname, '../../fixtures/images/job_newer_criu'), source, { recursive: true });
  const file = path.join(source, 'files.img');
  const records = decodeImage('files.img', fs.readFileSync(file)).records.map(({ bytes }) => {
    const decoded = messageType('file_entry').decode(bytes) as unknown as { pipe?: { uid: number; gid: number } };
    if (decoded.pipe) Object.assign(decoded.pipe, { uid: 65534, gid: 65534 });
    return decoded;
  });
  fs.writeFileSync(file, encodeImage('files.img', records));
  const { plan } = await rewrite(await openSource(source), { specs: ['fd[5]:/proc/14716/fd/1'], out });
  t.regex(lost(plan)[0]?.message ?? '', /^pipe:\[3270082\] .* chown 65534:65534 \/proc\/self\/fd\/5 /);
  t.deepEqual(checkRewritten(source, out), []);
});
