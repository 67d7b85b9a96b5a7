import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { countCalls } from '../support/at-call';
import { putCheckpoint } from '../support/batch';
import { bin } from '../support/command';
import { temporaryDirectory } from '../support/directories';
import { build } from '../support/native';

/** Power can fail at any time: what is renamed into its place is on disk before, and its new name is afterwards. */

test.before(() => void build());

const SPEC = ['--inherit-fd', 'fd[5]:pipe:[4711]'];
const WRITES = new Set(['write', 'writev', 'pwrite', 'pwritev', 'copy_file_range', 'sendfile', 'ioctl', 'ftruncate']);
const ARRIVALS = new Set(['rename', 'renameat', 'renameat2', 'link', 'linkat']);

const CASES: readonly { readonly args: readonly string[]; readonly result: string }[] = [
  { args: ['rewrite', 'ck', '-o', 'out', ...SPEC], result: 'out' },
  { args: ['rewrite', 'ck', '-o', 'out', '--link', 'copy', ...SPEC], result: 'out' },
  { args: ['rewrite', 'ck', '--in-place', ...SPEC], result: 'ck' },
  { args: ['rewrite', 'ck', '-o', 'out.tar', '--to', 'tar', ...SPEC], result: 'out.tar' },
  { args: ['rewrite', 'ck', '-o', 'out.tar.gz', '--to', 'tar.gz', ...SPEC], result: 'out.tar.gz' },
  { args: ['rewrite', 'ck', '--dry-run', '--save-plan', 'plan.json', ...SPEC], result: 'plan.json' },
  { args: ['decode', 'ck', '-o', 'json'], result: 'json' },
  { args: ['decode', 'ck/files.img', '-o', 'files.json'], result: 'files.json' },
  { args: ['diff', 'ck', 'ck', '--format', 'html', '-o', 'page.html'], result: 'page.html' },
];

for (const { args, result } of CASES) {
  test(args.join(' '), async (t) => {
    const directory = fs.realpathSync(temporaryDirectory(t));
    putCheckpoint(path.join(directory, 'ck'));
    const command = ['sh', '-c', 'cd "$0" && exec "$@"', directory, process.execPath, bin, ...args] as const;
    const { calls, code, stderr } = await countCalls(directory, command);
    t.is(code, 0, stderr);
    const trace = calls.map((call, at) => {
      const space = call.indexOf(' ');
      return { at, name: call.slice(0, space), file: call.slice(space + 1) };
    });
    // An exchange has the two names in any order.
    const isResult = (name: string, file: string) => name === 'renameat2' || file === path.join(directory, result);
    const arrival = trace.find(({ name, file }) => ARRIVALS.has(name) && isResult(name, file));
    if (arrival === undefined) return t.fail(`nothing arrives: ${calls.join('\n')}`);
    const isFlushed = (file: string, from: number, to: number) =>
      trace.some(
        ({ at, name, file: flushed }) =>
          at > from && at < to && (name === 'syncfs' || (name === 'fsync' && flushed === file)),
      );
    // What an exchange notes for the next run is of use to one after a kill alone.
    const isNote = (file: string) => path.basename(file) === 'expected';
    const written = trace.filter(({ at, name, file }) => at < arrival.at && WRITES.has(name) && !isNote(file));
    t.true(written.length > 0);
    for (const { at, name, file } of written) t.true(isFlushed(file, at, arrival.at), `${name} ${file} is not flushed`);
    t.true(isFlushed(directory, arrival.at, calls.length), 'the name is not flushed');
  });
}
