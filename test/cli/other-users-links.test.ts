import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import type { ExecutionContext } from 'ava';
import { file, O } from '../native/support';
import { putCheckpoint, SPEC } from '../support/batch';
import { runCommand } from '../support/command';
import { snapshot, temporaryDirectory } from '../support/directories';
import { build, exec } from '../support/native';
import { OTHER, twoUsersTest } from '../support/other-user';

/** Root names places in a directory of somebody else, who has put links there. */

function arrange(t: ExecutionContext) {
  const top = fs.realpathSync(temporaryDirectory(t));
  fs.chmodSync(top, 0o755);
  const [theirs, canary, checkpoint] = ['theirs', 'canary', 'ck'].map((name) => path.join(top, name)) as [
    string,
    string,
    string,
  ];
  fs.mkdirSync(theirs);
  fs.chownSync(theirs, OTHER, OTHER);
  fs.mkdirSync(canary, { mode: 0o700 });
  fs.writeFileSync(path.join(canary, 'secret'), 'secret', { mode: 0o600 });
  putCheckpoint(checkpoint);
  const link = (name: string, target: string) => {
    fs.symlinkSync(target, path.join(theirs, name));
    fs.lchownSync(path.join(theirs, name), OTHER, OTHER);
    return path.join(theirs, name);
  };
  return { top, theirs, canary, checkpoint, link };
}

twoUsersTest('a link of somebody else does not choose the file that is written', async (t) => {
  const { top, canary, checkpoint, link } = arrange(t);
  const file = link('file', path.join(canary, 'secret'));
  const directory = link('directory', canary);
  const missing = link('missing', path.join(canary, 'new'));
  const rewritten = path.join(top, 'out');
  const inPlace = link('in-place', checkpoint);
  fs.chownSync(file, 0, 0);
  fs.lchownSync(file, OTHER, OTHER);
  const [before, images] = [snapshot(canary), snapshot(checkpoint)];
  const changed = () => fs.statSync(canary).mtimeMs;
  const asItWas = changed();
  const spec = ['--inherit-fd', SPEC];
  const lines: readonly string[][] = [
    ['diff', checkpoint, checkpoint, '-o', file],
    ['diff', checkpoint, checkpoint, '-o', path.join(directory, 'secret')],
    ['diff', checkpoint, checkpoint, '-o', path.join(directory, 'new')],
    ['decode', '-i', path.join(checkpoint, 'files.img'), '-o', file],
    ['decode', checkpoint, '-o', path.join(directory, 'json')],
    ['rewrite', checkpoint, '-o', path.join(directory, 'out'), ...spec],
    ['rewrite', checkpoint, '-o', path.join(directory, 'out.tar'), '--to', 'tar', ...spec],
    ['rewrite', checkpoint, '-o', rewritten, ...spec, '--save-plan', file],
    ['rewrite', inPlace, '--in-place', ...spec],
    ['batch', 'ls', checkpoint, '--base', top, '--out', directory],
    ['batch', 'ls', checkpoint, '--base', top, '--out', path.join(directory, 'lists')],
  ];
  for (const words of lines) {
    const { code, stderr } = await runCommand(words);
    t.is(code, 2, `${words.join(' ')}: ${stderr}`);
    t.regex(stderr, /leads through .*, a symbolic link to .*belongs to somebody else/, words.join(' '));
    t.regex(stderr, /name the place without that link/, words.join(' '));
    t.false(fs.existsSync(rewritten), words.join(' '));
    t.is(changed(), asItWas, words.join(' '));
  }
  t.deepEqual(snapshot(canary), before);
  t.deepEqual(snapshot(checkpoint), images);
  // A link that leads to nothing is a name, and is replaced.
  t.is((await runCommand(['diff', checkpoint, checkpoint, '-o', missing])).code, 0);
  t.true(fs.lstatSync(missing).isFile());
  t.deepEqual(snapshot(canary), before);
});

twoUsersTest('a link of ours, or to what its owner has, is followed', async (t) => {
  const { theirs, canary, checkpoint, link } = arrange(t);
  fs.mkdirSync(path.join(theirs, 'real'));
  fs.chownSync(path.join(theirs, 'real'), OTHER, OTHER);
  const own = link('own', path.join(theirs, 'real'));
  const ours = link('ours', canary);
  fs.lchownSync(ours, 0, 0);
  for (const place of [own, ours, path.join(own, '../real/.'), path.join(own, '..', 'ours')]) {
    const { code, stderr } = await runCommand([
      'rewrite',
      checkpoint,
      '-o',
      path.join(place, 'out'),
      '--inherit-fd',
      SPEC,
    ]);
    t.is(code, 0, stderr);
    fs.rmSync(path.join(place, 'out'), { recursive: true });
  }
});

/** Someone waits in open(2) to write to a FIFO until anybody opens it; resolves to whether that happened in `work`. */
async function isOpened(fifo: string, work: () => Promise<void>): Promise<boolean> {
  const writer = spawn('sh', ['-c', 'exec 3>"$0"; echo kept >&3', fifo], { stdio: 'ignore' });
  const ended = new Promise((resolve) => writer.once('close', resolve));
  try {
    await work();
    // It has not written if it was woken by somebody who has gone: then its echo got SIGPIPE, and nobody writes here.
    const reader = spawn('timeout', ['5', 'cat', fifo], { stdio: ['ignore', 'pipe', 'ignore'] });
    return (await text(reader.stdout)) !== 'kept\n';
  } finally {
    writer.kill();
    await ended;
  }
}

twoUsersTest('what a link in the place of an image leads to is opened only if it is a regular file', async (t) => {
  const { top, checkpoint } = arrange(t);
  build();
  const out = path.join(top, 'out');
  t.is((await runCommand(['rewrite', checkpoint, '-o', out, '--inherit-fd', SPEC])).code, 0);
  const fifo = path.join(top, 'fifo');
  const put = (directory: string, name: string) => {
    const kept = fs.readFileSync(path.join(directory, name));
    fs.rmSync(path.join(directory, name));
    fs.symlinkSync(fifo, path.join(directory, name));
    return () => {
      fs.rmSync(path.join(directory, name));
      fs.writeFileSync(path.join(directory, name), kept);
    };
  };
  const check = async (what: string, work: () => Promise<{ code: number | null; stderr: string }>, code?: number) => {
    fs.rmSync(fifo, { force: true });
    await runMkfifo(fifo);
    const opened = await isOpened(fifo, async () => {
      const result = await work();
      t.is(result.code, code ?? result.code, `${what}: ${result.stderr}`);
      if ((code ?? 0) > 1) t.regex(result.stderr, /not a regular file|symbolic link/, what);
    });
    t.false(opened, `${what} opened the FIFO`);
  };
  const commands = [
    ['ls', checkpoint],
    ['x', checkpoint, 'fds'],
    ['rewrite', checkpoint, '-o', path.join(top, 'new'), '--inherit-fd', SPEC],
  ];
  const copied = ['decode', checkpoint, '-o', path.join(top, 'json')];
  for (const [name, ofDiff] of [
    ['files.img', 1],
    ['fdinfo-2.img', 2],
  ] as const) {
    const back = put(checkpoint, name);
    for (const words of commands) await check(`${words[0]} with ${name}`, () => runCommand(words), 2);
    t.false(fs.existsSync(path.join(top, 'new')));
    await check(`diff with ${name}`, () => runCommand(['diff', checkpoint, out]), ofDiff);
    // The link comes along as a link.
    await check(`decode with ${name}`, () => runCommand(copied), 0);
    fs.rmSync(path.join(top, 'json'), { recursive: true });
    back();
  }
  for (const name of ['inherit-plan.img', 'pstree.img', 'files.img']) {
    const back = put(out, name);
    for (const plan of [out, path.join(out, 'inherit-plan.img')])
      for (const words of [['--check'], ['--', 'true']])
        await check(
          `fdgraft-exec ${plan} ${words.join(' ')} with ${name}`,
          () => exec(['--plan', plan, ...words], { give: [file(5, O.WRONLY, '/dev/null')] }),
          // --check looks at fewer images.
          words.length === 2 || name === 'inherit-plan.img' ? 100 : undefined,
        );
    back();
  }
});

function runMkfifo(fifo: string): Promise<void> {
  return new Promise((resolve, reject) => {
    spawn('mkfifo', [fifo])
      .once('error', reject)
      .once('close', () => resolve());
  });
}
