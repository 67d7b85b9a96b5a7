import fs from 'node:fs';
import type { Writable } from 'node:stream';
import { builtins } from '../../bytes/builtins';
import type { ByteWriter } from '../../bytes/byte-stream';
import type { ArchiveForm } from '../form';
import { yieldToEventLoop } from '../yield-to-event-loop';
import { spawnZstd } from './zstd';

/** Takes the bytes of a tar and writes them to a file, compressed. */
export interface PackedWriter extends ByteWriter {
  /** To be called when all is written; the file is whole then. */
  end(): Promise<void>;
  /** Stops at once: nothing writes to the file any more. */
  abandon(): Promise<void>;
}

const CHUNK_BYTES = 1 << 18;
/** A level and threads that no variable of the environment changes: the same bytes each time. */
const ZSTD_WORDS = ['-3', '-T1'];

/** `label`: how messages name the file that `fd` is. */
export function packInto(fd: number, form: ArchiveForm, label: string): PackedWriter {
  const toFile = async (bytes: Uint8Array) => {
    await yieldToEventLoop();
    for (let done = 0; done < bytes.length; ) done += fs.writeSync(fd, bytes, done);
  };
  if (form === 'tar') return { write: toFile, end: async () => {}, abandon: async () => {} };
  if (form === 'tar.gz') return gzipInto(toFile);
  const { child, done, stop } = spawnZstd(ZSTD_WORDS, ['pipe', fd, 'pipe'], label);
  return throughStream(child.stdin as Writable, done, stop);
}

function gzipInto(toFile: (bytes: Uint8Array) => Promise<void>): PackedWriter {
  const gzip = builtins.zlib.createGzip({ chunkSize: CHUNK_BYTES });
  const drained = (async () => {
    for await (const chunk of gzip) await toFile(chunk);
  })();
  drained.catch(() => gzip.destroy());
  return throughStream(gzip, drained, async () => {
    gzip.destroy();
    await drained.catch(() => {});
  });
}

/** `done` settles when what comes out is written. Where that fails, its error says why, not the stream's. */
function throughStream(stream: Writable, done: Promise<void>, abandon: () => Promise<void>): PackedWriter {
  stream.on('error', () => {});
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        stream.write(bytes, (error) => {
          if (error === null || error === undefined) resolve();
          else done.then(() => reject(error), reject);
        });
      }),
    end: async () => {
      stream.end();
      await done;
    },
    abandon,
  };
}
