import fs from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { runCommand, top } from '../support/command';
import { compileProgram } from './support/compile';
import { realTest } from './support/real-test';
import { crit, critCountsInNewField } from './support/run-crit';

const images = path.join(top, 'fixtures/images');
const WORDS = ['ps', 'fds', 'mems', 'rss'] as const;
type Word = (typeof WORDS)[number];

/** Where crit ends with a traceback: what it has printed by then has to be what we begin with. */
const CRASHES: { [fixtureAndWord: string]: RegExp } = {
  'dead_child fds': /No such file.*ids-14717\.img/,
  'dead_child mems': /No such file.*mm-14717\.img/,
  'dead_child rss': /No such file.*mm-14717\.img/,
  // crit looks for the table that the ids image names; the inventory says that tables are by pid.
  'old_by_pid fds': /No such file.*fdinfo-2\.img/,
  'old_ids_in_core fds': /No such file.*ids-14716\.img/,
  'old_vmas mems': /KeyError: 'vmas'/,
  'old_vmas rss': /KeyError: 'vmas'/,
};
/** crit of CRIU 4.2 and newer takes the count of pages from the new field alone. */
const NO_COUNT = /KeyError: 'nr_pages'/;
/** Those whose number of pages an older crit cannot know. */
const NEWER_PAGES = ['job_newer_criu', 'net_sockets'];

/**
 * Our text in crit's words: a pipe without its colon, a mapping of a memfd without a name. FIFOs, which have a key here,
 * are left out on both sides.
 */
const asCrit = (text: string, word: Word) => {
  const pipes = text.replaceAll('pipe:[', 'pipe[');
  return word === 'fds' ? pipes : pipes.replace(/\bMEMFD\.\d+/g, 'unknown path');
};
const FIFOS: { [fixture: string]: readonly number[] } = { fifo: [5, 6, 7], many_types: [16], old_per_type: [16] };
const without = (text: string, fds: readonly number[]) =>
  text.replace(/^\t +(\d+): .*\n/gm, (line, fd) => (fds.includes(Number(fd)) ? `\t${fd}\n` : line));

async function fdgraft(directory: string, word: Word) {
  const { code, stdout, stderr } = await runCommand(['x', directory, word]);
  return { status: code, stdout, stderr };
}

async function compare(t: ExecutionContext, name: string, directory: string, word: Word, expected?: RegExp) {
  const title = `${name} ${word}`;
  const theirs = crit(directory, ['x', '.', word]);
  const ours = await fdgraft(directory, word);
  t.is(ours.status, 0, `${title}: ${ours.stderr}`);
  const fifos = word === 'fds' ? (FIFOS[name] ?? []) : [];
  const text = without(asCrit(ours.stdout, word), fifos);
  if (theirs.status === 0) {
    t.is(expected, undefined, `${title}: crit was expected to fail`);
    t.is(ours.stderr, '', title);
    t.is(text, without(theirs.stdout, fifos), title);
    return;
  }
  t.regex(theirs.stderr, expected ?? /^$/, title);
  t.true(text.startsWith(theirs.stdout), title);
  t.true(text.length > theirs.stdout.length, title);
}

realTest('every fixture is told as crit tells it', async (t) => {
  for (const name of fs.readdirSync(images).sort()) {
    const directory = path.join(images, name);
    for (const word of WORDS) {
      const isNewer = NEWER_PAGES.includes(name);
      if (word !== 'rss' || isNewer === critCountsInNewField()) {
        await compare(t, name, directory, word, CRASHES[`${name} ${word}`]);
        continue;
      }
      // Either crit cannot count these pages: the older has 0, the newer fails.
      const theirs = crit(directory, ['x', '.', word]);
      if (isNewer) t.regex(theirs.stdout, /^\t[\da-f]+ \/ 0 /m);
      else t.regex(theirs.stderr, name === 'old_vmas' ? /KeyError: 'vmas'/ : NO_COUNT, name);
      t.is((await fdgraft(directory, word)).status, 0);
    }
  }
});

for (const program of ['pipe_outside', 'forked_map'] as const) {
  realTest(`a dump of ${program} made now is told as crit tells it`, async (t, lab) => {
    const old = await lab.pipe();
    const started = await lab.startProgram(compileProgram(program), { fds: { 1: old.writeEnd } });
    const directory = await lab.dump(started);
    for (const word of WORDS) await compare(t, program, directory, word);
  });
}
