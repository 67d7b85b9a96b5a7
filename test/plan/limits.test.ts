import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { FdgraftError, type RewriteOptions } from '../../src';
import { encodePlan as chunksOf } from '../../src/plan/encode-plan';
import { PLAN_FORMAT, type Plan } from '../../src/plan/plan';
import * as limits from '../../src/schema/plan-limits';
import {
  descriptor,
  fileEntry,
  type Images,
  pipeEntry,
  smallCheckpoint,
  temporaryDirectory,
} from '../support/directories';
import { encodeImage } from '../support/images';
import { exec } from '../support/native';
import { type Plan as HandMade, type Placeholder, writePlan } from '../support/planfile';
import { holds } from '../support/properties';
import { refusal, rewriteImages, smallWith } from '../support/rewriting';

/** Each limit of a plan from both sides: what is at it is written and taken, what is past it neither. */

const PIPE = 'fd[5]:pipe:[4711]';
const LOG = 'fd[7]:/var/log/app.log';
const READ_WRITE = 2;

test('the executor has the same limits', (t) => {
  const header = readFileSync(path.join(__dirname, '../../native/src/plan-limits.h'), 'utf8');
  const defined = [...header.matchAll(/^#define (\w+_MAX) (\d+)$/gm)].map(([, name, value]) => [name, value]);
  t.deepEqual(
    defined,
    Object.entries(limits).map(([name, value]) => [name, `${value}`]),
  );
});

/** Complaints about the plan itself; those about what the caller has open are left out, but for what fits no caller. Warnings refuse nothing. */
function aboutThePlan(stderr: string): string[] {
  const lines = stderr.split('\n').filter((line) => line !== '' && !line.startsWith('fdgraft-exec: warning: '));
  return lines.filter(
    (line) =>
      !/^fdgraft-exec: caller fd \d+ /.test(line) ||
      /would mix|would be written into|must hold \d{10}: Invalid argument/.test(line),
  );
}

const GIVE = ['5=pipe:6', '7=file:2:/dev/null'];

/** What the executor says of a plan, whatever it says of the descriptors. */
async function verdict(plan: string): Promise<{ code: number | null; stderr: string }> {
  const { code, stderr } = await exec(['--plan', plan, '--check'], { give: GIVE });
  return { code, stderr };
}

async function accepted(t: ExecutionContext, plan: string): Promise<void> {
  const { stderr } = await verdict(plan);
  t.deepEqual(aboutThePlan(stderr), []);
}

interface Row {
  readonly what: string;
  /** Past it by so much; 0: at the limit. */
  readonly images: (past: 0 | 1) => Images;
  readonly specs: (past: 0 | 1) => RewriteOptions['specs'];
  readonly refused: { readonly code: string; readonly message: RegExp };
  /** A plan that is past the limit, and what the executor says of it. */
  readonly handMade: readonly [HandMade, RegExp];
}

const whole: Placeholder = { fileId: 3, callerFd: 7, descriptors: [{ fd: 3, pids: [7] }] };
const bytesIn = (record: object, bytes: string): Buffer =>
  encodeImage('pipes-data.img', [record], { extras: [Buffer.from(bytes)] });
const readEnd = {
  'files.img': [pipeEntry(2, 4711, 0), fileEntry(3, '/var/log/app.log', READ_WRITE), fileEntry(4, '/', 0)],
};
const tables = (files: number) => [{ vm_id: 1, files_id: files, fs_id: 1, sighand_id: 1 }];

const ROWS: Row[] = [
  {
    what: 'a descriptor number',
    images: (past) => smallWith({ 'fdinfo-2.img': [descriptor(2, limits.FD_NUMBER_MAX + past, 'PIPE')] }),
    specs: () => [PIPE],
    refused: {
      code: 'PLAN_LIMIT',
      message: /fdinfo-2\.img, entry 0, field fdinfo_entry\.fd: descriptor 1048576 is past 1048575/,
    },
    handMade: [
      { placeholders: [{ ...whole, descriptors: [{ fd: limits.FD_NUMBER_MAX + 1, pids: [7] }] }] },
      /descriptor 1048576, at most 1048575/,
    ],
  },
  {
    what: 'a caller fd',
    images: smallCheckpoint,
    specs: (past) => [`fd[${limits.FD_NUMBER_MAX + past}]:pipe:[4711]`],
    refused: { code: 'SPEC_SYNTAX', message: /1048576 is no descriptor number/ },
    handMade: [
      { placeholders: [{ ...whole, callerFd: limits.FD_NUMBER_MAX + 1 }] },
      /head, spec 0: descriptor 1048576, at most 1048575/,
    ],
  },
  {
    what: 'the fd of a debug text',
    images: smallCheckpoint,
    specs: (past) => [PIPE, `debug[${limits.FD_NUMBER_MAX + past}]:x`],
    refused: { code: 'SPEC_SYNTAX', message: /1048576 is no descriptor number/ },
    handMade: [
      {
        placeholders: [whole],
        debugs: [{ text: 'x', callerFd: limits.FD_NUMBER_MAX + 1, output: Buffer.from('x') }],
      },
      /debug spec 0: descriptor 1048576/,
    ],
  },
  {
    what: 'a pid',
    images: (past) => {
      const pid = limits.PID_NUMBER_MAX + past;
      return smallWith({
        'pstree.img': [
          { pid: 7, ppid: 0, pgid: 7, sid: 7, threads: [7] },
          { pid, ppid: 7, pgid: 7, sid: 7, threads: [pid] },
        ],
        [`ids-${pid}.img`]: tables(2),
      });
    },
    specs: () => [PIPE],
    refused: {
      code: 'PLAN_LIMIT',
      message: /pstree\.img, entry 1, field pstree_entry\.pid: pid 2147483648 is no number of a task/,
    },
    handMade: [
      { placeholders: [{ ...whole, descriptors: [{ fd: 3, pids: [2 ** 31] }] }] },
      /pid 2147483648, allowed is 1 to 2147483647/,
    ],
  },
  {
    what: 'the lowest pid',
    images: (past) =>
      smallWith({
        'pstree.img': [
          { pid: 7, ppid: 0, pgid: 7, sid: 7, threads: [7] },
          { pid: 1 - past, ppid: 7, pgid: 7, sid: 7, threads: [8] },
        ],
        [`ids-${1 - past}.img`]: tables(2),
      }),
    specs: () => [PIPE],
    refused: { code: 'PLAN_LIMIT', message: /pstree\.img, entry 1, field pstree_entry\.pid: pid 0 is no number/ },
    handMade: [{ placeholders: [{ ...whole, descriptors: [{ fd: 3, pids: [0] }] }] }, /pid 0, allowed is 1/],
  },
  {
    what: 'a saved offset',
    images: (past) =>
      smallWith({
        'files.img': [
          pipeEntry(2, 4711, 1),
          fileEntry(3, '/var/log/app.log', READ_WRITE, { pos: `${limits.OFFSET_MAX + BigInt(past)}` }),
          fileEntry(4, '/', 0),
        ],
      }),
    specs: () => [{ inherit: LOG, position: 'saved' }],
    refused: {
      code: 'PLAN_LIMIT',
      message: /files\.img, entry 1, field reg_file_entry\.pos: .* offset 9223372036854775808 of .* is past/,
    },
    // As a double, 2^63 is exact.
    handMade: [{ placeholders: [{ ...whole, position: 'saved', offset: 2 ** 63 }] }, /its saved offset is past/],
  },
  {
    what: 'the size of a pipe with unread bytes',
    images: (past) =>
      smallWith({
        ...readEnd,
        'pipes-data.img': bytesIn({ pipe_id: 4711, bytes: 3, size: limits.PIPE_CAPACITY_MAX + past }, 'abc'),
      }),
    specs: () => [PIPE],
    refused: {
      code: 'IMAGE_MALFORMED',
      message: /pipes-data\.img, entry 0, field pipe_data_entry\.size: pipe 4711 has a capacity of 2147483648 bytes/,
    },
    handMade: [
      {
        images: [],
        placeholders: [
          { ...whole, callerFd: 5, inFlight: [{ offset: 0, bytes: 3, pipeSize: 2 ** 31, fate: 'replay' }] },
        ],
      },
      /the size of its pipe is past the largest possible one/,
    ],
  },
  {
    what: 'the number of files to open again',
    images: (past) => {
      const ids = Array.from({ length: limits.REOPENED_MAX + past }, (_, i) => i + 10);
      return smallWith({
        'files.img': [...ids.map((id) => fileEntry(id, `/data/${id}`, READ_WRITE)), fileEntry(4, '/', 0)],
        'fdinfo-1.img': ids.map((id) => descriptor(id, id, 'REG')),
        'fdinfo-2.img': [],
      });
    },
    specs: () => [{ inherit: 'fd[7]:/data/*', apply: 'reopen' }],
    refused: { code: 'PLAN_LIMIT', message: /files\.img, entry 4096: .* for 4097 entries, and a plan can have 4096/ },
    handMade: [
      {
        placeholders: Array.from({ length: limits.REOPENED_MAX + 1 }, (_, i) => ({
          ...whole,
          fileId: i + 1,
          apply: 'reopen' as const,
          descriptors: [{ fd: i, pids: [7] }],
        })),
      },
      /4097 placeholders have to be opened again, at most 4096 can be/,
    ],
  },
];

for (const { what, images, specs, refused, handMade } of ROWS) {
  test(`${what}: at the limit it is written and taken`, async (t) => {
    const { out } = await rewriteImages(t, images(0), { specs: specs(0) });
    await accepted(t, out);
  });
  test(`${what}: past the limit nothing is written`, async (t) => {
    const error = await refusal(t, images(1), { specs: specs(1) });
    t.like(error, { code: refused.code, exitCode: 2 });
    t.regex(error.message, refused.message);
    t.truthy(error.hint);
  });
  test(`${what}: past the limit the executor refuses it`, async (t) => {
    const own = temporaryDirectory(t);
    writeFileSync(path.join(own, 'pipes-data.img'), 'abc');
    const { code, stderr } = await verdict(writePlan(own, handMade[0]));
    t.is(code, 100, stderr);
    t.regex(stderr, handMade[1]);
  });
}

// What has no number to count up to: a plan that the executor takes from nobody.

const TWICE: [string, Images][] = [
  ['of one entry', { 'fdinfo-2.img': [descriptor(2, 1, 'PIPE'), descriptor(2, 1, 'PIPE')] }],
  ['behind one that stays', { 'fdinfo-2.img': [descriptor(4, 1, 'REG'), descriptor(2, 1, 'PIPE')] }],
  ['before one that stays', { 'fdinfo-2.img': [descriptor(2, 1, 'PIPE'), descriptor(4, 1, 'REG')] }],
];
for (const [where, images] of TWICE) {
  test(`a descriptor number twice in a table, ${where}`, async (t) => {
    const error = await refusal(t, smallWith(images), { specs: [PIPE] });
    t.like(error, { code: 'IMAGES_DISAGREE', exitCode: 2, file: 'fdinfo-2.img', entry: 1, field: 'fdinfo_entry.fd' });
    t.regex(error.message, /descriptor 1 is that of an earlier entry too/);
  });
}

test('a descriptor number twice in a table: the executor refuses it for every use', async (t) => {
  const twice = [whole, { ...whole, fileId: 4 }];
  const { code, stderr } = await verdict(writePlan(temporaryDirectory(t), { placeholders: twice }));
  t.is(code, 100);
  t.regex(stderr, /descriptor table 7 has descriptor 3 twice, of file ids 3 and 4/);
});

test('a descriptor number in several tables, and twice among what stays, is no fault', async (t) => {
  const images = smallWith({
    'fdinfo-2.img': [descriptor(2, 1, 'PIPE'), descriptor(4, 2, 'REG'), descriptor(4, 2, 'REG')],
  });
  const { out } = await rewriteImages(t, images, { specs: [PIPE] });
  await accepted(t, out);
});

const twoPipes = smallWith({
  'files.img': [pipeEntry(2, 4711, 0), pipeEntry(3, 4712, 0), fileEntry(4, '/', 0)],
  'fdinfo-1.img': [descriptor(2, 1, 'PIPE'), descriptor(3, 3, 'PIPE')],
  'pipes-data.img': encodeImage(
    'pipes-data.img',
    [
      { pipe_id: 4711, bytes: 3 },
      { pipe_id: 4712, bytes: 2 },
    ],
    { extras: [Buffer.from('abc'), Buffer.from('de')] },
  ),
});

test('unread bytes of two pipes do not go through one caller fd', async (t) => {
  const error = await refusal(t, twoPipes, { specs: [PIPE, 'fd[5]:pipe:[4712]'] });
  t.like(error, { code: 'BYTES_IN_FLIGHT', exitCode: 2, file: 'pipes-data.img', entry: 1 });
  t.regex(error.message, /caller fd 5 would get the unread bytes of pipe:\[4711\] .* and those of pipe:\[4712\]/);
  for (const last of ['fd[9]:pipe:[4712]', { inherit: 'fd[5]:pipe:[4712]', inFlight: 'drop' as const }]) {
    const { out } = await rewriteImages(t, twoPipes, { specs: [PIPE, last] });
    await accepted(t, out);
  }
});

test('no debug text comes before unread bytes', async (t) => {
  const error = await refusal(t, twoPipes, { specs: [PIPE, 'debug[5]:begin'] });
  t.like(error, { code: 'BYTES_IN_FLIGHT', exitCode: 2, file: 'pipes-data.img', entry: 0 });
  t.regex(error.message, /spec 'debug\[5\]:begin' would write its text before the unread bytes of pipe:\[4711\]/);
  const { out } = await rewriteImages(t, twoPipes, { specs: [PIPE, 'debug[7]:begin'] });
  await accepted(t, out);
});

const encodePlan = (plan: Plan): Buffer => Buffer.concat(chunksOf(plan));

const emptyPlan: Plan = {
  format: PLAN_FORMAT,
  tool: 'a test',
  images: [],
  specs: [],
  debugs: [],
  warnings: [],
  credentials: [],
  placeholders: [],
};

test.serial('the size of a plan', async (t) => {
  const withText = (output: Buffer): Plan => ({ ...emptyPlan, debugs: [{ text: 'x', caller_fd: 7, output }] });
  // Lengths of that order of magnitude are written in as many bytes.
  const rest = encodePlan(withText(Buffer.alloc(limits.PLAN_SIZE_MAX - 1000))).length - (limits.PLAN_SIZE_MAX - 1000);
  const text = Buffer.alloc(limits.PLAN_SIZE_MAX - rest + 1, 'x');
  const error = t.throws(() => encodePlan(withText(text)), { instanceOf: FdgraftError }) as FdgraftError;
  t.like(error, { code: 'PLAN_LIMIT', exitCode: 2, file: 'inherit-plan.img' });
  t.regex(error.message, /more than 268435456 bytes/);
  const plan = path.join(temporaryDirectory(t), 'inherit-plan.img');
  const bytes = encodePlan(withText(text.subarray(1)));
  t.is(bytes.length, limits.PLAN_SIZE_MAX);
  writeFileSync(plan, bytes);
  await accepted(t, plan);
  // test/native/plan.test.ts has a larger one refused by the executor.
});

test.serial('the memory that a plan needs in the executor', async (t) => {
  const withPids = (count: number): Plan => ({
    ...emptyPlan,
    specs: [{ text: 'fd[7]:x', caller_fd: 7, matches: 1 }],
    placeholders: [
      {
        file_id: 3,
        caller_fd: 7,
        spec: 0,
        was: { type: 'REG', key: 'x', flags: 2, owner: { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: 0 } },
        needs_read: true,
        needs_write: true,
        apply: 'AUTO',
        position: 'CALLER',
        references: [{ descriptor: { table: 2, pids: new Array(count).fill(7), fd: 3, close_on_exec: false } }],
        in_flight: [],
      },
    ],
  });
  const most = 15_700_000;
  const error = t.throws(() => encodePlan(withPids(most + 100_000)), { instanceOf: FdgraftError }) as FdgraftError;
  t.like(error, { code: 'PLAN_LIMIT', exitCode: 2, file: 'inherit-plan.img' });
  t.regex(error.message, /more than 1073741824 bytes in memory/);
  const plan = path.join(temporaryDirectory(t), 'inherit-plan.img');
  writeFileSync(plan, encodePlan(withPids(most)));
  await accepted(t, plan);
  // test/native/plan.test.ts has a plan that needs more refused by the executor.
});

const entry = fc.record({
  kind: fc.constantFrom('pipe', 'file', 'file in the same directory'),
  number: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom(2 ** 31, 2 ** 32 - 1)),
  flags: fc.oneof(fc.constantFrom(0, 1, 2, 0o2001, 0o4000), fc.nat(2 ** 31 - 1)),
  pos: fc.oneof(fc.nat(100).map(String), fc.constantFrom(`${2n ** 63n - 1n}`, `${2n ** 63n}`, `${2n ** 64n - 1n}`)),
  owner: fc.constantFrom(0, 7, 99),
});
const fdNumber = fc.oneof(fc.nat(4), fc.constantFrom(limits.FD_NUMBER_MAX, limits.FD_NUMBER_MAX + 1, 2 ** 32 - 1));
const randomCheckpoint = fc.record({
  entries: fc.array(entry, { minLength: 1, maxLength: 4 }),
  descriptors: fc.array(fc.record({ table: fc.nat(1), which: fc.nat(3), fd: fdNumber }), {
    minLength: 1,
    maxLength: 6,
  }),
  pid: fc.oneof(fc.constant(8), fc.constantFrom(0, 2 ** 31 - 1, 2 ** 31)),
  unread: fc.array(
    fc.record({ pipe: fc.nat(3), bytes: fc.nat(3), size: fc.constantFrom(4096, 2 ** 31, 2 ** 32 - 1) }),
    {
      maxLength: 2,
    },
  ),
  specs: fc.array(
    fc.record({
      fd: fc.constantFrom(5, 7),
      key: fc.constantFrom('pipe:[1]', 'pipe:[2]', '/data/*', '/data/1', '/proc/*/fd/1', '/proc/7/fd/2'),
      apply: fc.constantFrom('auto', 'dup', 'reopen'),
      position: fc.constantFrom('caller', 'saved', 'end'),
      inFlight: fc.constantFrom('replay', 'drop'),
      only: fc.boolean(),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  debug: fc.option(fc.constantFrom('debug[5]:x', 'debug[7]:\\x00'), { nil: undefined }),
});

test('what a rewrite writes, the executor never refuses for itself', async (t) => {
  let written = 0;
  await holds(
    t,
    fc.asyncProperty(randomCheckpoint, async ({ entries, descriptors, pid, unread, specs, debug }) => {
      const fown = (owner: number) => ({ uid: 0, euid: 0, signum: owner && 23, pid_type: 1, pid: owner });
      const used = descriptors.map(({ table, which, fd }) => ({ table, fd, id: (which % entries.length) + 1 }));
      const typeOf = (id: number) => (entries[id - 1]?.kind === 'pipe' ? 'PIPE' : 'REG');
      const images = smallWith({
        'pstree.img': [
          { pid: 7, ppid: 0, pgid: 7, sid: 7, threads: [7] },
          { pid, ppid: 7, pgid: 7, sid: 7, threads: [pid] },
        ],
        [`ids-${pid}.img`]: tables(2),
        'files.img': [
          ...entries.map(({ kind, number, flags, pos, owner }, i) =>
            kind === 'pipe'
              ? pipeEntry(i + 1, number, flags, { fown: fown(owner) })
              : fileEntry(i + 1, `/data/${number}`, flags, { pos, fown: fown(owner) }),
          ),
          fileEntry(40, '/', 0),
          fileEntry(41, '/program', 0),
        ],
        ...Object.fromEntries(
          [0, 1].map((table) => [
            `fdinfo-${table + 1}.img`,
            used.flatMap((one) => (one.table === table ? [descriptor(one.id, one.fd, typeOf(one.id))] : [])),
          ]),
        ),
        'fs-7.img': [{ cwd_id: 40, root_id: 40 }],
        'mm-7.img': encodeImage('mm-7.img', []),
        'pipes-data.img': encodeImage(
          'pipes-data.img',
          unread.map(({ pipe, bytes, size }) => ({ pipe_id: pipe, bytes, size })),
          { extras: unread.map(({ bytes }) => Buffer.alloc(bytes, 'x')) },
        ),
      });
      const given = specs.map(({ fd, key, position, ...options }) => ({
        inherit: `fd[${fd}]:${key}`,
        ...options,
        ...(options.apply === 'dup' ? {} : { position: position as 'caller' | 'saved' | 'end' }),
        apply: options.apply as 'auto' | 'dup' | 'reopen',
        inFlight: options.inFlight as 'replay' | 'drop',
        only: options.only && key.startsWith('/proc/'),
      }));
      const all = debug === undefined ? given : [...given, debug];
      try {
        const { out } = await rewriteImages(t, images, { specs: all, allowUnmatched: true });
        written += 1;
        const { stderr } = await verdict(out);
        const complaints = aboutThePlan(stderr);
        if (complaints.length > 0) throw new Error(complaints.join('\n'));
      } catch (error) {
        if (!(error instanceof FdgraftError)) throw error;
      }
    }),
    120,
  );
  t.true(written > 20, `${written} were written`);
});
