import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { decode, type ErrorCode, encode, FdgraftError, openImages } from '../../src';
import { smallCheckpoint, snapshot, temporaryDirectory, writeCheckpoint } from '../support/directories';

const fixtures = path.join(__dirname, '../../fixtures/images');

async function there(source: string, out: string, pretty = false) {
  return decode(await openImages(source), { out, pretty });
}

async function back(source: string, out: string) {
  return encode(await openImages(source), { out });
}

/** The images of a directory as JSON and back: the same files, with the same bytes and modes, and the same links. */
async function comesBack(t: ExecutionContext, source: string, parent: string, pretty: boolean): Promise<void> {
  const [json, images] = ['json', 'images'].map((name) => path.join(parent, `${name}-${pretty}`)) as [string, string];
  const before = snapshot(source);
  await there(source, json, pretty);
  t.deepEqual(snapshot(source), before);
  await back(json, images);
  t.deepEqual(snapshot(images), before);
  t.is(fs.statSync(images).mode, fs.statSync(source).mode);
}

for (const name of fs.readdirSync(fixtures)) {
  test(`${name}: the dump comes back`, async (t) => {
    const directory = temporaryDirectory(t);
    for (const pretty of [false, true]) await comesBack(t, path.join(fixtures, name), directory, pretty);
  });
}

function checkpoint(t: ExecutionContext) {
  const directory = temporaryDirectory(t);
  return { directory, source: writeCheckpoint(directory, smallCheckpoint()), out: path.join(directory, 'out') };
}

/** Nothing is there but what was: no directory, and no work directory beside it. */
async function refused(
  t: ExecutionContext,
  directory: string,
  run: Promise<unknown>,
  code: ErrorCode,
  message: RegExp,
) {
  const before = snapshot(directory);
  const error = (await t.throwsAsync(run, { instanceOf: FdgraftError })) as FdgraftError;
  t.is(error.code, code);
  t.is(error.exitCode, 2);
  t.regex(error.message, message);
  t.deepEqual(snapshot(directory), before);
}

test('the JSON directory has NAME.img.json for every image, and all else under its own name', async (t) => {
  const { source, out } = checkpoint(t);
  fs.writeFileSync(path.join(source, 'dump.log'), 'text');
  fs.writeFileSync(path.join(source, 'notes.json'), '{}');
  fs.chmodSync(path.join(source, 'files.img'), 0o640);
  const { converted } = await there(source, out);
  t.is(converted, 9);
  const names = Object.keys(smallCheckpoint()).map((name) => (name === 'pages-1.img' ? name : `${name}.json`));
  t.deepEqual(fs.readdirSync(out).sort(), [...names, 'dump.log', 'notes.json'].sort());
  t.is(fs.statSync(path.join(out, 'files.img.json')).mode & 0o777, 0o640);
  t.is(fs.readFileSync(path.join(out, 'dump.log'), 'utf8'), 'text');
});

test('subdirectories, links and names that are no text come back', async (t) => {
  const { directory, source } = checkpoint(t);
  fs.mkdirSync(path.join(source, 'plugin'));
  fs.writeFileSync(path.join(source, 'plugin/files.img'), 'not read');
  fs.symlinkSync('../elsewhere', path.join(source, 'parent'));
  const odd = (directory: string) => Buffer.concat([Buffer.from(`${directory}/`), Buffer.from([0x61, 0xff, 0xfe])]);
  const takeOdd = (directory: string) => {
    t.is(fs.readFileSync(odd(directory), 'utf8'), 'odd name');
    fs.rmSync(odd(directory));
  };
  fs.writeFileSync(path.join(source, 'é.txt'), 'other name');
  const before = snapshot(source);
  for (const pretty of [false, true]) {
    fs.writeFileSync(odd(source), 'odd name');
    const [json, images] = ['json', 'images'].map((name) => path.join(directory, `${name}-${pretty}`)) as [
      string,
      string,
    ];
    await there(source, json, pretty);
    t.is(fs.readlinkSync(path.join(json, 'parent')), '../elsewhere');
    await back(json, images);
    for (const each of [source, json, images]) takeOdd(each);
    t.deepEqual(snapshot(images), before);
  }
});

test('a link that leads nowhere is left out, and told', async (t) => {
  const { source, out } = checkpoint(t);
  fs.symlinkSync('nowhere', path.join(source, 'old.log'));
  const { notices } = await there(source, out);
  t.true(notices.some(({ code }) => code === 'DANGLING_LINK_LEFT_OUT'));
  t.false(fs.readdirSync(out).includes('old.log'));
});

test('a link to an image becomes the JSON of what it leads to', async (t) => {
  const { directory, source, out } = checkpoint(t);
  const target = path.join(directory, 'target.img');
  fs.renameSync(path.join(source, 'files.img'), target);
  fs.symlinkSync('../target.img', path.join(source, 'files.img'));
  await there(source, out);
  const images = path.join(directory, 'images');
  await back(out, images);
  t.true(fs.lstatSync(path.join(images, 'files.img')).isFile());
  t.deepEqual(fs.readFileSync(path.join(images, 'files.img')), fs.readFileSync(target));
});

test('OUT that is there is refused, whatever it is', async (t) => {
  const { directory, source, out } = checkpoint(t);
  await there(source, path.join(directory, 'json'));
  fs.writeFileSync(out, 'x');
  await refused(t, directory, there(source, out), 'OUT_UNUSABLE', /out/);
  await refused(t, directory, back(path.join(directory, 'json'), out), 'OUT_UNUSABLE', /out/);
  fs.rmSync(out);
  fs.mkdirSync(out);
  fs.writeFileSync(path.join(out, 'y'), 'x');
  await refused(t, directory, there(source, out), 'OUT_UNUSABLE', /out/);
});

test('an image or a JSON that is wrong leaves nothing behind', async (t) => {
  const { directory, source, out } = checkpoint(t);
  const json = path.join(directory, 'json');
  await there(source, json);
  fs.truncateSync(path.join(source, 'pstree.img'), 20);
  await refused(t, directory, there(source, out), 'IMAGE_TRUNCATED', /^pstree\.img, entry 0/);
  fs.writeFileSync(path.join(json, 'pstree.img.json'), '{"magic": "PSTREE", "entries": [{"pid": "x"}]}');
  await refused(
    t,
    directory,
    back(json, out),
    'JSON_MALFORMED',
    /^pstree\.img\.json, offset 40, field \.entries\[0\]\.pid/,
  );
});

test('a run that is aborted leaves nothing behind', async (t) => {
  const { directory, source, out } = checkpoint(t);
  const json = path.join(directory, 'json');
  await there(source, json);
  const before = snapshot(directory);
  for (const run of [decode, encode]) {
    const controller = new AbortController();
    let members = 0;
    const onProgress = () => {
      members += 1;
      if (members === 5) controller.abort();
    };
    const from = await openImages(run === decode ? source : json);
    await t.throwsAsync(run(from, { out, signal: controller.signal, onProgress }), { any: true, name: 'AbortError' });
    t.deepEqual(snapshot(directory), before);
  }
});

test('what would become one file or be taken for another is refused', async (t) => {
  const { directory, source, out } = checkpoint(t);
  const json = path.join(directory, 'json');
  await there(source, json);
  fs.copyFileSync(path.join(json, 'files.img.json'), path.join(source, 'files.img.json'));
  await refused(
    t,
    directory,
    there(source, out),
    'SOURCE_UNUSABLE',
    /files\.img\.json has a name|files\.img\.json: has a name/,
  );
  fs.copyFileSync(path.join(source, 'files.img'), path.join(json, 'files.img'));
  await refused(t, directory, back(json, out), 'SOURCE_UNUSABLE', /would become files\.img|is that already/);
});

test('a directory with nothing to convert is refused', async (t) => {
  const { directory, source, out } = checkpoint(t);
  const empty = path.join(directory, 'empty');
  fs.mkdirSync(empty);
  await refused(t, directory, there(empty, out), 'SOURCE_UNUSABLE', /nothing to convert/);
  await refused(t, directory, back(empty, out), 'SOURCE_UNUSABLE', /nothing to convert/);
  await refused(t, directory, back(source, out), 'SOURCE_UNUSABLE', /holds images, and encode takes the JSON of them/);
});

test('a directory in its own source is refused', async (t) => {
  const { directory, source } = checkpoint(t);
  await refused(t, directory, there(source, path.join(source, 'json')), 'OUT_UNUSABLE', /inside/);
});
