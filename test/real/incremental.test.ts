import fs from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { LINK_MODES, openSource, rewrite } from '../../src';
import { snapshot } from '../support/directories';
import { leaveToParent } from '../support/incremental';
import { type CallerFile, callerFile } from './support/caller-file';
import { compileHelper } from './support/compile';
import { graft, numbers, restoreGrafted } from './support/graft';
import { CriuFailure, type Lab, type Program } from './support/lab';
import type { Pipe } from './support/pipe';
import { realTest } from './support/real-test';
import type { Tasks } from './support/tasks';

// A chain of dumps: each has what changed since the one that its `parent` leads to. CRIU makes them only where
// the kernel tracks that (CONFIG_MEM_SOFT_DIRTY), and restores them everywhere: so the chain is made of whole dumps.

interface Chain {
  program: Program;
  /** The pipe that the program has at 1. */
  old: Pipe;
  /** The directory of all three: 1 and 2 hold memory alone, as `criu pre-dump` leaves it. */
  top: string;
  /** The last one, which is restored. */
  last: string;
  before: [number, boolean][];
}

/** Memory of generation 0 is in the first dump, what generation 1 changed in the second, the rest in the third. */
async function chainOf(t: ExecutionContext, lab: Lab, link = (number: number, _top: string) => `../${number}`) {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileHelper('generations'), { fds: { 1: old.writeEnd } });
  const before = numbers(program.tasks, program.pid);
  const [top, whole] = [lab.directory(), lab.directory()];
  for (const number of [1, 2, 3]) {
    if (number > 1) await program.tasks.signal(program.pid, 'SIGUSR1');
    const dir = path.join(top, String(number));
    fs.mkdirSync(dir);
    await lab.dump(program, { dir, extraArgs: number < 3 ? ['--leave-running'] : [] });
    fs.cpSync(dir, path.join(whole, String(number)), { recursive: true });
  }
  for (const number of [2, 3])
    leaveToParent(path.join(top, String(number)), path.join(whole, String(number - 1)), link(number - 1, top));
  for (const directory of ['1', '2'].map((number) => path.join(top, number)))
    for (const name of fs.readdirSync(directory))
      if (!/^(inventory|pagemap-\d+|pages-\d+)\.img$|^parent$/.test(name)) fs.rmSync(path.join(directory, name));
  // Twice: once it can lie around in the stack, whose pages change all the time.
  const twice = (generation: number) => `generation 0${generation}\0\0\0`.repeat(2);
  const holds = (number: number, generation: number) =>
    fs.readFileSync(path.join(top, String(number), 'pages-1.img')).includes(twice(generation));
  t.deepEqual(
    [1, 2, 3].map((number) => [0, 1, 2].filter((generation) => holds(number, generation))),
    [[0], [1], [2]],
    'each dump holds the memory of one generation',
  );
  old.drain();
  return { program, old, top, last: path.join(top, '3'), before };
}

const OLDEST = ['generation 00', 'generation 01', 'generation 02', 'nothing', 'generation 02'];
const NEXT = ['generation 00', 'generation 01', 'generation 02', 'generation 03', 'generation 03'];

/** What the pages of each record hold, all of them, as the program sees it. */
async function memoryOf(tasks: Tasks, { pid, directory }: Program): Promise<string[]> {
  fs.rmSync(path.join(directory, `read.${pid}.memory`), { force: true });
  await tasks.signal(pid, 'SIGUSR2');
  const pages = tasks.readBy(pid, 'memory').toString().trimEnd().split('\n');
  return OLDEST.map((_record, i) => [...new Set(pages.slice(i * 16, (i + 1) * 16))].join(' and '));
}

interface Callers {
  pipe: Pipe;
  log: CallerFile;
  specs: string[];
  callerFds: { 5: number; 7: number };
}

async function callersOf(lab: Lab, { old, program }: Chain): Promise<Callers> {
  const pipe = await lab.pipe();
  const log = callerFile(lab, 'a');
  const specs = [`fd[5]:${old.name}`, `fd[7]:${program.directory}/log`];
  return { pipe, log, specs, callerFds: { 5: pipe.writeEnd, 7: log.fd } };
}

/** All generations are there, the descriptors are the caller's, and the program goes on with both. */
async function check(t: ExecutionContext, chain: Chain, { pipe, log }: Callers, tasks: Tasks): Promise<void> {
  const { program, before } = chain;
  t.deepEqual(await memoryOf(tasks, program), OLDEST);
  t.deepEqual(numbers(tasks, program.pid), before);
  t.true(tasks.isOurs(program.pid, 1, pipe.writeEnd));
  t.true(tasks.isOurs(program.pid, 5, log.fd));
  await tasks.signal(program.pid, 'SIGUSR1');
  t.is(pipe.drain().toString(), 'task 3\n');
  t.is(log.text(), 'task 3\n');
  t.deepEqual(await memoryOf(tasks, program), NEXT);
}

/** A place for OUT that is deeper than the chain. */
function deepOut(lab: Lab): string {
  const directory = path.join(lab.directory(), 'a/b/c');
  fs.mkdirSync(directory, { recursive: true });
  return path.join(directory, 'out');
}

const parentOf = (directory: string) => fs.realpathSync(path.join(directory, 'parent'));

for (const link of LINK_MODES.filter((mode) => mode !== 'reflink')) {
  realTest(`a chain of three dumps, its last one rewritten elsewhere, link ${link}`, async (t, lab) => {
    const chain = await chainOf(t, lab);
    const callers = await callersOf(lab, chain);
    const old = snapshot(chain.top);
    const out = deepOut(lab);
    const { restored } = await graft(lab, chain.last, callers.specs, {
      callerFds: callers.callerFds,
      rewrite: { out, link },
    });
    t.is(parentOf(out), parentOf(chain.last));
    t.true(fs.lstatSync(path.join(out, 'parent')).isSymbolicLink());
    await check(t, chain, callers, restored.tasks);
    t.deepEqual(snapshot(chain.top), old, 'no dump of the chain changed');
  });
}

realTest('parents by absolute paths: OUT can be moved anywhere', async (t, lab) => {
  const chain = await chainOf(t, lab, (number, top) => path.join(top, String(number)));
  const callers = await callersOf(lab, chain);
  const out = deepOut(lab);
  await rewrite(await openSource(chain.last), { specs: callers.specs, out });
  t.is(fs.readlinkSync(path.join(out, 'parent')), path.join(chain.top, '2'));
  const moved = path.join(lab.directory(), 'moved');
  fs.renameSync(out, moved);
  const { tasks } = await restoreGrafted(lab, moved, callers);
  await check(t, chain, callers, tasks);
});

realTest('relative parents: OUT can be moved together with the chain', async (t, lab) => {
  const chain = await chainOf(t, lab);
  const callers = await callersOf(lab, chain);
  await rewrite(await openSource(chain.last), { specs: callers.specs, out: path.join(chain.top, 'out') });
  const moved = path.join(lab.directory(), 'further/down');
  fs.mkdirSync(path.dirname(moved));
  fs.renameSync(chain.top, moved);
  const out = path.join(moved, 'out');
  t.is(parentOf(out), path.join(moved, '2'));
  const { tasks } = await restoreGrafted(lab, out, callers);
  await check(t, chain, callers, tasks);
});

realTest('a parent that is a directory in the dump itself comes along', async (t, lab) => {
  const chain = await chainOf(t, lab);
  const callers = await callersOf(lab, chain);
  const inside = path.join(chain.last, 'parent');
  fs.rmSync(inside);
  fs.renameSync(path.join(chain.top, '2'), inside);
  fs.rmSync(path.join(inside, 'parent'));
  fs.symlinkSync('../../1', path.join(inside, 'parent'));
  const out = deepOut(lab);
  await rewrite(await openSource(chain.last), { specs: callers.specs, out });
  t.true(fs.lstatSync(path.join(out, 'parent')).isDirectory());
  t.is(parentOf(path.join(out, 'parent')), path.join(chain.top, '1'));
  const { tasks } = await restoreGrafted(lab, out, callers);
  await check(t, chain, callers, tasks);
});

realTest('--auto-dedup is refused where pages or parents are shared, and the chain keeps its pages', async (t, lab) => {
  const chain = await chainOf(t, lab);
  const callers = await callersOf(lab, chain);
  const old = snapshot(chain.top);
  // Where all of OUT is a copy, its parent is the source's all the same.
  for (const link of ['hard', 'copy'] as const) {
    const rewritten = { rewrite: { out: deepOut(lab), link }, extraArgs: ['--auto-dedup'] };
    const failure = await t.throwsAsync(graft(lab, chain.last, callers.specs, { ...callers, ...rewritten }), {
      instanceOf: CriuFailure,
    });
    t.is(failure.exitCode, 100, link);
  }
  t.deepEqual(snapshot(chain.top), old);
});

realTest('OUT restores when the directory that it was made from is gone', async (t, lab) => {
  const chain = await chainOf(t, lab);
  const callers = await callersOf(lab, chain);
  const out = deepOut(lab);
  await rewrite(await openSource(chain.last), { specs: callers.specs, out });
  fs.rmSync(chain.last, { recursive: true });
  const { tasks } = await restoreGrafted(lab, out, callers);
  await check(t, chain, callers, tasks);
});

realTest('the last dump of a chain is rewritten in place and restored', async (t, lab) => {
  const chain = await chainOf(t, lab);
  const callers = await callersOf(lab, chain);
  await rewrite(await openSource(chain.last), { specs: callers.specs, inPlace: true });
  const { tasks } = await restoreGrafted(lab, chain.last, callers);
  await check(t, chain, callers, tasks);
});
