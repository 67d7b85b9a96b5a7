import { FD_TYPES, type UnixSkEntry } from '../../schema/generated/images';
import type { Source } from '../../storage/source';
import { yieldToEventLoop } from '../../storage/yield-to-event-loop';
import { describeEntry, type PathlessEntry, readPathless } from '../describe-entry';
import { type EntryFacts, withoutKind } from '../entry-facts';
import { typeName } from '../entry-types';
import { FileEntryView, typeOfImage } from '../file-entry';
import { descriptorKey, pipeKey } from '../key-text';
import { accessOf } from '../open-flags';
import { batchesOf, imageOf } from '../open-image';
import { pipeName } from '../pipe-name';
import { isWholeTerminal } from '../terminals';
import { unixSocketOf } from '../unix-sockets';
import { entryKey, idOfKey } from './entry-key';
import { InOrder } from './in-order';
import type { Descriptors, OpenEntry } from './open-entry';
import { Overview } from './overview';

/** More than these are not made before the first is handed on. */
const RECORDS_AT_ONCE = 64;
/** The same for descriptors of entries: one entry can have millions. */
const DESCRIPTORS_AT_ONCE = 1024;

/** An entry whose turn has not come yet. */
interface Waiting {
  readonly key: number;
  readonly id: number;
  readonly type: number;
  readonly facts?: EntryFacts;
  readonly socket?: UnixSkEntry;
  /** Where the facts are in another entry: what it says itself, and the key of that one. */
  readonly pathless?: Omit<PathlessEntry, 'pathId'> & { readonly path: number };
}

/**
 * All entries that a descriptor or an SCM right refers to, ascending by file id, one after the other: memory grows by
 * a few bytes an entry and descriptor, and by the entries that lie in the images earlier than in that order. They come
 * in blocks: to hand on a million one by one takes longer than to read them. Two passes. Reads layouts that no supported CRIU restores too. Throws FdgraftError.
 */
export async function* listEntries(
  source: Source,
  signal?: AbortSignal,
  onOverview: (overview: Overview) => void = () => {},
): AsyncGenerator<readonly OpenEntry[], void, undefined> {
  const overview = await Overview.of(source, signal);
  onOverview(overview);
  const { keys } = overview;
  const order = new InOrder<Waiting>(keys);
  const paths = new Map<number, EntryFacts>();
  const view = new FileEntryView();
  // A path that is not there at all is not waited for.
  const isReady = ({ pathless }: Waiting) =>
    pathless === undefined || paths.has(pathless.path) || !keys.has(pathless.path);

  for await (const member of source.members()) {
    signal?.throwIfAborted();
    const image = imageOf(member);
    const type = image === undefined ? undefined : typeOfImage(image.kind);
    const isWanted = overview.layout.isPerType ? type !== undefined : image?.kind.name === 'FILES';
    if (image === undefined || !isWanted) continue;
    const visit = (bytes: Uint8Array, start: number, end: number) => {
      const entry = type === undefined ? view.read(bytes, start, end) : view.readBare(type, bytes, start, end);
      const waiting = readEntry(entry);
      if (waiting.facts !== undefined && overview.paths.has(waiting.key)) paths.set(waiting.key, waiting.facts);
      order.put(waiting.key, waiting);
    };
    for await (const batch of batchesOf(member, image)) {
      for (const chunk of batch.chunks(RECORDS_AT_ONCE)) {
        await yieldToEventLoop();
        signal?.throwIfAborted();
        chunk.each(visit);
        for (const block of inBlocks(() => nextOf(order, isReady, overview, paths))) yield block;
      }
    }
  }
  // What is left waits for a path that is no path.
  const missing = listMissing(overview);
  for (const next of [() => nextOf(order, () => true, overview, paths), () => missing.next().value]) {
    for (const block of inBlocks(next)) {
      await yieldToEventLoop();
      signal?.throwIfAborted();
      yield block;
    }
  }
}

function readEntry(view: FileEntryView): Waiting {
  const { id, type } = view;
  const key = entryKey(id, type);
  const facts = describeEntry(view);
  if (facts !== undefined) {
    const socket = unixSocketOf(view);
    return { key, id, type, facts, ...(socket === undefined ? {} : { socket }) };
  }
  const pathless = readPathless(view);
  if (pathless !== undefined) {
    return { key, id, type, pathless: { ...pathless, path: entryKey(pathless.pathId, FD_TYPES.REG) } };
  }
  return { key, id, type };
}

/** `next` gives entries up to the last of those that are to be had now. */
function* inBlocks(next: () => OpenEntry | undefined): Generator<readonly OpenEntry[]> {
  let block: OpenEntry[] = [];
  let descriptors = 0;
  for (let entry = next(); entry !== undefined; entry = next()) {
    block.push(entry);
    descriptors += entry.descriptors.length;
    if (block.length < RECORDS_AT_ONCE && descriptors < DESCRIPTORS_AT_ONCE) continue;
    yield block;
    block = [];
    descriptors = 0;
  }
  if (block.length > 0) yield block;
}

/** The next entry whose turn has come. */
function nextOf(
  order: InOrder<Waiting>,
  isReady: (waiting: Waiting) => boolean,
  overview: Overview,
  paths: ReadonlyMap<number, EntryFacts>,
): OpenEntry | undefined {
  for (let waiting = order.take(isReady); waiting !== undefined; waiting = order.take(isReady)) {
    const entry = conclude(waiting, overview, paths);
    if (entry !== undefined) return entry;
  }
  return undefined;
}

function conclude(waiting: Waiting, overview: Overview, paths: ReadonlyMap<number, EntryFacts>): OpenEntry | undefined {
  const { key, id, type, pathless, socket } = waiting;
  const descriptors = overview.descriptorsOf(key);
  if (descriptors.length === 0 && !overview.isUnderWay(id)) return undefined;
  const described = pathless === undefined ? waiting.facts : describePathless(pathless, paths);
  const keyed = described && overview.memfds.withState(overview.terminals.withKey(described));
  const facts = named(keyed, type, descriptors, overview);
  const terminal = overview.terminals.of(facts?.terminalId);
  const name = typeName(type);
  const pipeId = facts?.pipeId;
  const isOuter = socket !== undefined && overview.sockets.hasOuterPeer(socket);
  const missingEnd = type === FD_TYPES.PIPE && pipeId !== undefined ? overview.missingEnd(pipeId) : undefined;
  return {
    id,
    type: name,
    facts,
    unreadBytes:
      pipeId === undefined ? overview.queuedBytesOf(id, facts) : overview.unreadBytesOf(pipeName(name, pipeId)),
    missingEnd,
    terminal,
    isExternal: isOuter || missingEnd !== undefined || terminal !== undefined || facts?.isExternal === true,
    descriptors,
    others: overview.othersOf(key, id),
    ties: overview.tiesOf(descriptors, facts),
  };
}

/** The facts with a key that takes this entry; undefined where none does. */
function named(
  facts: EntryFacts | undefined,
  type: number,
  descriptors: Descriptors,
  overview: Overview,
): EntryFacts | undefined {
  if (facts === undefined) return undefined;
  const terminal = overview.terminals.of(facts.terminalId);
  // CRIU restores the two ends of a pty together, and no other kind of terminal is one of the caller's.
  if (terminal !== undefined && (terminal.role === 'other' || overview.terminals.hasOtherEnd(terminal)))
    return undefined;
  if (type === FD_TYPES.PIPE) return nameEnd(facts, overview);
  const described = terminal === undefined || isWholeTerminal(terminal) ? facts : withoutKind(facts);
  // The key /dev/tty names the terminals of sessions.
  if (facts.isNameless !== true && terminal?.role !== 'current') return described;
  const path = facts.isNameless === true ? {} : { path: facts.key };
  for (const { pids, fd } of descriptors) {
    const [pid] = pids;
    if (pid !== undefined) return { ...described, ...path, key: descriptorKey(pid, fd) };
  }
  return undefined;
}

/** The key of a pipe is that of all its ends: where there are both, an end gets one of its own. */
function nameEnd(facts: EntryFacts, overview: Overview): EntryFacts {
  const { pipeId, flags } = facts;
  if (pipeId === undefined || !overview.isDivided(pipeId)) return facts;
  return { ...facts, key: pipeKey(pipeId, accessOf(flags).read ? 'read' : 'write') };
}

function describePathless(
  { type, decoded, path }: NonNullable<Waiting['pathless']>,
  paths: ReadonlyMap<number, EntryFacts>,
): EntryFacts | undefined {
  const found = paths.get(path);
  return found === undefined && type.mayLackPath !== true ? undefined : type.describe(decoded, found);
}

/** Descriptors of entries that are not there, or are of another type. */
function* listMissing(overview: Overview): Generator<OpenEntry, undefined> {
  const missing = new Set<number>();
  let last: number | undefined;
  for (const key of overview.keysOfDescriptors()) {
    if (key !== last && !overview.keys.has(key)) missing.add(key);
    last = key;
  }
  for (const key of [...missing].sort((a, b) => a - b)) {
    const descriptors = overview.descriptorsOf(key);
    const nothing = {
      facts: undefined,
      unreadBytes: 0,
      missingEnd: undefined,
      terminal: undefined,
      isExternal: false,
      others: [],
    };
    yield { id: idOfKey(key), type: 'missing', ...nothing, descriptors, ties: overview.tiesOf(descriptors, undefined) };
  }
  return undefined;
}
