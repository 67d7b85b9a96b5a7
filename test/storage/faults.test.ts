import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { type Counted, countCalls, type ErrorName, failAt } from '../support/at-call';
import { putCheckpoint } from '../support/batch';
import { bin } from '../support/command';
import { atDepth, numbersTo } from '../support/depth';
import { fileEntry, pipeEntry, smallCheckpoint, snapshot, temporaryDirectory } from '../support/directories';
import { build } from '../support/native';

/** Each call of a command that concerns its directories fails once: nothing is lost, and nothing half-written stays. */

const ERRORS: readonly ErrorName[] = ['EIO', 'ENOSPC', 'EACCES', 'EMFILE', 'ENOMEM', 'EINTR'];
/** So many calls of a command fail, spread over all of them. */
const POINTS = atDepth(8, 50);
const TIMEOUT_MS = 1_800_000;
const SPEC = ['--inherit-fd', 'fd[5]:pipe:[4711]'];

test.before(() => void build());

interface Case {
  /** Its words; paths are relative to the directory that `arrange` fills, and in which it runs. */
  readonly args: readonly string[];
  readonly arrange: (directory: string) => void;
}

function checkpoint(directory: string): void {
  const images = { ...smallCheckpoint(), 'files.img': [pipeEntry(2, 4711, 1), fileEntry(3, '/var/log/app.log', 1)] };
  const source = path.join(directory, 'ck');
  putCheckpoint(source, images);
  fs.mkdirSync(path.join(source, 'deep'));
  fs.writeFileSync(path.join(source, 'deep/raw'), 'raw');
  fs.symlinkSync('raw', path.join(source, 'deep/link'));
  // An archive of it has the times.
  for (const name of ['', ...fs.readdirSync(source, { recursive: true, encoding: 'utf8' })])
    fs.lutimesSync(path.join(source, name), 1e9, 1e9);
}

function archive(directory: string): void {
  checkpoint(directory);
  execFileSync('tar', ['-C', directory, '-cf', path.join(directory, 'ck.tar'), 'ck']);
  fs.rmSync(path.join(directory, 'ck'), { recursive: true });
}

function forBatch(directory: string): void {
  checkpoint(directory);
  fs.mkdirSync(path.join(directory, 'out'));
}

function two(directory: string): void {
  checkpoint(directory);
  putCheckpoint(path.join(directory, 'other'), smallCheckpoint());
}

const CASES: readonly Case[] = [
  { args: ['rewrite', 'ck', '-o', 'out', ...SPEC], arrange: checkpoint },
  { args: ['rewrite', 'ck', '-o', 'out', '--link', 'copy', '--save-plan', 'plan.json', ...SPEC], arrange: checkpoint },
  { args: ['rewrite', 'ck', '--in-place', ...SPEC], arrange: checkpoint },
  { args: ['rewrite', 'ck', '-o', 'out.tar.gz', '--to', 'tar.gz', ...SPEC], arrange: checkpoint },
  { args: ['rewrite', 'ck.tar', '-o', 'out', '--to', 'dir', ...SPEC], arrange: archive },
  { args: ['rewrite', 'ck.tar', '--in-place', ...SPEC], arrange: archive },
  { args: ['decode', 'ck', '-o', 'json'], arrange: checkpoint },
  { args: ['decode', 'ck/files.img', '-o', 'files.json'], arrange: checkpoint },
  { args: ['batch', 'rewrite', 'ck', '-o', 'out', '--jobs', '1', ...SPEC], arrange: forBatch },
  { args: ['ls', 'ck'], arrange: checkpoint },
  { args: ['diff', 'ck', 'other'], arrange: two },
];

type Picture = { readonly [name: string]: string };

/** All that is in a directory: modes and contents of files, and the names of all else. */
function picture(directory: string): Picture {
  const files = snapshot(directory);
  const names = fs.readdirSync(directory, { recursive: true, encoding: 'utf8' });
  return Object.fromEntries(names.sort().map((name) => [name, files[name] ?? 'no file']));
}

/** Working directories that fdgraft says are left. */
const WORK = /(^|\/)\.[^/]*\.fdgraft-/;
const isSame = (a: Picture, b: Picture) => JSON.stringify(a) === JSON.stringify(b);
/** What a batch notes for itself is of no use without its outputs, and neither is the directory that they are in. */
const ofBatch = /^out\/\.fdgraft-batch($|\/)/;
const results = (all: Picture) =>
  Object.fromEntries(Object.entries(all).filter(([name]) => !WORK.test(name) && !ofBatch.test(name)));

/** What is wrong with how a command ended whose call failed; undefined where nothing is. */
function fault(ended: Counted, undisturbed: Counted, [before, after, now]: readonly [Picture, Picture, Picture]) {
  const { code, stdout, stderr } = ended;
  const [isBefore, isAfter] = [isSame(results(now), before), isSame(results(now), after)];
  if (Object.keys(now).some((name) => WORK.test(name)) && !/was left|could not be removed/.test(stderr))
    return 'a working directory is left, and nobody is told';
  if (code === undisturbed.code) {
    if (!isAfter) return 'it is not done';
    return stdout === undisturbed.stdout ? undefined : 'it says something else';
  }
  if (code !== 2) return `it ended with ${code ?? ended.signal}`;
  if (/^ {4}at |unforeseen/m.test(stderr)) return 'the message does not say what failed';
  if (isBefore) return undefined;
  return isAfter && /is written whole|is complete|: failed: /.test(stderr) ? undefined : 'something is half done';
}

for (const { args, arrange } of CASES) {
  test(`${args.join(' ')}: whichever call fails, all is as before or done`, async (t) => {
    t.timeout(TIMEOUT_MS);
    const all = fs.realpathSync(temporaryDirectory(t));
    const command = ['sh', '-c', 'cd "$0" && exec "$@"'] as const;
    const place = (name: string) => {
      const directory = path.join(all, name);
      fs.mkdirSync(directory);
      arrange(directory);
      return directory;
    };
    const run = (directory: string) => [...command, directory, process.execPath, bin, ...args] as const;
    const first = place('undisturbed');
    const before = picture(first);
    const undisturbed = await countCalls(first, run(first));
    t.true(undisturbed.code === 0 || args[0] === 'diff', undisturbed.stderr);
    const after = results(picture(first));
    t.true(undisturbed.calls.length >= 10);
    const wrong: string[] = [];
    for (const n of numbersTo(undisturbed.calls.length, POINTS)) {
      const error = ERRORS[n % ERRORS.length] as ErrorName;
      const directory = place(String(n));
      const ended = await failAt(n, error, directory, run(directory));
      const found = fault(ended, undisturbed, [before, after, picture(directory)]);
      const call = ended.calls[n - 1]?.replace(directory, '');
      if (found !== undefined) wrong.push(`call ${n}, ${call}: ${error}: ${found}: ${ended.code} ${ended.stderr}`);
      fs.rmSync(directory, { recursive: true });
    }
    t.deepEqual(wrong, []);
  });
}
