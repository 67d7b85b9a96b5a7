import fs from 'node:fs';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { diff, openSource } from '../../src';
import { descriptor, pipeEntry, smallCheckpoint, temporaryDirectory, writeCheckpoint } from './directories';
import { encodeImage, encodeMessage, uint32 } from './images';

const GIB = 2 ** 30;
export const TIB = 2 ** 40;

/** Unread bytes of 1,000 pipes, 4 GiB of holes each. */
function writePipeData(file: string): void {
  const fd = fs.openSync(file, 'w');
  let at = fs.writeSync(fd, encodeImage('pipes-data.img', []));
  const bytes = 4 * GIB - 4096;
  for (let i = 0; i < 1000; i += 1) {
    const record = encodeMessage('pipe_data_entry', { pipe_id: 5000 + i, bytes, size: 65_536 });
    at += fs.writeSync(fd, Buffer.concat([uint32(record.length), record]), 0, undefined, at) + bytes;
  }
  fs.ftruncateSync(fd, at);
  fs.closeSync(fd);
}

/** Images, raw files and a file of the user that can have holes. */
export const HUGE = ['pipes-data.img', 'ghost-file-1.img', 'pages-1.img', 'app.log'] as const;
export type Huge = (typeof HUGE)[number];

/** A checkpoint in which one file has terabytes of holes and next to nothing else. */
export function checkpointWith(t: ExecutionContext, huge: Huge): string {
  const images = smallCheckpoint();
  const directory = writeCheckpoint(temporaryDirectory(t), {
    ...images,
    'files.img': [...(images['files.img'] as object[]), pipeEntry(9, 5000, 0)],
    'fdinfo-2.img': [descriptor(2, 1, 'PIPE'), descriptor(9, 2, 'PIPE')],
    'ghost-file-1.img': [encodeMessage('ghost_file_entry', { uid: 0, gid: 0, mode: 0o100644 })],
    'app.log': Buffer.from('a line'),
  });
  const file = path.join(directory, huge);
  if (huge === 'pipes-data.img') writePipeData(file);
  else fs.truncateSync(file, 4 * TIB);
  return directory;
}

/** Works with a source, and closes it. */
export async function opened<T>(place: string, work: (source: Awaited<ReturnType<typeof openSource>>) => Promise<T>) {
  const source = await openSource(place);
  try {
    return await work(source);
  } finally {
    await source.close();
  }
}

/** Whether diff finds nothing. */
export const isSame = (one: string, other: string) =>
  opened(one, (a) =>
    opened(other, async (b) => {
      const result = await diff(a, b);
      await result.close();
      return result.isSame;
    }),
  );
