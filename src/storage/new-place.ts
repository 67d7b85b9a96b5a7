import path from 'node:path';
import { messages } from '../errors/messages';
import { joinPath } from './byte-path';
import { parentOf } from './parent-of';
import type { Source } from './source';
import type { FixedDirectory } from './trusted-path';
import { refuseUnfitDestination } from './unfit-destination';
import { WorkDirectory } from './work-directory';

/** Where a new OUT is built, and where it goes. */
export interface NewPlace {
  readonly name: Buffer;
  readonly destination: Buffer;
  readonly work: WorkDirectory;
}

/** Checks that nothing is at `out` and that it fits the source, and makes the work directory beside it. */
export async function beginNewPlace(source: Source, out: string, fixed?: FixedDirectory): Promise<NewPlace> {
  // What Node makes of an argument that is not UTF-8 is another name than the one that was meant.
  if (out.includes('\ufffd')) throw messages.outNotUtf8(out);
  const parent = parentOf(out, fixed);
  const name = Buffer.from(path.basename(out));
  const destination = joinPath(parent, name);
  refuseUnfitDestination(source, out, destination);
  return { name, destination, work: await WorkDirectory.create(parent, name) };
}
