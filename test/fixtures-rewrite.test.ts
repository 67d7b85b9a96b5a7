import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type ErrorCode, FdgraftError, inspect, openSource, type RewriteOptions, rewrite } from '../src';
import { allOf } from './support/all-of';
import { NO_OWNER, temporaryDirectory } from './support/directories';
import { encodeImage, encodeMessage, messageType, readImage, uint32 } from './support/images';
import { checkRewritten } from './support/independent';

const images = path.join(__dirname, '../fixtures/images');
/** Layouts that no CRIU from 3.17 on restores. */
const REFUSED_LAYOUTS: { [fixture: string]: RegExp } = {
  old_by_pid: /has descriptor tables by pid/,
  old_ids_in_core: /has no ids-PID\.img/,
  old_per_type: /has \S+\.img and no files\.img/,
};
const fixtures = fs.readdirSync(images).filter((name) => REFUSED_LAYOUTS[name] === undefined);

/** What cannot be rewritten, by fixture and key (pipes without their number): the code and the reason. */
const REFUSED: { [fixtureAndKey: string]: [ErrorCode, RegExp] } = {
  'locked_log /srv/fdgraft/flocked.log': ['DESCRIPTOR_TIED', /14716\/5, .* holds a flock/],
  'locked_log /srv/fdgraft/posix.log': ['DESCRIPTOR_TIED', /14716\/6, .* holds a POSIX lock/],
};
/** Ends of pairs of sockets, which are refused one by one. */
const ENDS_OF_PAIRS: { [fixture: string]: number } = {
  many_types: 4,
  scm_rights: 2,
  scm_receive: 2,
  server: 2,
  server_waiting: 2,
};
const lineOf = (name: string, key: string) => `${name} ${key.replace(/:\[\d+\]$/, '')}`;

async function keysOf(directory: string): Promise<string[]> {
  const listed = await allOf(inspect(await openSource(directory)));
  return [...new Set(listed.flatMap(({ facts }) => facts?.key ?? []))];
}

/** Rewrites a fixture and has the result checked. */
async function checked(t: ExecutionContext, name: string, specs: RewriteOptions['specs'], more: object = {}) {
  const directory = path.join(images, name);
  const out = path.join(temporaryDirectory(t), 'out');
  const { plan } = await rewrite(await openSource(directory), { specs, out, ...more });
  t.deepEqual(checkRewritten(directory, out), [], JSON.stringify(specs));
  return { directory, out, plan };
}

/** Whether a spec names one end of a pair alone; other refusals are thrown. */
async function isEndOfPair(t: ExecutionContext, name: string, spec: string): Promise<boolean> {
  try {
    await checked(t, name, [{ inherit: spec, inFlight: 'drop' }]);
    return false;
  } catch (error) {
    if (error instanceof FdgraftError && /one end of a pair of sockets/.test(error.message)) return true;
    throw error;
  }
}

for (const [name, reason] of Object.entries(REFUSED_LAYOUTS)) {
  test(`${name}: its layout is refused, and nothing is left behind`, async (t) => {
    const out = path.join(temporaryDirectory(t), 'out');
    const source = await openSource(path.join(images, name));
    const error = await t.throwsAsync(rewrite(source, { specs: ['fd[5]:/srv/fdgraft/**'], out }), {
      instanceOf: FdgraftError,
      message: reason,
    });
    t.is(error.exitCode, 2);
    t.deepEqual(fs.readdirSync(path.dirname(out)), []);
  });
}

for (const name of fixtures) {
  test(`${name}: with nothing to match every image comes out as it was`, async (t) => {
    const { directory, out } = await checked(t, name, ['fd[5]:/no/such/file'], { allowUnmatched: true });
    t.deepEqual(fs.readdirSync(out).sort(), [...fs.readdirSync(directory), 'inherit-plan.img'].sort());
    for (const file of fs.readdirSync(directory)) {
      t.true(fs.readFileSync(path.join(out, file)).equals(fs.readFileSync(path.join(directory, file))), file);
    }
  });

  test(`${name}: each key alone, and all together, change what they name and nothing else`, async (t) => {
    const keys = await keysOf(path.join(images, name));
    const good: string[] = [];
    let ends = 0;
    for (const key of keys) {
      const refused = REFUSED[lineOf(name, key)];
      if (refused !== undefined) {
        const error = await t.throwsAsync(checked(t, name, [`fd[5]:${key}`]), { instanceOf: FdgraftError });
        t.is(error.code, refused[0], key);
        t.regex(error.message, refused[1], key);
        continue;
      }
      if (key.startsWith('socket:') && (await isEndOfPair(t, name, `fd[5]:${key}`))) {
        ends += 1;
        continue;
      }
      const { plan } = await checked(t, name, [`fd[5]:${key}`]);
      t.true(plan.placeholders.length > 0, key);
      await checked(t, name, [`fd[5]:${key}`], { dropInFlight: true });
      good.push(key);
    }
    t.is(ends, ENDS_OF_PAIRS[name] ?? 0);
    t.true(good.length > 0);
    const { plan } = await checked(
      t,
      name,
      good.map((key, i) => `fd[${10 + i}]:${key}`),
    );
    t.deepEqual(
      [...new Set(plan.placeholders.map(({ caller_fd }) => caller_fd))].sort((a, b) => a - b),
      good.map((_key, i) => 10 + i),
    );
  });
}

for (const name of fixtures) {
  test(`${name}: each descriptor by its name, with the others of its entry and without`, async (t) => {
    const entries = await allOf(inspect(await openSource(path.join(images, name))));
    let moved = 0;
    for (const { id, facts, descriptors } of entries) {
      if (facts === undefined || REFUSED[lineOf(name, facts.key)] !== undefined) continue;
      if (facts.key.startsWith('socket:') && (await isEndOfPair(t, name, `fd[5]:${facts.key}`))) continue;
      for (const { pids, table, fd } of descriptors) {
        for (const only of [false, true]) {
          // The reader that stays has the unread bytes.
          const spec = { inherit: `fd[5]:/proc/${pids[0]}/fd/${fd}`, only, inFlight: 'drop' as const };
          if (only && descriptors.length > 1 && name === 'memfds' && facts.memfdInode !== undefined) {
            const error = await t.throwsAsync(checked(t, name, [spec]), { instanceOf: FdgraftError });
            t.regex(error.message, /descriptors of the same memfd stay/);
            continue;
          }
          const opens = entries.filter((entry) => entry.facts?.terminalId === facts.terminalId);
          if (!only && facts.kind?.name === 'terminal' && opens.length > 1) {
            const error = await t.throwsAsync(checked(t, name, [spec]), { instanceOf: FdgraftError });
            t.regex(error.message, /a terminal, and others of it stay/);
            continue;
          }
          const { plan } = await checked(t, name, [spec]);
          const [placeholder, ...more] = plan.placeholders.filter(({ mapping }) => mapping === undefined);
          t.deepEqual(more, []);
          t.is(placeholder?.split_from ?? placeholder?.file_id, id);
          const holders = [...(placeholder?.references ?? [])].flatMap((reference) =>
            'descriptor' in reference ? [[reference.descriptor.table, reference.descriptor.fd]] : [],
          );
          if (only) t.deepEqual(holders, [[table, fd]]);
          else t.is(holders?.length, descriptors.length);
          moved += 1;
        }
      }
    }
    t.true(moved > 0);
  });
}

test('every refusal of the list is one of a fixture', async (t) => {
  const lines = new Set<string>();
  for (const name of fixtures) for (const key of await keysOf(path.join(images, name))) lines.add(lineOf(name, key));
  for (const line of Object.keys(REFUSED)) t.true(lines.has(line), line);
});

test('an entry that only an SCM right refers to is replaced, too', async (t) => {
  const { plan } = await checked(t, 'scm_rights', ['fd[5]:/srv/fdgraft/log']);
  t.deepEqual(
    plan.placeholders.map(({ references }) => references),
    [[{ scm_right: { packet: 0, socket_id: 5 } }]],
  );
});

/** Below: the checker of these tests notices what a rewriter could get wrong. */
type Fields = { [name: string]: unknown };

/** Changes the records of an image, given by file id or all. */
function edit(out: string, name: string, id: number | 'all', change: (fields: Fields) => Fields | Uint8Array): void {
  const records = readImage(out, name).records.map(({ bytes, fields }) =>
    id === 'all' || fields.id === id ? change(fields) : bytes,
  );
  fs.writeFileSync(path.join(out, name), encodeImage(name, records));
}

/** Changes the plan: the placeholder with this file id, or the head. */
function editPlan(out: string, id: number | 'head', change: (message: Fields) => void): void {
  const file = path.join(out, 'inherit-plan.img');
  const bytes = fs.readFileSync(file);
  const chunks: Uint8Array[] = [bytes.subarray(0, 8)];
  for (let at = 8; at < bytes.length; at += 4 + bytes.readUInt32LE(at)) {
    const type = at === 8 ? 'fdgraft.plan_head' : 'fdgraft.plan_placeholder';
    const message = messageType(type).decode(bytes.subarray(at + 4, at + 4 + bytes.readUInt32LE(at)));
    const fields = messageType(type).toObject(message, { arrays: true });
    if (at === 8 ? id === 'head' : fields.file_id === id) change(fields);
    const record = encodeMessage(type, fields);
    chunks.push(uint32(record.length), record);
  }
  fs.writeFileSync(file, Buffer.concat(chunks));
}

/** The plan is at odds with a reference that it has. */
const editReference = (out: string, holder: 'descriptor' | 'scm_right', change: Fields) =>
  editPlan(out, 3, (placeholder) => {
    const references = placeholder.references as { [holder: string]: Fields }[];
    Object.assign(references.find((reference) => reference[holder] !== undefined)?.[holder] ?? {}, change);
  });
const append = (out: string, name: string) => fs.appendFileSync(path.join(out, name), 'x');
const cut = (out: string, name: string, bytes: number) =>
  fs.truncateSync(path.join(out, name), fs.statSync(path.join(out, name)).size - bytes);
const member = (fields: Fields, name: string, change: Fields) => ({
  ...fields,
  [name]: { ...(fields[name] as object), ...change },
});
const UNKNOWN_FIELD = Buffer.from([0xf8, 0x3f, 0x05]);

// In pipe_outside, scm_rights and owned_pipe the placeholder has file id 3, in unread_pipe 2.
const SPOILED: [string, RegExp, (out: string) => void, string?][] = [
  ['an image is missing', /^pstree\.img is missing/, (out) => fs.rmSync(path.join(out, 'pstree.img'))],
  ['an image is new', /^more\.img is new/, (out) => append(out, 'more.img')],
  ['another image changed', /^pages-1\.img changed$/, (out) => append(out, 'pages-1.img')],
  ['there is no plan', /^the plan cannot be checked/, (out) => fs.rmSync(path.join(out, 'inherit-plan.img'))],
  ['the plan is cut off', /^the plan cannot be checked/, (out) => cut(out, 'inherit-plan.img', 1)],
  ['files.img is cut off', /^files\.img cannot be checked/, (out) => cut(out, 'files.img', 1)],
  ['an entry is gone', /files\.img has another number/, (out) => cut(out, 'files.img', lastRecord(out, 'files.img'))],
  [
    'a descriptor is gone',
    /fdinfo-3\.img has another number/,
    (out) => cut(out, 'fdinfo-3.img', lastRecord(out, 'fdinfo-3.img')),
  ],
  [
    'a descriptor kept its type',
    /type PIPE for a EXT entry/,
    (out) => edit(out, 'fdinfo-3.img', 3, (fields) => ({ ...fields, type: 'PIPE' })),
  ],
  [
    'a descriptor changed its number',
    /fdinfo-3\.img entry \d+: more than its type changed/,
    (out) => edit(out, 'fdinfo-3.img', 3, (fields) => ({ ...fields, fd: Number(fields.fd) + 100 })),
  ],
  [
    'a descriptor that was not named changed',
    /fdinfo-3\.img entry \d+ changed/,
    (out) => edit(out, 'fdinfo-3.img', 2, (fields) => ({ ...fields, flags: 1 })),
  ],
  [
    'a descriptor has no entry',
    /type REG for a undefined entry/,
    (out) => edit(out, 'fdinfo-3.img', 2, (fields) => ({ ...fields, id: 99 })),
  ],
  [
    'an entry kept its member',
    /file id 3: still has its old member/,
    (out) =>
      edit(out, 'files.img', 3, (fields) =>
        member(fields, 'pipe', { id: 3, pipe_id: 1, flags: 1, fown: (fields.ext as Fields).fown }),
      ),
  ],
  ['an entry lacks its new member', /lacks its ext/, (out) => edit(out, 'files.img', 3, (f) => omit(f, 'ext'))],
  [
    'the ext member has another id',
    /file id 3: lacks its ext/,
    (out) => edit(out, 'files.img', 3, (fields) => member(fields, 'ext', { id: 4 })),
  ],
  [
    'a placeholder has a field too many',
    /file id 3: more than type and member/,
    (out) => edit(out, 'files.img', 3, (fields) => Buffer.concat([encodeMessage('file_entry', fields), UNKNOWN_FIELD])),
  ],
  [
    'an entry that was not named changed',
    /files\.img entry \d+ changed/,
    (out) => edit(out, 'files.img', 1, (fields) => member(fields, 'reg', { flags: 7 })),
  ],
  [
    'the executable became a placeholder',
    /mm-14716\.img: exe is no regular file/,
    (out) => edit(out, 'files.img', 1, (fields) => ({ ...fields, type: 'EXT' })),
  ],
  [
    'what is mapped became a placeholder',
    /mm-14717\.img: a mapping is no regular file/,
    (out) => edit(out, 'files.img', 1, (fields) => ({ ...fields, type: 'EXT' })),
  ],
  [
    'the working directory is gone',
    /fs-14716\.img: cwd is no regular file/,
    (out) => edit(out, 'fs-14716.img', 'all', (fields) => ({ ...fields, cwd_id: 99 })),
  ],
  [
    'an owner stayed',
    /file id 3: another owner$/,
    (out) => edit(out, 'files.img', 3, (fields) => member(fields, 'ext', { fown: { ...NO_OWNER, pid: 14716 } })),
    'owned_pipe',
  ],
  [
    'the warning of an owner is gone',
    /an owner and no warning/,
    (out) => editPlan(out, 'head', (head) => Object.assign(head, { warnings: [] })),
    'owned_pipe',
  ],
  [
    'a digest of the plan is wrong',
    /files\.img: the digest after/,
    (out) =>
      editPlan(out, 'head', ({ images }) => {
        for (const image of images as Fields[]) image.after = Buffer.alloc(32);
      }),
  ],
  [
    'the plan leaves out a changed image',
    /files\.img changed, the plan says otherwise/,
    (out) => editPlan(out, 'head', (head) => Object.assign(head, { images: [] })),
  ],
  [
    'the plan names another spec',
    /wrong spec/,
    (out) => editPlan(out, 3, (placeholder) => Object.assign(placeholder, { caller_fd: 6 })),
  ],
  [
    'the plan has an orphan',
    /file id 3: an orphan/,
    (out) => editPlan(out, 3, (placeholder) => Object.assign(placeholder, { references: [] })),
  ],
  [
    'the plan is about another entry',
    /file id 3: an EXT without a plan/,
    (out) => editPlan(out, 3, (placeholder) => Object.assign(placeholder, { file_id: 9 })),
  ],
  ['the plan has other flags', /other flags in the plan/, (out) => editWas(out, { flags: 2 })],
  ['the plan has another pipe', /another pipe in the plan/, (out) => editWas(out, { pipe_id: 5 })],
  ['the plan has an offset', /another offset in the plan/, (out) => editWas(out, { offset: 5 })],
  ['the plan has another fd', /other descriptors/, (out) => editReference(out, 'descriptor', { fd: 99 })],
  ['the plan has another table', /other descriptors/, (out) => editReference(out, 'descriptor', { table: 99 })],
  ['the plan has other pids', /other descriptors/, (out) => editReference(out, 'descriptor', { pids: [1] })],
  ['close-on-exec is wrong', /other descriptors/, (out) => editReference(out, 'descriptor', { close_on_exec: true })],
  [
    'an SCM right is of another packet',
    /other SCM rights/,
    (out) => editReference(out, 'scm_right', { packet: 9 }),
    'scm_rights',
  ],
  [
    'bytes in flight lie elsewhere',
    /no such bytes in flight/,
    (out) => editPlan(out, 2, ({ in_flight }) => Object.assign((in_flight as Fields[])[0] as Fields, { offset: 1 })),
    'unread_pipe',
  ],
  [
    'bytes in flight are left out',
    /bytes in flight are not in the plan/,
    (out) => editPlan(out, 2, (placeholder) => Object.assign(placeholder, { in_flight: [] })),
    'unread_pipe',
  ],
];

/** The same, for rewrites with specs of their own. */
const SPOILED_SPLITS: [string, string, RewriteOptions['specs'], RegExp, (out: string) => void][] = [
  [
    'a new entry has a field too many',
    'forked_map',
    ['fd[5]:/srv/fdgraft/log'],
    /file id 8: a new entry with more than it needs/,
    (out) => edit(out, 'files.img', 8, (fields) => Buffer.concat([encodeMessage('file_entry', fields), UNKNOWN_FIELD])),
  ],
  [
    'a new entry has an id that is taken',
    'forked_map',
    ['fd[5]:/srv/fdgraft/log'],
    /file id 5 is there twice/,
    (out) => edit(out, 'files.img', 8, (fields) => ({ ...fields, id: 5, ext: { ...(fields.ext as Fields), id: 5 } })),
  ],
  [
    'the plan forgets where a new entry comes from',
    'forked_map',
    ['fd[5]:/srv/fdgraft/log'],
    /is new, and not split off/,
    (out) => editPlan(out, 8, (placeholder) => omitFrom(placeholder, 'split_from')),
  ],
  [
    'a descriptor stayed with the old entry',
    'forked_map',
    ['fd[5]:/srv/fdgraft/log'],
    /file id 8: other descriptors/,
    (out) => edit(out, 'fdinfo-3.img', 8, (fields) => ({ ...fields, id: 3, type: 'REG' })),
  ],
  [
    'a remap stayed',
    'deleted_logs',
    ['fd[5]:/srv/fdgraft/ghost.log'],
    /other remaps than those/,
    (out) => fs.copyFileSync(path.join(images, 'deleted_logs/remap-fpath.img'), path.join(out, 'remap-fpath.img')),
  ],
  [
    'a right stayed with the old entry',
    'scm_receive',
    ['fd[5]:/srv/fdgraft/log'],
    /file id 11: other SCM rights/,
    (out) => fs.copyFileSync(path.join(images, 'scm_receive/sk-queues.img'), path.join(out, 'sk-queues.img')),
  ],
  [
    'the plan does not know of an epoll',
    'watched_pipe',
    ['fd[5]:/proc/14716/fd/0'],
    /file id 2 is watched, and the plan does not say so/,
    (out) => editPlan(out, 2, (placeholder) => omitFrom(placeholder, 'watched')),
  ],
  [
    'bytes are delivered that a reader in the tree gets too',
    'unread_pipe',
    [{ inherit: 'fd[5]:/proc/14716/fd/8', only: true, inFlight: 'drop' }],
    /delivered, and read in the tree too/,
    (out) =>
      editPlan(out, 6, ({ in_flight }) => Object.assign((in_flight as Fields[])[0] as Fields, { fate: 'FATE_REPLAY' })),
  ],
  [
    'a locked descriptor moved',
    'locked_log',
    ['fd[5]:/srv/fdgraft/free.log'],
    /14716\/7 moved, and has a lock/,
    (out) => edit(out, 'filelocks.img', 'all', (fields) => ({ ...fields, fd: 7 })),
  ],
];

function omitFrom(fields: Fields, name: string): void {
  delete fields[name];
}

function omit(fields: Fields, name: string): Fields {
  const { [name]: _left, ...rest } = fields;
  return rest;
}

function editWas(out: string, change: Fields): void {
  editPlan(out, 3, ({ was }) => Object.assign(was as Fields, change));
}

/** Bytes of the last record of an image, its size included. */
function lastRecord(out: string, name: string): number {
  return 4 + (readImage(out, name).records.at(-1)?.bytes.length ?? 0);
}

for (const [what, problem, spoil, name = 'pipe_outside'] of SPOILED) {
  test(`the checker sees it where ${what}`, async (t) => {
    const key = (await keysOf(path.join(images, name))).find((key) => key.startsWith('pipe:'));
    const { directory, out } = await checked(t, name, [`fd[5]:${key}`], { link: 'copy', dropInFlight: true });
    spoil(out);
    const problems = checkRewritten(directory, out);
    t.true(
      problems.some((line) => problem.test(line)),
      problems.join('\n'),
    );
  });
}

for (const [what, name, specs, problem, spoil] of SPOILED_SPLITS) {
  test(`the checker sees it where ${what}`, async (t) => {
    const { directory, out } = await checked(t, name, specs, { link: 'copy' });
    spoil(out);
    const problems = checkRewritten(directory, out);
    t.true(
      problems.some((line) => problem.test(line)),
      problems.join('\n'),
    );
  });
}
