import fs from 'node:fs';
import path from 'node:path';
import { messages } from '../errors/messages';
import { joinPath } from './byte-path';
import { type FileAccess, modeLike } from './file-mode';
import { arriveAsNew } from './link-or-rename';
import type { NewFile } from './single-file';
import { resolveToWrite } from './trusted-path';
import { WorkDirectory } from './work-directory';
import { yieldToEventLoop } from './yield-to-event-loop';

/**
 * Makes a file that is not there yet, in a work directory beside its place: what a killed run leaves goes with the next
 * one for the same name. It appears whole or not at all, and nobody may read it who may not read all `sources`. Throws
 * FdgraftError.
 */
export async function createFileBeside(file: string, sources: readonly FileAccess[]): Promise<NewFile> {
  const attempt = <T>(call: () => T): T => {
    try {
      return call();
    } catch (error) {
      throw messages.cannotWriteOut(file, error);
    }
  };
  const name = Buffer.from(path.basename(file));
  const parent = attempt(() => resolveToWrite(path.dirname(file)));
  const work = await WorkDirectory.create(parent, name).catch((error) => {
    throw messages.cannotWriteOut(file, error);
  });
  const built = joinPath(work.content, Buffer.from('file'));
  let fd: number | undefined;
  const end = async () => {
    if (fd === undefined) return;
    fs.closeSync(fd);
    fd = undefined;
    // It is known as a work directory, and goes with the next run.
    await work.remove().catch(() => {});
  };
  try {
    fd = attempt(() => fs.openSync(built, 'wx', modeLike(sources, parent.toString())));
  } catch (error) {
    await work.remove().catch(() => {});
    throw error;
  }
  const opened = fd;
  return {
    write: async (bytes) => {
      await yieldToEventLoop();
      for (let done = 0; done < bytes.length; ) done += attempt(() => fs.writeSync(opened, bytes, done));
    },
    commit: async () => {
      attempt(() => {
        fs.fsyncSync(opened);
        arriveAsNew(built, work.beside(name), file);
      });
      try {
        await work.flushParent();
      } catch (error) {
        throw messages.notFlushed(file, error);
      } finally {
        await end();
      }
    },
    close: end,
    abort: end,
  };
}
