import { messages } from '../../errors/messages';
import type { ImageFile, ImageKind, ImageName } from '../../frames/image-kinds';
import type { Source, SourceMember } from '../../storage/source';
import { ImageReader, imageOf, type OpenImage } from '../open-image';
import { type Listeners, listenersAmong } from './listeners';
import { type MovingPlace, type OnBatch, type Reader, readersOf } from './readers';
import type { Subscriber } from './subscriber';

const SIZE_BYTES = 4;

/**
 * Reads the images of a checkpoint once, in the order of the source, and tells each subscriber the events that it
 * hears. An image without such an event is not opened. Throws FdgraftError.
 */
export async function walk(source: Source, subscribers: readonly Subscriber[], signal?: AbortSignal): Promise<void> {
  const audiences = new Map<string, Audience>();
  for await (const member of source.members()) {
    signal?.throwIfAborted();
    for (const subscriber of subscribers) subscriber.member?.(member);
    const image = imageOf(member);
    if (image === undefined) continue;
    for (const subscriber of subscribers) subscriber.image?.(image, member);
    const isHere = subscribers.map((subscriber) => subscriber.skips?.(image) !== true);
    const name = isHere.join();
    const audience = audiences.get(name) ?? new Audience(subscribers.filter((_one, i) => isHere[i]));
    audiences.set(name, audience);
    await audience.read(member, image);
  }
}

/** The same for one image. Throws FdgraftError. */
export async function walkImage(
  member: SourceMember,
  image: ImageFile,
  subscribers: readonly Subscriber[],
): Promise<void> {
  await new Audience(subscribers).read(member, image);
}

/** True for an image that has something to tell to a subscriber. */
export function tells({ kind }: ImageFile, subscriber: Subscriber): boolean {
  return readersOf(kind).some(({ events }) => events.some((event) => subscriber[event] !== undefined));
}

class Place implements MovingPlace {
  entry = -1;
  base = 0;

  constructor(readonly open: OpenImage) {}
}

/** The readers of a kind of images. */
interface Heard {
  readonly readers: readonly Reader[];
  /** Only the first record is read. */
  readonly isFirstOnly: boolean;
  /** There has to be one. */
  readonly needsFirst: boolean;
}

/** The subscribers that do not skip an image. */
class Audience {
  private readonly listeners: Listeners;
  private readonly heard = new Map<ImageName, Heard>();

  constructor(private readonly subscribers: readonly Subscriber[]) {
    this.listeners = listenersAmong(subscribers);
  }

  async read(member: SourceMember, image: ImageFile): Promise<void> {
    const { readers, isFirstOnly, needsFirst } = this.heardOf(image.kind);
    if (readers.length === 0) return;
    const { subscribers } = this;
    const visits: readonly OnBatch[] = readers.map(({ start }) => start(image, this.listeners));
    const reader = await ImageReader.open(member, image);
    const { image: open } = reader;
    const at = new Place(open);
    try {
      for (const subscriber of subscribers) subscriber.opened?.(open);
      for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
        at.base = batch.base;
        for (const subscriber of subscribers) subscriber.batch?.(batch, open);
        const told = isFirstOnly ? batch.first() : batch;
        for (const visit of visits) visit(told, at);
        if (isFirstOnly) break;
      }
    } finally {
      await reader.close();
    }
    if (at.entry === -1 && needsFirst) throw messages.truncated({ file: open.name }, SIZE_BYTES, 'there is no entry');
    for (const subscriber of subscribers) subscriber.closed?.(open);
  }

  private heardOf(kind: ImageKind): Heard {
    const { name } = kind;
    let heard = this.heard.get(name);
    if (heard === undefined) {
      const isHeard = ({ events }: Reader) => events.some((event) => this.listeners[event].length > 0);
      const readers = readersOf(kind).filter(isHeard);
      heard = {
        readers,
        isFirstOnly: readers.every(({ first }) => first !== undefined),
        needsFirst: readers.some(({ first }) => first === 'required'),
      };
      this.heard.set(name, heard);
    }
    return heard;
  }
}
