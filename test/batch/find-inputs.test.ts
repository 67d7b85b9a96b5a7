import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { findInputs } from '../../src/batch/find-inputs';
import { Root } from '../../src/batch/root';
import { below, putCheckpoint } from '../support/batch';
import { temporaryFolder } from '../support/folders';

/** Image folders a, b and sub/c, archives of a, and what is neither. */
function arrange(t: ExecutionContext): string {
  const folder = fs.realpathSync(temporaryFolder(t));
  for (const name of ['a', 'b', 'sub/c', '.hidden']) putCheckpoint(path.join(folder, 'ck', name));
  // A previous dump in the folder of the next one, and a folder of somebody else's.
  putCheckpoint(path.join(folder, 'ck/b/previous'));
  fs.mkdirSync(path.join(folder, 'ck/empty'));
  fs.writeFileSync(path.join(folder, 'ck/notes.txt'), 'no archive');
  fs.writeFileSync(path.join(folder, 'ck/zeros'), Buffer.alloc(1024));
  fs.writeFileSync(path.join(folder, 'ck/log.1.gz'), gzipSync(Buffer.alloc(100_000, 'said\n')));
  fs.writeFileSync(path.join(folder, 'ck/log.2.gz'), gzipSync('said\n'));
  const tar = (options: string, name: string) =>
    execFileSync('tar', [options, path.join(folder, 'ck', name), '-C', path.join(folder, 'ck'), 'a']);
  tar('-czf', 'd.tar.gz');
  tar('-cf', 'sub/plain');
  fs.symlinkSync('a', path.join(folder, 'ck/link'));
  fs.symlinkSync('/', path.join(folder, 'ck/sub/up'));
  return folder;
}

const options = (folder: string) => ({ base: folder, root: new Root(path.join(folder, 'out')), signal: undefined });

async function names(folder: string, ...patterns: string[]): Promise<string[]> {
  const found = await findInputs(
    patterns.map((pattern) => below(folder, pattern)),
    options(folder),
  );
  return found.map(({ name, problem }) => (problem === undefined ? name : `${name}: ${problem.code}`));
}

test('patterns find image folders and archives, and neither what is in them nor what is none', async (t) => {
  const folder = arrange(t);
  const all = ['ck/a', 'ck/b', 'ck/d.tar.gz', 'ck/sub/c', 'ck/sub/plain'];
  t.deepEqual(await names(folder, '**'), all);
  t.deepEqual(await names(folder, 'ck/**'), all);
  t.deepEqual(await names(folder, 'ck/*'), ['ck/a', 'ck/b', 'ck/d.tar.gz']);
  t.deepEqual(await names(folder, 'ck/*/'), ['ck/a', 'ck/b']);
  t.deepEqual(await names(folder, 'ck/*.tar.gz'), ['ck/d.tar.gz']);
  t.deepEqual(await names(folder, 'ck/{a,sub/*}'), ['ck/a', 'ck/sub/c', 'ck/sub/plain']);
  t.deepEqual(await names(folder, 'ck/**/inventory.img'), ['ck/a', 'ck/b', 'ck/sub/c']);
  t.deepEqual(await names(folder, 'ck/.h*'), ['ck/.hidden']);
  t.deepEqual(await names(folder, 'ck/**', '!ck/sub/**', '!**/*.gz'), ['ck/a', 'ck/b']);
  t.deepEqual(await names(folder, 'ck/[a]', 'ck/a', 'ck/a/inventory.img'), ['ck/a'], 'one path is one input');
});

test('a word that is a path of something is that', async (t) => {
  const folder = arrange(t);
  putCheckpoint(path.join(folder, 'ck/x[1]*'));
  t.deepEqual(await names(folder, 'ck/x[1]*'), ['ck/x[1]*']);
  t.deepEqual(await names(folder, 'ck/link'), ['ck/link'], 'who names a link means it');
  t.deepEqual(await names(folder, 'ck/b/previous'), ['ck/b/previous']);
  t.deepEqual(await names(folder, 'ck/notes.txt', 'ck/empty', 'ck/a', 'ck/gone'), [
    'ck/a',
    'ck/empty: SOURCE_UNUSABLE',
    'ck/gone: SOURCE_UNUSABLE',
    'ck/notes.txt: SOURCE_UNUSABLE',
  ]);
});

test('what begins with ! takes away words, and what absolute and relative patterns find', async (t) => {
  const folder = arrange(t);
  const here = path.relative(process.cwd(), folder);
  const warnings: string[] = [];
  const onWarning = ({ message }: { message: string }) => warnings.push(message);
  const find = async (...words: string[]) =>
    (await findInputs(words, { ...options(folder), onWarning })).map(({ name }) => name);
  const full = path.join(folder, 'ck');
  const near = path.join(here, 'ck');
  t.deepEqual(await find(`${full}/a`, `${full}/b`, `!${full}/a`), ['ck/b']);
  t.deepEqual(await find(`${full}/a`, `${full}/b`, `!${near}/a`), ['ck/b']);
  t.deepEqual(await find(`${near}/a`, `${near}/sub/c`, `!${full}/sub`), ['ck/a'], 'a folder around it');
  t.deepEqual(await find(`${near}/**`, `!${full}/{b,sub/**}`), ['ck/a', 'ck/d.tar.gz']);
  t.deepEqual(await find(`${full}/**`, `!${near}/s*/`, '!**/*.gz'), ['ck/a', 'ck/b']);
  t.deepEqual(await find(`${full}/a`, `${full}/b`, '!**/a'), ['ck/b']);
  t.deepEqual(await find(`${full}/gone`, `${full}/b`, '!**/gone'), ['ck/b']);
  t.deepEqual(warnings, []);
  t.deepEqual(await find(`${full}/a`, '!ck/b'), ['ck/a']);
  t.deepEqual(warnings, ["'!ck/b' takes nothing away: patterns are relative to the current folder"]);
  await t.throwsAsync(find(`${full}/a`, '!**/a'), { code: 'USAGE', message: /take away all/ });
  // A pattern of its own.
  await t.throwsAsync(find('!(x)/none'), { message: /matches no checkpoint/ });
});

test('what an earlier batch made is passed over, but where a pattern begins in there', async (t) => {
  const folder = arrange(t);
  putCheckpoint(path.join(folder, 'made/ck/a'));
  fs.mkdirSync(path.join(folder, 'made/.fdgraft-batch'));
  t.false((await names(folder, '**')).some((name) => name.startsWith('made')));
  t.deepEqual(await names(folder, 'made/**'), ['made/ck/a']);
  t.deepEqual(await names(folder, 'made/ck/*'), ['made/ck/a']);
});

test('a pattern that finds nothing is an error, with what it may have meant', async (t) => {
  const folder = arrange(t);
  for (const pattern of ['ck/n*', 'ck/gone/*', 'ck/empty/**', 'ck/a/files.i*']) {
    await t.throwsAsync(names(folder, 'ck/a', pattern), { code: 'SOURCE_UNUSABLE', message: /matches no checkpoint/ });
  }
  const error = await t.throwsAsync<Error & { hint?: string }>(names(folder, 'ck/lin*'));
  t.regex(error?.hint ?? '', /do not follow links/);
  await t.throwsAsync(names(folder, '!ck/a'), { code: 'USAGE' });
});

test('what cannot lie below ROOT is refused', async (t) => {
  const folder = arrange(t);
  const find = (word: string, more: object) => findInputs([below(folder, word)], { ...options(folder), ...more });
  const refused = { code: 'USAGE' };
  await t.throwsAsync(find('ck/a', { base: path.join(folder, 'ck/sub') }), {
    ...refused,
    message: /outside of the base/,
  });
  await t.throwsAsync(find('ck/a', { base: path.join(folder, 'ck/a') }), { ...refused, message: /is the base itself/ });
  const inside = { root: new Root(path.join(folder, 'ck/a/out')) };
  await t.throwsAsync(find('ck/*', inside), { ...refused, message: /lies inside the checkpoint/ });
  putCheckpoint(path.join(folder, 'out/ck/a'));
  await t.throwsAsync(find('out/ck/a', options(folder)), { ...refused, message: /where the outputs go/ });
  // What a pattern would find in there is what the batch made.
  t.false((await names(folder, '**')).some((name) => name.startsWith('out')));
  fs.symlinkSync('.', path.join(folder, 'detour'));
  t.false((await names(folder, 'detour/*/**')).some((name) => name.startsWith('detour/out')));
  await t.throwsAsync(find('detour/out/ck/a', options(folder)), refused);
  // An absolute path without a base.
  const [found] = await findInputs([path.join(folder, 'ck/a')], { ...options(folder), base: undefined });
  t.is(found?.name, path.join(folder, 'ck/a').slice(1));
});

test('names that are not UTF-8 are told, where they are checkpoints', async (t) => {
  const folder = arrange(t);
  const place = (name: string) => Buffer.from(path.join(folder, name), 'latin1');
  fs.renameSync(path.join(folder, 'ck/b'), place('ck/b\xff'));
  putCheckpoint(path.join(folder, 'ck/e'));
  fs.renameSync(path.join(folder, 'ck/e'), place('ck/b\xfe'));
  fs.writeFileSync(place('ck/notes\xff'), 'no archive');
  const found = await findInputs([path.join(folder, 'ck/*')], options(folder));
  const problems = found.flatMap(({ problem }) => (problem === undefined ? [] : [problem.message]));
  t.is(problems.length, 2, 'they look alike in Node.js');
  t.regex(problems[0] ?? '', /ck\/b\\xfe: has a name that is not UTF-8/);
  t.regex(problems[1] ?? '', /ck\/b\\xff: has a name that is not UTF-8/);
  t.is((await findInputs([path.join(folder, '**')], options(folder))).filter(({ problem }) => problem).length, 2);
  t.deepEqual(
    found.filter(({ problem }) => problem === undefined).map(({ name }) => name),
    ['ck/a', 'ck/d.tar.gz'],
  );
});

test('a folder that cannot be looked into is told, and the rest is found', async (t) => {
  if (process.geteuid?.() === 0) return t.pass('root looks into all');
  const folder = arrange(t);
  fs.chmodSync(path.join(folder, 'ck/sub'), 0);
  t.deepEqual(await names(folder, 'ck/**'), ['ck/a', 'ck/b', 'ck/d.tar.gz', 'ck/sub: SOURCE_UNUSABLE']);
  fs.chmodSync(path.join(folder, 'ck/sub'), 0o700);
});
