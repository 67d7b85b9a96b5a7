import test from 'ava';
import { planToJson, readPlanOf } from '../../src';
import { descriptor, fileEntry, type Images, pipeEntry } from '../support/directories';
import { encodeImage } from '../support/images';
import { checkRewritten } from '../support/independent';
import { refusal, rewriteImages, smallWith } from '../support/rewriting';

/** Sizes that the dump recorded: of files that are to be cut, and of pipes that are to grow. */

const APPEND = 0o2001;
const REGULAR = 0o100644;

/** The small checkpoint with these files of files.img besides the executable and /, each at the descriptor of its id. */
function files(...entries: { id: number; type: string }[]): Images {
  return smallWith({
    'files.img': [fileEntry(1, '/usr/bin/program', 0), ...entries, fileEntry(4, '/', 0o200000)],
    'fdinfo-1.img': entries.map(({ id, type }) => descriptor(id, id, type)),
    'fdinfo-2.img': [],
  });
}

const cut = (inherit: string, more: object = {}) => ({ inherit, truncate: true, ...more });
const codes = (plan: { warnings: readonly { code: string }[] }) => plan.warnings.map(({ code }) => code);

test('truncate: the recorded size is in the plan, and the command does not empty the file', async (t) => {
  const log = fileEntry(5, '/log', 2, { pos: 3, size: 162, mode: REGULAR });
  const { plan, next, source, out } = await rewriteImages(t, files(log), { specs: [cut('fd[7]:/log')] });
  t.deepEqual(checkRewritten(source, out), []);
  t.is(plan.placeholders[0]?.truncate_to, 162n);
  t.deepEqual(planToJson(await readPlanOf(out)), planToJson(plan));
  t.deepEqual(codes(plan), []);
  t.deepEqual(next?.redirections, [{ fd: 7, operator: '<>' }]);
  const without = await rewriteImages(t, files(log), {
    specs: ['fd[7]:/log', { ...cut('fd[8]:/l*'), truncate: false }],
  });
  t.is(without.plan.placeholders[0]?.truncate_to, undefined);
  const appended = fileEntry(5, '/log', APPEND, { pos: 3, size: 162 });
  t.deepEqual((await rewriteImages(t, files(appended), { specs: [cut('fd[7]:/log')] })).next?.redirections, [
    { fd: 7, operator: '>>' },
  ]);
  const written = fileEntry(5, '/log', 1, { pos: 162, size: 162, mode: REGULAR });
  for (const [position, operator] of [
    ['caller', '>>'],
    ['end', '>>'],
    ['saved', '<>'],
  ] as const) {
    const { next: command } = await rewriteImages(t, files(written), { specs: [cut('fd[7]:/log', { position })] });
    t.deepEqual(command?.redirections, [{ fd: 7, operator }], position);
  }
  const read = fileEntry(5, '/log', 0, { size: 162 });
  t.deepEqual((await rewriteImages(t, files(read), { specs: [cut('fd[7]:/log')] })).next?.redirections, [
    { fd: 7, operator: '<>' },
  ]);
});

test('position saved on a file that is open for appending is a warning, unless it is cut', async (t) => {
  const log = (flags: number, more: object = {}) => files(fileEntry(5, '/log', flags, { pos: 9, ...more }));
  const saved = { inherit: 'fd[7]:/log', position: 'saved' as const };
  const warned = async (images: Images, spec: object) =>
    (await rewriteImages(t, images, { specs: [spec as typeof saved] })).plan.warnings;
  const [warning, ...others] = await warned(log(APPEND), saved);
  t.deepEqual(others, []);
  t.like(warning, { code: 'APPENDS_AT_END', file_id: 5 });
  t.regex(
    warning?.message ?? '',
    /^\/log \(file id 5\): position saved does not change where it writes: .*truncate: true cuts/,
  );
  t.deepEqual(codes({ warnings: await warned(log(0o2002), saved) }), ['APPENDS_AT_END']);
  t.deepEqual(await warned(log(APPEND, { size: 9 }), { ...saved, truncate: true }), []);
  t.deepEqual(await warned(log(APPEND), { ...saved, position: 'end' }), []);
  t.deepEqual(await warned(log(1), saved), []);
  t.deepEqual(await warned(log(0o2000), saved), [], 'it only reads');
});

test('a size that CRIU did not record is that of another entry of the file', async (t) => {
  const images = files(
    fileEntry(5, '/log', APPEND, { pos: 12, mnt_id: 3 }),
    fileEntry(6, '/log', 1, { pos: 6, size: 14, mnt_id: 3 }),
  );
  const { plan, source, out } = await rewriteImages(t, images, { specs: [cut('fd[7]:/log')] });
  t.deepEqual(checkRewritten(source, out), []);
  t.deepEqual(
    plan.placeholders.map(({ truncate_to }) => truncate_to),
    [14n, 14n],
  );
  t.deepEqual(codes(plan), []);
  // Another file, or one that may be.
  const elsewhere = files(
    fileEntry(5, '/log', APPEND, { pos: 12, mnt_id: 3 }),
    fileEntry(6, '/log', 1, { pos: 6, size: 14, mnt_id: 4 }),
  );
  t.is((await refusal(t, elsewhere, { specs: [cut('fd[7]:/log')] })).code, 'SPEC_UNSUPPORTED');
  const two = files(
    fileEntry(5, '/log', APPEND, { pos: 12 }),
    fileEntry(6, '/log', 1, { size: 14 }),
    fileEntry(8, '/log', 1, { size: 15 }),
  );
  t.is((await refusal(t, two, { specs: [cut('fd[7]:/log')] })).code, 'SPEC_UNSUPPORTED');
});

test('each entry that has a size of its own is cut to that', async (t) => {
  const append = fileEntry(5, '/log', APPEND, { pos: 12 });
  const written = (id: number, size: number) => fileEntry(id, '/log', 1, { size });
  const cutTo = async (...entries: { id: number; type: string }[]) => {
    const { plan } = await rewriteImages(t, files(...entries), { specs: [cut('fd[7]:/log')] });
    return plan.placeholders.map(({ truncate_to }) => truncate_to);
  };
  t.deepEqual(await cutTo(append, written(6, 14), written(8, 14)), [14n, 14n, 14n]);
  t.deepEqual(await cutTo(written(6, 14), append), [14n, 14n]);
  t.deepEqual(await cutTo(written(6, 14), written(8, 15)), [14n, 15n]);
});

test('a removed file is another one than what has its path now', async (t) => {
  const images = {
    ...files(fileEntry(5, '/log', APPEND, { pos: 12 }), fileEntry(6, '/log', 1, { size: 14 })),
    'remap-fpath.img': [{ orig_id: 5, remap_id: 1, remap_type: 'GHOST' }],
  };
  const error = await refusal(t, images, { specs: [cut('fd[7]:/log')] });
  t.like(error, { code: 'SPEC_UNSUPPORTED', entry: 1 });
  t.regex(error.message, /no size of \/log \(file id 5\)/);
});

test('how far an entry has read says nothing of the size', async (t) => {
  const reader = (id: number, flags: number) => fileEntry(id, '/log', flags, { pos: 30 });
  const spec = cut('fd[7]:/log', { position: 'saved' });
  for (const flags of [0, 0o2002]) {
    const images = files(fileEntry(5, '/log', APPEND, { pos: 12 }), reader(6, flags));
    const { plan } = await rewriteImages(t, images, {
      specs: [{ ...spec, inherit: 'fd[7]:/proc/7/fd/5' }, 'fd[8]:/log'],
    });
    t.deepEqual(
      plan.placeholders.map(({ file_id, truncate_to }) => [file_id, truncate_to]),
      [
        [5, 12n],
        [6, undefined],
      ],
    );
    for (const [given, entry] of [
      [files(reader(6, flags)), 1],
      [images, 2],
    ] as const) {
      t.like(await refusal(t, given, { specs: [spec] }), { code: 'SPEC_UNSUPPORTED', entry });
    }
  }
});

test('without a size, position saved says that the offset counts: the furthest of all that append', async (t) => {
  const images = files(
    fileEntry(5, '/log', APPEND, { pos: 12 }),
    fileEntry(6, '/log', APPEND, { pos: 20 }),
    fileEntry(8, '/log', APPEND),
  );
  const spec = cut('fd[7]:/log', { position: 'saved' });
  const { plan, source, out } = await rewriteImages(t, images, { specs: [spec] });
  t.deepEqual(checkRewritten(source, out), []);
  t.deepEqual(
    plan.placeholders.map(({ truncate_to }) => truncate_to),
    [20n, 20n, 20n],
  );
  t.deepEqual(codes(plan), ['CUT_AT_OFFSET', 'CUT_AT_OFFSET', 'CUT_AT_OFFSET']);
  t.regex(plan.warnings[0]?.message ?? '', /cut at 20, the end of what its entries appended, and what others appended/);
  const error = await refusal(t, images, { specs: [cut('fd[7]:/log')] });
  t.like(error, { code: 'SPEC_UNSUPPORTED', exitCode: 2 });
  t.regex(
    error.message,
    /no size of \/log \(file id 5\): CRIU records none of a file that is open for appending alone$/,
  );
  t.regex(error.hint ?? '', /^use position saved with it, which cuts the file at 20,/);
});

test('an offset of 0 says nothing, since nothing was written', async (t) => {
  const images = files(fileEntry(5, '/log', APPEND));
  const error = await refusal(t, images, { specs: [cut('fd[7]:/log', { position: 'saved' })] });
  t.is(error.code, 'SPEC_UNSUPPORTED');
  t.is(error.hint, 'leave truncate out, and cut the file yourself before the restore');
});

test('what cannot be cut is refused', async (t) => {
  const asked = async (images: Images, inherit: string) => {
    const error = await refusal(t, images, { specs: [cut(inherit)] });
    t.is(error.exitCode, 2);
    return `${error.code} ${error.message}`;
  };
  const log = files(fileEntry(5, '/log', 2, { pos: 3 }), pipeEntry(6, 4711, 1));
  t.regex(await asked(log, 'fd[7]:/log'), /^SPEC_UNSUPPORTED .*the dump recorded no size of \/log \(file id 5\)$/);
  t.regex(await asked(log, 'fd[7]:pipe:[4711]'), /^SPEC_SYNTAX .*has truncate: true, and its key names a pipe/);
  t.regex(
    await asked(log, 'fd[7]:/proc/7/fd/6'),
    /^SPEC_UNSUPPORTED .*pipe:\[4711\] \(file id 6, type PIPE\) is no regular file/,
  );
  const device = files(fileEntry(5, '/dev/x', 2, { size: 3, mode: 0o020666 }));
  t.regex(
    await asked(device, 'fd[7]:/dev/x'),
    /^SPEC_UNSUPPORTED .*\/dev\/x \(file id 5, type REG\) is no regular file/,
  );
  const large = files(fileEntry(5, '/log', 2, { size: 2 ** 63 }));
  t.regex(
    await asked(large, 'fd[7]:/log'),
    /^IMAGE_MALFORMED files.img, entry 1, field reg_file_entry.size: 9223372036854775808 is past/,
  );
});

const sizes = (...records: [pipe: number, size: number | undefined, bytes?: number][]) =>
  encodeImage(
    'pipes-data.img',
    records.map(([pipe_id, size, bytes = 0]) => ({ pipe_id, bytes, ...(size === undefined ? {} : { size }) })),
    { extras: records.map(([, , bytes = 0]) => Buffer.alloc(bytes)) },
  );
const pipes = (image: Buffer): Images => ({
  ...files(pipeEntry(5, 4711, 0), pipeEntry(6, 4711, 1), pipeEntry(8, 4712, 0)),
  'pipes-data.img': image,
});

test('the size of a pipe is in the plan, of an empty one too, and for each of its ends', async (t) => {
  const images = pipes(sizes([4711, 4096], [4711, 1 << 20], [4712, undefined], [99, 1 << 21]));
  const { plan, source, out } = await rewriteImages(t, images, { specs: ['fd[5]:pipe:[4711]', 'fd[6]:pipe:[4712]'] });
  t.deepEqual(checkRewritten(source, out), []);
  t.deepEqual(
    plan.placeholders.map(({ pipe_size }) => pipe_size),
    [1 << 20, 1 << 20, undefined],
  );
});

test('a size that no pipe has is refused where the pipe is named, and only there', async (t) => {
  const images = pipes(sizes([4711, 65536], [4712, 2 ** 31]));
  const error = await refusal(t, images, { specs: ['fd[5]:pipe:[4712]'] });
  t.like(error, {
    code: 'IMAGE_MALFORMED',
    exitCode: 2,
    file: 'pipes-data.img',
    entry: 1,
    field: 'pipe_data_entry.size',
  });
  t.is((await rewriteImages(t, images, { specs: ['fd[5]:pipe:[4711]'] })).plan.placeholders[0]?.pipe_size, 65536);
});

test('O_ASYNC without an owner is a warning where a dup loses it', async (t) => {
  const images = files(pipeEntry(5, 4711, 0o20000));
  const warned = async (more: object) =>
    codes((await rewriteImages(t, images, { specs: [{ inherit: 'fd[5]:pipe:[4711]', ...more }] })).plan);
  t.deepEqual(await warned({}), ['ASYNC_DROPPED']);
  t.deepEqual(await warned({ apply: 'dup' }), ['ASYNC_DROPPED']);
  t.deepEqual(await warned({ apply: 'reopen' }), []);
  const owned = files(pipeEntry(5, 4711, 0o20000, { fown: { uid: 0, euid: 0, signum: 0, pid_type: 1, pid: 7 } }));
  t.deepEqual(codes((await rewriteImages(t, owned, { specs: ['fd[5]:pipe:[4711]'] })).plan), ['OWNER_DROPPED']);
});

test('of several specs those that ask for it cut their file, and no other', async (t) => {
  const images = files(
    fileEntry(5, '/log', 2, { size: 162, mode: REGULAR }),
    fileEntry(6, '/other', 2, { size: 9, mode: REGULAR }),
    pipeEntry(8, 4711, 1),
  );
  for (const specs of [
    [cut('fd[7]:/log'), 'fd[8]:/other', 'fd[5]:pipe:[4711]'],
    ['fd[5]:pipe:[4711]', 'fd[8]:/other', cut('fd[7]:/log')],
  ]) {
    const { plan } = await rewriteImages(t, images, { specs });
    t.deepEqual(
      plan.placeholders.map(({ file_id, truncate_to }) => [file_id, truncate_to]),
      [
        [5, 162n],
        [6, undefined],
        [8, undefined],
      ],
    );
  }
});
