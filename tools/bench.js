// npm run bench [-- --runs N]: the budgets, as ratios within one run. Nothing fails on a time.

const fs = require('node:fs');
const path = require('node:path');
const { build } = require('./build');
const { runMain, top } = require('./ensure');

const data = path.join(top, 'bench', 'data');
const bin = path.join(top, 'dist', 'cli', 'bin.js');

function ratio(a, b) {
  return (a / b).toFixed(2);
}

/** One rewrite beside a copy of the same folder, both to the disk. */
function benchRewrite({ compare, remove }, { makeFolder, NAMED_PATH }, entries, tables, runs) {
  const source = path.join(data, `entries-${entries}`);
  const out = path.join(data, 'out');
  console.log(`making ${entries.toLocaleString('en')} entries in ${tables} tables (kept in bench/data)`);
  fs.mkdirSync(data, { recursive: true });
  makeFolder(source, entries, tables);
  const copy = ['sh', '-c', 'cp -r "$1" "$2" && sync -f "$2"', 'sh', source, out];
  const specs = ['--inherit-fd', `fd[5]:${NAMED_PATH}`];
  const rewrite = [process.execPath, bin, 'rewrite', source, '-o', out, '--quiet', ...specs];
  const [copied, rewritten] = compare([copy, rewrite], runs, () => remove(out));
  remove(out);
  console.log(
    `  rewrite, 904 placeholders: ${ratio(rewritten.best, copied.best)} × cp -r and sync -f (budget 2), ` +
      `${rewritten.best.toFixed(2)} s and ${copied.best.toFixed(2)} s; ${rewritten.peak.toFixed(0)} MiB resident (budget 128)`,
  );
  return rewritten;
}

/** The list of a large folder, which is streamed. */
function benchList({ compare }, entries, runs) {
  const source = path.join(data, `entries-${entries}`);
  const [listed] = compare([[process.execPath, bin, 'ls', source]], runs);
  console.log(`  ls: ${listed.best.toFixed(2)} s, ${listed.peak.toFixed(0)} MiB resident (budget 128)`);
}

/** A command on a folder of a few files, beside a node process that does nothing. */
function benchStartUp({ compare }, runs) {
  const ls = [process.execPath, bin, 'ls', path.join(top, 'fixtures', 'images', 'pipe_outside')];
  const [nothing, listed] = compare([[process.execPath, '-e', ''], ls], runs);
  console.log(`  ls of a small dump: ${ratio(listed.best, nothing.best)} × an empty node process (budget 2)`);
}

function main(args) {
  build();
  const runs = args[0] === '--runs' ? Number(args[1]) : 7;
  const measure = require('../bench/measure');
  const maker = require('../bench/make-folder');
  console.log('start-up');
  benchStartUp(measure, 3 * runs);
  const small = benchRewrite(measure, maker, 100_000, 200, runs);
  const large = benchRewrite(measure, maker, 1_000_000, 2_000, runs);
  benchList(measure, 1_000_000, Math.min(runs, 3));
  console.log(
    `ten times the entries: time × ${ratio(large.best, small.best)} (budget 10), ` +
      `resident × ${ratio(large.peak, small.peak)} (budget 1.10)`,
  );
}

runMain(() => main(process.argv.slice(2)));
