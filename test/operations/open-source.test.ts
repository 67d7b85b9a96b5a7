import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { diff, openSource, readPlanOf, rewrite } from '../../src';
import { archiveOf, membersOf } from '../support/archives';
import { putCheckpoint, SPEC } from '../support/batch';
import { temporaryDirectory } from '../support/directories';

test("what tar makes of an archive of podman's is read, and not made anew without what lies around the images", async (t) => {
  const directory = temporaryDirectory(t);
  putCheckpoint(path.join(directory, 'images'));
  const archive = path.join(directory, 'in.tar');
  const around = { name: 'config.dump', content: '{}' };
  fs.writeFileSync(archive, archiveOf(...membersOf(path.join(directory, 'images'), 'checkpoint/'), around));
  const out = path.join(directory, 'out');
  const source = await openSource(archive);
  await rewrite(source, { specs: [SPEC], out, to: 'dir' });
  const made = await openSource(out);
  t.is(made.directory?.toString(), fs.realpathSync(path.join(out, 'checkpoint')));
  const plan = await readPlanOf(out);
  const result = await diff(source, made, { plan });
  t.deepEqual([result.isSame, result.unexplained, result.misfits], [false, 0, []]);
  result.close();
  const error = await t.throwsAsync(openSource(out, { exact: true }), { message: /has no inventory\.img/ });
  t.like(error, { code: 'SOURCE_UNUSABLE', hint: `the image directory in it is ${out}/checkpoint: give that` });
});
