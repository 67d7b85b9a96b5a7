// npm start: the main job, step by step, on a checkpoint that is shipped in fixtures/.

const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { buildIfStale } = require('./build');
const { runMain, top } = require('./ensure');

const SOURCE = 'fixtures/images/two_paths';
const bin = path.join(top, 'dist/cli/bin.js');
const say = (text) => console.log(`\n${text}`);

/** Shows a command the way a user would type it, and runs it. */
function show(shown, command, args) {
  console.log(`\n  $ ${shown}`);
  const { status, stdout } = spawnSync(command, args, {
    cwd: top,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  console.log(stdout.trimEnd().replace(/^/gm, '    '));
  return status;
}

function quote(word) {
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function fdgraft(...args) {
  const status = show(['fdgraft', ...args].map(quote).join(' '), process.execPath, [bin, ...args]);
  if (status !== 0) throw new Error(`fdgraft ${args[0]} ended with ${status}`);
}

/** The keys of the program's pipe and of its two logs. */
function findKeys() {
  const listed = JSON.parse(
    execFileSync(process.execPath, [bin, 'ls', SOURCE, '--json'], { cwd: top, encoding: 'utf8' }),
  );
  const keyLike = (pattern) => listed.entries.map(({ key }) => key).find((key) => pattern.test(key ?? ''));
  return [keyLike(/^pipe:/), keyLike(/out\.log$/), keyLike(/err\.log$/)];
}

async function main() {
  await buildIfStale();
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'fdgraft-start-'));
  try {
    const out = path.join(work, 'out');
    const [pipe, outLog, errLog] = findKeys();

    say(
      `1. ${SOURCE} is what CRIU dumped of a program with a pipe to the outside and two logs.\n   What can it inherit?`,
    );
    fdgraft('ls', SOURCE);

    say('2. The pipe is to come from our fd 5, the logs from our fds 7 and 8.');
    const specs = [`fd[5]:${pipe}`, `fd[7]:${outLog}`, `fd[8]:${errLog}`];
    fdgraft('rewrite', SOURCE, '-o', out, ...specs.flatMap((spec) => ['--inherit-fd', spec]));

    say('3. What the rewrite changed, by its files and by what it means: nothing that its plan does not explain.');
    show(`diff -rq ${SOURCE} ${out}`, 'diff', ['-rq', SOURCE, out]);
    fdgraft('diff', SOURCE, out, '--plan', out);

    say(
      '4. The executor gives a command the descriptors that the restored task would get: 1 is our 5 (a pipe to cat),\n   5 and 7 are our 7, 6 is our 8.',
    );
    const exec = path.join(top, 'native/build/fdgraft-exec');
    const command = (program, directory) =>
      `${program} --plan ${directory}/out --task 14716 -- ls -l /proc/self/fd 5>&1 7>>${directory}/new-out.log 8<>${directory}/new-err.log | cat`;
    const status = show(command('native/build/fdgraft-exec', work), 'bash', [
      '-o',
      'pipefail',
      '-c',
      command(exec, work),
    ]);
    if (status !== 0) throw new Error(`fdgraft-exec ended with ${status}`);

    say(
      'A real restore runs criu in its place:\n\n  $ fdgraft-exec --plan OUT -- criu restore -D OUT 5>… 7>>… 8<>…\n\n`npm test` does that with a real CRIU.',
    );
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

runMain(main);
