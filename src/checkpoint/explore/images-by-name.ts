import type { ImageFile } from '../../frames/image-kinds';
import { identifyImage } from '../../frames/image-kinds';
import type { RecordBatch } from '../../frames/record-batch';
import type { MessageSchema } from '../../schema/message';
import type { MembersByName, Source, SourceMember } from '../../storage/source';
import { batchesOf, decodeAll, decodeFirst, imageOf } from '../open-image';

/**
 * The images of a checkpoint by their names: what a task has is told task by task, in the order of pstree.img, which
 * is not that of the members. Throws FdgraftError for an image that is damaged; one that is not there is none.
 */
export class ImagesByName {
  private readonly members: MembersByName;

  constructor(
    source: Source,
    private readonly signal?: AbortSignal,
  ) {
    this.members = source.byName();
  }

  async has(name: string): Promise<boolean> {
    return (await this.use(name, async () => true)) ?? false;
  }

  /** All records of a small image; undefined where there is no such image. */
  async all<T>(name: string, schema: MessageSchema<T>): Promise<T[] | undefined> {
    return this.use(name, (member, image) => decodeAll(member, image, schema));
  }

  /** The record of an image that always has one; undefined where there is no such image. */
  async first<T>(name: string, schema: MessageSchema<T>): Promise<T | undefined> {
    return this.use(name, (member, image) => decodeFirst(member, image, schema));
  }

  /** The records of an image in batches; none where there is no such image. */
  async *batches(name: string): AsyncGenerator<RecordBatch, void, undefined> {
    this.signal?.throwIfAborted();
    const member = await this.members.member(name);
    if (member === undefined) return;
    for await (const batch of batchesOf(member, imageIn(member, name))) {
      this.signal?.throwIfAborted();
      yield batch;
    }
  }

  close(): Promise<void> {
    return this.members.close();
  }

  private async use<T>(name: string, work: (member: SourceMember, image: ImageFile) => Promise<T>) {
    this.signal?.throwIfAborted();
    const member = await this.members.member(name);
    return member === undefined ? undefined : work(member, imageIn(member, name));
  }
}

function imageIn(member: SourceMember, name: string): ImageFile {
  const image = imageOf(member) ?? identifyImage(name);
  if (image === undefined) throw new TypeError(`${name} is not the name of an image`);
  return image;
}
