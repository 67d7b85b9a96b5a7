import { fileKind, MAX_KEY_BYTES } from '../../checkpoint/entry-facts';
import { inheritableType } from '../../checkpoint/entry-types';
import type { FileEntryView } from '../../checkpoint/file-entry';
import { IdSet } from '../../checkpoint/id-set';
import { terminalKey } from '../../checkpoint/key-text';
import type { Memfds } from '../../checkpoint/memfds';
import { unixAddress } from '../../checkpoint/socket-types';
import { unixSocketOf } from '../../checkpoint/unix-sockets';
import { walk } from '../../checkpoint/walk/walk';
import { decode, decodeInPlace } from '../../schema/decode';
import {
  FD_TYPES,
  MEMFD_FILE_ENTRY_FIELDS,
  PIPE_ENTRY_FIELDS,
  REG_FILE_ENTRY_FIELDS,
  TTY_INFO_ENTRY,
} from '../../schema/generated/images';
import type { Source } from '../../storage/source';
import { FieldCursor } from '../../wire/field-cursor';
import { numberIn } from '../../wire/number-in';
import { readOpenIds } from '../open-ids';
import type { Hinter, SeenFile, SeenPipe, SeenSocket } from './hinter';

/** Shows hinters what they look at. Images that none of them needs are not read. Throws FdgraftError. */
export async function showEntries(
  source: Source,
  memfds: Memfds,
  hinters: readonly Hinter[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const audience = new Audience(hinters);
  if (audience.isForEntries) {
    const open = await readOpenIds(source, signal);
    await walk(source, [{ entry: (view) => audience.show(view, open, memfds) }], signal);
  }
  if (audience.ofTerminals.length > 0) await showTerminals(source, audience.ofTerminals, signal);
}

/** The keys of all terminals, which tty-info.img alone has. */
async function showTerminals(
  source: Source,
  hinters: readonly Having<'seeTerminal'>[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const terminal = (bytes: Uint8Array, start: number, end: number) => {
    const { rdev, dev } = decode(TTY_INFO_ENTRY, bytes, start, end);
    for (const hinter of hinters) hinter.seeTerminal(terminalKey(rdev, dev ?? 0));
  };
  await walk(source, [{ terminal }], signal);
}

type Having<Method extends keyof Hinter> = Hinter & Required<Pick<Hinter, Method>>;

function those<Method extends keyof Hinter>(hinters: readonly Hinter[], method: Method): Having<Method>[] {
  return hinters.filter((hinter): hinter is Having<Method> => hinter[method] !== undefined);
}

/** Hinters by the sort of entry that they look at. */
class Audience {
  private readonly ofFiles: readonly Having<'seeFile'>[];
  private readonly ofPipes: readonly Having<'seePipe'>[];
  private readonly ofSockets: readonly Having<'seeSocket'>[];
  private readonly ofMemfds: readonly Having<'seeMemfd'>[];
  private readonly ofOthers: readonly Having<'seeOther'>[];
  readonly ofTerminals: readonly Having<'seeTerminal'>[];
  private readonly seenMemfds = new IdSet();

  constructor(hinters: readonly Hinter[]) {
    this.ofFiles = those(hinters, 'seeFile');
    this.ofPipes = those(hinters, 'seePipe');
    this.ofSockets = those(hinters, 'seeSocket');
    this.ofMemfds = those(hinters, 'seeMemfd');
    this.ofOthers = those(hinters, 'seeOther');
    this.ofTerminals = those(hinters, 'seeTerminal');
  }

  get isForEntries(): boolean {
    return [this.ofFiles, this.ofPipes, this.ofSockets, this.ofMemfds, this.ofOthers].some(({ length }) => length > 0);
  }

  show(view: FileEntryView, open: IdSet, memfds: Memfds): void {
    if (view.member === 0) return;
    if (view.type === FD_TYPES.REG) this.showFile(view, open);
    else if (!open.has(view.id)) return;
    else if (view.type === FD_TYPES.PIPE) this.showPipe(view);
    else this.showOther(view, memfds);
  }

  private showFile(view: FileEntryView, open: IdSet): void {
    if (this.ofFiles.length === 0) return;
    const file = readFile(view, open);
    if (file !== undefined) for (const hinter of this.ofFiles) hinter.seeFile(file);
  }

  private showPipe(view: FileEntryView): void {
    if (this.ofPipes.length === 0) return;
    const pipe = readPipe(view);
    if (pipe !== undefined) for (const hinter of this.ofPipes) hinter.seePipe(pipe);
  }

  private showOther(view: FileEntryView, memfds: Memfds): void {
    for (const hinter of this.ofOthers) hinter.seeOther(view);
    const socket = this.ofSockets.length > 0 ? readSocket(view) : undefined;
    if (socket !== undefined) for (const hinter of this.ofSockets) hinter.seeSocket(socket);
    if (view.type === FD_TYPES.MEMFD && this.ofMemfds.length > 0) this.showMemfd(view, memfds);
  }

  private showMemfd(view: FileEntryView, memfds: Memfds): void {
    const inode = numberIn(view, MEMFD_FILE_ENTRY_FIELDS.inode_id);
    const name = inode !== undefined && this.seenMemfds.add(inode) ? memfds.of(inode)?.name : undefined;
    if (name !== undefined) for (const hinter of this.ofMemfds) hinter.seeMemfd(Buffer.from(name, 'latin1'));
  }
}

/** A regular file that a spec could name; undefined if it is none, or if only mappings and the like refer to it. */
function readFile({ id, bytes, start: first, end: last }: FileEntryView, open: IdSet): SeenFile | undefined {
  const fields = REG_FILE_ENTRY_FIELDS;
  const cursor = new FieldCursor().over(bytes, first, last);
  let [start, end] = [0, 0];
  let mode: number | undefined;
  let isExternal = false;
  while (cursor.next()) {
    if (cursor.number === fields.name) [start, end] = [cursor.valueStart, cursor.end];
    else if (cursor.number === fields.ext) isExternal = cursor.uint64AsNumber() !== 0;
    else if (cursor.number === fields.mode) mode = cursor.uint32();
  }
  if (end - start > MAX_KEY_BYTES) return undefined;
  const kind = fileKind(mode === undefined ? {} : { mode });
  // The descriptors of a FIFO refer to another entry than the one with its path.
  if (!open.has(id) && kind !== 'fifo') return undefined;
  return { bytes, start, end, isExternal, isDirectory: kind === 'directory' };
}

function readPipe(view: FileEntryView): SeenPipe | undefined {
  const id = numberIn(view, PIPE_ENTRY_FIELDS.pipe_id);
  return id === undefined ? undefined : { id, flags: numberIn(view, PIPE_ENTRY_FIELDS.flags) ?? 0 };
}

/** A socket that a spec could name by its name, address or inode; undefined for anything else. */
function readSocket(view: FileEntryView): SeenSocket | undefined {
  const type = inheritableType(view);
  if (type?.keys === undefined || type.numbered?.kind !== 'socket') return undefined;
  const keys = type.keys(decodeInPlace(type.schema, view.bytes, view.start, view.end) as never);
  const unix = keys.some((key) => key.startsWith('/')) ? unixSocketOf(view) : undefined;
  return { keys, path: unix && unixAddress(unix) };
}
