/** `diff --plan` explains that a mapped memfd has another name, and only what the plan says of it. */
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { diff, openSource, rewrite } from '../../src';
import { readPlanOf } from '../../src/operations/plan-of';
import { temporaryDirectory } from '../support/directories';
import { decodeImage, encodeImage } from '../support/images';

const SOURCE = path.join(__dirname, '../../fixtures/images/memfds');
const RENAMED = 'fdgraft.3';

async function rewritten(t: ExecutionContext): Promise<string> {
  const out = path.join(temporaryDirectory(t), 'out');
  await rewrite(await openSource(SOURCE), { specs: ['fd[5]:/memfd:board'], out, link: 'copy' });
  return out;
}

async function prove(out: string) {
  const plan = await readPlanOf(out);
  const result = await diff(await openSource(SOURCE), await openSource(out), { plan });
  const told: string[] = [];
  for await (const one of result.differences()) {
    if ('entry' in one && one.image === 'memfd.img') told.push(`${one.entry} ${one.explained}`);
  }
  result.close();
  const misfits = result.misfits.filter((line) => !line.endsWith('(its SHA-256 is another one)'));
  return { told, unexplained: result.unexplained, misfits };
}

test('a mapped memfd of another name is explained', async (t) => {
  const out = await rewritten(t);
  t.deepEqual(await prove(out), { told: ['inode_id 3 true'], unexplained: 0, misfits: [] });
});

type Record = { name: string; inode_id: string; hugetlb_flag?: number | undefined };

const TAMPERED: { readonly [what: string]: (records: Record[]) => void } = {
  'another memfd by that name': ([, second, third]) => {
    [(second as Record).name, (third as Record).name] = [RENAMED, 'board'];
    [(second as Record).hugetlb_flag, (third as Record).hugetlb_flag] = [(third as Record).hugetlb_flag, undefined];
  },
  'two memfds by that name': ([, second]) => Object.assign(second as Record, { name: RENAMED }),
  'a memfd by the name of a file of the plugin': ([, , third]) => Object.assign(third as Record, { name: 'fdgraft.4' }),
  'a memfd that CRIU could make': ([, , third]) => Object.assign(third as Record, { hugetlb_flag: undefined }),
  'a memfd of another owner': ([, , third]) => Object.assign(third as Record, { uid: 1000 }),
};

for (const [what, change] of Object.entries(TAMPERED)) {
  test(`${what} in OUT is not explained`, async (t) => {
    const out = await rewritten(t);
    const file = path.join(out, 'memfd.img');
    const records = decodeImage('memfd.img', fs.readFileSync(file)).records.map(
      ({ fields }) => fields as never as Record,
    );
    change(records);
    fs.writeFileSync(file, encodeImage('memfd.img', records as never));
    const { unexplained, misfits } = await prove(out);
    t.true(unexplained > 0 || misfits.length > 0, JSON.stringify({ unexplained, misfits }));
    t.true(unexplained > 0);
  });
}
