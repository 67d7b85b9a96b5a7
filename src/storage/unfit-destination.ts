import fs from 'node:fs';
import { messages } from '../errors/messages';
import type { Source } from './source';

/** Throws FdgraftError where something is at the destination, an absolute path, or that lies inside the source. */
export function refuseUnfitDestination(source: Source, out: string, destination: Buffer): void {
  if (fs.lstatSync(destination, { throwIfNoEntry: false }) !== undefined) {
    throw isSource(source, destination) ? messages.outIsSource(out) : messages.outExists(out);
  }
  if (source.directory === undefined) return;
  const inside = Buffer.concat([source.directory, Buffer.from('/')]);
  if (destination.subarray(0, inside.length).equals(inside)) throw messages.outInsideSource(out, source.label);
}

/** Also by a link to it. */
function isSource({ directory, archive }: Source, destination: Buffer): boolean {
  const own = directory ?? archive?.path;
  if (own === undefined) return false;
  try {
    const [one, other] = [fs.statSync(destination), fs.statSync(own)];
    return one.dev === other.dev && one.ino === other.ino;
  } catch {
    // A link that leads nowhere, or to itself.
    return false;
  }
}
