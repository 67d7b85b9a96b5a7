import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import { openSource } from '../../src';
import { smallCheckpoint, temporaryDirectory, writeCheckpoint } from '../support/directories';

/** Two passes with another run's hard link between them, which comes and goes. */
async function readTwice(t: Parameters<typeof temporaryDirectory>[0], name: string): Promise<void> {
  const directory = writeCheckpoint(temporaryDirectory(t), smallCheckpoint());
  const file = path.join(directory, name);
  if (!fs.existsSync(file)) fs.writeFileSync(file, Buffer.alloc(4096, 1));
  const source = await openSource(directory);
  try {
    for (let pass = 0; pass < 2; pass += 1) {
      for await (const member of source.members()) {
        if (member.name.toString() !== name) continue;
        const reader = await member.open();
        await reader.read(Buffer.alloc(16), 0, 16);
        await reader.close();
      }
      const link = path.join(temporaryDirectory(t), 'link');
      fs.linkSync(file, link);
      fs.rmSync(link);
    }
  } finally {
    await source.close();
  }
}

test('pages that others link to meanwhile are the same pages', async (t) => {
  await t.notThrowsAsync(readTwice(t, 'pages-1.img'));
});

test('any other image has to keep the time of its last change', async (t) => {
  await t.throwsAsync(readTwice(t, 'files.img'), { message: /files\.img was changed/ });
});
