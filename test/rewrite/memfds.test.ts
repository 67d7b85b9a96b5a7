/** Memfds that specs name. */
import test from 'ava';
import { descriptor, type Images, NO_OWNER, smallCheckpoint } from '../support/folders';
import { checkRewritten } from '../support/independent';
import { refusal, rewriteImages, smallWith } from '../support/rewriting';

const memfd = (id: number, inode_id: number) => ({
  type: 'MEMFD',
  id,
  memfd: { id, flags: 2, pos: 7, fown: NO_OWNER, inode_id },
});
const inode = (inode_id: number, name: string) => ({
  ...{ name, uid: 0, gid: 0, size: 7, shmid: 1, seals: 0, inode_id },
});

function images(more: Images = {}): Images {
  return smallWith({
    'files.img': [...(smallCheckpoint()['files.img'] as object[]), memfd(20, 1), memfd(21, 2), memfd(22, 3)],
    'memfd.img': [inode(1, 'one'), inode(2, 'two'), inode(3, 'one')],
    'fdinfo-2.img': [20, 21].map((id) => descriptor(id, id, 'MEMFD')).concat(descriptor(2, 1, 'PIPE')),
    ...more,
  });
}

test('a memfd is named by its name, with or without a slash, and by its descriptor', async (t) => {
  for (const key of ['/memfd:one', 'memfd:one', '/proc/8/fd/20', '/memfd:\\x6fne']) {
    const { plan, source, out } = await rewriteImages(t, images(), { specs: [`fd[5]:${key}`] });
    t.deepEqual(checkRewritten(source, out), []);
    t.is(plan.placeholders.length, 1, key);
    t.like(plan.placeholders[0], { file_id: 20, was: { type: 'MEMFD', offset: 7n }, kind: { name: 'memfd' } });
  }
  const both = images({ 'fdinfo-1.img': [descriptor(22, 3, 'MEMFD')] });
  const { plan } = await rewriteImages(t, both, { specs: ['fd[5]:/memfd:one'] });
  t.deepEqual(
    plan.placeholders.map(({ file_id }) => file_id),
    [20, 22],
  );
});

test('a name that no memfd has matches nothing', async (t) => {
  for (const more of [{}, { 'memfd.img': [] }]) {
    const error = await refusal(t, images(more), { specs: ['fd[5]:/memfd:three'] });
    t.like(error, { code: 'SPEC_UNMATCHED', exitCode: 1 });
  }
});

test('a memfd that is mapped too is refused', async (t) => {
  const files = [...(images()['files.img'] as object[]), memfd(23, 1)];
  const VMA_AREA_MEMFD = 1 << 14;
  const vma = { start: 4096, end: 8192, pgoff: 0, shmid: 23, prot: 3, flags: 1, status: VMA_AREA_MEMFD, fd: -1 };
  const [mm] = smallCheckpoint()['mm-7.img'] as { vmas?: object[] }[];
  const mapped = images({ 'files.img': files, 'mm-7.img': [{ ...mm, vmas: [{ ...vma }] }] });
  const error = await refusal(t, mapped, { specs: ['fd[5]:/memfd:one'] });
  t.like(error, { code: 'DESCRIPTOR_TIED', exitCode: 2, file: 'files.img' });
  t.regex(error.hint ?? '', /pass --inherit-fd 'fd\[5\]:\/memfd:NAME' to criu restore itself/);
  t.regex(error.message, /takes a memfd \(file id 20\) that is mapped too \(file id 23\)/);
  const { plan } = await rewriteImages(t, mapped, { specs: ['fd[5]:/memfd:two'] });
  t.is(plan.placeholders[0]?.file_id, 21);
});
