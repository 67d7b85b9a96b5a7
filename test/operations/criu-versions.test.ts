import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import {
  decode,
  decodeImage,
  diff,
  encode,
  explore,
  FdgraftError,
  imageInfo,
  inspect,
  openImages,
  openSource,
  readPlanOf,
  rewrite,
} from '../../src';
import { inChunks } from '../support/conversions';
import { snapshot, temporaryDirectory } from '../support/directories';
import { checkRewritten } from '../support/independent';
import { asEarlier, asLater, NEW_IMAGES, NEW_TYPE, setImageVersion } from '../support/other-versions';

const images = path.join(__dirname, '../../fixtures/images');

/** Checkpoints by the CRIU that wrote them. The dumps of 4.x are real; 3.17 and a CRIU to come are made of real dumps. */
const VERSIONS: { criu: string; fixture: string; spec: string; make?: (from: string, to: string) => void }[] = [
  { criu: '3.17', fixture: 'two_paths', spec: 'fd[5]:pipe:[128372]', make: asEarlier },
  { criu: '3.17', fixture: 'many_types', spec: 'fd[5]:/srv/fdgraft/file', make: asEarlier },
  { criu: '4.1.1', fixture: 'many_types', spec: 'fd[5]:/srv/fdgraft/file' },
  { criu: '4.2.1', fixture: 'net_sockets', spec: 'fd[5]:/dev/null' },
  { criu: '4.3', fixture: 'job_newer_criu', spec: 'fd[5]:pipe:[3270082]' },
  { criu: 'to come', fixture: 'two_paths', spec: 'fd[5]:pipe:[128372]', make: later },
  { criu: 'to come', fixture: 'many_types', spec: 'fd[5]:/srv/fdgraft/file', make: later },
  { criu: 'to come', fixture: 'job_newer_criu', spec: 'fd[5]:pipe:[3270082]', make: later },
];

function later(from: string, to: string): void {
  asLater(from, to, 'fdinfo-2.img');
}

function made(t: ExecutionContext, { fixture, make }: (typeof VERSIONS)[number]): { top: string; source: string } {
  const top = temporaryDirectory(t);
  const source = path.join(top, 'source');
  const from = path.join(images, fixture);
  if (make === undefined) fs.cpSync(from, source, { recursive: true });
  else make(from, source);
  return { top, source };
}

for (const version of VERSIONS) {
  const name = `CRIU ${version.criu} (${version.fixture})`;

  test(`${name}: a rewrite changes what its plan says, and no other byte`, async (t) => {
    const { top, source } = made(t, version);
    const out = path.join(top, 'out');
    const before = snapshot(source);
    const { plan } = await rewrite(await openSource(source), { specs: [version.spec], out });
    t.true(plan.placeholders.length > 0);
    t.deepEqual(snapshot(source), before);
    t.deepEqual(checkRewritten(source, out), []);
    const changed = plan.images.map(({ name }) => name);
    for (const file of fs.readdirSync(source)) {
      if (changed.includes(file)) continue;
      t.deepEqual(fs.readFileSync(path.join(out, file)), fs.readFileSync(path.join(source, file)), file);
    }
    const proof = await diff(await openSource(source), await openSource(out), { plan: await readPlanOf(out) });
    t.deepEqual([proof.isSame, proof.unexplained, proof.misfits], [false, 0, []]);
    proof.close();
  });

  test(`${name}: decode and encode give the same bytes`, async (t) => {
    const { top, source } = made(t, version);
    const [json, back] = [path.join(top, 'json'), path.join(top, 'back')];
    await decode(await openImages(source), { out: json });
    await encode(await openImages(json), { out: back });
    const names = fs.readdirSync(source).sort();
    t.deepEqual(fs.readdirSync(back).sort(), names);
    for (const file of names)
      t.deepEqual(fs.readFileSync(path.join(back, file)), fs.readFileSync(path.join(source, file)), file);
  });
}

test('what ls prints of a dump is the same without the fields of 4.1.1 and with those of a CRIU to come', async (t) => {
  const keys = async (directory: string) => {
    const found: [number, string | undefined][] = [];
    for await (const { id, facts } of inspect(await openSource(directory))) found.push([id, facts?.key]);
    return found;
  };
  const top = temporaryDirectory(t);
  const now = path.join(images, 'many_types');
  asEarlier(now, path.join(top, 'earlier'));
  later(now, path.join(top, 'later'));
  const expected = await keys(now);
  t.true(expected.length > 20);
  t.deepEqual(await keys(path.join(top, 'earlier')), expected);
  t.deepEqual(await keys(path.join(top, 'later')), [...expected, [NEW_TYPE.id, undefined]]);
});

test('a type without a name is told by its number, and not inherited', async (t) => {
  const { source } = made(t, { criu: 'to come', fixture: 'two_paths', spec: '', make: later });
  const descriptors: (string | undefined)[] = [];
  for await (const row of explore(await openSource(source), 'fds'))
    if (row.kind === 'descriptor' && row.fd === NEW_TYPE.fd) descriptors.push(row.file.type);
  t.deepEqual(descriptors, ['type 200']);
  const specs = [`fd[5]:/proc/14716/fd/${NEW_TYPE.fd}`];
  const error = await t.throwsAsync(async () => rewrite(await openSource(source), { specs }), {
    instanceOf: FdgraftError,
  });
  t.is(error.code, 'SPEC_UNSUPPORTED');
  t.regex(error.message, /names file id 900, an entry of type 200, and inheriting these is not supported/);
});

test('diff names new fields by their numbers, and new images by their names', async (t) => {
  const { source } = made(t, { criu: 'to come', fixture: 'two_paths', spec: '', make: later });
  const result = await diff(await openSource(path.join(images, 'two_paths')), await openSource(source));
  const texts = result.meaning.map(({ text }) => text);
  for (const expected of ['type 200 900 (14716/90): new', ...NEW_IMAGES.map((name) => `${name}: new`)])
    t.true(texts.includes(expected), `${expected}\n${texts.join('\n')}`);
  t.true(
    texts.some((text) => /^pipe:\[128372\] .*#15000 none → 7/.test(text)),
    texts.join('\n'),
  );
  result.close();
});

test('an image of no known kind cannot be read alone, and the error says why', async (t) => {
  const { source } = made(t, { criu: 'to come', fixture: 'two_paths', spec: '', make: later });
  const image = fs.readFileSync(path.join(source, 'novelty.img'));
  const write = async () => {};
  await t.throwsAsync(() => decodeImage(inChunks(image), { write }, { name: 'novelty.img' }), {
    instanceOf: FdgraftError,
    message: /novelty\.img, offset 4: the magic 0x4e455721 is that of no image of CRIU 3\.17 to 4\.3/,
  });
  await t.throwsAsync(() => imageInfo(inChunks(image), { name: 'novelty.img' }), {
    instanceOf: FdgraftError,
    message: /0x4e455721/,
  });
});

test('an img_version that is not known is refused by rewrite alone', async (t) => {
  const { top, source } = made(t, { criu: 'to come', fixture: 'two_paths', spec: '', make: later });
  setImageVersion(source, 4);
  const out = path.join(top, 'out');
  const specs = ['fd[5]:pipe:[128372]'];
  const error = await t.throwsAsync(async () => rewrite(await openSource(source), { specs, out }), {
    instanceOf: FdgraftError,
  });
  t.is(error.code, 'LAYOUT_UNSUPPORTED');
  t.regex(error.message, /img_version 4 is newer than 3/);
  t.deepEqual(fs.readdirSync(top), ['source']);

  const listed: (string | undefined)[] = [];
  for await (const { facts } of inspect(await openSource(source))) listed.push(facts?.key);
  t.true(listed.includes('pipe:[128372]'));
  let rows = 0;
  for (const what of ['ps', 'fds', 'mems', 'rss'] as const)
    for await (const _row of explore(await openSource(source), what)) rows += 1;
  t.true(rows > 20);
  const result = await diff(await openSource(path.join(images, 'two_paths')), await openSource(source));
  t.false(result.isSame);
  result.close();
  const [json, back] = [path.join(top, 'json'), path.join(top, 'back')];
  await decode(await openImages(source), { out: json });
  await encode(await openImages(json), { out: back });
  t.deepEqual(fs.readFileSync(path.join(back, 'inventory.img')), fs.readFileSync(path.join(source, 'inventory.img')));
  const shown: Buffer[] = [];
  const inventory = fs.readFileSync(path.join(source, 'inventory.img'));
  await decodeImage(
    inChunks(inventory),
    { write: async (bytes) => void shown.push(Buffer.from(bytes)) },
    { name: 'i' },
  );
  t.regex(Buffer.concat(shown).toString(), /"img_version": 4/);
});
