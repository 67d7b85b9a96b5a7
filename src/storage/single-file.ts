import fs from 'node:fs';
import path from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { builtins } from '../bytes/builtins';
import { FdgraftError } from '../errors/fdgraft-error';
import { messages } from '../errors/messages';
import { attempt } from './attempt';
import { joinPath, splitPath } from './byte-path';
import { closeRead } from './close';
import { type FileAccess, modeLike, modeOfReplaced } from './file-mode';
import { flushEntries } from './flush';
import { type HeldDirectory, holdToWrite } from './held-directory';
import { nameFile, openRegular } from './open-flags';
import { orAborted } from './or-aborted';
import { ownedByFd, setOwnerAndMode } from './owner-and-mode';
import { parentOf } from './parent-of';
import { beginPass } from './pass-progress';
import { ReadingLimit } from './reading-limit';
import { removeFile } from './remove-file';
import type { MemberWriter } from './sink';
import type { MemberReader } from './source';
import { resolveToWrite } from './trusted-path';
import { yieldToEventLoop } from './yield-to-event-loop';

/** Opens a file that the user names: a regular one, or what gives bytes like a pipe. Throws FdgraftError. */
export function openFile(file: string, signal?: AbortSignal): MemberReader & { readonly access?: FileAccess } {
  const cannotRead = (error: unknown) => messages.cannotRead(file, error);
  const stats = attempt(() => fs.statSync(file), cannotRead);
  if (stats.isDirectory()) throw messages.directoryForFile(file);
  // Opening and reading may wait for as long as the other end likes.
  const opened = stats.isFile() ? attempt(() => openRegular(file), cannotRead) : undefined;
  if (opened === undefined) return readStream(fs.createReadStream(file), file, signal);
  const { fd, stats: found } = opened;
  const guard = new ReadingLimit().guard(fd, found);
  let at = 0;
  beginPass({ label: file, done: () => at, total: () => found.size });
  return {
    access: opened.stats,
    read: async (into, start, length) => {
      await yieldToEventLoop();
      signal?.throwIfAborted();
      if (guard?.isDue(true)) await guard.check(file);
      const got = attempt(() => fs.readSync(fd, into, start, length, at), cannotRead);
      guard?.count(got);
      at += got;
      return got;
    },
    skip: (length) => {
      const skipped = Math.min(length, Math.max(0, found.size - at));
      at += skipped;
      return skipped;
    },
    close: async () => closeRead(fd),
  };
}

/** Reads a stream as it comes. */
export function readStream(stream: Readable, name: string, signal?: AbortSignal): MemberReader {
  const chunks = stream[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  let count = 0;
  beginPass({ label: name, done: () => count, total: () => undefined });
  const next = () =>
    chunks.next().catch((error) => {
      throw messages.cannotRead(name, error);
    });
  return {
    read: async (into, start, length) => {
      while (rest.length === 0) {
        const { done, value } = await orAborted(next(), signal);
        if (done === true) return 0;
        rest = value as Buffer;
      }
      const copied = rest.copy(into, start, 0, length);
      rest = rest.subarray(copied);
      count += copied;
      return copied;
    },
    close: async () => {
      stream.destroy();
    },
  };
}

const DOT = Buffer.from('.');
/** So much of a name is in that of the file that takes its place later. */
const MAX_NAME_BYTES = 200;

/** A file that appears whole or not at all. */
export interface NewFile extends MemberWriter {
  /** Puts it in its place. */
  commit(): Promise<void>;
  /** Removes all traces. Does nothing after `commit`. */
  abort(): Promise<void>;
}

export interface CreateOptions {
  /** What the content comes from: nobody may read the file who may not read all of these. */
  readonly sources: readonly FileAccess[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Makes a file that the user names. One that is there is replaced in one step and keeps its owner, and its mode but for
 * rights that the sources do not give; a link to it stays one. Into a device or a FIFO the bytes go as they come.
 * Throws FdgraftError.
 */
export function createFile(file: string, { sources, signal }: CreateOptions): NewFile {
  const cannotWrite = (error: unknown) => messages.cannotWriteOut(file, error);
  if (file.includes('\ufffd')) throw messages.outNotUtf8(file);
  return attempt(() => {
    const there = fs.statSync(file, { throwIfNoEntry: false });
    if (there?.isDirectory()) throw messages.outIsDirectory(file);
    if (there !== undefined && !there.isFile()) return writeStream(openStream(file, there), cannotWrite, signal);
    const parent = there === undefined ? parentOf(file) : undefined;
    // As bytes: a directory above it may have any name.
    const resolved = parent === undefined ? resolveToWrite(file) : joinPath(parent, Buffer.from(path.basename(file)));
    const [around, name] = splitPath(resolved);
    // Both steps are in this very directory, whatever its name leads to by then.
    const held = holdToWrite(around);
    try {
      return createBeside({ file, held, name, isThere: there !== undefined }, sources, cannotWrite);
    } catch (error) {
      held.close();
      throw error;
    }
  }, cannotWrite);
}

interface Beside {
  /** How messages name it. */
  readonly file: string;
  /** The directory of it, which is let go when the file is settled. */
  readonly held: HeldDirectory;
  readonly name: Buffer;
  /** Whether a file is to be replaced. */
  readonly isThere: boolean;
}

function createBeside(
  { file, held, name, isThere }: Beside,
  sources: readonly FileAccess[],
  cannotWrite: Explain,
): NewFile {
  const target = joinPath(held.path, name);
  const there = isThere ? fs.lstatSync(target) : undefined;
  if (there?.isFile() === false) throw messages.outDirectoryMoved(file);
  const random = Buffer.from(builtins.crypto.randomBytes(6).toString('hex'));
  const temporary = joinPath(held.path, Buffer.concat([DOT, name.subarray(0, MAX_NAME_BYTES), DOT, random]));
  // With its mode from the first byte on: one that is there may have an owner who gets it at the end only.
  const mode = there === undefined ? modeLike(sources, held.path) : 0o600;
  const fd = fs.openSync(temporary, 'wx', mode);
  const later = there && { uid: there.uid, gid: there.gid, mode: modeOfReplaced(there, sources) };
  return replacing({ file, fd, held, temporary, target, later }, cannotWrite);
}

/** Opens what takes bytes as they come: the very FIFO or device that was looked at, and no file in its place. */
function openStream(file: string, there: fs.Stats): Writable {
  refuseUntrusted(file);
  const named = nameFile(file);
  if (named === undefined) return fs.createWriteStream(file);
  const stats = fs.fstatSync(named.fd);
  if (stats.dev !== there.dev || stats.ino !== there.ino) {
    named.close();
    throw messages.outDirectoryMoved(file);
  }
  // In another thread: it may wait for a reader.
  const stream = fs.createWriteStream(named.path);
  stream.once('open', named.close).once('close', named.close);
  return stream;
}

/** A path that leads to no file has no end, such as that of this process' own pipe: the links before it count. */
function refuseUntrusted(file: string): void {
  try {
    resolveToWrite(file);
  } catch (error) {
    if (error instanceof FdgraftError) throw error;
  }
}

interface Replacement {
  /** How messages name it. */
  readonly file: string;
  readonly fd: number;
  readonly held: HeldDirectory;
  readonly temporary: Buffer;
  readonly target: Buffer;
  /** Owner and mode that it gets at the end. */
  readonly later: Pick<fs.Stats, 'uid' | 'gid' | 'mode'> | undefined;
}

function replacing({ file, fd, held, temporary, target, later }: Replacement, cannotWrite: Explain): NewFile {
  let isSettled = false;
  const close = async () => {
    if (isSettled) return;
    isSettled = true;
    try {
      fs.closeSync(fd);
      removeFile(temporary);
    } finally {
      held.close();
    }
  };
  return {
    write: async (bytes) => {
      await yieldToEventLoop();
      for (let done = 0; done < bytes.length; ) done += attempt(() => fs.writeSync(fd, bytes, done), cannotWrite);
    },
    close,
    commit: async () => {
      attempt(() => {
        if (later !== undefined) setOwnerAndMode(ownedByFd(fd), later);
        fs.fsyncSync(fd);
        fs.renameSync(temporary, target);
      }, cannotWrite);
      isSettled = true;
      try {
        fs.closeSync(fd);
        await flushEntries(held.path);
      } catch (error) {
        throw messages.notFlushed(file, error);
      } finally {
        held.close();
      }
    },
    abort: close,
  };
}

/** Into what takes bytes as slowly as it likes. */
function writeStream(stream: Writable, cannotWrite: Explain, signal: AbortSignal | undefined): NewFile {
  // Each failure is told to the call that it belongs to.
  stream.on('error', () => {});
  const settled = (begin: (done: (error?: Error | null) => void) => void) =>
    new Promise<void>((resolve, reject) => {
      begin((error) => (error === null || error === undefined ? resolve() : reject(cannotWrite(error))));
    });
  const close = async () => {
    stream.destroy();
  };
  return {
    write: (bytes) =>
      orAborted(
        settled((done) => stream.write(bytes, done)),
        signal,
      ),
    close,
    commit: () =>
      orAborted(
        settled((done) => stream.end(done)),
        signal,
      ),
    abort: close,
  };
}

type Explain = (error: unknown) => Error;
