import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { type ErrorCode, FdgraftError, inspect, openSource, rewrite } from '../src';
import { temporaryFolder } from './support/folders';
import { encodeImage, readImage } from './support/images';
import { checkRewritten } from './support/independent';

const images = path.join(__dirname, '../fixtures/images');

/** Keys that a fixture has and that cannot be rewritten: the code of the refusal. */
const REFUSED: { [fixtureAndKey: string]: ErrorCode } = {
  'deleted_logs /srv/fdgraft/ghost.log': 'ENTRY_SHARED',
  'deleted_logs /srv/fdgraft/moved.log': 'ENTRY_SHARED',
  'forked_map /srv/fdgraft/log': 'ENTRY_SHARED',
  'many_types /srv/fdgraft/ghost': 'ENTRY_SHARED',
  'many_types pipe': 'BYTES_IN_FLIGHT',
  'unread_pipe pipe': 'BYTES_IN_FLIGHT',
  'unread_pipe_64k pipe': 'BYTES_IN_FLIGHT',
};

for (const name of fs.readdirSync(images)) {
  const folder = path.join(images, name);

  test(`${name}: with nothing to match every image comes out as it was`, async (t) => {
    const out = path.join(temporaryFolder(t), 'out');
    await rewrite(await openSource(folder), { specs: ['fd[5]:/no/such/file'], allowUnmatched: true, out });
    t.deepEqual(checkRewritten(folder, out), []);
    t.deepEqual(
      fs.readdirSync(out).filter((file) => file !== 'inherit-plan.img'),
      fs.readdirSync(folder),
    );
    for (const file of fs.readdirSync(folder)) {
      t.deepEqual(fs.readFileSync(path.join(out, file)), fs.readFileSync(path.join(folder, file)), file);
    }
  });

  test(`${name}: each key alone, and all together, change what they name and nothing else`, async (t) => {
    const top = temporaryFolder(t);
    const keys = [...new Set((await inspect(await openSource(folder))).flatMap(({ facts }) => facts?.key ?? []))];
    const good: string[] = [];
    for (const [i, key] of keys.entries()) {
      const out = path.join(top, String(i));
      const refused = REFUSED[`${name} ${key.replace(/:\[\d+\]$/, '')}`];
      const attempt = async () => rewrite(await openSource(folder), { specs: [`fd[5]:${key}`], out });
      if (refused !== undefined) {
        const error = await t.throwsAsync(attempt(), { instanceOf: FdgraftError });
        t.is(error.code, refused, key);
        continue;
      }
      const { plan } = await attempt();
      t.true(plan.placeholders.length > 0);
      t.deepEqual(checkRewritten(folder, out), [], key);
      good.push(key);
    }
    const out = path.join(top, 'all');
    const specs = good.map((key, i) => `fd[${10 + i}]:${key}`);
    const { plan } = await rewrite(await openSource(folder), { specs, out });
    t.true(plan.specs.every(({ matches }) => matches > 0));
    t.deepEqual(checkRewritten(folder, out), []);
  });
}

test('every refusal of the list is one of a fixture', async (t) => {
  for (const line of Object.keys(REFUSED)) {
    const [name = '', key = ''] = line.split(' ');
    const listed = await inspect(await openSource(path.join(images, name)));
    t.true(
      listed.some(({ facts }) => facts?.key.startsWith(key)),
      line,
    );
  }
});

/** The checker of these tests notices what a rewriter could get wrong. */
const SPOILED: [string, RegExp, (out: string) => void][] = [
  ['another image changed', /pstree\.img changed/, (out) => fs.appendFileSync(path.join(out, 'pstree.img'), 'x')],
  ['an image is missing', /other files/, (out) => fs.writeFileSync(path.join(out, 'more.img'), '')],
  [
    'a descriptor kept its type',
    /type PIPE for a EXT entry/,
    (out) => edit(out, 'fdinfo-3.img', (fields) => ({ ...fields, type: fields.id === 3 ? 'PIPE' : fields.type })),
  ],
  [
    'a descriptor changed its number',
    /more than its type changed/,
    (out) => edit(out, 'fdinfo-3.img', (fields) => ({ ...fields, fd: Number(fields.fd) + 100 })),
  ],
  [
    'an entry kept its member',
    /still has its old member/,
    (out) =>
      edit(out, 'files.img', (fields) =>
        fields.id === 3
          ? { ...fields, pipe: { id: 3, pipe_id: 1, flags: 1, fown: (fields.ext as { fown: object }).fown } }
          : fields,
      ),
  ],
  [
    'an entry that was not named changed',
    /files\.img entry \d+ changed/,
    (out) =>
      edit(out, 'files.img', (fields) =>
        fields.id === 1 ? { ...fields, reg: { ...(fields.reg as object), flags: 7 } } : fields,
      ),
  ],
];
for (const [what, problem, spoil] of SPOILED) {
  test(`the checker sees that ${what}`, async (t) => {
    const folder = path.join(images, 'pipe_outside');
    const out = path.join(temporaryFolder(t), 'out');
    const key = (await inspect(await openSource(folder))).find(({ type }) => type === 'PIPE')?.facts?.key;
    await rewrite(await openSource(folder), { specs: [`fd[5]:${key}`], out, link: 'copy' });
    t.deepEqual(checkRewritten(folder, out), []);
    spoil(out);
    t.true(
      checkRewritten(folder, out).some((line) => problem.test(line)),
      String(checkRewritten(folder, out)),
    );
  });
}

function edit(out: string, name: string, change: (fields: { [name: string]: unknown }) => object): void {
  const { records } = readImage(out, name);
  fs.writeFileSync(
    path.join(out, name),
    encodeImage(
      name,
      records.map(({ fields }) => change(fields)),
    ),
  );
}
