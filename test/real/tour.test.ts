import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { makeCommands } from './support/commands';
import { type Block, readRecipes } from './support/cookbook';
import { realTest } from './support/real-test';
import { pathWith, startBlock } from './support/run-block';

/** docs/TOUR.md as it stands there: files are written, sh blocks are run, and text blocks are their outputs. */

const TOUR = path.resolve(__dirname, '../../docs/TOUR.md');
const blocks = readRecipes(TOUR).flatMap((recipe) => recipe.blocks);
/** The directory in the outputs of the tour. */
const SHOWN_DIRECTORY = '/srv/tour';

/**
 * The lines of an output without what differs from one run or machine to the next: numbers, the width of columns, and
 * notes, since the one about linked pages depends on the file system.
 */
function comparable(output: string, directory: string): string[] {
  const lines = output.replaceAll(directory, SHOWN_DIRECTORY).trimEnd().split('\n');
  return lines
    .filter((line) => !/(?:^|: )note: /.test(line))
    .map((line) => line.replace(/\b\d+(?:\.\d+)?/g, '#').replace(/ +/g, ' '));
}

/** The shown lines, with those of the output in the place of `…`. */
function filledIn(shown: readonly string[], output: readonly string[]): readonly string[] {
  const gap = shown.indexOf('…');
  if (gap < 0) return shown;
  const rest = shown.length - gap - 1;
  return [...shown.slice(0, gap), ...output.slice(gap, output.length - rest), ...shown.slice(gap + 1)];
}

function kindOf({ name, language }: Block): 'file' | 'command' | 'output' | undefined {
  if (name !== undefined) return 'file';
  return language === 'sh' ? 'command' : language === 'text' ? 'output' : undefined;
}

test('each block of the tour is a file, a command or the output of the command before it', (t) => {
  const kinds = blocks.map(kindOf);
  for (const [index, kind] of kinds.entries()) {
    t.not(kind, undefined, `line ${blocks[index]?.line}`);
    if (kind === 'output') t.is(kinds[index - 1], 'command', `line ${blocks[index]?.line}`);
  }
});

realTest('the tour', async (t, lab) => {
  const directory = lab.directory();
  const bin = lab.directory();
  makeCommands(bin);
  const box = await lab.box(14716);
  let output = '';
  for (const block of blocks) {
    const kind = kindOf(block);
    if (kind === 'file') {
      fs.writeFileSync(path.join(directory, block.name as string), block.text);
    } else if (kind === 'command') {
      output = await startBlock(lab, box, block, { directory, path: pathWith(bin) }).finish();
      if (process.env.FDGRAFT_SHOW_TOUR) console.log(`${block.text}${output.replaceAll(directory, SHOWN_DIRECTORY)}`);
    } else {
      const lines = comparable(output, directory);
      t.deepEqual(lines, filledIn(comparable(block.text, directory), lines), `line ${block.line}`);
    }
  }
  const lines = ['count.log', 'new.log'].flatMap((name) =>
    fs.readFileSync(path.join(directory, name), 'utf8').trimEnd().split('\n'),
  );
  t.deepEqual(
    lines,
    lines.map((_, index) => `line ${index + 1}`),
    'the restored program goes on where it was, in the new log',
  );
});
