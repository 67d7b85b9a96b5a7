import { pushTo } from '../../bytes/groups';
import { Numbers } from '../../bytes/numbers';
import { messages } from '../../errors/messages';
import { decode } from '../../schema/decode';
import { FD_TYPES, PIPE_ENTRY, SK_PACKET_ENTRY, TCP_STREAM_ENTRY } from '../../schema/generated/images';
import type { Source } from '../../storage/source';
import { readPathless } from '../describe-entry';
import { canBeWatched, type DescriptorTie } from '../descriptor-names';
import { type DescriptorView, isCloseOnExec } from '../descriptor-record';
import type { EntryFacts } from '../entry-facts';
import { EpollWatches } from '../epoll-watches';
import type { FileEntryView } from '../file-entry';
import { IdSet } from '../id-set';
import { Layout } from '../layout';
import { Memfds } from '../memfds';
import { type HolderKind, typeAmong } from '../message-rows';
import { accessOf } from '../open-flags';
import { type PipeName, pipeName } from '../pipe-name';
import { SortedRows } from '../sorted-rows';
import { Tally } from '../tally';
import { TaskImages } from '../task-images';
import { Tasks } from '../tasks';
import { Terminals } from '../terminals';
import { UnixSockets } from '../unix-sockets';
import type { Subscriber } from '../walk/subscriber';
import { tells, walk } from '../walk/walk';
import { entryKey, idOfKey } from './entry-key';
import { SortedKeys } from './in-order';
import type { Descriptor, Descriptors, OtherReference, Tie } from './open-entry';
import { PackedDescriptors, type Ranks } from './packed-descriptors';

/** So many descriptors of one entry are made one by one, when they are asked for. */
const PACKED_FROM = 1024;

/** One image whose records refer to entries. */
interface Referrer {
  /** The number in its name. */
  readonly number: number;
  /** For tables, when all tasks are known. */
  pids: readonly number[];
  names: readonly string[];
  /** How many descriptors it has, where it is a table. */
  count: number;
}

function rank(referrers: readonly Referrer[]): Ranks {
  const referrerAt = Uint32Array.from(referrers, (_one, i) => i).sort((a, b) => {
    const [first, second] = [referrers[a] as Referrer, referrers[b] as Referrer];
    return (first.pids[0] ?? 0) - (second.pids[0] ?? 0) || first.number - second.number;
  });
  const rankOf = new Uint32Array(referrers.length);
  referrerAt.forEach((referrer, place) => {
    rankOf[referrer] = place;
  });
  return { rankOf, referrerAt };
}

/**
 * What a first pass finds out: all that is told of an entry elsewhere than in its own record. Grows by 9 bytes a
 * descriptor and 8 an entry.
 */
export class Overview {
  readonly layout = new Layout();
  readonly tasks = new Tasks();
  readonly taskImages = new TaskImages();
  /** Keys of the entries of the checkpoint. */
  readonly keys = new SortedKeys();
  /** Keys of regular entries that hold the path of another one. */
  readonly paths = new Set<number>();
  readonly sockets = new UnixSockets();
  readonly terminals = new Terminals();
  readonly memfds = new Memfds();

  private readonly descriptors = new SortedRows();
  private readonly others = new SortedRows();
  /** The first is no image: what refers without being in one of its own. */
  private readonly referrers: Referrer[] = [{ number: 0, pids: [], names: [], count: 0 }];
  private readonly holderKinds: HolderKind[] = [];
  private readonly scmRights = new Map<number, OtherReference[]>();
  private readonly names: DescriptorTie[] = [];
  private readonly watches = new EpollWatches();
  private readonly ties = new Map<string, Tie[]>();
  private readonly unread = new Map<PipeName, number>();
  /** Bytes in the queues of unix sockets by file id, and of connections by inode. */
  private readonly queued = new Map<number, number>();
  private readonly streams = new Map<number, number>();
  /** Pipes with an entry that is both ends, or neither. */
  private readonly undividedPipes = new IdSet();
  private readonly readEnds = new IdSet();
  private readonly writeEnds = new IdSet();
  private readonly foundReferrers = new Numbers();
  private readonly foundFds = new Numbers();
  private ranked: Ranks | undefined;
  private readonly tally: Tally;
  /** Number of the image that is being read. */
  private referrer = 0;

  private constructor(source: string) {
    this.tally = new Tally(source);
  }

  /** Reads the whole source. Throws FdgraftError. */
  static async of(source: Source, signal?: AbortSignal): Promise<Overview> {
    const overview = new Overview(source.label);
    const { layout, tasks, taskImages, terminals, memfds, events } = overview;
    await walk(
      source,
      [layout.events, tasks.events, tasks.coreEvents, taskImages.events, terminals.events, memfds.events, events],
      signal,
    );
    overview.conclude(source.label);
    return overview;
  }

  private readonly events: Subscriber = {
    opened: (open) => {
      if (!tells(open, this.events)) return;
      const { number } = open;
      this.referrer = this.referrers.push({ number, pids: [], names: [], count: 0 }) - 1;
    },
    entry: (entry) => this.seeEntry(entry),
    bareEntry: (entry) => this.seeEntry(entry),
    path: (id, kind) => this.addOther(id, kind, 0),
    descriptor: (descriptor) => this.seeDescriptor(descriptor),
    // The bytes of a queue are counted elsewhere.
    reference: (id, kind) => kind !== 'queue of a socket' && this.addOther(id, kind, this.referrer),
    packet: (rights, bytes, start, end) => {
      const { id_for: socketId, length } = decode(SK_PACKET_ENTRY, bytes, start, end);
      this.addUnread(this.queued, socketId, length);
      this.tally.count('rights', rights.length);
      for (const id of rights) pushTo(this.scmRights, id, { what: 'SCM right', socketId });
    },
    connection: (bytes, start, end, { open }) => {
      const { inq_len, outq_len } = decode(TCP_STREAM_ENTRY, bytes, start, end);
      if (inq_len + outq_len > 0) this.streams.set(open.number, inq_len + outq_len);
    },
    tie: (tie) => {
      this.tally.count('locks');
      this.names.push(tie);
    },
    watch: (watch) => {
      if (this.watches.add(watch)) this.tally.count('watches');
    },
    unread: (data, type) => {
      this.addUnread(this.unread, pipeName(type, data.pipe_id), data.bytes);
    },
  };

  private addUnread<Key>(counts: Map<Key, number>, key: Key, bytes: number): void {
    const known = counts.get(key);
    if (known === undefined) this.tally.count('unread');
    counts.set(key, (known ?? 0) + bytes);
  }

  private seeEntry(entry: FileEntryView): void {
    const { id, type, member, bytes, start, end } = entry;
    this.tally.count('entries');
    this.sockets.see(entry);
    this.keys.add(entryKey(id, type));
    if (type === FD_TYPES.PIPE && member !== 0) {
      const { pipe_id, flags } = decode(PIPE_ENTRY, bytes, start, end);
      const { read, write } = accessOf(flags);
      if (read) this.readEnds.add(pipe_id);
      if (write) this.writeEnds.add(pipe_id);
      if (read === write) this.undividedPipes.add(pipe_id);
      return;
    }
    const pathless = readPathless(entry);
    if (pathless !== undefined) this.paths.add(entryKey(pathless.pathId, FD_TYPES.REG));
  }

  private seeDescriptor(descriptor: DescriptorView): void {
    const { id, type, fd, flags } = descriptor.checkComplete();
    const { referrer } = this;
    this.tally.count('descriptors');
    const table = this.referrers[referrer] as Referrer;
    table.count += 1;
    if (type === FD_TYPES.EVENTPOLL) this.watches.addEpoll(table.number, id);
    this.descriptors.add(entryKey(id, type), referrer * 2 + Number(isCloseOnExec(flags)), fd);
  }

  private addOther(id: number, kind: HolderKind, referrer: number): void {
    const type = typeAmong(kind);
    if (type === undefined) return;
    this.tally.count('others');
    let number = this.holderKinds.indexOf(kind);
    if (number === -1) number = this.holderKinds.push(kind) - 1;
    this.others.add(entryKey(id, type), number, referrer);
  }

  private conclude(source: string): void {
    this.layout.checkReadable(source);
    const { tableNumbers } = this.layout;
    if (tableNumbers !== 'ids') this.tasks.useOldTables(tableNumbers);
    this.keys.finish();
    const repeated = this.keys.firstRepeated();
    if (repeated !== undefined) throw messages.duplicateFileId({ file: 'files.img' }, idOfKey(repeated));
    this.descriptors.finish();
    this.others.finish();
    for (const referrer of this.referrers) {
      referrer.pids = this.tasks.pidsOf(referrer.number);
      this.tally.count('places', referrer.count * referrer.pids.length);
      referrer.names = referrer.pids.map((pid) => this.tasks.nameOf(pid) ?? '');
    }
    for (const { pid, fd, what } of this.names) {
      const table = this.tasks.tableOf(pid);
      if (table !== undefined) pushTo(this.ties, `${table}/${fd}`, { what, pid, fd });
    }
  }

  /** The descriptors of an entry, by task and number. */
  descriptorsOf(key: number): Descriptors {
    const { foundReferrers: referrers, foundFds: fds } = this;
    referrers.clear();
    fds.clear();
    this.descriptors.visit(key, (referrer, fd) => {
      referrers.push(referrer);
      fds.push(fd);
    });
    const make = (referrer: number, fd: number): Descriptor => {
      const { number: table, pids, names } = this.referrers[referrer >>> 1] as Referrer;
      return { table, pids, names, fd, closeOnExec: (referrer & 1) === 1 };
    };
    if (referrers.length > PACKED_FROM) {
      return new PackedDescriptors(referrers.slice(), fds.slice(), this.ranks(), make);
    }
    if (referrers.length === 1) return [make(referrers.at(0), fds.at(0))];
    const found: Descriptor[] = [];
    let isInOrder = true;
    for (let i = 0; i < referrers.length; i += 1) {
      const one = make(referrers.at(i), fds.at(i));
      // As they come from one table.
      isInOrder &&= i === 0 || byTask(found[i - 1] as Descriptor, one) <= 0;
      found.push(one);
    }
    return isInOrder ? found : found.sort(byTask);
  }

  /** Places of the referrers by task and table. */
  private ranks(): Ranks {
    this.ranked ??= rank(this.referrers);
    return this.ranked;
  }

  /** What else refers to an entry; nothing twice. */
  othersOf(key: number, id: number): OtherReference[] {
    let seen: Set<number> | undefined;
    const found: OtherReference[] = [];
    this.others.visit(key, (kind, referrer) => {
      const place = kind * 2 ** 32 + referrer;
      seen ??= new Set();
      if (seen.has(place)) return;
      seen.add(place);
      const pid = this.referrers[referrer]?.number;
      found.push({ what: this.holderKinds[kind] as HolderKind, ...(pid === undefined || pid === 0 ? {} : { pid }) });
    });
    const rights = this.scmRights.get(id);
    return rights === undefined ? found : [...found, ...rights];
  }

  /** True where an SCM right refers to it. */
  isUnderWay(id: number): boolean {
    return this.scmRights.has(id);
  }

  /** `facts`: of the entry that the descriptors refer to, where they are known. */
  tiesOf(descriptors: Descriptors, facts: EntryFacts | undefined): Tie[] {
    if (this.ties.size === 0 && this.watches.isEmpty) return [];
    const found: Tie[] = [];
    for (const { table, fd } of descriptors) {
      for (const tie of this.ties.get(`${table}/${fd}`) ?? []) found.push(tie);
      let last: number | undefined;
      for (const { epoll, inode } of this.watches.of(table, fd)) {
        if (epoll === last || (facts !== undefined && !canBeWatched(facts, inode))) continue;
        this.tally.count('ties');
        found.push({ what: 'a watch of an epoll', fd, epoll });
        last = epoll;
      }
    }
    return found;
  }

  unreadBytesOf(pipe: PipeName): number {
    return this.unread.get(pipe) ?? 0;
  }

  /** The number of bytes in the queues of a socket. */
  queuedBytesOf(id: number, facts: EntryFacts | undefined): number {
    if (facts?.socketInode === undefined) return 0;
    return this.queued.get(id) ?? this.streams.get(facts.socketInode) ?? 0;
  }

  /** The end of a pipe that no entry is. FIFOs are opened by their path, so nothing of them is missing. */
  missingEnd(pipeId: number): 'read' | 'write' | undefined {
    if (!this.readEnds.has(pipeId)) return 'read';
    return this.writeEnds.has(pipeId) ? undefined : 'write';
  }

  /** True where some entries of a pipe are its read end, all others its write end: then keys can name either. */
  isDivided(pipeId: number): boolean {
    return this.readEnds.has(pipeId) && this.writeEnds.has(pipeId) && !this.undividedPipes.has(pipeId);
  }

  /** Keys that descriptors have, each at least once. */
  keysOfDescriptors(): Iterable<number> {
    return this.descriptors.allKeys();
  }
}

/** By the first task, table and number. */
function byTask(a: Descriptor, b: Descriptor): number {
  return (a.pids[0] ?? 0) - (b.pids[0] ?? 0) || a.table - b.table || a.fd - b.fd;
}
