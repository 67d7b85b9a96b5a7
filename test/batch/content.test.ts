import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { contentOfInput, contentOfOutput } from '../../src/batch/content';
import { SeenFiles } from '../../src/storage/seen-files';
import { countBuffers, Meter } from '../fuzz/meter';
import { smallCheckpoint, temporaryDirectory, writeCheckpoint } from '../support/directories';

/** With a buffer of 256 KiB for each image it was 10,000 and more. */
const PER_BYTE = 20;

/** How often a timer is set meanwhile, by a clock that stands still when a file has just been written. */
async function timersOf(file: string, work: () => Promise<unknown>): Promise<number> {
  const { setTimeout } = globalThis;
  const { now } = Date;
  const written = fs.statSync(file).ctimeMs;
  let count = 0;
  globalThis.setTimeout = ((...words: Parameters<typeof setTimeout>) => {
    count += 1;
    return setTimeout(...words);
  }) as typeof setTimeout;
  Date.now = () => written;
  try {
    await work();
  } finally {
    Object.assign(globalThis, { setTimeout });
    Object.assign(Date, { now });
  }
  return count;
}

test.serial('an input that was written this moment is waited for, and an output is not', async (t) => {
  const directory = writeCheckpoint(temporaryDirectory(t), smallCheckpoint());
  const file = path.join(directory, 'files.img');
  t.is(await timersOf(file, () => contentOfOutput(directory, undefined)), 0);
  t.true((await timersOf(file, () => contentOfInput(directory, new SeenFiles(), undefined))) > 0);
});

test.serial('the content of small images takes no large buffers', async (t) => {
  const directory = writeCheckpoint(temporaryDirectory(t), smallCheckpoint());
  const bytes = fs.readdirSync(directory).reduce((sum, name) => sum + fs.statSync(path.join(directory, name)).size, 0);
  countBuffers();
  const meter = new Meter();
  await contentOfOutput(directory, undefined);
  await contentOfInput(directory, new SeenFiles(), undefined);
  t.true(meter.allocated < PER_BYTE * bytes, `${meter.allocated} bytes of buffers for ${bytes}`);
});
