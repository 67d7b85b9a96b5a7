import test from 'ava';
import { descriptor, fileEntry, type Images, NO_OWNER } from '../support/directories';
import { encodeMessage, readImage } from '../support/images';
import { checkRewritten } from '../support/independent';
import { type Rewritten, rewriteImages, smallWith } from '../support/rewriting';

/** Removed files that an inotify or fanotify watches: CRIU finds those by device and inode of the ghost. */

// As CRIU writes it for 254:1, in the watch and in the ghost.
const DEVICE = (254 << 20) | 1;
// Past 2^53: as a rounded number, its neighbours would be equal.
const INODE = `${2n ** 60n + 1n}`;
const NEXT = `${2n ** 60n + 2n}`;
const HANDLE = { bytes: 8, type: 1, handle: [1] };

const watch = (more: object = {}) => ({
  id: 0,
  i_ino: INODE,
  mask: 2,
  ignored_mask: 0,
  s_dev: DEVICE,
  wd: 1,
  f_handle: HANDLE,
  ...more,
});
const inotify = (wd: object[], id = 8) => ({ type: 'INOTIFY', id, ify: { id, flags: 0, fown: NO_OWNER, wd } });
const markOf = (more: object = {}) => ({
  id: 0,
  type: 1,
  mflags: 0,
  mask: 2,
  ignored_mask: 0,
  s_dev: DEVICE,
  ie: { i_ino: INODE, f_handle: HANDLE },
  ...more,
});
const fanotify = (mark: object[]) => ({
  type: 'FANOTIFY',
  id: 8,
  ffy: { id: 8, flags: 0, fown: NO_OWNER, faflags: 0, evflags: 0, mark },
});

const ghostFile = (more: object = {}) =>
  encodeMessage('ghost_file_entry', { uid: 0, gid: 0, mode: 0o100644, dev: DEVICE, ino: INODE, ...more });
const ghostOf = (orig_id: number) => ({ orig_id, remap_id: 1, remap_type: 'GHOST' });
const removed = (id: number, name = '/gone') => fileEntry(id, name, 2, { mode: 0o100644 });

/** Task 7 has 3 open on a removed file and 4 on what watches it. */
const watched = (watcher: object, more: Images = {}, entries: object[] = []): Images =>
  smallWith({
    'files.img': [fileEntry(1, '/usr/bin/program', 0), fileEntry(4, '/', 0o200000), removed(3), watcher, ...entries],
    'fdinfo-1.img': [descriptor(3, 3, 'REG'), descriptor(8, 4, 'ify' in watcher ? 'INOTIFY' : 'FANOTIFY')],
    'fdinfo-2.img': [],
    'remap-fpath.img': [ghostOf(3)],
    'ghost-file-1.img': [ghostFile()],
    ...more,
  });

const placeholders = ({ plan }: Rewritten) => plan.placeholders.map(({ file_id, split_from }) => [file_id, split_from]);
const remaps = ({ out }: Rewritten) => readImage(out, 'remap-fpath.img').records.map(({ fields }) => fields);

const HOLDING: [string, Images][] = [
  ['an inotify', watched(inotify([watch()]))],
  ['an inotify, with other watches', watched(inotify([watch({ i_ino: 5 }), watch({ wd: 2 }), watch({ s_dev: 5 })]))],
  ['a fanotify', watched(fanotify([markOf()]))],
  ['an inotify of an older dump', watched(inotify([]), { 'inotify-wd.img': [watch({ id: 8 })] })],
  ['a fanotify of an older dump', watched(fanotify([]), { 'fanotify-mark.img': [markOf({ id: 8 })] })],
  [
    'a ghost of an older dump',
    watched(inotify([watch()]), { 'remap-fpath.img': [{ orig_id: 3, remap_id: 2 ** 31 + 1 }] }),
  ],
];
for (const [title, images] of HOLDING) {
  test(`${title}: the ghost stays, and the descriptor leaves its entry`, async (t) => {
    const result = await rewriteImages(t, images, { specs: ['fd[7]:/gone'] });
    t.deepEqual(checkRewritten(result.source, result.out), []);
    t.deepEqual(placeholders(result), [[9, 3]]);
    t.is(remaps(result).length, 1);
    const { warnings } = result.plan;
    t.deepEqual(
      warnings.map(({ code, file_id }) => [code, file_id]),
      [['REMOVED_FILE_DROPPED', 3]],
    );
    t.regex(warnings[0]?.message ?? '', / the watch of the (inotify|fanotify) with file id 8,/);
  });
}

const FREE: [string, Images][] = [
  ['another inode', watched(inotify([watch({ i_ino: NEXT })]))],
  ['another device', watched(inotify([watch({ s_dev: DEVICE + 1 })]))],
  ['a whole mount', watched(fanotify([markOf({ type: 2, ie: undefined, me: { mnt_id: 5 } })]))],
  [
    'a ghost without inode',
    watched(inotify([watch({ i_ino: 0, s_dev: 0 })]), {
      'ghost-file-1.img': [ghostFile({ dev: undefined, ino: undefined })],
    }),
  ],
  [
    'the ghost of another file',
    watched(inotify([watch()]), {
      'remap-fpath.img': [{ ...ghostOf(3), remap_id: 2 }],
      'ghost-file-2.img': [ghostFile({ ino: 5 })],
    }),
  ],
];
for (const [title, images] of FREE) {
  test(`a watch of ${title} holds no ghost`, async (t) => {
    const result = await rewriteImages(t, images, { specs: ['fd[7]:/gone'] });
    t.deepEqual(placeholders(result), [[3, undefined]]);
    t.deepEqual(remaps(result), []);
    t.notRegex(result.plan.warnings[0]?.message ?? '', /watch/);
  });
}

test('an inotify that goes too holds no ghost, and one that stays at another descriptor does', async (t) => {
  const twice = [descriptor(3, 3, 'REG'), descriptor(8, 4, 'INOTIFY'), descriptor(8, 5, 'INOTIFY')];
  const images = watched(inotify([watch()]), { 'fdinfo-1.img': twice });
  const whole = await rewriteImages(t, images, { specs: ['fd[7]:/gone', 'fd[8]:/proc/7/fd/4'] });
  t.deepEqual(checkRewritten(whole.source, whole.out), []);
  t.deepEqual(remaps(whole), []);
  const one = { inherit: 'fd[8]:/proc/7/fd/4', only: true };
  const part = await rewriteImages(t, images, { specs: ['fd[7]:/gone', one] });
  t.deepEqual(checkRewritten(part.source, part.out), []);
  t.is(remaps(part).length, 1);
});

test('of two entries of a watched ghost one stays, and none more where another use of it stays', async (t) => {
  const entries = [removed(5, '/gone')];
  const open = {
    'fdinfo-2.img': [descriptor(5, 3, 'REG')],
    'remap-fpath.img': [ghostOf(5), ghostOf(3)],
  };
  const images = watched(inotify([watch()]), open, entries);
  const both = await rewriteImages(t, images, { specs: ['fd[7]:/gone'] });
  t.deepEqual(checkRewritten(both.source, both.out), []);
  t.deepEqual(placeholders(both), [
    [3, undefined],
    [9, 5],
  ]);
  t.deepEqual(remaps(both), [ghostOf(5)]);
  const one = await rewriteImages(t, images, { specs: ['fd[7]:/proc/7/fd/3'] });
  t.deepEqual(placeholders(one), [[3, undefined]]);
  t.deepEqual(
    one.plan.warnings.map(({ code }) => code),
    ['OTHER_OPEN_STAYS'],
  );
});
