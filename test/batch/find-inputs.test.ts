import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { findInputs } from '../../src/batch/find-inputs';
import { Root } from '../../src/batch/root';
import { below, putCheckpoint } from '../support/batch';
import { temporaryDirectory } from '../support/directories';

/** Image directories a, b and sub/c, archives of a, and what is neither. */
function arrange(t: ExecutionContext): string {
  const directory = fs.realpathSync(temporaryDirectory(t));
  for (const name of ['a', 'b', 'sub/c', '.hidden']) putCheckpoint(path.join(directory, 'ck', name));
  // A previous dump in the directory of the next one, and a directory of somebody else's.
  putCheckpoint(path.join(directory, 'ck/b/previous'));
  fs.mkdirSync(path.join(directory, 'ck/empty'));
  fs.writeFileSync(path.join(directory, 'ck/notes.txt'), 'no archive');
  fs.writeFileSync(path.join(directory, 'ck/zeros'), Buffer.alloc(1024));
  fs.writeFileSync(path.join(directory, 'ck/log.1.gz'), gzipSync(Buffer.alloc(100_000, 'said\n')));
  fs.writeFileSync(path.join(directory, 'ck/log.2.gz'), gzipSync('said\n'));
  const tar = (options: string, name: string) =>
    execFileSync('tar', [options, path.join(directory, 'ck', name), '-C', path.join(directory, 'ck'), 'a']);
  tar('-czf', 'd.tar.gz');
  tar('-cf', 'sub/plain');
  fs.symlinkSync('a', path.join(directory, 'ck/link'));
  fs.symlinkSync('/', path.join(directory, 'ck/sub/up'));
  return directory;
}

const options = (directory: string) => ({
  base: directory,
  root: new Root(path.join(directory, 'out')),
  signal: undefined,
});

async function names(directory: string, ...patterns: string[]): Promise<string[]> {
  const found = await findInputs(
    patterns.map((pattern) => below(directory, pattern)),
    options(directory),
  );
  return found.map(({ name, problem }) => (problem === undefined ? name : `${name}: ${problem.code}`));
}

test('patterns find image directories and archives, and neither what is in them nor what is none', async (t) => {
  const directory = arrange(t);
  const all = ['ck/a', 'ck/b', 'ck/d.tar.gz', 'ck/sub/c', 'ck/sub/plain'];
  t.deepEqual(await names(directory, '**'), all);
  t.deepEqual(await names(directory, 'ck/**'), all);
  t.deepEqual(await names(directory, 'ck/*'), ['ck/a', 'ck/b', 'ck/d.tar.gz']);
  t.deepEqual(await names(directory, 'ck/*/'), ['ck/a', 'ck/b']);
  t.deepEqual(await names(directory, 'ck/*.tar.gz'), ['ck/d.tar.gz']);
  t.deepEqual(await names(directory, 'ck/{a,sub/*}'), ['ck/a', 'ck/sub/c', 'ck/sub/plain']);
  t.deepEqual(await names(directory, 'ck/**/inventory.img'), ['ck/a', 'ck/b', 'ck/sub/c']);
  t.deepEqual(await names(directory, 'ck/.h*'), ['ck/.hidden']);
  t.deepEqual(await names(directory, 'ck/**', '!ck/sub/**', '!**/*.gz'), ['ck/a', 'ck/b']);
  t.deepEqual(await names(directory, 'ck/[a]', 'ck/a', 'ck/a/inventory.img'), ['ck/a'], 'one path is one input');
});

test('a word that is a path of something is that', async (t) => {
  const directory = arrange(t);
  putCheckpoint(path.join(directory, 'ck/x[1]*'));
  t.deepEqual(await names(directory, 'ck/x[1]*'), ['ck/x[1]*']);
  t.deepEqual(await names(directory, 'ck/link'), ['ck/link'], 'who names a link means it');
  t.deepEqual(await names(directory, 'ck/b/previous'), ['ck/b/previous']);
  t.deepEqual(await names(directory, 'ck/notes.txt', 'ck/empty', 'ck/a', 'ck/gone'), [
    'ck/a',
    'ck/empty: SOURCE_UNUSABLE',
    'ck/gone: SOURCE_UNUSABLE',
    'ck/notes.txt: SOURCE_UNUSABLE',
  ]);
});

test('what begins with ! takes away words, and what absolute and relative patterns find', async (t) => {
  const directory = arrange(t);
  const here = path.relative(process.cwd(), directory);
  const warnings: string[] = [];
  const onWarning = ({ message }: { message: string }) => warnings.push(message);
  const find = async (...words: string[]) =>
    (await findInputs(words, { ...options(directory), onWarning })).map(({ name }) => name);
  const full = path.join(directory, 'ck');
  const near = path.join(here, 'ck');
  t.deepEqual(await find(`${full}/a`, `${full}/b`, `!${full}/a`), ['ck/b']);
  t.deepEqual(await find(`${full}/a`, `${full}/b`, `!${near}/a`), ['ck/b']);
  t.deepEqual(await find(`${near}/a`, `${near}/sub/c`, `!${full}/sub`), ['ck/a'], 'a directory around it');
  t.deepEqual(await find(`${near}/**`, `!${full}/{b,sub/**}`), ['ck/a', 'ck/d.tar.gz']);
  t.deepEqual(await find(`${full}/**`, `!${near}/s*/`, '!**/*.gz'), ['ck/a', 'ck/b']);
  t.deepEqual(await find(`${full}/a`, `${full}/b`, '!**/a'), ['ck/b']);
  t.deepEqual(await find(`${full}/gone`, `${full}/b`, '!**/gone'), ['ck/b']);
  t.deepEqual(warnings, []);
  t.deepEqual(await find(`${full}/a`, '!ck/b'), ['ck/a']);
  t.deepEqual(warnings, ["'!ck/b' takes nothing away: patterns are relative to the current directory"]);
  await t.throwsAsync(find(`${full}/a`, '!**/a'), { code: 'USAGE', message: /take away all/ });
  // A pattern of its own.
  await t.throwsAsync(find('!(x)/none'), { message: /matches no checkpoint/ });
});

test('what an earlier batch made is passed over, but where a pattern begins in there', async (t) => {
  const directory = arrange(t);
  putCheckpoint(path.join(directory, 'made/ck/a'));
  fs.mkdirSync(path.join(directory, 'made/.fdgraft-batch'));
  t.false((await names(directory, '**')).some((name) => name.startsWith('made')));
  t.deepEqual(await names(directory, 'made/**'), ['made/ck/a']);
  t.deepEqual(await names(directory, 'made/ck/*'), ['made/ck/a']);
});

test('a pattern that finds nothing is an error, with what it may have meant', async (t) => {
  const directory = arrange(t);
  for (const pattern of ['ck/n*', 'ck/gone/*', 'ck/empty/**', 'ck/a/files.i*']) {
    await t.throwsAsync(names(directory, 'ck/a', pattern), {
      code: 'SOURCE_UNUSABLE',
      message: /matches no checkpoint/,
    });
  }
  const error = await t.throwsAsync<Error & { hint?: string }>(names(directory, 'ck/lin*'));
  t.regex(error?.hint ?? '', /do not follow links/);
  await t.throwsAsync(names(directory, '!ck/a'), { code: 'USAGE' });
});

test('what cannot lie below ROOT is refused', async (t) => {
  const directory = arrange(t);
  const find = (word: string, more: object) => findInputs([below(directory, word)], { ...options(directory), ...more });
  const refused = { code: 'USAGE' };
  await t.throwsAsync(find('ck/a', { base: path.join(directory, 'ck/sub') }), {
    ...refused,
    message: /outside of the base/,
  });
  await t.throwsAsync(find('ck/a', { base: path.join(directory, 'ck/a') }), {
    ...refused,
    message: /is the base itself/,
  });
  const inside = { root: new Root(path.join(directory, 'ck/a/out')) };
  await t.throwsAsync(find('ck/*', inside), { ...refused, message: /lies inside the checkpoint/ });
  putCheckpoint(path.join(directory, 'out/ck/a'));
  await t.throwsAsync(find('out/ck/a', options(directory)), { ...refused, message: /where the outputs go/ });
  // What a pattern would find in there is what the batch made.
  t.false((await names(directory, '**')).some((name) => name.startsWith('out')));
  fs.symlinkSync('.', path.join(directory, 'detour'));
  t.false((await names(directory, 'detour/*/**')).some((name) => name.startsWith('detour/out')));
  await t.throwsAsync(find('detour/out/ck/a', options(directory)), refused);
  // An absolute path without a base.
  const [found] = await findInputs([path.join(directory, 'ck/a')], { ...options(directory), base: undefined });
  t.is(found?.name, path.join(directory, 'ck/a').slice(1));
});

test('names that are not UTF-8 are told, where they are checkpoints', async (t) => {
  const directory = arrange(t);
  const place = (name: string) => Buffer.from(path.join(directory, name), 'latin1');
  fs.renameSync(path.join(directory, 'ck/b'), place('ck/b\xff'));
  putCheckpoint(path.join(directory, 'ck/e'));
  fs.renameSync(path.join(directory, 'ck/e'), place('ck/b\xfe'));
  fs.writeFileSync(place('ck/notes\xff'), 'no archive');
  const found = await findInputs([path.join(directory, 'ck/*')], options(directory));
  const problems = found.flatMap(({ problem }) => (problem === undefined ? [] : [problem.message]));
  t.is(problems.length, 2, 'they look alike in Node.js');
  t.regex(problems[0] ?? '', /ck\/b\\xfe: has a name that is not UTF-8/);
  t.regex(problems[1] ?? '', /ck\/b\\xff: has a name that is not UTF-8/);
  t.is((await findInputs([path.join(directory, '**')], options(directory))).filter(({ problem }) => problem).length, 2);
  t.deepEqual(
    found.filter(({ problem }) => problem === undefined).map(({ name }) => name),
    ['ck/a', 'ck/d.tar.gz'],
  );
});

test('a directory that cannot be looked into is told, and the rest is found', async (t) => {
  if (process.geteuid?.() === 0) return t.pass('root looks into all');
  const directory = arrange(t);
  fs.chmodSync(path.join(directory, 'ck/sub'), 0);
  t.deepEqual(await names(directory, 'ck/**'), ['ck/a', 'ck/b', 'ck/d.tar.gz', 'ck/sub: SOURCE_UNUSABLE']);
  fs.chmodSync(path.join(directory, 'ck/sub'), 0o700);
});

test('names with line breaks, which regular expressions take for no character', async (t) => {
  const directory = fs.realpathSync(temporaryDirectory(t));
  // The last ones have no line break, and halves and characters that stand for one on the way.
  const breaks = [
    '\n',
    '\r',
    '\u2028',
    '\u2029',
    '\n\r\n',
    '\u{10400}\ufdd3\n',
    '\u{10400}',
    '\ufdd0',
    '\ufdd1\u{10403}',
  ];
  const all = breaks.flatMap((one) => [`ck/a${one}b`, `ck/${one}/c`, `ck/${one}/d${one}/e`]).sort();
  for (const name of all) putCheckpoint(path.join(directory, name));
  for (const pattern of ['**', 'ck/**', 'ck/**/*']) t.deepEqual(await names(directory, pattern), all);
  t.deepEqual(
    await names(directory, 'ck/*b'),
    all.filter((name) => name.endsWith('b')),
  );
  for (const one of breaks) {
    const own = [`ck/a${one}b`, `ck/${one}/c`, `ck/${one}/d${one}/e`];
    const taken = await names(directory, `ck/a${one}[b]`, `ck/${one}/*`, `ck/${one}/d${one}/**`);
    t.deepEqual(taken, own.sort());
    t.deepEqual(
      await names(directory, '**', `!ck/${one}/**`, `!ck/a${one}*`),
      all.filter((name) => !own.includes(name) && !name.startsWith(`ck/a${one}`)),
    );
    t.deepEqual(
      await names(directory, '**', '!**/c', `!**/d${one}/**`),
      all.filter((name) => !name.endsWith('/c') && name !== `ck/${one}/d${one}/e`),
    );
  }
});
