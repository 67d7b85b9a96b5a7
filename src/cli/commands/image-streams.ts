import fs from 'node:fs';
import { messages } from '../../errors/messages';
import { isImageName } from '../../frames/image-kinds';
import { isArchive } from '../../storage/archive/detect';
import { sourceUnreadable } from '../../storage/denied';
import type { FileAccess } from '../../storage/file-mode';
import { createFile, type NewFile, openFile, readStream } from '../../storage/single-file';
import type { MemberReader } from '../../storage/source';
import type { Context } from '../context';
import { STANDARD_STREAM } from '../standard-stream';
import { STANDARD_STREAM_WORD } from '../words-of-line';

/** Where one image, or its JSON, comes from. */
export interface Input {
  /** How messages name it. */
  readonly name: string;
  readonly reader: MemberReader;
  /** Who may read it, as far as it tells: a pipe does not. */
  readonly sources: readonly FileAccess[];
}

/** Opens a file, or stdin where none is named. `binary`: it is not to be typed at a terminal. */
export function openInput(file: string | undefined, binary: boolean, { signal }: Context): Input {
  if (file !== undefined && file !== STANDARD_STREAM) {
    const reader = openFile(file, signal);
    return { name: file, reader, sources: reader.access === undefined ? [] : [reader.access] };
  }
  if (binary && process.stdin.isTTY) {
    throw messages.usage('stdin is a terminal, and images are binary', 'name an image: -i IMAGE');
  }
  return { name: 'stdin', reader: readStream(process.stdin, 'stdin', signal), sources: whoMayReadStdin() };
}

/** A file that the shell opened. */
export function whoMayReadStdin(): FileAccess[] {
  try {
    const stats = fs.fstatSync(0);
    return stats.isFile() ? [stats] : [];
  } catch {
    // It is closed: reading it says so.
    return [];
  }
}

/** True where it names a directory, or an archive; not for what is an image by its name, whatever that holds. */
export function isCheckpoint(file: string | undefined): file is string {
  if (file === undefined || file === STANDARD_STREAM) return false;
  if (statOf(file)?.isDirectory() === true) return true;
  return !isImageName(file) && isArchive(file);
}

function statOf(file: string): fs.Stats | undefined {
  try {
    return fs.statSync(file, { throwIfNoEntry: false });
  } catch (error) {
    throw sourceUnreadable(file, error);
  }
}

/** Opens one image, or stdin where - is named. Throws FdgraftError for an archive of images, too. */
export function openImage(file: string, context: Context): Input {
  if (isCheckpoint(file) && isArchive(file)) throw messages.archiveForImage(file);
  return openInput(file, true, context);
}

/** Thrown to stop a conversion whose output nobody reads any more. */
export class OutputClosed extends Error {}

/**
 * Calls `convert` with a writer to the file, which appears whole or not at all, or to stdout where none is named, with
 * `end` behind it there. Nobody may read the file who may not read all `sources`.
 */
export async function withOutput(
  file: string | undefined,
  sources: readonly FileAccess[],
  context: Context,
  end: string,
  convert: (writer: Pick<NewFile, 'write'>) => Promise<void>,
): Promise<void> {
  if (file === undefined || file === STANDARD_STREAM) return toStdout(context, end, convert);
  const writer = createFile(file, { sources, signal: context.signal });
  try {
    await convert(writer);
    await writer.commit();
  } finally {
    await writer.abort();
  }
}

/** Calls `convert` with a writer to stdout, and then writes `end`. Somebody who stops reading is no error. */
export async function toStdout(
  context: Context,
  end: string,
  convert: (writer: Pick<NewFile, 'write'>) => Promise<void>,
): Promise<void> {
  const write = async (bytes: Uint8Array) => {
    if (!(await context.write(bytes))) throw new OutputClosed();
  };
  try {
    await convert({ write });
    if (end !== '') await write(Buffer.from(end));
  } catch (error) {
    if (!(error instanceof OutputClosed)) throw error;
  }
}

/** A word of the command line, as the user wrote it. */
export function wordOf(positional: string): string {
  if (positional === '') throw messages.usage('the name of the input is empty', 'name a file, or - for stdin');
  return positional === STANDARD_STREAM_WORD ? STANDARD_STREAM : positional;
}

/** The one of two ways to name the input that was used. */
export function chooseInput(positional: string | undefined, option: string | undefined): string | undefined {
  if (positional !== undefined && option !== undefined) {
    throw messages.usage('the input was named twice, as a word and with -i', 'name it once');
  }
  return positional === undefined ? option : wordOf(positional);
}
