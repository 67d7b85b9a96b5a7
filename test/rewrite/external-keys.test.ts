import test from 'ava';
import { descriptor, fileEntry, type Images, pipeEntry, smallCheckpoint } from '../support/directories';
import type { Record } from '../support/images';
import { refusal, rewriteImages, smallWith } from '../support/rewriting';

const LOG = 'fd[7]:/var/log/app.log';
const files = smallCheckpoint()['files.img'] as Record[];

const MOUNT = {
  ...{ fstype: 0, mnt_id: 1, root_dev: 1, parent_mnt_id: 0, flags: 0 },
  ...{ root: '/', mountpoint: '/', source: 'x', options: '' },
};

const KEYED: [string, Images][] = [
  ['exti', { 'pidns-9.img': [{ ext_key: 'exti' }] }],
  ['extRootNetNS', { 'netns-9.img': [{ ext_key: 'extRootNetNS' }] }],
  // What would name entries is a key all the same, where it names none.
  ['pipe:[1]', { 'netns-9.img': [{ ext_key: 'pipe:[1]' }] }],
  ['net-*', { 'netns-9.img': [{ ext_key: 'other' }], 'netns-10.img': [{ ext_key: 'net-*' }] }],
];
for (const [key, images] of KEYED) {
  test(`${key} is left to criu, since an image has it as its ext_key`, async (t) => {
    const { plan, next } = await rewriteImages(t, smallWith(images), { specs: [`fd[9]:${key}`, LOG] });
    t.deepEqual(
      plan.warnings.map(({ code }) => code),
      ['KEY_LEFT_TO_CRIU'],
    );
    t.regex(plan.warnings[0]?.message ?? '', /ns-\d+\.img\).*pass --inherit-fd/);
    t.deepEqual(plan.specs, [{ text: LOG, caller_fd: 7, matches: 1 }]);
    t.is(plan.placeholders[0]?.spec, 0);
    t.deepEqual(next?.words.slice(-2), ['--inherit-fd', `fd[9]:${key}`]);
  });
}

test('a key that no image has matches nothing, however it is spelt', async (t) => {
  const none = await refusal(t, smallCheckpoint(), { specs: ['fd[9]:extRootPidNS'] });
  t.like(none, { code: 'SPEC_UNMATCHED', exitCode: 1 });
  t.regex(none.message, /no namespace of the checkpoint is external/);
  const images = smallWith({ 'netns-9.img': [{ ext_key: 'extRootNetNS' }], 'pidns-9.img': [{}] });
  const other = await refusal(t, images, { specs: ['fd[9]:extRootPidNS'] });
  t.regex(other.message, /external namespaces are: extRootNetNS of the network namespace \(netns-9\.img\)/);
  const { plan } = await rewriteImages(t, smallCheckpoint(), { specs: ['fd[9]:extRootPidNS'], allowUnmatched: true });
  t.deepEqual(
    plan.warnings.map(({ code }) => code),
    ['SPEC_UNMATCHED'],
  );
});

test('what names an entry is that entry, also where a namespace has the key', async (t) => {
  const named = fileEntry(3, 'exti', 1, { ext: true });
  const images = smallWith({
    'files.img': [fileEntry(1, '/usr/bin/program', 0), pipeEntry(2, 4711, 1), named, fileEntry(4, '/', 0)],
    'fdinfo-1.img': [descriptor(3, 3, 'REG')],
    'pidns-9.img': [{ ext_key: 'exti' }],
  });
  const { plan } = await rewriteImages(t, images, { specs: ['fd[9]:exti'] });
  t.deepEqual(
    plan.placeholders.map(({ file_id }) => file_id),
    [3],
  );
  t.deepEqual(plan.warnings, []);
});

test('a key that is left to criu has no options', async (t) => {
  const images = smallWith({ 'pidns-9.img': [{ ext_key: 'exti' }] });
  const error = await refusal(t, images, { specs: [{ inherit: 'fd[9]:exti', apply: 'dup', only: false }] });
  t.like(error, { code: 'SPEC_SYNTAX', exitCode: 2 });
  t.regex(error.message, /has the option apply, only/);
});

test('the key of an external mount is one that another option takes', async (t) => {
  const images = smallWith({
    'files.img': files,
    'mountpoints-9.img': [{ ...MOUNT, ext_key: 'data' }],
  });
  const error = await refusal(t, images, { specs: ['fd[9]:data'] });
  t.regex(error.message, /external mount \(mountpoints-9\.img\); criu restore --external 'mnt\[data\]:PATH' takes it/);
});

test('a mount namespace of its own is a warning, since files of the host cannot be dumped in it', async (t) => {
  const { plan } = await rewriteImages(t, smallWith({ 'mountpoints-9.img': [MOUNT] }), { specs: [LOG] });
  t.deepEqual(
    plan.warnings.map(({ code }) => code),
    ['OWN_MOUNT_NAMESPACE'],
  );
  t.regex(plan.warnings[0]?.message ?? '', /mountpoints-9\.img.*Can't lookup mount/);
  const nothing = { specs: ['fd[9]:/none'], allowUnmatched: true };
  const other = await rewriteImages(t, smallWith({ 'mountpoints-9.img': [MOUNT] }), nothing);
  t.deepEqual(
    other.plan.warnings.map(({ code }) => code),
    ['SPEC_UNMATCHED'],
    'where nothing is inherited, nothing changes for the next dump',
  );
});

test('a damaged image of a namespace is told with its place where a spec matches nothing', async (t) => {
  const images = smallWith({ 'pidns-9.img': [Buffer.from([0x0a, 0x7f])] });
  const error = await refusal(t, images, { specs: ['fd[9]:exti'] });
  t.like(error, { code: 'IMAGE_TRUNCATED', file: 'pidns-9.img', entry: 0 });
});
