/** A type of entries can be inherited everywhere once its row says how. */
import '../support/pretended-type';
import test from 'ava';
import { diff, inspect, openSource, readPlanOf } from '../../src';
import { descriptor, NO_OWNER, smallCheckpoint } from '../support/directories';
import { readImage } from '../support/images';
import { rewriteImages, smallWith } from '../support/rewriting';

const IMAGES = smallWith({
  'files.img': [
    ...(smallCheckpoint()['files.img'] as object[]),
    { type: 'NS', id: 9, nsf: { id: 9, ns_id: 5, ns_cflag: 1, flags: 0 } },
  ],
  'fdinfo-2.img': [descriptor(2, 1, 'PIPE'), descriptor(9, 4, 'NS'), descriptor(9, 5, 'NS')],
});
const SPECS = ['fd[10]:socket:[5]'];

test('it is listed by its key', async (t) => {
  const { source } = await rewriteImages(t, IMAGES, { specs: SPECS });
  const listed: string[] = [];
  for await (const { type, facts } of inspect(await openSource(source))) listed.push(`${type} ${facts?.key}`);
  t.true(listed.includes('NS socket:[5]'), listed.join('\n'));
});

test('it becomes a placeholder, with what it needs and every descriptor', async (t) => {
  const { plan, out } = await rewriteImages(t, IMAGES, { specs: SPECS });
  t.is(plan.placeholders.length, 1);
  t.like(plan.placeholders[0], { file_id: 9, was: { type: 'NS', key: 'socket:[5]' }, kind: { name: 'pidfd' } });
  const entry = readImage(out, 'files.img').records.at(-1)?.fields;
  t.like(entry, { type: 'EXT', id: 9, ext: { id: 9, fown: NO_OWNER } });
  t.false('nsf' in (entry ?? {}));
  const table = readImage(out, 'fdinfo-2.img').records;
  t.deepEqual(
    table.map(({ fields }) => [fields.type, fields.fd]),
    [
      ['PIPE', 1],
      ['EXT', 4],
      ['EXT', 5],
    ],
  );
});

test('its plan explains what was done, to the byte', async (t) => {
  const { source, out } = await rewriteImages(t, IMAGES, { specs: SPECS, link: 'copy' });
  const plan = await readPlanOf(out);
  const result = await diff(await openSource(source), await openSource(out), { plan });
  t.is(result.unexplained, 0);
  t.deepEqual(result.misfits, []);
  result.close();
});
