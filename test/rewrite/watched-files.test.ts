import test from 'ava';
import { descriptor, fileEntry, type Images, NO_OWNER } from '../support/directories';
import { encodeMessage } from '../support/images';
import { checkRewritten } from '../support/independent';
import { rewriteImages, smallWith } from '../support/rewriting';

/** Files that an inotify or fanotify watches, by the path that the image of the watch has. */

const DIRECTORY = 0o200000;
const WD = { id: 0, i_ino: 5, mask: 2, ignored_mask: 0, s_dev: 1, wd: 1 };
const handle = (path?: string, more: object = {}) => ({
  f_handle: { bytes: 8, type: 1, handle: [1], ...(path === undefined ? {} : { path }), ...more },
});
const inotify = (wd: object[], id = 8) => ({ type: 'INOTIFY', id, ify: { id, flags: 0, fown: NO_OWNER, wd } });
const MARK = { id: 0, type: 1, mflags: 0, mask: 2, ignored_mask: 0, s_dev: 1 };
const fanotify = (mark: object[], id = 8) => ({
  type: 'FANOTIFY',
  id,
  ffy: { id, flags: 0, fown: NO_OWNER, faflags: 0, evflags: 0, mark },
});
const marked = (path: string) => ({ ...MARK, ie: { i_ino: 5, ...handle(path) } });

/** Task 7 has /log open at 3 and 4, a directory at 5, and from 8 on what watches. */
const watched = (watchers: { type: string; id: number }[], more: Images = {}): Images =>
  smallWith({
    'files.img': [
      fileEntry(1, '/usr/bin/program', 0),
      fileEntry(2, '/', DIRECTORY),
      fileEntry(3, '/log', 1, { mode: 0o100644 }),
      fileEntry(4, '/log', 0, { mode: 0o100644 }),
      fileEntry(5, '/data', DIRECTORY, { mode: 0o40755 }),
      ...watchers,
    ],
    'fdinfo-1.img': [
      ...[3, 4, 5].map((id) => descriptor(id, id, 'REG')),
      ...watchers.map(({ type, id }) => descriptor(id, id, type)),
    ],
    'fdinfo-2.img': [],
    ...more,
  });

async function warnings(t: Parameters<typeof rewriteImages>[0], images: Images, specs: string[]) {
  const { source, out, plan } = await rewriteImages(t, images, { specs });
  t.deepEqual(checkRewritten(source, out), []);
  return plan.warnings.filter(({ code }) => code === 'WATCH_STAYS').map(({ message }) => message);
}

const ADVICE = '. Name an inotify by its key /proc/PID/fd/N, and give one that watches your file';
const stays = (key: string, watchers: string, advice = ADVICE) => [
  `${key}: a watch of ${watchers} stays on the old file, and reports nothing of what happens to the caller's${advice}`,
];

test('a watch of a file that goes is a warning, one for its entries', async (t) => {
  const images = watched([inotify([{ ...WD, ...handle('/log') }])]);
  const expected = stays('/log (file id 3)', 'the inotify with file id 8');
  t.deepEqual(await warnings(t, images, ['fd[7]:/log']), expected);
  t.deepEqual(await warnings(t, images, ['fd[7]:/proc/7/fd/3']), expected);
  t.deepEqual(await warnings(t, images, ['fd[7]:/log', 'fd[8]:/data/']), expected);
  t.deepEqual(await warnings(t, images, ['fd[7]:/data/']), []);
  const both = watched([inotify(['/log', '/data'].map((path) => ({ ...WD, ...handle(path) })))]);
  t.deepEqual(await warnings(t, both, ['fd[7]:/log', 'fd[8]:/data/']), [
    ...expected,
    ...stays('/data/ (file id 5)', 'the inotify with file id 8'),
  ]);
});

test('a watch of a directory, of a fanotify, and of an older dump', async (t) => {
  const all = watched([inotify([{ ...WD, ...handle('/data') }]), fanotify([marked('/data')], 9)]);
  t.deepEqual(
    await warnings(t, all, ['fd[7]:/data/']),
    stays('/data/ (file id 5)', 'the inotify with file id 8, the fanotify with file id 9'),
  );
  t.deepEqual(
    await warnings(t, watched([fanotify([marked('/log')])]), ['fd[7]:/log']),
    stays('/log (file id 3)', 'the fanotify with file id 8', ''),
  );
  const older = watched([inotify([])], { 'inotify-wd.img': [{ ...WD, id: 8, ...handle('/log') }] });
  t.deepEqual(await warnings(t, older, ['fd[7]:/log']), stays('/log (file id 3)', 'the inotify with file id 8'));
});

test('a watch of a file beside one of a removed file', async (t) => {
  const images = watched(
    [
      inotify([
        { ...WD, ...handle() },
        { ...WD, i_ino: 6, wd: 2, ...handle('/data') },
      ]),
    ],
    {
      'remap-fpath.img': [{ orig_id: 3, remap_id: 1, remap_type: 'GHOST' }],
      'ghost-file-1.img': [encodeMessage('ghost_file_entry', { uid: 0, gid: 0, mode: 0o100644, dev: 1, ino: 5 })],
    },
  );
  const expected = stays('/data/ (file id 5)', 'the inotify with file id 8');
  t.deepEqual(await warnings(t, images, ['fd[7]:/proc/7/fd/3', 'fd[8]:/data/']), expected);
});

test('no warning if the inotify goes too, or watches something else', async (t) => {
  const images = watched([inotify([{ ...WD, ...handle('/log') }])]);
  t.deepEqual(await warnings(t, images, ['fd[7]:/log', 'fd[8]:/proc/7/fd/8']), []);
  for (const wd of [handle('/other'), handle('/log/x'), handle(), handle('')])
    t.deepEqual(await warnings(t, watched([inotify([{ ...WD, ...wd }])]), ['fd[7]:/log']), []);
});

test('a file that was removed is another one than what has its path now', async (t) => {
  const images = watched([inotify([{ ...WD, ...handle('/log') }])], {
    'remap-fpath.img': [3, 4].map((orig_id) => ({ orig_id, remap_id: orig_id, remap_type: 'GHOST' })),
  });
  t.deepEqual(await warnings(t, images, ['fd[7]:/log']), []);
});

test('a path of another mount is another file', async (t) => {
  const on = (mnt_id: number) => {
    const images = watched([inotify([{ ...WD, ...handle('/log', { mnt_id: 20 }) }])]);
    const files = images['files.img'] as { id: number; reg?: object }[];
    for (const file of files) if (file.id === 3) file.reg = { ...file.reg, mnt_id };
    return images;
  };
  t.deepEqual(await warnings(t, on(21), ['fd[7]:/proc/7/fd/3']), []);
  t.is((await warnings(t, on(20), ['fd[7]:/proc/7/fd/3'])).length, 1);
});

test('many entries of one path with as many watches cost no product of both', async (t) => {
  const count = 20_000;
  const numbers = Array.from({ length: count }, (_none, i) => i);
  const images = watched([inotify(numbers.map((wd) => ({ ...WD, wd, ...handle('/log') })))]);
  const { plan } = await rewriteImages(
    t,
    {
      ...images,
      'files.img': [
        ...(images['files.img'] as object[] as never[]),
        ...numbers.map((i) => fileEntry(100 + i, '/log', 1, { mode: 0o100644 })),
      ],
      'fdinfo-2.img': numbers.map((i) => descriptor(100 + i, i, 'REG')),
    },
    { specs: ['fd[7]:/log'] },
  );
  t.is(plan.placeholders.length, count + 2);
  t.deepEqual(
    plan.warnings.filter(({ code }) => code === 'WATCH_STAYS').map(({ message }) => message),
    stays('/log (file id 3)', 'the inotify with file id 8'),
  );
});
