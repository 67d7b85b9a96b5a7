import type { ImageFile, ImageKind, ImageName } from '../../frames/image-kinds';
import type { RecordBatch } from '../../frames/record-batch';
import { decode } from '../../schema/decode';
import {
  FILE_ENTRY_FIELDS,
  INVENTORY_ENTRY,
  PIPE_DATA_ENTRY,
  REMAP_FILE_PATH_ENTRY,
  TASK_KOBJ_IDS_ENTRY,
} from '../../schema/generated/images';
import { descriptorNames, epollWatch, epollWatches, namesDescriptors } from '../descriptor-names';
import { DescriptorView } from '../descriptor-record';
import { FileEntryView, typeOfImage } from '../file-entry';
import { holdsFileIds, REGF_MEMBERS, visitFileIds, visitRegf } from '../file-ids';
import { MARK_MEMBERS, markOfRecord, marksOfEntry } from '../file-mark';
import type { HolderKind } from '../message-rows';
import { type Listeners, listenersByType, type RecordEvent } from './listeners';
import type { OnRecord, RecordPlace } from './subscriber';

/** The readers that turn the records of an image into events. */
export interface Reader {
  /** The events that its records can cause. */
  readonly events: readonly RecordEvent[];
  /** Only the first record is told, and no further ones are read. 'required': there has to be one, as for CRIU. */
  readonly first?: 'required' | 'optional';
  readonly start: Start<OnBatch>;
}

/** Called once for each image that is read. */
type Start<T> = (image: ImageFile, to: Listeners) => T;

/** Reads the records of a batch. */
export type OnBatch = (batch: RecordBatch, at: MovingPlace) => void;

/** The place of the record that is being read. */
export interface MovingPlace extends RecordPlace {
  entry: number;
}

function perRecord(start: Start<OnRecord>): Start<OnBatch> {
  return (image, to) => {
    const onRecord = start(image, to);
    return (batch, at) =>
      batch.each((bytes, from, end, entry) => {
        at.entry = entry;
        onRecord(bytes, from, end, at);
      });
  };
}

/** Records that are handed on as they are. */
function raw(
  event: 'connection' | 'task' | 'core' | 'mount' | 'terminal' | 'memfd' | 'external' | 'pagemap' | 'ghost',
): Reader {
  const start = perRecord((_image, to) => {
    const listeners: readonly Partial<Record<typeof event, OnRecord>>[] = to[event];
    return (bytes, from, end, at) => {
      for (const listener of listeners) listener[event]?.(bytes, from, end, at);
    };
  });
  return { events: [event], start };
}

const INVENTORY: Reader = {
  events: ['inventory'],
  first: 'required',
  start: perRecord((_image, to) => (bytes, start, end, at) => {
    const inventory = decode(INVENTORY_ENTRY, bytes, start, end);
    for (const listener of to.inventory) listener.inventory(inventory, at);
  }),
};

const IDS: Reader = {
  events: ['ids'],
  first: 'required',
  start: perRecord((_image, to) => (bytes, start, end, at) => {
    const ids = decode(TASK_KOBJ_IDS_ENTRY, bytes, start, end);
    for (const listener of to.ids) listener.ids(ids, at);
  }),
};

/** Tells the watches of an epoll or inotify, and the id of the entry with the path of a FIFO or terminal. */
function tellMore(view: FileEntryView, to: Listeners, at: RecordPlace): void {
  const { id, member, bytes, start, end } = view;
  if (member === FILE_ENTRY_FIELDS.epfd) {
    if (to.watch.length === 0) return;
    for (const watch of epollWatches(id, bytes, start, end)) for (const listener of to.watch) listener.watch(watch, at);
  } else if (MARK_MEMBERS.has(member)) {
    if (to.mark.length === 0) return;
    for (const mark of marksOfEntry(member, id, bytes, start, end))
      for (const listener of to.mark) listener.mark(mark, at);
  } else if (to.path.length > 0) {
    visitRegf(member, bytes, start, end, (regf, kind) => {
      for (const listener of to.path) listener.path(regf, kind, at);
    });
  }
}

/** Members of file_entry that have more to tell than themselves. */
const TELL_MORE = new Set([FILE_ENTRY_FIELDS.epfd, ...MARK_MEMBERS, ...REGF_MEMBERS]);

/** Entries of all types, each with its type. It has a loop of its own, since V8 puts what that calls into it. */
const FILES: Reader = {
  events: ['entry', 'watch', 'mark', 'path'],
  start: (_image, to) => {
    const view = new FileEntryView();
    const hearing = listenersByType(to.entry);
    return (batch, at) => {
      const { bytes, starts, ends, count, firstEntry } = batch;
      let i = 0;
      try {
        for (; i < count; i += 1) {
          at.entry = firstEntry + i;
          view.read(bytes, starts[i] as number, ends[i] as number);
          for (const listener of hearing(view.type)) listener.entry(view, at);
          if (TELL_MORE.has(view.member)) tellMore(view, to, at);
        }
      } catch (error) {
        throw batch.located(error, i);
      }
    };
  },
};

/** Entries of one type. */
function bareEntries(type: number): Reader {
  return {
    events: ['bareEntry'],
    start: perRecord((_image, to) => {
      const view = new FileEntryView();
      const hearing = listenersByType(to.bareEntry)(type);
      return (bytes, start, end, at) => {
        view.readBare(type, bytes, start, end);
        for (const listener of hearing) listener.bareEntry(view, at);
        if (TELL_MORE.has(view.member)) tellMore(view, to, at);
      };
    }),
  };
}

function tellReference(to: Listeners, id: number, kind: HolderKind, at: RecordPlace): void {
  for (const listener of to.reference) listener.reference(id, kind, at);
}

/** A loop of its own here, too. */
const FDINFO: Reader = {
  events: ['descriptor'],
  start: (_image, to) => {
    const view = new DescriptorView();
    const listeners = to.descriptor;
    return (batch, at) => {
      const { bytes, starts, ends, count, firstEntry } = batch;
      let i = 0;
      try {
        for (; i < count; i += 1) {
          at.entry = firstEntry + i;
          view.read(bytes, starts[i] as number, ends[i] as number);
          for (const listener of listeners) listener.descriptor(view, at);
        }
      } catch (error) {
        throw batch.located(error, i);
      }
    };
  },
};

const SK_QUEUES: Reader = {
  events: ['packet', 'reference'],
  start: perRecord((_image, to) => (bytes, start, end, at) => {
    const rights: number[] = [];
    visitFileIds('sk_packet_entry', bytes, start, end, (id, kind) => {
      if (kind === 'SCM right') rights.push(id);
      else tellReference(to, id, kind, at);
    });
    for (const listener of to.packet) listener.packet(rights, bytes, start, end, at);
  }),
};

const REMAP_FPATH: Reader = {
  events: ['remap', 'reference'],
  start: perRecord((_image, to) => (bytes, start, end, at) => {
    let linkedId: number | undefined;
    visitFileIds('remap_file_path_entry', bytes, start, end, (id, kind) => {
      if (kind === 'linked remap') linkedId = id;
      tellReference(to, id, kind, at);
    });
    if (to.remap.length === 0) return;
    const remap = decode(REMAP_FILE_PATH_ENTRY, bytes, start, end);
    for (const listener of to.remap) listener.remap(remap, linkedId, at);
  }),
};

const EVENTPOLL_TFD: Reader = {
  events: ['watch', 'reference'],
  start: perRecord((_image, to) => (bytes, start, end, at) => {
    visitFileIds('eventpoll_tfd_entry', bytes, start, end, (id, kind) => tellReference(to, id, kind, at));
    if (to.watch.length === 0) return;
    const watch = epollWatch(bytes, start, end);
    for (const listener of to.watch) listener.watch(watch, at);
  }),
};

function marks(message: 'inotify_wd_entry' | 'fanotify_mark_entry'): Reader {
  return {
    events: ['mark'],
    start: perRecord((_image, to) => (bytes, start, end, at) => {
      const mark = markOfRecord(message, bytes, start, end);
      if (mark !== undefined) for (const listener of to.mark) listener.mark(mark, at);
    }),
  };
}

function references(message: string): Reader {
  return {
    events: ['reference'],
    start: perRecord((_image, to) => (bytes, start, end, at) => {
      visitFileIds(message, bytes, start, end, (id, kind) => tellReference(to, id, kind, at));
    }),
  };
}

function ties(name: ImageName): Reader {
  return {
    events: ['tie'],
    start: perRecord((_image, to) => (bytes, start, end, at) => {
      for (const tie of descriptorNames(name, bytes, start, end)) for (const listener of to.tie) listener.tie(tie, at);
    }),
  };
}

function unreadBytes(type: string): Reader {
  return {
    events: ['unread'],
    start: perRecord((_image, to) => (bytes, start, end, at) => {
      const data = decode(PIPE_DATA_ENTRY, bytes, start, end);
      for (const listener of to.unread) listener.unread(data, type, at.base + end, at);
    }),
  };
}

/** Images whose records are told in a way of their own. */
const OWN: Partial<Record<ImageName, readonly Reader[]>> = {
  INVENTORY: [INVENTORY],
  PSTREE: [raw('task')],
  IDS: [IDS],
  CORE: [raw('core')],
  MNTS: [raw('mount')],
  FILES: [FILES],
  FDINFO: [FDINFO],
  SK_QUEUES: [SK_QUEUES],
  REMAP_FPATH: [REMAP_FPATH],
  EVENTPOLL_TFD: [EVENTPOLL_TFD],
  INOTIFY_WD: [references('inotify_wd_entry'), marks('inotify_wd_entry')],
  FANOTIFY_MARK: [references('fanotify_mark_entry'), marks('fanotify_mark_entry')],
  TCP_STREAM: [raw('connection')],
  TTY_INFO: [raw('terminal')],
  MEMFD_INODE: [raw('memfd')],
  PAGEMAP: [{ ...raw('pagemap'), first: 'optional' }],
  GHOST_FILE: [{ ...raw('ghost'), first: 'optional' }],
};

/** The readers that turn the records of an image into events: its own, or what the rows of its kind and message say. */
export function readersOf(kind: ImageKind): readonly Reader[] {
  const { name, message, external, unreadOf } = kind;
  const type = typeOfImage(kind);
  const own = OWN[name] ?? (type === undefined ? undefined : [bareEntries(type)]);
  return [
    ...(own ?? (holdsFileIds(message) ? [references(message)] : [])),
    ...(external === undefined ? [] : [raw('external')]),
    ...(unreadOf === undefined ? [] : [unreadBytes(unreadOf)]),
    ...(namesDescriptors(name) ? [ties(name)] : []),
  ];
}
