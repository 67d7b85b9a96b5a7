import { imageOf } from '../checkpoint/open-image';
import { identifyImage, rawFileOf } from '../frames/image-kinds';
import { shapeOf } from '../schema/shape';
import { areOneFile } from '../storage/same-file';
import { isFileOrLeadsToOne, type SourceMember } from '../storage/source';
import { compareFiles } from './compare-files';
import { type CompareOptions, compareImages } from './compare-images';
import { countEntries } from './count-entries';
import type { Found } from './found';
import { isSameByBytes } from './ids/id-fields';
import { areSameSparseFile } from './same-content';

/** A file of a checkpoint, or of the other one, or of both, with its name on either side. */
export interface ComparedMembers {
  readonly name: string;
  readonly nameAfter: string;
  readonly before: SourceMember | undefined;
  readonly after: SourceMember | undefined;
}

/** What differs between a file of two checkpoints: image, raw bytes, link. Throws FdgraftError. */
export async function* compareMembers(
  { name, nameAfter, before, after }: ComparedMembers,
  options: CompareOptions,
): AsyncGenerator<Found, void, undefined> {
  const { ids, signal } = options;
  const image = rawFileOf(name) === undefined ? identifyImage(name) : undefined;
  // What is called like an image and is none is the error that it is for whoever reads it.
  if (image !== undefined) for (const member of [before, after]) if (member !== undefined) imageOf(member);
  if (image === undefined || !isReadable(before) || !isReadable(after)) {
    if (before?.kind === 'directory' && after?.kind === 'directory') return;
    if (before !== undefined && after !== undefined && areOneFile(before, after)) return;
    const difference = await compareFiles(name, before, after, signal);
    if (difference !== undefined) yield difference;
    return;
  }
  if (before !== undefined && after !== undefined) {
    const bytesDecide = isSameByBytes(shapeOf(image.kind.message), ids);
    if (bytesDecide && areOneFile(before, after)) return;
    const [a, b] = [await before.open(), await after.open()];
    try {
      const isSparse = a.condense !== undefined || b.condense !== undefined;
      if (bytesDecide && isSparse && (await areSameSparseFile(before, after, signal))) return;
      const sides = [
        { reader: a, file: `${name} (before)` },
        { reader: b, file: `${nameAfter} (after)` },
      ] as const;
      yield* compareImages(name, ...sides, options);
    } finally {
      await a.close();
      await b.close();
    }
    return;
  }
  const change = before === undefined ? 'added' : 'removed';
  const member = (before ?? after) as SourceMember;
  yield { what: 'image', image: name, change, entries: await countEntries(member, name, signal) };
}

function isReadable(member: SourceMember | undefined): boolean {
  return member === undefined || isFileOrLeadsToOne(member);
}
