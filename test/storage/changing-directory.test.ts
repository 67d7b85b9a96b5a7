import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { diff, explore, FdgraftError, inspect, type RewriteOptions, rewrite, type Source } from '../../src';
import { contentOfInput } from '../../src/batch/content';
import { openSource } from '../../src/operations/open-source';
import { SeenFiles } from '../../src/storage/seen-files';
import {
  descriptor,
  pipeEntry,
  smallCheckpoint,
  snapshot,
  temporaryDirectory,
  writeCheckpoint,
} from '../support/directories';
import { encodeImage, type Record } from '../support/images';
import { checkRewritten } from '../support/independent';
import { build } from '../support/native';

const PIPE = 'fd[5]:pipe:[4711]';

test.before(() => {
  build();
});

/** files.img where the pipe is at its other end: as many bytes, and another plan. */
function otherFiles(): Buffer {
  const records = [...(smallCheckpoint()['files.img'] as readonly Record[])];
  records[1] = pipeEntry(2, 4711, 0);
  return encodeImage('files.img', records);
}

const at = (directory: string, name: string) => path.join(directory, name);

/** What others do to a directory at one moment; each leaves a valid checkpoint. */
const CHANGES: { readonly [what: string]: (source: string) => void } = {
  'files.img is replaced': (source) => {
    const fresh = `${source}-files`;
    fs.writeFileSync(fresh, otherFiles());
    fs.renameSync(fresh, at(source, 'files.img'));
  },
  'files.img is written to': (source) => {
    fs.writeFileSync(at(source, 'files.img'), otherFiles(), { flag: 'r+' });
  },
  'files.img is written to, and its time set back': (source) => {
    const file = at(source, 'files.img');
    const { atime, mtime } = fs.statSync(file);
    fs.writeFileSync(file, otherFiles(), { flag: 'r+' });
    fs.utimesSync(file, atime, mtime);
  },
  'a table is replaced': (source) => {
    const fresh = `${source}-table`;
    fs.writeFileSync(fresh, encodeImage('fdinfo-2.img', [descriptor(2, 4, 'PIPE')]));
    fs.renameSync(fresh, at(source, 'fdinfo-2.img'));
  },
  'a table is added': (source) => {
    fs.writeFileSync(at(source, 'fdinfo-3.img'), encodeImage('fdinfo-3.img', [descriptor(2, 4, 'PIPE')]));
  },
  'a table is removed': (source) => fs.rmSync(at(source, 'fdinfo-2.img')),
  'pages are replaced': (source) => {
    const fresh = `${source}-pages`;
    fs.writeFileSync(fresh, 'read by nobody too');
    fs.renameSync(fresh, at(source, 'pages-1.img'));
  },
  'the directory is replaced': (source) => {
    const fresh = `${source}-directory`;
    fs.cpSync(source, fresh, { recursive: true });
    fs.writeFileSync(at(fresh, 'files.img'), otherFiles());
    fs.renameSync(source, `${source}-old`);
    fs.renameSync(fresh, source);
  },
};

const isFirst = (what: string) => what === Object.keys(CHANGES)[0];

/** A source that calls `step` before it hands out a member or looks for one, and after the last. */
function watched(source: Source, step: () => void): Source {
  async function* steps<T>(members: AsyncIterable<T>) {
    for await (const member of members) {
      step();
      yield member;
      step();
    }
    step();
  }
  return {
    ...source,
    members: () => steps(source.members()),
    inArchiveOrder: () => steps(source.inArchiveOrder()),
    byName: () => {
      const members = source.byName();
      return {
        ...members,
        member: async (name) => {
          step();
          return members.member(name);
        },
      };
    },
  };
}

interface Place {
  readonly source: string;
  readonly out: string;
}

/** What is done with a source; resolves to all that came of it. */
type Work = (source: Source, place: Place) => Promise<unknown>;

/** Contents of OUT; of links, what they lead to. */
function contentsOf(directory: string) {
  return Object.fromEntries(
    fs.readdirSync(directory).map((name) => [name, fs.readFileSync(at(directory, name)).toString('latin1')]),
  );
}

function rewriting(options: Partial<RewriteOptions>, hasOut = true): Work {
  return async (source, { out }) => {
    const { plan } = await rewrite(source, { specs: [PIPE], ...(hasOut ? { out } : {}), ...options });
    return { plan, out: hasOut ? contentsOf(out) : undefined };
  };
}

async function allOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const WORKS: { readonly [name: string]: Work } = {
  'rewrite --link auto': rewriting({ link: 'auto' }),
  'rewrite --link hard': rewriting({ link: 'hard' }),
  'rewrite --link symlink': rewriting({ link: 'symlink' }),
  'rewrite --link copy': rewriting({ link: 'copy' }),
  'rewrite of a descriptor': rewriting({ specs: ['fd[5]:/proc/8/fd/1'], allowUnmatched: true }),
  'rewrite --dry-run': rewriting({}, false),
  'rewrite --in-place': async (source, place) => {
    const { plan } = await rewrite(source, { specs: [PIPE], inPlace: true });
    return { plan, out: contentsOf(place.source) };
  },
  'rewrite --to tar': async (source, { out }) => {
    const { plan } = await rewrite(source, { specs: [PIPE], out, to: 'tar' });
    return { plan, isThere: fs.existsSync(out) };
  },
  ls: async (source) => allOf(inspect(source)),
  'ls of a spec': async (source) => allOf(inspect(source, { specs: [PIPE] })),
  'x fds': async (source) => allOf(explore(source, 'fds')),
  'x mems': async (source) => allOf(explore(source, 'mems')),
  diff: async (source, { source: directory }) => {
    const against = writeCheckpoint(path.dirname(directory), smallCheckpoint());
    const result = await diff(source, await openSource(against));
    const differences = await allOf(result.differences());
    result.close();
    return { differences, meaning: result.meaning };
  },
  'diff --ignore-ids': async (source, { source: directory }) => {
    const against = writeCheckpoint(path.dirname(directory), smallCheckpoint());
    const result = await diff(source, await openSource(against), { ignoreIds: true });
    const differences = await allOf(result.differences());
    result.close();
    return { differences, meaning: result.meaning };
  },
};

function place(t: ExecutionContext): Place {
  const top = temporaryDirectory(t);
  return { source: writeCheckpoint(top, smallCheckpoint()), out: at(top, 'out') };
}

/** What a work gives as text; paths of temporary directories are not the same twice. */
function told(value: unknown, { source }: Place): string {
  const json = JSON.stringify(value, (_key, inner) => (typeof inner === 'bigint' ? `${inner}n` : inner));
  return json.replaceAll(path.dirname(source), 'TOP').replaceAll(path.basename(source), 'SOURCE');
}

async function result(t: ExecutionContext, work: Work, change: (source: string) => void): Promise<string> {
  const here = place(t);
  change(here.source);
  return told(await work(await openSource(here.source), here), here);
}

for (const [name, work] of Object.entries(WORKS)) {
  test(`${name}: an image directory that changes at any moment is refused, or read as it was at one`, async (t) => {
    let steps = 0;
    const quiet = place(t);
    const count = () => {
      steps += 1;
    };
    await work(watched(await openSource(quiet.source), count), quiet);
    t.true(steps > 0);
    const before = await result(t, work, () => {});
    let refused = 0;
    for (const [what, change] of Object.entries(CHANGES)) {
      const after = await result(t, work, change);
      // One at every moment; of the others, some at each.
      const first = isFirst(what) ? 0 : Object.keys(CHANGES).indexOf(what);
      for (let when = first; when < steps; when += isFirst(what) ? 1 : Object.keys(CHANGES).length) {
        const here = place(t);
        let step = 0;
        const source = watched(await openSource(here.source), () => {
          if (step === when) change(here.source);
          step += 1;
        });
        const top = path.dirname(here.source);
        try {
          const found = told(await work(source, here), here);
          t.true([before, after].includes(found), `${what} at step ${when} of ${steps}: a mixture`);
        } catch (error) {
          if (!(error instanceof FdgraftError)) throw error;
          refused += 1;
          t.is(error.exitCode, 2, what);
          t.true(['SOURCE_UNUSABLE', 'OUT_UNUSABLE'].includes(error.code), `${what}: ${error.code} ${error.message}`);
          t.regex(`${error.message}\n${error.hint}`, /(changed|added|removed|replaced)[\s\S]*try again/, what);
          t.false(fs.existsSync(here.out), what);
        }
        const left = fs.readdirSync(top).filter((left) => left.startsWith('.'));
        t.deepEqual(left, [], what);
      }
    }
    t.true(refused > 0);
  });
}

test('a file that is younger than the clock of its file system ticks is waited for', async (t) => {
  const { source, out } = place(t);
  for (let round = 0; round < 10; round += 1) {
    const [fresh, file] = [otherFiles(), at(source, 'files.img')];
    const original = fs.readFileSync(file);
    let seen = 0;
    const young = watched(await openSource(source), () => {
      seen += 1;
      // The first pass reads it next, and has just read it.
      if (seen === 5) fs.writeFileSync(file, original, { flag: 'r+' });
      if (seen === 6) fs.writeFileSync(file, fresh, { flag: 'r+' });
    });
    const error = await t.throwsAsync(rewrite(young, { specs: [PIPE], out }), { instanceOf: FdgraftError });
    t.is((error as FdgraftError).code, 'SOURCE_UNUSABLE');
    t.false(fs.existsSync(out));
    fs.writeFileSync(file, original, { flag: 'r+' });
  }
});

test('what a batch has noted of an input is what its job reads, or the job fails', async (t) => {
  for (const isArchive of [false, true]) {
    const here = place(t);
    const input = isArchive ? `${here.source}.tar` : here.source;
    if (isArchive) execFileSync('tar', ['-C', here.source, '-cf', input, '.']);
    const seen = new SeenFiles();
    await contentOfInput(input, seen, undefined);
    const work = async () => rewrite(await openSource(input, { seen }), { specs: [PIPE], out: here.out });
    fs.writeFileSync(at(here.source, 'files.img'), otherFiles(), { flag: 'r+' });
    if (isArchive) execFileSync('tar', ['-C', here.source, '-cf', input, '.']);
    const error = await t.throwsAsync(work(), { instanceOf: FdgraftError });
    t.is((error as FdgraftError).code, 'SOURCE_UNUSABLE');
    t.false(fs.existsSync(here.out));
  }
});

test('others may link to images meanwhile, and write logs', async (t) => {
  const { source, out } = place(t);
  fs.writeFileSync(at(source, 'dump.log'), 'begin\n');
  const before = snapshot(source);
  let step = 0;
  const watchedSource = watched(await openSource(source), () => {
    step += 1;
    fs.linkSync(at(source, 'files.img'), `${source}-link-${step}`);
    fs.appendFileSync(at(source, 'dump.log'), 'more\n');
    fs.writeFileSync(at(source, `restore-${step}.log`), 'more\n');
  });
  await rewrite(watchedSource, { specs: [PIPE], out });
  t.deepEqual(
    checkRewritten(source, out).filter((problem) => !problem.includes('.log')),
    [],
  );
  t.is(snapshot(source)['files.img'], before['files.img']);
});

test('others may link to pages, which are only brought along, and take the links away again', async (t) => {
  const { source, out } = place(t);
  const watchedSource = watched(await openSource(source), () => {
    fs.linkSync(at(source, 'pages-1.img'), `${source}-link`);
    fs.rmSync(`${source}-link`);
  });
  await rewrite(watchedSource, { specs: [PIPE], out, link: 'hard' });
  t.deepEqual(checkRewritten(source, out), []);
});

test('two names of one file can both be linked to', async (t) => {
  const { source, out } = place(t);
  fs.linkSync(at(source, 'pages-1.img'), at(source, 'pages-2.img'));
  await rewrite(await openSource(source), { specs: [PIPE], out, link: 'hard' });
  t.is(fs.statSync(at(out, 'pages-1.img')).ino, fs.statSync(at(out, 'pages-2.img')).ino);
});

const RENAMER = `
const fs = require('node:fs');
const [source, ...versions] = process.argv.slice(1);
let turn = 0;
function next() {
  const version = versions[turn++ % versions.length];
  fs.linkSync(version, source + '/.next');
  fs.renameSync(source + '/.next', source + '/files.img');
  setTimeout(next, (turn * 37) % 150);
}
process.stdout.write('ready');
next();
`;

test('while another process renames between two versions, OUT fits one of them or is not there', async (t) => {
  const { source, out } = place(t);
  const versions = ['a', 'b'].map((name) => `${source}-${name}`) as [string, string];
  fs.copyFileSync(at(source, 'files.img'), versions[0]);
  fs.writeFileSync(versions[1], otherFiles());
  const originals = versions.map((version, i) => {
    const directory = at(path.dirname(source), `original-${i}`);
    fs.cpSync(source, directory, { recursive: true });
    fs.copyFileSync(version, at(directory, 'files.img'));
    return directory;
  });
  const child = spawn(process.execPath, ['-e', RENAMER, source, ...versions], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill());
  await once(child.stdout, 'data');
  let refused = 0;
  for (let round = 0; round < 20; round += 1) {
    const error = await rewrite(await openSource(source), { specs: [PIPE], out }).then(
      () => undefined,
      (cause: unknown) => cause,
    );
    if (error !== undefined) {
      if (!(error instanceof FdgraftError)) throw error;
      t.is(error.exitCode, 2);
      t.false(fs.existsSync(out));
      refused += 1;
      continue;
    }
    const problems = originals.map((original) => checkRewritten(original, out));
    t.true(
      problems.some((list) => list.length === 0),
      problems.flat().join('\n'),
    );
    fs.rmSync(out, { recursive: true });
  }
  t.log(`${refused} of 20 refused`);
});
