import type { ImageFile } from '../../frames/image-kinds';
import type { RecordBatch } from '../../frames/record-batch';
import type {
  InventoryEntry,
  PipeDataEntry,
  RemapFilePathEntry,
  TaskKobjIdsEntry,
} from '../../schema/generated/images';
import type { SourceMember } from '../../storage/source';
import type { DescriptorTie, EpollWatch } from '../descriptor-names';
import type { DescriptorView } from '../descriptor-record';
import type { FileEntryView } from '../file-entry';
import type { FileMark } from '../file-mark';
import type { HolderKind } from '../message-rows';
import type { OpenImage } from '../open-image';

/** Where a record is. Reused from record to record. */
export interface RecordPlace {
  readonly open: OpenImage;
  /** Number of the record in its image. */
  readonly entry: number;
  /** Offset in the file of the first byte of the buffer that the record lies in. */
  readonly base: number;
}

/** A record as it lies in a buffer: `bytes[start, end)`, valid during the call. */
export type OnRecord = (bytes: Uint8Array, start: number, end: number, at: RecordPlace) => void;

/** The events of a walk, each with the function that hears it. */
export interface RecordEvents {
  readonly inventory: (inventory: InventoryEntry, at: RecordPlace) => void;
  /** A record of pstree.img. */
  readonly task: OnRecord;
  /** The ids of a task's tables and namespaces. The number of the image is the pid. */
  readonly ids: (ids: TaskKobjIdsEntry, at: RecordPlace) => void;
  readonly core: OnRecord;
  readonly mount: OnRecord;
  /** An entry of files.img. The view is reused. */
  readonly entry: (entry: FileEntryView, at: RecordPlace) => void;
  /** An entry of a dump older than files.img, from the image of its type. The view is reused. */
  readonly bareEntry: (entry: FileEntryView, at: RecordPlace) => void;
  /** The id of the regular entry that has the path of a FIFO or terminal. */
  readonly path: (id: number, kind: HolderKind, at: RecordPlace) => void;
  /** A descriptor; the number of the image is that of its table. A field that the record lacks is -1. The view is reused. */
  readonly descriptor: (descriptor: DescriptorView, at: RecordPlace) => void;
  /** A file id in an image other than files.img and the tables; the number of the image is often a pid. */
  readonly reference: (id: number, kind: HolderKind, at: RecordPlace) => void;
  /** A packet in the queue of a unix socket, with the file ids of its SCM rights. */
  readonly packet: (rights: readonly number[], bytes: Uint8Array, start: number, end: number, at: RecordPlace) => void;
  /** An established TCP connection; the number of the image is the inode of its socket. */
  readonly connection: OnRecord;
  /** `linkedId`: the file id of what stands in for the removed file, where that is an entry. */
  readonly remap: (remap: RemapFilePathEntry, linkedId: number | undefined, at: RecordPlace) => void;
  /** A lock or the like: what names a descriptor by its number. */
  readonly tie: (tie: DescriptorTie, at: RecordPlace) => void;
  readonly watch: (watch: EpollWatch, at: RecordPlace) => void;
  /** A file that an inotify or fanotify watches. */
  readonly mark: (mark: FileMark, at: RecordPlace) => void;
  /** The first record of a ghost's image; the number of the image is that of the ghost. */
  readonly ghost: OnRecord;
  /** Unread bytes of a pipe or FIFO, and its size. `type`: name of the type of its entries; `offset`: of the bytes in the file. */
  readonly unread: (data: PipeDataEntry, type: string, offset: number, at: RecordPlace) => void;
  /** A record of tty-info.img. */
  readonly terminal: OnRecord;
  /** A record of memfd.img. */
  readonly memfd: OnRecord;
  /** A record of an image that can have the key of something external. */
  readonly external: OnRecord;
  /** The first record of a page map. */
  readonly pagemap: OnRecord;
}

/** A part of the program that hears events of a walk. An image is read only if a subscriber hears one of its events. */
export interface Subscriber extends Partial<RecordEvents> {
  /** The types (numbers in CRIU's fd_types) of which it hears entries; absent: all. There are millions of them. */
  readonly entryTypes?: ReadonlySet<number>;
  /** Told of everything in the source, images or not. */
  member?(member: SourceMember): void;
  /** Told of each image of the checkpoint, whether it is read or not, before it is. */
  image?(image: ImageFile, member: SourceMember): void;
  /** True for an image from which this subscriber wants no event. */
  skips?(image: ImageFile): boolean;
  /** Told of each image that is read, when its magics are known. */
  opened?(open: OpenImage): void;
  /** Told of some records before the events of each. */
  batch?(batch: RecordBatch, open: OpenImage): void;
  /** Told of each image that is read, when all of it was. */
  closed?(open: OpenImage): void;
}
