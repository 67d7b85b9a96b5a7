import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { copyPackage } from '../support/command';
import { callerFile } from './support/caller-file';
import { compileProgram } from './support/compile';
import type { Lab, Program } from './support/lab';
import { copyCriu } from './support/other-users-criu';
import { realTest } from './support/real-test';
import { standing } from './support/standing';

/**
 * The rows of docs/PRIVILEGES.md on `fdgraft.so` and `fdgraft restore`: with the fewest rights with which `criu
 * restore` itself succeeds, so do they.
 */

/**
 * CAP_CHECKPOINT_RESTORE is the least that CRIU takes, by --unprivileged. CRIU also takes the capabilities from the
 * bounding set again that the task did not have there, which CAP_SETPCAP allows.
 */
const FEW = '-all,+checkpoint_restore,+setpcap';
const UNPRIVILEGED = ['--unprivileged'];
/** Not 65534, which stands for every user that a user namespace does not know. */
const USER = 1234;

interface Who {
  readonly title: string;
  readonly uid: number;
  readonly as: readonly string[];
}

const WHO: readonly Who[] = [
  {
    title: 'root with two capabilities',
    uid: 0,
    as: ['setpriv', `--bounding-set=${FEW}`, `--inh-caps=${FEW}`, '--no-new-privs', '--'],
  },
  {
    title: 'another user with two capabilities',
    uid: USER,
    as: [
      'setpriv',
      `--reuid=${USER}`,
      `--regid=${USER}`,
      '--clear-groups',
      `--bounding-set=${FEW}`,
      `--inh-caps=${FEW}`,
      `--ambient-caps=${FEW}`,
      '--no-new-privs',
      '--',
    ],
  },
];

interface Scene {
  readonly who: Who;
  readonly program: Program;
  readonly dump: string;
  readonly env: NodeJS.ProcessEnv;
  readonly criu: readonly string[];
  /** The command, and the executor beside it. */
  readonly fdgraft: readonly string[];
  readonly executor: string;
}

/** A directory of that user. */
function directoryOf(lab: Lab, uid: number): string {
  const directory = lab.directory();
  fs.chownSync(directory, uid, uid);
  return directory;
}

/** A program of that user, dumped by that user. */
async function prepare(lab: Lab, who: Who): Promise<Scene> {
  const bin = copyCommands(lab);
  const program = await lab.startProgram(compileProgram('two_logs'), {
    as: who.as,
    directory: directoryOf(lab, who.uid),
  });
  const { criu } = bin;
  const dir = directoryOf(lab, who.uid);
  const dump = await lab.dump(program, { dir, prefix: who.as, command: criu, extraArgs: UNPRIVILEGED });
  const env = {
    ...process.env,
    PATH: `${bin.directory}:${process.env.PATH}`,
    XDG_RUNTIME_DIR: directoryOf(lab, who.uid),
  };
  return { who, program, dump, env, ...bin };
}

/** The command, the executor and criu where every user may run them. */
function copyCommands(lab: Lab) {
  const directory = lab.directory();
  const criu = copyCriu(lab.directory());
  fs.writeFileSync(path.join(directory, 'criu'), `#!/bin/sh\nexec ${criu.join(' ')} "$@"\n`, { mode: 0o755 });
  fs.chmodSync(directory, 0o755);
  const bin = copyPackage(lab.directory());
  const executor = path.join(path.dirname(bin), '../../native/build/fdgraft-exec');
  return { directory, criu, fdgraft: [process.execPath, bin], executor };
}

/** What the restored task writes arrives in the caller's file, through both of its descriptors. */
async function checkRestored(
  t: ExecutionContext,
  lab: Lab,
  { who, program, env }: Scene,
  [images, command, prefix, extraArgs]: [string, readonly string[], readonly string[], readonly string[]],
): Promise<void> {
  const file = callerFile(lab, 'a');
  // Opened by one who may; whoever restores opens it again for the second descriptor.
  fs.chownSync(file.file, who.uid, who.uid);
  fs.chmodSync(path.dirname(file.file), 0o755);
  const restored = await lab.restore(images, {
    prefix: [...who.as, ...prefix],
    command,
    env,
    callerFds: { 7: file.fd },
    extraArgs: [...UNPRIVILEGED, ...extraArgs],
  });
  await restored.tasks.signal(program.pid, 'SIGUSR1');
  t.is(file.text(), 'task 5\ntask 6\n');
  await restored.end();
  t.true(fs.existsSync(path.join(images, 'restore.log')));
  // That of root is shared with other tests.
  if (who.uid === USER) t.deepEqual(standing(path.join(env.XDG_RUNTIME_DIR as string, 'fdgraft')), []);
}

for (const who of WHO) {
  realTest(`${who.title}: fdgraft-exec, the plugin in criu, and fdgraft restore`, async (t, lab) => {
    const scene = await prepare(lab, who);
    const { program, dump, criu, fdgraft, executor } = scene;
    const spec = ['--inherit-fd', `fd[7]:${program.directory.slice(1)}/log`];

    const out = path.join(directoryOf(lab, who.uid), 'out');
    const [first, ...words] = [...who.as, ...fdgraft, 'rewrite', dump, '-o', out, ...spec] as [string, ...string[]];
    const rewritten = spawnSync(first, words, { encoding: 'utf8', cwd: '/' });
    t.is(rewritten.status, 0, rewritten.stderr);
    await checkRestored(t, lab, scene, [out, criu, [executor, '--plan', out, '--'], []]);
    await checkRestored(t, lab, scene, [dump, fdgraft, [], spec]);
  });
}
