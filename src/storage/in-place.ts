import fs from 'node:fs';
import { escapeBytes } from '../bytes/escape';
import { messages } from '../errors/messages';
import { attempt } from './attempt';
import { splitPath } from './byte-path';
import { type Bring, DirectorySink, type DirectorySinkOptions } from './directory-sink';
import { checkExchange, exchange, type Place } from './exchange';
import { type Fingerprint, fingerprint, firstDifference } from './fingerprint';
import { tryHardLink } from './link-mode';
import { beginWriting } from './pass-progress';
import type { Sink } from './sink';
import type { Source } from './source';
import { resolveToWrite } from './trusted-path';
import { removeLeftovers, WorkDirectory } from './work-directory';

/** A rewrite at the source's own place, from before the first look at it. */
export interface InPlace {
  /**
   * A sink that builds the directory anew beside the source, where what does not change is a hard link to the very
   * file, and exchanges the two in one step. The old images are there until that is done.
   */
  createSink(options: Omit<DirectorySinkOptions, 'link' | 'fixed'>): Promise<Sink>;
}

/** Removes what a killed run has left, and sees whether the source can be rewritten in place. Throws FdgraftError. */
export async function beginInPlace(source: Source): Promise<InPlace> {
  const { label, directory } = source;
  attempt(
    () => resolveToWrite(label),
    (error) => messages.cannotWriteOut(label, error),
  );
  if (directory === undefined) return beginArchive(source);
  return explained(label, async () => {
    await clearLeftovers(label, directory);
    checkExchange(label);
    refuseCurrentDirectory(label, directory);
    refuseReadOnly(label, directory);
    const before = fingerprint(directory);
    return {
      createSink: (options) => {
        beginWriting(label);
        return explained(label, () => createSink(source, directory, before, options));
      },
    };
  });
}

/** Of killed runs for the same place. Throws FdgraftError if one has something in it that is not ours to remove. */
async function clearLeftovers(label: string, place: Buffer): Promise<void> {
  const [strange] = await removeLeftovers(...splitPath(place));
  if (strange !== undefined) throw messages.strangeLeftover(label, escapeBytes(strange));
}

/** A file is replaced by a rename, which every file system does in one step. */
async function beginArchive(source: Source): Promise<InPlace> {
  const { archive, label } = source;
  if (archive !== undefined) await explained(label, () => clearLeftovers(label, archive.path));
  const { createArchiveInPlace } = await import('./archive/archive-sink');
  return {
    createSink: (options) => {
      beginWriting(label);
      return createArchiveInPlace(source, options);
    },
  };
}

async function createSink(
  source: Source,
  directory: Buffer,
  before: Fingerprint,
  options: Omit<DirectorySinkOptions, 'link'>,
): Promise<Sink> {
  const [parent, name] = splitPath(directory);
  const work = await WorkDirectory.create(parent, name);
  const arrive = () => arriveInPlace(work, name, before, source.label);
  const bring: Bring = async (file, to) => {
    if (await tryHardLink(file, to)) return 'hard';
    // A copy would not be the file that someone may have open, or own.
    throw messages.cannotExchange(source.label, `${escapeBytes(file.lasting)} cannot be hard-linked here`);
  };
  return new DirectorySink(source, source.label, directory, work, { bring, arrive, keepsPlace: true }, options);
}

/** Exchanges the two, and back again where something has come into the old one since it was first looked at. */
async function arriveInPlace(work: WorkDirectory, name: Buffer, before: Fingerprint, label: string): Promise<void> {
  const here: Place = { directory: work.parent, name };
  const there: Place = { directory: work.self, name: splitPath(work.content)[1] };
  const built = fingerprint(work.content);
  work.expect([before, built]);
  await exchange(here, there, label);
  const changed = whatDiffers(before, work.content);
  if (changed === undefined) {
    work.expectAnything();
    return;
  }
  try {
    await exchange(here, there, label);
  } catch (error) {
    work.keep();
    const reason = error instanceof Error ? error.message : String(error);
    throw messages.notExchangedBack(label, escapeBytes(work.shown), reason);
  }
  // Whoever wrote into the new directory meanwhile has it there.
  const isAsBuilt = whatDiffers(built, work.content) === undefined;
  if (isAsBuilt) work.expectAnything();
  else work.keep();
  throw messages.sourceChanged(label, changed, isAsBuilt ? undefined : escapeBytes(work.shown));
}

/** What is not the same any more; something, where that cannot be seen. */
function whatDiffers(before: Fingerprint, directory: Buffer): string | undefined {
  try {
    return firstDifference(before, fingerprint(directory));
  } catch {
    return 'something in it';
  }
}

function refuseCurrentDirectory(label: string, directory: Buffer): void {
  const here = Buffer.concat([fs.realpathSync.native('.', 'buffer'), Buffer.from('/')]);
  const inside = Buffer.concat([directory, Buffer.from('/')]);
  if (here.subarray(0, inside.length).equals(inside)) throw messages.insideOfSource(label);
}

/** Moving a directory takes the right to write into it. */
function refuseReadOnly(label: string, directory: Buffer): void {
  try {
    fs.accessSync(directory, fs.constants.W_OK);
  } catch {
    throw messages.cannotExchange(label, 'the directory may not be written into');
  }
}

async function explained<T>(label: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw messages.cannotWriteOut(label, error);
  }
}
