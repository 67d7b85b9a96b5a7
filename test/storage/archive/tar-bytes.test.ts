import fs from 'node:fs';
import path from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { ArchiveFile } from '../../../src/storage/archive/archive-file';
import { openTarBytes } from '../../../src/storage/archive/tar-bytes';
import { SeenFiles } from '../../../src/storage/seen-files';
import { temporaryDirectory } from '../../support/directories';

const BYTES = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 31 + (i >> 8)) & 0xff));

test('small reads and large ones, one after the other or elsewhere, give what lies there', async (t) => {
  const file = path.join(temporaryDirectory(t), 'bytes');
  fs.writeFileSync(file, BYTES);
  const step = fc.record({
    goTo: fc.option(fc.nat(BYTES.length), { nil: undefined }),
    length: fc.oneof(fc.integer({ min: 1, max: 600 }), fc.integer({ min: 1, max: 60_000 })),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const bytes = openTarBytes(await ArchiveFile.find(file, 'tar', new SeenFiles()), undefined);
      try {
        for (const { goTo, length } of steps) {
          if (goTo !== undefined) await bytes.skipTo(goTo);
          const { position } = bytes;
          const into = Buffer.alloc(length + 2);
          const got = await bytes.read(into, 1, length);
          const expected = BYTES.subarray(position, position + got);
          if (got === 0 && position < BYTES.length) return false;
          if (bytes.position !== position + got || !into.subarray(1, 1 + got).equals(expected)) return false;
          if (into[0] !== 0 || into.subarray(1 + got).some((byte) => byte !== 0)) return false;
        }
        return true;
      } finally {
        await bytes.close();
      }
    }),
  );
  t.pass();
});
