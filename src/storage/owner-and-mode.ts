import fs from 'node:fs';
import { codeOf } from '../errors/code-of';

const ALL_BITS = 0o7777;
const SET_ID = 0o6000;

interface OwnerAndMode {
  readonly uid: number;
  readonly gid: number;
  /** With the set-id and sticky bits. */
  readonly mode: number;
}

/** A path whose last part is no link, or a descriptor: both have an owner and a mode. */
export interface Owned {
  stat(): fs.Stats;
  chown(uid: number, gid: number): void;
  chmod(mode: number): void;
}

export function ownedByPath(path: Buffer): Owned {
  return {
    stat: () => fs.lstatSync(path),
    chown: (uid, gid) => fs.lchownSync(path, uid, gid),
    chmod: (mode) => fs.chmodSync(path, mode),
  };
}

export function ownedByFd(fd: number): Owned {
  return {
    stat: () => fs.fstatSync(fd),
    chown: (uid, gid) => fs.fchownSync(fd, uid, gid),
    chmod: (mode) => fs.fchmodSync(fd, mode),
  };
}

/** Makes a call that changes an owner. False where that may not be done: cp -p passes over it as well. */
export function tryToGiveAway(change: () => void): boolean {
  try {
    change();
    return true;
  } catch (error) {
    // It takes CAP_CHOWN. EINVAL: an owner that this user namespace does not know.
    if (!['EPERM', 'EINVAL'].includes(codeOf(error))) throw error;
    return false;
  }
}

/** The part of an owner and a mode that is lost; undefined if none is. */
export type Lost = 'OWNER_NOT_KEPT' | 'SET_ID_NOT_KEPT' | undefined;

/**
 * Gives something of this user's its owner and mode. If the owner may not be given, the set-id bits, which must not
 * pass to another owner, are not given either.
 */
export function giveOwnerAndMode(to: Owned, wanted: OwnerAndMode): Lost {
  return change(to, wanted, tryToGiveAway);
}

/** The same, but throws what the system says if the owner may not be given. */
export function setOwnerAndMode(to: Owned, wanted: OwnerAndMode): void {
  change(to, wanted, (chown) => {
    chown();
    return true;
  });
}

function change(to: Owned, { uid, gid, mode }: OwnerAndMode, giveAway: (chown: () => void) => boolean): Lost {
  const now = to.stat();
  const has = now.mode & ALL_BITS;
  if (now.uid === uid && now.gid === gid) {
    if (has !== mode) to.chmod(mode);
    return keepsSetId(to, mode) ? undefined : 'SET_ID_NOT_KEPT';
  }
  const plain = mode & ~SET_ID;
  // While it is this user's: afterwards that takes CAP_FOWNER. Of a file, chown clears the set-id bits.
  const early = now.isDirectory() ? mode : plain;
  if (has !== early) to.chmod(early);
  if (!giveAway(() => to.chown(uid, gid))) {
    if (plain !== early) to.chmod(plain);
    return 'OWNER_NOT_KEPT';
  }
  if (mode === early) return undefined;
  return tryToGiveAway(() => to.chmod(mode)) && keepsSetId(to, mode) ? undefined : 'SET_ID_NOT_KEPT';
}

/** Without CAP_FSETID, chmod leaves out the set-group-id bit of a group that is not this user's, and succeeds. */
function keepsSetId(to: Owned, mode: number): boolean {
  return (mode & SET_ID) === 0 || (to.stat().mode & SET_ID) === (mode & SET_ID);
}
