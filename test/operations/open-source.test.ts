import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { diff, openSource, readPlanOf, rewrite } from '../../src';
import { archiveOf, membersOf } from '../support/archives';
import { putCheckpoint, SPEC } from '../support/batch';
import { temporaryFolder } from '../support/folders';

test("what tar makes of an archive of podman's is read, and not made anew without what lies around the images", async (t) => {
  const folder = temporaryFolder(t);
  putCheckpoint(path.join(folder, 'images'));
  const archive = path.join(folder, 'in.tar');
  const around = { name: 'config.dump', content: '{}' };
  fs.writeFileSync(archive, archiveOf(...membersOf(path.join(folder, 'images'), 'checkpoint/'), around));
  const out = path.join(folder, 'out');
  const source = await openSource(archive);
  await rewrite(source, { specs: [SPEC], out, to: 'dir' });
  const made = await openSource(out);
  t.is(made.folder?.toString(), fs.realpathSync(path.join(out, 'checkpoint')));
  const plan = await readPlanOf(out);
  const result = await diff(source, made, { plan });
  t.deepEqual([result.isSame, result.unexplained, result.misfits], [false, 0, []]);
  result.close();
  const error = await t.throwsAsync(openSource(out, { exact: true }), { message: /has no inventory\.img/ });
  t.like(error, { code: 'SOURCE_UNUSABLE', hint: `the image folder in it is ${out}/checkpoint: give that` });
});
