// Dumps the fixture programs with a real CRIU into fixtures/images.
//
//   node tools/make-fixtures.js [NAME…]     all of them unless named
//
// Programs run without environment in a directory with a neutral name, so that nothing of the machine that made them
// gets into the images; test/fixtures.test.ts looks for it all the same. Pages and ids are as CRIU wrote them.
// What is converted from a fixture (tools/convert-fixtures.js) is converted anew.

require('./register-typescript');
const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { compileProgram } = require('../test/real/support/compile');
const { Lab } = require('../test/real/support/lab');
const { PtyHolder } = require('../test/real/support/pty-holder');
const { convertedFrom, convertFixture } = require('./convert-fixtures');

const IMAGES = path.resolve(__dirname, '../fixtures/images');
const HOME = '/srv/fdgraft';
// The cgroups of a task are those of whoever runs this, and no descriptor depends on them.
const DUMP = ['--manage-cgroups=ignore'];

const FIXTURES = {
  pipe_outside: { fds: { 1: 'pipe-write' } },
  two_logs: {},
  two_paths: { fds: { 1: 'pipe-write' } },
  unread_pipe: { fds: { 0: 'pipe-read' }, unread: 21 },
  unread_pipe_64k: { program: 'unread_pipe', fds: { 0: 'pipe-read' }, unread: 1 << 16 },
  shared_table: { fds: { 1: 'pipe-write' } },
  forked_map: {},
  locked_log: { dump: ['--file-locks'] },
  deleted_logs: { dump: ['--link-remap'] },
  owned_pipe: { fds: { 1: 'pipe-write' } },
  dead_child: { fds: { 1: 'pipe-write' } },
  scm_rights: { fds: { 1: 'pipe-write' } },
  many_types: {},
  two_maps: {},
  own_executable: {},
  mapped_segment: {},
  scm_receive: { fds: { 1: 'pipe-write' }, args: ['map'] },
  watched_pipe: { fds: { 0: 'pipe-read' } },
  threads: { fds: { 1: 'pipe-write' } },
  many_tasks: { fds: { 1: 'pipe-write' }, args: ['3', '4'] },
  many_opens: { args: ['12'] },
  inner_pipe: { fds: { 1: 'pipe-write' } },
  fifo: {},
  memfds: {},
  net_sockets: { suite: 'sid' },
  server: {},
  pidfd: {},
  terminal: { terminals: 1, dump: ['--shell-job'] },
  terminal_current: { program: 'terminal', terminals: 1, args: ['own'], dump: ['--shell-job'] },
  two_sessions: { terminals: 2 },
  server_waiting: { program: 'server', args: ['waiting'] },
  namespaces: { program: 'two_paths', fds: { 1: 'pipe-write' }, namespaces: ['user', 'pid', 'mount'] },
  // One process tree, dumped as it goes on.
  job: {
    fds: { 1: 'pipe-write' },
    series: [
      { fixture: 'job' },
      { fixture: 'job_later', signal: 'SIGUSR1' },
      { fixture: 'job_newer_criu', suite: 'experimental' },
      { fixture: 'job_lost_worker', signal: 'SIGUSR2' },
    ],
  },
};

/** The code that the kernel maps into every task can name the kernel's build and where it was built: blank that. */
function blankKernelBuild(hostPid) {
  const line = /^([0-9a-f]+)-([0-9a-f]+) .*\[vdso\]$/m.exec(fs.readFileSync(`/proc/${hostPid}/maps`, 'utf8'));
  if (!line) return;
  const start = Number.parseInt(line[1], 16);
  const code = Buffer.alloc(Number.parseInt(line[2], 16) - start);
  const memory = fs.openSync(`/proc/${hostPid}/mem`, 'r+');
  try {
    fs.readSync(memory, code, 0, code.length, start);
    for (const { 0: text, index } of code
      .toString('latin1')
      .matchAll(/\/[\w.+-]+\/[\x20-\x7e]+|\d+\.\d+\.\d+[\w.+-]*/g)) {
      fs.writeSync(memory, Buffer.alloc(text.length), 0, text.length, start + index);
    }
  } finally {
    fs.closeSync(memory);
  }
}

/** CRIU's key of a terminal. */
function deviceOf({ name }) {
  const { rdev, dev } = fs.statSync(name);
  return `tty[${rdev.toString(16)}:${dev.toString(16)}]`;
}

/** Dumps a program with the criu of a lab, as the fixture of that name. */
async function dumpInto(fixture, lab, program, extraArgs) {
  const made = await lab.dump(program, { extraArgs: [...DUMP, ...extraArgs] });
  const target = path.join(IMAGES, fixture);
  fs.rmSync(target, { recursive: true, force: true });
  fs.mkdirSync(target, { recursive: true });
  for (const image of fs.readdirSync(made).filter((entry) => entry.endsWith('.img'))) {
    fs.copyFileSync(path.join(made, image), path.join(target, image));
    fs.chmodSync(path.join(target, image), 0o644);
  }
}

async function make(name) {
  const { program: source = name, suite, unread, terminals = 0, series, ...options } = FIXTURES[name];
  // The directory stays the same, and so do the paths in the images.
  fs.mkdirSync(HOME);
  // A mount namespace is dumped with the device and options of its root: those of the disk stay out so.
  if (options.namespaces) execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=755', 'fdgraft', HOME]);
  const lab = new Lab(undefined, suite);
  try {
    const holders = [];
    for (let i = 0; i < terminals; i++) holders.push(await PtyHolder.open(lab));
    const args = [...holders.map((holder) => holder.name), ...(options.args ?? [])];
    // CRIU takes more than one terminal of others by their devices alone.
    const external = terminals > 1 ? holders.flatMap((holder) => ['--external', deviceOf(holder)]) : [];
    const dump = [...(options.dump ?? []), ...external];
    const program = await lab.startProgram(compileProgram(source), { ...options, args, directory: HOME });
    for (const [fd, kind] of Object.entries(options.fds ?? {})) {
      if (!kind.startsWith('pipe-')) continue;
      const pipe = lab.pipeOf(program, Number(fd));
      if (unread) pipe.fill(Buffer.alloc(unread, 'not read yet, '));
    }
    for (const hostPid of program.tasks.pids().values()) blankKernelBuild(hostPid);
    for (const [i, one] of (series ?? [{ fixture: name, suite }]).entries()) {
      if (one.signal) await program.tasks.signal(program.pid, one.signal);
      const isLast = i === (series?.length ?? 1) - 1;
      const dumper = one.suite === suite ? lab : new Lab(undefined, one.suite);
      try {
        await dumpInto(one.fixture, dumper, program, [...dump, ...(isLast ? [] : ['--leave-running'])]);
      } finally {
        if (dumper !== lab) await dumper.end();
      }
    }
  } finally {
    await lab.end();
    if (options.namespaces) execFileSync('umount', [HOME]);
    fs.rmSync(HOME, { recursive: true, force: true });
  }
}

async function main(names) {
  const unknown = names.find((name) => !Object.hasOwn(FIXTURES, name));
  if (unknown) throw new Error(`no fixture is called ${unknown}: there are ${Object.keys(FIXTURES).join(', ')}`);
  if (fs.existsSync(HOME)) throw new Error(`${HOME} is there already, and the programs run in it: move it away first`);
  // The numbers of terminals begin at 0.
  execFileSync('mount', ['-t', 'devpts', '-o', 'newinstance,ptmxmode=0666', 'devpts', '/dev/pts']);
  for (const name of names.length > 0 ? names : Object.keys(FIXTURES)) {
    await make(name);
    process.stdout.write(`${name}\n`);
    for (const converted of convertedFrom(name)) convertFixture(converted);
  }
}

const [first, ...rest] = process.argv.slice(2);
if (first === '--inside') {
  main(rest).catch((error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  });
} else {
  // In a mount namespace of its own, so that no mount outlives it.
  const args = ['-m', process.execPath, __filename, '--inside', ...process.argv.slice(2)];
  process.exitCode = spawnSync('unshare', args, { stdio: 'inherit' }).status ?? 1;
}
