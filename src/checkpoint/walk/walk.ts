import { messages } from '../../errors/messages';
import type { ImageFile, ImageKind, ImageName } from '../../frames/image-kinds';
import type { Source, SourceMember } from '../../storage/source';
import { batchesOf, imageOf, type OpenImage } from '../open-image';
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
  open!: OpenImage;
  entry = -1;
  base = 0;
}

/** The subscribers that do not skip an image. */
class Audience {
  private readonly listeners: Listeners;
  private readonly readers = new Map<ImageName, readonly Reader[]>();

  constructor(private readonly subscribers: readonly Subscriber[]) {
    this.listeners = listenersAmong(subscribers);
  }

  async read(member: SourceMember, image: ImageFile): Promise<void> {
    const readers = this.heardOf(image.kind);
    if (readers.length === 0) return;
    const visits: readonly OnBatch[] = readers.map(({ start }) => start(image, this.listeners));
    const firstOnly = readers.every(({ first }) => first !== undefined);
    const at = new Place();
    const onOpen = (open: OpenImage) => {
      at.open = open;
      for (const subscriber of this.subscribers) subscriber.opened?.(open);
    };
    for await (const { batch, open } of batchesOf(member, image, onOpen)) {
      at.base = batch.base;
      for (const subscriber of this.subscribers) subscriber.batch?.(batch, open);
      const told = firstOnly ? batch.first() : batch;
      for (const visit of visits) visit(told, at);
      if (firstOnly) break;
    }
    if (at.entry === -1 && readers.some(({ first }) => first === 'required')) {
      throw messages.truncated({ file: at.open.name }, SIZE_BYTES, 'there is no entry');
    }
    for (const subscriber of this.subscribers) subscriber.closed?.(at.open);
  }

  private heardOf(kind: ImageKind): readonly Reader[] {
    const { name } = kind;
    let readers = this.readers.get(name);
    if (readers === undefined) {
      const isHeard = ({ events }: Reader) => events.some((event) => this.listeners[event].length > 0);
      readers = readersOf(kind).filter(isHeard);
      this.readers.set(name, readers);
    }
    return readers;
  }
}
