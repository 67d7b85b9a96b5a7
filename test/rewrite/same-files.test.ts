import test from 'ava';
import { openSource, rewrite } from '../../src';
import { descriptor, fileEntry, type Images, mapping, mmEntry } from '../support/directories';
import { rewriteImages, smallWith } from '../support/rewriting';

/** A regular file that is taken at one entry and open, mapped or executed at another one. */

const SHARED = 128;
const SEGMENT = '/dev/shm/segment';
const regular = (id: number, name: string, more: object = {}) => fileEntry(id, name, 2, { mode: 0o100600, ...more });
const mount = (id: number, device: number, root: string, mountpoint: string, more: object = {}) => ({
  fstype: 0,
  mnt_id: id,
  root_dev: device,
  parent_mnt_id: 1,
  flags: 0,
  root,
  mountpoint,
  source: 'none',
  options: '',
  ...more,
});

/** Task 7 has 5 open on entry 10; task 8 has a shared mapping of entry 11. */
const segment = (one: object, other: object, more: Images = {}): Images =>
  smallWith({
    'files.img': [fileEntry(1, '/program', 0, { mode: 0o100755 }), other, one, fileEntry(4, '/', 0, { mode: 0o40755 })],
    'fdinfo-1.img': [descriptor(10, 5, 'REG')],
    'fdinfo-2.img': [],
    'mm-8.img': [mmEntry(1, [mapping(11, SHARED)])],
    ...more,
  });

const BY_NUMBER = 'fd[7]:/proc/7/fd/5';
const MAPPED: [string, Images, string][] = [
  ['by its path', segment(regular(10, SEGMENT), regular(11, SEGMENT)), `fd[7]:${SEGMENT}`],
  ['by a glob', segment(regular(10, SEGMENT), regular(11, SEGMENT)), 'fd[7]:/dev/shm/*'],
  ['by its number', segment(regular(10, SEGMENT), regular(11, SEGMENT)), BY_NUMBER],
  [
    'on the same mount',
    segment(regular(10, SEGMENT, { mnt_id: 5 }), regular(11, SEGMENT, { mnt_id: 5 }), {
      'mountpoints-9.img': [mount(5, 77, '/', '/dev/shm')],
    }),
    BY_NUMBER,
  ],
  [
    'below a bind mount',
    segment(regular(10, SEGMENT, { mnt_id: 5 }), regular(11, '/other/place/segment', { mnt_id: 6 }), {
      'mountpoints-9.img': [mount(5, 77, '/', '/dev/shm'), mount(6, 77, '/', '/other/place')],
    }),
    `fd[7]:${SEGMENT}`,
  ],
  [
    'below a bind mount of a directory, in another namespace',
    segment(regular(10, '/data/job/segment', { mnt_id: 5 }), regular(11, '/mine/segment', { mnt_id: 6 }), {
      'mountpoints-9.img': [mount(5, 77, '/', '/data')],
      'mountpoints-10.img': [mount(6, 77, '/job', '/mine')],
    }),
    'fd[7]:/data/job/segment',
  ],
  [
    'where the file itself is mounted',
    segment(regular(10, '/data/segment', { mnt_id: 5 }), regular(11, '/elsewhere', { mnt_id: 6 }), {
      'mountpoints-9.img': [mount(5, 77, '/', '/data'), mount(6, 77, '/segment', '/elsewhere')],
    }),
    'fd[7]:/data/segment',
  ],
  [
    'as one file without a name',
    segment(regular(10, SEGMENT), regular(11, '/dev/shm/link'), {
      'remap-fpath.img': [
        { orig_id: 10, remap_id: 1, remap_type: 'GHOST' },
        { orig_id: 11, remap_id: 1, remap_type: 'GHOST' },
      ],
    }),
    BY_NUMBER,
  ],
];
for (const [how, images, spec] of MAPPED) {
  test(`a file that another entry has mapped, ${how}`, async (t) => {
    const { plan } = await rewriteImages(t, images, { specs: [spec] });
    const warnings = plan.warnings.filter(({ code }) => code === 'FILE_STILL_USED');
    t.is(warnings.length, 1);
    t.is(warnings[0]?.file_id, 10);
    t.regex(warnings[0]?.message ?? '', /a file mapping of task 8 \(file id 11\)\. After the restore/);
  });
}

const APART: [string, Images, string][] = [
  ['another path', segment(regular(10, SEGMENT), regular(11, '/other/segment')), BY_NUMBER],
  [
    'the same path on another mount',
    segment(regular(10, SEGMENT, { mnt_id: 5 }), regular(11, SEGMENT, { mnt_id: 6 }), {
      'mountpoints-9.img': [mount(5, 77, '/', '/dev/shm'), mount(6, 78, '/', '/dev/shm')],
    }),
    `fd[7]:${SEGMENT}`,
  ],
  [
    'the path of a file that was removed',
    segment(regular(10, SEGMENT), regular(11, SEGMENT), {
      'remap-fpath.img': [{ orig_id: 10, remap_id: 1, remap_type: 'GHOST' }],
    }),
    BY_NUMBER,
  ],
  [
    'a removed file that had the path',
    segment(regular(10, SEGMENT), regular(11, SEGMENT), {
      'remap-fpath.img': [{ orig_id: 11, remap_id: 12, remap_type: 'LINKED' }],
    }),
    BY_NUMBER,
  ],
  [
    'a mount that the image names by a key',
    segment(regular(10, '/a/segment', { mnt_id: 5 }), regular(11, '/b/segment', { mnt_id: 6 }), {
      'mountpoints-9.img': [
        mount(5, 77, 'key', '/a', { ext_mount: true }),
        mount(6, 77, 'key', '/b', { ext_mount: true }),
      ],
    }),
    BY_NUMBER,
  ],
];
for (const [what, images, spec] of APART) {
  test(`${what} is another file`, async (t) => {
    const { plan } = await rewriteImages(t, images, { specs: [spec] });
    t.deepEqual(
      plan.warnings.filter(({ code }) => code === 'FILE_STILL_USED' || code === 'OTHER_OPEN_STAYS'),
      [],
    );
  });
}

const HELD: [string, Images, RegExp][] = [
  ['executed', { 'mm-8.img': [mmEntry(11)] }, /the executable of task 8 \(file id 11\)/],
  [
    'the working directory',
    { 'mm-8.img': [mmEntry(1)], 'fs-8.img': [{ cwd_id: 11, root_id: 4 }] },
    /the working directory of task 8/,
  ],
  [
    'the root directory',
    { 'mm-8.img': [mmEntry(1)], 'fs-8.img': [{ cwd_id: 4, root_id: 11 }] },
    /the root directory of task 8/,
  ],
  [
    'mapped at its own entry',
    { 'mm-8.img': [mmEntry(1, [mapping(10, SHARED)])] },
    /a file mapping of task 8 \(file id 10\)\. After/,
  ],
];
for (const [how, more, expected] of HELD) {
  test(`a file that is ${how} too`, async (t) => {
    const images = segment(regular(10, SEGMENT), regular(11, SEGMENT), more);
    const { plan } = await rewriteImages(t, images, { specs: [BY_NUMBER] });
    t.deepEqual(
      plan.warnings.map(({ code }) => code),
      ['FILE_STILL_USED'],
    );
    t.regex(plan.warnings[0]?.message ?? '', expected);
  });
}

const twoOpens = (kind: number): Images =>
  segment(regular(10, '/log', { mode: kind }), regular(11, '/log', { mode: kind }), {
    'fdinfo-2.img': [descriptor(11, 6, 'REG')],
    'mm-8.img': [mmEntry(1)],
  });

test('another open of the file stays where a number names one', async (t) => {
  const { plan } = await rewriteImages(t, twoOpens(0o100644), { specs: [BY_NUMBER] });
  t.deepEqual(
    plan.warnings.map(({ code, file_id }) => [code, file_id]),
    [['OTHER_OPEN_STAYS', 10]],
  );
  t.regex(plan.warnings[0]?.message ?? '', /others stay on the old file: 8\/6 \(file id 11\)/);
});

const QUIET: [string, Images, Parameters<typeof rewrite>[1]['specs']][] = [
  ['takes both by path', twoOpens(0o100644), ['fd[7]:/log']],
  ['takes both by number', twoOpens(0o100644), [BY_NUMBER, 'fd[7]:/proc/8/fd/6']],
  ['has only: true', twoOpens(0o100644), [{ inherit: BY_NUMBER, only: true }]],
  ['names a device', twoOpens(0o20666), [BY_NUMBER]],
];
for (const [why, images, specs] of QUIET) {
  test(`no warning of other opens for who ${why}`, async (t) => {
    const { plan } = await rewriteImages(t, images, { specs });
    t.deepEqual(plan.warnings, []);
  });
}

test('one warning a file and spec, with a number where there are many uses', async (t) => {
  const ids = Array.from({ length: 30 }, (_, i) => i + 20);
  const images = smallWith({
    'files.img': [...ids.map((id) => regular(id, '/log')), fileEntry(4, '/', 0)],
    'fdinfo-1.img': ids.slice(0, 10).map((id) => descriptor(id, id, 'REG')),
    'fdinfo-2.img': ids.slice(10).map((id) => descriptor(id, id, 'REG')),
    'mm-7.img': [mmEntry(4)],
  });
  const specs = ids.slice(0, 10).map((id) => `fd[7]:/proc/7/fd/${id}`);
  const { plan } = await rewriteImages(t, images, { specs });
  t.is(plan.warnings.length, specs.length);
  for (const { message } of plan.warnings) t.regex(message, /8\/39 \(file id 39\) and 10 more$/);
});

/** A source that counts how often its images are gone through. */
async function passes(t: Parameters<typeof rewriteImages>[0], images: Images, specs: string[]): Promise<number> {
  const { source } = await rewriteImages(t, images, { specs });
  const opened = await openSource(source);
  let count = 0;
  const members = opened.members.bind(opened);
  opened.members = () => {
    count += 1;
    return members();
  };
  await rewrite(opened, { specs });
  return count;
}

test('paths cost no second look, numbers one of files.img, and what is found one more', async (t) => {
  const alone = segment(regular(10, SEGMENT), regular(11, '/other'));
  t.is(await passes(t, alone, [`fd[7]:${SEGMENT}`]), 1);
  t.is(await passes(t, alone, [BY_NUMBER]), 3);
  t.is(await passes(t, segment(regular(10, SEGMENT), regular(11, SEGMENT)), [BY_NUMBER]), 4);
});
