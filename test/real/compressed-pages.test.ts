import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { diff, explore, inspect, openSource, rewrite } from '../../src';
import { top } from '../support/command';
import { snapshot, temporaryDirectory } from '../support/directories';
import { realCritCommand } from './support/crit';
import { realCriu } from './support/criu';
import { atLeast } from './support/newer-fields';

// crit compress came with CRIU 4.3, and images of version 3 with it.

const real = realCriu();
const FIXTURE = path.join(top, 'fixtures/images/job_newer_criu');

/** Runs crit with the stand-in for the package lz4 in its path. */
function crit(...words: string[]): void {
  const [, ...argv] = realCritCommand();
  const lz4 = path.join(__dirname, 'support');
  const unset = argv.indexOf('-u');
  const args = [...argv.slice(0, unset), ...argv.slice(unset + 2)];
  const { status, stdout, stderr } = spawnSync('env', [`PYTHONPATH=${lz4}`, ...args, ...words], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`crit ${words.join(' ')}: ${stdout}${stderr}`);
}

function copies(t: ExecutionContext): { compressed: string; out: string } {
  const directory = temporaryDirectory(t);
  const compressed = path.join(directory, 'compressed');
  fs.cpSync(FIXTURE, compressed, { recursive: true });
  crit('compress', '--in-place', compressed);
  return { compressed, out: path.join(directory, 'out') };
}

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const row of rows) found.push(row);
  return found;
}

/** With a CRIU that has crit compress; of an older one, the last test says that it has not. */
function newerTest(title: string, body: (t: ExecutionContext) => Promise<void>): void {
  if (!real.available) test.skip(`${title} (${real.missing})`, (t) => t.fail());
  else if (atLeast(real.version, '4.3')) test(title, body);
}

newerTest('what crit compress makes is listed and explored as before, and compared', async (t) => {
  const { compressed } = copies(t);
  t.not(snapshot(compressed)['pages-1.img'], snapshot(FIXTURE)['pages-1.img']);
  const list = async (directory: string) => all(inspect(await openSource(directory)));
  t.deepEqual(await list(compressed), await list(FIXTURE));
  const pages = async (directory: string) => {
    const counts = new Map<bigint, bigint>();
    for (const row of await all(explore(await openSource(directory), 'rss'))) {
      if (row.kind === 'run') for (let i = 0n; i < row.pages; i += 1n) counts.set(row.address + (i << 12n), 1n);
    }
    return [...counts.keys()];
  };
  t.deepEqual(await pages(compressed), await pages(FIXTURE));
  const result = await diff(await openSource(FIXTURE), await openSource(compressed));
  t.false(result.isSame);
  result.close();
});

newerTest('it is rewritten, and crit decompress finds the pages that were dumped', async (t) => {
  const { compressed, out } = copies(t);
  const [entry] = (await all(inspect(await openSource(compressed)))).filter(({ type }) => type === 'PIPE');
  const { plan } = await rewrite(await openSource(compressed), {
    out,
    specs: [`fd[5]:${entry?.facts?.key}`],
    link: 'copy',
  });
  t.true(plan.placeholders.length > 0);
  const [before, after] = [snapshot(compressed), snapshot(out)];
  const changed = new Set([...plan.images.map(({ name }) => name), 'inherit-plan.img']);
  for (const name of Object.keys(after)) if (!changed.has(name)) t.is(after[name], before[name], name);
  crit('decompress', '--in-place', out);
  for (const name of ['pages-1.img', 'pages-2.img']) {
    t.true(fs.readFileSync(path.join(out, name)).equals(fs.readFileSync(path.join(FIXTURE, name))), name);
  }
});

if (real.available && !atLeast(real.version, '4.3')) {
  test('an older crit cannot compress', (t) => {
    t.throws(() => copies(t), { message: /invalid choice: 'compress'/ });
  });
}
