import { decode } from '../schema/decode';
import { FDINFO_ENTRY, INVENTORY_ENTRY, PIPE_DATA_ENTRY } from '../schema/generated/images';
import type { Source } from '../storage/source';
import { isCloseOnExec } from './descriptor-record';
import { ENTRY_TYPES, type EntryFacts, type EntryType, fileKind, typeName } from './entry-types';
import { FileEntryView } from './file-entry';
import { Layout } from './layout';
import { decodeFirst, forEachRecord, imageOf, readBatches } from './open-image';
import { type PipeName, pipeName, UNREAD_BYTES_OF } from './pipe-name';
import { pushTo } from './push-to';
import { Tasks } from './tasks';

/** A descriptor of a task. */
export interface Descriptor {
  readonly table: number;
  /** Tasks that use the table. */
  readonly pids: readonly number[];
  readonly fd: number;
  readonly closeOnExec: boolean;
}

/** An open file description that descriptors refer to. */
export interface OpenEntry {
  readonly id: number;
  /** Name in CRIU's fd_types. */
  readonly type: string;
  readonly descriptors: readonly Descriptor[];
  /** Undefined for what cannot be inherited: types that are not supported yet, and folders. */
  readonly facts: EntryFacts | undefined;
  /** Bytes that were in the pipe at the dump. */
  readonly unreadBytes: number;
}

/** All entries with a descriptor, ascending by id. Throws FdgraftError. */
export async function inspect(source: Source, signal?: AbortSignal): Promise<OpenEntry[]> {
  const layout = new Layout();
  const tasks = new Tasks();
  const entries = new Map<number, { type: number; facts: EntryFacts | undefined }>();
  const pathless: { id: number; type: EntryType; decoded: never }[] = [];
  const descriptors = new Map<number, { table: number; fd: number; closeOnExec: boolean }[]>();
  const unread = new Map<PipeName, number>();
  const view = new FileEntryView();
  const onOpen = layout.sawImage.bind(layout);

  for await (const member of source.members()) {
    signal?.throwIfAborted();
    const image = imageOf(member);
    if (image === undefined) {
      layout.sawRaw(member.name.toString('latin1'));
      continue;
    }
    const eachRecord = (visit: (bytes: Uint8Array, start: number, end: number) => void) =>
      readBatches(member, image, (batch, open) => forEachRecord(batch, open.name, visit), onOpen);
    switch (image.kind.name) {
      case 'INVENTORY':
        layout.sawInventory(await decodeFirst(member, image, INVENTORY_ENTRY));
        break;
      case 'PSTREE':
      case 'IDS':
        await tasks.read(member, image, onOpen);
        break;
      case 'FILES':
        await eachRecord((bytes, start, end) => {
          const { id, type } = view.read(bytes, start, end);
          const known = ENTRY_TYPES.find(({ number, member }) => number === type && member === view.member);
          const decoded = known === undefined ? undefined : decode(known.schema, view.bytes, view.start, view.end);
          if (known?.pathId !== undefined) pathless.push({ id, type: known, decoded: decoded as never });
          const facts = known?.pathId === undefined ? known?.describe(decoded as never, undefined) : undefined;
          entries.set(id, { type, facts });
        });
        break;
      case 'FDINFO':
        await eachRecord((bytes, start, end) => {
          const { id, fd, flags } = decode(FDINFO_ENTRY, bytes, start, end);
          pushTo(descriptors, id, { table: image.number, fd, closeOnExec: isCloseOnExec(flags) });
        });
        break;
      case 'PIPES_DATA':
      case 'FIFO_DATA': {
        const type = UNREAD_BYTES_OF[image.kind.name] ?? '';
        await eachRecord((bytes, start, end) => {
          const data = decode(PIPE_DATA_ENTRY, bytes, start, end);
          const pipe = pipeName(type, data.pipe_id);
          unread.set(pipe, (unread.get(pipe) ?? 0) + data.bytes);
        });
        break;
      }
      default:
    }
  }
  layout.check(source.label);

  for (const { id, type, decoded } of pathless) {
    const path = entries.get(type.pathId?.(decoded) ?? id)?.facts;
    if (path !== undefined) entries.set(id, { type: type.number, facts: type.describe(decoded, path) });
  }

  const pidsByTable = tasks.byTable();
  return [...descriptors]
    .sort(([a], [b]) => a - b)
    .map(([id, holders]) => {
      const entry = entries.get(id);
      const type = entry === undefined ? 'missing' : typeName(entry.type);
      const isFolder = entry?.facts !== undefined && fileKind(entry.facts) === 'folder';
      return {
        id,
        type,
        facts: isFolder ? undefined : entry?.facts,
        unreadBytes: unread.get(pipeName(type, entry?.facts?.pipeId ?? -1)) ?? 0,
        descriptors: holders
          .map((holder) => ({ ...holder, pids: pidsByTable.get(holder.table) ?? [] }))
          .sort((a, b) => (a.pids[0] ?? 0) - (b.pids[0] ?? 0) || a.fd - b.fd),
      };
    });
}
