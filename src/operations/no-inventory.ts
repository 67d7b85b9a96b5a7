import fs from 'node:fs';
import path from 'node:path';
import { escapeBytes } from '../bytes/escape';
import type { FdgraftError } from '../errors/fdgraft-error';
import { messages } from '../errors/messages';
import { INVENTORY_IMAGE, identifyImage } from '../frames/image-kinds';
import { isContainerImage } from '../storage/container-image';
import { NEVER_WAIT_OR_FOLLOW } from '../storage/open-flags';
import { USUAL_DIRECTORY } from '../storage/usual-directory';

/** The name that the log of a dump has unless criu is told another one, also in archives of podman. */
const DUMP_LOG = 'dump.log';
/** A directory may be any, with millions of files: images are looked for among the first of them. */
const MAX_NAMES = 100_000;
/** The end of a log, where the last errors stand. */
const TAIL_BYTES = 1 << 16;
const MAX_LINE_BYTES = 250;
/** The cause stands before what it made fail. */
const MAX_ERRORS = 3;
/** Image directories are looked for in so many levels of directories, and among so many names in all of them. */
const LEVELS_BELOW = 2;
const MAX_NAMES_BELOW = 1000;
/** More are not needed to say that there are several. */
const MAX_BELOW = 10;
/** With what every failed dump ends. */
const SUMMARY = /: Dumping FAILED\.$/;

/**
 * Why a directory without inventory.img is no checkpoint: CRIU writes that image last, so a dump that failed leaves the
 * others. `below`: the image directory in it, if there is one.
 */
export function noInventory(directory: string, below?: string): FdgraftError {
  if (below !== undefined) return messages.noInventory(directory, [below]);
  const unfinished = unfinishedDumpIn(directory);
  if (unfinished !== undefined) return unfinished;
  if (isContainerImage((name) => isThere(path.join(directory, name)))) return messages.containerImage(directory, false);
  return messages.noInventory(directory, imageDirectoriesBelow(directory));
}

/** The image directories in a directory, by name: those of several containers, or of several dumps of one. */
function imageDirectoriesBelow(top: string): string[] {
  const found: string[] = [];
  let level = [top];
  let names = 0;
  for (let depth = 0; depth < LEVELS_BELOW; depth += 1) {
    const next: string[] = [];
    for (const directory of level) {
      for (const below of directoriesIn(directory, MAX_NAMES_BELOW - names)) {
        names += 1;
        if (isThere(path.join(below, INVENTORY_IMAGE))) found.push(below);
        else next.push(below);
        if (found.length === MAX_BELOW || names === MAX_NAMES_BELOW) return found.sort();
      }
    }
    level = next;
  }
  return found.sort();
}

/** The same for a directory of which nobody has said that it is a checkpoint: undefined if it has no images. */
export function unfinishedDumpIn(directory: string): FdgraftError | undefined {
  const place = [directory, path.join(directory, USUAL_DIRECTORY)].find(hasImages);
  if (place === undefined) return undefined;
  const log = [...new Set([place, directory])]
    .map((one) => path.join(one, DUMP_LOG))
    .find((file) => fs.existsSync(file));
  return messages.dumpUnfinished(directory, log, log === undefined ? undefined : lastErrorsIn(log));
}

function hasImages(directory: string): boolean {
  let opened: fs.Dir;
  try {
    opened = fs.opendirSync(directory);
  } catch {
    return false;
  }
  try {
    for (let i = 0; i < MAX_NAMES; i += 1) {
      const entry = opened.readSync();
      if (entry === null) return false;
      if (identifyImage(entry.name) !== undefined) return true;
    }
    return false;
  } finally {
    opened.closeSync();
  }
}

/** The first directories in a directory. Links lead anywhere, and are none. */
function directoriesIn(directory: string, most: number): string[] {
  const names: string[] = [];
  try {
    const opened = fs.opendirSync(directory);
    try {
      for (let i = 0; i < most; i += 1) {
        const entry = opened.readSync();
        if (entry === null) break;
        if (entry.isDirectory()) names.push(path.join(directory, entry.name));
      }
    } finally {
      opened.closeSync();
    }
  } catch {
    // It cannot be read: there is nothing to name in it.
  }
  return names;
}

function isThere(file: string): boolean {
  try {
    return fs.lstatSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false; // Access is denied: nobody can be told to give it.
  }
}

/** The last lines with which CRIU says what failed, as `(00.012345) Error (criu/files.c:1): …`; undefined without one. */
function lastErrorsIn(log: string): string | undefined {
  try {
    const fd = fs.openSync(log, NEVER_WAIT_OR_FOLLOW);
    try {
      const stats = fs.fstatSync(fd);
      if (!stats.isFile()) return undefined;
      const tail = Buffer.alloc(Math.min(TAIL_BYTES, stats.size));
      const got = fs.readSync(fd, tail, 0, tail.length, stats.size - tail.length);
      // One character a byte, both ways: a log need not be text.
      const lines = tail.toString('latin1', 0, got).split('\n');
      const errors = lines.map((line) => line.trim()).filter((line) => line.includes('Error ('));
      const causes = errors.filter((line) => !SUMMARY.test(line));
      const told = (causes.length > 0 ? causes : errors).slice(-MAX_ERRORS);
      if (told.length === 0) return undefined;
      return told.map((line) => escapeBytes(Buffer.from(line.slice(0, MAX_LINE_BYTES), 'latin1'))).join('; ');
    } finally {
      fs.closeSync(fd);
    }
  } catch {
    return undefined;
  }
}
