import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { makeCommands } from './support/commands';
import { compileHelper, compileProgram } from './support/compile';
import { FILE_NAMES, readRecipes } from './support/cookbook';
import { realCriu } from './support/criu';
import { Kitchen } from './support/kitchen';
import type { Lab, Program } from './support/lab';
import { realTest } from './support/real-test';
import { dump, LOCK, openWindow, pidOf, started, startShell } from './support/shell';
import { startSlurm } from './support/slurm';

// The recipes of docs/COOKBOOK.md, as they stand there: their blocks are taken out of the Markdown and run.

const { ensurePrograms } = require('../../tools/ensure-programs.js') as {
  ensurePrograms(names: string[]): Record<string, string>;
};

const recipes = new Map(readRecipes().map((recipe) => [recipe.title, recipe]));
const tried = new Set<string>();

interface Trial {
  /** Names of tools/ensure-programs.js. */
  needs?: string[];
  program(lab: Lab): Promise<Program>;
  /** Runs the recipe's sh blocks, all of them, and looks at what comes of each. */
  cook(t: ExecutionContext, kitchen: Kitchen, lab: Lab): Promise<void>;
}

function recipeTest(title: string, { needs = [], program, cook }: Trial): void {
  const recipe = recipes.get(title);
  if (recipe === undefined) throw new Error(`no recipe "${title}": there are ${[...recipes.keys()].join(', ')}`);
  tried.add(title);
  const [missing] = realCriu().available ? Object.values(ensurePrograms(needs)) : [];
  if (missing !== undefined) {
    if (process.env.CI) throw new Error(missing);
    test.skip(`${title} (${missing})`, (t) => t.fail());
    return;
  }
  realTest(title, async (t, lab) => {
    const kitchen = await Kitchen.open(lab, await program(lab), recipe);
    await cook(t, kitchen, lab);
    t.deepEqual(kitchen.left, [], 'every sh block is run');
  });
}

const ROOT = 14716;
const outside = 'pipe-write';

const twoPaths = (lab: Lab) => lab.startProgram(compileProgram('two_paths'), { fds: { 1: outside } });
const stdio = (lab: Lab) =>
  lab.startProgram(compileHelper('stdio'), { fds: { 0: 'pipe-read', 1: outside, 2: outside } });

recipeTest('A log that goes elsewhere now', {
  program: (lab) => lab.startProgram(compileProgram('two_paths')),
  async cook(t, kitchen) {
    await kitchen.run();
    const { tasks, program } = kitchen;
    t.deepEqual(
      [5, 7].map((fd) => kitchen.target(ROOT, fd)),
      [kitchen.file('new.log'), kitchen.file('new.log')],
    );
    t.true(tasks.sameOpenFile(ROOT, 5, ROOT, 7));
    t.is(kitchen.target(ROOT, 6), `${program.directory}/logs/err.log`);
    await tasks.signal(ROOT, 'SIGUSR1');
    t.is(kitchen.read('new.log'), 'task 5\ntask 7\n');
    t.is(fs.readFileSync(`${program.directory}/logs/out.log`, 'utf8'), 'out said\n');
    t.is(fs.readFileSync(`${program.directory}/logs/err.log`, 'utf8'), 'err said\ntask 6\n');
  },
});

recipeTest('A log that is rolled back to the dump', {
  program: (lab) => lab.startProgram(compileProgram('two_paths')),
  async cook(t, kitchen) {
    kitchen.write('old.log', 'out said\nwritten after the dump\n');
    t.regex(await kitchen.run(), /23 bytes past 9 are cut off/);
    t.is(kitchen.target(ROOT, 7), kitchen.file('old.log'));
    await kitchen.tasks.signal(ROOT, 'SIGUSR1');
    t.is(kitchen.read('old.log'), 'out said\ntask 5\ntask 7\n');
  },
});

recipeTest('From a shell', {
  program: stdio,
  async cook(t, kitchen) {
    const { tasks } = kitchen;
    kitchen.write('input.txt', 'asked\n');
    await kitchen.run();
    t.deepEqual(
      [0, 1, 2, 5].map((fd) => kitchen.target(ROOT, fd)),
      ['input.txt', 'result.txt', 'errors.txt', 'new.log'].map((name) => kitchen.file(name)),
    );
    await tasks.signal(ROOT, 'SIGUSR2');
    await tasks.signal(ROOT, 'SIGUSR1');
    t.is(tasks.readBy(ROOT, 0).toString(), 'asked\n');
    t.deepEqual(
      ['result.txt', 'errors.txt', 'new.log'].map((name) => kitchen.read(name)),
      ['task 1\n', 'task 2\n', 'task 5\n'],
    );
    await kitchen.endTree();

    const running = kitchen.start();
    await kitchen.restored(running);
    t.deepEqual(
      [0, 1, 2].map((fd) => /^pipe:/.test(kitchen.target(ROOT, fd) ?? '')),
      [true, true, true],
    );
    await tasks.signal(ROOT, 'SIGUSR2');
    await tasks.signal(ROOT, 'SIGUSR1');
    t.is(tasks.readBy(ROOT, 0).toString(), 'asked\nasked\n');
    await kitchen.endTree();
    t.is(await running.finish(), 'task 1\ntask 2\n');
    t.is(kitchen.read('result.txt'), 'task 1\ntask 2\n');
    t.is(kitchen.read('new.log'), 'task 5\ntask 5\n');
  },
});

recipeTest('From Python', {
  needs: ['python3'],
  program: (lab) => lab.startProgram(compileProgram('pipe_outside'), { fds: { 1: outside } }),
  async cook(t, kitchen) {
    const { tasks } = kitchen;
    const child = ROOT + 1;
    const running = kitchen.start();
    await kitchen.restored(running);
    t.regex(kitchen.target(ROOT, 1) ?? '', /^pipe:/);
    t.true(tasks.sameOpenFile(ROOT, 1, child, 9));
    await tasks.signal(ROOT, 'SIGUSR1');
    await tasks.signal(child, 'SIGUSR1');
    await kitchen.endTree();
    const lines = (await running.finish()).split('\n').filter((line) => line.startsWith('restored: '));
    const wanted = [...[1, 6, 7].map((fd) => `parent ${fd}`), ...[1, 6, 7, 8, 9].map((fd) => `child ${fd}`)];
    t.deepEqual(
      lines,
      wanted.map((line) => `restored: ${line}`),
    );

    await kitchen.run();
    t.is(kitchen.target(child, 9), kitchen.file('new.log'));
    await tasks.signal(child, 'SIGUSR1');
    t.is(kitchen.read('new.log'), 'child 1\nchild 6\nchild 7\nchild 8\nchild 9\n');
  },
});

for (const { title, needs, kind, shown } of [
  { title: 'From Node.js', needs: [], kind: /^socket:/, shown: /^restored: task 1$/m },
  { title: 'From Go', needs: ['go'], kind: /^pipe:/, shown: /^task 1$/m },
]) {
  recipeTest(title, {
    needs,
    program: twoPaths,
    async cook(t, kitchen) {
      const { tasks, program } = kitchen;
      const running = kitchen.start();
      await kitchen.restored(running);
      t.regex(kitchen.target(ROOT, 1) ?? '', kind);
      t.deepEqual(
        [5, 7].map((fd) => kitchen.target(ROOT, fd)),
        [kitchen.file('new.log'), kitchen.file('new.log')],
      );
      await tasks.signal(ROOT, 'SIGUSR1');
      t.is(kitchen.read('new.log'), 'task 5\ntask 7\n');
      t.is(fs.readFileSync(`${program.directory}/logs/out.log`, 'utf8'), 'out said\n');
      await kitchen.endTree();
      t.regex(await running.finish(), shown);
    },
  });
}

/** Connects to a unix socket, or to a port of the loopback, once something listens there. */
async function connect(at: string | number): Promise<net.Socket> {
  for (;;) {
    const client = typeof at === 'string' ? net.connect(at) : net.connect(at, '127.0.0.1');
    try {
      await once(client, 'connect');
      return client;
    } catch {
      await sleep(20);
    }
  }
}

/** Starts a recipe, says a line at its socket and waits for the restore. `answer`: all that comes back. */
async function ask(kitchen: Kitchen) {
  const running = kitchen.start();
  await kitchen.until('app.sock', () => fs.existsSync(kitchen.file('app.sock')));
  const client = await connect(kitchen.file('app.sock'));
  let answered = '';
  client.setEncoding('utf8').on('data', (text: string) => {
    answered += text;
  });
  const answer = once(client, 'end').then(() => answered);
  client.write('asked\n');
  await kitchen.restored(running);
  return { running, answer };
}

recipeTest('A socket as stdin, stdout and stderr', {
  needs: ['python3'],
  program: stdio,
  async cook(t, kitchen) {
    const { tasks, program } = kitchen;
    const { running, answer } = await ask(kitchen);
    await running.finish();
    t.regex(kitchen.target(ROOT, 0) ?? '', /^socket:/);
    t.true(tasks.sameOpenFile(ROOT, 0, ROOT, 1));
    t.true(tasks.sameOpenFile(ROOT, 0, ROOT, 2));
    await tasks.signal(ROOT, 'SIGUSR2');
    await tasks.signal(ROOT, 'SIGUSR1');
    t.is(tasks.readBy(ROOT, 0).toString(), 'asked\n');
    await kitchen.endTree();
    t.is(await answer, 'task 1\ntask 2\n');
    t.is(fs.readFileSync(`${program.directory}/app.log`, 'utf8'), 'task 5\n');
  },
});

const server = (lab: Lab) => lab.startProgram(compileProgram('server'));

/** Says a line and has the restored server accept and read it; checks what each has read. */
async function visit(t: ExecutionContext, kitchen: Kitchen, client: net.Socket, fd: number): Promise<void> {
  const answer = once(client, 'data');
  client.write('hello\n');
  const read = () => fs.readFileSync(path.join(kitchen.program.directory, `read.${ROOT}.${fd}`), 'utf8');
  // A proxy takes its time.
  while (!fs.existsSync(path.join(kitchen.program.directory, `read.${ROOT}.${fd}`)) || read() === '') {
    await kitchen.tasks.signal(ROOT, 'SIGUSR2');
    await sleep(20);
  }
  t.is(read(), 'hello\n');
  t.is(String((await answer)[0]), 'welcome\n');
  client.destroy();
}

recipeTest('A server that a service manager starts', {
  needs: ['socket-activate'],
  program: server,
  async cook(t, kitchen) {
    const running = kitchen.start();
    await kitchen.until('app.sock', () => fs.existsSync(kitchen.file('app.sock')));
    const client = await connect(kitchen.file('app.sock'));
    await kitchen.restored(running);
    await running.finish();
    await visit(t, kitchen, client, 20);
    await visit(t, kitchen, await connect(kitchen.file('app.sock')), 21);
  },
});

recipeTest('A server at another path', {
  needs: ['python3', 'socat'],
  program: server,
  async cook(t, kitchen) {
    await kitchen.run();
    await visit(t, kitchen, await connect(kitchen.file('new.sock')), 20);
    // The proxy ends with the box.
    kitchen.start();
    await visit(t, kitchen, await connect(7016), 21);
  },
});

recipeTest('A program behind socat', {
  needs: ['socat'],
  program: stdio,
  async cook(t, kitchen) {
    const { tasks } = kitchen;
    const { running, answer } = await ask(kitchen);
    t.true(tasks.sameOpenFile(ROOT, 0, ROOT, 1));
    await tasks.signal(ROOT, 'SIGUSR1');
    while (
      !fs.existsSync(path.join(kitchen.program.directory, `read.${ROOT}.0`)) ||
      tasks.readBy(ROOT, 0).length === 0
    ) {
      await tasks.signal(ROOT, 'SIGUSR2');
    }
    t.is(tasks.readBy(ROOT, 0).toString(), 'asked\n');
    await kitchen.endTree();
    await running.finish();
    t.is(await answer, 'task 1\n');
    t.true(kitchen.read('errors.txt').endsWith('task 2\n'));
  },
});

recipeTest('A data directory that moved', {
  program: (lab) => lab.startProgram(compileHelper('datadir')),
  async cook(t, kitchen) {
    const { tasks, program } = kitchen;
    fs.mkdirSync(kitchen.file('moved'));
    fs.renameSync(path.join(program.directory, 'data'), kitchen.file('moved/data'));
    kitchen.write('moved/data/input', 'asked\n');
    await kitchen.run();
    t.is(kitchen.target(ROOT, 10), kitchen.file('moved/data'));
    await tasks.signal(ROOT, 'SIGUSR1');
    await tasks.signal(ROOT, 'SIGUSR2');
    t.is(kitchen.read('moved/data/records'), 'record\n');
    t.is(kitchen.read('moved/data/app.log'), 'before\nlog\n');
    t.is(tasks.readBy(ROOT, 'input').toString(), 'asked\n');
    t.false(fs.existsSync(path.join(program.directory, 'data')));
  },
});

recipeTest('One worker of several', {
  program: (lab) => lab.startProgram(compileProgram('many_tasks'), { args: ['3', '4'], fds: { 1: outside } }),
  async cook(t, kitchen) {
    const { tasks } = kitchen;
    await kitchen.run();
    t.is(kitchen.target(ROOT + 1, 1), kitchen.file('worker.log'));
    for (const pid of [ROOT, ROOT + 2]) t.is(kitchen.target(pid, 1), kitchen.file('others.log'));
    for (const pid of [ROOT, ROOT + 1, ROOT + 2]) {
      for (const fd of [10, 11, 12]) t.true(tasks.sameOpenFile(ROOT, 1, pid, fd));
    }
    await tasks.signal(ROOT + 1, 'SIGUSR1');
    t.is(kitchen.read('worker.log'), 'child 1\n');
    t.is(kitchen.read('others.log'), 'child 10\nchild 11\nchild 12\n');
    await tasks.signal(ROOT, 'SIGUSR1');
    t.is(kitchen.read('worker.log'), 'child 1\n');
    t.true(kitchen.read('others.log').endsWith('parent 1\nparent 10\nparent 11\nparent 12\n'));
  },
});

recipeTest('In a job step of Slurm', {
  needs: ['slurm'],
  program: stdio,
  async cook(t, kitchen, lab) {
    const { tasks } = kitchen;
    const slurm = await startSlurm(lab, kitchen.box, kitchen.path);
    Object.assign(kitchen.env, slurm.env);
    kitchen.prefix = slurm.prefix;
    kitchen.place = slurm.place;
    kitchen.write('input.txt', 'asked\n');
    const running = kitchen.start();
    await kitchen.restored(running);
    await tasks.signal(ROOT, 'SIGUSR2');
    await tasks.signal(ROOT, 'SIGUSR1');
    t.deepEqual(
      [0, 1, 2].map((fd) => /^pipe:/.test(kitchen.target(ROOT, fd) ?? '')),
      [true, true, true],
    );
    t.is(tasks.readBy(ROOT, 0).toString(), 'asked\n');
    await kitchen.endTree();
    await running.finish();
    t.is(kitchen.read('result.txt'), 'task 1\n');
    t.is(kitchen.read('errors.txt'), 'task 2\n');
  },
});

const MOVED_SHELL = 'Move my shell to another window';
tried.add(MOVED_SHELL);
realTest(MOVED_SHELL, async (t, lab) => {
  const [recipe] = recipes.get(MOVED_SHELL)?.blocks ?? [];
  const shell = await startShell(t, lab);
  await started(shell.window, 'sleep 1000 &\r', /\[1\] \d+\r\nready> $/);
  await started(shell.window, 'X=kept\r', /ready> $/);
  const { images } = await dump(lab, shell, await pidOf(shell));
  const directory = lab.directory();
  fs.renameSync(images, path.join(directory, 'ckpt'));
  const bin = lab.directory();
  makeCommands(bin);
  const box = await lab.box();
  const command = [
    'env',
    `PATH=${bin}:${process.env.PATH}`,
    ...LOCK,
    'sh',
    '-e',
    '-c',
    `cd ${directory}\n${recipe?.text}`,
  ];
  const window = openWindow(t, box.argv(command), directory, 40);
  await window.until(/or put --pty before the --/);
  await started(window, '\r', /ready> $/);
  await started(
    window,
    'stty size; echo $X; jobs\r',
    /\r\n40 80\r\nkept\r\n\[1\]\+\s+Running\s+sleep 1000 &\r\nready> $/,
  );
  await started(window, 'fg\r', /sleep 1000\r\n$/);
  await started(window, '\u001a', /\^Z\r\n\[1\]\+\s+Stopped\s+sleep 1000\r\nready> $/);
  await started(window, 'fg\r', /sleep 1000\r\n$/);
  await started(window, '\u0003', /\^C\r\nready> $/);
  await started(window, 'exit\r', /exit\r\n$/);
  t.is(await window.ended(), 'exit 0');
});

recipeTest('When the old pids are taken', {
  program: twoPaths,
  async cook(t, kitchen) {
    const { tasks } = kitchen;
    const running = kitchen.start();
    await kitchen.restored(running);
    const status = fs.readFileSync(`/proc/${tasks.hostPid(ROOT)}/status`, 'utf8');
    t.regex(status, /^NSpid:\t\d+\t\d+\t14716$/m, 'a namespace inside the one of the box');
    t.is(kitchen.target(ROOT, 1), kitchen.file('result.txt'));
    await tasks.signal(ROOT, 'SIGUSR1');
    t.is(kitchen.read('result.txt'), 'task 1\n');
    await kitchen.endTree();
    await running.finish();
  },
});

test('every block of the cookbook is run', (t) => {
  for (const { title, blocks } of recipes.values()) {
    t.true(tried.has(title), `no test tries the recipe "${title}"`);
    const commands = blocks.filter(({ language }) => language === 'sh').map(({ text }) => text);
    for (const { line, language, name } of blocks) {
      if (language === 'sh') continue;
      t.regex(
        name ?? '',
        FILE_NAMES[language] ?? /^(?!)/,
        `line ${line}: a block is sh, or a file whose name stands above it`,
      );
      t.true(
        commands.some((text) => text.split(/\s+/).includes(name ?? '')),
        `line ${line}: no sh block uses ${name}`,
      );
    }
  }
});
