import fs from 'node:fs';
import { messages } from '../errors/messages';
import type { Source } from './source';

/** Throws FdgraftError where something is at the destination, an absolute path, or that lies inside the source. */
export function refuseUnfitDestination(source: Source, out: string, destination: Buffer): void {
  if (fs.lstatSync(destination, { throwIfNoEntry: false }) !== undefined) throw messages.outExists(out);
  if (source.directory === undefined) return;
  const inside = Buffer.concat([source.directory, Buffer.from('/')]);
  if (destination.subarray(0, inside.length).equals(inside)) throw messages.outInsideSource(out, source.label);
}
