import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { batch, decode, openSource, rewrite } from '../../src';
import { outputsIn, putCheckpoint, rewriteAll, runBatch, SPEC, STATE } from '../support/batch';
import { smallCheckpoint, snapshot, temporaryDirectory } from '../support/directories';

function arrange(t: ExecutionContext, names: readonly string[] = ['a', 'b', 'sub/c']): string {
  const directory = fs.realpathSync(temporaryDirectory(t));
  for (const name of names) putCheckpoint(path.join(directory, 'ck', name));
  return directory;
}

const inOut = (directory: string, name: string) => path.join(directory, 'out', name);

function withoutWorkDirectories(t: ExecutionContext, root: string): void {
  const all = fs.readdirSync(root, { recursive: true, encoding: 'utf8' });
  t.deepEqual(
    all.filter((name) => /\.fdgraft-\d|\.aside|\.old/.test(name)),
    [],
  );
}

test('each output is what the single command makes, at its path below ROOT', async (t) => {
  const directory = arrange(t);
  const before = snapshot(directory);
  const { summary, told } = await rewriteAll(directory, ['ck/**']);
  t.deepEqual(told, { 'ck/a': 'done', 'ck/b': 'done', 'ck/sub/c': 'done' });
  t.like(summary, { total: 3, done: 3, earlier: 0, no: 0, failed: 0, left: 0, shard: { index: 0, count: 1 } });
  const single = path.join(directory, 'single');
  await rewrite(await openSource(path.join(directory, 'ck/a')), { specs: [SPEC], out: single });
  for (const name of ['ck/a', 'ck/b', 'ck/sub/c'])
    t.deepEqual(snapshot(inOut(directory, name)), snapshot(single), name);
  for (const [name, value] of Object.entries(before)) t.is(snapshot(directory)[name], value, name);
  withoutWorkDirectories(t, inOut(directory, ''));
});

test('what is finished is known by what it holds, and a changed input, option or output is made again', async (t) => {
  const directory = arrange(t);
  await rewriteAll(directory, ['ck/**']);
  const made = snapshot(inOut(directory, 'ck'));
  const inode = () => fs.statSync(inOut(directory, 'ck/b')).ino;
  const first = inode();
  const all = (word: string) => ({ 'ck/a': word, 'ck/b': word, 'ck/sub/c': word });
  t.deepEqual((await rewriteAll(directory, ['ck/**'])).told, all('done EARLIER'));
  t.is(inode(), first, 'it was not touched');
  // A restore writes logs into OUT, and into the source where that is its directory; times alone say nothing.
  for (const place of ['ck/a', 'out/ck/a']) fs.writeFileSync(path.join(directory, place, 'restore.log'), 'restored');
  fs.utimesSync(path.join(directory, 'ck/a/files.img'), 1, 1);
  fs.utimesSync(inOut(directory, 'ck/a/files.img'), 1, 1);
  t.deepEqual((await rewriteAll(directory, ['ck/**'])).told, all('done EARLIER'));
  fs.rmSync(path.join(directory, 'ck/a/restore.log'));

  // The same size, another byte.
  const image = fs.readFileSync(inOut(directory, 'ck/a/files.img'));
  image.writeUInt8(image.readUInt8(20) ^ 1, 20);
  fs.writeFileSync(inOut(directory, 'ck/a/files.img'), image);
  fs.truncateSync(inOut(directory, 'ck/b/inventory.img'));
  fs.rmSync(inOut(directory, 'ck/sub/c/inherit-plan.img'));
  t.deepEqual((await rewriteAll(directory, ['ck/**'])).told, all('done OUTPUT_CHANGED'));
  t.deepEqual(snapshot(inOut(directory, 'ck')), made);

  const changed = smallCheckpoint();
  putCheckpoint(path.join(directory, 'ck/a'), { ...changed, 'fdinfo-1.img': changed['fdinfo-2.img'] as Buffer });
  fs.writeFileSync(path.join(directory, 'ck/b/pages-1.img'), 'other pages');
  t.deepEqual((await rewriteAll(directory, ['ck/**'])).told, {
    'ck/a': 'done INPUT_CHANGED',
    'ck/b': 'done INPUT_CHANGED',
    'ck/sub/c': 'done EARLIER',
  });
  t.is(fs.readFileSync(inOut(directory, 'ck/b/pages-1.img'), 'utf8'), 'other pages');

  const task = { what: 'rewrite', options: { specs: ['fd[6]:/var/log/app.log'], allowUnmatched: true } } as const;
  t.deepEqual((await rewriteAll(directory, ['ck/**'], { task })).told, all('done OPTIONS_CHANGED'));
  fs.rmSync(inOut(directory, 'ck/b'), { recursive: true });
  t.like((await rewriteAll(directory, ['ck/**'], { task })).told, { 'ck/a': 'done EARLIER', 'ck/b': 'done' });

  // What cannot be made takes nothing away, and neither does another command.
  const before = snapshot(inOut(directory, 'ck'));
  const missing = { what: 'rewrite', options: { specs: ['fd[6]:/none'] } } as const;
  t.deepEqual((await rewriteAll(directory, ['ck/**'], { task: missing })).told, all('no SPEC_UNMATCHED'));
  const other = { what: 'decode', options: {} } as const;
  t.deepEqual((await rewriteAll(directory, ['ck/**'], { task: other })).told, all('failed OUT_UNUSABLE'));
  t.deepEqual(snapshot(inOut(directory, 'ck')), before);
  t.deepEqual((await rewriteAll(directory, ['ck/**'], { task })).told, all('done EARLIER'));
  withoutWorkDirectories(t, inOut(directory, ''));
});

test('without a record, an output is compared with what the job makes, and never touched', async (t) => {
  const directory = arrange(t);
  fs.mkdirSync(inOut(directory, 'ck'), { recursive: true });
  await rewrite(await openSource(path.join(directory, 'ck/a')), { specs: [SPEC], out: inOut(directory, 'ck/a') });
  fs.mkdirSync(inOut(directory, 'ck/b'));
  fs.writeFileSync(inOut(directory, 'ck/b/mine'), 'of somebody else');
  fs.mkdirSync(inOut(directory, 'ck/sub'));
  fs.symlinkSync('../../../ck/sub/c', inOut(directory, 'ck/sub/c'));
  const before = snapshot(directory);
  const { told } = await rewriteAll(directory, ['ck/**']);
  t.deepEqual(told, { 'ck/a': 'done EARLIER', 'ck/b': 'failed OUT_UNUSABLE', 'ck/sub/c': 'failed OUT_UNUSABLE' });
  t.like(snapshot(directory), before);
  withoutWorkDirectories(t, inOut(directory, ''));
  // A record that was being written when the run was killed is none.
  for (const name of fs.readdirSync(inOut(directory, STATE), { recursive: true, encoding: 'utf8' })) {
    if (name.endsWith('.json')) fs.truncateSync(path.join(inOut(directory, STATE), name), 30);
  }
  t.is((await rewriteAll(directory, ['ck/a'])).told['ck/a'], 'done EARLIER');
});

test('a failure is told and stops nothing; another run does what is left', async (t) => {
  const directory = arrange(t, ['a', 'b', 'c', 'd']);
  const whole = fs.readFileSync(path.join(directory, 'ck/b/files.img'));
  fs.writeFileSync(path.join(directory, 'ck/b/files.img'), whole.subarray(0, -1));
  fs.rmSync(path.join(directory, 'ck/c/fdinfo-1.img'));
  fs.rmSync(path.join(directory, 'ck/c/fdinfo-2.img'));
  const { told, summary } = await rewriteAll(directory, ['ck/*', 'ck/none']);
  t.deepEqual(told, {
    'ck/a': 'done',
    'ck/b': 'failed IMAGE_TRUNCATED',
    'ck/c': 'no SPEC_UNMATCHED',
    'ck/d': 'done',
    'ck/none': 'failed SOURCE_UNUSABLE',
  });
  t.like(summary, { total: 5, done: 2, no: 1, failed: 2 });
  t.deepEqual(fs.readdirSync(inOut(directory, 'ck')).sort(), ['a', 'd']);
  withoutWorkDirectories(t, inOut(directory, ''));
  fs.writeFileSync(path.join(directory, 'ck/b/files.img'), whole);
  t.like((await rewriteAll(directory, ['ck/{a,b,d}'])).told, { 'ck/a': 'done EARLIER', 'ck/b': 'done' });
});

test('failFast begins nothing more after a job that could not be done', async (t) => {
  const directory = arrange(t, ['a', 'b', 'c', 'd']);
  fs.writeFileSync(path.join(directory, 'ck/b/files.img'), 'no image');
  const { told, summary } = await rewriteAll(directory, ['ck/*'], { failFast: true });
  t.deepEqual(Object.keys(told), ['ck/a', 'ck/b']);
  t.like(summary, { total: 4, done: 1, failed: 1, left: 2 });
});

test('outputs that would be in the way of each other are refused before anything is made', async (t) => {
  const directory = arrange(t);
  putCheckpoint(path.join(directory, 'ck/a/inner'));
  const absolute = path.join(directory, 'ck/a');
  putCheckpoint(path.join(directory, 'base', absolute));
  const error = await t.throwsAsync<Error & { code: string }>(rewriteAll(directory, ['ck/a', 'ck/a/inner']));
  t.is(error?.code, 'USAGE');
  t.regex(error?.message ?? '', /ck\/a\/inner lies inside the checkpoint ck\/a/);
  t.false(fs.existsSync(inOut(directory, '')));
  putCheckpoint(path.join(directory, 'ck/a.ls.txt/q'));
  const lists = { task: { what: 'ls', options: {}, isJson: false } } as const;
  await t.throwsAsync(rewriteAll(directory, ['ck/a', 'ck/a.ls.txt/q'], lists), {
    code: 'USAGE',
    message: /needs a directory/,
  });
  t.false(fs.existsSync(inOut(directory, '')));
  // Lists are files beside each other.
  const { told } = await rewriteAll(directory, ['ck/a', 'ck/a/inner'], {
    task: { what: 'ls', options: {}, isJson: false },
  });
  t.deepEqual(told, { 'ck/a': 'done', 'ck/a/inner': 'done' });
});

test('a link below ROOT is not followed', async (t) => {
  const directory = arrange(t);
  const elsewhere = path.join(directory, 'elsewhere');
  fs.mkdirSync(elsewhere);
  fs.mkdirSync(inOut(directory, 'ck'), { recursive: true });
  fs.symlinkSync(elsewhere, inOut(directory, 'ck/sub'));
  const { told } = await rewriteAll(directory, ['ck/**']);
  t.deepEqual(told, { 'ck/a': 'done', 'ck/b': 'done', 'ck/sub/c': 'failed OUT_UNUSABLE' });
  t.deepEqual(fs.readdirSync(elsewhere), []);
  const other = path.join(directory, 'other');
  fs.mkdirSync(other);
  fs.symlinkSync(elsewhere, path.join(other, STATE));
  t.is((await rewriteAll(directory, ['ck/a'], { out: other })).told['ck/a'], 'failed OUT_UNUSABLE');
  t.deepEqual(fs.readdirSync(elsewhere), []);
});

test('shards that run at the same time make together what one run makes', async (t) => {
  const directory = arrange(
    t,
    Array.from({ length: 24 }, (_, i) => `${i % 3}/${i}`),
  );
  await rewriteAll(directory, ['ck/**'], { out: path.join(directory, 'whole') });
  const out = path.join(directory, 'parts');
  const shards = [0, 1, 2].map((index) => rewriteAll(directory, ['ck/**'], { out, shard: { index, count: 3 } }));
  // And one that has no part of its own does all of it as well.
  const runs = await Promise.all([...shards, rewriteAll(directory, ['ck/**'], { out })]);
  const counts = runs.map(({ summary }) => summary.total);
  t.is((counts[0] ?? 0) + (counts[1] ?? 0) + (counts[2] ?? 0), 24);
  for (const { summary } of runs) t.is(summary.done, summary.total);
  t.deepEqual(snapshot(out), snapshot(path.join(directory, 'whole')));
  const none = await rewriteAll(directory, ['ck/0/0'], { out, shard: { index: 7, count: 100 } });
  t.like(none.summary, { total: 0, done: 0 });
});

test('decode, ls and diff have outputs of their own, and are resumed too', async (t) => {
  const directory = arrange(t, ['a', 'b']);
  await rewriteAll(directory, ['ck/*']);
  const run = (root: string, task: Parameters<typeof runBatch>[0]['task']) =>
    rewriteAll(directory, ['ck/*'], { task, out: path.join(directory, root) });
  const twice = async (root: string, task: Parameters<typeof runBatch>[0]['task'], word: string) => {
    t.deepEqual((await run(root, task)).told, { 'ck/a': word, 'ck/b': word });
    const again = await run(root, task);
    t.deepEqual(again.told, { 'ck/a': `${word} EARLIER`, 'ck/b': `${word} EARLIER` });
    t.is(again.summary.no, word === 'no' ? 2 : 0);
    withoutWorkDirectories(t, path.join(directory, root));
    return outputsIn(path.join(directory, root)).filter((name) => name.split('/').length === 2);
  };
  t.deepEqual(await twice('json', { what: 'decode', options: {} }, 'done'), ['ck/a', 'ck/b']);
  const single = path.join(directory, 'single');
  await decode(await openSource(path.join(directory, 'ck/a')), { out: single });
  t.deepEqual(snapshot(path.join(directory, 'json/ck/a')), snapshot(single));

  t.deepEqual(await twice('lists', { what: 'ls', options: { external: true }, isJson: true }, 'done'), [
    'ck/a.ls.json',
    'ck/b.ls.json',
  ]);
  const list = JSON.parse(fs.readFileSync(path.join(directory, 'lists/ck/a.ls.json'), 'utf8'));
  t.is(list.entries[0].key, 'pipe:[4711]');
  fs.appendFileSync(path.join(directory, 'lists/ck/a.ls.json'), ' ');
  const external = { what: 'ls', options: { external: true }, isJson: true } as const;
  t.deepEqual((await run('lists', external)).told, { 'ck/a': 'done OUTPUT_CHANGED', 'ck/b': 'done EARLIER' });
  const missing = { what: 'ls', options: { specs: ['fd[5]:/nothing'] }, isJson: false } as const;
  t.deepEqual((await run('lists', missing)).told, { 'ck/a': 'no SPEC_UNMATCHED', 'ck/b': 'no SPEC_UNMATCHED' });
  t.is(fs.readFileSync(path.join(directory, 'lists/ck/a.ls.txt'), 'utf8'), '');

  const diff = { what: 'diff', against: path.join(directory, 'out'), format: 'markdown', payload: false } as const;
  t.deepEqual(await twice('diffs', diff, 'no'), ['ck/a.diff.md', 'ck/b.diff.md']);
  t.deepEqual(await twice('proof', { ...diff, plans: path.join(directory, 'out') }, 'done'), [
    'ck/a.diff.md',
    'ck/b.diff.md',
  ]);
  // The other side counts as input, and its absence is a failure.
  fs.rmSync(path.join(directory, 'out/ck/a'), { recursive: true });
  fs.rmSync(path.join(directory, 'out/ck/b'), { recursive: true });
  fs.cpSync(path.join(directory, 'ck/b'), path.join(directory, 'out/ck/b'), {
    recursive: true,
    preserveTimestamps: true,
  });
  t.deepEqual((await run('diffs', diff)).told, { 'ck/a': 'failed SOURCE_UNUSABLE', 'ck/b': 'done INPUT_CHANGED' });
});

test('specs mean in each checkpoint what is there', async (t) => {
  const directory = arrange(t, ['a', 'b']);
  fs.writeFileSync(path.join(directory, 'ck/a/descriptors.json'), '["/dev/null","pipe:[4711]","/dev/null"]');
  fs.writeFileSync(path.join(directory, 'ck/b/descriptors.json'), '["pipe:[4711]","/dev/null","/dev/null"]');
  const plans = async (options: object) => {
    const task = { what: 'rewrite', options: { specs: [], ...options } } as const;
    const { jobs } = await runBatch({ task, patterns: [path.join(directory, 'ck/*')], base: directory });
    type Shown = { placeholders: { caller_fd: number; was: { key: string } }[] };
    return jobs.map(({ name, plan }) => [
      name,
      ...(plan as unknown as Shown).placeholders.map(({ caller_fd, was }) => `${caller_fd} ${was.key}`),
    ]);
  };
  t.deepEqual(await plans({ fromDescriptors: true }), [
    ['ck/a', '1 pipe:[4711]'],
    ['ck/b', '0 pipe:[4711]'],
  ]);
  t.deepEqual(await plans({ specs: ['fd[7]:/proc/*/fd/3', 'fd[8]:/var/log/*'] }), [
    ['ck/a', '7 /var/log/app.log'],
    ['ck/b', '7 /var/log/app.log'],
  ]);
  t.false(fs.existsSync(inOut(directory, '')), 'nothing is written without ROOT');
  // What descriptors.json says counts as input.
  const task = { what: 'rewrite', options: { specs: [], fromDescriptors: true } } as const;
  await rewriteAll(directory, ['ck/*'], { task });
  fs.writeFileSync(path.join(directory, 'ck/b/descriptors.json'), '["/dev/null","pipe:[4711]","/dev/null"]');
  t.deepEqual((await rewriteAll(directory, ['ck/*'], { task })).told, {
    'ck/a': 'done EARLIER',
    'ck/b': 'done INPUT_CHANGED',
  });
});

test('a signal stops it, and its reason comes out', async (t) => {
  const directory = arrange(t, ['a', 'b', 'c']);
  const controller = new AbortController();
  const seen: string[] = [];
  const reason = new Error('enough');
  await t.throwsAsync(
    batch({
      task: { what: 'rewrite', options: { specs: [SPEC] } },
      patterns: [path.join(directory, 'ck/*')],
      base: directory,
      out: inOut(directory, ''),
      jobs: 1,
      signal: controller.signal,
      onJob: ({ name }) => {
        seen.push(name);
        controller.abort(reason);
      },
    }),
    { is: reason },
  );
  t.deepEqual(seen, ['ck/a']);
  t.deepEqual(fs.readdirSync(inOut(directory, 'ck')), ['a']);
});
