import fs from 'node:fs';
import path from 'node:path';
import type { Writable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { temporaryDirectory } from '../support/directories';
import { encodeMessage, imageOf, uint32 } from '../support/images';
import { measured, type Ran } from '../support/measured';
import { headOf } from '../support/random-images';

/** Resident memory of a run that reads a few bytes is some 60 MiB; this leaves room for garbage, and for no extra. */
const MOST_KIB = 160 << 10;
const GIB = 2 ** 30;

const record = (bytes: Buffer) => Buffer.concat([uint32(bytes.length), bytes]);
const pipe = (bytes: number) => record(encodeMessage('pipe_data_entry', { pipe_id: 1, bytes }));

/** Writes `count` times the same chunk, as fast as it is taken. */
async function feed(into: Writable, before: Uint8Array, chunk: Uint8Array, count: number, behind: Uint8Array) {
  into.on('error', () => {});
  const write = (bytes: Uint8Array) => {
    if (into.write(bytes)) return undefined;
    return new Promise<void>((resolve) => {
      const go = () => {
        into.off('drain', go).off('close', go);
        resolve();
      };
      into.on('drain', go).on('close', go);
    });
  };
  await write(before);
  for (let i = 0; i < count && !into.destroyed; i += 1) await write(chunk);
  await write(behind);
  into.end();
}

function stays(t: ExecutionContext, { status, peakKib }: Ran): void {
  t.is(status, 0);
  t.true(peakKib < MOST_KIB, `${peakKib} KiB`);
}

const LINES = Math.ceil(GIB / 57);
/** Base64 of so many bytes in lines of 57, each with an escaped line end, and its quotes. */
const base64Length = 4 * Math.ceil(GIB / 3) + 2 * LINES + 2;

/** A file of `size` bytes of which only the first are on a disk. */
function sparse(t: ExecutionContext, start: Buffer, size: number): string {
  const file = path.join(temporaryDirectory(t), 'sparse.img');
  fs.writeFileSync(file, start);
  fs.truncateSync(file, size);
  return file;
}

test.serial('an entry of 1 GiB becomes JSON in little memory', async (t) => {
  const start = Buffer.concat([headOf(imageOf('PIPES_DATA')), pipe(GIB)]);
  const ran = await measured(['decode', sparse(t, start, start.length + GIB)]);
  stays(t, ran);
  const before = `{"magic": "PIPES_DATA", "entries": [{"pipe_id": 1, "bytes": ${GIB}, "extra": `;
  t.true(ran.first.startsWith(before));
  t.is(ran.bytes, before.length + base64Length + '}]}\n'.length);
});

test.serial('a ghost file of 1 GiB becomes JSON in little memory', async (t) => {
  const ghost = record(encodeMessage('ghost_file_entry', { uid: 1, gid: 2, mode: 0o100644 }));
  const start = Buffer.concat([headOf(imageOf('GHOST_FILE')), ghost]);
  const ran = await measured(['decode', sparse(t, start, start.length + GIB)]);
  stays(t, ran);
  t.true(ran.bytes > base64Length && ran.bytes < base64Length + 200);
});

/** 57 bytes a line, 4096 lines a chunk. */
const CHUNK = Buffer.from(`${'A'.repeat(76)}\\n`.repeat(4096));
const CHUNK_BYTES = 57 * 4096;
const CHUNKS = Math.floor(GIB / CHUNK_BYTES);
const SIZE = CHUNKS * CHUNK_BYTES;

test.serial('JSON of 1 GiB becomes an image in little memory', async (t) => {
  const before = Buffer.from(`{"magic": "PIPES_DATA", "entries": [{"pipe_id": 1, "bytes": ${SIZE}, "extra": "`);
  const ran = await measured(['encode'], {
    give: (stdin) => feed(stdin, before, CHUNK, CHUNKS, Buffer.from('"}]}')),
  });
  stays(t, ran);
  t.is(ran.bytes, headOf(imageOf('PIPES_DATA')).length + pipe(SIZE).length + SIZE);
});

test.serial('JSON of a ghost file of 1 GiB becomes an image in little memory', async (t) => {
  const ghost = record(encodeMessage('ghost_file_entry', { uid: 1, gid: 2, mode: 0o100644 }));
  const start = Buffer.concat([headOf(imageOf('GHOST_FILE')), ghost]);
  const before = Buffer.from('{"magic": "GHOST_FILE", "entries": [{"uid": 1, "gid": 2, "mode": 33188, "extra": "');
  const ran = await measured(['encode'], {
    give: (stdin) => feed(stdin, before, CHUNK, CHUNKS, Buffer.from('"}]}')),
  });
  stays(t, ran);
  t.is(ran.bytes, start.length + SIZE);
});
