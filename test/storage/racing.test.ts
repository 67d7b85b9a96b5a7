import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { putCheckpoint } from '../support/batch';
import { command } from '../support/command';
import { atDepth } from '../support/depth';
import { fileEntry, pipeEntry, smallCheckpoint, temporaryDirectory } from '../support/directories';
import { encodeImage } from '../support/images';
import { asOther, OTHER, twoUsersTest } from '../support/other-user';

/** Root works in a directory that everyone may write to, and another user renames and replaces what is there all the time. */

const SECRET = '/the/secret/of/root';
const SPEC = 'fd[5]:pipe:[4711]';
const racer = fs.readFileSync(path.join(__dirname, '../support/racer.js'), 'utf8');

/** All that lies below a directory: kind, mode, owner and content. */
function everything(place: string, found: string[] = [], name = '.'): string[] {
  const { mode, uid, gid, mtimeMs } = fs.lstatSync(place);
  const content = fs.lstatSync(place).isFile() ? fs.readFileSync(place, 'latin1') : '';
  found.push([name, mode.toString(8), uid, gid, mtimeMs, content].join(' '));
  if (fs.lstatSync(place).isDirectory())
    for (const below of fs.readdirSync(place).sort()) everything(path.join(place, below), found, `${name}/${below}`);
  return found;
}

/** Files below a directory that hold the secret and that the other user may read. */
function leaks(place: string): string[] {
  const stats = fs.lstatSync(place, { throwIfNoEntry: false });
  if (stats?.isDirectory() === true) return fs.readdirSync(place).flatMap((name) => leaks(path.join(place, name)));
  if (stats?.isFile() !== true) return [];
  const isTheirs = stats.uid === OTHER || stats.gid === OTHER || (stats.mode & 0o004) !== 0;
  return isTheirs && fs.readFileSync(place).includes(SECRET) ? [place] : [];
}

function arrange(t: ExecutionContext, mode: number) {
  const top = fs.realpathSync(temporaryDirectory(t));
  fs.chmodSync(top, 0o777);
  const [shared, canary] = [path.join(top, 'shared'), path.join(top, 'canary')];
  fs.mkdirSync(path.join(canary, 'below'), { recursive: true, mode: 0o700 });
  fs.writeFileSync(path.join(canary, 'below/file'), SECRET, { mode: 0o600 });
  const entries = [...(smallCheckpoint()['files.img'] as object[]), fileEntry(9, SECRET, 0), pipeEntry(10, 4712, 1)];
  fs.writeFileSync(path.join(canary, 'files.img'), encodeImage('files.img', entries as never), { mode: 0o600 });
  // Root keeps its own directory beside the one of the race, where nobody else may rename.
  fs.chmodSync(canary, 0o700);
  fs.mkdirSync(shared);
  fs.chmodSync(shared, mode);
  // The owner of a sticky directory may rename what is in it, as everyone may in another one.
  if ((mode & 0o1000) === 0) fs.chownSync(shared, OTHER, OTHER);
  return { top, shared, canary };
}

/** The checkpoint of the other user, as it was before the race. */
function putTheirs(shared: string): void {
  for (const name of fs.readdirSync(shared)) fs.rmSync(path.join(shared, name), { recursive: true, force: true });
  const ck = path.join(shared, 'ck');
  putCheckpoint(ck);
  for (const name of ['.', ...fs.readdirSync(ck)]) fs.chownSync(path.join(ck, name), OTHER, OTHER);
}

async function startRacer(t: ExecutionContext, shared: string, canary: string, seed: number): Promise<ChildProcess> {
  const [program, ...words] = [...asOther, process.execPath, '-e', racer, shared, canary, String(seed)] as [
    string,
    ...string[],
  ];
  const child = spawn(program, words, { stdio: ['ignore', 'pipe', 'inherit'], cwd: '/' });
  t.teardown(() => child.kill('SIGKILL'));
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('close', () => reject(new Error('the racer ended')));
  });
  child.removeAllListeners('close');
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGKILL');
  await ended;
}

const LINES: readonly (readonly string[])[] = [
  ['rewrite', 'shared/ck', '-o', 'shared/out', '--inherit-fd', SPEC],
  ['rewrite', 'shared/ck', '--in-place', '--inherit-fd', SPEC],
  [
    'rewrite',
    'shared/ck',
    '-o',
    'shared/out.tar',
    '--to',
    'tar',
    '--inherit-fd',
    SPEC,
    '--save-plan',
    'shared/plan.json',
  ],
  ['decode', 'shared/ck/files.img', '-o', 'shared/files.json'],
  ['decode', 'shared/ck', '-o', 'shared/json'],
  ['batch', 'ls', 'shared/ck', '--base', 'shared', '--out', 'shared/lists'],
];

const ROUNDS = atDepth(1, 15);

for (const [title, mode] of [
  ['sticky', 0o1777],
  ['open to all', 0o777],
] as const) {
  twoUsersTest(`in a directory that is ${title}, nothing is changed or shown but what was asked for`, async (t) => {
    const { top, shared, canary } = arrange(t, mode);
    const before = everything(canary);
    const ended = new Map<number | null, number>();
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [i, words] of LINES.entries()) {
        putTheirs(shared);
        const seed = 1 + round * LINES.length + i;
        const child = await startRacer(t, shared, canary, seed);
        const told = `${words.join(' ')}, seed ${seed}`;
        const [program, ...rest] = [...command, ...words] as [string, ...string[]];
        const { status, stderr } = spawnSync(program, rest, { cwd: top, encoding: 'utf8', timeout: 120_000 });
        await stop(child);
        // The directory itself may be aside.
        fs.rmSync(`${shared}~~`, { recursive: true, force: true });
        if (fs.existsSync(`${shared}~`)) {
          fs.rmSync(shared, { recursive: true, force: true });
          fs.renameSync(`${shared}~`, shared);
        }
        t.true([0, 1, 2].includes(status ?? -1), `${told}: ${status} ${stderr}`);
        t.notRegex(stderr, /^ +at /m, told);
        t.deepEqual(everything(canary), before, told);
        t.deepEqual(leaks(shared), [], told);
        t.deepEqual(fs.readdirSync(top).sort(), ['canary', 'shared'], told);
        ended.set(status, (ended.get(status) ?? 0) + 1);
      }
    }
    t.log([...ended].map(([status, count]) => `${count} ended with ${status}`).join(', '));
  });
}
