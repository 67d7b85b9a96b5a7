import fs from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { openSource, type RewriteOptions, rewrite } from '../../src';
import { snapshot } from '../support/directories';
import { leaveToParent } from '../support/incremental';
import { until } from '../support/until';
import { checkedBuild } from './support/checked-build';
import { makeCommands } from './support/commands';
import { compileProgram } from './support/compile';
import { CLIENTS, RUNTIMES, readRecipes } from './support/cookbook';
import { criuLock, realCriu } from './support/criu';
import { CriuFailure, type Lab, type Restored, type RestoreOptions } from './support/lab';
import { realTest } from './support/real-test';
import { restoreLog } from './support/restore-log';

// CRIU that a program drives by RPC, and not by words: over `criu swrk`, as runc, go-criu and pycriu do, or `criu service`.

const { pythonCommand } = require('../../tools/criu-root.js') as { pythonCommand(root: string): string[] };

const CLIENT = path.join(__dirname, 'support/rpc.py');
const EXEC = path.join(checkedBuild(), 'fdgraft-exec');
/** What pipe_outside writes on SIGUSR1. */
const SAID = 'parent 1\nparent 6\nparent 7\n';

function real() {
  const found = realCriu();
  if (!found.available) throw new Error(found.missing);
  return found;
}

/** The client, to be followed by the words of criu. `criu`: what it starts, the real one unless told. */
function client(lab: Lab, words: readonly string[] = [], criu?: string): string[] {
  const bin = lab.directory();
  makeCommands(bin);
  return [...pythonCommand(real().root), CLIENT, '--criu', criu ?? path.join(bin, 'criu'), ...words, '--'];
}

interface Made {
  pid: number;
  /** The key of the pipe. */
  key: string;
  dump: string;
  out: string;
}

/** A dump, by RPC as well, and what fdgraft makes of it for caller fd N. */
async function made(lab: Lab, fd = 5, options: Partial<RewriteOptions> = {}): Promise<Made> {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('pipe_outside'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program, { command: client(lab) });
  const out = path.join(lab.directory(), 'out');
  await rewrite(await openSource(dump), { specs: [`fd[${fd}]:${old.name}`], out, ...options });
  return { pid: program.pid, key: old.name, dump, out };
}

/** Restores and checks that both tasks write to the caller's pipe. */
async function check(t: ExecutionContext, lab: Lab, { pid, out }: Made, options: RestoreOptions, fd = 5) {
  const pipe = await lab.pipe();
  const callerFds = { [fd]: pipe.writeEnd, ...options.callerFds };
  const restored: Restored = await lab.restore(out, { ...options, callerFds });
  const { tasks } = restored;
  t.true(tasks.isOurs(pid, 1, pipe.writeEnd));
  t.true(tasks.isOurs(pid + 1, 9, pipe.writeEnd));
  await tasks.signal(pid, 'SIGUSR1');
  t.is(pipe.drain().toString(), SAID);
  return restored;
}

const behind = (out: string) => [EXEC, '--plan', out, '--'];

for (const words of [[], ['--closed'], ['--sibling'], ['--closed', '--sibling']])
  realTest(`a client of criu swrk: ${words.join(' ') || 'as it is'}`, async (t, lab) => {
    const source = await made(lab);
    await check(t, lab, source, { prefix: behind(source.out), command: client(lab, words) });
  });

realTest('a client that asks for notifications gets all of them', async (t, lab) => {
  const source = await made(lab);
  const command = client(lab, ['--notify']);
  const { output } = await check(t, lab, source, { prefix: behind(source.out), command });
  t.deepEqual(output.trim().split('\n'), ['pre-restore', 'post-restore', 'pre-resume', 'post-resume']);
});

realTest('a client that is process 1 of a pid namespace', async (t, lab) => {
  const source = await made(lab);
  const [pipe, box, said] = [await lab.pipe(), await lab.box(), lab.scratch()];
  const wrap = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child'];
  // The namespace ends with its process 1, which the client is until it has restored.
  const stay = [...behind(source.out), 'sh', '-c', '"$@" && echo restored && exec sleep 1000', 'sh'];
  const words = ['restore', '-D', source.out, '-o', 'restore.log', '-v4'];
  const child = box.spawn([...wrap, ...stay, ...client(lab), ...words], {
    messages: said.fd,
    fds: { 1: said.fd, 2: said.fd, 5: pipe.writeEnd },
    env: process.env,
    wrap: ['flock', '-o', '-w', '300', '-E', '124', criuLock()],
  });
  await until('the restore', () => {
    if (child.exitCode !== null) throw new Error(`no restore: ${said.read()}${restoreLog(source.out).slice(-2000)}`);
    return said.read().includes('restored');
  });
  t.true(box.tasks.isOurs(source.pid, 1, pipe.writeEnd));
  await box.tasks.signal(source.pid, 'SIGUSR1');
  t.is(pipe.drain().toString(), SAID);
  t.deepEqual(box.tasks.named('fdgraft-keeper'), []);
});

realTest('the client’s own inherit_fd works beside the plan', async (t, lab) => {
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('two_paths'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program, { command: client(lab) });
  const out = path.join(lab.directory(), 'out');
  await rewrite(await openSource(dump), { specs: [`fd[7]:${program.directory}/logs/out.log`], out });
  const [log, pipe] = [path.join(lab.directory(), 'log'), await lab.pipe()];
  const { tasks } = await lab.restore(out, {
    prefix: behind(out),
    command: client(lab),
    callerFds: { 5: pipe.writeEnd, 7: lab.open(log, 'a') },
    extraArgs: ['--inherit-fd', `fd[5]:${old.name}`],
  });
  await tasks.signal(program.pid, 'SIGUSR1');
  t.is(pipe.drain().toString(), 'task 1\n');
  t.is(fs.readFileSync(log, 'utf8'), 'task 5\ntask 7\n');
});

realTest('a client that starts criu through fdgraft-exec', async (t, lab) => {
  const source = await made(lab);
  const wrapper = path.join(lab.directory(), 'criu');
  const criu = real().criu.join(' ');
  fs.writeFileSync(wrapper, `#!/bin/sh\nexec ${behind(source.out).join(' ')} ${criu} "$@"\n`, { mode: 0o755 });
  await check(t, lab, source, { command: client(lab, ['--pass', '5'], wrapper) });
});

realTest('the script of docs/RUNTIMES.md in the place of criu', async (t, lab) => {
  const recipe = readRecipes(RUNTIMES).find(({ title }) => title === CLIENTS);
  const old = await lab.pipe();
  const program = await lab.startProgram(compileProgram('two_paths'), { fds: { 1: old.writeEnd } });
  const dump = await lab.dump(program, { command: client(lab) });
  const out = path.join(lab.directory(), 'out');
  const log = path.join(lab.directory(), 'log');
  const specs = [`fd[5]:${old.name}`, `fd[7]:${program.directory}/logs/out.log`];
  await rewrite(await openSource(dump), { specs, out });
  const wrapper = path.join(lab.directory(), 'criu');
  const script = (recipe?.blocks[0]?.text ?? '')
    .replace('fdgraft-exec --plan /path/of/out --', behind(out).join(' '))
    .replace(' criu ', ` ${real().criu.join(' ')} `)
    .replace('/path/of/new.log', log);
  fs.writeFileSync(wrapper, script, { mode: 0o755 });
  const pipe = await lab.pipe();
  const { tasks } = await lab.restore(out, {
    command: client(lab, ['--pass', '5'], wrapper),
    callerFds: { 5: pipe.writeEnd },
  });
  await tasks.signal(program.pid, 'SIGUSR1');
  t.is(pipe.drain().toString(), 'task 1\n');
  t.is(fs.readFileSync(log, 'utf8'), 'task 5\ntask 7\n');
});

/** criu service with its socket in a directory, for the command that follows; the service ends with it. */
function service(directory: string, environment: string): string[] {
  const start = `${environment} ${real().criu.join(' ')} service --address ${directory}/socket -o service.log -v4`;
  const wait = `until [ -S socket ]; do kill -0 $criu || exit; sleep 0.02; done`;
  return [
    'sh',
    '-c',
    `cd ${directory} && { ${start} & criu=$!; ${wait}; "$@"; code=$?; kill $criu; exit $code; }`,
    'sh',
  ];
}

realTest('a client of criu service, beside --serve', async (t, lab) => {
  const source = await made(lab);
  const directory = lab.directory();
  const serve = [EXEC, '--plan', source.out, '--serve', '--timeout', '60', '--'];
  await check(t, lab, source, {
    prefix: [...service(directory, `CRIU_LIBS_DIR=${checkedBuild()}`), ...serve],
    command: client(lab, ['--service', path.join(directory, 'socket')]),
  });
});

/** Blocks of the pages of a directory. */
const pagesOf = (directory: string) =>
  fs
    .readdirSync(directory)
    .filter((name) => /^pages-/.test(name))
    .map((name) => fs.statSync(path.join(directory, name)).blocks);

/** Ways to ask for auto-dedup that no word of COMMAND shows. */
const ASKING: Record<string, (lab: Lab) => { words: string[]; extraArgs?: string[] }> = {
  'the field': () => ({ words: [], extraArgs: ['--auto-dedup'] }),
  'a configuration file': (lab) => {
    const file = path.join(lab.directory(), 'criu.conf');
    fs.writeFileSync(file, 'auto-dedup\n');
    return { words: ['--rpc-config', file] };
  },
};

async function refused(
  t: ExecutionContext,
  lab: Lab,
  source: Made,
  options: RestoreOptions,
  why: RegExp,
): Promise<void> {
  const restore = check(t, lab, source, { ...options, prefix: behind(source.out) });
  await t.throwsAsync(restore, { instanceOf: CriuFailure, message: /criu says no/ });
  const said = restoreLog(source.out)
    .split('\n')
    .filter((line) => line.includes('Error (fdgraft)'));
  for (const line of said) t.regex(line, why);
  t.not(said.length, 0);
}

for (const [by, ask] of Object.entries(ASKING))
  for (const link of ['hard', 'symlink'] as const)
    realTest(`auto-dedup by ${by}: the source keeps its pages, link ${link}`, async (t, lab) => {
      const source = await made(lab, 5, { link });
      const before = snapshot(source.dump);
      const { words, extraArgs = [] } = ask(lab);
      const command = client(lab, words);
      await refused(t, lab, source, { command, extraArgs }, /pages-\d\.img is a link: .*of the source; .*--link copy/);
      t.deepEqual(snapshot(source.dump), before);
      await check(t, lab, source, { prefix: behind(source.out), command: client(lab) });
    });

realTest('auto-dedup by the field: OUT may lose its own pages', async (t, lab) => {
  const source = await made(lab, 5, { link: 'copy' });
  const before = pagesOf(source.dump);
  const command = client(lab);
  await check(t, lab, source, { prefix: behind(source.out), command, extraArgs: ['--auto-dedup'] });
  t.deepEqual(pagesOf(source.dump), before);
  t.deepEqual(
    pagesOf(source.out),
    before.map(() => 0),
  );
});

realTest('auto-dedup by the field: the previous dump keeps its pages', async (t, lab) => {
  const source = await made(lab, 5, { link: 'copy' });
  const before = path.join(lab.directory(), 'before');
  fs.cpSync(source.dump, before, { recursive: true });
  leaveToParent(source.out, before, before);
  const old = snapshot(before);
  const options = { command: client(lab), extraArgs: ['--auto-dedup'] };
  await refused(t, lab, source, options, /pages-\d\.img is of the previous dump, .*; switch auto-dedup off/);
  t.deepEqual(snapshot(before), old);
  await check(t, lab, source, { prefix: behind(source.out), command: client(lab) });
});
