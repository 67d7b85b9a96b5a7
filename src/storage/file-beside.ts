import fs from 'node:fs';
import path from 'node:path';
import { messages } from '../errors/messages';
import { Arrival } from './arrival';
import { attempt } from './attempt';
import { joinPath } from './byte-path';
import { type FileAccess, modeLike } from './file-mode';
import { arriveAsNew } from './link-or-rename';
import type { NewFile } from './single-file';
import { type FixedDirectory, resolveToWrite } from './trusted-path';
import { WorkDirectory } from './work-directory';
import { yieldToEventLoop } from './yield-to-event-loop';

/**
 * Makes a file that is not there yet, in a work directory beside its place: what a killed run leaves goes with the next
 * one for the same name. It appears whole or not at all, and nobody may read it who may not read all `sources`. Throws
 * FdgraftError.
 */
export async function createFileBeside(
  file: string,
  sources: readonly FileAccess[],
  fixed?: FixedDirectory,
): Promise<NewFile> {
  const cannotWrite = (error: unknown) => messages.cannotWriteOut(file, error);
  const name = Buffer.from(path.basename(file));
  const parent = attempt(() => resolveToWrite(path.dirname(file), fixed), cannotWrite);
  const work = await WorkDirectory.create(parent, name).catch((error) => {
    throw cannotWrite(error);
  });
  const arrival = new Arrival(work, file);
  const built = joinPath(work.content, Buffer.from('file'));
  let fd: number;
  try {
    fd = attempt(() => fs.openSync(built, 'wx', modeLike(sources, parent.toString())), cannotWrite);
  } catch (error) {
    await arrival.abort();
    throw error;
  }
  const close = () => fs.closeSync(fd);
  return {
    write: async (bytes) => {
      await yieldToEventLoop();
      for (let done = 0; done < bytes.length; ) {
        const from = done;
        done += attempt(() => fs.writeSync(fd, bytes, from), cannotWrite);
      }
    },
    commit: async () => {
      const arrive = () => {
        fs.fsyncSync(fd);
        arriveAsNew(built, work.beside(name), file);
      };
      await arrival.commit(arrive, close);
    },
    close: () => arrival.abort(close),
    abort: () => arrival.abort(close),
  };
}
