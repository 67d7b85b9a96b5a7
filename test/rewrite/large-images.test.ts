import test, { type ExecutionContext } from 'ava';
import type { SpecOptions } from '../../src';
import { descriptor, fileEntry, type Images, smallCheckpoint } from '../support/directories';
import { checkRewritten } from '../support/independent';
import { rewriteImages, smallWith } from '../support/rewriting';
import { STREAM, unix } from '../support/sockets';

/** Images that are read in several parts, and changes in each of them. */

const COUNT = 4_000;
const FIRST_ID = 100;
const MIDDLE = COUNT / 2;
/** Some 60 bytes each: the image has several times the 64 KiB that are read at first. */
const fill = Array.from({ length: COUNT }, (_none, i) =>
  fileEntry(FIRST_ID + i, `/srv/data/of/many/files/with/a/long/path/${i}`, 1, { mode: 0o100644 }),
);
const nameOf = (place: number) => fill[place]?.reg?.name as unknown as string;

async function checked(t: ExecutionContext, images: Images, specs: readonly (string | SpecOptions)[]) {
  const rewritten = await rewriteImages(t, images, { specs, link: 'copy' });
  t.deepEqual(checkRewritten(rewritten.source, rewritten.out), []);
  return rewritten.plan;
}

test('entries and descriptors of every part', async (t) => {
  const places = [0, 1, MIDDLE, COUNT - 2, COUNT - 1];
  const images = smallWith({
    'files.img': [...(smallCheckpoint()['files.img'] as Record<string, unknown>[]), ...fill],
    'fdinfo-2.img': fill.map(({ id }, i) => descriptor(id, 10 + i, 'REG')),
  });
  const plan = await checked(
    t,
    images,
    places.map((place, i) => `fd[${20 + i}]:${nameOf(place)}`),
  );
  t.deepEqual(
    plan.placeholders.map(({ file_id, caller_fd }) => [file_id, caller_fd]),
    places.map((place, i) => [FIRST_ID + place, 20 + i]),
  );
});

test('all entries, those at the borders of parts among them', async (t) => {
  const images = smallWith({
    'files.img': [...(smallCheckpoint()['files.img'] as Record<string, unknown>[]), ...fill],
    'fdinfo-2.img': fill.map(({ id }, i) => descriptor(id, 10 + i, 'REG')),
  });
  const plan = await checked(t, images, ['fd[5]:/srv/data/**']);
  t.is(plan.placeholders.length, COUNT);
});

test('ends that stay at the borders of parts', async (t) => {
  const pairs = Array.from({ length: 800 }, (_none, i) => ({ going: 1_000 + i, staying: 5_000 + i }));
  const sockets = [
    ...pairs.map(({ going, staying }) => unix(going, going, staying, STREAM)),
    ...pairs.map(({ going, staying }) => unix(staying, staying, going, STREAM)),
  ];
  const images = smallWith({
    'files.img': [...(smallCheckpoint()['files.img'] as Record<string, unknown>[]), ...sockets],
    'fdinfo-2.img': sockets.map(({ id }, i) => descriptor(id, 10 + i, 'UNIXSK')),
  });
  const specs = pairs.map(({ going }) => ({ inherit: `fd[5]:socket:[${going}]`, peer: 'hangup' }) as const);
  const plan = await checked(t, images, specs);
  t.deepEqual(
    plan.placeholders.map(({ hung_up }) => hung_up),
    pairs.map(({ staying }) => [staying]),
  );
});

test('ends that stay, in the reverse order of those that go', async (t) => {
  const sockets = [unix(20, 500, 501, STREAM), unix(21, 502, 503, STREAM)];
  const early = unix(23, 503, 502, STREAM);
  const late = unix(22, 501, 500, STREAM);
  const images = smallWith({
    'files.img': [...(smallCheckpoint()['files.img'] as Record<string, unknown>[]), ...sockets, early, ...fill, late],
    'fdinfo-2.img': [...sockets, late, early].map(({ id }, i) => descriptor(id, 10 + i, 'UNIXSK')),
  });
  const plan = await checked(
    t,
    images,
    [500, 502].map((inode) => ({ inherit: `fd[5]:socket:[${inode}]`, peer: 'hangup' })),
  );
  t.deepEqual(
    plan.placeholders.map(({ file_id, hung_up }) => [file_id, hung_up]),
    [
      [20, [22]],
      [21, [23]],
    ],
  );
});

test('an image with the number of a table, and records like its descriptors', async (t) => {
  const images = smallWith({
    // Table 1, descriptor 3, file id 3, type REG: fields 2, 1 and 4.
    'ids-1.img': [{ vm_id: 3, files_id: 3, fs_id: 0, sighand_id: 1 }],
  });
  const plan = await checked(t, images, ['fd[5]:/var/log/app.log']);
  t.deepEqual(
    plan.images.map(({ name }) => name),
    ['fdinfo-1.img', 'files.img'],
  );
});
