import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { diff, diffImages, FdgraftError, openSource, rewrite, type ToldDifference } from '../../src';
import { readPlanOf } from '../../src/operations/plan-of';
import { encodeImage, imageOf, readImage } from '../support/images';
import { headOf } from '../support/random-images';

const images = path.join(__dirname, '../../fixtures/images');
const fixtures = fs.readdirSync(images).sort();
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-diff-'));
test.after.always(() => fs.rmSync(work, { recursive: true, force: true }));

let copies = 0;
/** A copy of a fixture that shares no file with it, which would not be read. */
function copyOf(name: string): string {
  const directory = path.join(work, `${name}-${copies++}`);
  fs.cpSync(path.join(images, name), directory, { recursive: true, verbatimSymlinks: true });
  return directory;
}

async function compare(before: string, after: string, plan?: string, payload = false) {
  const given = { payload, ...(plan === undefined ? {} : { plan: await readPlanOf(plan) }) };
  const result = await diff(await openSource(before), await openSource(after), given);
  const differences: ToldDifference[] = [];
  for await (const difference of result.differences()) differences.push(difference);
  result.close();
  return { ...result, texts: result.meaning.map(({ text }) => text), all: differences };
}

for (const name of fixtures) {
  test(`${name}: nothing differs from itself`, async (t) => {
    const { isSame, all, texts } = await compare(path.join(images, name), copyOf(name));
    t.deepEqual({ isSame, all, texts }, { isSame: true, all: [], texts: [] });
  });
}

/** A difference seen from the other side. */
function turned(difference: ToldDifference): unknown {
  const swap = <T>(sides: { before?: T; after?: T } | undefined) =>
    sides && {
      ...(sides.after === undefined ? {} : { before: sides.after }),
      ...(sides.before === undefined ? {} : { after: sides.before }),
    };
  const changes = { added: 'removed', removed: 'added', changed: 'changed' } as const;
  const copy = JSON.parse(JSON.stringify(difference));
  if (copy.change !== undefined) copy.change = changes[copy.change as keyof typeof changes];
  for (const key of ['payload', 'sides', 'targets']) if (copy[key] !== undefined) copy[key] = swap(copy[key]);
  if (copy.fields !== undefined) copy.fields = copy.fields.map(swapField).sort(byText);
  return copy;
}
const swapField = ({ path: at, before, after }: { path: string; before?: string; after?: string }) => ({
  path: at,
  ...(after === undefined ? {} : { before: after }),
  ...(before === undefined ? {} : { after: before }),
});
const byText = (a: unknown, b: unknown) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
const sorted = (difference: ToldDifference) => {
  const copy = JSON.parse(JSON.stringify(difference));
  if (copy.fields !== undefined) copy.fields.sort(byText);
  return copy;
};

const PAIRS = [
  ['two_logs', 'two_paths'],
  ['pipe_outside', 'many_tasks'],
  ['many_types', 'net_sockets'],
  ['unread_pipe', 'unread_pipe_64k'],
  ['old_v1_magic', 'two_paths'],
  ['scm_rights', 'scm_receive'],
  ['deleted_logs', 'many_opens'],
] as const;

for (const [a, b] of PAIRS) {
  test(`${a} and ${b}: one way is the other way turned`, async (t) => {
    const [there, back] = [
      await compare(path.join(images, a), path.join(images, b)),
      await compare(path.join(images, b), path.join(images, a)),
    ];
    t.true(there.all.length > 0);
    t.deepEqual(there.all.map(turned).sort(byText), back.all.map(sorted).sort(byText));
    t.deepEqual((await compare(path.join(images, a), path.join(images, b))).all, there.all, 'it is always the same');
  });
}

type Fields = { [name: string]: unknown };

/** Writes files.img anew with entries that `edit` changes. */
function editFiles(directory: string, edit: (entries: Fields[]) => Fields[]): void {
  const entries = readImage(directory, 'files.img').records.map(({ fields }) => structuredClone(fields));
  fs.writeFileSync(path.join(directory, 'files.img'), encodeImage('files.img', edit(entries)));
}

/** A directory whose files.img is written by the same encoder, so that edits of it stand alone. */
function plainCopy(name: string): string {
  const directory = copyOf(name);
  editFiles(directory, (entries) => entries);
  return directory;
}

test('one changed field is one change', async (t) => {
  const before = plainCopy('two_paths');
  const regular = readImage(before, 'files.img').records.flatMap(({ fields }, i) =>
    fields.reg === undefined ? [] : [i],
  );
  const field = fc.oneof(
    fc.record({ name: fc.constant('pos'), value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String) }),
    fc.record({ name: fc.constant('name'), value: fc.string({ unit: 'grapheme' }) }),
    fc.record({ name: fc.constant('flags'), value: fc.nat() }),
    fc.record({ name: fc.constant('mnt_id'), value: fc.integer() }),
    fc.record({ name: fc.constant('ext'), value: fc.boolean() }),
    fc.record({ name: fc.constant('fown.uid'), value: fc.nat() }),
  );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...regular), field, async (index, { name, value }) => {
      const after = plainCopy('two_paths');
      let isOther = false;
      let id = 0;
      editFiles(after, (entries) => {
        const entry = entries[index] as Fields;
        id = Number(entry.id);
        const steps = name.split('.');
        const last = steps.pop() as string;
        const target = steps.reduce((inner, step) => inner[step] as Fields, entry.reg as Fields);
        isOther = `${target[last]}` !== `${value}`;
        target[last] = value;
        return entries;
      });
      const { all } = await compare(before, after);
      fs.rmSync(after, { recursive: true });
      t.is(all.length, isOther ? 1 : 0);
      if (!isOther) return;
      t.like(all[0], { what: 'entry', image: 'files.img', entry: `id ${id}`, change: 'changed' });
      t.deepEqual(
        (all[0] as unknown as { fields: { path: string }[] }).fields.map(({ path: at }) => at),
        [`reg.${name}`],
      );
    }),
    { numRuns: 40 },
  );
});

test('another encoding is told, also beside a change', async (t) => {
  const [before, recoded, both] = [plainCopy('two_paths'), plainCopy('two_paths'), plainCopy('two_paths')];
  const [first, ...others] = readImage(before, 'files.img').records.map(({ bytes }) => bytes) as [Buffer, ...Buffer[]];
  // Type and id in the other order: each is a tag and one byte here.
  const turned = Buffer.concat([first.subarray(2, 4), first.subarray(0, 2), first.subarray(4)]);
  fs.writeFileSync(path.join(recoded, 'files.img'), encodeImage('files.img', [turned, ...others]));
  const fields = ({ all }: { all: ToldDifference[] }) =>
    all.flatMap((one) => (one.what === 'entry' ? one.fields.map(({ path: at }) => at) : [one.what]));
  t.deepEqual(fields(await compare(before, recoded)), ['(encoding)']);
  const size = turned.lastIndexOf(Buffer.from('two_paths'));
  turned.writeUInt8('x'.charCodeAt(0), size);
  fs.writeFileSync(path.join(both, 'files.img'), encodeImage('files.img', [turned, ...others]));
  t.deepEqual(fields(await compare(before, both)), ['reg.name', '(encoding)']);
});

test('entries that go, come and move', async (t) => {
  const before = plainCopy('two_paths');
  const [gone, come, moved] = [plainCopy('two_paths'), plainCopy('two_paths'), plainCopy('two_paths')];
  editFiles(gone, (entries) => entries.slice(1));
  editFiles(come, (entries) => [{ ...(entries[0] as Fields), id: 99 }, ...entries]);
  editFiles(moved, (entries) => [...entries].reverse());
  const summary = ({ all }: { all: ToldDifference[] }) =>
    all.map((one) => [one.what, 'change' in one ? one.change : '', 'entry' in one ? one.entry : '']);
  t.deepEqual(summary(await compare(before, gone)), [['entry', 'removed', 'id 1']]);
  t.deepEqual(summary(await compare(before, come)), [['entry', 'added', 'id 99']]);
  t.deepEqual(summary(await compare(before, moved)), [['order', '', '']]);
});

test('what it means: tasks, files, descriptors, mappings, memory', async (t) => {
  const [a, b] = [copyOf('pipe_outside'), copyOf('pipe_outside')];
  editFiles(b, (entries) =>
    entries.map((entry) => (entry.id === 2 ? { ...entry, reg: { ...(entry.reg as Fields), pos: '4096' } } : entry)),
  );
  const tables = readImage(b, 'fdinfo-2.img').records.map(({ fields }) => fields);
  fs.writeFileSync(path.join(b, 'fdinfo-2.img'), encodeImage('fdinfo-2.img', tables.slice(1)));
  const tasks = readImage(b, 'pstree.img').records.map(({ fields }) => fields);
  fs.writeFileSync(path.join(b, 'pstree.img'), encodeImage('pstree.img', tasks.slice(0, 1)));
  const [mm] = readImage(b, 'mm-14716.img').records.map(({ fields }) => fields as { vmas: Fields[] });
  fs.writeFileSync(path.join(b, 'mm-14716.img'), encodeImage('mm-14716.img', [{ ...mm, vmas: mm?.vmas.slice(2) }]));
  const { texts } = await compare(a, b);
  t.deepEqual(texts, [
    'task 14717 (pipe_outside): gone',
    '/dev/null (14716/0, 14716/2, 14717/0, 14717/2): pos 0 → 4096',
    '14716/0: closed, /dev/null',
    'task 14716 (pipe_outside): 2 mappings removed',
  ]);
});

async function rewritten(t: ExecutionContext): Promise<[source: string, out: string]> {
  const source = copyOf('two_paths');
  const out = path.join(work, `out-${copies++}`);
  await rewrite(await openSource(source), { specs: ['fd[5]:/srv/fdgraft/logs/*.log'], out, link: 'copy' });
  const { unexplained, misfits } = await compare(source, out, out);
  t.deepEqual([unexplained, misfits], [0, []]);
  return [source, out];
}

function changePage(directory: string): void {
  const pages = path.join(directory, 'pages-1.img');
  const bytes = fs.readFileSync(pages);
  bytes.writeUInt8(bytes.readUInt8(5000) ^ 1, 5000);
  fs.writeFileSync(pages, bytes);
}

test('pages are compared by mapping', async (t) => {
  const [a, b] = [copyOf('two_paths'), copyOf('two_paths')];
  changePage(b);
  const { texts, all } = await compare(a, b);
  t.deepEqual(texts, ['task 14716 (two_paths): pages of 1 mapping differ']);
  t.deepEqual(
    all.map(({ what }) => what),
    ['file', 'memory'],
  );
  const maps = readImage(a, 'mm-14716.img').records[0]?.fields as { vmas: { start: string; end: string }[] };
  const [, start = '', end = ''] = /^(0x\w+)-(0x\w+)$/.exec((all[1] as { mapping?: string }).mapping ?? '') ?? [];
  t.true(maps.vmas.some((vma) => BigInt(vma.start) === BigInt(start) && BigInt(vma.end) === BigInt(end)));
});

test('pages of a task that only one checkpoint has are told as a file, either way', async (t) => {
  const [a, b] = [copyOf('two_paths'), copyOf('two_paths')];
  changePage(b);
  fs.rmSync(path.join(b, 'pstree.img'));
  const [there, back] = [await compare(a, b), await compare(b, a)];
  t.deepEqual(
    there.all.map(({ what }) => what),
    ['image', 'file'],
  );
  t.deepEqual(there.all.map(turned).sort(byText), back.all.map(sorted).sort(byText));
});

test('what a plan does not explain is told apart', async (t) => {
  const [source, out] = await rewritten(t);
  const another = readImage(out, 'files.img').records.find(({ fields }) => fields.type === 'PIPE')?.fields as Fields;
  editFiles(out, (entries) =>
    entries.map((entry) =>
      entry.id === another.id ? { ...entry, pipe: { ...(entry.pipe as Fields), flags: 7 } } : entry,
    ),
  );
  const { unexplained, all, misfits } = await compare(source, out, out);
  t.is(unexplained, 1);
  t.deepEqual(misfits, [`files.img of ${out}: not what the rewrite wrote (its SHA-256 is another one)`]);
  t.deepEqual(
    all.filter(({ explained }) => explained !== true).map((one) => ('entry' in one ? one.entry : '')),
    [`id ${another.id}`],
  );
});

test('a placeholder that changed more than its type, and a descriptor that went elsewhere, are not explained', async (t) => {
  const [source, out] = await rewritten(t);
  const placeholder = readImage(out, 'files.img').records.find(({ fields }) => fields.type === 'EXT')?.fields as Fields;
  const tables = readImage(out, 'fdinfo-2.img').records.map(({ fields }) => ({ ...fields }) as Fields);
  const taken = tables.find(({ id }) => id === placeholder.id) as Fields;
  taken.flags = 1 - Number(taken.flags);
  fs.writeFileSync(path.join(out, 'fdinfo-2.img'), encodeImage('fdinfo-2.img', tables));
  t.is((await compare(source, out, out)).unexplained, 1);
});

const isPlaceholder = ({ type }: Fields) => type === 'EXT';

/** What somebody could do to OUT after the rewrite; each is to be told, whatever the digests say. */
const TAMPERED: [what: string, image: string, edit: (entries: Fields[]) => Fields[]][] = [
  [
    'another id inside',
    'files.img',
    (all) => all.map((one) => (isPlaceholder(one) ? { ...one, ext: { ...(one.ext as Fields), id: 99 } } : one)),
  ],
  ['no ext', 'files.img', (all) => all.map(({ ext: _gone, ...one }) => one)],
  [
    'the entry as it was, with an ext',
    'files.img',
    (all) => all.map((one) => (isPlaceholder(one) ? { ...one, type: 'REG' } : one)),
  ],
  [
    'a hidden entry of an id that is there',
    'files.img',
    (all) => [{ ...(all[1] as Fields), reg: { ...(all[0]?.reg as Fields), id: all[1]?.id } }, ...all],
  ],
  ['another order', 'files.img', (all) => [...all].reverse()],
  [
    'a descriptor that is no placeholder',
    'fdinfo-2.img',
    (all) => all.map((one) => (isPlaceholder(one) ? { ...one, type: 'REG' } : one)),
  ],
  ['a descriptor twice', 'fdinfo-2.img', (all) => [...all, { ...(all[0] as Fields), id: all[1]?.id }]],
  ['descriptors in another order', 'fdinfo-2.img', (all) => [...all].reverse()],
];

for (const [what, image, edit] of TAMPERED) {
  test(`${what} in OUT is not explained, and the digest differs`, async (t) => {
    const [source, out] = await rewritten(t);
    const entries = readImage(out, image).records.map(({ fields }) => structuredClone(fields));
    fs.writeFileSync(path.join(out, image), encodeImage(image, edit(entries)));
    const { unexplained, misfits } = await compare(source, out, out);
    const isDigest = (line: string) => line.endsWith('(its SHA-256 is another one)');
    t.is(misfits.filter(isDigest).length, 1);
    t.true(unexplained + misfits.filter((line) => !isDigest(line)).length > 0);
  });
}

test('another plan in OUT than the one that is given is told', async (t) => {
  const [source, out] = await rewritten(t);
  const [, other] = await rewritten(t);
  const plan = path.join(work, `plan-${copies++}.img`);
  fs.copyFileSync(path.join(out, 'inherit-plan.img'), plan);
  t.deepEqual((await compare(source, out, plan)).misfits, []);
  fs.rmSync(path.join(out, 'inherit-plan.img'));
  t.is((await compare(source, out, plan)).misfits.length, 1);
  fs.copyFileSync(path.join(other, 'fdinfo-2.img'), path.join(out, 'inherit-plan.img'));
  const { misfits } = await compare(source, out, plan);
  t.regex(misfits[0] ?? '', /^inherit-plan\.img of .*: not the plan that was given, which the executor would read$/);
});

test('a placeholder of the plan that is not there is told', async (t) => {
  const [source, out] = await rewritten(t);
  const { misfits } = await compare(source, source, out);
  t.is(misfits.length, 8, 'two entries, three descriptors, two images, and the plan itself');
  t.regex(misfits[0] ?? '', /out\.log: to be inherited from fd\[5\], and it is not$/);
});

test('bytes are not shown, only how many they are', async (t) => {
  const { all } = await compare(path.join(images, 'unread_pipe'), path.join(images, 'unread_pipe_64k'));
  const payloads = all.flatMap((one) => ('payload' in one ? [JSON.stringify(one.payload)] : []));
  t.true(payloads.some((payload) => /"bytes":65536,"sha256":"[0-9a-f]{64}"/.test(payload)));
  t.notRegex(JSON.stringify(all), /[A-Za-z0-9+/]{100}/, 'nothing long enough to be a buffer');
  const asked = await compare(path.join(images, 'unread_pipe'), path.join(images, 'unread_pipe_64k'), undefined, true);
  t.regex(JSON.stringify(asked.all), /"bytes":21,"sha256":"[0-9a-f]{64}","text":"[^"]{21}/);
});

const reader = (bytes: Buffer) => {
  let at = 0;
  return {
    read: async (into: Uint8Array, start: number, length: number) => {
      const copied = bytes.copy(into, start, at, at + length);
      at += copied;
      return copied;
    },
  };
};

test('two images alone, with another head and another tail', async (t) => {
  const image = fs.readFileSync(path.join(images, 'two_paths', 'inventory.img'));
  const told = async (a: Buffer, b: Buffer) => {
    const result = await diffImages({ reader: reader(a), name: 'a/x.img' }, { reader: reader(b), name: 'b/x.img' });
    const whats: string[] = [];
    for await (const { what } of result.differences()) whats.push(what);
    result.close();
    return whats;
  };
  t.deepEqual(await told(image, image), []);
  t.deepEqual(await told(image, Buffer.concat([image, Buffer.from('left behind')])), ['tail']);
  const files = fs.readFileSync(path.join(images, 'two_paths', 'files.img'));
  t.deepEqual(await told(files, files.subarray(4)), ['head']);
  const error = await t.throwsAsync(told(image, files), { instanceOf: FdgraftError });
  t.is((error as FdgraftError).code, 'IMAGES_DISAGREE');
});

test('a number of another wire type is an error on either side, also where a later one replaces it', async (t) => {
  const head = headOf(imageOf('FDINFO'));
  const record = (...bytes: number[]) => Buffer.from([bytes.length, 0, 0, 0, ...bytes]);
  const good = Buffer.concat([head, record(0x08, 1, 0x10, 0, 0x18, 1, 0x20, 7)]);
  const bad = Buffer.concat([head, record(0x08, 2, 0x10, 0, 0x18, 1, 0x22, 0, 0x20, 7)]);
  for (const [before, after] of [
    [good, bad],
    [bad, good],
  ] as const) {
    const work = async () =>
      (
        await diffImages(
          { reader: reader(before), name: 'fdinfo-2.img' },
          { reader: reader(after), name: 'fdinfo-2.img' },
        )
      ).close();
    const error = await t.throwsAsync(work(), { instanceOf: FdgraftError });
    t.like(error, { exitCode: 2, entry: 0, offset: 18 });
  }
});

test('a damaged image is an error that says which', async (t) => {
  const damaged = copyOf('two_paths');
  const file = path.join(damaged, 'files.img');
  fs.writeFileSync(file, fs.readFileSync(file).subarray(0, -3));
  const error = await t.throwsAsync(compare(path.join(images, 'two_paths'), damaged), { instanceOf: FdgraftError });
  t.like(error, { code: 'IMAGE_TRUNCATED', exitCode: 2, file: 'files.img (after)' });
});

test('FIFOs and terminals are named by their paths, other entries that no descriptor has by what has them', async (t) => {
  const [a, b] = [copyOf('fifo'), copyOf('fifo')];
  const edited = (directory: string, wait: boolean) =>
    editFiles(directory, (entries) =>
      entries.map((entry) =>
        entry.fifo === undefined ? entry : { ...entry, fifo: { ...(entry.fifo as Fields), wait_writer: wait } },
      ),
    );
  edited(a, false);
  edited(b, true);
  t.deepEqual((await compare(a, b)).texts, [
    '/srv/fdgraft/queue (14716/5, 14716/7): wait_writer false → true',
    '/srv/fdgraft/queue (14716/6): wait_writer false → true',
  ]);
  const lost = (await compare(path.join(images, 'job_later'), path.join(images, 'job_lost_worker'))).texts;
  t.deepEqual(lost.slice(0, 3), [
    'task 14717 (job): gone',
    '/srv/fdgraft/ (working directory of 14717): gone',
    '/ (root directory of 14717): gone',
  ]);
  // Its table and its pages went with it.
  t.deepEqual(
    lost.filter((text) => /^(fdinfo|pages)-/.test(text)),
    [],
  );
});

test('what is called like an image and is no file is the same error on either side', async (t) => {
  const whole = path.join(images, 'two_logs');
  for (const name of ['core-14716.img', 'files.img', 'mm-99.img']) {
    for (const make of [(place: string) => execFileSync('mkfifo', [place]), (place: string) => fs.mkdirSync(place)]) {
      const directory = copyOf('two_logs');
      fs.rmSync(path.join(directory, name), { force: true });
      make(path.join(directory, name));
      for (const [x, y] of [
        [whole, directory],
        [directory, whole],
        [directory, directory],
      ] as const) {
        const error = await t.throwsAsync(compare(x, y), { instanceOf: FdgraftError }, `${name} ${x} ${y}`);
        t.like(error, { code: 'SOURCE_UNUSABLE', exitCode: 2, file: name });
      }
    }
  }
});

test('a plan of another checkpoint does not say of entries with its ids that they are inherited', async (t) => {
  const [logs, pipe] = [path.join(images, 'two_logs'), path.join(images, 'pipe_outside')];
  const [out, other] = [path.join(work, 'own-plan'), path.join(work, 'other-plan')];
  await rewrite(await openSource(logs), { specs: ['fd[5]:/srv/fdgraft/log'], out });
  await rewrite(await openSource(pipe), { specs: ['fd[5]:pipe:[126920]'], out: other });
  const inherited = async (plan: string) =>
    (await compare(logs, out, plan)).texts.filter((text) => text.includes('inherited'));
  t.deepEqual(
    await inherited(out),
    [5, 6].map((fd) => `/srv/fdgraft/log (14716/${fd}): now inherited from fd[5]`),
  );
  t.deepEqual(await inherited(other), []);
});

test('a plan that cannot be read is a difference like others, on either side', async (t) => {
  const [logs, out] = [path.join(images, 'two_logs'), path.join(work, 'damaged-plan')];
  await rewrite(await openSource(logs), { specs: ['fd[5]:/srv/fdgraft/log'], out });
  fs.writeFileSync(path.join(out, 'inherit-plan.img'), 'no plan');
  for (const [before, after] of [
    [logs, out],
    [out, logs],
  ] as const) {
    const { all } = await compare(before, after);
    t.true(all.some((one) => 'file' in one && one.file === 'inherit-plan.img'));
  }
});
