import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { file, O } from '../native/support';
import { putCheckpoint, SPEC } from '../support/batch';
import { command } from '../support/command';
import { atDepth } from '../support/depth';
import { snapshot, temporaryDirectory } from '../support/directories';
import { build, exec } from '../support/native';

/** What is no regular file, in each place where one is expected: every command ends, and says what is wrong. */

test.before(() => void build());

const isRoot = process.geteuid?.() === 0;

/** Puts something at a path; what it returns undoes what outlives the file. */
const KINDS: { readonly [kind: string]: (place: string) => Promise<() => void> | (() => void) } = {
  FIFO: (place) => {
    spawnSync('mkfifo', [place]);
    return () => {};
  },
  socket: async (place) => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(place, resolve));
    return () => server.close();
  },
  directory: (place) => {
    fs.mkdirSync(place);
    return () => {};
  },
  'link to itself': (place) => {
    fs.symlinkSync(path.basename(place), place);
    return () => {};
  },
  'link to a device': (place) => {
    fs.symlinkSync('/dev/zero', place);
    return () => {};
  },
  ...(isRoot && {
    device: (place: string) => {
      spawnSync('mknod', [place, 'c', '1', '5']);
      return () => {};
    },
  }),
};

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
}

/** Nobody writes to its stdin, and a command that waits is ended by a signal. */
async function fdgraft(words: readonly string[]): Promise<Ended> {
  const [program, ...rest] = ['timeout', '--kill-after=1', '60', ...command, ...words] as [string, ...string[]];
  const child = spawn(program, rest, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { stderr: await text(child.stderr), code: await ended };
}

const FAILED = 2;

async function fails(t: ExecutionContext, what: string, words: readonly string[], codes: readonly number[] = [FAILED]) {
  const { code, stderr } = await fdgraft(words);
  t.true(codes.includes(code ?? -1), `${words.join(' ')} with ${what}: ${code} ${stderr}`);
  if (code === FAILED) t.regex(stderr, /^fdgraft: .+|: failed: /m, what);
  t.notRegex(stderr, /^ +at |\/proc\/self/m, what);
}

/** The images that a rewrite reads, one of each way to reach them. */
const IMAGES = atDepth(['files.img', 'fdinfo-2.img', 'fs-7.img'], [
  'inventory.img',
  'pstree.img',
  'ids-7.img',
  'files.img',
  'fdinfo-1.img',
  'fdinfo-2.img',
  'fs-7.img',
  'mm-7.img',
] as string[]);

for (const [kind, put] of Object.entries(KINDS)) {
  test(`${kind} in the place of an image`, async (t) => {
    const top = temporaryDirectory(t);
    const [ck, out] = [path.join(top, 'ck'), path.join(top, 'out')];
    for (const name of IMAGES) {
      putCheckpoint(ck);
      const place = path.join(ck, name);
      fs.rmSync(place);
      const undo = await put(place);
      const what = `${kind} as ${name}`;
      await fails(t, what, ['rewrite', ck, '-o', out, '--inherit-fd', SPEC]);
      await fails(t, what, ['rewrite', ck, '--in-place', '--inherit-fd', SPEC]);
      // These need not have this image.
      await fails(t, what, ['ls', ck], [0, FAILED]);
      await fails(t, what, ['x', ck, 'fds'], [0, FAILED]);
      t.false(fs.existsSync(out), what);
      undo();
      fs.rmSync(ck, { recursive: true });
    }
    t.deepEqual(fs.readdirSync(top), []);
  });

  test(`${kind} in the place of SOURCE, OUT, the plan and its images`, async (t) => {
    const top = temporaryDirectory(t);
    const [ck, out, place] = ['ck', 'out', 'place'].map((name) => path.join(top, name)) as [string, string, string];
    putCheckpoint(ck);
    t.is((await fdgraft(['rewrite', ck, '-o', out, '--inherit-fd', SPEC])).code, 0);
    const before = snapshot(ck);
    const undo = await put(place);
    // decode takes one image from a FIFO or a device, as from a pipe; here it is a directory's place.
    for (const words of [['ls'], ['x', 'SOURCE', 'ps'], ['decode', 'SOURCE', '-o', `${place}.json`]])
      if (words[0] !== 'decode' || kind === 'directory' || kind === 'link to itself')
        await fails(
          t,
          kind,
          words.length === 1 ? [...words, place] : words.map((word) => (word === 'SOURCE' ? place : word)),
        );
    await fails(t, kind, ['rewrite', place, '-o', `${place}.out`, '--inherit-fd', SPEC]);
    await fails(t, kind, ['rewrite', place, '--in-place', '--inherit-fd', SPEC]);
    await fails(t, kind, ['diff', ck, place]);
    // A plan that is named as a file may come from a FIFO, as from `<(…)`.
    if (kind !== 'FIFO') await fails(t, kind, ['diff', ck, out, '--plan', place]);
    await fails(t, kind, ['batch', 'ls', place, '--base', top, '--out', path.join(top, 'lists')]);
    await fails(t, kind, ['rewrite', ck, '-o', place, '--inherit-fd', SPEC]);
    await fails(t, kind, ['rewrite', ck, '-o', place, '--to', 'tar', '--inherit-fd', SPEC]);
    await fails(
      t,
      kind,
      ['rewrite', ck, '-o', path.join(place, 'out'), '--inherit-fd', SPEC],
      kind === 'directory' ? [0] : [FAILED],
    );
    await fails(t, kind, ['batch', 'ls', ck, '--base', top, '--out', place], kind === 'directory' ? [0] : [FAILED]);
    t.deepEqual(snapshot(ck), before);
    undo();
    fs.rmSync(place, { recursive: true, force: true });
    for (const name of ['inherit-plan.img', 'files.img', 'fdinfo-1.img', 'pstree.img', 'inventory.img']) {
      const kept = fs.readFileSync(path.join(out, name));
      fs.rmSync(path.join(out, name));
      const back = await put(path.join(out, name));
      for (const words of [['--check'], ['--', 'true']]) {
        const give = [file(5, O.WRONLY, '/dev/null')];
        const { code, stderr } = await exec(['--plan', out, ...words], { give });
        t.true([0, 100].includes(code ?? -1), `${kind} as ${name} ${words.join(' ')}: ${code} ${stderr}`);
        if (name === 'inherit-plan.img') t.is(code, 100);
      }
      await fails(t, `${kind} as ${name}`, ['diff', ck, out, '--plan', out], [1, FAILED]);
      back();
      fs.rmSync(path.join(out, name), { recursive: true, force: true });
      fs.writeFileSync(path.join(out, name), kept);
    }
  });
}

const CHAIN = atDepth(1_000, 10_000);

test('parent that leads in a circle, to itself, through a long chain, or to what is no directory', async (t) => {
  const top = temporaryDirectory(t);
  const [a, b] = [path.join(top, 'a'), path.join(top, 'b')];
  putCheckpoint(a);
  putCheckpoint(b);
  const chain = path.join(top, 'chain');
  fs.mkdirSync(chain);
  for (let i = 0; i < CHAIN; i += 1) {
    fs.mkdirSync(path.join(chain, String(i)));
    fs.symlinkSync(`../${i + 1}`, path.join(chain, `${i}/parent`));
  }
  // And one of which each link stands for the next one.
  const links = path.join(top, 'links');
  fs.mkdirSync(links);
  for (let i = 0; i < CHAIN; i += 1) fs.symlinkSync(String(i + 1), path.join(links, String(i)));
  spawnSync('mkfifo', [path.join(top, 'fifo')]);
  fs.symlinkSync('../a', path.join(b, 'parent'));
  const targets: readonly string[] = [
    '../b',
    'parent',
    '.',
    '../chain/0',
    '../links/0',
    '../fifo',
    '/proc/self/fd',
    '/dev/zero',
  ];
  for (const target of targets) {
    fs.rmSync(path.join(a, 'parent'), { force: true });
    fs.symlinkSync(target, path.join(a, 'parent'));
    const out = path.join(top, 'out');
    const lines: readonly (readonly string[])[] = [
      ['ls', a],
      ['x', a, 'rss'],
      ['rewrite', a, '-o', out, '--inherit-fd', SPEC],
      ['diff', a, out, '--plan', out],
      ['decode', a, '-o', `${out}.json`],
      ['encode', `${out}.json`, '-o', `${out}.back`],
      ['rewrite', a, '-o', `${out}.tar`, '--to', 'tar', '--inherit-fd', SPEC],
      ['ls', `${out}.tar`],
      ['batch', 'ls', `${top}/*`, '--base', top, '--out', `${out}.lists`],
    ];
    for (const words of lines) {
      const { code, stderr } = await fdgraft(words);
      // A link into the source itself leads to the source from OUT too, and that differs.
      const expected = words[0] === 'diff' ? [0, 1] : [0];
      t.true(expected.includes(code ?? -1), `${words.join(' ')} with ${target}: ${code} ${stderr}`);
    }
    t.true(fs.lstatSync(path.join(out, 'parent')).isSymbolicLink(), target);
    for (const name of fs.readdirSync(top))
      if (name.startsWith('out')) fs.rmSync(path.join(top, name), { recursive: true });
  }
});
