import fs, { constants } from 'node:fs';
import { joinPath } from './byte-path';
import { closeRead } from './close';
import type { HeldDirectory } from './held-directory';
import { descriptorPath, O_PATH } from './open-flags';
import { tryToGiveAway } from './owner-and-mode';
import { yieldToEventLoop } from './yield-to-event-loop';

const ALL_OF_OWNER = 0o700;

type Directory = Omit<HeldDirectory, 'fd'>;

/**
 * Removes a directory with all that is in it, however deep: with two descriptors, since each directory below is moved
 * up into the first. All of it is reached through directories that are held open: a link that someone puts in the place
 * of one leads nowhere. Does nothing where there is none. Throws what the system says, also if others put
 * something in meanwhile.
 */
export async function removeTree(directory: Buffer): Promise<void> {
  const stats = fs.lstatSync(directory, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isDirectory()) {
    fs.unlinkSync(directory);
    return;
  }
  const top = holdForRemoval(directory);
  try {
    const waiting = namesIn(top);
    const freeName = namesFreeIn(top);
    for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
      const place = joinPath(top.path, name);
      if (await removeFile(place)) continue;
      for (const lifted of await empty(place, top, freeName)) waiting.push(lifted);
      fs.rmdirSync(place);
    }
  } finally {
    top.close();
  }
  fs.rmdirSync(directory);
}

/** Gives its owner the rights to empty it: its mode may forbid that, and to open it for reading. */
function holdForRemoval(directory: Buffer): Directory {
  const isLinux = process.platform === 'linux';
  const fd = isLinux ? fs.openSync(directory, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW) : undefined;
  const held =
    fd === undefined ? { path: directory, close: () => {} } : { path: descriptorPath(fd), close: () => closeRead(fd) };
  try {
    const { mode, uid, gid } = fs.statSync(held.path);
    const us = process.geteuid?.() ?? uid;
    if (uid !== us && !mayEmpty(held.path)) tryToGiveAway(() => fs.chownSync(held.path, us, gid));
    if ((mode & ALL_OF_OWNER) !== ALL_OF_OWNER) fs.chmodSync(held.path, ALL_OF_OWNER);
    return held;
  } catch (error) {
    held.close();
    throw error;
  }
}

/** A directory that was given away already may be closed to root, without CAP_DAC_OVERRIDE. */
function mayEmpty(directory: Buffer): boolean {
  try {
    fs.accessSync(directory, constants.R_OK | constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const namesIn = (directory: Directory) => fs.readdirSync(directory.path, { encoding: 'buffer' });

/** False for a directory, which stays. */
async function removeFile(place: Buffer): Promise<boolean> {
  await yieldToEventLoop();
  if (fs.lstatSync(place).isDirectory()) return false;
  fs.unlinkSync(place);
  return true;
}

/** Removes the files of a directory, and moves its directories up into `top`. Returns their names there. */
async function empty(directory: Buffer, top: Directory, freeName: () => NonSharedBuffer): Promise<NonSharedBuffer[]> {
  const lifted: NonSharedBuffer[] = [];
  const held = holdForRemoval(directory);
  try {
    for (const name of namesIn(held)) {
      const place = joinPath(held.path, name);
      if (await removeFile(place)) continue;
      // Its entry `..` changes, which needs the right to write.
      holdForRemoval(place).close();
      const free = freeName();
      fs.renameSync(place, joinPath(top.path, free));
      lifted.push(free);
    }
  } finally {
    held.close();
  }
  return lifted;
}

function namesFreeIn(directory: Directory): () => NonSharedBuffer {
  let count = 0;
  return () => {
    for (;;) {
      count += 1;
      const name = Buffer.from(`${count}`);
      if (fs.lstatSync(joinPath(directory.path, name), { throwIfNoEntry: false }) === undefined) return name;
    }
  };
}
